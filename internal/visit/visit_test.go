package visit

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/merge"
	"github.com/tallystick/tallystick/internal/storage"
)

func TestCountNumbersEachVisit(t *testing.T) {
	f := newFixture(t, Options{})
	for i := range int64(5) {
		got := f.count("/about", person(int(i)))
		want := Count{Page: "/about", Tally: Tally{i + 1, i + 1}, Exact: true}
		if got != want {
			t.Errorf("Count = %+v, want %+v", got, want)
		}
	}
	f.want("/about", 5, 5)
	f.want("/", 0, 0)
}

// once counts a visit that carries an idempotency key.
func (f fixture) once(p Page, key string) (Count, error) {
	return f.Count(f.Context(), Request{Page: p, Visitor: person(1), IdempotencyKey: key})
}

func TestAnIdempotencyKeyCountsOnce(t *testing.T) {
	f := newFixture(t, Options{})
	first, err := f.once("/", "a")
	if err != nil || first.Visits != 1 || first.Replayed {
		t.Fatalf("the first time: %+v, %v; want visit 1, not replayed", first, err)
	}
	f.count("/", person(2))
	again, err := f.once("/", "a")
	first.Replayed = true
	if err != nil || again != first {
		t.Errorf("the second time: %+v, %v; want %+v", again, err, first)
	}
	if other, err := f.once("/", "b"); err != nil || other.Visits != 3 || other.Replayed {
		t.Errorf("another key: %+v, %v; want visit 3, not replayed", other, err)
	}
	f.want("/", 3, 2)
}

func TestAnIdempotencyKeyIsForOnePage(t *testing.T) {
	f := newFixture(t, Options{})
	if _, err := f.once("/", "a"); err != nil {
		t.Fatal(err)
	}
	if got, err := f.once("/other", "a"); !errors.Is(err, merge.ErrKeyReused) {
		t.Errorf("another page under the same key: %+v, %v; want ErrKeyReused", got, err)
	}
	f.want("/other", 0, 0)
}

func TestAnIdempotencyKeyIsKeptFor7Days(t *testing.T) {
	f := newFixture(t, Options{})
	for _, step := range []struct {
		pass     time.Duration
		visits   int64
		replayed bool
	}{
		{0, 1, false},
		{7*24*time.Hour - time.Second, 1, true},
		{time.Second, 2, false},
		{7*24*time.Hour - time.Second, 2, true},
	} {
		f.clock.pass(step.pass)
		got, err := f.once("/", "a")
		if err != nil || got.Visits != step.visits || got.Replayed != step.replayed {
			t.Errorf("at %v: %+v, %v; want visit %d, replayed %v", f.clock.Now(), got, err, step.visits, step.replayed)
		}
	}
}

func TestAnIdempotencyKeyIsSharedByServices(t *testing.T) {
	for _, shards := range []int{1, 4} {
		t.Run(fmt.Sprint(shards, " shards"), func(t *testing.T) {
			a := newFixture(t, Options{Shards: shards})
			a.importViews(view("/", Tally{100, 50}))
			first, err := a.once("/", "a")
			if err != nil || first.Visits != 101 {
				t.Fatalf("the first time: %+v, %v; want visit 101", first, err)
			}
			first.Replayed = true
			for i := range 8 { // in one shard or another
				b := on(t, a.store, a.clock, Options{Shards: shards})
				if i == 4 {
					b.count("/", person(2))
				}
				if again, err := b.once("/", "a"); err != nil || again != first {
					t.Errorf("sent to service %d: %+v, %v; want %+v", i, again, err, first)
				}
			}
			a.want("/", 102, 52)
		})
	}
}

func TestTheSameKeyAtOnceCountsOnce(t *testing.T) {
	f := newFixture(t, Options{})
	other := on(t, f.store, f.clock, Options{})
	var wg sync.WaitGroup
	replies := make([]Count, 40)
	for i := range replies {
		wg.Go(func() {
			var err error
			if replies[i], err = []fixture{f, other}[i%2].once("/", "a"); err != nil {
				t.Errorf("Count: %v", err)
			}
		})
	}
	wg.Wait()
	fresh := 0
	for _, r := range replies {
		if r.Visits != 1 {
			t.Errorf("a reply says visit %d, want 1", r.Visits)
		}
		if !r.Replayed {
			fresh++
		}
	}
	if fresh != 1 {
		t.Errorf("%d replies say that they counted, want 1", fresh)
	}
	f.want("/", 1, 1)
}

