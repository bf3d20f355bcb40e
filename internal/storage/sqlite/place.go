package sqlite

import (
	"bytes"
	"database/sql/driver"
	"encoding/binary"
	"strings"

	"github.com/tallystick/tallystick/internal/storage"
)

// place is where a walk is: at an entry of property, by its value and name, or
// before or after all entries of a value. Its name is text, or a BLOB, which sorts
// after all text. Along the names of a kind it has no value.
type place struct {
	value []byte
	name  driver.Value
}

func before(value []byte) place { return place{value, ""} }
func after(value []byte) place  { return place{value, []byte{0}} }

func greater(a, b place) place {
	if a.compare(b) < 0 {
		return b
	}
	return a
}

func lesser(a, b place) place {
	if a.compare(b) > 0 {
		return b
	}
	return a
}

// compare orders places as SQLite does.
func (p place) compare(o place) int {
	if c := bytes.Compare(p.value, o.value); c != 0 {
		return c
	}
	a, text := p.name.(string)
	b, otherText := o.name.(string)
	switch {
	case text && otherText:
		return strings.Compare(a, b)
	case text:
		return -1
	case otherText:
		return 1
	}
	return 0
}

// cursorMark tells our cursors from another backend's.
const cursorMark = 1

// cursor is the place after the last entity of a page: the mark, the value behind
// its length, the name. It names no row, so it holds whatever becomes of them.
func (p place) cursor() string {
	b := binary.AppendUvarint([]byte{cursorMark}, uint64(len(p.value)))
	b = append(b, p.value...)
	return string(append(b, p.name.(string)...))
}

func parseCursor(s string) (place, error) {
	if s == "" || s[0] != cursorMark {
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
