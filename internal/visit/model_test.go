package visit_test

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/internal/merge"
	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
	"github.com/tallystick/tallystick/internal/visit"
)

// ledger is what the counts should be, in the simplest way to keep them.
type ledger struct {
	pages map[visit.Page]*sheet
	keys  map[string]receipt
}

// sheet is the ledger of a page.
type sheet struct {
	total visit.Tally
	days  map[visit.Day]visit.Tally
	seen  map[int]bool // the visitors told apart on the last of days
}

// receipt is what the visit with an idempotency key was told.
type receipt struct {
	page   visit.Page
	tally  visit.Tally
	expire time.Time
}

func (l *ledger) sheet(p visit.Page) *sheet {
	if l.pages[p] == nil {
		l.pages[p] = &sheet{days: make(map[visit.Day]visit.Tally)}
	}
	return l.pages[p]
}

func plus(a, b visit.Tally) visit.Tally {
	return visit.Tally{Visits: a.Visits + b.Visits, Uniques: a.Uniques + b.Uniques}
}

func minus(a, b visit.Tally) visit.Tally {
	return visit.Tally{Visits: a.Visits - b.Visits, Uniques: a.Uniques - b.Uniques}
}

func larger(a, b visit.Tally) visit.Tally {
	return visit.Tally{Visits: max(a.Visits, b.Visits), Uniques: max(a.Uniques, b.Uniques)}
}

// last is the last day of a sheet, or one before all days.
func (s *sheet) last() visit.Day {
	last := visit.Day(-1 << 30)
	for d := range s.days {
		last = max(last, d)
	}
	return last
}

// put sets a day's tally, and the total with it. With a new last day a new set of
// visitors begins. The days for which there is no room then are gone from the history, but
// not from the total.
func (s *sheet) put(day visit.Day, t visit.Tally) {
	s.total = plus(s.total, minus(t, s.days[day]))
	if day > s.last() {
		s.seen = make(map[int]bool)
	}
	s.days[day] = t
	first := firstOf(slices.Collect(maps.Keys(s.days)))
	maps.DeleteFunc(s.days, func(d visit.Day, _ visit.Tally) bool { return d < first })
}

// firstOf is the first of the last days, as many as a history has.
func firstOf(days []visit.Day) visit.Day {
	slices.Sort(days)
	days = slices.Compact(days)
	if len(days) <= visit.HistoryDays {
		return -1 << 30
	}
	return days[len(days)-visit.HistoryDays]
}

// count counts a visit; visitor 0 asked for privacy.
func (s *sheet) count(day visit.Day, visitor int) {
	t := plus(s.days[day], visit.Tally{Visits: 1})
	s.put(day, t)
	if visitor == 0 || day != s.last() {
		return
	}
	s.seen[visitor] = true
	s.put(day, larger(t, visit.Tally{Uniques: int64(len(s.seen))}))
}

// imports takes over a view: of each day the larger numbers, and of what is beyond
// the days.
func (s *sheet) imports(v visit.View) {
	isNew := s.total == visit.Tally{} && len(s.days) == 0
	days := slices.Collect(maps.Keys(s.days))
	for _, d := range v.Days {
		if d.Tally != (visit.Tally{}) {
			days = append(days, d.Day)
		}
	}
	first := firstOf(days)
	here, there := s.total, v.Tally
	for d, t := range s.days {
		if d >= first {
			here = minus(here, t)
		}
	}
	for _, d := range v.Days {
		if d.Day >= first {
			there = minus(there, d.Tally)
			if t := larger(s.days[d.Day], d.Tally); t != s.days[d.Day] {
				s.put(d.Day, t)
			}
		}
	}
	if !isNew {
		there = larger(here, there)
	}
	s.total = plus(s.total, minus(there, here))
}

func (l *ledger) view(p visit.Page) visit.View {
	s := l.pages[p]
	if s == nil {
		return visit.View{Page: p}
	}
	v := visit.View{Page: p, Tally: s.total}
	for _, day := range slices.Sorted(maps.Keys(s.days)) {
		v.Days = append(v.Days, visit.DayTally{Day: day, Tally: s.days[day]})
	}
	return v
}

func (l *ledger) views() []visit.View {
	views := make([]visit.View, 0, len(l.pages))
	for _, p := range slices.Sorted(maps.Keys(l.pages)) {
		views = append(views, l.view(p))
	}
	return views
}

// machine does the same to two services, as of two processes, and to a ledger.
type machine struct {
	*rapid.T
	store    storage.Store
	services [2]*visit.Service
	lag      [2]time.Duration // how far each one's clock is behind
	now      time.Time
	ledger   ledger
}

