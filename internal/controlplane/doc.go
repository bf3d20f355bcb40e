package controlplane

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// doc is a JSON object. Resources are kept as gcloud sent them, with what the
// control plane adds: so nothing that was sent is lost, known here or not.
type doc map[string]any

// at returns what lies below names; nil if one of them is not there.
func (d doc) at(names ...string) any {
	var v any = d
	for _, n := range names {
		v = asDoc(v)[n]
	}
	return v
}

func (d doc) text(names ...string) string {
	s, _ := d.at(names...).(string)
	return s
}

func (d doc) list(names ...string) []any {
	l, _ := d.at(names...).([]any)
	return l
}

func (d doc) sub(names ...string) doc {
	return asDoc(d.at(names...))
}

// with is a copy that has the other's fields too.
func (d doc) with(other doc) doc {
	c := make(doc, len(d)+len(other))
	maps.Copy(c, d)
	maps.Copy(c, other)
	return c
}

// only is a copy with these fields, as far as they are there.
func (d doc) only(names ...string) doc {
	c := make(doc)
	for _, n := range names {
		if v, ok := d[n]; ok {
			c[n] = v
		}
	}
	return c
}

// patch takes over from other the fields that an update mask names: paths with dots,
// in snake_case or camelCase, divided by commas. A field that other does not have is
// removed.
func (d doc) patch(other doc, mask string) doc {
	for path := range strings.SplitSeq(mask, ",") {
		d = d.patchPath(other, strings.Split(camel(path), "."))
	}
	return d
}

func (d doc) patchPath(other doc, path []string) doc {
	d = d.with(nil) // a copy, and never nil
	name := path[0]
	value, ok := other[name]
	switch {
	case len(path) > 1:
		d[name] = d.sub(name).patchPath(other.sub(name), path[1:])
	case ok:
		d[name] = value
	default:
		delete(d, name)
	}
	return d
}

func camel(snake string) string {
	words := strings.Split(snake, "_")
	for i, w := range words[1:] {
		if w != "" {
			words[i+1] = strings.ToUpper(w[:1]) + w[1:]
		}
	}
	return strings.Join(words, "")
}

// asDoc is v as an object, such as JSON has them; nil if it is none.
func asDoc(v any) doc {
	switch v := v.(type) {
	case doc:
		return v
	case map[string]any:
		return v
	}
	return nil
}

// sorted are a map's values in the order of their keys.
func sorted[K cmp.Ordered, V any](m map[K]V) []V {
	values := make([]V, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		values = append(values, m[k])
	}
	return values
}

// byName sorts resources by their names.
func byName(list []doc) []doc {
	slices.SortFunc(list, func(a, b doc) int { return strings.Compare(a.text("name"), b.text("name")) })
	return list
}

// lastPart is the id at the end of a resource's name.
func lastPart(name string) string { return name[strings.LastIndex(name, "/")+1:] }
