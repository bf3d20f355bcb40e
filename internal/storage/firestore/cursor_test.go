package firestore

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/emulator"
)

func TestACursorThatIsNotOfTheQueryIsErrCursor(t *testing.T) {
	s := onEmulator(t)
	named := place{name: "a"}.cursor()
	valued := place{value: encodeValue(int64(1)), name: "a"}.cursor()
	for _, c := range []struct{ name, cursor, order string }{
		{"another backend's", "\x01" + named[1:], ""},
		{"nothing but a mark", named[:1], ""},
		{"no name", named[:2], ""},
		{"a value cut short", valued[:3], "x"},
		{"a value that is none", "\x03\x02\xff\xffa", "x"},
		{"no value", named, "x"},
		{"a value too many", valued, ""},
		{"a name that the server refuses", place{name: "__reserved__"}.cursor(), ""},
	} {
		_, err := s.Query(t.Context(), storage.Query{Kind: "Counter", OrderBy: c.order, Limit: 1, Cursor: c.cursor})
		if !errors.Is(err, storage.ErrCursor) {
			t.Errorf("%s: got error %v, want ErrCursor", c.name, err)
		}
	}
}

// onEmulator is an empty store.
func onEmulator(t *testing.T) *store {
	t.Helper()
	s, err := open(t.Context(), fmt.Sprintf("test%x", rand.Uint64()), "", Emulator(emulator.FirestoreNative(t)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}
