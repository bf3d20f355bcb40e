package storagetest

import (
	"context"
	"fmt"
	"slices"

	"github.com/tallystick/tallystick/internal/storage"
)

// Granted returns store as somebody sees it who is granted that access and no more. What
// he is not granted is an error of its own, as a database's own refusal is.
func Granted(store storage.Store, access storage.Access) storage.Store {
	return granted{store, access}
}

type granted struct {
	storage.Store
	access storage.Access
}

func (s granted) needs(a storage.Access, what string) error {
	if !s.access.Has(a) {
		return fmt.Errorf("storagetest: permission denied: %s", what)
	}
	return nil
}

func (s granted) Get(ctx context.Context, keys ...storage.Key) ([]storage.Entity, error) {
	if err := s.needs(storage.Reads, "Get"); err != nil {
		return nil, err
	}
	return s.Store.Get(ctx, keys...)
}

func (s granted) Query(ctx context.Context, q storage.Query) (storage.Page, error) {
	if err := s.needs(storage.Lists, "Query"); err != nil {
		return storage.Page{}, err
	}
	return s.Store.Query(ctx, q)
}

func (s granted) Count(ctx context.Context, q storage.Query) (int64, error) {
	if err := s.needs(storage.Lists, "Count"); err != nil {
		return 0, err
	}
	return s.Store.Count(ctx, q)
}

func (s granted) Snapshot(ctx context.Context) (storage.Snapshot, error) {
	if err := s.needs(storage.Lists, "Snapshot"); err != nil {
		return nil, err
	}
	return s.Store.Snapshot(ctx)
}

// Update begins a transaction, which only who changes something may.
func (s granted) Update(ctx context.Context, fn func(storage.Tx) error) error {
	if !s.access.Has(storage.Writes) && !s.access.Has(storage.Deletes) {
		return s.needs(storage.Writes|storage.Deletes, "Update")
	}
	return s.Store.Update(ctx, func(tx storage.Tx) error { return fn(grantedTx{tx, s}) })
}

type grantedTx struct {
	storage.Tx
	store granted
}

func (t grantedTx) Get(keys ...storage.Key) ([]storage.Entity, error) {
	if err := t.store.needs(storage.Reads, "Tx.Get"); err != nil {
		return nil, err
	}
	return t.Tx.Get(keys...)
}

func (t grantedTx) Put(e storage.Entity) error {
	if err := t.store.needs(storage.Writes, "Tx.Put"); err != nil {
		return err
	}
	return t.Tx.Put(e)
}

func (t grantedTx) Delete(key storage.Key) error {
	if err := t.store.needs(storage.Deletes, "Tx.Delete"); err != nil {
		return err
	}
	return t.Tx.Delete(key)
}

// Indexed returns store as a database that has the indexes of those kinds and no others:
// a query that goes by more than one property, or backward, is an IndexError unless its
// kind is among them and declares it. Snapshots are not held to it: what reads a whole
// store goes by names alone.
func Indexed(store storage.Store, kinds ...storage.Kind) storage.Store {
	return indexed{store, kinds}
}

type indexed struct {
	storage.Store
	kinds []storage.Kind
}

func (s indexed) Query(ctx context.Context, q storage.Query) (storage.Page, error) {
	if err := s.check(q); err != nil {
		return storage.Page{}, err
	}
	return s.Store.Query(ctx, q)
}

func (s indexed) Count(ctx context.Context, q storage.Query) (int64, error) {
	if err := s.check(q); err != nil {
		return 0, err
	}
	return s.Store.Count(ctx, q)
}

func (s indexed) check(q storage.Query) error {
	properties := propertiesOf(q)
	if len(properties) < 2 && !q.Descending {
		return nil
	}
	declared := func(d storage.Query) bool {
		return d.OrderBy == q.OrderBy && d.Descending == q.Descending && slices.Equal(propertiesOf(d), properties)
	}
	for _, k := range s.kinds {
		if k.Name == q.Kind && slices.ContainsFunc(k.Indexes, declared) {
			return nil
		}
	}
	return &storage.IndexError{Hint: fmt.Sprintf("%s declares no index by %q, descending: %v", q.Kind, properties, q.Descending)}
}

// propertiesOf is what a query goes by, sorted.
func propertiesOf(q storage.Query) []string {
	var names []string
	for _, f := range q.Where {
		names = append(names, f.Property)
	}
	if q.OrderBy != "" {
		names = append(names, q.OrderBy)
	}
	slices.Sort(names)
	return slices.Compact(names)
}
