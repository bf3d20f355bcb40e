package inventory_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/storagetest"
)

// What a caller does to an item, and what it is told.
type (
	asked struct {
		what string // reserve, commit, release or read
		n    int64  // how many are reserved
		id   string // of the reservation that is to end
	}
	told struct {
		id                        string // of the new reservation
		onHand, reserved, version int64
		short                     bool             // refused: only available were
		available                 int64            //
		ended                     inventory.Status // refused: it was so already
		unknown                   bool
	}
	// oneItem is what an item would be if one caller came after the other. Its
	// reservations are kept as text, "id=7 held;", so that two can be compared.
	oneItem struct {
		onHand, reserved, version int64
		reservations              string
	}
)

// itemModel says what each caller must be told. An operation whose outcome is unknown
// never returns: it may take effect at any time, or after all others. A reservation that
// nobody was told the id of holds what it holds for ever.
func itemModel(units int64) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return oneItem{onHand: units, version: 1} },
		Step: func(before, input, output any) (bool, any) {
			it, in, out := before.(oneItem), input.(asked), output.(told)
			after, refusal := it.step(in, out.id)
			switch {
			case out.unknown:
				return true, after
			case refusal != told{}:
				return out == refusal, it
			}
			return out == told{id: out.id, onHand: after.onHand, reserved: after.reserved, version: after.version}, after
		},
		DescribeOperation: func(in, out any) string { return fmt.Sprintf("%v: %v", in, out) },
	}
}

// step does what is asked, or says how it is refused.
func (it oneItem) step(in asked, id string) (after oneItem, refusal told) {
	switch in.what {
	case "reserve":
		if available := it.onHand - it.reserved; in.n > available {
			return it, told{short: true, available: available}
		}
		it.reserved += in.n
		it.version++
		if id != "" {
			it.reservations += fmt.Sprintf("%s=%d held;", id, in.n)
		}
	case "commit", "release":
		n, status := it.find(in.id)
		if status != inventory.Held {
			return it, told{ended: status}
		}
		ends := inventory.StatusReleased
		if in.what == "commit" {
			it.onHand -= n
			ends = inventory.StatusCommitted
		}
		it.reserved -= n
		it.version++
		it.reservations = strings.Replace(it.reservations, fmt.Sprintf("%s=%d held;", in.id, n), fmt.Sprintf("%s=%d %s;", in.id, n, ends), 1)
	}
	return it, told{}
}

func (it oneItem) find(id string) (n int64, status inventory.Status) {
	_, rest, _ := strings.Cut(it.reservations, id+"=")
	rest, _, _ = strings.Cut(rest, ";")
	_, _ = fmt.Sscanf(rest, "%d %s", &n, &status)
	return n, status
}

const never = math.MaxInt64 // when an operation returns whose outcome is unknown

// history is what the callers of one item saw.
type history struct {
	mu         sync.Mutex
	start      time.Time
	operations []porcupine.Operation
	unknown    int
	ids        []string // of reservations to end
}

// callers lets 8 callers at an item, each of one service, and returns what they saw.
func callers(t *testing.T, sku string, each int, services ...*inventory.Service) *history {
	h := &history{start: time.Now()}
	var all sync.WaitGroup
	for client := range 8 {
		all.Go(func() {
			for range each {
				h.one(t, client, sku, services[client%len(services)])
			}
		})
	}
	all.Wait()
	return h
}

