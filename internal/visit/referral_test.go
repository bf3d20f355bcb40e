package visit

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestOfAReferrerOnlyThePublicHostIsKept(t *testing.T) {
	for _, tt := range []struct{ referrer, source, own, host, name string }{
		{"https://news.ycombinator.com/item?id=1#2", "", "", "news.ycombinator.com", ""},
		{"http://WWW.Example.com:8080/a", "", "", "example.com", ""},
		{"example.com", "", "", "example.com", ""},
		{"android-app://com.reddit.frontpage/", "", "", "com.reddit.frontpage", ""},
		{"https://anna:secret@example.com/", "", "", "example.com", ""},
		{"https://www.example.com/about", "", "https://example.com", "", ""},
		{"https://example.com./", "", "example.com:8443", "", ""},
		{"https://localhost/", "", "", "", ""},
		{"https://[2001:db8::1]/", "", "", "", ""},
		{"https://84.23.1.9/", "", "", "", ""},
		{"https://router.local/", "", "", "", ""},
		{"..", "", "", "", ""},
		{"a..b.com", "", "", "", ""},
		{"-a.com", "", "", "", ""},
		{"https://exa mple.com/", "", "", "", ""},
		{"https://bücher.example/", "", "", "", ""},
		{"https://" + strings.Repeat("a", 60) + ".com/", "", "", strings.Repeat("a", 60) + ".com", ""},
		{"https://" + strings.Repeat("a", 61) + ".com/", "", "", "", ""},
		{"", " Spring\tNewsletter ", "", "", "spring newsletter"},
		{"", "u\u0308ber", "", "", "über"},
		{"", "anna@example.com", "", "", ""},
		{"", "a\x00b", "", "", ""},
		{"", "\u202egnp", "", "", ""},
		{"", "a\xff", "", "", ""},
		{"", strings.Repeat("ü", 33), "", "", ""},
		{"https://a.example/", "ad", "", "a.example", "ad"},
		{"%%%", "\n", "%%%", "", ""},
	} {
		if got, want := ParseReferral(tt.referrer, tt.source, tt.own), (Referral{tt.host, tt.name}); got != want {
			t.Errorf("ParseReferral(%q, %q, %q) = %+v, want %+v", tt.referrer, tt.source, tt.own, got, want)
		}
	}
}

func TestAVisitOfASpammerIsNotCounted(t *testing.T) {
	f := newFixture(t, Options{})
	for host, want := range map[string]Reason{
		"": "", "example.com": "", "semalt.com": Spam, "mail.semalt.com": Spam, "notsemalt.com": "", "com": "", "shop.ucoz.ru": "",
	} {
		before := f.read("/").Visits
		c := f.refer("/", 1, host, "")
		if after := f.read("/").Visits; c.Reason != want || (after == before) != (want == Spam) {
			t.Errorf("from %q: reason %q, visits %d → %d; want reason %q", host, c.Reason, before, after, want)
		}
	}
}

// refer counts a visit that a referrer and a source have brought.
func (f fixture) refer(p Page, visitor int, host, source string) Count {
	f.Helper()
	c, err := f.Count(f.Context(), Request{Page: p, Visitor: person(visitor), Referral: Referral{host, source}})
	if err != nil {
		f.Fatalf("Count(%s): %v", p, err)
	}
	return c
}

// summary is that of some days which end today.
func (f fixture) summary(days int, pages ...Page) Summary {
	f.Helper()
	to := DayOf(f.now())
	s, err := f.Summary(f.Context(), to-Day(days)+1, to, pages...)
	if err != nil {
		f.Fatalf("Summary: %v", err)
	}
	return s
}

func (f fixture) wantReferrers(s Summary, others int64, want ...NameTally) {
	f.Helper()
	if diff := cmp.Diff(want, s.Referrers); diff != "" || s.OtherReferrers != others {
		f.Errorf("%d from other referrers, want %d; referrers, - want + got:\n%s", s.OtherReferrers, others, diff)
	}
}

