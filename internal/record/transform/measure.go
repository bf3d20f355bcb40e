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

// What a value takes, in bytes, a little more than it does.
const (
	itemSize   = 40 // an array's item: its place, twice for append's slack, and its box
	memberSize = 80 // an object's member: the map's slot and its slack
	boxSize    = 48 // an array's or object's own
)

// tree walks a value, charges for walking, and returns about how many bytes it would take
// if nothing in it were shared. Values share: [.,.] doubled forty times is a small
// value, and as a text would fill the world. So whatever walks a value to its leaves is
// preceded by this walk, which ends at the run's limits. It is false then.
func (m *meter) tree(v any) (size int, ok bool) {
	size = m.walk(v, 0)
	return size, m.err == nil
}

func (m *meter) walk(v any, depth int) int {
	if m.err != nil {
		return 0
	}
	switch v := v.(type) {
	case string:
		return boxSize + len(v)
	case json.Number:
		return boxSize + len(v)
	case *big.Int:
		return 2 * boxSize
	case []any:
		if depth == maxDepth {
			m.tooDeep()
			return 0
		}
		size := boxSize + itemSize*len(v)
		m.charge(size)
		for _, item := range v {
			size += m.walk(item, depth+1)
		}
		return size
	case map[string]any:
		if depth == maxDepth {
			m.tooDeep()
			return 0
		}
		size := boxSize + memberSize*len(v)
		m.charge(size)
		for name, member := range v {
			size += len(name) + m.walk(member, depth+1)
		}
		return size
	}
	return 0
}

// shallow is the size of a value without what its items hold.
func shallow(v any) int {
	switch v := v.(type) {
	case string:
		return boxSize + len(v)
	case []any:
		return boxSize + itemSize*len(v)
	case map[string]any:
		return boxSize + memberSize*len(v)
	}
	return boxSize / 2
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
		for d.PeekKind() != ']' {
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
