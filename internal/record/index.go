package record

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/tallystick/tallystick/internal/record/transform"
	"github.com/tallystick/tallystick/internal/storage"
)

// A field is indexed as a property of its type: one property of a kind has one type
// only, and one field may hold text in one record and a number in another. Besides,
// each record has these.
const (
	liveProperty    = "live" // true; what the store keeps of a removed record has none
	madeProperty    = "made" // the version of the settings that made transformed
	createdProperty = "created"
	updatedProperty = "updated"
)

const (
	maxFieldBytes = storage.MaxPropertyBytes - 2 // of an indexed field's name
	autoIndexes   = 20                           // fields that are indexed where the settings name none
	maxFields     = 200                          // that a collection remembers
)

// ErrIndexed says that an indexed field does not hold what the settings say.
var ErrIndexed = errors.New("indexed field")

func property(field string, t Type) string {
	switch field {
	case CreateTime:
		return createdProperty
	case UpdateTime:
		return updatedProperty
	}
	return string(t[:1]) + "_" + field
}

// own says whether a field of this name is the record's, whatever its document has.
func own(field string) bool { return field == CreateTime || field == UpdateTime }

// indexable says whether a field's name can be a property's.
func indexable(field string) bool {
	return len(field) <= maxFieldBytes && strings.IndexByte(field, 0) < 0
}

// scalar is a JSON text, number or truth, or a time that a filter names.
type scalar struct {
	kind byte   // 's', 'n', 'b' or 't'
	text string // decoded, or the literal
	time time.Time

	// reread says that the literal was lost on the way: 007 is 7 here, and 1.50 is 1.5.
	reread bool
}

// shown is the scalar for an error message.
func (v scalar) shown() string {
	switch v.kind {
	case 's':
		return fmt.Sprintf("the text %.40q", v.text)
	case 't':
		return "a time"
	}
	return v.text
}

// as returns the scalar as a value of the type, as it is indexed.
func (v scalar) as(t Type) (any, bool) {
	switch {
	case t == String && (v.kind == 's' || v.kind == 'n' && !v.reread): // canonical text that looks like a number is one
		return v.text, true
	case t == Number && v.kind == 'n':
		f, err := strconv.ParseFloat(v.text, 64)
		return f, err == nil && !math.IsInf(f, 0)
	case t == Integer && v.kind == 'n':
		n, err := strconv.ParseInt(v.text, 10, 64)
		return n, err == nil
	case t == Boolean && v.kind == 'b':
		return v.text == "true", true
	case t == Time && v.kind == 't':
		return v.time.UTC().Truncate(storage.TimeResolution), true
	case t == Time && v.kind == 's':
		at, ok := transform.Text(v.text).(time.Time)
		return at.UTC().Truncate(storage.TimeResolution), ok && at.Year() >= 1
	}
	return nil, false
}

// typeOf is the type by which a field is indexed where the settings do not say.
func (v scalar) typeOf() Type {
	switch v.kind {
	case 'n':
		return Number
	case 'b':
		return Boolean
	}
	if _, ok := v.as(Time); ok {
		return Time
	}
	return String
}

// facts are what a document taught about its collection's fields.
type facts struct {
	fields    []Index
	unindexed []string
}

// index returns the properties of a document by the settings, and what it teaches.
func (s Settings) index(transformed []byte) (map[string]any, facts, error) {
	if s.Indexes == nil {
		return autoIndex(transformed)
	}
	types := make(map[string]Type, len(s.Indexes))
	for _, x := range s.Indexes {
		types[x.Field] = x.Type
	}
	index := make(map[string]any, len(types)+4)
	err := scalars(transformed, func(field string, v scalar) error {
		t, ok := types[field]
		if !ok || own(field) {
			return nil
		}
		value, ok := v.as(t)
		if !ok {
			return fmt.Errorf("%w: %s has to be of the type %s", ErrIndexed, field, t)
		}
		if s, ok := value.(string); ok && len(s) > storage.MaxIndexedBytes {
			return fmt.Errorf("%w: %s has over %d bytes, which cannot be indexed", ErrIndexed, field, storage.MaxIndexedBytes)
		}
		index[property(field, t)] = value
		return nil
	})
	return index, facts{}, err
}

