package sqlite

import (
	"encoding/binary"
	"errors"
	"maps"
	"slices"
)

// property is one indexed property of an entity, its value as value.go encodes it.
type property struct {
	name  string
	value []byte
}

// encodeProperties packs an entity's Index in order of name, so that two equal
// ones are equal byte for byte: each name and each value behind its length. An
// empty Index is nil.
func encodeProperties(index map[string]any) []byte {
	if len(index) == 0 {
		return nil
	}
	var b, value []byte
	for _, name := range slices.Sorted(maps.Keys(index)) {
		value = appendValue(value[:0], index[name])
		b = append(binary.AppendUvarint(b, uint64(len(name))), name...)
		b = append(binary.AppendUvarint(b, uint64(len(value))), value...)
	}
	return b
}

var errProperties = errors.New("an entity's stored properties are damaged")

// decodeProperties is the inverse of encodeProperties. The values share b's memory.
func decodeProperties(b []byte) ([]property, error) {
	var list []property
	for len(b) > 0 {
		var fields [2][]byte
		for i := range fields {
			n, used := binary.Uvarint(b)
			if used <= 0 || n > uint64(len(b)-used) {
				return nil, errProperties
			}
			b = b[used:]
			fields[i], b = b[:n], b[n:]
		}
		list = append(list, property{string(fields[0]), fields[1]})
	}
	return list, nil
}

// decodeIndex makes an entity's Index of what encodeProperties made.
func decodeIndex(b []byte) (map[string]any, error) {
	list, err := decodeProperties(b)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	index := make(map[string]any, len(list))
	for _, p := range list {
		if index[p.name], err = decodeValue(p.value); err != nil {
			return nil, err
		}
	}
	return index, nil
}

func (p property) equal(o property) bool {
	return p.name == o.name && string(p.value) == string(o.value)
}
