package visit

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// TestASummaryIsTheSumOfItsPages compares it with what is added up by hand, over days,
// pages and services that each count in a shard of their own.
func TestASummaryIsTheSumOfItsPages(t *testing.T) {
	for _, shards := range []int{1, 3} {
		t.Run(fmt.Sprint(shards, " shards"), func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) { checkSummary(t, r, shards) })
		})
	}
}

type counted struct {
	day  Day
	page Page
	Referral
}

func checkSummary(t *testing.T, r *rapid.T, shards int) {
	store, c := openStore(t), newClock()
	services := make([]fixture, shards)
	for i := range services {
		services[i] = on(t, store, c, Options{Shards: shards})
	}
	var visits []counted
	for range rapid.IntRange(1, 25).Draw(r, "visits") {
		c.pass(time.Duration(rapid.SampledFrom([]int{0, 0, 0, 1, 9}).Draw(r, "days")) * 24 * time.Hour)
		v := counted{
			DayOf(c.Now()), rapid.SampledFrom([]Page{"/", "/about", "/shop"}).Draw(r, "page"),
			Referral{rapid.SampledFrom([]string{"", "a.example", "b.example"}).Draw(r, "host"), rapid.SampledFrom([]string{"", "ad"}).Draw(r, "source")},
		}
		rapid.SampledFrom(services).Draw(r, "service").refer(v.page, 1, v.Host, v.Source)
		visits = append(visits, v)
	}
	last := DayOf(c.Now())
	to := last - Day(rapid.IntRange(0, 5).Draw(r, "to"))
	from := to - Day(rapid.IntRange(0, SummaryDays-1).Draw(r, "from"))
	got, err := services[0].Summary(t.Context(), from, to)
	if err != nil {
		r.Fatal(err)
	}
	want := sumByHand(visits, from, to)
	ignore := cmpopts.IgnoreFields(Tally{}, "Uniques")
	order := cmpopts.SortSlices(func(a, b PageTally) int { return cmp.Compare(a.Page, b.Page) })
	names := cmpopts.SortSlices(func(a, b NameTally) int { return cmp.Compare(a.Name, b.Name) })
	if diff := gocmp.Diff(want, got, ignore, order, names, cmpopts.EquateEmpty()); diff != "" {
		r.Errorf("from %v to %v, - want + got:\n%s", from, to, diff)
	}
	if !slices.IsSortedFunc(got.Pages, func(a, b PageTally) int { return cmp.Compare(b.Visits, a.Visits) }) {
		r.Errorf("the busiest is not the first: %v", got.Pages)
	}
}

func sumByHand(visits []counted, from, to Day) Summary {
	s := Summary{Days: emptyDays(from, to), Complete: true}
	pages, all := make(map[Page]*PageTally), make(map[Page]bool)
	hosts, sources := make(map[string]int64), make(map[string]int64)
	for _, v := range visits {
		all[v.page] = true
		if pages[v.page] == nil {
			pages[v.page] = &PageTally{Page: v.page}
		}
		switch {
		case v.day > to || v.day < from-(to-from+1):
			continue
		case v.day < from:
			s.Before.Visits++
			pages[v.page].Before++
			continue
		}
		s.Visits++
		s.Days[v.day-from].Visits++
		pages[v.page].Visits++
		hosts[v.Host]++
		sources[v.Source]++
	}
	for _, p := range pages {
		if p.Visits > 0 {
			s.Pages = append(s.Pages, *p)
		}
	}
	list := func(sums map[string]int64) (l []NameTally) {
		delete(sums, "")
		for name, n := range sums {
			l = append(l, NameTally{name, n})
		}
		return l
	}
	s.Referrers, s.Sources, s.PagesRead = list(hosts), list(sources), len(all)
	return s
}

func TestASummaryOfSomePagesLeavesOutTheOthers(t *testing.T) {
	f := newFixture(t, Options{})
	f.refer("/", 1, "a.example", "")
	f.refer("/about", 1, "b.example", "ad")
	s := f.summary(30, "/about")
	if s.Visits != 1 || s.PagesRead != 1 || len(s.Pages) != 1 || s.Pages[0].Page != "/about" {
		t.Errorf("the summary of /about is %+v, want its one visit", s)
	}
	f.wantReferrers(s, 0, NameTally{"b.example", 1})
	if s := f.summary(30, "/never"); s.Visits != 0 || len(s.Pages) != 0 || len(s.Days) != 30 {
		t.Errorf("the summary of a page that was never counted is %+v, want 30 empty days", s)
	}
}

func TestASummaryReadsTheBusiestPagesAndSaysSo(t *testing.T) {
	f := newFixture(t, Options{})
	day := DayOf(f.now())
	views := make([]View, SummaryPages+1)
	for i := range views {
		views[i] = view(Page(fmt.Sprint("/", i)), Tally{}, onDay(day, 2, 1))
	}
	views[7] = view("/quiet", Tally{}, onDay(day, 1, 1))
	f.importViews(views[:SummaryPages]...)
	if s := f.summary(1); !s.Complete || s.PagesRead != SummaryPages || s.Visits != 2*SummaryPages-1 || len(s.Pages) != SummaryList {
		t.Errorf("%d pages read, complete: %t, %d visits, %d listed; want all %d", s.PagesRead, s.Complete, s.Visits, len(s.Pages), SummaryPages)
	}
	f.importViews(views[SummaryPages:]...)
	if s := f.summary(1); s.Complete || s.PagesRead != SummaryPages || s.Visits != 2*SummaryPages {
		t.Errorf("%d pages read, complete: %t, %d visits; want the %d busiest", s.PagesRead, s.Complete, s.Visits, SummaryPages)
	}
}

func TestASummaryHasAtMostAYear(t *testing.T) {
	f := newFixture(t, Options{})
	to := DayOf(f.now())
	if _, err := f.Summary(t.Context(), to-SummaryDays+1, to); err != nil {
		t.Errorf("%d days: %v", SummaryDays, err)
	}
	for _, from := range []Day{to - SummaryDays, to + 1} {
		if _, err := f.Summary(t.Context(), from, to); !errors.Is(err, ErrDay) {
			t.Errorf("from %v to %v: %v, want ErrDay", from, to, err)
		}
	}
}

// TestADamagedPastIsNotCalledEmpty: a count goes on without it, a summary says so.
func TestADamagedPastIsNotCalledEmpty(t *testing.T) {
	s := new(state)
	s.count(today, 0)
	s.refer(today, Referral{Host: "a.example"})
	s.count(today+1, 0)
	s.referrals.past = s.referrals.past[:len(s.referrals.past)-1]
	if _, ok := s.referrals.days(s.lastDay()); ok {
		t.Error("a past that is cut off is read")
	}
	s.count(today+2, 0)
	if days, ok := s.referrals.days(s.lastDay()); !ok || len(days) != 0 || s.total.Visits != 3 {
		t.Errorf("after the next day %v, %t, and %d visits; want none, and 3", days, ok, s.total.Visits)
	}
}
