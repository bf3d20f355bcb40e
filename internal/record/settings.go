package record

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

const (
	maxIndexes = 50
	maxTTL     = 10 * 365 * 24 * time.Hour
)

var (
	ErrSettings           = errors.New("settings")
	ErrCollectionNotFound = errors.New("there is no such collection")
)

// Type is what an indexed field holds.
type Type string

const (
	String  Type = "string"
	Number  Type = "number"  // compared as a 64-bit floating-point number (IEEE 754)
	Integer Type = "integer" // of 64 bits, exactly
	Boolean Type = "boolean"
	Time    Type = "time" // RFC 3339, or a date, which is its first moment in UTC; to the microsecond
)

// Index is one indexed field: a top-level field of transformed, or CreateTime or
// UpdateTime.
type Index struct {
	Field string `json:"field"`
	Type  Type   `json:"type"`
}

// Fields of the record itself that can be indexed.
const (
	CreateTime = "_createTime"
	UpdateTime = "_updateTime"
)

// Settings are what an owner asks of a collection. The zero Settings are those of
// one that nobody has configured.
type Settings struct {
	Schema    json.RawMessage `json:"schema,omitempty"`    // JSON Schema 2020-12 that an original must keep; empty: any object
	Transform string          `json:"transform,omitempty"` // jq program; empty: the canonical form
	Indexes   []Index         `json:"indexes"`             // nil: the first fields by themselves, see index.go
	TTL       time.Duration   `json:"ttl,omitempty"`       // after its last change a record expires; 0: never
}

func (s Settings) equal(o Settings) bool {
	return bytes.Equal(s.Schema, o.Schema) && s.Transform == o.Transform && s.TTL == o.TTL &&
		(s.Indexes == nil) == (o.Indexes == nil) && slices.Equal(s.Indexes, o.Indexes)
}

// compact is what a schema is stored as.
func compact(schema json.RawMessage) json.RawMessage {
	var b bytes.Buffer
	if json.Compact(&b, schema) != nil {
		return schema // for its compiler to refuse
	}
	return b.Bytes()
}

// ready returns the settings as they are stored and as they are used, or what is wrong with
// them.
func (s Settings) ready() (Settings, *compiled, error) {
	if err := s.check(); err != nil {
		return s, nil, err
	}
	s.Schema = compact(s.Schema)
	c, err := compile(s)
	return s, c, err
}

func (s Settings) check() error {
	wrong := func(format string, args ...any) error {
		return fmt.Errorf("%w: "+format, append([]any{ErrSettings}, args...)...)
	}
	if s.TTL < 0 || s.TTL > maxTTL {
		return wrong("ttlSeconds is 0, which is for ever, to %d", int(maxTTL/time.Second))
	}
	if len(s.Indexes) > maxIndexes {
		return wrong("at most %d indexes, not %d", maxIndexes, len(s.Indexes))
	}
	seen := make(map[string]bool)
	for _, x := range s.Indexes {
		own := x.Field == CreateTime || x.Field == UpdateTime
		switch {
		case seen[x.Field]:
			return wrong("field %q is indexed twice", x.Field)
		case !indexable(x.Field):
			return wrong("field %q cannot be indexed: a name has at most %d bytes and no NUL", x.Field, maxFieldBytes)
		case own && x.Type != Time:
			return wrong("%s has the type time", x.Field)
		case !slices.Contains([]Type{String, Number, Integer, Boolean, Time}, x.Type):
			return wrong("field %q: %q is not string, number, integer, boolean or time", x.Field, x.Type)
		}
		seen[x.Field] = true
	}
	return nil
}

// Collection is a collection's settings and what is known about it.
type Collection struct {
	Name     string
	Settings Settings
	Version  int64 // of the settings: 0 while nobody has configured them
	Created  time.Time
	Updated  time.Time // of the settings

	// Pending says why a filter may not find all records until Retransform has run:
	// which fields' indexes are not complete. AllPending: none is.
	Pending    []string
	AllPending bool

	// Fields are those that records have had, with their types, while the settings
	// named no indexes, and Unindexed those among them that were not indexed in some
	// record. More says that there were others, beyond what is kept.
	Fields    map[string][]Type
	Unindexed []string
	More      bool

	Stored  bool // some record has been stored
	Expires bool // some record may have an expiry
}

// ETag is the settings' version.
func (c *Collection) ETag() string { return fmt.Sprintf(`"%d"`, c.Version) }

// clone is a copy that can learn.
func (c *Collection) clone() *Collection {
	d := *c
	d.Unindexed = slices.Clone(c.Unindexed)
	d.Fields = make(map[string][]Type, len(c.Fields))
	for field, types := range c.Fields {
		d.Fields[field] = slices.Clone(types)
	}
	return &d
}

func (c *Collection) encode() storage.Entity {
	var data bytes.Buffer
	e := json.NewEncoder(&data)
	e.SetEscapeHTML(false) // a schema stays as it is
	if err := e.Encode(c); err != nil {
		panic(fmt.Errorf("record: encode collection: %w", err)) // of a schema that was not checked
	}
	return storage.Entity{Key: collectionKey(c.Name), Data: data.Bytes()}
}

// encodeSettings is the entity that keeps the settings of this version: a reply that
// is given again is by those that it was first given by.
func (c *Collection) encodeSettings() storage.Entity {
	e := c.encode()
	e.Key = settingsKey(c.Name, c.Version)
	return e
}