func TestReadGivesPagesInTheOrderAskedFor(t *testing.T) {
	f := newFixture(t, Options{})
	f.count("/a", person(1))
	f.set("/b", Tally{7, 5})
	got, err := f.Read(t.Context(), "/b", "/none", "/a", "/b")
	want := []View{
		{Page: "/b", Tally: Tally{7, 5}}, {Page: "/none"},
		view("/a", Tally{}, onDay(today, 1, 1)), {Page: "/b", Tally: Tally{7, 5}},
	}
	if diff := diffViews(want, got); diff != "" || err != nil {
		t.Errorf("Read: %v, - want + got:\n%s", err, diff)
	}
}

func TestReadHasALimit(t *testing.T) {
	for _, shards := range []int{1, 100} {
		f := newFixture(t, Options{Shards: shards})
		pages := make([]Page, MaxReadPages)
		for i := range pages {
			pages[i] = pageNumber(i)
		}
		f.set(pages[MaxReadPages-1], Tally{7, 5})
		got, err := f.Read(t.Context(), pages...)
		if err != nil || len(got) != MaxReadPages || got[MaxReadPages-1].Tally != (Tally{7, 5}) {
			t.Errorf("%d shards: Read of %d pages: %d of them, %v; want all", shards, MaxReadPages, len(got), err)
		}
		if _, err := f.Read(t.Context(), append(pages, "/")...); !errors.Is(err, ErrTooMany) {
			t.Errorf("%d shards: Read of %d pages: %v, want ErrTooMany", shards, MaxReadPages+1, err)
		}
	}
}

func TestSetIsWhatTheNextVisitFollows(t *testing.T) {
	f := newFixture(t, Options{})
	f.count("/", person(1))
	f.count("/", person(2))
	f.set("/", Tally{1000, 700})
	f.want("/", 1000, 700)
	if got := f.count("/", person(3)); got.Tally != (Tally{1001, 701}) {
		t.Errorf("the next visit is %+v, want 1001 by 701", got.Tally)
	}
	f.set("/", Tally{})
	if got := f.count("/", person(4)); got.Tally != (Tally{1, 1}) {
		t.Errorf("after Set to 0 the next visit is %+v, want 1 by 1", got.Tally)
	}
	want := []DayTally{onDay(today, 4, 4)}
	if got := f.read("/").Days; !reflect.DeepEqual(got, want) {
		t.Errorf("the history is %v, want %v: Set leaves it as it is", got, want)
	}
}

func TestSetRefusesWhatIsNoCount(t *testing.T) {
	f := newFixture(t, Options{})
	f.set("/", Tally{5, 3})
	for _, bad := range []Tally{{-1, 0}, {0, -1}, {MaxVisits + 1, 0}, {0, MaxVisits + 1}} {
		if err := f.Set(t.Context(), "/", bad); !errors.Is(err, ErrNumber) {
			t.Errorf("Set(%+v) = %v, want ErrNumber", bad, err)
		}
	}
	f.want("/", 5, 3)
}

func TestTheLargestCountIsTheLast(t *testing.T) {
	f := newFixture(t, Options{})
	f.set("/", Tally{MaxVisits - 1, MaxVisits})
	if got := f.count("/", person(1)); got.Tally != (Tally{MaxVisits, MaxVisits}) {
		t.Errorf("the last visit is %+v, want %d", got.Tally, int64(MaxVisits))
	}
	if got, err := f.Count(t.Context(), Request{Page: "/", Visitor: person(2)}); !errors.Is(err, ErrNumber) {
		t.Errorf("one more: %+v, %v; want ErrNumber", got, err)
	}
	f.want("/", MaxVisits, MaxVisits)
}

