package transform

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"

	"github.com/itchyny/gojq"
)

// An edit is a value under change: a copy on write, that copies each array and object
// once however often it is changed. It is the state of the reduce that rewrite makes of
// =, |= and the like, and no program sees it.
type edit struct {
	m    *machine
	root any

	// owned are the copies, by address, which may be changed in place. The values keep
	// them alive: an address is not to be used again by a value of the program's.
	owned   map[uintptr]any
	deletes bool
}

// deleted stands where something is to be deleted, until the edit ends: so the indexes
// of what follows do not move.
type deleted struct{}

// editing are the functions that rewrite and the prelude use.
func (m *machine) editing() []gojq.CompilerOption {
	return []gojq.CompilerOption{
		gojq.WithFunction("__edit", 0, 0, func(v any, _ []any) any {
			return &edit{m: m, root: v, owned: map[uintptr]any{}}
		}),
		gojq.WithFunction("__get", 1, 1, func(v any, args []any) any { return v.(*edit).get(args[0]) }),
		gojq.WithFunction("__set", 2, 2, func(v any, args []any) any { return v.(*edit).put(args[0], args[1]) }),
		gojq.WithFunction("__unset", 1, 1, func(v any, args []any) any {
			e := v.(*edit)
			e.deletes = true
			return e.put(args[0], deleted{})
		}),
		gojq.WithFunction("__edited", 0, 0, func(v any, _ []any) any {
			e := v.(*edit)
			if e.deletes {
				e.root = e.sweep(e.root)
			}
			return e.root
		}),
	}
}

// get is what stands at a path. The program may keep it, so if it is a copy of ours it
// must not be changed any more.
func (e *edit) get(path any) any {
	v := e.root
	for _, p := range path.([]any) {
		switch c := v.(type) {
		case nil, deleted:
			return nil
		case map[string]any:
			name, ok := p.(string)
			if !ok {
				return errPath(v, p)
			}
			v = c[name]
		case []any:
			if lo, hi, ok := span(c, p); ok {
				v = c[lo:hi]
				continue
			}
			i, ok := gojq.ToInt(p)
			if !ok {
				return errPath(v, p)
			}
			if i < 0 {
				i += len(c)
			}
			if v = nil; 0 <= i && i < len(c) {
				v = c[i]
			}
		default:
			return errPath(v, p)
		}
	}
	if _, gone := v.(deleted); gone {
		return nil
	}
	if container(v) {
		clear(e.owned)
	}
	return v
}

// put sets what stands at a path, and returns the edit or an error.
func (e *edit) put(path, value any) any {
	p, ok := path.([]any)
	if !ok {
		return errors.New("a path must be an array")
	}
	if len(p) > maxDepth {
		e.m.tooDeep()
		return e.m.err
	}
	root, err := e.update(e.root, p, value)
	if err != nil {
		return err
	}
	e.root = root
	return e
}

func (e *edit) update(v any, path []any, value any) (any, error) {
	if len(path) == 0 {
		return value, nil
	}
	_, erase := value.(deleted)
	switch v.(type) {
	case deleted:
		return v, nil
	case nil:
		if erase {
			return nil, nil
		}
	}
	switch p := path[0].(type) {
	case string:
		object, ok := v.(map[string]any)
		if !ok && v != nil {
			return nil, errPath(v, p)
		}
		return e.updateMember(object, p, path[1:], value)
	default:
		array, ok := v.([]any)
		if !ok && v != nil {
			return nil, errPath(v, p)
		}
		if lo, hi, ok := span(array, p); ok {
			return e.updateSpan(array, lo, hi, path[1:], value)
		}
		i, ok := gojq.ToInt(p)
		if !ok || isNaN(p) {
			return nil, errPath(v, p)
		}
		return e.updateItem(array, i, path[1:], value)
	}
}

func (e *edit) updateMember(object map[string]any, name string, path []any, value any) (any, error) {
	member, exists := object[name]
	if _, erase := value.(deleted); erase && !exists {
		return object, nil
	}
	member, err := e.update(member, path, value)
	if err != nil {
		return nil, err
	}
	if !e.owns(object) {
		if !e.m.charge(objectSize(len(object) + 1)) {
			return nil, e.m.err
		}
		c := make(map[string]any, len(object)+1)
		maps.Copy(c, object)
		object = c
		e.own(object)
	}
	if !exists && !e.m.charge(memberSize+len(name)) {
		return nil, e.m.err
	}
	object[name] = member
	return object, nil
}

