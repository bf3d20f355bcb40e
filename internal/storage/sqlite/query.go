package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"fmt"
	"strings"

	"github.com/tallystick/tallystick/internal/storage"
)

// Every query walks along one index, from one place to another: along property's
// primary key in order of OrderBy's value and then name; without OrderBy, along
// one Equal filter's value in order of name; without either, along the kind's
// names. The other Equal filters are looked up for each entity on the way.

// place is where a walk stands between two entries. Its name is text, or a
// BLOB, which sorts after all text.
type place struct {
	value []byte
	name  driver.Value
}

func before(value []byte) place { return place{value, ""} }
func after(value []byte) place  { return place{value, []byte{0}} }

func query(ctx context.Context, c *conn, q storage.Query) (storage.Page, error) {
	w, err := newWalk(q)
	if err != nil {
		return storage.Page{}, err
	}
	page := storage.Page{Entities: make([]storage.Entity, 0, min(q.Limit, 64))}
	var last place
	err = c.query(ctx, w.text, func(v []driver.Value) error {
		e := storage.Entity{Key: storage.Key{Kind: q.Kind, Name: v[0].(string)}, Exists: true}
		last.name = v[0]
		last.value, _ = v[1].([]byte)
		if !q.KeysOnly {
			properties, _ := v[2].([]byte)
			e.Expire = decodeExpire(v[3])
			e.Data, _ = v[4].([]byte)
			var err error
			if e.Index, err = decodeIndex(properties); err != nil {
				return fmt.Errorf("%s: %w", e.Key, err)
			}
		}
		page.Entities = append(page.Entities, e)
		return nil
	}, w.args...)
	if err != nil {
		if ctx.Err() != nil {
			return storage.Page{}, ctx.Err()
		}
		return storage.Page{}, classify("query "+q.Kind, err)
	}
	if len(page.Entities) == q.Limit {
		page.Next = last.cursor()
	}
	return page, nil
}

// walk is a query as SQL. Its rows are name, value and, unless only keys are
// wanted, properties, expire and data.
type walk struct {
	text string
	args []driver.Value
}

func newWalk(q storage.Query) (walk, error) {
	property, equals := q.OrderBy, equalFilters(q)
	from, to := before(belowValues), after(aboveValues)
	switch {
	case property != "":
	case len(equals) > 0:
		property = equals[0].Property
		value := appendValue(nil, equals[0].Value)
		from, to = before(value), after(value)
		equals = equals[1:]
	default:
		from, to = before(nil), after(nil)
	}
	for _, f := range q.Where {
		if f.Property == property && property == q.OrderBy {
			from, to = narrow(from, to, f)
		}
	}
	if q.Cursor != "" {
		p, err := parseCursor(q.Cursor)
		if err != nil {
			return walk{}, fmt.Errorf("sqlite query %s: %w", q.Kind, err)
		}
		if q.Descending {
			to = lesser(to, p)
		} else {
			from = greater(from, p)
		}
	}
	if property == "" {
		return walkNames(q, from, to), nil
	}
	return walkProperty(q, property, equals, from, to), nil
}

// walkNames goes along entity's unique index.
func walkNames(q storage.Query, from, to place) walk {
	columns := "name, NULL"
	if !q.KeysOnly {
		columns += ", properties, expire, data"
	}
	return walk{
		fmt.Sprintf("SELECT %s FROM entity WHERE kind = ? AND name > ? AND name < ? ORDER BY name %s LIMIT ?", columns, direction(q)),
		[]driver.Value{q.Kind, from.name, to.name, int64(q.Limit)},
	}
}

// walkProperty goes along property's primary key. CROSS JOIN keeps SQLite from
// beginning with entity.
func walkProperty(q storage.Query, property string, equals []storage.Filter, from, to place) walk {
	var b strings.Builder
	b.WriteString("SELECT p.name, p.value")
	if !q.KeysOnly {
		b.WriteString(", e.properties, e.expire, e.data")
	}
	b.WriteString(" FROM property p")
	if !q.KeysOnly {
		b.WriteString(" CROSS JOIN entity e ON e.id = p.entity")
	}
	b.WriteString(" WHERE p.kind = ? AND p.property = ? AND (p.value, p.name) > (?, ?) AND (p.value, p.name) < (?, ?)")
	args := []driver.Value{q.Kind, property, from.value, from.name, to.value, to.name}
	for _, f := range equals {
		b.WriteString(" AND EXISTS (SELECT 1 FROM property x WHERE x.kind = ? AND x.property = ? AND x.value = ? AND x.name = p.name)")
		args = append(args, q.Kind, f.Property, appendValue(nil, f.Value))
	}
	fmt.Fprintf(&b, " ORDER BY p.value %[1]s, p.name %[1]s LIMIT ?", direction(q))
	return walk{b.String(), append(args, int64(q.Limit))}
}

func direction(q storage.Query) string {
	if q.Descending {
		return "DESC"
	}
	return "ASC"
}

// equalFilters are those that narrow does not do.
func equalFilters(q storage.Query) (equals []storage.Filter) {
	for _, f := range q.Where {
		if f.Op == storage.Equal && f.Property != q.OrderBy {
			equals = append(equals, f)
		}
	}
	return equals
}

// narrow puts a filter on the property that is walked into the walk's ends.
func narrow(from, to place, f storage.Filter) (place, place) {
	value := appendValue(nil, f.Value)
	switch f.Op {
	case storage.Equal:
		return greater(from, before(value)), lesser(to, after(value))
	case storage.Greater:
		return greater(from, after(value)), to
	case storage.GreaterOrEqual:
		return greater(from, before(value)), to
	case storage.Less:
		return from, lesser(to, before(value))
	default:
		return from, lesser(to, after(value))
	}
}

func greater(a, b place) place {
	if a.compare(b) < 0 {
		return b
	}
	return a
}

func lesser(a, b place) place {
	if a.compare(b) > 0 {
		return b
	}
	return a
}

// compare orders places as SQLite does.
func (p place) compare(o place) int {
	if c := bytes.Compare(p.value, o.value); c != 0 {
		return c
	}
	a, text := p.name.(string)
	b, otherText := o.name.(string)
	switch {
	case text && otherText:
		return strings.Compare(a, b)
	case text:
		return -1
	case otherText:
		return 1
	}
	return 0
}
