package visit

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
)

// house is counts of every kind: with days, without, below its days, with shards'
// worth of history, and none.
func house() []View {
	long := view("/long", Tally{1000, 500})
	for i := range Day(HistoryDays) {
		long.Days = append(long.Days, onDay(today-HistoryDays+1+i, int64(i+2), int64(i+1)))
	}
	long.Tally = long.plus(sum(long.Days))
	views := []View{
		view("/", Tally{39, 28}, onDay(today-1, 2, 1), onDay(today, 3, 2)),
		view("/%C3%BCber", Tally{7, 6}),
		{Page: "/a,b", Tally: Tally{MaxVisits, MaxVisits}},
		long,
		{Page: "/lower", Tally: Tally{1, 0}, Days: []DayTally{onDay(today-9, 3, 2), onDay(today, 5, 4)}},
		{Page: "/none"},
	}
	for i := range 120 { // more than a transaction of an import carries
		views = append(views, view(pageNumber(i), Tally{}, onDay(today-Day(i), int64(i+1), int64(i/2))))
	}
	return views
}

// export writes all that a service has and reads it as another would.
func (f fixture) export(format string) []View {
	f.Helper()
	var b bytes.Buffer
	if err := formats[format](&b, f.All(f.Context())); err != nil {
		f.Fatal(err)
	}
	file, err := ParseFile(&b, today, 0, "")
	if err != nil {
		f.Fatalf("%v: %+v", err, file)
	}
	return file.Views
}

func TestAHouseMovesWhole(t *testing.T) {
	for format := range formats {
		for _, shards := range []int{1, someShards} {
			t.Run(fmt.Sprint(format, " to ", shards), func(t *testing.T) {
				from := newFixture(t, Options{})
				from.importViews(house()...)
				from.wantAll(house())
				to := newFixture(t, Options{Shards: shards})
				to.importViews(from.export(format)...)
				to.wantAll(house())
				to.importViews(from.export(format)...) // twice is once
				to.wantAll(house())
				from.importViews(to.export(format)...) // and back
				from.wantAll(house())
			})
		}
	}
}

func TestALaterExportBringsWhatIsNew(t *testing.T) {
	from := newFixture(t, Options{})
	to := on(t, openStore(t), from.clock, Options{})
	from.importViews(house()...)
	to.importViews(from.export("NDJSON")...)
	for i := range 5 {
		from.count("/", person(i))
		from.count("/new", person(i))
		from.clock.pass(5 * time.Hour)
	}
	later := from.all()
	to.importViews(later...)
	to.wantAll(from.all())
	to.importViews(later...)
	to.wantAll(from.all())
	to.want("/new", 5, 5)
}

func TestAnImportThatBrokeOffIsCompletedByDoingItAgain(t *testing.T) {
	store := &failing{Store: openStore(t), budget: 1, err: storage.ErrUnavailable}
	f := on(t, store, newClock(), Options{})
	if err := f.Import(t.Context(), house()); !errors.Is(err, storage.ErrUnavailable) {
		t.Fatalf("Import: %v, want ErrUnavailable", err)
	}
	if got := len(f.all()); got != importPages {
		t.Errorf("%d pages of the import are there, want the first %d", got, importPages)
	}
	store.budget = 1000
	f.importViews(house()...)
	f.wantAll(house())
}

func TestDaysOnWhichTwoCountersRanCountOnce(t *testing.T) {
	f := newFixture(t, Options{})
	f.importViews(view("/", Tally{}, onDay(today-2, 9, 3), onDay(today-1, 5, 4), onDay(today, 5, 2)))
	f.importViews(view("/", Tally{}, onDay(today-3, 1, 1), onDay(today-1, 3, 3), onDay(today, 7, 1)))
	f.wantAll([]View{view("/", Tally{}, onDay(today-3, 1, 1), onDay(today-2, 9, 3), onDay(today-1, 5, 4), onDay(today, 7, 2))})
}

func TestWhatIsBeyondTheDaysIsTheLargerToo(t *testing.T) {
	f := newFixture(t, Options{})
	f.importViews(view("/", Tally{100, 10}, onDay(today, 5, 5)))
	f.importViews(view("/", Tally{70, 20}, onDay(today-1, 5, 5)))
	f.wantAll([]View{view("/", Tally{100, 20}, onDay(today-1, 5, 5), onDay(today, 5, 5))})
}

func TestAnImportDoesNotLowerWhatIsHere(t *testing.T) {
	f := newFixture(t, Options{})
	f.importViews(view("/", Tally{100, 50}, onDay(today, 5, 5)))
	f.importViews(View{Page: "/", Tally: Tally{1, 1}, Days: []DayTally{onDay(today, 3, 3)}}, View{Page: "/none"})
	f.wantAll([]View{view("/", Tally{100, 50}, onDay(today, 5, 5)), {Page: "/none"}})
}

