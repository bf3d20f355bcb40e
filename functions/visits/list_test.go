package visits_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

type topReply struct {
	Pages []struct {
		Page   string
		Visits int64
	}
	NextPageToken string
}

func (s *server) top(query string) topReply {
	s.Helper()
	var got topReply
	if err := json.Unmarshal([]byte(s.ok("GET", "/visits/top?"+query, "")), &got); err != nil {
		s.Fatal(err)
	}
	return got
}

// importPages imports n pages; the i-th has i visits.
func (s *server) importPages(n int) {
	s.Helper()
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"page":"/%d","visits":%d}`+"\n", i, i)
	}
	s.ok("POST", "/visits/import", b.String())
}

func TestTopComesInPages(t *testing.T) {
	s := start(t, nil)
	const n = 1100
	s.importPages(n)
	for _, tt := range []struct {
		query string
		sizes []int
	}{
		{"", []int{50, 50, 50}},
		{"pageSize=400", []int{400, 400, 300}},
		{"pageSize=1000", []int{1000, 100}},
		{"pageSize=5000", []int{1000, 100}},
	} {
		token, seen := "", map[string]bool{}
		for i, size := range tt.sizes {
			got := s.top(tt.query + "&pageToken=" + token)
			if len(got.Pages) != size {
				t.Errorf("%q: page %d has %d, want %d", tt.query, i, len(got.Pages), size)
			}
			for _, p := range got.Pages {
				if seen[p.Page] {
					t.Errorf("%q: %s is there twice", tt.query, p.Page)
				}
				seen[p.Page] = true
			}
			token = got.NextPageToken
		}
		if end := len(seen) == n; end != (token == "") {
			t.Errorf("%q: after %d of %d pages the token is %q", tt.query, len(seen), n, token)
		}
	}
}

func TestATokenStaysGoodWhilePagesAreCounted(t *testing.T) {
	s := start(t, nil)
	s.importPages(20)
	first := s.top("pageSize=5")
	s.ok("PUT", "/visits?page=/new", `{"visits":500}`)
	s.ok("DELETE", "/visits?page=/17", "")
	rest := s.top("pageSize=100&pageToken=" + first.NextPageToken) // the size may change
	if len(first.Pages) != 5 || len(rest.Pages) != 15 || rest.Pages[0].Page != "/14" || rest.NextPageToken != "" {
		t.Errorf("first %v, rest %v; want /19 to /15 and then the other 15", first.Pages, rest.Pages)
	}
}

func TestTokensThatWereChangedAreRefused(t *testing.T) {
	s := start(t, nil)
	s.importPages(20)
	token := s.top("pageSize=5").NextPageToken
	for i := range token {
		other := byte('A')
		if token[i] == 'A' {
			other = 'B'
		}
		changed := token[:i] + string(other) + token[i+1:]
		s.wantProblem(s.send("GET", "/visits/top?pageToken="+changed, ""), 400, "PAGE_TOKEN_INVALID", "Start again without it")
	}
	for _, bad := range []string{token[1:], token[:len(token)-1], token + "A", token + token, token + "=", token + "%0a", "%00", "AAAA", "..", "%F0%9F%8E%89"} {
		s.wantProblem(s.send("GET", "/visits/top?pageToken="+bad, ""), 400, "PAGE_TOKEN_INVALID", "Start again without it")
	}
}

func TestHistoryIsOf30DaysUnlessTold(t *testing.T) {
	s := start(t, nil)
	for range 3 {
		s.ok("POST", "/visits", "")
		s.pass(24 * time.Hour)
	}
	var got struct {
		From, To string
		Days     []struct {
			Day    string
			Visits int64
		}
	}
	for _, tt := range []struct {
		query, from, to string
		days, visits    int
	}{
		{"", "2126-10-26", "2126-11-24", 30, 3},
		{"to=2126-11-22", "2126-10-24", "2126-11-22", 30, 2},
		{"from=2126-11-22", "2126-11-22", "2126-11-24", 3, 2},
		{"from=2126-11-24&to=2126-11-24", "2126-11-24", "2126-11-24", 1, 0},
		{"from=2124-11-24", "2124-11-24", "2126-11-24", 731, 3},
		{"from=2126-12-01&to=2126-12-02", "2126-12-01", "2126-12-02", 2, 0},
		{"from=0000-01-01&to=0000-01-02", "0000-01-01", "0000-01-02", 2, 0},
		{"from=9999-12-30&to=9999-12-31", "9999-12-30", "9999-12-31", 2, 0},
	} {
		got.Days = nil
		if err := json.Unmarshal([]byte(s.ok("GET", "/visits/history?"+tt.query, "")), &got); err != nil {
			t.Fatal(err)
		}
		visits := 0
		for i, d := range got.Days {
			visits += int(d.Visits)
			if i > 0 && d.Day <= got.Days[i-1].Day {
				t.Errorf("%q: %s after %s", tt.query, d.Day, got.Days[i-1].Day)
			}
		}
		if got.From != tt.from || got.To != tt.to || len(got.Days) != tt.days || visits != tt.visits ||
			got.Days[0].Day != tt.from || got.Days[len(got.Days)-1].Day != tt.to {
			t.Errorf("%q: %s to %s, %d days, %d visits; want %s to %s, %d, %d", tt.query, got.From, got.To, len(got.Days), visits, tt.from, tt.to, tt.days, tt.visits)
		}
	}
}
