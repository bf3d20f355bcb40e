package visit

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// referrals are those of one page, which was exported.
func (f fixture) referrals(p Page) []DayReferrals {
	f.Helper()
	for _, v := range f.export("NDJSON") {
		if v.Page == p {
			return v.Referrals
		}
	}
	return nil
}

func (f fixture) wantReferrals(p Page, want ...DayReferrals) {
	f.Helper()
	if diff := diffViews([]View{{Referrals: want}}, []View{{Referrals: f.referrals(p)}}); diff != "" {
		f.Errorf("referrals of %s, - want + got:\n%s", p, diff)
	}
}

type names = map[string]int64

// TestOfReferralsTheLargerNumberStands: a name that both counters had counts once, and so
// do all together.
func TestOfReferralsTheLargerNumberStands(t *testing.T) {
	for _, shards := range []int{1, someShards} {
		t.Run(fmt.Sprint(shards, " shards"), func(t *testing.T) {
			f := newFixture(t, Options{Shards: shards})
			for i := range 3 {
				f.refer("/", i, "a.example", "news")
			}
			there := view("/", Tally{}, onDay(today-1, 4, 4), onDay(today, 20, 20))
			there.Referrals = []DayReferrals{
				{today - 1, names{"c.example": 1}, names{"": 2}},
				{today, names{"a.example": 2, "b.example": 5, "": 4}, nil},
			}
			for range 2 {
				f.importViews(there)
				f.wantReferrals("/",
					DayReferrals{today - 1, names{"c.example": 1}, names{"": 2}},
					DayReferrals{today, names{"a.example": 3, "b.example": 5, "": 3}, names{"news": 3}}) // 11 in all, as there
			}
			f.refer("/", 9, "b.example", "")
			there.Referrals[1].Referrers["b.example"] = 7
			f.importViews(there)
			f.wantReferrals("/",
				DayReferrals{today - 1, names{"c.example": 1}, names{"": 2}},
				DayReferrals{today, names{"a.example": 3, "b.example": 7, "": 3}, names{"news": 3}}) // 13 in all
		})
	}
}

// TestImportedReferralsHaveTheirBounds: what there is no room for is with the others.
func TestImportedReferralsHaveTheirBounds(t *testing.T) {
	many := func(n int, each int64) names {
		all := make(names)
		for i := range n {
			all[fmt.Sprintf("h%03d.example", i)] = int64(i) + each
		}
		return all
	}
	there := view("/", Tally{}, onDay(today, 100_000, 1))
	for i := Day(ReferralDays + 9); i > 0; i-- {
		there.Referrals = append(there.Referrals, DayReferrals{today - i, many(pastNames+5, 1), nil})
	}
	there.Referrals = append(there.Referrals, DayReferrals{today, many(dayNames+5, 1), nil})
	f := newFixture(t, Options{})
	for range 2 {
		f.importViews(there)
		states, err := decode(entities(t, f.store, PageKind))
		if err != nil {
			t.Fatal(err)
		}
		days, _ := originsOf(states)
		got := listed(days)
		if len(got) != ReferralDays+1 {
			t.Fatalf("referrals of %d days, want %d", len(got), ReferralDays+1)
		}
		for i, most := range map[int]int{0: pastNames, ReferralDays - 1: pastNames, ReferralDays: dayNames} {
			from := got[i].Referrers
			if len(from) != most+1 || from[""] != 1+2+3+4+5 || from["h004.example"] != 0 || from["h005.example"] != 6 {
				t.Errorf("%v: %d names, %d others; want %d, and 15 of the five with the fewest visits: %v", got[i].Day, len(from)-1, from[""], most, from)
			}
		}
	}
}