func TestCountingGoesOnOnTopOfAnImport(t *testing.T) {
	f := newFixture(t, Options{})
	f.count("/", person(1))
	f.importViews(view("/", Tally{100, 50}, onDay(today, 5, 4)))
	f.want("/", 105, 54)
	f.count("/", person(1))
	f.count("/", person(2))
	f.want("/", 107, 54) // of today's 4 some may be these two
	for i := 3; i < 9; i++ {
		f.count("/", person(i))
	}
	f.want("/", 113, 58)
}

// TestDaysBeforeTheHistoryAreInTheTotal, whichever counter has them, and whatever its clock.
func TestDaysBeforeTheHistoryAreInTheTotal(t *testing.T) {
	f := newFixture(t, Options{})
	v := view("/", Tally{10, 5}, onDay(minDay, 1, 1), onDay(0, 2, 2))
	for i := range Day(HistoryDays) {
		v.Days = append(v.Days, onDay(today-HistoryDays+1+i, 4, 4))
	}
	v.Tally = v.Tally.plus(Tally{4 * HistoryDays, 4 * HistoryDays})
	want := v
	want.Days = v.Days[2:]
	for range 2 {
		f.importViews(v)
		f.wantAll([]View{want})
	}
	f.clock.pass(24 * time.Hour)
	f.count("/", person(1)) // on which another day leaves the history
	for range 2 {
		f.importViews(v)
		f.want("/", 14+4*HistoryDays, 9+4*HistoryDays)
	}
}

func TestAnImportWithoutViewsIsNothing(t *testing.T) {
	f := newFixture(t, Options{})
	f.importViews()
	f.wantAll(nil)
}

// TestTheGoatCounterExportMoves is the main job in the domain: import, count on
// top, export, import elsewhere, compare.
func TestTheGoatCounterExportMoves(t *testing.T) {
	file, err := os.Open(goatCounterFile)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	parsed, err := ParseFile(file, goatCounterToday, goatCounterBad, "")
	if err != nil {
		t.Fatal(err)
	}
	c := &clock{now: goatCounterToday.Start().Add(12 * time.Hour)}
	from := on(t, openStore(t), c, Options{})
	from.importViews(parsed.Views...)
	from.wantAll(withReferralDays(parsed.Views))
	before := from.read("/about").Tally
	from.count("/about", person(1))
	if got := from.read("/about").Visits; got != before.Visits+1 {
		t.Errorf("one more visit makes %d, want %d", got, before.Visits+1)
	}
	for format := range formats {
		to := on(t, openStore(t), c, Options{})
		for range 2 {
			to.importViews(from.export(format)...)
			if want := from.all(); format == "CSV" {
				to.wantAll(withoutReferrals(want))
			} else {
				to.wantAll(want)
			}
		}
	}
	if !slices.IsSortedFunc(from.all(), func(a, b View) int { return bytes.Compare([]byte(a.Page), []byte(b.Page)) }) {
		t.Error("All does not give the pages in the order of names")
	}
}

// withReferralDays is what is kept of views: the referrals of the last days only.
func withReferralDays(views []View) []View {
	views = slices.Clone(views)
	for i, v := range views {
		last := len(v.Referrals)
		if last > 0 && v.Referrals[last-1].Day == v.Days[len(v.Days)-1].Day {
			last--
		}
		views[i].Referrals = v.Referrals[max(0, last-ReferralDays):]
	}
	return views
}

// TestPagesAreImportedHoweverFullTheyAre: no transaction takes more of them than fit.
func TestPagesAreImportedHoweverFullTheyAre(t *testing.T) {
	var views []View
	for i := range 60 {
		v := view(pageNumber(i), Tally{})
		for d := range Day(HistoryDays) {
			v.Days = append(v.Days, onDay(today-HistoryDays+1+d, 1<<40, 1<<40))
			from := DayReferrals{today - HistoryDays + 1 + d, make(names), make(names)}
			for n := range pastNames {
				name := fmt.Sprintf("%055d.example", (int(d)+n)%(allNames/2))
				from.Referrers[name], from.Sources[name] = 1<<40, 1<<40
			}
			v.Referrals = append(v.Referrals, from)
		}
		v.Tally = sum(v.Days)
		views = append(views, v)
	}
	f := newFixture(t, Options{})
	for range 2 {
		f.importViews(views...)
	}
	if got := len(f.all()); got != len(views) {
		t.Errorf("%d pages, want %d", got, len(views))
	}
}

func TestAnImportThatBreaksOffSaysWhetherAPartIsIn(t *testing.T) {
	views := make([]View, 2*importPages)
	for i := range views {
		views[i] = View{Page: Page(fmt.Sprintf("/%d", i)), Tally: Tally{Visits: 1}}
	}
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for after, incomplete := range []bool{false, true} {
		err := New(&failing{store, after, storage.ErrUnavailable}, Options{}).Import(t.Context(), views)
		if !errors.Is(err, storage.ErrUnavailable) || errors.Is(err, ErrIncomplete) != incomplete {
			t.Errorf("broken off after %d parts: %v, want ErrIncomplete %v", after, err, incomplete)
		}
	}
}
