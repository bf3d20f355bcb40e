package sqlite

import (
	"encoding/binary"

	"github.com/tallystick/tallystick/internal/storage"
)

// A cursor is the place after the last entity of a page: a mark that tells it from
// another backend's, its value behind its length, then its name. It names no row,
// so it holds whatever becomes of them.
const cursorMark = 1

func (p place) cursor() string {
	b := binary.AppendUvarint([]byte{cursorMark}, uint64(len(p.value)))
	b = append(b, p.value...)
	return string(append(b, p.name.(string)...))
}

func parseCursor(s string) (place, error) {
	if s[0] != cursorMark {
		return place{}, storage.ErrCursor
	}
	b := []byte(s[1:])
	n, used := binary.Uvarint(b)
	if used <= 0 || n >= uint64(len(b)-used) {
		return place{}, storage.ErrCursor
	}
	b = b[used:]
	return place{b[:n], string(b[n:])}, nil
}