func (e *edit) updateItem(array []any, i int, path []any, value any) (any, error) {
	_, erase := value.(deleted)
	if i < 0 {
		i += len(array)
	}
	switch {
	case erase && (i < 0 || i >= len(array)):
		return unchanged(array), nil
	case i < 0:
		return nil, errors.New("an array index before the array's begin")
	case i >= maxIndex:
		return nil, errIndex
	}
	var item any
	if i < len(array) {
		item = array[i]
	}
	item, err := e.update(item, path, value)
	if err != nil {
		return nil, err
	}
	if i >= len(array) || !e.owns(array) {
		n := max(i+1, len(array))
		if i < cap(array) && e.owns(array) { // there is room
			array = array[:n]
		} else {
			room := n + n/2
			if !e.m.charge(boxSize + 16*room) {
				return nil, e.m.err
			}
			array = append(make([]any, 0, room), array...)[:n]
			e.own(array)
		}
	}
	array[i] = item
	return array, nil
}

// updateSpan replaces a slice of an array by an array.
func (e *edit) updateSpan(array []any, lo, hi int, path []any, value any) (any, error) {
	if _, erase := value.(deleted); erase && lo == hi {
		return unchanged(array), nil
	}
	if !e.m.charge(boxSize + itemSize*(hi-lo)) {
		return nil, e.m.err
	}
	v, err := e.update(slices.Clone(array[lo:hi]), path, value)
	if err != nil {
		return nil, err
	}
	var middle []any
	switch v := v.(type) {
	case []any:
		middle = v
	case deleted:
		middle = slices.Repeat([]any{deleted{}}, hi-lo)
	default:
		return nil, fmt.Errorf("a slice of an array can only be an array, not %s", describe(v))
	}
	if !e.m.charge(boxSize + itemSize*(len(array)+len(middle))) {
		return nil, e.m.err
	}
	c := slices.Concat(array[:lo], middle, array[hi:])
	e.own(c)
	return c, nil
}

// sweep takes out what was deleted. It is only in copies of ours, and so are they, up
// to the root.
func (e *edit) sweep(v any) any {
	switch v := v.(type) {
	case deleted:
		return nil
	case map[string]any:
		if !e.owns(v) {
			return v
		}
		for name, member := range v {
			if _, gone := member.(deleted); gone {
				delete(v, name)
			} else if container(member) {
				v[name] = e.sweep(member)
			}
		}
	case []any:
		if !e.owns(v) {
			return v
		}
		kept := v[:0]
		for _, item := range v {
			if _, gone := item.(deleted); !gone {
				kept = append(kept, e.sweep(item))
			}
		}
		clear(v[len(kept):])
		return kept
	}
	return v
}

func (e *edit) owns(v any) bool {
	_, ok := e.owned[address(v)]
	return ok
}

func (e *edit) own(v any) { e.owned[address(v)] = v }

// address is that of a map, or of a slice's first item. Two slices of one array may share
// it, but only those that begin together, and none that we own is cut.
func address(v any) uintptr { return reflect.ValueOf(v).Pointer() }

// unchanged keeps a nil array what it was in the program, null.
func unchanged(array []any) any {
	if array == nil {
		return nil
	}
	return array
}

// span is what an object as an index means, {"start":1,"end":3}; either may be null.
func span(array []any, p any) (lo, hi int, ok bool) {
	o, ok := p.(map[string]any)
	if !ok {
		return 0, 0, false
	}
	lo = bound(o["start"], 0, len(array), math.Floor)
	hi = max(bound(o["end"], len(array), len(array), math.Ceil), lo)
	return lo, hi, true
}

func bound(v any, otherwise, length int, round func(float64) float64) int {
	f, ok := gojq.ToFloat64(v)
	if !ok || math.IsNaN(f) {
		return otherwise
	}
	if f = round(f); f < 0 {
		f += float64(length)
	}
	return int(min(max(f, 0), float64(length)))
}

func errPath(v, p any) error {
	return fmt.Errorf("%s has no place %s", describe(v), gojq.Preview(p))
}
