package archive_test

import (
	"testing"

	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/emulator"
)

// TestAnArchiveGoesFromAnyStoreIntoAnyOther, and what comes out is what went in. The
// archives of one moment are the same too, whichever store they are of.
func TestAnArchiveGoesFromAnyStoreIntoAnyOther(t *testing.T) {
	s := newShop(t, openSQLite(t))
	s.fill(60)
	want := everything(t, s.store)
	if len(want) < 600 {
		t.Fatalf("the shop has %d entities, want hundreds", len(want))
	}
	file, contents := s.write()
	t.Logf("%d entities in %d KiB", contents.Entities, len(file)>>10)
	if int(contents.Entities) != len(want) {
		t.Errorf("the archive has %d entities, want %d", contents.Entities, len(want))
	}
	for _, way := range []struct {
		name string
		open func(*testing.T) storage.Store
	}{
		{"the Datastore emulator", openDatastore(emulator.Datastore)},
		{"the Firestore emulator in Datastore mode", openDatastore(emulator.FirestoreDatastoreMode)},
		{"the Firestore emulator", openFirestore},
	} {
		t.Run(way.name, func(t *testing.T) {
			other, back := way.open(t), openSQLite(t)
			if err := read(t, file, other); err != nil {
				t.Fatal(err)
			}
			wantSame(t, way.name, everything(t, other), want)
			second, c := write(t, other, s.partners)
			if c.SHA256 != contents.SHA256 {
				t.Errorf("its archive has the SHA-256 %s, want that of SQLite's, %s", c.SHA256, contents.SHA256)
			}
			if err := read(t, second, back); err != nil {
				t.Fatal(err)
			}
			wantSame(t, "back in SQLite", everything(t, back), want)
			wantInOrder(t, back)
		})
	}
}

// wantInOrder wants the ledgers of stock to add up.
func wantInOrder(t *testing.T, store storage.Store) {
	t.Helper()
	v, err := inventory.New(store, inventory.Options{Now: now}).Verify(t.Context(), func(f inventory.Fault) {
		t.Errorf("%s: %s", f.SKU, f.Reason)
	})
	if err != nil || v.Items == 0 {
		t.Errorf("%d items were verified, %v", v.Items, err)
	}
}
