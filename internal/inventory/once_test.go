package inventory_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/merge"
	"github.com/tallystick/tallystick/internal/storage"
)

// keyedChange is a change by a caller, of item a and of a reservation of it.
type keyedChange struct {
	name string
	do   func(ctx context.Context, s *inventory.Service, c inventory.Caller, id string) (inventory.Result, error)
}

// kinds are all kinds of changes, variants more of them. No two are one request.
var kinds = []keyedChange{
	{"set", func(ctx context.Context, s *inventory.Service, c inventory.Caller, _ string) (inventory.Result, error) {
		return s.Set(ctx, c, "a", inventory.Settings{OversellLimit: 1})
	}},
	{"adjust", func(ctx context.Context, s *inventory.Service, c inventory.Caller, _ string) (inventory.Result, error) {
		return s.Adjust(ctx, c, adjustment(lineOf("b", -1), lineOf("a", -2)))
	}},
	{"count", func(ctx context.Context, s *inventory.Service, c inventory.Caller, _ string) (inventory.Result, error) {
		return s.Count(ctx, c, counted("a", 7))
	}},
	{"reserve", func(ctx context.Context, s *inventory.Service, c inventory.Caller, _ string) (inventory.Result, error) {
		return s.Reserve(ctx, c, holding(0, lineOf("a", 2), lineOf("b", 1)))
	}},
	{"commit", func(ctx context.Context, s *inventory.Service, c inventory.Caller, id string) (inventory.Result, error) {
		return s.Commit(ctx, c, id, nil, "")
	}},
	{"release", func(ctx context.Context, s *inventory.Service, c inventory.Caller, id string) (inventory.Result, error) {
		return s.Release(ctx, c, id)
	}},
	{"extend", func(ctx context.Context, s *inventory.Service, c inventory.Caller, id string) (inventory.Result, error) {
		return s.Extend(ctx, c, id, time.Hour)
	}},
}

var variants = []keyedChange{
	{"set otherwise", func(ctx context.Context, s *inventory.Service, c inventory.Caller, _ string) (inventory.Result, error) {
		return s.Set(ctx, c, "a", inventory.Settings{OversellLimit: 1, LowStock: ptr(9)})
	}},
	{"adjust for a reason", func(ctx context.Context, s *inventory.Service, c inventory.Caller, _ string) (inventory.Result, error) {
		return s.Adjust(ctx, c, inventory.Adjustment{Lines: []inventory.Line{lineOf("b", -1), lineOf("a", -2)}, Reason: "x"})
	}},
	{"count what was expected", func(ctx context.Context, s *inventory.Service, c inventory.Caller, _ string) (inventory.Result, error) {
		return s.Count(ctx, c, inventory.Count{Lines: []inventory.CountLine{{SKU: "a", Quantity: 7, Expected: ptr(10)}}})
	}},
	{"reserve for longer", func(ctx context.Context, s *inventory.Service, c inventory.Caller, _ string) (inventory.Result, error) {
		return s.Reserve(ctx, c, holding(time.Hour, lineOf("a", 2), lineOf("b", 1)))
	}},
	{"commit a part", func(ctx context.Context, s *inventory.Service, c inventory.Caller, id string) (inventory.Result, error) {
		return s.Commit(ctx, c, id, []inventory.Line{lineOf("a", 1)}, "")
	}},
	{"extend for longer", func(ctx context.Context, s *inventory.Service, c inventory.Caller, id string) (inventory.Result, error) {
		return s.Extend(ctx, c, id, 2*time.Hour)
	}},
}

// shelf is what a keyedChange works on.
func shelf(f fixture) (id string) {
	f.Helper()
	f.stock(10, "a", "b")
	return f.reserve(0, lineOf("a", 3)).ID
}

