package datastore_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/datastore"
	"github.com/tallystick/tallystick/internal/storage/emulator"
	"github.com/tallystick/tallystick/internal/storage/storagetest"
)

func TestConformance(t *testing.T) {
	without := map[string]string{"Datastore": storagetest.Moment} // which knows no time but now
	for name, start := range emulators {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // the one waits for locks while the other works
			host := start(t)
			storagetest.Run(t, func(t *testing.T) storage.Store { return open(t, host) }, without[name])
		})
	}
}

var emulators = map[string]func(testing.TB) string{
	"Datastore":              emulator.Datastore,
	"FirestoreDatastoreMode": emulator.FirestoreDatastoreMode,
}

// open opens an empty store: a namespace that nobody else has.
func open(t *testing.T, host string) storage.Store {
	t.Helper()
	namespace := fmt.Sprintf("test%x", rand.Uint64())
	s, err := datastore.Open(t.Context(), "test", "", datastore.Emulator(host), datastore.Namespace(namespace))
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
