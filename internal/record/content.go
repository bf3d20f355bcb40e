package record

import (
	"bytes"
	"context"
	"fmt"

	"github.com/tallystick/tallystick/internal/storage"
)

// inlineBytes is the most content that a record's own entity holds. A page of a list
// reads up to 1,000 of them at once, and each change copies one.
const inlineBytes = 16 << 10

// partBytes leaves room for the rest of an entity.
const partBytes = 1000 << 10

// place puts the content into the state, and returns the parts of what is too large
// for it.
func (s *state) place(collection, id string, original, transformed []byte) []storage.Entity {
	if len(original)+len(transformed) <= inlineBytes {
		s.original, s.transformed = original, transformed
		return nil
	}
	s.originalParts, s.transformedParts = partsOf(original), partsOf(transformed)
	s.large = s.version
	s.original, s.transformed = sums(original), nil
	var parts []storage.Entity
	for i, key := range s.partKeys(collection, id) {
		content := original
		if i >= s.originalParts {
			content, i = transformed, i-s.originalParts
		}
		parts = append(parts, storage.Entity{
			Key:    key,
			Data:   content[i*partBytes : min((i+1)*partBytes, len(content))],
			Expire: s.expire,
		})
	}
	return parts
}

func partsOf(content []byte) int { return (len(content) + partBytes - 1) / partBytes }

// partKeys names the state's parts, those of the original first. Their names are of
// this version only, of no record that had the id before, and those of transformed of
// this transform only: a part never changes, so that whoever read the record reads its
// own parts, or misses one.
func (s *state) partKeys(collection, id string) []storage.Key {
	keys := make([]storage.Key, 0, s.originalParts+s.transformedParts)
	version := fmt.Sprintf("%s@%x@%d", nameOf(id), s.created.UnixMicro(), s.version)
	for i := range s.originalParts {
		keys = append(keys, storage.Key{
			Kind: partKind + collection, Name: fmt.Sprintf("%s#%d", version, i),
		})
	}
	for i := range s.transformedParts {
		keys = append(keys, storage.Key{
			Kind: partKind + collection, Name: fmt.Sprintf("%s:%d#%d", version, s.settings, i),
		})
	}
	return keys
}

// complete reads the parts of a state's content. It is false when one is missing:
// the record was changed or removed since the state was read.
func (r *Reader) complete(ctx context.Context, collection, id string, s *state) (bool, error) {
	if !s.inParts() {
		return true, nil
	}
	parts, err := r.source.Get(ctx, s.partKeys(collection, id)...)
	if err != nil {
		return false, fmt.Errorf("record: content of %s/%s: %w", collection, id, err)
	}
	var original, transformed bytes.Buffer
	for i, p := range parts {
		switch {
		case !p.Exists:
			return false, nil
		case i < s.originalParts:
			original.Write(p.Data)
		default:
			transformed.Write(p.Data)
		}
	}
	s.original, s.transformed = original.Bytes(), transformed.Bytes()
	return true, nil
}