// decodeCollection returns the collection of an entity. Of a missing one it is what
// a collection begins as.
func decodeCollection(e storage.Entity) (*Collection, error) {
	c := &Collection{Name: e.Key.Name}
	if !e.Exists {
		return c, nil
	}
	if err := json.Unmarshal(e.Data, c); err != nil {
		return nil, fmt.Errorf("record: decode %s: %w", e.Key, err)
	}
	return c, nil
}

// Collection returns a collection, or ErrCollectionNotFound where nothing has been
// stored or configured.
func (r *Reader) Collection(ctx context.Context, name string) (*Collection, error) {
	c, err := r.collection(ctx, name)
	if err == nil && c.Created.IsZero() {
		err = fmt.Errorf("%w: %q", ErrCollectionNotFound, name)
	}
	return c, err
}

func (r *Reader) collection(ctx context.Context, name string) (*Collection, error) {
	e, err := r.collectionEntity(ctx, name)
	if err != nil {
		return nil, err
	}
	return decodeCollection(e)
}

func (r *Reader) collectionEntity(ctx context.Context, name string) (storage.Entity, error) {
	if err := CheckCollection(name); err != nil {
		return storage.Entity{}, err
	}
	entities, err := r.source.Get(ctx, collectionKey(name))
	if err != nil {
		return storage.Entity{}, fmt.Errorf("record: collection %s: %w", name, err)
	}
	return entities[0], nil
}

// Collections returns a page of the collections in order of name, and the token of
// the next page.
func (r *Reader) Collections(ctx context.Context, size int, token string) ([]*Collection, string, error) {
	page, err := r.source.Query(ctx, storage.Query{Kind: CollectionKind, Limit: size, Cursor: token})
	if err != nil {
		return nil, "", fmt.Errorf("record: collections: %w", err)
	}
	var all []*Collection
	bytes := 0
	for i, e := range page.Entities {
		c, err := decodeCollection(e)
		if err != nil {
			return nil, "", err
		}
		all = append(all, c)
		if bytes += len(e.Data); bytes > maxReplyBytes && i < len(page.Entities)-1 {
			return all, page.After(i), nil
		}
	}
	return all, page.Next, nil
}

// Configure replaces a collection's settings. Records that are there keep what was
// made of them until Retransform; those that do not keep the new schema stay.
// Settings that are there already are left as they are.
func (s *Service) Configure(ctx context.Context, name string, settings Settings, cond Condition) (c *Collection, created bool, err error) {
	if err := CheckCollection(name); err != nil {
		return nil, false, err
	}
	if settings, _, err = settings.ready(); err != nil {
		return nil, false, err
	}
	now := s.now().UTC().Truncate(storage.TimeResolution)
	var wrote *Collection // by the last run, whose commit may have been applied
	err = s.store.Update(ctx, func(tx storage.Tx) error {
		keys := []storage.Key{collectionKey(name)}
		if wrote != nil {
			keys = append(keys, settingsKey(name, wrote.Version))
		}
		entities, err := tx.Get(keys...)
		if err != nil {
			return err
		}
		if wrote != nil && bytes.Equal(entities[1].Data, wrote.encode().Data) {
			c, created = wrote, wrote.Version == 1
			return nil
		}
		if c, err = decodeCollection(entities[0]); err != nil {
			return err
		}
		created = c.Version == 0
		if err := cond.check(c.ETag(), !created); err != nil {
			return fmt.Errorf("collection %s: %w", name, err)
		}
		if !created && c.Settings.equal(settings) {
			return nil
		}
		c.configure(settings, now)
		wrote = c
		if err := tx.Put(c.encodeSettings()); err != nil {
			return err
		}
		return tx.Put(c.encode())
	})
	if err != nil {
		return nil, false, err
	}
	return c, created, nil
}

func (c *Collection) configure(settings Settings, now time.Time) {
	c.AllPending, c.Pending = c.pendingUnder(settings)
	if c.Settings.Indexes != nil && settings.Indexes == nil { // what was learned before has holes
		c.Fields, c.Unindexed, c.More = nil, nil, false
	}
	c.Settings = settings
	c.Version++
	c.Updated = now
	if c.Created.IsZero() {
		c.Created = now
	}
	c.Expires = c.Expires || settings.TTL > 0
}

// pendingUnder says which fields of new settings are not indexed in all records that
// are there.
func (c *Collection) pendingUnder(settings Settings) (all bool, fields []string) {
	switch {
	case !c.Stored:
		return false, nil
	case settings.Indexes == nil:
		return c.AllPending || c.Settings.Indexes != nil, nil
	}
	for _, x := range settings.Indexes {
		if !c.indexed(x) {
			fields = append(fields, x.Field)
		}
	}
	return false, fields
}

// indexed says whether all records that are there are indexed so.
func (c *Collection) indexed(x Index) bool {
	if c.Settings.Indexes != nil {
		return slices.Contains(c.Settings.Indexes, x) && !slices.Contains(c.Pending, x.Field)
	}
	if x.Field == CreateTime {
		return !c.AllPending
	}
	types := c.Fields[x.Field]
	return !c.AllPending && !c.More && x.Field != UpdateTime && !slices.Contains(c.Unindexed, x.Field) &&
		(len(types) == 0 || len(types) == 1 && types[0] == x.Type)
}
