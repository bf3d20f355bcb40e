package stock_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/storage"
)

// TestRefusals is what stands against a request that is well formed, with the numbers that
// do.
func TestRefusals(t *testing.T) {
	n := func(n int64) *int64 { return &n }
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
		code, detail             string
		errors                   []fault
	}{
		{"an item that there is none of", "GET", "/stock/NONE", "", 404, "ITEM_NOT_FOUND", "there is no such item: NONE", nil},
		{"movements of none", "GET", "/stock/NONE/movements", "", 404, "ITEM_NOT_FOUND", "there is no such item: NONE", nil},
		{"to adjust none", "POST", "/stock/NONE/adjust", `{"delta":1}`, 404, "ITEM_NOT_FOUND", "there is no such item: NONE", nil},
		{"to adjust one that is there, and none", "POST", "/stock/batch", `{"lines":[{"sku":"WIDGET","delta":1},{"sku":"NONE","delta":1}]}`, 404, "ITEM_NOT_FOUND", "there is no such item: NONE", nil},
		{"to reserve none", "POST", "/reservations", `{"lines":[{"sku":"WIDGET","quantity":1},{"sku":"NONE","quantity":1}]}`, 404, "ITEM_NOT_FOUND", "there is no such item: NONE", nil},
		{"a reservation that there is none of", "GET", "/reservations/none", "", 404, "RESERVATION_NOT_FOUND", `there is no such reservation: "none"`, nil},
		{"to commit none", "POST", "/reservations/none/commit", "", 404, "RESERVATION_NOT_FOUND", `there is no such reservation: "none"`, nil},
		{"to release none", "POST", "/reservations/none/release", "", 404, "RESERVATION_NOT_FOUND", `there is no such reservation: "none"`, nil},
		{"to extend none", "POST", "/reservations/none/extend", "", 404, "RESERVATION_NOT_FOUND", `there is no such reservation: "none"`, nil},

		{"to take more than is available", "POST", "/stock/WIDGET/adjust", `{"delta":-39}`, 409, "INSUFFICIENT_STOCK", "WIDGET: 39 wanted, 38 available.",
			[]fault{{"WIDGET/available", "WIDGET: 39 wanted, 38 available", n(38)}}},
		{"to take more than is available, of several", "POST", "/stock/batch", `{"lines":[{"sku":"WIDGET","delta":-30},{"sku":"GADGET","delta":-8},{"sku":"WIDGET","delta":-30}]}`, 409, "INSUFFICIENT_STOCK",
			"GADGET: 8 wanted, 7 available; WIDGET: 60 wanted, 38 available.",
			[]fault{{"GADGET/available", "GADGET: 8 wanted, 7 available", n(7)}, {"WIDGET/available", "WIDGET: 60 wanted, 38 available", n(38)}}},
		{"to reserve more than is available", "POST", "/reservations", `{"lines":[{"sku":"WIDGET","quantity":1},{"sku":"GADGET","quantity":8}]}`, 409, "INSUFFICIENT_STOCK", "GADGET: 8 wanted, 7 available.",
			[]fault{{"GADGET/available", "GADGET: 8 wanted, 7 available", n(7)}}},
		{"a count below what is reserved", "POST", "/stock/WIDGET/count", `{"quantity":1}`, 409, "INSUFFICIENT_STOCK", "WIDGET: 2 are reserved, which 1 would not cover.",
			[]fault{{"WIDGET/available", "WIDGET: 2 are reserved, which 1 would not cover", n(1)}}},
		{"a count that is stale", "POST", "/stock/WIDGET/count", `{"quantity":40,"expected":38}`, 409, "STALE_COUNT", "WIDGET: 38 were expected, 40 are on hand.",
			[]fault{{"WIDGET/onHand", "WIDGET: 38 were expected, 40 are on hand", n(40)}}},
		{"a first count that expects something", "POST", "/stock/NEW/count", `{"quantity":1,"expected":1}`, 409, "STALE_COUNT", "NEW: 1 were expected, 0 are on hand.",
			[]fault{{"NEW/onHand", "NEW: 1 were expected, 0 are on hand", n(0)}}},
		{"settings that are stale", "PUT", "/stock/WIDGET", `{"expected":{"lowStockThreshold":4}}`, 409, "STALE_SETTINGS", "other settings were expected: WIDGET: the oversell limit is 0, the threshold 5", nil},
		{"settings of a new item that are stale", "PUT", "/stock/NEW", `{"expected":{"oversellLimit":1}}`, 409, "STALE_SETTINGS", "other settings were expected: NEW: the oversell limit is 0, the threshold none", nil},
		{"to commit more than is held", "POST", "/reservations/{id}/commit", `{"lines":[{"sku":"WIDGET","quantity":3}]}`, 422, "LINES_INVALID", "bad lines: WIDGET: the reservation holds 2, not 3", nil},
		{"to commit what is not held", "POST", "/reservations/{id}/commit", `{"lines":[{"sku":"WIDGET","quantity":1},{"sku":"GADGET","quantity":1}]}`, 422, "LINES_INVALID", "bad lines: the reservation holds no GADGET", nil},
		{"to commit nothing", "POST", "/reservations/{id}/commit", `{"lines":[{"sku":"WIDGET","quantity":0}]}`, 422, "LINES_INVALID", "bad lines: nothing would be committed; to give all of it back, release it", nil},
		{"to adjust by nothing", "POST", "/stock/WIDGET/adjust", `{"delta":0}`, 422, "LINES_INVALID", "bad lines: WIDGET: 0 changes nothing", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, nil)
			id := seed(s)
			before := s.everything()
			p := s.wantProblem(s.send(tt.method, strings.ReplaceAll(tt.path, "{id}", id), tt.body), tt.status, tt.code, "")
			if p.Detail != tt.detail {
				t.Errorf("detail %q, want %q", p.Detail, tt.detail)
			}
			if got, want := jsonOf(p.Errors), jsonOf(tt.errors); got != want {
				t.Errorf("errors %s, want %s", got, want)
			}
			s.wantSame(before)
		})
	}
}