// TestReferralsAreImportedOnce: whatever is in the shards of a page and in what is imported,
// in the end a day has as many referred visits as the one that has more of them, or as its
// names have with what other shards do not name; and to import it again changes nothing.
func TestReferralsAreImportedOnce(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		day := rapid.IntRange(0, 3)
		host := rapid.Map(rapid.IntRange(0, 14), func(i int) string { return fmt.Sprintf("h%d.example", i) })
		shards := make([]*state, rapid.IntRange(1, 3).Draw(r, "shards"))
		for i := range shards {
			shards[i] = new(state)
			begins := rapid.IntRange(0, 3).Draw(r, "begins")
			for d := begins; d < 4; d++ {
				for range rapid.IntRange(0, 30).Draw(r, "visits") {
					shards[i].count(today-3+Day(d), 0)
					shards[i].refer(today-3+Day(d), Referral{Host: host.Draw(r, "host")})
				}
			}
		}
		shards[0].count(today, 0)
		more := make(map[Day]origins)
		for range rapid.IntRange(0, 40).Draw(r, "imported") {
			d := today - 3 + Day(day.Draw(r, "day"))
			if more[d] == nil {
				more[d] = make(origins)
			}
			more[d].add(origin{name: rapid.OneOf(host, rapid.Just("")).Draw(r, "name")}, rapid.Int64Range(1, 20).Draw(r, "n"))
		}
		before, _ := originsOf(shards)
		shards[0].raiseReferrals(shards, listed(more))
		once, ok := originsOf(shards)
		if !ok {
			r.Fatal("what was imported cannot be read")
		}
		for d, there := range more {
			elsewhere, _ := originsOf(shards[1:])
			named := elsewhere[d][origin{}]
			for from, visits := range once[d] {
				if want := max(before[d][from], there[from]); from.name != "" && visits > want {
					r.Errorf("%v: %d visits from %s, want at most %d", d, visits, from.name, want)
				} else if from.name != "" {
					named += visits
				}
			}
			if got, want := once[d].total(false), max(before[d].total(false), there.total(false), named); got != want {
				r.Errorf("%v: %d visits in all, want %d", d, got, want)
			}
		}
		shards[0].raiseReferrals(shards, listed(more))
		twice, _ := originsOf(shards)
		if diff := diffViews([]View{{Referrals: listed(once)}}, []View{{Referrals: listed(twice)}}); diff != "" {
			r.Errorf("imported twice, - once + twice:\n%s", diff)
		}
	})
}

func TestOfGoatCountersReferrersTheHostsAndCampaignsCome(t *testing.T) {
	var b strings.Builder
	b.WriteString(goatHead)
	for _, r := range [][2]string{
		{"news.ycombinator.com/item", "h"}, {"www.example.org/a", "h"}, {"shop.example.com/about", "h"},
		{"Hacker News", "g"}, {"Google", "g"}, {"Email", "g"}, {"Spring Sale", "c"},
		{"org.telegram.messenger", "o"}, {"", ""}, {"0-0.fr", "h"},
	} {
		row := []string{"/a", "", "false", "", "", "", "s", "0", r[0], r[1], "", "", "true", goatMorning}
		b.WriteString(strings.Join(row, ",") + "\n")
	}
	file, err := ParseFile(strings.NewReader(b.String()), today, 0, "https://shop.example.com")
	if err != nil {
		t.Fatal(err)
	}
	want := view("/a", Tally{}, onDay(today-1, 10, 10))
	want.Referrals = []DayReferrals{{today - 1,
		names{"news.ycombinator.com": 2, "example.org": 1, "google.com": 1}, names{"email": 1, "spring sale": 1}}}
	if diff := diffViews([]View{want}, file.Views); diff != "" {
		t.Errorf("- want + got:\n%s", diff)
	}
}

// TestReferrersComeToAPageWhoseFirstShardHadNoVisitThatDay.
func TestReferrersComeToAPageWhoseFirstShardHadNoVisitThatDay(t *testing.T) {
	f := newFixture(t, Options{Shards: someShards})
	f.own = 2
	for i := range 5 {
		f.count("/", person(i))
	}
	there := view("/", Tally{}, onDay(today, 4, 4))
	there.Referrals = []DayReferrals{{today, names{"x.example": 3}, nil}}
	for range 2 {
		f.importViews(there)
		f.wantReferrals("/", there.Referrals...)
		f.want("/", 5, 5)
	}
}

func TestASiteThatNoBrowserWritesSoIsRefused(t *testing.T) {
	for site, ok := range map[string]bool{"": true, "shop.example": true, "https://www.shop.example/": true, "xn--mnchen-3ya.de": true, "münchen.de": false, "http://": false, "localhost": false} {
		if _, err := ParseFile(strings.NewReader(goatHead), today, 0, site); (err == nil) != ok || !ok && !errors.Is(err, ErrFile) {
			t.Errorf("the site %q: %v, want it taken: %v", site, err, ok)
		}
	}
}
