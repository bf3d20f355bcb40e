package storagetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/tallystick/tallystick/internal/storage"
)

// Moment is the group of cases that a store passes which knows what was there before.
const Moment = "Moment"

var snapshotCases = []testCase{
	{"answers as the store does when nobody writes", func(f *fixture) {
		f.grid()
		s := f.snapshot()
		for _, q := range shapes {
			f.equal(fmt.Sprintf("%+v", q), f.snapshotQuery(s, q, storage.MaxQueryLimit), f.query(q))
		}
	}},
	{"sees every Update that had returned", func(f *fixture) {
		for i := range 5 {
			f.put(f.entity(fmt.Sprint(i), "1"))
			if got := namesOf(f.snapshotQuery(f.snapshot(), storage.Query{}, 2)); len(got) != i+1 {
				f.Fatalf("after %d Updates: got %q", i+1, got)
			}
		}
		f.remove("0", "1")
		if got, want := namesOf(f.snapshotQuery(f.snapshot(), storage.Query{}, 2)), []string{"2", "3", "4"}; !slices.Equal(got, want) {
			f.Errorf("after a Delete: got %q, want %q", got, want)
		}
	}},
	{"of a query that is not allowed is ErrInvalid, of a bad cursor ErrCursor", func(f *fixture) {
		s := f.snapshot()
		if _, err := s.Query(f.ctx, storage.Query{Kind: "a b", Limit: 1}); !errors.Is(err, storage.ErrInvalid) {
			f.Errorf("got error %v, want ErrInvalid", err)
		}
		if _, err := s.Query(f.ctx, storage.Query{Kind: f.kind, Limit: 1, Cursor: "garbage"}); !errors.Is(err, storage.ErrCursor) {
			f.Errorf("got error %v, want ErrCursor", err)
		}
	}},
	{"with an ended context returns its error, and is there for another", func(f *fixture) {
		f.put(f.entity("a", "1"))
		ctx, cancel := context.WithCancel(f.ctx)
		cancel()
		if _, err := f.store.Snapshot(ctx); !errors.Is(err, context.Canceled) {
			f.Errorf("Snapshot: got error %v, want context.Canceled", err)
		}
		s := f.snapshot()
		if _, err := s.Query(ctx, storage.Query{Kind: f.kind, Limit: 1}); !errors.Is(err, context.Canceled) {
			f.Errorf("Query: got error %v, want context.Canceled", err)
		}
		if got := namesOf(f.snapshotQuery(s, storage.Query{}, 1)); !slices.Equal(got, []string{"a"}) {
			f.Errorf("after that: got %q, want a", got)
		}
	}},
	{"is there when the context that it was taken with has ended", func(f *fixture) {
		f.put(f.entity("a", "1"))
		ctx, cancel := context.WithCancel(f.ctx)
		s, err := f.store.Snapshot(ctx)
		if err != nil {
			f.Fatal(err)
		}
		defer s.Close()
		cancel()
		if got := namesOf(f.snapshotQuery(s, storage.Query{}, 1)); !slices.Equal(got, []string{"a"}) {
			f.Errorf("got %q, want a", got)
		}
	}},
	{"after Close is ErrInvalid, and a second Close does nothing", func(f *fixture) {
		s, other := f.snapshot(), f.snapshot()
		for range 2 {
			if err := s.Close(); err != nil {
				f.Errorf("Close: %v", err)
			}
		}
		if _, err := s.Query(f.ctx, storage.Query{Kind: f.kind, Limit: 1}); !errors.Is(err, storage.ErrInvalid) {
			f.Errorf("got error %v, want ErrInvalid", err)
		}
		f.snapshotQuery(other, storage.Query{}, 1)
		f.put(f.entity("a", "1"))
		f.wantData("a", "1")
	}},
}