func TestDeleteForgets(t *testing.T) {
	f := newFixture(t, Options{})
	if f.delete("/") {
		t.Error("Delete of a page that was never counted says that it was there")
	}
	for range 3 {
		if _, err := f.once("/", "a"); err != nil {
			t.Fatal(err)
		}
		f.count("/", person(2))
	}
	if !f.delete("/") {
		t.Error("Delete says that nothing was there")
	}
	f.wantAll(nil)
	if f.delete("/") {
		t.Error("the second Delete says that it was there")
	}
	if got := f.count("/", person(1)); got.Tally != (Tally{1, 1}) {
		t.Errorf("the next visit is %+v, want 1 by 1", got.Tally)
	}
	if got, err := f.once("/", "a"); err != nil || !got.Replayed {
		t.Errorf("a key that was used: %+v, %v; want it replayed", got, err)
	}
	f.want("/", 1, 1)
}

func TestTopListsTheBusiestFirst(t *testing.T) {
	f := newFixture(t, Options{})
	var want []View
	for i, visits := range []int64{1_234_567, 1_234_566, 1_000, 999, 42, 42, 1, 0} {
		p := pageNumber(i)
		f.set(p, Tally{visits, visits / 2})
		want = append(want, View{Page: p, Tally: Tally{visits, visits / 2}})
	}
	f.set("/gone", Tally{500, 5})
	f.delete("/gone")
	got, next, err := f.Top(t.Context(), 100, "")
	if err != nil || next != "" {
		t.Errorf("next %q, %v; want the end", next, err)
	}
	want[4], want[5] = want[5], want[4] // of the same number, in the order of the store
	if diff := diffViews(want, got); diff != "" {
		t.Errorf("Top, - want + got:\n%s", diff)
	}
}

func TestTopGoesOnWhereItsCursorSays(t *testing.T) {
	f := newFixture(t, Options{})
	const n = 23
	for i := range n {
		f.set(pageNumber(i), Tally{int64(i * i * i), 0})
	}
	cursor, last := "", int64(MaxVisits)
	seen := make(map[Page]bool)
	for calls := 0; ; calls++ {
		views, next, err := f.Top(t.Context(), 5, cursor)
		if err != nil || len(views) > 5 || calls > n {
			t.Fatalf("%d views, %v, in call %d; want at most 5", len(views), err, calls)
		}
		for _, v := range views {
			if seen[v.Page] || v.Visits > last {
				t.Errorf("%s with %d comes again, or after %d", v.Page, v.Visits, last)
			}
			seen[v.Page], last = true, v.Visits
		}
		if cursor = next; next == "" {
			break
		}
	}
	if len(seen) != n {
		t.Errorf("%d pages, want %d", len(seen), n)
	}
}

func TestTopRefusesAForeignCursor(t *testing.T) {
	f := newFixture(t, Options{})
	for i := range 3 {
		f.count(pageNumber(i), person(1))
	}
	_, next, err := f.Top(t.Context(), 1, "")
	if err != nil || next == "" {
		t.Fatalf("next %q, %v; want a cursor", next, err)
	}
	all, err := f.store.Query(t.Context(), storage.Query{Kind: PageKind, Limit: 1})
	if err != nil || all.Next == "" {
		t.Fatal("no cursor of another query", err)
	}
	for _, bad := range []string{"x", next[1:], next + "A", strings.ToUpper(next), all.Next} {
		if _, _, err := f.Top(t.Context(), 1, bad); !errors.Is(err, storage.ErrCursor) {
			t.Errorf("cursor %q: %v, want ErrCursor", bad, err)
		}
	}
}

func TestHistoryHasEveryDayAskedFor(t *testing.T) {
	f := newFixture(t, Options{})
	f.count("/", person(1))
	f.clock.pass(48 * time.Hour)
	f.count("/", person(1))
	f.count("/", person(2))
	for _, tt := range []struct {
		name     string
		page     Page
		from, to Day
		want     []DayTally
	}{
		{"all", "/", today - 1, today + 3, []DayTally{onDay(today-1, 0, 0), onDay(today, 1, 1), onDay(today+1, 0, 0), onDay(today+2, 2, 2), onDay(today+3, 0, 0)}},
		{"one day", "/", today + 2, today + 2, []DayTally{onDay(today+2, 2, 2)}},
		{"days between", "/", today + 1, today + 1, []DayTally{onDay(today+1, 0, 0)}},
		{"another page", "/none", today, today, []DayTally{onDay(today, 0, 0)}},
	} {
		got, err := f.History(t.Context(), tt.page, tt.from, tt.to)
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: History = %v, %v; want %v", tt.name, got, err, tt.want)
		}
	}
	if got, err := f.History(t.Context(), "/", today-HistoryDays+1, today); err != nil || len(got) != HistoryDays {
		t.Errorf("the longest history has %d days, %v; want %d", len(got), err, HistoryDays)
	}
}

