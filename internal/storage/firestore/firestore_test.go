package firestore_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/emulator"
	"github.com/tallystick/tallystick/internal/storage/firestore"
	"github.com/tallystick/tallystick/internal/storage/storagetest"
)

func TestConformance(t *testing.T) {
	host := emulator.FirestoreNative(t)
	storagetest.Run(t, func(t *testing.T) storage.Store { return open(t, host) })
}

// open opens an empty store: that of a project that nobody else has.
func open(t *testing.T, host string) storage.Store {
	t.Helper()
	s, err := firestore.Open(t.Context(), fmt.Sprintf("test%x", rand.Uint64()), "", firestore.Emulator(host))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return s
}
