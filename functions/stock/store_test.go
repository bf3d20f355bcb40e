package stock_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/tallystick/tallystick/internal/storage"
)

// watchedStore knows which kinds were ever written, so that a test can look at all that
// there is, and fails as a test tells it to.
type watchedStore struct {
	storage.Store
	mu    sync.Mutex
	kinds map[string]bool
	fault error // of each call, unless nil
}

func (w *watchedStore) fail(fault error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = fault
}

func (w *watchedStore) err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fault
}

func (w *watchedStore) Get(ctx context.Context, keys ...storage.Key) ([]storage.Entity, error) {
	if err := w.err(); err != nil {
		return nil, err
	}
	return w.Store.Get(ctx, keys...)
}

func (w *watchedStore) Query(ctx context.Context, q storage.Query) (storage.Page, error) {
	if err := w.err(); err != nil {
		return storage.Page{}, err
	}
	return w.Store.Query(ctx, q)
}

func (w *watchedStore) Update(ctx context.Context, fn func(storage.Tx) error) error {
	if err := w.err(); err != nil {
		return err
	}
	return w.Store.Update(ctx, func(tx storage.Tx) error { return fn(watchedTx{tx, w}) })
}

type watchedTx struct {
	storage.Tx
	store *watchedStore
}

func (t watchedTx) Put(e storage.Entity) error {
	t.store.mu.Lock()
	t.store.kinds[e.Key.Kind] = true
	t.store.mu.Unlock()
	return t.Tx.Put(e)
}

// everything is all that is stored, by key.
func (s *server) everything() map[storage.Key]storage.Entity {
	s.Helper()
	s.store.mu.Lock()
	kinds := slices.Sorted(maps.Keys(s.store.kinds))
	s.store.mu.Unlock()
	all := make(map[storage.Key]storage.Entity)
	for _, kind := range kinds {
		q := storage.Query{Kind: kind, Limit: 100}
		for {
			page, err := s.store.Store.Query(s.Context(), q)
			if err != nil {
				s.Fatalf("query %s: %v", kind, err)
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

// wantSame wants the store to hold what it held before, byte for byte.
func (s *server) wantSame(before map[storage.Key]storage.Entity) {
	s.Helper()
	after := s.everything()
	for key, e := range after {
		was, ok := before[key]
		switch {
		case !ok:
			s.Errorf("%s was stored: %.100q", key, e.Data)
		case !bytes.Equal(was.Data, e.Data) || !was.Expire.Equal(e.Expire) || fmt.Sprint(was.Index) != fmt.Sprint(e.Index):
			s.Errorf("%s was changed from %.100q %v to %.100q %v", key, was.Data, was.Index, e.Data, e.Index)
		}
	}
	for key := range before {
		if _, ok := after[key]; !ok {
			s.Errorf("%s was removed", key)
		}
	}
}
