package datastore

import (
	"errors"
	"testing"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/emulator"
)

func TestACursorThatTheServerRefusesIsErrCursor(t *testing.T) {
	s := onEmulator(t, emulator.Datastore)
	for _, cursor := range []string{"\x02garbage", "\x02\xff\xff", "\x01another backend's"} {
		_, err := s.Query(t.Context(), storage.Query{Kind: "Counter", Limit: 1, Cursor: cursor})
		if !errors.Is(err, storage.ErrCursor) {
			t.Errorf("%q: got error %v, want ErrCursor", cursor, err)
		}
	}
}
