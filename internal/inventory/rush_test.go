package inventory_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/storage"
)

// lossy is a store that applies a commit and loses the answer: sometimes it runs the
// transaction again, as a client library does, sometimes it gives up.
type lossy struct {
	storage.Store
	again, never float64
	lost         atomic.Int32
}

func (l *lossy) Update(ctx context.Context, fn func(storage.Tx) error) error {
	for {
		if err := l.Store.Update(ctx, fn); err != nil {
			return err
		}
		switch dice := rand.Float64(); {
		case dice < l.never:
			l.lost.Add(1)
			return storage.ErrUnknown
		case dice < l.never+l.again:
			l.lost.Add(1)
			continue
		}
		return nil
	}
}

// buyer reserves one until there is none left, changes its mind now and then, and says
// whether it bought. Each request has a key and is sent until its outcome is known.
func buyer(ctx context.Context, services []fixture, i int) (bought bool, err error) {
	s := services[i%len(services)]
	request := 0
	key := func() inventory.Caller {
		request++
		return keyed(fmt.Sprint("buyer ", i, " request ", request))
	}
	for {
		c := key()
		held, err := insist(func() (inventory.Result, error) { return s.Reserve(ctx, c, holding(0, lineOf("a", 1))) })
		if errors.Is(err, inventory.ErrInsufficient) {
			items, _, err := s.Read(ctx, "a")
			if err != nil || items[0].OnHand == 0 {
				return false, err
			}
			continue // another one holds the last ones, and may give one back
		}
		if err != nil {
			return false, err
		}
		c, id := key(), held.Reservation.ID
		if rand.IntN(4) == 0 {
			if _, err := insist(func() (inventory.Result, error) { return s.Release(ctx, c, id) }); err != nil {
				return false, err
			}
			continue
		}
		_, err = insist(func() (inventory.Result, error) { return s.Commit(ctx, c, id, nil, "") })
		return err == nil, err
	}
}

func TestInARushOf200BuyersExactly100UnitsAreSold(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fresh  func(t *testing.T) database
		store  func(storage.Store) storage.Store
		buyers int
	}{
		{"SQLite", freshSQLite, sound, 200},
		{"SQLite that loses answers", freshSQLite, losing, 200},
		{"Datastore", freshDatastore, sound, 200},
		{"Datastore that loses answers", freshDatastore, losing, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			database, clock := tt.fresh(t), newClock()
			var services []fixture
			for range 2 {
				services = append(services, on(t, tt.store(database.open(t)), clock))
			}
			f := on(t, database.open(t), clock)
			const units = 100
			f.stock(units, "a")
			var bought atomic.Int32
			var all sync.WaitGroup
			for i := range tt.buyers {
				all.Go(func() {
					ok, err := buyer(t.Context(), services, i)
					if err != nil {
						t.Errorf("buyer %d: %v", i, err)
					}
					if ok {
						bought.Add(1)
					}
				})
			}
			all.Wait()
			if bought.Load() != units {
				t.Errorf("%d bought one, want %d", bought.Load(), units)
			}
			f.want("a", 0, 0)
			if got := f.item("a").Available(); got != 0 {
				t.Errorf("%d are available, want 0", got)
			}
			if got := f.sound().Movements; got != units+1 {
				t.Errorf("%d movements, want %d: one for each that was sold", got, units+1)
			}
			wantLosses(t, services)
		})
	}
}

func sound(s storage.Store) storage.Store  { return s }
func losing(s storage.Store) storage.Store { return &lossy{Store: s, again: 0.3, never: 0.2} }

// wantLosses says whether stores that lose answers did what they are there for.
func wantLosses(t *testing.T, services []fixture) {
	t.Helper()
	for _, s := range services {
		if l, ok := s.store.(*lossy); ok && l.lost.Load() == 0 {
			t.Error("no answer was lost, so nothing is shown")
		}
	}
}

// Without a key an answer that was lost and came again doubles nothing either.
func TestALostAnswerToAChangeDoublesNothing(t *testing.T) {
	store := &lossy{Store: freshSQLite(t).open(t), again: 0.5}
	services := []fixture{on(t, store, newClock()), on(t, store, newClock())}
	services[0].stock(1000, "a", "b")
	for i := range 60 {
		f := services[i%2]
		r := f.must(f.Adjust(t.Context(), me, adjustment(lineOf("a", -1))))
		if want := int64(1000 - 6*i - 1); r.Items[0].OnHand != want {
			t.Fatalf("adjust: %d on hand, want %d", r.Items[0].OnHand, want)
		}
		id := f.reserve(0, lineOf("a", 5), lineOf("b", 5)).ID
		if i%2 == 0 {
			f.must(f.Extend(t.Context(), me, id, time.Hour))
		}
		r = f.must(f.Commit(t.Context(), me, id, nil, "")) // which is not told that it has ended
		if want := int64(1000 - 6*i - 6); r.Items[0].OnHand != want || r.Items[0].Reserved != 0 {
			t.Fatalf("commit: %d on hand and %d reserved, want %d and 0", r.Items[0].OnHand, r.Items[0].Reserved, want)
		}
		f.must(f.Release(t.Context(), me, f.reserve(0, lineOf("b", 5)).ID))
	}
	if n := store.lost.Load(); n < 60 {
		t.Errorf("%d answers were lost: too few to show anything", n)
	}
	services[0].sound()
}

