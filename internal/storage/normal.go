package storage

import (
	"slices"
	"time"
)

// normal is a copy of the entity in the form that every backend can keep: so
// they all give back the same.
func (e Entity) normal() Entity {
	if len(e.Index) > 0 {
		index := make(map[string]any, len(e.Index))
		for name, v := range e.Index {
			index[name] = normalValue(v)
		}
		e.Index = index
	}
	e.Data = slices.Clone(e.Data)
	e.Expire = normalTime(e.Expire)
	return e
}

func normalFilters(where []Filter) []Filter {
	where = slices.Clone(where)
	for i := range where {
		where[i].Value = normalValue(where[i].Value)
	}
	return where
}

func normalValue(v any) any {
	switch v := v.(type) {
	case float64:
		if v == 0 {
			return 0.0 // not -0, which some databases tell apart
		}
	case time.Time:
		return normalTime(v)
	}
	return v
}

func normalTime(t time.Time) time.Time { return t.UTC().Truncate(TimeResolution) }
