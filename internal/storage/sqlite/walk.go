package sqlite

import (
	"database/sql/driver"
	"fmt"
	"strings"

	"github.com/tallystick/tallystick/internal/storage"
)

// walk is how a query goes along an index, between two places: along property's
// primary key in order of OrderBy's value and then name; without OrderBy, along
// one Equal filter's value in order of name; without either, along the kind's
// names. The other Equal filters are looked up for each entity on the way.
type walk struct {
	property string // empty: along the names
	from, to place
	others   []storage.Filter
}

func newWalk(q storage.Query) (walk, error) {
	w := walk{property: q.OrderBy, from: before(belowValues), to: after(aboveValues)}
	for _, f := range q.Where {
		switch {
		case f.Property == w.property:
			w.narrow(f)
		case w.property == "": // so this is an Equal filter
			w.property = f.Property
			w.narrow(f)
		default:
			w.others = append(w.others, f)
		}
	}
	if w.property == "" {
		w.from, w.to = before(nil), after(nil)
	}
	if q.Cursor != "" {
		p, err := parseCursor(q.Cursor)
		if err != nil {
			return walk{}, err
		}
		if q.Descending {
			w.to = lesser(w.to, p)
		} else {
			w.from = greater(w.from, p)
		}
	}
	return w, nil
}

// narrow moves the ends to where a filter on the property wants them.
func (w *walk) narrow(f storage.Filter) {
	value := appendValue(nil, f.Value)
	switch f.Op {
	case storage.Equal:
		w.from, w.to = greater(w.from, before(value)), lesser(w.to, after(value))
	case storage.Greater:
		w.from = greater(w.from, after(value))
	case storage.GreaterOrEqual:
		w.from = greater(w.from, before(value))
	case storage.Less:
		w.to = lesser(w.to, before(value))
	case storage.LessOrEqual:
		w.to = lesser(w.to, after(value))
	}
}

// contains says whether the walk comes past a place.
func (w *walk) contains(p place) bool {
	return w.from.compare(p) < 0 && p.compare(w.to) < 0
}

// sql is the walk as a statement, whose rows are name, value and, unless only keys
// are wanted, properties, expire and data. It has few shapes, so it stays prepared.
func (w *walk) sql(q storage.Query) (text string, args []driver.Value) {
	if w.property == "" {
		columns := "name, NULL"
		if !q.KeysOnly {
			columns += ", properties, expire, data"
		}
		text, args = w.alongNames(q, columns)
		text += " ORDER BY name " + direction(q)
	} else {
		columns, join := "p.name, p.value", ""
		if !q.KeysOnly {
			columns += ", e.properties, e.expire, e.data"
			join = " CROSS JOIN entity e ON e.id = p.entity" // CROSS: SQLite shall not begin with entity
		}
		text, args = w.alongProperty(q, columns, join)
		text += fmt.Sprintf(" ORDER BY p.value %[1]s, p.name %[1]s", direction(q))
	}
	return text + " LIMIT ?", append(args, int64(q.Limit))
}

// countSQL counts the rows of sql without its limit.
func (w *walk) countSQL(q storage.Query) (text string, args []driver.Value) {
	if w.property == "" {
		return w.alongNames(q, "count(*)")
	}
	return w.alongProperty(q, "count(*)", "")
}

// alongNames uses entity's unique index.
func (w *walk) alongNames(q storage.Query, columns string) (text string, args []driver.Value) {
	return "SELECT " + columns + " FROM entity WHERE kind = ? AND name > ? AND name < ?",
		[]driver.Value{q.Kind, w.from.name, w.to.name}
}

// alongProperty uses property's primary key.
func (w *walk) alongProperty(q storage.Query, columns, join string) (text string, args []driver.Value) {
	var b strings.Builder
	b.WriteString("SELECT " + columns + " FROM property p" + join)
	b.WriteString(" WHERE p.kind = ? AND p.property = ? AND (p.value, p.name) > (?, ?) AND (p.value, p.name) < (?, ?)")
	args = []driver.Value{q.Kind, w.property, w.from.value, w.from.name, w.to.value, w.to.name}
	for _, f := range w.others {
		b.WriteString(" AND EXISTS (SELECT 1 FROM property x WHERE x.kind = ? AND x.property = ? AND x.value = ? AND x.name = p.name)")
		args = append(args, q.Kind, f.Property, appendValue(nil, f.Value))
	}
	return b.String(), args
}

func direction(q storage.Query) string {
	if q.Descending {
		return "DESC"
	}
	return "ASC"
}