// Transfers between items, each of which is one adjustment of two lines.
func TestWhatIsMovedBetweenItemsIsNeverSeenHalfMoved(t *testing.T) {
	skus := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}
	const each, clients = 1000, 16
	for _, backend := range backends {
		t.Run(backend.name, func(t *testing.T) {
			transfers := pick(40, 1000)
			if backend.name == "Firestore" { // whose emulator lets both of two that collide wait
				transfers = pick(3, 30)
			}
			database, clock := backend.fresh(t), newClock()
			services := []fixture{on(t, database.open(t), clock), on(t, database.open(t), clock)}
			services[0].stock(each, skus...)
			var writers, readers sync.WaitGroup
			for client := range clients {
				writers.Go(func() {
					for i := range transfers {
						from, to := rand.IntN(len(skus)), rand.IntN(len(skus)-1)
						if to >= from {
							to++
						}
						n := rand.Int64N(50) + 1
						_, err := insist(func() (inventory.Result, error) {
							return services[client%2].Adjust(t.Context(), keyed(fmt.Sprint(client, i)), adjustment(lineOf(skus[from], -n), lineOf(skus[to], n)))
						})
						if err != nil && !errors.Is(err, inventory.ErrInsufficient) {
							t.Error(err)
						}
					}
				})
			}
			done := make(chan struct{})
			var reads, different atomic.Int64
			for _, s := range services {
				readers.Go(func() {
					last := int64(0)
					for {
						select {
						case <-done:
							return
						default:
						}
						items, _, err := s.Read(t.Context(), skus...)
						if err != nil {
							t.Error(err)
							return
						}
						sum, version := int64(0), int64(0)
						for _, it := range items {
							sum += it.OnHand
							version += it.Version
						}
						if sum != each*int64(len(skus)) {
							t.Errorf("the items have %d together, want %d", sum, each*len(skus))
							return
						}
						reads.Add(1)
						if version != last {
							different.Add(1)
						}
						last = version
					}
				})
			}
			writers.Wait()
			close(done)
			readers.Wait()
			t.Logf("%d reads saw %d different moments", reads.Load(), different.Load())
			if different.Load() < 3 {
				t.Errorf("the readers saw %d different moments: too few to show anything", different.Load())
			}
			services[0].sound()
		})
	}
}

// Fifty try to end or extend one reservation, while its time may run out.
func TestAReservationEndsOnceWhoeverRaces(t *testing.T) {
	database, clock := freshSQLite(t), newClock()
	services := []fixture{on(t, database.open(t), clock), on(t, database.open(t), clock)}
	f := services[0]
	f.stock(100_000, "a", "b")
	outcomes := make(map[inventory.Status]int)
	sold := int64(0)
	for range pick(40, 1000) {
		other := f.reserve(inventory.MaxTTL, lineOf("a", 1)) // lives on beside it
		r := f.reserve(inventory.MinTTL, lineOf("a", 3), lineOf("b", 2))
		var ended sync.Map // how it ended for those who were told that they did it
		var all sync.WaitGroup
		for i := range 50 {
			what := rand.IntN(8)
			all.Go(func() {
				s := services[i%2]
				var err error
				how := inventory.Held
				switch {
				case what < 2:
					how = inventory.StatusCommitted
					_, err = s.Commit(t.Context(), me, r.ID, nil, "")
				case what < 4:
					how = inventory.StatusReleased
					_, err = s.Release(t.Context(), me, r.ID)
				case what < 7 || i > 30:
					_, err = s.Extend(t.Context(), me, r.ID, 20*time.Second)
				default:
					clock.pass(8 * time.Second)
				}
				switch {
				case err == nil && how != inventory.Held:
					if before, twice := ended.Swap(how, i); twice {
						t.Errorf("it was %s by %d and by %d", how, before, i)
					}
				case err != nil && !errors.Is(err, inventory.ErrEnded):
					t.Error(err)
				}
			})
		}
		all.Wait()
		got := f.reservation(r.ID)
		n := 0
		ended.Range(func(how, _ any) bool {
			if n++; how != got.Status {
				t.Errorf("it is %s, and somebody was told that it is %s", got.Status, how)
			}
			return true
		})
		if over := got.Status == inventory.StatusExpired || got.Status == inventory.Held; n > 1 || over != (n == 0) {
			t.Errorf("it is %s, and was ended in %d ways", got.Status, n)
		}
		if got.Status == inventory.Held {
			f.must(f.Release(t.Context(), me, r.ID))
		}
		if got.Status == inventory.StatusCommitted {
			sold++
		}
		outcomes[got.Status]++
		f.want("a", 100_000-3*sold, 1)
		f.want("b", 100_000-2*sold, 0)
		f.must(f.Release(t.Context(), me, other.ID))
	}
	t.Logf("outcomes: %v", outcomes)
	for _, s := range []inventory.Status{inventory.StatusCommitted, inventory.StatusReleased, inventory.StatusExpired} {
		if outcomes[s] == 0 && soak {
			t.Errorf("none was %s: the test shows less than it should", s)
		}
	}
	f.sound()
}
