package visits_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/storage"
)

// routes are all operations, and whether they are public.
var routes = []struct {
	method, path, body string
	public             bool
}{
	{"POST", "/visits", "", true},
	{"GET", "/visits", "", true},
	{"GET", "/visits/badge.svg", "", true},
	{"GET", "/visits/pixel.gif", "", true},
	{"GET", "/visits/count.js", "", true},
	{"GET", "/visits/top", "", false},
	{"GET", "/visits/history", "", false},
	{"GET", "/visits/summary", "", false},
	{"PUT", "/visits", `{"visits":1}`, false},
	{"DELETE", "/visits?page=/", "", false},
	{"GET", "/visits/export", "", false},
	{"POST", "/visits/import", "", false},
}

const ours, theirs = "https://ours.example", "https://theirs.example"

func allow(origins ...string) func(*edge.Config) {
	return func(c *edge.Config) { c.AllowedOrigins = origins }
}

func TestPreflightsSayWhoMayCall(t *testing.T) {
	for _, tt := range []struct {
		name, origin string
		allowed      []string
		public, all  string // Access-Control-Allow-Origin of a public route, and of one with a key
	}{
		{"*", theirs, []string{"*"}, "*", ""},
		{"the origin that is named", ours, []string{ours}, ours, ours},
		{"another than is named", theirs, []string{ours}, "", ""},
		{"the second that is named", theirs, []string{ours, theirs}, theirs, theirs},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, allow(tt.allowed...))
			for _, route := range routes {
				got := s.send("OPTIONS", route.path, "", "Origin", tt.origin, "Access-Control-Request-Method", route.method,
					"Access-Control-Request-Headers", "content-type,idempotency-key")
				want := tt.all
				if route.public {
					want = tt.public
				}
				wantMethods := ""
				if want != "" {
					wantMethods = route.method
				}
				origin, methods := got.header.Get("Access-Control-Allow-Origin"), got.header.Get("Access-Control-Allow-Methods")
				if got.status != 204 || got.body != "" || origin != want || methods != wantMethods {
					t.Errorf("%s %s: %d, origin %q, methods %q; want 204, %q, %q", route.method, route.path, got.status, origin, methods, want, wantMethods)
				}
			}
			if got := s.ok("GET", "/visits", "", "Accept", textType); got != "0\n" {
				t.Errorf("the questions counted %s visits, want none", got)
			}
		})
	}
}

func TestRepliesSayWhoMayReadThem(t *testing.T) {
	for _, tt := range []struct {
		name, origin string
		allowed      []string
		public, all  string
		refused      bool // by public routes
	}{
		{"*", theirs, []string{"*"}, "*", "", false},
		{"the origin that is named", ours, []string{ours}, ours, ours, false},
		{"another than is named", theirs, []string{ours}, "", "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, allow(tt.allowed...))
			for _, route := range routes {
				got := s.send(route.method, route.path, route.body, "Origin", tt.origin)
				status, want := 200, tt.all
				if route.public {
					want = tt.public
					if tt.refused {
						status = 403
					}
				}
				if origin := got.header.Get("Access-Control-Allow-Origin"); got.status != status || origin != want {
					t.Errorf("%s %s: %d, origin %q; want %d, %q", route.method, route.path, got.status, origin, status, want)
				}
				if status == 403 {
					s.wantProblem(got, 403, "ORIGIN_NOT_ALLOWED", "ALLOWED_ORIGINS does not name the page's origin, "+theirs)
				}
			}
		})
	}
}

func TestABlockedOriginCountsNothing(t *testing.T) {
	s := start(t, allow(ours))
	s.ok("POST", "/visits", "", "Origin", ours)
	for _, path := range []string{"/visits", "/visits/pixel.gif"} {
		method := "POST"
		if path != "/visits" {
			method = "GET"
		}
		for _, origin := range []string{theirs, "null", "http://ours.example", ours + ":8443", ours + ".theirs.example"} {
			s.wantProblem(s.send(method, path, "", "Origin", origin), 403, "ORIGIN_NOT_ALLOWED", origin)
		}
	}
	s.want("/", "1")
}

func TestErrorsCanBeReadByThePageThatMadeThem(t *testing.T) {
	s := start(t, func(c *edge.Config) { c.AllowedOrigins, c.RateLimit = []string{"*"}, 1 })
	header := func(got reply, status int) {
		t.Helper()
		if got.status != status || got.header.Get("Access-Control-Allow-Origin") != "*" || got.header.Get("Access-Control-Expose-Headers") == "" {
			t.Errorf("%d %v, want %d and CORS", got.status, got.header, status)
		}
	}
	header(s.send("POST", "/visits?page=about", "", "Origin", theirs), 422)
	header(s.send("POST", "/visits?page=%", "", "Origin", theirs), 400)
	header(s.send("POST", "/visits", "", "Origin", theirs), 429)
	s.pass(time.Minute)
	s.store.fail(func() error { return storage.ErrUnavailable })
	header(s.send("POST", "/visits", "", "Origin", theirs), 503)
	s.store.fail(func() error { panic("oh") })
	header(s.send("POST", "/visits", "", "Origin", theirs), 500)
}

