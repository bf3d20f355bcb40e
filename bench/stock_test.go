package bench

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	cloud "cloud.google.com/go/datastore"

	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/storage/datastore"
	"github.com/tallystick/tallystick/internal/storage/emulator"
)

// BenchmarkStock compares reservations of one hot item with one transaction for each of
// them, on the Datastore emulator. There is stock for some of the callers only.
func BenchmarkStock(b *testing.B) {
	host := emulator.Datastore(b)
	b.Setenv("DATASTORE_EMULATOR_HOST", host)
	const patience = 10 * time.Second // for each round
	const clients = 256
	shop := openShop(b)
	naive := reserveAlone(b)
	var ratios []float64
	var ours, theirs tallies
	for range 3 {
		c := hammer(clients, patience, naive)
		a := hammer(clients, patience, shop.reserve)
		ours, theirs = ours.plus(a), theirs.plus(c)
		ratios = append(ratios, a.perSecond()/c.perSecond())
	}
	if ours.failed > 0 {
		b.Errorf("%d reservations failed, want none", ours.failed)
	}
	stats := shop.Stats()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ours.perSecond(), "reservations/s")
	b.ReportMetric(theirs.perSecond(), "naive/s")
	b.ReportMetric(100*float64(theirs.failed)/float64(theirs.failed+theirs.done), "naive-failed-%")
	b.ReportMetric(median(ratios), "ratio")
	b.ReportMetric(float64(stats.EntityWrites)/float64(stats.Batches), "writes/batch")
	b.ReportMetric(float64(stats.Operations)/float64(stats.Batches), "callers/batch")
	shop.rush(b, clients)
}

const hotItem = "WIDGET"

// shop is a stock with one hot item.
type shop struct {
	*inventory.Service
	held atomic.Int64
}

// openShop has more of the item than the benchmark reserves, and checks at its end that
// what is reserved is what was acknowledged.
func openShop(b *testing.B) *shop {
	b.Helper()
	store, err := datastore.Open(b.Context(), fmt.Sprintf("bench-%d", time.Now().UnixNano()), "")
	if err != nil {
		b.Fatal(err)
	}
	s := &shop{Service: inventory.New(store, inventory.Options{})}
	s.count(b, 100_000_000)
	b.Cleanup(func() { store.Close() })
	return s
}

func (s *shop) count(b *testing.B, quantity int64) {
	b.Helper()
	lines := []inventory.CountLine{{SKU: hotItem, Quantity: quantity}}
	if _, err := s.Count(b.Context(), inventory.Caller{}, inventory.Count{Lines: lines}); err != nil {
		b.Fatal(err)
	}
}

func (s *shop) reserve(ctx context.Context) error {
	_, err := s.Reserve(ctx, inventory.Caller{}, inventory.Hold{Lines: []inventory.Line{{SKU: hotItem, Quantity: 1}}, TTL: time.Hour})
	if err == nil {
		s.held.Add(1)
	}
	return err
}

// rush leaves 1,000 of the item, and lets all clients want them: just as many get one.
func (s *shop) rush(b *testing.B, clients int) {
	b.Helper()
	items, _, err := s.Read(b.Context(), hotItem)
	if err != nil || items[0].Reserved != s.held.Load() {
		b.Fatalf("%v, %v; acknowledged were %d", items, err, s.held.Load())
	}
	const left = 1_000
	s.count(b, items[0].Reserved+left)
	before := s.held.Load()
	hammer(clients, 2*time.Second, s.reserve)
	items, _, err = s.Read(b.Context(), hotItem)
	if err != nil || s.held.Load()-before != left || items[0].Available() != 0 {
		b.Errorf("of the last %d were %d reserved, and %v, %v is left", left, s.held.Load()-before, items, err)
	}
	faults := 0
	v, err := s.Verify(b.Context(), func(f inventory.Fault) { faults++; b.Error(f) })
	if err != nil || len(v.Busy) > 0 || faults > 0 {
		b.Errorf("verify: %+v, %v", v, err)
	}
}

// reserveAlone returns a call that reserves in a transaction of its own, as Datastore's
// own documentation would have it: the item and the reservation, with the client
// library's own retries.
func reserveAlone(b *testing.B) func(context.Context) error {
	b.Helper()
	client := cloudClient(b)
	type item struct {
		OnHand, Reserved int64 `datastore:",noindex"`
	}
	type reservation struct {
		Quantity int64     `datastore:",noindex"`
		Expires  time.Time `datastore:",noindex"`
	}
	key := cloud.NameKey("Item", hotItem, nil)
	if _, err := client.Put(b.Context(), key, &item{OnHand: 100_000_000}); err != nil {
		b.Fatal(err)
	}
	return func(ctx context.Context) error {
		_, err := client.RunInTransaction(ctx, func(tx *cloud.Transaction) error {
			var it item
			if err := tx.Get(key, &it); err != nil {
				return err
			}
			it.Reserved++
			if _, err := tx.Put(cloud.IncompleteKey("Reservation", nil), &reservation{1, time.Now().Add(time.Hour)}); err != nil {
				return err
			}
			_, err := tx.Put(key, &it)
			return err
		})
		return err
	}
}