// TestPastTheBoundReferrersAreOneNumber: who brings many names takes no more room, and no
// visit is lost among them.
func TestPastTheBoundReferrersAreOneNumber(t *testing.T) {
	f := newFixture(t, Options{})
	for i := range dayNames + 5 {
		f.refer("/", 1, fmt.Sprintf("host%03d.example", i), fmt.Sprint("source ", i%3))
	}
	today := f.summary(1)
	if got := len(today.Referrers); got != dayNames || today.OtherReferrers != 5 {
		t.Errorf("today %d referrers and %d visits from others, want %d and 5", got, today.OtherReferrers, dayNames)
	}

	// Whoever makes up names does not keep out the real ones: those come again.
	for range 3 {
		f.refer("/", 1, "real.example", "")
	}
	f.refer("/", 1, "made-up.example", "")
	today = f.summary(1)
	if got, want := today.Referrers[0], (NameTally{"real.example", 3}); got != want || today.OtherReferrers != 7 {
		t.Errorf("the first is %+v, and others brought %d; want %+v and 7", got, today.OtherReferrers, want)
	}

	f.clock.pass(24 * time.Hour)
	f.refer("/", 1, "host104.example", "")
	yesterday, both := f.summary(2), f.summary(1)
	f.wantReferrers(both, 0, NameTally{"host104.example", 1})
	if got := len(yesterday.Referrers); got != pastNames+1 || yesterday.OtherReferrers != dayNames+9-2-pastNames {
		t.Errorf("with yesterday %d referrers and %d visits from others, want %d and %d", got, yesterday.OtherReferrers, pastNames+1, dayNames+9-2-pastNames)
	}
	if got, want := yesterday.Sources, []NameTally{{"source 0", 35}, {"source 1", 35}, {"source 2", 35}}; !cmp.Equal(got, want) {
		t.Errorf("sources %v, want %v", got, want)
	}
}

func TestOverAYearFewerNamesAreKeptAndAllVisits(t *testing.T) {
	s := new(state)
	want := int64(0)
	for i := range Day(2 * ReferralDays) {
		day := today + i
		s.count(day, 0)
		for j := range 2 * pastNames { // no name comes twice, but for one
			s.refer(day, Referral{Host: fmt.Sprintf("%056d.example", int(i)*100+j), Source: strings.Repeat("s", j)})
		}
		s.refer(day, Referral{Host: "often.example"})
		s = recoded(t, s)
		if i >= ReferralDays-1 {
			want += 2*pastNames + 1
		}
	}
	days, ok := s.referrals.days(s.lastDay())
	names, got := make(map[origin]bool), int64(0)
	for _, d := range days {
		for _, b := range d.from {
			names[b.origin] = true
			if !b.source {
				got += b.visits
			}
		}
	}
	if !ok || len(days) != ReferralDays+1 || got != want {
		t.Errorf("%d days with %d visits (%t), want %d with %d", len(days), got, ok, ReferralDays+1, want)
	}
	if !names[origin{name: "often.example"}] || len(names) > allNames+dayNames {
		t.Errorf("%d names, the most frequent among them: %t; want at most %d", len(names), names[origin{name: "often.example"}], allNames+dayNames)
	}
}

// TestAFullPageFitsWhatIsReservedForIt, so that no batch outgrows a transaction.
func TestAFullPageFitsWhatIsReservedForIt(t *testing.T) {
	s := states(t)["full"]
	for i := range Day(HistoryDays) {
		day := today + 1 + i
		s.count(day, 0)
		s.days[len(s.days)-1].Tally = Tally{1_000_000 + int64(i), 500_000 + int64(i)}
		for j := range dayNames {
			name := fmt.Sprintf("%056d.example", int(i)*dayNames+j)
			s.refer(day, Referral{Host: name, Source: name})
		}
		for j := range s.referrals.today {
			s.referrals.today[j].visits += 5_000_000 // so that their sum takes most of what a number may
		}
	}
	hash := hasher(t)
	for i := range 50_000 {
		s.count(s.lastDay(), hash(person(i)))
	}
	if got := len(codec{}.Append(nil, s)); got > fullPageBytes || got < fullPageBytes/2 {
		t.Errorf("%d bytes, want at most %d, and about that", got, fullPageBytes)
	}
}

func recoded(t *testing.T, s *state) *state {
	t.Helper()
	got, err := codec{}.Decode(codec{}.Append(nil, s))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// TestAStateOfVersion1IsRead: it is what pages have that were counted before referrers were.
func TestAStateOfVersion1IsRead(t *testing.T) {
	old := []byte{1, 10, 6, 0, 2, 20, 10, 6, 0} // 5 visits, 3 uniques, one day: 10
	s, err := codec{}.Decode(old)
	if err != nil || s.total != (Tally{5, 3}) || !sameDays(s.days, []DayTally{onDay(10, 5, 3)}) {
		t.Errorf("Decode = %+v, %v; want 5 visits and 3 uniques on day 10", s, err)
	}
}
