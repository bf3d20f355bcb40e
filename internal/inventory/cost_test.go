package inventory_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/merge"
	"github.com/tallystick/tallystick/internal/storage"
)

// gate is a store whose updates wait, each for a word on open, before they start.
type gate struct {
	storage.Store
	arrived, open chan struct{}
}

func newGate(store storage.Store) *gate {
	return &gate{store, make(chan struct{}, 1000), make(chan struct{}, 1000)}
}

func (g *gate) Update(ctx context.Context, fn func(storage.Tx) error) error {
	g.arrived <- struct{}{}
	<-g.open
	return g.Store.Update(ctx, fn)
}

// Get keeps the database from looking at a queued's Done.
func (g *gate) Get(ctx context.Context, keys ...storage.Key) ([]storage.Entity, error) {
	return g.Store.Get(context.WithoutCancel(ctx), keys...)
}

// queued is the context of a caller who tells when its change is in the merge's queue:
// there it begins to wait, for its turn or the context's end.
type queued struct {
	context.Context
	tell chan<- struct{}
}

func (q queued) Done() <-chan struct{} {
	q.tell <- struct{}{}
	return q.Context.Done()
}

// behind lets so many callers wait behind one batch, and returns what the batches that
// follow cost together.
func behind(t *testing.T, store storage.Store, callers int, send func(ctx context.Context, s *inventory.Service, i int) error) merge.Stats {
	t.Helper()
	gate := newGate(store)
	s := inventory.New(gate, inventory.Options{Now: newClock().Now})
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := s.Set(t.Context(), me, "a", inventory.Settings{}); err != nil {
			t.Error(err)
		}
	})
	<-gate.arrived
	waiting := make(chan struct{}, callers)
	for i := range callers {
		all.Go(func() {
			if err := send(queued{t.Context(), waiting}, s, i); err != nil {
				t.Errorf("caller %d: %v", i, err)
			}
		})
	}
	for range callers {
		<-waiting
	}
	gate.open <- struct{}{}
	<-gate.arrived
	before := s.Stats()
	for range cap(gate.open) - 1 {
		gate.open <- struct{}{}
	}
	all.Wait()
	after := s.Stats()
	return merge.Stats{
		Operations: after.Operations - before.Operations, Batches: after.Batches - before.Batches,
		EntityReads: after.EntityReads - before.EntityReads, EntityWrites: after.EntityWrites - before.EntityWrites,
	}
}

func TestABatchOf200CallersOfOneItemCostsThreeWrites(t *testing.T) {
	const callers = 200
	reserved := func(ctx context.Context, s *inventory.Service, i int) error {
		_, err := s.Reserve(ctx, me, inventory.Hold{Lines: []inventory.Line{lineOf("a", 1)}, Reference: fmt.Sprint("order ", i)})
		return err
	}
	adjusted := func(ctx context.Context, s *inventory.Service, i int) error {
		_, err := s.Adjust(ctx, me, adjustment(lineOf("a", int64(i+1))))
		return err
	}
	counts := func(ctx context.Context, s *inventory.Service, i int) error {
		_, err := s.Count(ctx, me, counted("a", int64(1000+i)))
		return err
	}
	for _, tt := range []struct {
		name          string
		send          func(ctx context.Context, s *inventory.Service, i int) error
		reads, writes uint64
	}{
		{"reserve", reserved, 1, 2},
		{"adjust", adjusted, 1, 2},
		{"count", counts, 1, 2},
		{"all of them", func(ctx context.Context, s *inventory.Service, i int) error {
			return []func(context.Context, *inventory.Service, int) error{reserved, adjusted, counts}[i%3](ctx, s, i)
		}, 1, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFixture(t)
			f.stock(1000, "a")
			got := behind(t, f.store, callers, tt.send)
			if want := (merge.Stats{Operations: callers, Batches: 1, EntityReads: tt.reads, EntityWrites: tt.writes}); got != want {
				t.Errorf("they cost %+v, want %+v", got, want)
			}
			f.sound()
		})
	}
}

func TestABatchThatEndsReservationsOfOnePageCostsThreeWrites(t *testing.T) {
	const callers = 150
	f := newFixture(t)
	f.stock(1000, "a")
	ids := make([]string, callers)
	behind(t, f.store, callers, func(ctx context.Context, s *inventory.Service, i int) error {
		r, err := s.Reserve(ctx, me, holding(0, lineOf("a", 1)))
		if err == nil {
			ids[i] = r.Reservation.ID
		}
		return err
	})
	got := behind(t, f.store, callers, func(ctx context.Context, s *inventory.Service, i int) (err error) {
		switch i % 3 {
		case 0:
			_, err = s.Commit(ctx, me, ids[i], nil, "")
		case 1:
			_, err = s.Release(ctx, me, ids[i])
		default:
			_, err = s.Extend(ctx, me, ids[i], time.Hour)
		}
		return err
	})
	if want := (merge.Stats{Operations: callers, Batches: 1, EntityReads: 2, EntityWrites: 3}); got != want {
		t.Errorf("they cost %+v, want %+v: of the item, its movements, and the page", got, want)
	}
	f.sound()
}

// Each of these reservations lies in a page of its own with many others, so that all of
// the pages together are more than a transaction may write.
func TestABatchThatEndsReservationsOfManyLargePagesIsNotTooLarge(t *testing.T) {
	const pages, rows = 60, 200
	f := newFixture(t)
	f.stock(pages*rows, "a")
	ids := make([]string, pages)
	for page := range ids {
		behind(t, f.store, rows, func(ctx context.Context, s *inventory.Service, i int) error {
			h := holding(0, lineOf("a", 1))
			h.Reference = strings.Repeat("r", inventory.MaxReference)
			r, err := s.Reserve(ctx, inventory.Caller{Who: strings.Repeat("w", 100)}, h)
			if err == nil && i == 0 {
				ids[page] = r.Reservation.ID
			}
			return err
		})
	}
	got := behind(t, f.store, pages, func(ctx context.Context, s *inventory.Service, i int) error {
		_, err := s.Commit(ctx, me, ids[i], nil, "")
		return err
	})
	t.Logf("%d commits cost %+v", pages, got)
	f.want("a", pages*rows-pages, pages*rows-pages)
	f.sound()
}

// With 100,000 reservations that have expired an item is as small, and as cheap to
// change, as without.
func TestReservationsThatHaveExpiredCostTheirItemNothing(t *testing.T) {
	const waves, callers = 100, 1000
	f := newFixture(t)
	f.stock(callers, "a")
	f.reserve(inventory.MinTTL, lineOf("a", 1))
	size := func() int { return len(entities(t, f.store)[storage.Key{Kind: "Item", Name: "a"}].Data) }
	small := size()
	for range pick(waves/5, waves) {
		f.clock.pass(inventory.MinTTL)
		var all sync.WaitGroup
		for range callers {
			all.Go(func() {
				if _, err := f.Reserve(t.Context(), me, holding(inventory.MinTTL, lineOf("a", 1))); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
	}
	f.clock.pass(inventory.MinTTL)
	f.want("a", callers, 0)
	f.reserve(inventory.MinTTL, lineOf("a", 1))
	if got := size(); got > small+8 { // its numbers have got a few digits more
		t.Errorf("the item has %d bytes, want about the %d that it had after the first reservation", got, small)
	}
}
