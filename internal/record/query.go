package record

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tallystick/tallystick/internal/record/transform"
	"github.com/tallystick/tallystick/internal/storage"
)

// ErrIndexRequired says that a field is in no index, or not in that of all records.
var ErrIndexRequired = errors.New("index required")

// An IndexRequiredError says what would make a query work. It is ErrIndexRequired.
type IndexRequiredError struct {
	Reason string
	Remedy string // for a person: what to do
}

func (e *IndexRequiredError) Error() string { return e.Reason + ". " + e.Remedy }

// Is implements errors.Is.
func (e *IndexRequiredError) Is(target error) bool { return target == ErrIndexRequired }

// ErrOrder is an orderBy that is none.
var ErrOrder = errors.New("orderBy")

// query is what answers the terms in the order: equalities on any fields, and a range
// on the field that it orders by.
func (c *Collection) query(terms []Term, orderBy string) (q storage.Query, err error) {
	q.Kind = recordKind + c.Name
	order, descending, err := parseOrder(orderBy)
	if err != nil {
		return q, err
	}
	terms = c.named(terms)
	ranged, isRanged, err := rangedField(terms)
	switch {
	case err != nil:
		return q, err
	case order == "":
		order = ranged
	case isRanged && ranged != order:
		return q, fmt.Errorf("%w: a range on %q is answered in the order of %q only, not of %q", ErrUnsupported, ranged, ranged, order)
	}
	q.Descending = descending
	for _, t := range terms {
		f, err := c.filter(t)
		if err != nil {
			return q, err
		}
		if t.Field == order && t.Op != storage.Equal {
			if q.OrderBy != "" && q.OrderBy != f.Property {
				return q, fmt.Errorf("%w: %s is compared with values of several types", ErrUnsupported, order)
			}
			q.OrderBy = f.Property
		}
		q.Where = append(q.Where, f)
	}
	if order != "" && q.OrderBy == "" {
		if q.OrderBy, err = c.order(order); err != nil {
			return q, err
		}
	}
	if len(terms) == 0 && order == "" {
		q.Where = []storage.Filter{{Property: liveProperty, Op: storage.Equal, Value: true}}
	}
	return q, nil
}

// named returns the terms with the fields' names as this collection's transformed has
// them: a program's names are what it makes them.
func (c *Collection) named(terms []Term) []Term {
	if c.Settings.Transform == "" {
		return terms
	}
	terms = slices.Clone(terms)
	for i := range terms {
		terms[i].Field = terms[i].plain
	}
	return terms
}

// parseOrder reads orderBy as AIP-132 writes it, for one field: "price", "price desc".
func parseOrder(orderBy string) (field string, descending bool, err error) {
	words := strings.Fields(orderBy)
	switch {
	case !utf8.ValidString(orderBy) || len(words) > 0 && !indexable(words[0]):
		return "", false, fmt.Errorf("%w: %.20q… is the name of no indexed field", ErrOrder, orderBy)
	case len(words) == 0:
		return "", false, nil
	case strings.Contains(orderBy, ","):
		return "", false, fmt.Errorf("%w: one field, not several", ErrOrder)
	case len(words) == 2 && (words[1] == "desc" || words[1] == "asc"):
		return words[0], words[1] == "desc", nil
	case len(words) > 1:
		return "", false, fmt.Errorf("%w: %q is not a field, or a field and desc", ErrOrder, orderBy)
	}
	return words[0], false, nil
}

func rangedField(terms []Term) (field string, isRanged bool, err error) {
	for _, t := range terms {
		if t.Op == storage.Equal {
			continue
		}
		if isRanged && field != t.Field {
			return "", false, fmt.Errorf("%w: a range on one field, not on %q and %q", ErrUnsupported, field, t.Field)
		}
		field, isRanged = t.Field, true // a field's name may be empty
	}
	return field, isRanged, nil
}

