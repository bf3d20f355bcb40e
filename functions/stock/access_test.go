package stock_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/tallystick/tallystick/internal/edge"
)

// routes are all operations; {id} stands for the reservation of seed.
var routes = []struct {
	method, path, body string
	status             int
	public, writes     bool
}{
	{"GET", "/stock/WIDGET", "", 200, true, false},
	{"GET", "/stock?skus=WIDGET", "", 200, true, false},
	{"GET", "/stock/count.js", "", 200, true, false},
	{"GET", "/items", "", 200, false, false},
	{"GET", "/stock/WIDGET/movements", "", 200, false, false},
	{"GET", "/stock/alerts", "", 200, false, false},
	{"GET", "/reservations", "", 200, false, false},
	{"GET", "/reservations/{id}", "", 200, false, false},
	{"PUT", "/stock/NEW", `{}`, 201, false, true},
	{"POST", "/stock/WIDGET/adjust", `{"delta":1}`, 200, false, true},
	{"POST", "/stock/WIDGET/count", `{"quantity":9}`, 200, false, true},
	{"POST", "/stock/batch", `{"lines":[{"sku":"WIDGET","delta":1}]}`, 200, false, true},
	{"POST", "/reservations", `{"lines":[{"sku":"WIDGET","quantity":1}]}`, 201, false, true},
	{"POST", "/reservations/{id}/extend", `{"ttlSeconds":3600}`, 200, false, true},
	{"POST", "/reservations/{id}/commit", "", 200, false, true},
	{"POST", "/reservations/{id}/release", "", 200, false, true}, // behind a commit: 409
}

const ours, theirs = "https://ours.example", "https://theirs.example"

// TestWhoMayCallFromAnotherSite: a browser asks first, and then looks at the reply.
func TestWhoMayCallFromAnotherSite(t *testing.T) {
	for _, tt := range []struct {
		name, origin string
		allowed      []string
		public, all  string // Access-Control-Allow-Origin of a public route, and of one with a key
		refused      bool   // by public routes
	}{
		{"*", theirs, []string{"*"}, "*", "", false},
		{"the origin that is named", ours, []string{ours}, ours, ours, false},
		{"another than is named", theirs, []string{ours}, "", "", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, route := range routes {
				s := start(t, func(c *edge.Config) { c.AllowedOrigins = tt.allowed })
				path := strings.ReplaceAll(route.path, "{id}", seed(s))
				want, status := tt.all, route.status
				if route.public {
					want = tt.public
				}
				asked := s.send("OPTIONS", path, "", "Origin", tt.origin, "Access-Control-Request-Method", route.method,
					"Access-Control-Request-Headers", "content-type,idempotency-key,x-api-key")
				if got := asked.header.Get("Access-Control-Allow-Origin"); asked.status != 204 || got != want {
					t.Errorf("may it send %s %s: %d, origin %q; want 204, %q", route.method, route.path, asked.status, got, want)
				}
				r := s.send(route.method, path, route.body, "Origin", tt.origin)
				if route.public && tt.refused {
					s.wantProblem(r, 403, "ORIGIN_NOT_ALLOWED", theirs)
					status = 403
				}
				if got := r.header.Get("Access-Control-Allow-Origin"); r.status != status || got != want {
					t.Errorf("%s %s: %d, origin %q; want %d, %q", route.method, route.path, r.status, got, status, want)
				}
			}
		})
	}
}

func TestAUserOfBasicAuthenticationIsAskedForBesideTheKey(t *testing.T) {
	s := start(t, func(c *edge.Config) { c.BasicAuth = anna })
	for _, route := range routes {
		want := 200
		if !route.public {
			want = 401
		}
		r := s.send(route.method, route.path, route.body)
		if route.path == "/stock/WIDGET" || strings.HasPrefix(route.path, "/stock?") {
			want = r.status // 404 or 200: it was let in
		}
		if r.status != want || (r.status == 401) != (r.header.Get("WWW-Authenticate") != "") {
			t.Errorf("%s %s without a user: %d %v, want %d", route.method, route.path, r.status, r.header, want)
		}
	}
}

// anna's password is "secret".
const anna = "anna:$2a$04$bxBEYPMxBdTi.044SiNCZ.Op4pm4VhTwG4qkAt8IF0OoNTDnHFJjq"