// one does one operation, and keeps it.
func (h *history) one(t *testing.T, client int, sku string, s *inventory.Service) {
	in := asked{what: []string{"reserve", "reserve", "commit", "release", "read"}[rand.IntN(5)], n: rand.Int64N(3) + 1}
	if in.what != "reserve" {
		in.n = 0
	}
	h.mu.Lock()
	if in.what == "commit" || in.what == "release" {
		if len(h.ids) == 0 {
			in.what = "read"
		} else {
			in.id = h.ids[rand.IntN(len(h.ids))]
		}
	}
	h.mu.Unlock()
	call := int64(time.Since(h.start))
	out, err := in.ask(t.Context(), s, sku)
	done := int64(time.Since(h.start))
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case errors.Is(err, storage.ErrUnknown):
		out, done = told{unknown: true}, never
		h.unknown++
	case errors.Is(err, storage.ErrUnavailable), errors.Is(err, storage.ErrConflict):
		return // nothing was done
	case err != nil:
		t.Errorf("%v: %v", in, err)
		return
	}
	if out.id != "" {
		h.ids = append(h.ids, out.id)
	}
	h.operations = append(h.operations, porcupine.Operation{ClientId: client, Input: in, Output: out, Call: call, Return: done})
}

// ask does it. A refusal is an answer.
func (in asked) ask(ctx context.Context, s *inventory.Service, sku string) (out told, err error) {
	var r inventory.Result
	switch in.what {
	case "reserve":
		r, err = s.Reserve(ctx, me, holding(0, lineOf(sku, in.n)))
		if err == nil {
			out.id = r.Reservation.ID
		}
	case "commit":
		r, err = s.Commit(ctx, me, in.id, nil, "")
	case "release":
		r, err = s.Release(ctx, me, in.id)
	default:
		r.Items, _, err = s.Read(ctx, sku)
	}
	var short *inventory.InsufficientError
	var ended *inventory.EndedError
	switch {
	case errors.As(err, &short):
		return told{short: true, available: short.Shortages[0].Available}, nil
	case errors.As(err, &ended):
		return told{ended: ended.Status}, nil
	case errors.Is(err, inventory.ErrReservationNotFound):
		return told{ended: "forgotten"}, nil
	case err != nil:
		return told{}, err
	}
	it := r.Items[0]
	out.onHand, out.reserved, out.version = it.OnHand, it.Reserved, it.Version
	return out, nil
}

func TestReservationsOfAnItemAreLinearizable(t *testing.T) {
	const units = 40
	for _, tt := range []struct {
		name      string
		fresh     func(*testing.T) database
		store     func(storage.Store) storage.Store
		histories int
		unknown   bool
	}{
		{"SQLite", freshSQLite, sound, pick(5, 1000), false},
		{"SQLite that loses answers", freshSQLite, storagetest.Losing, pick(5, 1000), true},
		{"Datastore", freshDatastore, sound, pick(2, 50), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			database := tt.fresh(t)
			stores := [2]storage.Store{database.open(t), database.open(t)}
			operations, unknown, judged := 0, 0, 0
			for i := range tt.histories {
				sku := fmt.Sprint("s", i)
				on(t, stores[0], newClock()).stock(units, sku)
				var services []*inventory.Service
				for _, store := range stores {
					services = append(services, on(t, tt.store(store), newClock()).Service)
				}
				h := callers(t, sku, 30, services...)
				if storagetest.Judge(t, itemModel(units), h.operations, h.unknown, porcupine.Ok) {
					judged++
				}
				operations += len(h.operations)
				unknown += h.unknown
			}
			t.Logf("%d operations in %d histories, the outcome of %d is unknown; %d are judged", operations, tt.histories, unknown, judged)
			if tt.unknown && unknown == 0 || judged == 0 {
				t.Error("no outcome was unknown, or no history was judged: the test shows less than it should")
			}
		})
	}
}

func TestABrokenStoreIsNotLinearizable(t *testing.T) {
	const units = 40
	for name, breaks := range storagetest.Broken {
		t.Run(name, func(t *testing.T) {
			for range 5 {
				store := freshSQLite(t).open(t)
				on(t, store, newClock()).stock(units, "a")
				broken := breaks(store)
				h := callers(t, "a", 30, on(t, broken, newClock()).Service, on(t, broken, newClock()).Service)
				if storagetest.Judge(t, itemModel(units), h.operations, h.unknown, porcupine.Illegal) {
					return
				}
			}
			t.Error("no history was judged")
		})
	}
}