func jsonOf(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

// TestAnOversoldItem: what is reserved has to stay covered.
func TestAnOversoldItem(t *testing.T) {
	s := start(t, nil)
	s.ok("PUT", "/stock/WIDGET", `{"oversellLimit":5}`)
	s.ok("POST", "/stock/WIDGET/adjust", `{"delta":-2}`)
	s.reserve(`{"lines":[{"sku":"WIDGET","quantity":3}]}`)
	s.wantItem("WIDGET", -2, 3)
	s.wantProblem(s.send("POST", "/reservations", `{"lines":[{"sku":"WIDGET","quantity":1}]}`), 409, "INSUFFICIENT_STOCK", "WIDGET: 1 wanted, 0 available")
	p := s.wantProblem(s.send("PUT", "/stock/WIDGET", `{"oversellLimit":4}`), 409, "INSUFFICIENT_STOCK", "WIDGET: 3 are reserved, which 2 would not cover")
	if got, want := jsonOf(p.Errors), `[{"Location":"WIDGET/available","Message":"WIDGET: 3 are reserved, which 2 would not cover","Value":2}]`; got != want {
		t.Errorf("errors %s, want %s", got, want)
	}
	s.wantItem("WIDGET", -2, 3)
}

func TestAReservationEndsOnce(t *testing.T) {
	for _, tt := range []struct {
		name string
		end  func(s *server, id string)
		code string
	}{
		{"committed", func(s *server, id string) { s.ok("POST", "/reservations/"+id+"/commit", "") }, "RESERVATION_COMMITTED"},
		{"released", func(s *server, id string) { s.ok("POST", "/reservations/"+id+"/release", "") }, "RESERVATION_RELEASED"},
		{"expired", func(s *server, id string) { s.pass(10 * time.Minute) }, "RESERVATION_EXPIRED"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, nil)
			id := seed(s)
			tt.end(s, id)
			if got := decoded[struct{ Status string }](s, "GET", "/reservations/"+id, "").Status; got != tt.name {
				t.Errorf("its status is %q, want %q", got, tt.name)
			}
			before := s.everything()
			for _, again := range []string{"commit", "release", "extend"} {
				s.wantProblem(s.send("POST", "/reservations/"+id+"/"+again, ""), 409, tt.code, "the reservation is "+tt.name+" already.")
			}
			s.wantSame(before)
		})
	}
}

func TestFailuresOfTheStoreAreToldApart(t *testing.T) {
	for _, tt := range []struct {
		fault  error
		status int
		code   string
	}{
		{storage.ErrUnavailable, 503, "STORAGE_UNAVAILABLE"},
		{storage.ErrConflict, 503, "CONTENTION"},
		{fmt.Errorf("disk of sand"), 500, "INTERNAL"},
	} {
		s := start(t, func(c *edge.Config) { c.AllowedOrigins = nil })
		id := seed(s)
		s.store.fail(tt.fault)
		for _, route := range routes {
			if route.path == "/stock/count.js" {
				continue
			}
			r := s.send(route.method, strings.ReplaceAll(route.path, "{id}", id), route.body)
			s.wantProblem(r, tt.status, tt.code, "")
			if strings.Contains(r.body, "sand") {
				t.Errorf("%s %s tells the client of the store: %s", route.method, route.path, r.body)
			}
			if got := r.header.Get("Retry-After"); (got != "") != (tt.status == 503) {
				t.Errorf("%s %s: %d with Retry-After %q", route.method, route.path, r.status, got)
			}
		}
	}
}
