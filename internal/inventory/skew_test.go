package inventory_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/storage"
)

const skew = 5 * time.Minute

// skewed are two processes on one store, the clock of the first of which is ahead.
func skewed(t *testing.T) (ahead, behind fixture) {
	store := freshSQLite(t).open(t)
	ahead, behind = on(t, store, newClock()), on(t, store, newClock())
	ahead.clock.pass(skew)
	return ahead, behind
}

// What one process saw expire, and gave to somebody else, stays expired for a process
// whose clock is behind.
func TestWhatHasExpiredDoesNotComeBackWhereAClockIsBehind(t *testing.T) {
	for name, again := range map[string]func(f fixture, id string) error{
		"commit":  func(f fixture, id string) error { _, err := f.Commit(f.Context(), me, id, nil, ""); return err },
		"release": func(f fixture, id string) error { _, err := f.Release(f.Context(), me, id); return err },
		"extend":  func(f fixture, id string) error { _, err := f.Extend(f.Context(), me, id, time.Hour); return err },
	} {
		t.Run(name, func(t *testing.T) {
			ahead, behind := skewed(t)
			behind.stock(10, "a", "b")
			lost := behind.reserve(time.Minute, lineOf("a", 6), lineOf("b", 6))
			taken := ahead.reserve(time.Hour, lineOf("a", 6))
			behind.want("a", 10, 6)
			if err := again(behind, lost.ID); !isLike(err, &inventory.EndedError{Status: inventory.StatusExpired}) {
				t.Errorf("got %v, want that it has expired", err)
			}
			if got := behind.reservation(lost.ID).Status; got != inventory.StatusExpired {
				t.Errorf("it reads as %s, want expired", got)
			}
			if _, err := behind.Reserve(t.Context(), me, holding(0, lineOf("a", 5))); !errors.Is(err, inventory.ErrInsufficient) {
				t.Errorf("5 of 4: got %v, want ErrInsufficient", err)
			}
			behind.must(behind.Commit(t.Context(), me, taken.ID, nil, ""))
			behind.want("a", 4, 0)
			ahead.want("a", 4, 0)
			ahead.sound()
			behind.sound()
		})
	}
}

// before is a store in which something happens once, before items are read.
type before struct {
	storage.Store
	happens func()
}

func (b *before) Get(ctx context.Context, keys ...storage.Key) ([]storage.Entity, error) {
	if do := b.happens; do != nil && keys[0].Kind == "Item" {
		b.happens = nil
		do()
	}
	return b.Store.Get(ctx, keys...)
}

func TestAReservationThatIsExtendedWhileItIsReadHasNotExpired(t *testing.T) {
	clock := newClock()
	store := &before{Store: freshSQLite(t).open(t)}
	f, other := on(t, store, newClock()), on(t, store.Store, clock)
	other.stock(10, "a")
	r := other.reserve(time.Minute, lineOf("a", 1))
	store.happens = func() {
		other.must(other.Extend(t.Context(), me, r.ID, time.Hour))
		clock.pass(5 * time.Minute)
		other.stock(20, "a")
	}
	if got := f.reservation(r.ID); got.Status != inventory.Held || !got.Expires.Equal(noon.Add(time.Hour)) {
		t.Errorf("it is %s until %v, want held until an hour past noon", got.Status, got.Expires)
	}
}

// TestAClockThatIsFarAheadIsBelievedByNobodyElse: what it changed is not held until then,
// and a reservation whose hold it dropped has ended.
func TestAClockThatIsFarAheadIsBelievedByNobodyElse(t *testing.T) {
	wrong, store := newClock(), freshSQLite(t)
	right := on(t, store.open(t), newClock())
	ahead := on(t, store.open(t), wrong)
	right.stock(10, "a", "b")
	dropped := right.reserve(time.Minute, lineOf("a", 3))
	wrong.pass(365 * 24 * time.Hour)
	ahead.must(ahead.Adjust(t.Context(), me, adjustment(lineOf("a", 1))))

	right.want("a", 11, 0)
	if _, err := right.Commit(t.Context(), me, dropped.ID, nil, ""); !errors.Is(err, inventory.ErrEnded) {
		t.Errorf("a commit of what was given away: %v, want ErrEnded", err)
	}
	held := right.reserve(10*time.Second, lineOf("a", 1), lineOf("b", 2))
	right.want("b", 10, 2)
	right.clock.pass(11 * time.Second)
	right.want("b", 10, 0)
	right.want("a", 11, 0)
	if got := right.reservation(held.ID).Status; got != inventory.StatusExpired {
		t.Errorf("eleven seconds later it is %s, want expired", got)
	}
}

func TestProcessesWhoseClocksDifferNeverOversell(t *testing.T) {
	ahead, behind := skewed(t)
	services := []fixture{ahead, behind}
	const units = 50
	ahead.stock(units, "a", "b")
	var mu sync.Mutex
	sold := make(map[string]int64)
	ended := make(map[string]bool) // reservations that are told to be over
	var all sync.WaitGroup
	for client := range 8 {
		all.Go(func() {
			s := services[client%2]
			for range pick(60, 2000) {
				first, second := "a", "b"
				if rand.IntN(2) == 0 {
					first, second = second, first
				}
				r, err := s.Reserve(t.Context(), me, holding(inventory.MinTTL, lineOf(first, rand.Int64N(4)+1), lineOf(second, 1)))
				if rand.IntN(3) == 0 {
					s.clock.pass(time.Duration(rand.IntN(4000)) * time.Millisecond)
				}
				if errors.Is(err, inventory.ErrInsufficient) {
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				id, status := r.Reservation.ID, inventory.Held
				for range 3 { // by either process, one behind the other
					s := services[rand.IntN(2)]
					if rand.IntN(2) == 0 {
						r, err = s.Commit(t.Context(), me, id, nil, "")
					} else {
						r, err = s.Extend(t.Context(), me, id, inventory.MinTTL)
					}
					if err != nil && !errors.Is(err, inventory.ErrEnded) {
						t.Error(err)
						return
					}
					if err == nil && r.Reservation.Status == inventory.StatusCommitted {
						mu.Lock()
						if ended[id] {
							t.Errorf("%s was committed when it was over", id)
						}
						for _, l := range r.Reservation.Lines {
							sold[l.SKU] += l.Committed
						}
						ended[id] = true
						mu.Unlock()
						status = inventory.StatusCommitted
					}
				}
				items, _, err := s.Read(t.Context(), "a", "b")
				if err != nil {
					t.Error(err)
					return
				}
				for _, it := range items {
					if it.Available() < 0 || it.OnHand < 0 {
						t.Errorf("%s has %d on hand, %d reserved, when one was %s", it.SKU, it.OnHand, it.Reserved, status)
					}
				}
			}
		})
	}
	all.Wait()
	for _, sku := range []string{"a", "b"} {
		if it := ahead.item(sku); it.OnHand != units-sold[sku] {
			t.Errorf("%s has %d on hand, want %d, for %d are sold", sku, it.OnHand, units-sold[sku], sold[sku])
		}
	}
	ahead.sound()
	behind.sound()
}
