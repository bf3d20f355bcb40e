package visits_test

import (
	"strings"
	"testing"
	"time"
)

func TestASummaryTellsWhatBroughtTheVisits(t *testing.T) {
	s := start(t, nil)
	s.ok("POST", "/visits?page=/about", "")
	s.pass(24 * time.Hour)
	for _, query := range []string{
		"page=/about&referrer=news.ycombinator.com&utm_source=News%20Letter",
		"page=/about&referrer=https%3A%2F%2Fwww.example.com%2Fprivate%3Fname%3Danna",
		"page=/about&referrer=" + strings.Repeat("x", 3000) + "&utm_source=" + strings.Repeat("y", 3000),
		"referrer=null&utm_source=",
	} {
		s.ok("POST", "/visits?"+query, "")
	}
	s.ok("GET", "/visits/pixel.gif?referrer=example.com", "")
	want := `{"from":"2126-11-22","to":"2126-11-22","visits":5,"uniques":2,` +
		`"before":{"from":"2126-11-21","to":"2126-11-21","visits":1,"uniques":1},` +
		`"days":[{"day":"2126-11-22","visits":5,"uniques":2}],` +
		`"pages":[{"page":"/about","visits":3,"uniques":1,"before":1},{"page":"/","visits":2,"uniques":1,"before":0}],"pagesRead":2,"complete":true,` +
		`"referrers":[{"name":"example.com","visits":2},{"name":"news.ycombinator.com","visits":1}],"otherReferrers":0,` +
		`"sources":[{"name":"news letter","visits":1}],"otherSources":0}` + "\n"
	if got := s.ok("GET", "/visits/summary?from=2126-11-22", ""); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	one := `{"from":"2126-11-22","to":"2126-11-22","visits":2,"uniques":1,`
	if got := s.ok("GET", "/visits/summary?from=2126-11-22&page=/", ""); !strings.HasPrefix(got, one) || !strings.Contains(got, `"pagesRead":1`) {
		t.Errorf("of the page /: %s\nwant %s…", got, one)
	}
}

// TestTheSiteIsNoReferrerOfItself: its pages link to each other.
func TestTheSiteIsNoReferrerOfItself(t *testing.T) {
	s := start(t, allow(ours))
	for _, referrer := range []string{"ours.example", "https://www.ours.example/about", "theirs.example"} {
		if got := s.send("POST", "/visits?referrer="+referrer, "", "Origin", ours); got.status != 200 {
			t.Fatalf("from %s: %d %s", referrer, got.status, got.body)
		}
	}
	want := `"referrers":[{"name":"theirs.example","visits":1}]`
	if got := s.ok("GET", "/visits/summary", ""); !strings.Contains(got, want) || !strings.Contains(got, `"visits":3,`) {
		t.Errorf("got %s, want 3 visits and %s", got, want)
	}
}

func TestAVisitBySpamSaysSo(t *testing.T) {
	s := start(t, nil)
	want := `{"page":"/","visits":0,"uniques":0,"counted":false,"reason":"spam","exact":true}` + "\n"
	if got := s.ok("POST", "/visits?referrer=https%3A%2F%2Fsemalt.com%2F", ""); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestASummaryOfWhatCannotBeIsRefused(t *testing.T) {
	s := start(t, nil)
	for query, code := range map[string]string{
		"from=2126-11-22&to=2126-11-21": "DAY_INVALID",
		"from=2125-11-21":               "DAY_INVALID",
		"page=about":                    "PAGE_INVALID",
		"pages=/":                       "VALIDATION_FAILED",
	} {
		s.wantProblem(s.send("GET", "/visits/summary?"+query, ""), 422, code, "")
	}
}