func autoIndex(transformed []byte) (map[string]any, facts, error) {
	index := make(map[string]any, 8)
	var f facts
	err := scalars(transformed, func(field string, v scalar) error {
		if own(field) || !indexable(field) { // of which nobody can ask
			return nil
		}
		t := v.typeOf()
		value, ok := v.as(t)
		long, text := value.(string)
		if !ok || text && len(long) > storage.MaxIndexedBytes || len(f.fields) == autoIndexes {
			f.unindexed = append(f.unindexed, field)
			return nil
		}
		f.fields = append(f.fields, Index{field, t})
		index[property(field, t)] = value
		return nil
	})
	return index, f, err
}

// scalars calls fn with the top-level fields of an object that hold a scalar, in
// their order.
func scalars(object []byte, fn func(field string, v scalar) error) error {
	d := jsontext.NewDecoder(bytes.NewReader(object))
	if _, err := d.ReadToken(); err != nil {
		return fmt.Errorf("record: transformed: %w", err)
	}
	for d.PeekKind() != '}' {
		name, err := d.ReadToken()
		if err != nil {
			return fmt.Errorf("record: transformed: %w", err)
		}
		field := name.String()
		switch d.PeekKind() {
		case '"', '0', 't', 'f':
		default:
			if err := d.SkipValue(); err != nil {
				return fmt.Errorf("record: transformed: %w", err)
			}
			continue
		}
		value, err := d.ReadToken()
		if err != nil {
			return fmt.Errorf("record: transformed: %w", err)
		}
		if err := fn(field, scalarOf(value)); err != nil {
			return err
		}
	}
	return nil
}

func scalarOf(t jsontext.Token) scalar {
	switch t.Kind() {
	case '"':
		return scalar{kind: 's', text: t.String()}
	case '0':
		return scalar{kind: 'n', text: t.String()}
	}
	return scalar{kind: 'b', text: t.String()}
}

// learn adds what documents taught, and says whether anything was new.
func (c *Collection) learn(all []facts) (changed bool) {
	if c.Settings.Indexes != nil {
		return false
	}
	for _, f := range all {
		for _, x := range f.fields {
			if !slices.Contains(c.Fields[x.Field], x.Type) {
				changed = c.know(x) || changed
			}
		}
		for _, field := range f.unindexed {
			if !slices.Contains(c.Unindexed, field) {
				changed = c.miss(field) || changed
			}
		}
	}
	return changed
}

// learnsOf says whether a document may teach the collection anything.
func (c *Collection) learnsOf(f facts) bool {
	if c.Settings.Indexes != nil {
		return false
	}
	for _, x := range f.fields {
		if types, known := c.Fields[x.Field]; !slices.Contains(types, x.Type) && (known || !c.More) {
			return true
		}
	}
	return !c.More && slices.ContainsFunc(f.unindexed, func(field string) bool { return !slices.Contains(c.Unindexed, field) })
}

func (c *Collection) know(x Index) (changed bool) {
	if len(c.Fields) >= maxFields && c.Fields[x.Field] == nil {
		return c.forget()
	}
	if c.Fields == nil {
		c.Fields = make(map[string][]Type)
	}
	types := append(c.Fields[x.Field], x.Type)
	slices.Sort(types)
	c.Fields[x.Field] = types
	return true
}

func (c *Collection) miss(field string) (changed bool) {
	if len(c.Unindexed) >= maxFields {
		return c.forget()
	}
	c.Unindexed = append(c.Unindexed, field)
	slices.Sort(c.Unindexed)
	return true
}

// forget remembers that there is more than is remembered.
func (c *Collection) forget() (changed bool) {
	changed = !c.More
	c.More = true
	return changed
}
