package visit

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
)

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

func openStore(t *testing.T) storage.Store {
	t.Helper()
	return openFile(t, filepath.Join(t.TempDir(), "visits.db"))
}

func openFile(t *testing.T, path string) storage.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path)
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

// fixture is a Service on a store of its own, and its clock.
type fixture struct {
	*testing.T
	*Service
	clock *clock
}

func newFixture(t *testing.T, opts Options) fixture {
	t.Helper()
	return on(t, openStore(t), newClock(), opts)
}

// on is a further Service on a store: what another process has.
func on(t *testing.T, store storage.Store, c *clock, opts Options) fixture {
	opts.Now = c.Now
	return fixture{t, New(store, opts), c}
}

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

// person is one of very many visitors.
func person(i int) Visitor {
	addr := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
	return Visitor{Addr: addr, UserAgent: firefox}
}

func (f fixture) count(p Page, v Visitor) Count {
	f.Helper()
	c, err := f.Count(f.Context(), Request{Page: p, Visitor: v})
	if err != nil {
		f.Fatalf("Count(%s): %v", p, err)
	}
	return c
}

func (f fixture) read(p Page) View {
	f.Helper()
	views, err := f.Read(f.Context(), p)
	if err != nil {
		f.Fatalf("Read(%s): %v", p, err)
	}
	return views[0]
}

// want compares a page's tally.
func (f fixture) want(p Page, visits, uniques int64) {
	f.Helper()
	if got, want := f.read(p).Tally, (Tally{visits, uniques}); got != want {
		f.Errorf("%s has %+v, want %+v", p, got, want)
	}
}

func (f fixture) set(p Page, t Tally) {
	f.Helper()
	if err := f.Set(f.Context(), p, t); err != nil {
		f.Fatalf("Set(%s): %v", p, err)
	}
}

func (f fixture) delete(p Page) bool {
	f.Helper()
	existed, err := f.Delete(f.Context(), p)
	if err != nil {
		f.Fatalf("Delete(%s): %v", p, err)
	}
	return existed
}

func (f fixture) importViews(views ...View) {
	f.Helper()
	if err := f.Import(f.Context(), views); err != nil {
		f.Fatalf("Import: %v", err)
	}
}

func (f fixture) all() []View {
	f.Helper()
	var views []View
	for v, err := range f.All(f.Context()) {
		if err != nil {
			f.Fatalf("All: %v", err)
		}
		views = append(views, v)
	}
	return views
}

// wantAll compares all that a Service has.
func (f fixture) wantAll(want []View) {
	f.Helper()
	if diff := diffViews(want, f.all()); diff != "" {
		f.Errorf("all pages, - want + got:\n%s", diff)
	}
}

func diffViews(want, got []View) string { return cmp.Diff(want, got, cmpopts.EquateEmpty()) }

// view makes a View whose tally is rest and its days together.
func view(p Page, rest Tally, days ...DayTally) View {
	return View{Page: p, Tally: rest.plus(sum(days)), Days: days}
}

func dayOf(s string) Day {
	d, err := ParseDay(s)
	if err != nil {
		panic(err)
	}
	return d
}

func onDay(d Day, visits, uniques int64) DayTally { return DayTally{d, Tally{visits, uniques}} }

// entities returns what the store has of a kind.
func entities(t *testing.T, store storage.Store, kind string) []storage.Entity {
	t.Helper()
	found, err := store.Query(t.Context(), storage.Query{Kind: kind, Limit: storage.MaxQueryLimit})
	if err != nil {
		t.Fatal(err)
	}
	return found.Entities
}

// failing is a store whose updates fail once budget of them have been done.
type failing struct {
	storage.Store
	budget int
	err    error
}

func (s *failing) Update(ctx context.Context, fn func(storage.Tx) error) error {
	if s.budget--; s.budget < 0 {
		return s.err
	}
	return s.Store.Update(ctx, fn)
}

// noReads is a store that, while it is down, answers no Get.
type noReads struct {
	storage.Store
	down bool
}

func (s *noReads) Get(ctx context.Context, keys ...storage.Key) ([]storage.Entity, error) {
	if s.down {
		return nil, storage.ErrUnavailable
	}
	return s.Store.Get(ctx, keys...)
}

// wantNumbers wants each of 1 to n once.
func wantNumbers(t *testing.T, numbers []int64, n int) {
	t.Helper()
	slices.Sort(numbers)
	if len(numbers) != n {
		t.Errorf("%d numbers, want %d", len(numbers), n)
	}
	for i, got := range numbers {
		if want := int64(i + 1); got != want {
			t.Fatalf("the numbers' %d. is %d, want %[1]d: one is missing or there twice", want, got)
		}
	}
}

func pageNumber(i int) Page { return Page(fmt.Sprintf("/page-%03d", i)) }