// TestTheLedgerSaysWho, as far as it is known.
func TestTheLedgerSaysWho(t *testing.T) {
	for _, tt := range []struct {
		name, who string
		change    func(*edge.Config)
		header    []string
	}{
		{"a key alone", "key", nil, nil},
		{"a key alone, with credentials that nobody asked for", "key", nil, []string{"Authorization", "Basic YW5uYTpzZWNyZXQ="}},
		{"a user", "user anna", func(c *edge.Config) { c.BasicAuth = anna }, []string{"Authorization", "Basic YW5uYTpzZWNyZXQ="}},
		{"a user behind the gateway", "user anna", func(c *edge.Config) { c.BasicAuth = anna },
			[]string{"Authorization", "Bearer of-the-gateway", "X-Forwarded-Authorization", "Basic YW5uYTpzZWNyZXQ="}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, tt.change)
			s.ok("POST", "/stock/W/count", `{"quantity":9}`, tt.header...)
			s.ok("POST", "/stock/W/adjust", `{"delta":1}`, tt.header...)
			s.ok("POST", "/stock/batch", `{"lines":[{"sku":"W","delta":1}]}`, tt.header...)
			id := s.reserve(`{"lines":[{"sku":"W","quantity":1}]}`, tt.header...)
			s.ok("POST", "/reservations/"+id+"/commit", "", tt.header...)
			got := []string{decoded[struct{ Who string }](s, "GET", "/reservations/"+id, "", tt.header...).Who}
			for _, m := range decoded[struct{ Movements []struct{ Who string } }](s, "GET", "/stock/W/movements", "", tt.header...).Movements {
				got = append(got, m.Who)
			}
			if want := strings.TrimSuffix(strings.Repeat(tt.who+",", 5), ","); strings.Join(got, ",") != want {
				t.Errorf("who is %q, want %s", got, want)
			}
		})
	}
}

// TestParametersThatThereAreNot are refused behind the key, but for the key's own name.
// Public routes overlook them.
func TestParametersThatThereAreNot(t *testing.T) {
	for _, route := range routes {
		s := start(t, nil)
		path := strings.ReplaceAll(route.path, "{id}", seed(s))
		separator := "?"
		if strings.Contains(path, "?") {
			separator = "&"
		}
		before := s.everything()
		r := s.send(route.method, path+separator+"key=k&dryRun=true", route.body)
		if route.public {
			if r.status != route.status {
				t.Errorf("%s %s: %d, want %d", route.method, path, r.status, route.status)
			}
			continue
		}
		s.wantProblem(r, 422, "VALIDATION_FAILED", "query.dryRun: unexpected parameter")
		s.wantSame(before)
		if r := s.send(route.method, path+separator+"key=k", route.body); r.status != route.status {
			t.Errorf("%s %s with its key: %d, want %d", route.method, path, r.status, route.status)
		}
	}
}

func TestWrongMethodsAreToldTheRightOnes(t *testing.T) {
	s := start(t, nil)
	for _, tt := range []struct{ method, path, allow string }{
		{"DELETE", "/stock/W", "GET,PUT,OPTIONS"},
		{"POST", "/stock", "GET,OPTIONS"},
		{"GET", "/stock/W/adjust", "POST,OPTIONS"},
		{"GET", "/stock/W/count", "POST,OPTIONS"},
		{"POST", "/stock/W/movements", "GET,OPTIONS"},
		{"POST", "/items", "GET,OPTIONS"},
		{"DELETE", "/reservations", "GET,POST,OPTIONS"},
		{"DELETE", "/reservations/r", "GET,OPTIONS"},
		{"GET", "/reservations/r/commit", "POST,OPTIONS"},
	} {
		r := s.send(tt.method, tt.path, "")
		s.wantProblem(r, 405, "METHOD_NOT_ALLOWED", tt.method+" is not defined here")
		if got := strings.Join(r.header["Allow"], ","); got != tt.allow {
			t.Errorf("%s %s: Allow %s, want %s", tt.method, tt.path, got, tt.allow)
		}
	}
}

func TestPublicRoutesAreLimitedInRate(t *testing.T) {
	s := start(t, func(c *edge.Config) { c.RateLimit = 1 })
	seed(s) // behind a key: no limit
	got := make(map[int]int)
	for range 5 {
		got[s.send("GET", "/stock/WIDGET", "").status]++
	}
	if fmt.Sprint(got) != "map[200:2 429:3]" {
		t.Errorf("5 at once have statuses %v, want 2 of 200 and 3 of 429", got)
	}
}
