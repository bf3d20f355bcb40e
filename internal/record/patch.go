package record

import (
	"bytes"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
)

// mergePatch changes an object by a JSON merge patch (RFC 7396) that is one: what is
// null in the patch goes, objects are changed within, all else is replaced whole.
// Members stay in their order, new ones come behind them. There is no white space.
func mergePatch(target, patch []byte) ([]byte, error) {
	patched, err := appendPatched(nil, target, patch)
	if err != nil {
		return nil, fmt.Errorf("merge patch: %w", err)
	}
	v := jsontext.Value(patched)
	err = v.Compact()
	return v, err
}

// appendPatched appends the target as the patch makes it. No target is an empty one.
func appendPatched(b, target, patch []byte) ([]byte, error) {
	changes, err := orderedMembers(patch)
	if err != nil {
		return nil, err
	}
	by := make(map[string][]byte, len(changes))
	for _, m := range changes {
		by[m.name] = m.value
	}
	var old []member
	if isObject(target) {
		if old, err = orderedMembers(target); err != nil {
			return nil, err
		}
	}
	b = append(b, '{')
	start := len(b)
	add := func(m member, change []byte) (err error) {
		if string(change) == "null" {
			return nil
		}
		if len(b) > start {
			b = append(b, ',')
		}
		b = append(append(b, m.quoted...), ':')
		switch {
		case change == nil:
			b = append(b, m.value...)
		case isObject(change):
			b, err = appendPatched(b, m.value, change)
		default:
			b = append(b, change...)
		}
		return err
	}
	for _, m := range old {
		if err := add(m, by[m.name]); err != nil {
			return nil, err
		}
		delete(by, m.name)
	}
	for _, m := range changes {
		change, left := by[m.name]
		if !left {
			continue
		}
		m.value = nil
		if err := add(m, change); err != nil {
			return nil, err
		}
	}
	return append(b, '}'), nil
}

func isObject(value []byte) bool { return bytes.HasPrefix(value, []byte("{")) }

// member is a member of an object: its name, also as it is written, and its value,
// byte for byte.
type member struct {
	name          string
	quoted, value []byte
}

func orderedMembers(object []byte) ([]member, error) {
	d := jsontext.NewDecoder(bytes.NewReader(object))
	if _, err := d.ReadToken(); err != nil {
		return nil, err
	}
	var all []member
	for d.PeekKind() != '}' {
		quoted, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		m := member{quoted: bytes.Clone(quoted)}
		name, err := jsontext.AppendUnquote(nil, quoted)
		if err != nil {
			return nil, err
		}
		value, err := d.ReadValue()
		if err != nil {
			return nil, err
		}
		m.name, m.value = string(name), bytes.Clone(value)
		all = append(all, m)
	}
	return all, nil
}