func TestAChangeWithAKeyIsMadeOnceAndToldAsOftenAsItIsSent(t *testing.T) {
	for _, c := range append(kinds, variants...) {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			id := shelf(f)
			first := f.must(c.do(t.Context(), f.Service, keyed("k"), id))
			before := entities(t, f.store)
			f.clock.pass(time.Second)
			again := f.must(c.do(t.Context(), on(t, f.store, f.clock).Service, keyed("k"), id)) // another process
			if first.Replayed || !again.Replayed {
				t.Errorf("replayed: %v and %v, want the second alone", first.Replayed, again.Replayed)
			}
			again.Replayed = false
			wantBytes(t, first, again)
			f.clock.pass(merge.IdempotencyLife - 2*time.Second)
			f.must(c.do(t.Context(), f.Service, keyed("k"), id))
			for _, other := range append(kinds, variants...) {
				if _, err := other.do(t.Context(), f.Service, keyed("k"), id); other.name != c.name && !errors.Is(err, merge.ErrKeyReused) {
					t.Errorf("%s under the key: got %v, want ErrKeyReused", other.name, err)
				}
			}
			if after := entities(t, f.store); !same(before, after) {
				t.Error("what came later changed what is stored")
			}
		})
	}
}

// wantBytes compares the replies of which a client has to get the same bytes.
func wantBytes(t *testing.T, want, got inventory.Result) {
	t.Helper()
	var b [2][]byte
	for i, r := range []inventory.Result{want, got} {
		var err error
		if b[i], err = json.Marshal(r); err != nil {
			t.Fatal(err)
		}
	}
	if string(b[0]) != string(b[1]) {
		t.Errorf("got %s, want %s", b[1], b[0])
	}
}

func same(a, b map[storage.Key]storage.Entity) bool {
	if len(a) != len(b) {
		return false
	}
	for key, e := range a {
		if string(b[key].Data) != string(e.Data) {
			return false
		}
	}
	return true
}

func TestARefusedChangeLeavesItsKeyUnused(t *testing.T) {
	f := newFixture(t)
	f.stock(1, "a")
	if _, err := f.Reserve(t.Context(), keyed("k"), holding(0, lineOf("a", 2))); !errors.Is(err, inventory.ErrInsufficient) {
		t.Fatalf("got %v, want ErrInsufficient", err)
	}
	f.stock(2, "a")
	if r := f.must(f.Reserve(t.Context(), keyed("k"), holding(0, lineOf("a", 2)))); r.Replayed {
		t.Error("it was replayed, want it made")
	}
	f.want("a", 2, 2)
}

func TestAKeyOutlivesTheReservationThatItsChangeEnded(t *testing.T) {
	f := newFixture(t)
	id := shelf(f)
	first := f.must(f.Commit(t.Context(), keyed("k"), id, nil, ""))
	f.clock.pass(time.Hour)
	if again := f.must(f.Commit(t.Context(), keyed("k"), id, nil, "")); !again.Replayed || again.Reservation.Status != first.Reservation.Status {
		t.Errorf("got %+v, want what was told first", again)
	}
	if _, err := f.Commit(t.Context(), keyed("l"), id, nil, ""); !errors.Is(err, inventory.ErrEnded) {
		t.Errorf("another key: got %v, want ErrEnded", err)
	}
}

func TestFiftyAtOnceWithOneKeyMakeOneReservation(t *testing.T) {
	for _, backend := range backends {
		t.Run(backend.name, func(t *testing.T) {
			database, clock := backend.fresh(t), newClock()
			services := []fixture{on(t, database.open(t), clock), on(t, database.open(t), clock)}
			services[0].stock(100, "a")
			var ids sync.Map
			var fresh atomic.Int32
			var all sync.WaitGroup
			for i := range 50 {
				all.Go(func() {
					r, err := insist(func() (inventory.Result, error) {
						return services[i%2].Reserve(t.Context(), keyed("k"), holding(0, lineOf("a", 1)))
					})
					if err != nil {
						t.Error(err)
						return
					}
					ids.Store(r.Reservation.ID, true)
					if !r.Replayed {
						fresh.Add(1)
					}
				})
			}
			all.Wait()
			n := 0
			ids.Range(func(any, any) bool { n++; return true })
			if n != 1 || fresh.Load() > 1 {
				t.Errorf("%d reservations, %d told as new; want 1", n, fresh.Load())
			}
			services[0].want("a", 100, 1)
		})
	}
}