var (
	somePages = rapid.SampledFrom([]visit.Page{"/", "/about", "/blog", "/blog/1"})
	someKeys  = rapid.SampledFrom([]string{"", "", "", "a", "b", "c"})
)

const someVisitors = 6

func newMachine(t *rapid.T) *machine {
	dir, err := os.MkdirTemp("", "visit")
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(context.Background(), filepath.Join(dir, "visits.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(store.Close(), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	m := &machine{
		T: t, store: store,
		// Far ahead of the real clock, by which SQLite removes what has expired.
		now:    time.Date(2126, 11, 21, 12, 0, 0, 0, time.UTC),
		ledger: ledger{make(map[visit.Page]*sheet), make(map[string]receipt)},
	}
	for i := range m.services {
		m.start(i)
	}
	return m
}

func (m *machine) start(i int) {
	m.services[i] = visit.New(m.store, visit.Options{Now: func() time.Time { return m.clock(i) }})
}

func (m *machine) clock(i int) time.Time { return m.now.Add(-m.lag[i]) }

func (m *machine) today(i int) visit.Day { return visit.DayOf(m.clock(i)) }

func (m *machine) pick() int { return rapid.IntRange(0, len(m.services)-1).Draw(m.T, "service") }

// visitor draws one, and what it is called in a sheet.
func (m *machine) visitor() (visit.Visitor, int) {
	n := rapid.IntRange(1, someVisitors).Draw(m.T, "visitor")
	v := visit.Visitor{Addr: netip.AddrFrom4([4]byte{192, 0, 2, byte(n)}), UserAgent: "Mozilla/5.0 Firefox/140.0"}
	switch rapid.IntRange(0, 9).Draw(m.T, "manner") {
	case 0, 1:
		v.Private = true
		return v, 0
	case 2:
		v.UserAgent = "Googlebot/2.1"
	case 3:
		v.Prefetch = true
	}
	return v, n
}

func (m *machine) Count(t *rapid.T) {
	i, page, key := m.pick(), somePages.Draw(t, "page"), someKeys.Draw(t, "key")
	visitor, n := m.visitor()
	got, err := m.services[i].Count(t.Context(), visit.Request{Page: page, Visitor: visitor, IdempotencyKey: key})
	want, wantErr := m.counted(i, page, key, visitor, n)
	if got != want || !errors.Is(err, wantErr) {
		t.Fatalf("got %+v, %v; want %+v, %v", got, err, want, wantErr)
	}
}

// counted counts in the ledger.
func (m *machine) counted(i int, page visit.Page, key string, visitor visit.Visitor, n int) (visit.Count, error) {
	count := visit.Count{Page: page, Exact: true}
	sent, replayed := m.ledger.keys[key]
	replayed = replayed && m.clock(i).Before(sent.expire)
	switch {
	case visitor.Prefetch:
		count.Reason, count.Tally = visit.Prefetch, m.ledger.view(page).Tally
	case visitor.UserAgent == "Googlebot/2.1":
		count.Reason, count.Tally = visit.Bot, m.ledger.view(page).Tally
	case replayed && sent.page != page:
		return visit.Count{}, merge.ErrKeyReused
	case replayed:
		count.Replayed, count.Tally = true, sent.tally
	default:
		m.ledger.sheet(page).count(m.today(i), n)
		count.Tally = m.ledger.view(page).Tally
		if key != "" {
			m.ledger.keys[key] = receipt{page, count.Tally, m.clock(i).Add(merge.IdempotencyLife)}
		}
	}
	return count, nil
}

func (m *machine) Set(t *rapid.T) {
	page := somePages.Draw(t, "page")
	tally := visit.Tally{Visits: rapid.Int64Range(0, 20).Draw(t, "visits"), Uniques: rapid.Int64Range(0, 20).Draw(t, "uniques")}
	if err := m.services[m.pick()].Set(t.Context(), page, tally); err != nil {
		t.Fatal(err)
	}
	m.ledger.sheet(page).total = tally
}

func (m *machine) Delete(t *rapid.T) {
	page := somePages.Draw(t, "page")
	got, err := m.services[m.pick()].Delete(t.Context(), page)
	if want := m.ledger.pages[page] != nil; got != want || err != nil {
		t.Fatalf("got %v, %v; want %v", got, err, want)
	}
	delete(m.ledger.pages, page)
}

func (m *machine) Import(t *rapid.T) {
	i := m.pick()
	pages := rapid.SliceOfNDistinct(somePages, 1, 3, rapid.ID[visit.Page]).Draw(t, "pages")
	views := make([]visit.View, 0, len(pages))
	for _, p := range pages {
		views = append(views, m.imported(t, p, m.today(i)))
	}
	for range rapid.IntRange(1, 2).Draw(t, "times") { // the second time nothing changes
		if err := m.services[i].Import(t.Context(), views); err != nil {
			t.Fatal(err)
		}
	}
	for _, v := range views {
		m.ledger.sheet(v.Page).imports(v)
	}
}

// imported draws what an import file may hold of a page.
func (m *machine) imported(t *rapid.T, p visit.Page, today visit.Day) visit.View {
	v := visit.View{Page: p}
	ages := rapid.SliceOfNDistinct(rapid.SampledFrom([]int{0, 1, 2, 5, 729, 730, 731, 900}), 0, 4, rapid.ID[int]).Draw(t, "ages")
	slices.SortFunc(ages, func(a, b int) int { return cmp.Compare(b, a) })
	if rapid.IntRange(0, 59).Draw(t, "a long history") == 59 { // of every second day
		for i := range visit.HistoryDays {
			ages = append(ages, 2*i)
		}
		slices.Sort(ages)
		ages = slices.Compact(ages)
		slices.Reverse(ages)
	}
	for _, age := range ages {
		visits := rapid.Int64Range(0, 9).Draw(t, "visits")
		d := visit.Tally{Visits: visits, Uniques: rapid.Int64Range(0, visits).Draw(t, "uniques")}
		v.Days = append(v.Days, visit.DayTally{Day: today - visit.Day(age), Tally: d})
		v.Tally = plus(v.Tally, d)
	}
	rest := visit.Tally{Visits: rapid.Int64Range(-5, 9).Draw(t, "more visits"), Uniques: rapid.Int64Range(-5, 9).Draw(t, "more uniques")}
	v.Tally = larger(plus(v.Tally, rest), visit.Tally{})
	return v
}

func (m *machine) Pass(t *rapid.T) {
	m.now = m.now.Add(rapid.SampledFrom([]time.Duration{
		time.Second, 11 * time.Minute, 12 * time.Hour, 24 * time.Hour, 72 * time.Hour, merge.IdempotencyLife, 800 * 24 * time.Hour,
	}).Draw(t, "time"))
}

// Lag lets the second service's clock go after the first's, at times past midnight.
func (m *machine) Lag(t *rapid.T) {
	m.lag[1] = rapid.SampledFrom([]time.Duration{0, time.Minute, 23 * time.Hour}).Draw(t, "lag")
}

func (m *machine) Restart(*rapid.T) { m.start(m.pick()) }

func (m *machine) List(t *rapid.T) {
	service := m.services[m.pick()]
	top, next, err := service.Top(t.Context(), 100, "")
	if err != nil || next != "" {
		t.Fatalf("top: next %q, %v", next, err)
	}
	if !slices.IsSortedFunc(top, func(a, b visit.View) int { return cmp.Compare(b.Visits, a.Visits) }) {
		t.Errorf("top is not in the order of visits: %v", top)
	}
	slices.SortFunc(top, func(a, b visit.View) int { return cmp.Compare(a.Page, b.Page) })
	want := m.ledger.views()
	for i := range want {
		want[i].Days = nil
	}
	wantSame(t, "top", want, top)

	page, to := somePages.Draw(t, "page"), visit.DayOf(m.now)
	history, err := service.History(t.Context(), page, to-9, to)
	if err != nil {
		t.Fatal(err)
	}
	days := make([]visit.DayTally, 10)
	for i := range days {
		days[i].Day = to - 9 + visit.Day(i)
		if s := m.ledger.pages[page]; s != nil {
			days[i].Tally = s.days[days[i].Day]
		}
	}
	wantSame(t, "history", days, history)
}

// Check compares all there is.
func (m *machine) Check(t *rapid.T) {
	var all []visit.View
	for v, err := range m.services[0].All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, v)
	}
	wantSame(t, "all pages", m.ledger.views(), all)
	pages := []visit.Page{"/blog", "/", "/none"}
	var want []visit.View
	for _, p := range pages {
		want = append(want, m.ledger.view(p))
	}
	got, err := m.services[1].Read(t.Context(), pages...)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, "read", want, got)
}

func wantSame(t *rapid.T, what string, want, got any) {
	t.Helper()
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s, - want + got:\n%s", what, diff)
	}
}

func TestAServiceDoesWhatAPlainLedgerDoes(t *testing.T) {
	checks := flag.Lookup("rapid.checks").Value
	before := checks.String()
	t.Cleanup(func() { _ = checks.Set(before) })
	if err := checks.Set(strconv.Itoa(pick(60, 2_000))); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t)
		t.Repeat(map[string]func(*rapid.T){
			"": m.Check, "count": m.Count, "count more": m.Count, "count again": m.Count, "set": m.Set, "delete": m.Delete,
			"import": m.Import, "pass": m.Pass, "lag": m.Lag, "restart": m.Restart, "list": m.List,
		})
	})
}
