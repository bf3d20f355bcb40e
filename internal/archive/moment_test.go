package archive_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/emulator"
)

// besieged is a store in which something is moved before each page of its snapshots.
type besieged struct {
	storage.Store
	moved <-chan struct{}
}

func (b besieged) Snapshot(ctx context.Context) (storage.Snapshot, error) {
	s, err := b.Store.Snapshot(ctx)
	return besiegedSnapshot{s, b.moved}, err
}

type besiegedSnapshot struct {
	storage.Snapshot
	moved <-chan struct{}
}

func (b besiegedSnapshot) Query(ctx context.Context, q storage.Query) (storage.Page, error) {
	select {
	case <-b.moved:
	case <-ctx.Done():
	}
	return b.Snapshot.Query(ctx, q)
}

// TestAnArchiveIsOfOneMoment: while it is written stock is moved from item to item. In the
// archive nothing is on its way, and the ledgers agree with the balances. The Datastore
// emulator has no moments, see package datastore; the other one has.
func TestAnArchiveIsOfOneMoment(t *testing.T) {
	for name, open := range map[string]func(*testing.T) storage.Store{
		"SQLite": openSQLite, "Datastore": openDatastore(emulator.FirestoreDatastoreMode), "Firestore": openFirestore,
	} {
		t.Run(name, func(t *testing.T) {
			store := open(t)
			stock := inventory.New(store, inventory.Options{Now: now})
			const items, each = 12, 1000
			sku := func(i int) string { return fmt.Sprint("S", i%items) }
			var lines []inventory.CountLine
			for i := range items {
				lines = append(lines, inventory.CountLine{SKU: sku(i), Quantity: each})
			}
			if _, err := stock.Count(t.Context(), inventory.Caller{}, inventory.Count{Lines: lines}); err != nil {
				t.Fatal(err)
			}
			var leaving atomic.Bool
			moved := make(chan struct{})
			var movers sync.WaitGroup
			for m := range 4 {
				movers.Go(func() {
					for i := m; !leaving.Load(); i++ {
						lines := []inventory.Line{{SKU: sku(i), Quantity: -1}, {SKU: sku(i + 1 + m), Quantity: 1}}
						if _, err := stock.Adjust(context.Background(), inventory.Caller{}, inventory.Adjustment{Lines: lines}); err != nil {
							t.Error(err)
							return
						}
						select {
						case moved <- struct{}{}:
						default:
						}
					}
				})
			}
			t.Cleanup(func() { leaving.Store(true); movers.Wait() })
			go func() { movers.Wait(); close(moved) }() // if they fail, nobody waits
			for range pick(3, 30) {
				file, _ := write(t, besieged{store, moved}, nil)
				restored := openSQLite(t)
				if err := read(t, file, restored); err != nil {
					t.Fatal(err)
				}
				wantInOrder(t, restored)
				sum := int64(0)
				list, err := inventory.New(restored, inventory.Options{Now: now}).List(t.Context(), items, "")
				if err != nil {
					t.Fatal(err)
				}
				for _, item := range list.Items {
					sum += item.OnHand
				}
				if sum != items*each {
					t.Errorf("the archive has %d units, want %d", sum, items*each)
				}
			}
		})
	}
}