// insist sends a change with a key until its outcome is known, as a client does.
func insist(send func() (inventory.Result, error)) (inventory.Result, error) {
	for {
		r, err := send()
		if !errors.Is(err, storage.ErrUnknown) && !errors.Is(err, storage.ErrConflict) {
			return r, err
		}
	}
}

// beside stores as many entities beside a change as there are names.
func beside(key string, request string, names ...string) inventory.Caller {
	return inventory.Caller{Who: "me", IdempotencyKey: key, Beside: &inventory.Beside{
		Scope: "test", Request: []byte(request), Brings: len(names), Bytes: 100,
		Entities: func(now time.Time) (all []storage.Entity) {
			for _, name := range names {
				all = append(all, storage.Entity{Key: storage.Key{Kind: "Beside", Name: name}, Data: fmt.Append(nil, now.UnixMicro())})
			}
			return all
		},
	}}
}

func TestWhatIsStoredBesideAChangeIsThereWithItAndOnce(t *testing.T) {
	f := newFixture(t)
	f.stock(10, "a")
	stored := func(name string) string {
		t.Helper()
		got, err := f.store.Get(t.Context(), storage.Key{Kind: "Beside", Name: name})
		if err != nil {
			t.Fatal(err)
		}
		return string(got[0].Data)
	}
	take := adjustment(lineOf("a", -1))
	f.must(f.Adjust(t.Context(), beside("k", "x", "1", "2"), take))
	first := fmt.Sprint(noon.UnixMicro())
	if stored("1") != first || stored("2") != first {
		t.Errorf("beside it are %q and %q, want the time of the change, %s", stored("1"), stored("2"), first)
	}
	f.clock.pass(time.Second)
	if r := f.must(f.Adjust(t.Context(), beside("k", "x", "1", "3"), take)); !r.Replayed || stored("1") != first || stored("3") != "" {
		t.Errorf("a replay (%v) stored %q and %q beside it, want what was there and nothing", r.Replayed, stored("1"), stored("3"))
	}
	if _, err := f.Adjust(t.Context(), beside("k", "y", "3"), take); !errors.Is(err, merge.ErrKeyReused) || stored("3") != "" {
		t.Errorf("another request: got %v, want ErrKeyReused and nothing beside it, not %q", err, stored("3"))
	}
	if _, err := f.Adjust(t.Context(), beside("l", "x", "3"), adjustment(lineOf("a", -100))); !errors.Is(err, inventory.ErrInsufficient) || stored("3") != "" {
		t.Errorf("a refused change: got %v, want ErrInsufficient and nothing beside it, not %q", err, stored("3"))
	}
	if _, err := f.Adjust(t.Context(), keyed("k"), take); err != nil {
		t.Errorf("the key in another scope: %v", err)
	}
	f.must(f.Adjust(t.Context(), beside("", "x", "4"), take))
	if want := fmt.Sprint(noon.Add(time.Second).UnixMicro()); stored("4") != want {
		t.Errorf("without a key there is %q beside it, want %s", stored("4"), want)
	}
	bad := beside("m", "x", "\x00")
	if _, err := f.Adjust(t.Context(), bad, take); !errors.Is(err, storage.ErrInvalid) {
		t.Errorf("with what cannot be stored: got %v, want ErrInvalid", err)
	}
	f.want("a", 7, 0)
	f.sound()
}

// TestLargeChangesWithKeysFitIntoTheirBatches: what is stored for a key has every line, and
// one that does not fit would fail all that wait with it.
func TestLargeChangesWithKeysFitIntoTheirBatches(t *testing.T) {
	f := newFixture(t)
	var lines []inventory.Line
	for i := range 30 {
		lines = append(lines, lineOf(fmt.Sprintf("%0*d", inventory.MaxSKU, i), 1))
		f.stock(inventory.MaxQuantity/2, lines[i].SKU)
	}
	var callers sync.WaitGroup
	for i := range 400 {
		callers.Go(func() {
			if _, err := f.Reserve(f.Context(), keyed(fmt.Sprint(i)), holding(time.Minute, lines...)); err != nil {
				t.Errorf("order %d: %v", i, err)
			}
		})
	}
	callers.Wait()
}
