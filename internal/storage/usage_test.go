package storage_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
)

func open(t *testing.T) storage.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return store
}

func key(kind, name string) storage.Key { return storage.Key{Kind: kind, Name: name} }

// fill puts n entities of a kind.
func fill(t *testing.T, store storage.Store, kind string, n int) {
	t.Helper()
	err := store.Update(t.Context(), func(tx storage.Tx) error {
		for i := range n {
			if err := tx.Put(storage.Entity{Key: key(kind, fmt.Sprint(i))}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestUsageIsCountedAsDatastoreBills(t *testing.T) {
	store := open(t)
	fill(t, store, "Three", 3)
	fill(t, store, "Many", 1001)
	no := errors.New("no")
	query := func(q storage.Query) func(context.Context) error {
		return func(ctx context.Context) error { _, err := store.Query(ctx, q); return err }
	}
	count := func(kind string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := store.Count(ctx, storage.Query{Kind: kind})
			return err
		}
	}
	update := func(fn func(storage.Tx) error) func(context.Context) error {
		return func(ctx context.Context) error { return store.Update(ctx, fn) }
	}
	for _, tt := range []struct {
		name string
		do   func(context.Context) error
		err  error
		want storage.Used
	}{
		{"a missing entity is read too", func(ctx context.Context) error {
			_, err := store.Get(ctx, key("Three", "0"), key("Three", "x"))
			return err
		}, nil, storage.Used{Reads: 2}},
		{"no keys", func(ctx context.Context) error { _, err := store.Get(ctx); return err }, nil, storage.Used{}},
		{"what is refused is not read", func(ctx context.Context) error { _, err := store.Get(ctx, key("", "")); return err },
			storage.ErrInvalid, storage.Used{}},
		{"a query is what it returns", query(storage.Query{Kind: "Three", Limit: 2}), nil, storage.Used{Reads: 2}},
		{"a query that finds nothing", query(storage.Query{Kind: "None", Limit: 2}), nil, storage.Used{Reads: 1}},
		{"a query of keys", query(storage.Query{Kind: "Three", Limit: 3, KeysOnly: true}), nil, storage.Used{Reads: 1}},
		{"a count", count("Three"), nil, storage.Used{Reads: 1}},
		{"a count of nothing", count("None"), nil, storage.Used{Reads: 1}},
		{"a count of over a thousand", count("Many"), nil, storage.Used{Reads: 2}},
		{"a query of a snapshot", func(ctx context.Context) error {
			s, err := store.Snapshot(ctx)
			if err != nil {
				return err
			}
			_, err = s.Query(ctx, storage.Query{Kind: "Three", Limit: 3})
			return errors.Join(err, s.Close())
		}, nil, storage.Used{Reads: 3}},
		{"a transaction", update(func(tx storage.Tx) error {
			_, err := tx.Get(key("Three", "0"), key("Three", "x"))
			return errors.Join(err, tx.Put(storage.Entity{Key: key("Three", "0")}), tx.Put(storage.Entity{Key: key("Three", "0")}),
				tx.Put(storage.Entity{Key: key("Other", "a")}), tx.Delete(key("Other", "b")))
		}), nil, storage.Used{Reads: 2, Writes: 2, Deletes: 1, Transactions: 1}},
		{"a transaction that stores nothing", update(func(tx storage.Tx) error {
			_, err := tx.Get(key("Three", "0"))
			return errors.Join(err, tx.Put(storage.Entity{Key: key("Three", "0")}), no)
		}), no, storage.Used{Reads: 1, Transactions: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			usage := new(storage.Usage)
			if err := tt.do(storage.WithUsage(t.Context(), usage)); !errors.Is(err, tt.err) {
				t.Fatal(err)
			}
			if got := usage.Used(); got != tt.want {
				t.Errorf("it used %+v, want %+v", got, tt.want)
			}
		})
	}
}

// again is a driver that runs each transaction three times, as after two conflicts.
type again struct{ storage.Driver }

func (again) Update(_ context.Context, fn func(storage.Getter) ([]storage.Write, error)) error {
	for range 3 {
		if _, err := fn(func(keys []storage.Key) ([]storage.Entity, error) { return make([]storage.Entity, len(keys)), nil }); err != nil {
			return err
		}
	}
	return nil
}

func TestATransactionThatIsRunAgainReadsAndWritesAgain(t *testing.T) {
	usage := new(storage.Usage)
	err := storage.New(again{}).Update(storage.WithUsage(t.Context(), usage), func(tx storage.Tx) error {
		_, err := tx.Get(key("A", "a"))
		return errors.Join(err, tx.Put(storage.Entity{Key: key("A", "a")}), tx.Put(storage.Entity{Key: key("A", "b")}))
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := usage.Used(), (storage.Used{Reads: 3, Writes: 6, Transactions: 1, Retries: 2}); got != want {
		t.Errorf("it used %+v, want %+v", got, want)
	}
}

func TestUsesSideBySideAllCount(t *testing.T) {
	store, usage := open(t), new(storage.Usage)
	ctx := storage.WithUsage(t.Context(), usage)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				if _, err := store.Get(ctx, key("A", "a")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got := usage.Used().Reads; got != 400 {
		t.Errorf("%d reads, want 400", got)
	}
}

func TestTheLargestOfAUsersBatchesIsKept(t *testing.T) {
	usage := new(storage.Usage)
	for _, callers := range []int{3, 7, 5} {
		usage.Shared(callers)
	}
	if got := usage.Used().Batch; got != 7 {
		t.Errorf("batch %d, want 7", got)
	}
}

func TestWhereNobodyCountsNothingIsCounted(t *testing.T) {
	var nobody *storage.Usage
	if got := storage.UsageOf(t.Context()); got != nobody {
		t.Errorf("%v counts, want nobody", got)
	}
	nobody.Shared(3)
	if got := nobody.Used(); got != (storage.Used{}) {
		t.Errorf("nobody used %+v", got)
	}
}