func TestTheRateLimitIsForEachAddressAndOnPublicRoutes(t *testing.T) {
	s := start(t, func(c *edge.Config) { c.RateLimit = 2 })
	from := func(addr string) reply { return s.send("POST", "/visits?page=/a", "", "X-Forwarded-For", addr) }
	burst := func(addr string, want int) {
		t.Helper()
		for n := 0; ; n++ {
			got := from(addr)
			if got.status == 200 {
				continue
			}
			s.wantProblem(got, 429, "RATE_LIMITED", "At most 2 requests a second from one address.")
			if after, err := strconv.Atoi(got.header.Get("Retry-After")); err != nil || after != 1 {
				t.Errorf("Retry-After %q, want 1", got.header.Get("Retry-After"))
			}
			if n != want {
				t.Errorf("%s sent %d at once, want %d", addr, n, want)
			}
			return
		}
	}
	burst("192.0.2.1", 4)
	burst("192.0.2.1", 0)
	burst("203.0.113.1, 192.0.2.1", 0) // a lie to the left of what the proxy adds
	burst("203.0.113.2,203.0.113.3,192.0.2.1", 0)
	burst("::ffff:192.0.2.1", 0)
	burst("192.0.2.2", 4)
	burst("2001:db8:0:1::1", 4)
	burst("2001:db8:0:1:ffff::2", 0)
	burst("2001:db8:0:2::1", 4)
	s.pass(500 * time.Millisecond)
	burst("192.0.2.1", 1)
	s.pass(time.Second)
	burst("192.0.2.1", 2)
	s.pass(time.Hour)
	burst("192.0.2.1", 4)

	for _, route := range routes {
		got := s.send(route.method, route.path, route.body, "X-Forwarded-For", "192.0.2.1")
		want := 200
		if route.public {
			want = 429
		}
		if got.status != want {
			t.Errorf("%s %s past the limit: %d, want %d", route.method, route.path, got.status, want)
		}
	}
	s.pass(time.Hour)
	s.want("/a", "23") // what was refused was not counted
}

func TestTrustedHopsSayWhoseWordTheAddressIs(t *testing.T) {
	s := start(t, func(c *edge.Config) { c.RateLimit, c.TrustedHops = 0.5, 2 })
	for _, step := range []struct {
		forwarded string
		want      int
	}{
		{"192.0.2.1, 10.0.0.1", 200}, {"192.0.2.1, 10.0.0.2", 429}, {"203.0.113.9, 192.0.2.1, 10.0.0.1", 429}, {"192.0.2.2, 10.0.0.1", 200},
	} {
		if got := s.send("GET", "/visits", "", "X-Forwarded-For", step.forwarded); got.status != step.want {
			t.Errorf("%s: %d, want %d", step.forwarded, got.status, step.want)
		}
	}
}

func TestARateLimitOfZeroIsNone(t *testing.T) {
	s := start(t, nil)
	for range 100 {
		s.ok("GET", "/visits", "")
	}
}

// TestFaults is what each route says when the database does not.
func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		name   string
		fault  func() error
		status int
		code   string
		says   string
		retry  string
	}{
		{"unavailable", func() error { return fmt.Errorf("db-secret: %w", storage.ErrUnavailable) }, 503, "STORAGE_UNAVAILABLE", "Nothing was done.", "5"},
		{"unknown outcome", func() error { return fmt.Errorf("db-secret: %w", storage.ErrUnknown) }, 503, "OUTCOME_UNKNOWN", "same Idempotency-Key", "1"},
		{"conflict", func() error { return fmt.Errorf("db-secret: %w", storage.ErrConflict) }, 503, "CONTENTION", "Nothing was done.", "1"},
		{"too slow", func() error { return fmt.Errorf("db-secret: %w", context.DeadlineExceeded) }, 504, "DEADLINE_EXCEEDED", "Nothing was done.", "1"},
		{"unknown error", func() error { return errors.New("db-secret: password authentication failed") }, 500, "INTERNAL", "", ""},
		{"invalid", func() error { return fmt.Errorf("db-secret: %w", storage.ErrInvalid) }, 500, "INTERNAL", "", ""},
		{"panic", func() error { panic("db-secret") }, 500, "INTERNAL", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, nil)
			s.ok("POST", "/visits", "")
			s.pass(24 * time.Hour) // so that a visit needs a salt, and is not sent to another goroutine
			for _, route := range routes {
				if route.path == "/visits/count.js" {
					continue
				}
				if tt.name == "panic" && (route.method == "PUT" || route.method == "DELETE" || route.path == "/visits/import") {
					continue // a store panics in the goroutine that commits, which is no request's
				}
				body := route.body
				if route.path == "/visits/import" {
					body = `{"page":"/a","visits":1}`
				}
				s.store.fail(tt.fault)
				got := s.send(route.method, route.path, body)
				s.store.fail(nil)
				s.wantProblem(got, tt.status, tt.code, tt.says)
				if got := got.header.Get("Retry-After"); got != tt.retry {
					t.Errorf("%s %s: Retry-After %q, want %q", route.method, route.path, got, tt.retry)
				}
				if strings.Contains(got.body, "secret") {
					t.Errorf("%s %s: body %s, want no cause in it", route.method, route.path, got.body)
				}
			}
			s.want("/", "1")
		})
	}
}

// TestAnExportThatBreaksOffIsNotTakenForTheWhole: the database goes away between
// two pages of the answer.
func TestAnExportThatBreaksOffIsNotTakenForTheWhole(t *testing.T) {
	s := start(t, nil)
	var file strings.Builder
	for i := range 500 {
		fmt.Fprintf(&file, `{"page":"/%d","visits":1}`+"\n", i)
	}
	s.ok("POST", "/visits/import", file.String())
	calls := 0
	s.store.fail(func() error {
		if calls++; calls > 2 {
			return storage.ErrUnavailable
		}
		return nil
	})
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.url+"/visits/export", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return // not even the headers came
	}
	defer res.Body.Close()
	n := 0
	for buf := make([]byte, 4096); err == nil; {
		var more int
		more, err = res.Body.Read(buf)
		n += more
	}
	if err.Error() == "EOF" {
		t.Errorf("%d bytes and the end, want the connection to break", n)
	}
}
