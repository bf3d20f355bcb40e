package stock_test

import (
	"context"
	"sync"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/storagetest"
)

// failingStore is watched, and fails as a test tells it to.
type failingStore struct {
	*storagetest.Watched
	mu    sync.Mutex
	fault error // of each call, unless nil
}

func (f *failingStore) fail(fault error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

func (f *failingStore) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.fault
}

func (f *failingStore) Get(ctx context.Context, keys ...storage.Key) ([]storage.Entity, error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	return f.Watched.Get(ctx, keys...)
}

func (f *failingStore) Query(ctx context.Context, q storage.Query) (storage.Page, error) {
	if err := f.err(); err != nil {
		return storage.Page{}, err
	}
	return f.Watched.Query(ctx, q)
}

func (f *failingStore) Update(ctx context.Context, fn func(storage.Tx) error) error {
	if err := f.err(); err != nil {
		return err
	}
	return f.Watched.Update(ctx, fn)
}

func (s *server) everything() map[storage.Key]storage.Entity {
	s.Helper()
	return s.store.Everything(s.T)
}

func (s *server) wantSame(before map[storage.Key]storage.Entity) {
	s.Helper()
	s.store.WantSame(s.T, before)
}
