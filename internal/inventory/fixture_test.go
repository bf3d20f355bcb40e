package inventory_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/datastore"
	"github.com/tallystick/tallystick/internal/storage/emulator"
	"github.com/tallystick/tallystick/internal/storage/firestore"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
)

// With SOAK=1 in the environment the tests of this package take an hour.
var soak = os.Getenv("SOAK") == "1"

// pick returns what is meant for this run: short, or with SOAK=1 long.
func pick(short, long int) int {
	if soak {
		return long
	}
	return short
}

// checks has rapid make so many checks in this test.
func checks(t *testing.T, n int) {
	t.Helper()
	value := flag.Lookup("rapid.checks").Value
	before := value.String()
	t.Cleanup(func() { _ = value.Set(before) })
	if err := value.Set(strconv.Itoa(n)); err != nil {
		t.Fatal(err)
	}
}

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	rapid.TB
	Context() context.Context
	Cleanup(func())
}

// A database is an empty database of one backend. Each open is a process of its own:
// it shares nothing with another one but what is stored.
type database interface {
	open(t tester) storage.Store
}

// backends returns the databases that stock is kept in, each empty.
var backends = []struct {
	name  string
	fresh func(t *testing.T) database
}{
	{"SQLite", freshSQLite},
	{"Datastore", freshDatastore},
	{"Firestore", freshFirestore},
}

type sqliteFile string

func freshSQLite(t *testing.T) database { return sqliteFile(filepath.Join(t.TempDir(), "stock.db")) }

func (f sqliteFile) open(t tester) storage.Store {
	t.Helper()
	store, err := sqlite.Open(context.Background(), string(f))
	return opened(t, store, err)
}

// namespace is a namespace of the Datastore emulator that no other test has.
type namespace struct{ host, name string }

func freshDatastore(t *testing.T) database { return namespace{emulator.Datastore(t), unique()} }

func (n namespace) open(t tester) storage.Store {
	t.Helper()
	store, err := datastore.Open(context.Background(), "test", "", datastore.Emulator(n.host), datastore.Namespace(n.name))
	return opened(t, store, err)
}

// project is a project of the Firestore emulator that no other test has.
type project struct{ host, name string }

func freshFirestore(t *testing.T) database { return project{emulator.FirestoreNative(t), unique()} }

func (p project) open(t tester) storage.Store {
	t.Helper()
	store, err := firestore.Open(context.Background(), p.name, "", firestore.Emulator(p.host))
	return opened(t, store, err)
}

func unique() string { return fmt.Sprintf("stock%x", rand.Uint64()) }

func opened(t tester, store storage.Store, err error) storage.Store {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return store
}

// noon is when the tests begin. It is far ahead of the real clock, by which SQLite
// removes what has expired: nothing goes but by what a test does.
var noon = time.Date(2126, 11, 21, 12, 0, 0, 0, time.UTC)

// clock is a clock that goes when a test says so.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: noon} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// fixture is a Service on a store, and its clock.
type fixture struct {
	tester
	*inventory.Service
	store storage.Store
	clock *clock
}

func newFixture(t *testing.T) fixture {
	t.Helper()
	return on(t, freshSQLite(t).open(t), newClock())
}

// on is a further Service on a store: what another process has.
func on(t tester, store storage.Store, c *clock) fixture {
	return fixture{t, inventory.New(store, inventory.Options{Now: c.Now}), store, c}
}

// me is the caller of most changes.
var me = inventory.Caller{Who: "me"}

// keyed is me with an Idempotency-Key.
func keyed(key string) inventory.Caller { return inventory.Caller{Who: "me", IdempotencyKey: key} }

func lineOf(sku string, quantity int64) inventory.Line {
	return inventory.Line{SKU: sku, Quantity: quantity}
}

func adjustment(lines ...inventory.Line) inventory.Adjustment {
	return inventory.Adjustment{Lines: lines}
}

func counted(sku string, quantity int64) inventory.Count {
	return inventory.Count{Lines: []inventory.CountLine{{SKU: sku, Quantity: quantity}}}
}

func holding(ttl time.Duration, lines ...inventory.Line) inventory.Hold {
	return inventory.Hold{Lines: lines, TTL: ttl}
}

// must is the result of a change that is to succeed.
func (f fixture) must(r inventory.Result, err error) inventory.Result {
	f.Helper()
	if err != nil {
		f.Fatalf("got %v, want it done", err)
	}
	return r
}

// stock makes items, by counting them.
func (f fixture) stock(quantity int64, skus ...string) {
	f.Helper()
	for _, sku := range skus {
		f.must(f.Count(f.Context(), me, counted(sku, quantity)))
	}
}

// reserve reserves, and returns the reservation.
func (f fixture) reserve(ttl time.Duration, lines ...inventory.Line) inventory.Reservation {
	f.Helper()
	return *f.must(f.Reserve(f.Context(), me, holding(ttl, lines...))).Reservation
}

// item reads an item that has to be there.
func (f fixture) item(sku string) inventory.Item {
	f.Helper()
	items, _, err := f.Read(f.Context(), sku)
	if err != nil || len(items) != 1 {
		f.Fatalf("read %s: %d items, %v", sku, len(items), err)
	}
	return items[0]
}

// want compares what there is of an item.
func (f fixture) want(sku string, onHand, reserved int64) {
	f.Helper()
	if got := f.item(sku); got.OnHand != onHand || got.Reserved != reserved {
		f.Errorf("%s has %d on hand and %d reserved, want %d and %d", sku, got.OnHand, got.Reserved, onHand, reserved)
	}
}

// reservation reads a reservation that has to be there.
func (f fixture) reservation(id string) inventory.Reservation {
	f.Helper()
	r, err := f.Reservation(f.Context(), id)
	if err != nil {
		f.Fatal(err)
	}
	return r
}

// ledger is all movements of an item, the latest first, read in pages of a size.
func (f fixture) ledger(sku string, size int) (all []inventory.Movement) {
	f.Helper()
	for token := ""; ; {
		page, err := f.Movements(f.Context(), sku, size, token)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, page.Movements...)
		if token = page.Next; token == "" {
			return all
		}
	}
}

// alerts is all alerts, the latest first.
func (f fixture) alerts() (all []inventory.Alert) {
	f.Helper()
	for token := ""; ; {
		page, err := f.Alerts(f.Context(), 3, token)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, page.Alerts...)
		if token = page.Next; token == "" {
			return all
		}
	}
}

// sound wants Verify to find no fault, and nothing that is busy.
func (f fixture) sound() inventory.Verified {
	f.Helper()
	v, err := f.Verify(f.Context(), func(fault inventory.Fault) { f.Errorf("Verify finds %+v, want no fault", fault) })
	if err != nil || len(v.Busy) > 0 {
		f.Errorf("Verify: %v are busy, %v", v.Busy, err)
	}
	return v
}

// entities is all that the store has of the kinds that this package keeps.
func entities(t tester, store storage.Store) map[storage.Key]storage.Entity {
	t.Helper()
	all := make(map[storage.Key]storage.Entity)
	for _, kind := range []string{"Item", "Movements", "Reservations", "StockAlert", "Idempotency", "Beside"} {
		for q := (storage.Query{Kind: kind, Limit: 100}); ; {
			page, err := store.Query(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range page.Entities {
				all[e.Key] = e
			}
			if q.Cursor = page.Next; q.Cursor == "" {
				break
			}
		}
	}
	return all
}

func wantSame(t tester, what string, want, got any) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s, - want + got:\n%s", what, diff)
	}
}
