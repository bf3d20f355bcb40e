package record

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/tallystick/tallystick/internal/merge"
	"github.com/tallystick/tallystick/internal/storage"
)

// Document is what a client wants kept.
type Document struct {
	ID   string // empty: one is made
	Data []byte // a JSON object that has been read strictly: no name twice, UTF-8
}

// Verdict says what became of a document.
type Verdict string

const (
	Inserted  Verdict = "inserted"
	Updated   Verdict = "updated"
	Unchanged Verdict = "unchanged" // it is there, byte for byte
	Existing  Verdict = "existing"  // a record of its id is there, and was to be left alone
)

// item is a document on its way to its record.
type item struct {
	id      string
	content *prepared
	cond    Condition
	replace bool    // a record that is there
	base    *Record // that the content was made of, if of one
}

// stamp is what a write gave a record. It is what Idempotency-Key keeps of a reply:
// the rest can be made again of the request.
type stamp struct {
	ID                       string
	Version, Settings        int64
	Created, Updated, Expire int64 // microseconds
	Verdict                  Verdict
}

// change is one write of records of one collection, which happens whole or not at
// all.
type change struct {
	service    *Service
	collection string
	recipe     *recipe
	items      []item
	repeat     bool // a document that is there already is no error
	skip       bool // a document whose record is there is left out and fails no other

	// parts are those of revisions that this change drops, by the revision's key.
	parts map[storage.Key][]storage.Key

	// refused is why there are no items. Only who did the change before, by an
	// idempotency key and the settings of then, is still answered.
	refused error

	// limited are the records whose revisions have been given an expiry by the recipe's
	// settings, see expiry.go.
	limited map[string]bool

	// Found by the last run: the collection's entity, a revision whose parts have to be
	// known, and records whose revisions have to be given an expiry.
	entity  storage.Entity
	unknown *storage.Key
	toLimit []string
}

var (
	errSettings = errors.New("record: settings changed meanwhile")
	errRevision = errors.New("record: a revision's parts are to be known")
)

// maxContentBytes is what one transaction stores of records; the rest of it is for
// the versions before.
const maxContentBytes = storage.MaxTxBytes - 384<<10

var errTooMuch = fmt.Errorf("%w: the records with what is made of them are too much for one transaction; send fewer at once", ErrTooLarge)

// maxTries bounds how often a write is prepared anew because others were faster.
const maxTries = 1000

// write carries out a change with the items that prepare makes by a recipe.
func (s *Service) write(ctx context.Context, c change, id *merge.Idempotency, prepare func(*recipe) ([]item, error),
) (stamps []stamp, r *recipe, replayed bool, err error) {
	collection := c.collection
	parts, limited := make(map[storage.Key][]storage.Key), make(map[string]bool)
	renew := func() (err error) {
		clear(limited) // the expiry that others gave may be too early for these
		r, err = s.recipe(ctx, collection)
		return err
	}
	if r = s.recipes.get(collection); r == nil {
		if err := renew(); err != nil {
			return nil, nil, false, err
		}
	}
	for range maxTries {
		items, refused := prepare(r)
		if errors.Is(refused, ErrDocument) || errors.Is(refused, errNoItems) {
			was := r.collection.Version
			if err := renew(); err != nil {
				return nil, nil, false, err
			}
			if r.collection.Version != was { // by settings that are no longer
				continue
			}
		}
		if refused != nil && (id == nil || !errors.Is(refused, ErrDocument)) {
			return nil, nil, false, refused
		}
		c := c // a run that is still in flight when its caller has gone keeps its own
		c.service, c.recipe, c.items, c.refused = s, r, items, refused
		c.parts, c.limited = parts, limited
		stamps, replayed, err := c.do(ctx, id)
		switch {
		case errors.Is(err, errRevision):
			if parts[*c.unknown], err = s.partsOfRevision(ctx, collection, *c.unknown); err != nil {
				return nil, nil, false, err
			}
		case errors.Is(err, errUnlimited):
			if err := s.limit(ctx, collection, c.toLimit, r.collection.Settings.TTL); err != nil {
				return nil, nil, false, err
			}
			for _, id := range c.toLimit {
				limited[id] = true
			}
		case errors.Is(err, errSettings):
			if err := renew(); err != nil {
				return nil, nil, false, err
			}
		case errors.Is(err, ErrChanged):
			if err := ctx.Err(); err != nil {
				return nil, nil, false, err
			}
		case err != nil:
			return nil, nil, false, err
		default:
			if !replayed {
				_, err = s.recipes.put(c.entity)
			}
			return stamps, r, replayed, err
		}
	}
	return nil, nil, false, fmt.Errorf("%w: %w", storage.ErrConflict, ErrChanged)
}

