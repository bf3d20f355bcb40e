package recordhttp

import (
	"maps"
	"slices"
	"time"

	"github.com/tallystick/tallystick/internal/record"
)

// CollectionOf is a collection as a reply has it.
func CollectionOf(c *record.Collection) Collection {
	w := Collection{
		Collection: c.Name, Schema: Object(c.Settings.Schema), Transform: c.Settings.Transform,
		TTLSeconds: int64(c.Settings.TTL / time.Second), Version: c.Version, CreateTime: c.Created, Pending: c.Pending,
	}
	if c.AllPending {
		w.Pending = []string{AllFields}
	}
	if !c.Updated.IsZero() {
		w.UpdateTime = &c.Updated
	}
	if c.Settings.Indexes != nil {
		w.Indexes = make([]Index, len(c.Settings.Indexes))
		for i, x := range c.Settings.Indexes {
			w.Indexes[i] = Index{x.Field, string(x.Type)}
		}
		return w
	}
	for _, field := range slices.Sorted(maps.Keys(c.Fields)) {
		f := Field{Field: field}
		for _, t := range c.Fields[field] {
			f.Types = append(f.Types, string(t))
		}
		w.Fields = append(w.Fields, f)
	}
	return w
}
