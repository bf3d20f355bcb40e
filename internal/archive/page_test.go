package archive_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/tallystick/tallystick/internal/archive"
	"github.com/tallystick/tallystick/internal/storage"
)

// weighed is a snapshot that says how many bytes its largest page had.
type weighed struct {
	storage.Snapshot
	largest int
}

func (w *weighed) Query(ctx context.Context, q storage.Query) (storage.Page, error) {
	page, err := w.Snapshot.Query(ctx, q)
	size := 0
	for _, e := range page.Entities {
		size += e.Size()
	}
	w.largest = max(w.largest, size)
	return page, err
}

// TestAPageIsBoundedWhateverComesAfterSmallEntities: those before tell nothing of it.
func TestAPageIsBoundedWhateverComesAfterSmallEntities(t *testing.T) {
	const large = 60 << 10
	store := openSQLite(t)
	var small []storage.Entity
	for i := range 1500 {
		small = append(small, storage.Entity{Key: storage.Key{Kind: "Page", Name: fmt.Sprintf("/a%04d", i)}})
	}
	put(t, store, small...)
	for i := range 500 {
		put(t, store, storage.Entity{Key: storage.Key{Kind: "Page", Name: fmt.Sprintf("/b%04d", i)}, Data: make([]byte, large)})
	}
	snapshot, err := store.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Close()
	w := &weighed{Snapshot: snapshot}
	if _, err := archive.Write(t.Context(), &bytes.Buffer{}, archive.Source{Snapshot: w, Time: noon}, func(int64) {}); err != nil {
		t.Fatal(err)
	}
	if most := 251 * large; w.largest > most {
		t.Errorf("the largest page has %d MiB, want %d at most", w.largest>>20, most>>20)
	}
}