func (c *change) do(ctx context.Context, id *merge.Idempotency) (stamps []stamp, replayed bool, err error) {
	op := merge.Op[state, []stamp]{Reads: []storage.Key{collectionKey(c.collection)}, Apply: c.apply}
	teaches := c.refused != nil || !c.recipe.collection.Stored
	for _, item := range c.items {
		teaches = teaches || c.recipe.collection.learnsOf(item.content.facts)
		op.Keys = append(op.Keys, recordKey(c.collection, item.id))
		op.Brings += 2 // a revision that comes, one that goes
		size := item.content.size()
		if size > inlineBytes {
			op.Brings += partsOf(item.content.original) + partsOf(item.content.transformed)
		}
		op.Bytes += size + 1024
	}
	if teaches { // all who change the collection's entity go in one batch, and do not fight over it
		op.Keys = append(op.Keys, storage.Key{Kind: recordKind + c.collection, Name: nobody})
	}
	if id == nil {
		stamps, err = c.service.group.Do(ctx, op)
	} else {
		// Requests with one idempotency key go in one batch, whatever ids they are given.
		sum := sha256.Sum256([]byte(id.Key))
		op.Keys = append(op.Keys, storage.Key{Kind: recordKind + c.collection, Name: nobody + hex.EncodeToString(sum[:16])})
		stamps, replayed, err = c.service.group.Once(ctx, op, *id)
	}
	if errors.Is(err, storage.ErrTooLarge) { // the versions before are more than the new ones
		err = errTooMuch
	}
	return stamps, replayed, err
}

// apply is the change in a transaction. It decides about all documents before it
// changes anything.
func (c *change) apply(t *merge.Turn[state]) ([]stamp, error) {
	if c.refused != nil {
		return nil, c.refused
	}
	now := c.service.now().UTC().Truncate(storage.TimeResolution)
	collection, err := c.settled(t.Entity(0))
	if err != nil {
		return nil, err
	}
	stamps := make([]stamp, len(c.items))
	c.toLimit = nil
	for i := range c.items {
		if stamps[i].Verdict, err = c.decide(&c.items[i], t.State(i), now); err != nil {
			return nil, at(i, len(c.items), err)
		}
		if stamps[i].Verdict == Updated && c.unlimited(&c.items[i], t.State(i)) {
			c.toLimit = append(c.toLimit, c.items[i].id)
		}
	}
	if len(c.toLimit) > 0 {
		return nil, errUnlimited
	}
	var learned []facts
	for i := range c.items {
		item, old := &c.items[i], t.State(i)
		next := old
		if v := stamps[i].Verdict; v == Inserted || v == Updated {
			if next, err = c.store(t, i, now); err != nil {
				return nil, err
			}
			learned = append(learned, item.content.facts)
		}
		stamps[i] = stamp{
			ID: item.id, Version: next.version, Settings: next.settings, Created: micros(next.created),
			Updated: micros(next.updated), Expire: micros(next.expire), Verdict: stamps[i].Verdict,
		}
	}
	return stamps, c.note(t, collection, learned, now)
}

// settled returns the collection, if its settings are those of the recipe.
func (c *change) settled(e storage.Entity) (*Collection, error) {
	c.entity = e
	if bytes.Equal(e.Data, c.recipe.raw) {
		return c.recipe.collection, nil
	}
	collection, err := decodeCollection(e)
	if err == nil && collection.Version != c.recipe.collection.Version {
		err = errSettings
	}
	return collection, err
}

// decide says what is to become of a document.
func (c *change) decide(item *item, old *state, now time.Time) (Verdict, error) {
	exists, tag := old.live(now), ""
	if exists {
		tag = old.etag()
	}
	name := c.collection + "/" + item.id
	if err := item.cond.check(tag, exists); err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	switch {
	case item.base != nil && (!exists || !old.isOf(item.base)):
		return "", fmt.Errorf("%s: %w", name, ErrChanged)
	case !exists:
		return Inserted, nil
	case item.replace && c.settles(item, old):
		return Unchanged, nil
	case item.replace:
		return Updated, c.knowsDropped(item, old)
	case c.repeat && old.means(item.content.original):
		return Unchanged, nil
	case c.skip:
		return Existing, nil
	}
	return "", fmt.Errorf("%w: %s", ErrExists, name)
}