// filter is the term as a filter on its field's index.
func (c *Collection) filter(t Term) (f storage.Filter, err error) {
	v := t.value
	if t.text && c.Settings.Transform == "" {
		v = asInDocuments(v.text)
	}
	if !indexable(t.Field) {
		return f, fmt.Errorf("%w: no field with a name like %.20q… is in an index", ErrUnsupported, t.Field)
	}
	kind, err := c.indexOf(t.Field, v.typeOf())
	if err != nil {
		return f, err
	}
	if t.text && t.Op != storage.Equal && c.Settings.Indexes == nil && len(c.Fields[t.Field]) > 1 {
		return f, c.mixed(t.Field) // of "01", "2" and "1e2" some are numbers, which a text would not find
	}
	value, ok := v.as(kind)
	if !ok {
		return f, fmt.Errorf("%w: %s has the type %s, and cannot be compared with %s; a text is in quotes", ErrUnsupported, t.Field, kind, t.value.shown())
	}
	if s, text := value.(string); text && len(s) > storage.MaxIndexedBytes {
		return f, fmt.Errorf("%w: %s: no text over %d bytes is in an index", ErrUnsupported, t.Field, storage.MaxIndexedBytes)
	}
	return storage.Filter{Property: property(t.Field, kind), Op: t.Op, Value: value}, nil
}

// asInDocuments is what the canonical form makes of a text.
func asInDocuments(text string) scalar {
	switch v := transform.Text(text).(type) {
	case string:
		return scalar{kind: 's', text: v}
	case time.Time: // a date stays as it is, a date-time is written in UTC
		if text = strings.TrimSpace(text); len(text) > len(time.DateOnly) {
			text = v.Format(time.RFC3339Nano)
		}
		return scalar{kind: 's', text: text}
	case interface{ String() string }: // json.Number
		return scalar{kind: 'n', text: v.String()}
	}
	return scalar{kind: 's', text: text}
}

// indexOf is the type of the field's index, where the value that it is compared with
// has the type given.
func (c *Collection) indexOf(field string, given Type) (Type, error) {
	if c.Settings.Indexes == nil {
		if field == CreateTime {
			given = Time
		}
		return given, c.autoIndexed(field, given)
	}
	i := slices.IndexFunc(c.Settings.Indexes, func(x Index) bool { return x.Field == field })
	switch {
	case i < 0:
		return "", c.required(field, given, "The field %q is in no index", field)
	case slices.Contains(c.Pending, field):
		return "", c.incomplete(field)
	}
	return c.Settings.Indexes[i].Type, nil
}

// autoIndexed fails for a field that is not in the index in all records that have it.
func (c *Collection) autoIndexed(field string, t Type) error {
	switch {
	case field == CreateTime && !c.AllPending:
		return nil
	case c.AllPending && c.Stored:
		return c.incomplete(field)
	case field == UpdateTime:
		return c.required(field, Time, "The field %q is not indexed by itself", field)
	case slices.Contains(c.Unindexed, field):
		return c.required(field, t, "The field %q is in the index of some records only: the first %d fields with a short value are indexed by themselves", field, autoIndexes)
	case c.More:
		return c.required(field, t, "The collection has too many fields to tell whether %q is in the index of all records", field)
	}
	return nil
}

func (c *Collection) required(field string, t Type, format string, args ...any) error {
	if field == CreateTime || field == UpdateTime {
		t = Time
	}
	return &IndexRequiredError{
		Reason: fmt.Sprintf(format, args...),
		Remedy: fmt.Sprintf(`Add {"field":%q,"type":%q} to the indexes of PUT /collections/%s, then run: tallystick retransform %s`, field, t, c.Name, c.Name),
	}
}

// mixed is for a field of several types. As texts all of its values can be in one index.
func (c *Collection) mixed(field string) error {
	return c.required(field, String, "The field %q has values of several types, %v, and each has an order of its own", field, c.Fields[field])
}

func (c *Collection) incomplete(field string) error {
	return &IndexRequiredError{
		Reason: fmt.Sprintf("The index of %q does not have the records that were stored before the settings were changed", field),
		Remedy: fmt.Sprintf("Run: tallystick retransform %s. Records that it names, which cannot be made by the settings, have to be changed or removed first", c.Name),
	}
}

// order is the property to order by, where no range tells the field's type.
func (c *Collection) order(field string) (string, error) {
	if field == CreateTime || field == UpdateTime || c.Settings.Indexes != nil {
		t, err := c.indexOf(field, String)
		if err != nil {
			return "", err
		}
		return property(field, t), nil
	}
	types := c.Fields[field]
	if len(types) == 0 && c.Stored && !c.More && !slices.Contains(c.Unindexed, field) && !c.AllPending {
		return "", fmt.Errorf("%w: no record has a field %q", ErrOrder, field)
	}
	t := String
	if len(types) > 0 {
		t = types[0]
	}
	if err := c.autoIndexed(field, t); err != nil {
		return "", err
	}
	if len(types) > 1 {
		return "", c.mixed(field)
	}
	return property(field, t), nil
}