func TestHistoryRefusesARangeThatCannotBe(t *testing.T) {
	f := newFixture(t, Options{})
	for _, tt := range []struct{ from, to Day }{
		{today, today - 1}, {today - HistoryDays, today}, {minDay, maxDay}, {maxDay, minDay}, {minDay - 1, minDay}, {maxDay, maxDay + 1},
	} {
		if got, err := f.History(t.Context(), "/", tt.from, tt.to); !errors.Is(err, ErrDay) {
			t.Errorf("History from %v to %v: %d days, %v; want ErrDay", tt.from, tt.to, len(got), err)
		}
	}
}

func TestDays(t *testing.T) {
	for _, tt := range []struct {
		at   string
		want string
	}{
		{"2026-11-21T00:00:00Z", "2026-11-21"},
		{"2026-11-21T23:59:59.999Z", "2026-11-21"},
		{"2026-11-22T00:30:00+01:00", "2026-11-21"},
		{"2026-11-21T23:30:00-05:00", "2026-11-22"},
		{"1969-12-31T23:59:59Z", "1969-12-31"},
		{"0000-01-01T00:00:00Z", minDay.String()},
		{"9999-12-31T23:59:59Z", maxDay.String()},
	} {
		at, err := time.Parse(time.RFC3339Nano, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		day := DayOf(at)
		if got, err := ParseDay(day.String()); day.String() != tt.want || got != day || err != nil {
			t.Errorf("the day of %s is %v, read as %v, %v; want %s", tt.at, day, got, err, tt.want)
		}
	}
	for _, bad := range []string{"", "2026-2-3", "2026-02-30", "21.11.2026", "2026-11-21T00:00:00Z", " 2026-11-21", "10000-01-01"} {
		if got, err := ParseDay(bad); !errors.Is(err, ErrDay) {
			t.Errorf("ParseDay(%q) = %v, %v; want ErrDay", bad, got, err)
		}
	}
}

// rush lets clients count a page at once, each so often, at services in turn, and
// returns the numbers they got.
func rush(t *testing.T, clients, each int, services ...fixture) []int64 {
	t.Helper()
	numbers := make([][]int64, clients)
	var wg sync.WaitGroup
	for i := range clients {
		wg.Go(func() {
			f := services[i%len(services)]
			for range each {
				c, err := f.Count(t.Context(), Request{Page: "/", Visitor: person(i)})
				if err != nil {
					t.Errorf("Count: %v", err)
					return
				}
				numbers[i] = append(numbers[i], c.Visits)
			}
		})
	}
	wg.Wait()
	var all []int64
	for _, some := range numbers {
		for i := 1; i < len(some); i++ {
			if some[i] <= some[i-1] {
				t.Fatalf("a client got %d after %d, want its numbers to grow", some[i], some[i-1])
			}
		}
		all = append(all, some...)
	}
	return all
}

func TestARushGetsEachNumberOnce(t *testing.T) {
	f := newFixture(t, Options{})
	const clients, each = 64, 300
	wantNumbers(t, rush(t, clients, each, f), clients*each)
	f.want("/", clients*each, clients)
	stats := f.Stats()
	t.Logf("%d visits in %d transactions, %d entities read and written", stats.Operations, stats.Batches, stats.EntityReads+stats.EntityWrites)
}

// TestProcessesOnOneFileGetEachNumberOnce opens the file anew for each service, as
// processes do.
func TestProcessesOnOneFileGetEachNumberOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "visits.db")
	c := newClock()
	var services []fixture
	for range 4 {
		services = append(services, on(t, openFile(t, path), c, Options{}))
	}
	const clients, each = 16, 100
	wantNumbers(t, rush(t, clients, each, services...), clients*each)
	for _, f := range services {
		f.want("/", clients*each, clients)
	}
}