// settles says whether the record is already what the document would make it.
func (c *change) settles(item *item, old *state) bool {
	return old.expire.IsZero() && old.settings == c.recipe.collection.Version && old.holds(item.content.original)
}

// knowsDropped fails if the version that goes beyond the newest revisions has parts,
// and it is not known which.
func (c *change) knowsDropped(item *item, old *state) error {
	dropped := old.version - MaxRevisions
	if dropped < 1 || dropped > old.large {
		return nil
	}
	key := revisionKey(c.collection, item.id, dropped)
	if _, known := c.parts[key]; !known {
		c.unknown = &key
		return errRevision
	}
	return nil
}

// store makes the i-th document a record's new version.
func (c *change) store(t *merge.Turn[state], i int, now time.Time) (*state, error) {
	item, old := &c.items[i], t.State(i)
	next := &state{version: 1, created: now, updated: now, settings: c.recipe.collection.Version}
	if ttl := c.recipe.collection.Settings.TTL; ttl > 0 {
		next.expire = now.Add(ttl)
	}
	if old.live(now) {
		next.version, next.created, next.large = old.version+1, old.created, old.large
		if err := c.keepRevision(t, item.id, old, next.expire); err != nil {
			return nil, err
		}
	}
	for _, part := range next.place(c.collection, item.id, item.content.original, item.content.transformed) {
		if err := t.Put(part); err != nil {
			return nil, err
		}
	}
	next.index = c.recipe.properties(item.content.index, next)
	t.Set(i, next)
	return next, nil
}

// properties completes the index of a content with what all records have.
func (r *recipe) properties(index map[string]any, s *state) map[string]any {
	all := make(map[string]any, len(index)+3)
	for name, v := range index {
		all[name] = v
	}
	all[liveProperty], all[madeProperty] = true, s.settings
	if settings := r.collection.Settings; settings.Indexes == nil {
		all[createdProperty] = s.created
	} else {
		for _, x := range settings.Indexes {
			switch x.Field {
			case CreateTime:
				all[createdProperty] = s.created
			case UpdateTime:
				all[updatedProperty] = s.updated
			}
		}
	}
	return all
}

// keepRevision keeps the version that is being replaced as long as the record is there
// by its new expiry, not by that of the version: a record that is changed in time has
// its revisions too. It drops the one that is too many with its parts.
func (c *change) keepRevision(t *merge.Turn[state], id string, old *state, expire time.Time) error {
	revision := *old
	revision.expire = expire
	err := t.Put(storage.Entity{
		Key:    revisionKey(c.collection, id, old.version),
		Data:   codec{}.Append(nil, &revision),
		Expire: expire,
	})
	if err != nil {
		return err
	}
	if dropped := old.version - MaxRevisions; dropped >= 1 {
		key := revisionKey(c.collection, id, dropped)
		t.Delete(key)
		for _, part := range c.parts[key] {
			t.Delete(part)
		}
	}
	return nil
}

// note stores the collection if the change taught anything about it.
func (c *change) note(t *merge.Turn[state], known *Collection, learned []facts, now time.Time) error {
	if len(learned) == 0 {
		return nil
	}
	collection := known.clone()
	first := !collection.Stored
	if !collection.learn(learned) && !first {
		return nil
	}
	collection.Stored = true
	if collection.Created.IsZero() {
		collection.Created = now
	}
	c.entity = collection.encode()
	c.entity.Exists = true
	return t.Put(c.entity)
}

// partsOfRevision names the parts of a revision. It reads outside of any
// transaction: a revision does not change.
func (s *Service) partsOfRevision(ctx context.Context, collection string, key storage.Key) ([]storage.Key, error) {
	entities, err := s.source.Get(ctx, key)
	if err != nil || !entities[0].Exists {
		return nil, err
	}
	revision, err := codec{}.Decode(entities[0].Data)
	if err != nil {
		return nil, fmt.Errorf("record: %s: %w", key, err)
	}
	return revision.partKeys(collection, idOfRevision(key)), nil
}
