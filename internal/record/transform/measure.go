package transform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/itchyny/gojq"
)

// What a value takes, in bytes.
const (
	boxSize    = 48  // any value's own
	itemSize   = 40  // an array's item: its place, twice for append's slack, and its box
	memberSize = 80  // an object's member: a map's slot and its slack
	groupSize  = 300 // a map's room for up to groupRoom members
	groupRoom  = 8
	stepCost   = 30 // to go to a part of a value, in nanoseconds
)

func objectSize(members int) int {
	switch {
	case members == 0:
		return boxSize
	case members <= groupRoom:
		return boxSize + groupSize
	}
	return boxSize + groupSize + memberSize*members
}

// shallow is the size of a value without what its items hold.
func shallow(v any) int {
	switch v := v.(type) {
	case string:
		return boxSize + len(v)
	case []any:
		return boxSize + itemSize*len(v)
	case map[string]any:
		return objectSize(len(v))
	}
	return boxSize
}

// An extent is how many parts a value has, itself among them, and how much text. Parts
// that are shared count as often as they are seen.
type extent struct{ parts, text int }

// extent walks a value, charging for it. Values share: [.,.] doubled forty times is a
// small value, and as a text would fill the world. So whatever walks a value to its
// leaves is preceded by this walk, which ends at the run's limits; what it returns then
// is of no use, and m.err is set.
func (m *meter) extent(all ...any) extent {
	var e extent
	for _, v := range all {
		m.walk(v, 0, &e)
	}
	return e
}

func (m *meter) walk(v any, depth int, e *extent) {
	e.parts++
	switch v := v.(type) {
	case string:
		e.text += len(v)
	case json.Number:
		e.text += len(v)
	case *big.Int:
		e.text += maxBits / 3
	case []any:
		if !m.enter(len(v), depth) {
			return
		}
		for _, item := range v {
			m.walk(item, depth+1, e)
		}
	case map[string]any:
		if !m.enter(len(v), depth) {
			return
		}
		for name, member := range v {
			e.text += len(name)
			m.walk(member, depth+1, e)
		}
	}
}

func (m *meter) enter(parts, depth int) bool {
	if depth == maxDepth {
		m.tooDeep()
	}
	return m.charge(stepCost * (parts + 1))
}

// decode reads an original as the interpreter wants it, numbers as their literals.
func (m *meter) decode(original []byte) (any, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(original))
	v, err := m.read(d, 0)
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return nil, errors.New("transform: something follows the JSON object")
	}
	return v, nil
}

func (m *meter) read(d *jsontext.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		m.tooDeep()
	}
	t, err := d.ReadToken()
	if err != nil {
		return nil, fmt.Errorf("transform: %w", err)
	}
	switch t.Kind() {
	case '{':
		members := map[string]any{}
		if m.charge(boxSize); d.PeekKind() == '"' {
			m.charge(groupSize)
		}
		for d.PeekKind() == '"' {
			t, err := d.ReadToken()
			if err != nil {
				return nil, fmt.Errorf("transform: %w", err)
			}
			name := t.String()
			if !m.charge(memberSize + len(name)) {
				return nil, m.err
			}
			if members[name], err = m.read(d, depth+1); err != nil {
				return nil, err
			}
		}
		_, err := d.ReadToken()
		return members, err
	case '[':
		items := []any{}
		m.charge(boxSize)
		for d.PeekKind() != ']' {
			m.charge(itemSize)
			item, err := m.read(d, depth+1)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
		_, err := d.ReadToken()
		return items, err
	}
	if !m.charge(boxSize) {
		return nil, m.err
	}
	switch t.Kind() {
	case '"':
		s := t.String()
		m.charge(len(s))
		return s, m.err
	case '0':
		literal := t.String()
		if !finite([]byte(literal)) {
			return nil, fmt.Errorf("%w: %s", ErrNumber, d.StackPointer())
		}
		return json.Number(literal), nil
	case 't', 'f':
		return t.Bool(), nil
	}
	return nil, nil
}

// encode writes what a program yielded, if it is no deeper than a document may be and
// no larger than MaxBytes.
func (m *meter) encode(v any) ([]byte, error) {
	size, err := encodedSize(v, 0)
	if err != nil {
		return nil, err
	}
	if size > MaxBytes {
		return nil, ErrTooLarge
	}
	out, err := gojq.Marshal(v)
	if err == nil && len(out) > MaxBytes {
		return nil, ErrTooLarge
	}
	return out, err
}

// encodedSize is how many bytes a value takes as JSON at the least; escapes can make it six
// times that. It stops when it is over MaxBytes.
func encodedSize(v any, depth int) (size int, err error) {
	switch v.(type) {
	case []any, map[string]any:
		if depth == resultDepth {
			return 0, fmt.Errorf("%w: it is nested deeper than %d", ErrResult, resultDepth)
		}
	}
	n := 0
	switch v := v.(type) {
	case string:
		return 2 + len(v), nil
	case json.Number:
		return len(v), nil
	case []any:
		size = 1 + len(v)
		for _, item := range v {
			if n, err = encodedSize(item, depth+1); err != nil || size+n > MaxBytes {
				return size + n, err
			}
			size += n
		}
		return size, nil
	case map[string]any:
		size = 1 + 4*len(v)
		for name, member := range v {
			if n, err = encodedSize(member, depth+1); err != nil || size+n+len(name) > MaxBytes {
				return size + n + len(name), err
			}
			size += n + len(name)
		}
		return size, nil
	}
	return 1, nil
}