var momentCases = []testCase{
	{"does not see what was put or deleted since, in any kind and on any page", func(f *fixture) {
		other := newFixture(f.T, f.store)
		for _, f := range []*fixture{f, other} {
			f.grid()
		}
		s := f.snapshot()
		want := make([][]storage.Entity, len(shapes))
		for i, q := range shapes {
			want[i] = f.query(q)
		}
		for _, f := range []*fixture{f, other} {
			f.remove("0a", "1b", "2c")
			f.put(f.entity("1a", "without properties"), storage.Entity{
				Key: f.key("new"), Index: map[string]any{"x": int64(1), "letter": "b", "even": true},
			})
		}
		for i, q := range shapes {
			for _, size := range []int{1, 2, storage.MaxQueryLimit} {
				f.equal(fmt.Sprintf("%+v in pages of %d", q, size), f.snapshotQuery(s, q, size), want[i])
			}
		}
		q := storage.Query{Kind: other.kind, Limit: 100}
		page, err := s.Query(f.ctx, q)
		if err != nil {
			f.Fatal(err)
		}
		if got := len(page.Entities); got != 9 {
			f.Errorf("got %d entities of a kind that was first read after it had changed, want 9", got)
		}
	}},
	{"snapshots of several moments are there at once", func(f *fixture) {
		var all []storage.Snapshot
		for i := range 4 {
			f.put(f.entity("a", fmt.Sprint(i)))
			all = append(all, f.snapshot())
		}
		f.remove("a")
		for i, s := range all {
			f.equal(fmt.Sprint("snapshot ", i), f.snapshotQuery(s, storage.Query{}, 1), []storage.Entity{f.entity("a", fmt.Sprint(i))})
		}
	}},
	{"no Update is seen in part, over several kinds and pages, and writers go on", func(f *fixture) {
		const writers, rounds = 4, 15
		other := newFixture(f.T, f.store)
		kinds := []string{f.kind, other.kind, f.kind}
		account := func(writer, i, amount int) storage.Entity {
			e := f.account(writer*len(kinds)+i, 16, amount)
			e.Key.Kind = kinds[i]
			return e
		}
		var done atomic.Bool
		transferred := make(chan struct{})
		f.concurrently(writers+1, func(writer int) error {
			if writer == writers {
				defer done.Store(true)
				return f.wantSums(kinds[:2], rounds, transferred)
			}
			amounts := make([]int, len(kinds))
			for n := 1; !done.Load(); n++ {
				from, to := n%len(kinds), (n+1)%len(kinds)
				amounts[from] -= n
				amounts[to] += n
				if err := f.tryPut(account(writer, from, amounts[from]), account(writer, to, amounts[to])); err != nil {
					return err
				}
				select {
				case transferred <- struct{}{}:
				default:
				}
			}
			return nil
		})
	}},
}

// wantSums takes snapshots while others transfer amounts between entities of the kinds. In
// each their sum is 0, and while it is open there is another transfer.
func (f *fixture) wantSums(kinds []string, rounds int, transferred <-chan struct{}) error {
	for range rounds {
		s, err := f.store.Snapshot(f.ctx)
		if err != nil {
			return err
		}
		sum := 0
		for _, kind := range kinds {
			select {
			case <-transferred:
			case <-f.ctx.Done():
				return fmt.Errorf("there are no transfers beside a snapshot: %w", f.ctx.Err())
			}
			entities, err := f.readAll(s, storage.Query{Kind: kind}, 2)
			if err != nil {
				return err
			}
			for _, e := range entities {
				amount, err := strconv.Atoi(strings.TrimSpace(string(e.Data)))
				if err != nil {
					return err
				}
				sum += amount
			}
		}
		if sum != 0 {
			return fmt.Errorf("the amounts of a snapshot have the sum %d, want 0", sum)
		}
		if err := s.Close(); err != nil {
			return err
		}
	}
	return nil
}

// snapshot takes one, which is closed with the case.
func (f *fixture) snapshot() storage.Snapshot {
	f.Helper()
	s, err := f.store.Snapshot(f.ctx)
	if err != nil {
		f.Fatalf("Snapshot: %v", err)
	}
	f.Cleanup(func() {
		if err := s.Close(); err != nil {
			f.Errorf("Close: %v", err)
		}
	})
	return s
}

// snapshotQuery is readAll for a snapshot that has to answer.
func (f *fixture) snapshotQuery(s storage.Snapshot, q storage.Query, size int) []storage.Entity {
	f.Helper()
	all, err := f.readAll(s, q, size)
	if err != nil {
		f.Fatal(err)
	}
	return all
}

// readAll reads a query, of the fixture's kind unless it has another, in pages of size.
func (f *fixture) readAll(s storage.Snapshot, q storage.Query, size int) (all []storage.Entity, err error) {
	if q.Kind == "" {
		q.Kind = f.kind
	}
	for q.Limit = size; ; {
		page, err := s.Query(f.ctx, q)
		if err != nil {
			return nil, fmt.Errorf("Query %+v: %w", q, err)
		}
		all = append(all, page.Entities...)
		if q.Cursor = page.Next; q.Cursor == "" {
			return all, nil
		}
	}
}
