package google

import (
	"context"
	"slices"
	"testing"

	"github.com/tallystick/tallystick/internal/storage"
)

// empty is a server that has nothing, and records the calls that read.
type empty struct {
	Server
	calls []string
}

func (e *empty) Begin(context.Context, []byte) ([]byte, error) {
	e.calls = append(e.calls, "begin")
	return []byte("id"), nil
}

func (e *empty) Read(_ context.Context, id []byte, keys []storage.Key) ([]storage.Entity, error) {
	e.calls = append(e.calls, "read "+string(id))
	return NewLookup(keys).Entities, nil
}

func (e *empty) Rollback(context.Context, []byte) error {
	e.calls = append(e.calls, "rollback")
	return nil
}

func TestAGetIsOneCallExceptOfSeveralKeysFromAnEmulator(t *testing.T) {
	two := []storage.Key{{Kind: "K", Name: "a"}, {Kind: "K", Name: "b"}}
	for _, c := range []struct {
		name     string
		keys     []storage.Key
		emulated bool
		want     []string
	}{
		{"one key", two[:1], false, []string{"read "}},
		{"two keys", two, false, []string{"read "}},
		{"one key from an emulator", two[:1], true, []string{"read "}},
		{"two keys from an emulator", two, true, []string{"begin", "read id", "rollback"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := &empty{}
			got, err := Get(t.Context(), "test", &Connection{Emulated: c.emulated}, server, c.keys)
			if err != nil || len(got) != len(c.keys) {
				t.Errorf("got %d entities and error %v, want %d", len(got), err, len(c.keys))
			}
			if !slices.Equal(server.calls, c.want) {
				t.Errorf("got calls %q, want %q", server.calls, c.want)
			}
		})
	}
}
