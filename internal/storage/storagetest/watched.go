package storagetest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/tallystick/tallystick/internal/storage"
)

// Watched is a store that knows which kinds were ever written through it, so that a test
// of a domain can look at all that there is.
type Watched struct {
	storage.Store
	mu    sync.Mutex
	kinds map[string]bool
}

// Watch returns store, watched.
func Watch(store storage.Store) *Watched {
	return &Watched{Store: store, kinds: make(map[string]bool)}
}

// Update implements storage.Store.
func (w *Watched) Update(ctx context.Context, fn func(storage.Tx) error) error {
	return w.Store.Update(ctx, func(tx storage.Tx) error { return fn(watchedTx{tx, w}) })
}

type watchedTx struct {
	storage.Tx
	store *Watched
}

func (t watchedTx) Put(e storage.Entity) error {
	t.store.mu.Lock()
	t.store.kinds[e.Key.Kind] = true
	t.store.mu.Unlock()
	return t.Tx.Put(e)
}

// Everything is all that is stored of those kinds, by key.
func (w *Watched) Everything(t testing.TB) map[storage.Key]storage.Entity {
	t.Helper()
	w.mu.Lock()
	kinds := slices.Sorted(maps.Keys(w.kinds))
	w.mu.Unlock()
	all := make(map[storage.Key]storage.Entity)
	for _, kind := range kinds {
		q := storage.Query{Kind: kind, Limit: 100}
		for {
			page, err := w.Store.Query(t.Context(), q)
			if err != nil {
				t.Fatalf("query %s: %v", kind, err)
			}
			for _, e := range page.Entities {
				all[e.Key] = e
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				break
			}
		}
	}
	return all
}

// WantSame wants the store to hold what it held before, byte for byte.
func (w *Watched) WantSame(t testing.TB, before map[storage.Key]storage.Entity) {
	t.Helper()
	after := w.Everything(t)
	for key, e := range after {
		was, ok := before[key]
		switch {
		case !ok:
			t.Errorf("%s was stored: %.100q", key, e.Data)
		case !bytes.Equal(was.Data, e.Data) || !was.Expire.Equal(e.Expire) || fmt.Sprint(was.Index) != fmt.Sprint(e.Index):
			t.Errorf("%s was changed from %.100q %v to %.100q %v", key, was.Data, was.Index, e.Data, e.Index)
		}
	}
	for key := range before {
		if _, ok := after[key]; !ok {
			t.Errorf("%s was removed", key)
		}
	}
}
