package stock_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// replayable are all writes, with another body for each, and one that is refused as long
// as GADGET has 7.
var replayable = []struct {
	name, method, path, body, other, refused string
	code                                     string // of the refusal
}{
	{"putItem", "PUT", "/stock/WIDGET", `{"lowStockThreshold":3}`, `{}`, `{"oversellLimit":-1}`, "VALIDATION_FAILED"},
	{"putItem where settings are expected", "PUT", "/stock/WIDGET", `{"lowStockThreshold":3,"expected":{"lowStockThreshold":5}}`, `{"lowStockThreshold":3,"expected":{"lowStockThreshold":6}}`, `{"expected":{"lowStockThreshold":6}}`, "STALE_SETTINGS"},
	{"putItem of a new item", "PUT", "/stock/NEW", `{"lowStockThreshold":3}`, `{}`, `{"oversellLimit":-1}`, "VALIDATION_FAILED"},
	{"adjustItem", "POST", "/stock/GADGET/adjust", `{"delta":-1}`, `{"delta":-1,"reason":"sold"}`, `{"delta":-8}`, "INSUFFICIENT_STOCK"},
	{"countItem", "POST", "/stock/GADGET/count", `{"quantity":9}`, `{"quantity":9,"expected":7}`, `{"quantity":9,"expected":8}`, "STALE_COUNT"},
	{"countItem of a new item", "POST", "/stock/NEW/count", `{"quantity":9}`, `{"quantity":10}`, `{"quantity":9,"expected":8}`, "STALE_COUNT"},
	{"adjustItems", "POST", "/stock/batch", `{"lines":[{"sku":"GADGET","delta":-1},{"sku":"WIDGET","delta":1}]}`, `{"lines":[{"sku":"GADGET","delta":-1}]}`, `{"lines":[{"sku":"GADGET","delta":-8}]}`, "INSUFFICIENT_STOCK"},
	{"createReservation", "POST", "/reservations", `{"lines":[{"sku":"GADGET","quantity":3}]}`, `{"lines":[{"sku":"GADGET","quantity":3}],"ttlSeconds":20}`, `{"lines":[{"sku":"GADGET","quantity":8}]}`, "INSUFFICIENT_STOCK"},
	{"commitReservation", "POST", "/reservations/{id}/commit", `{"lines":[{"sku":"WIDGET","quantity":1}]}`, ``, `{"lines":[{"sku":"GADGET","quantity":1}]}`, "LINES_INVALID"},
	{"releaseReservation", "POST", "/reservations/{id}/release", ``, ``, ``, ""},
	{"extendReservation", "POST", "/reservations/{id}/extend", `{"ttlSeconds":3600}`, `{"ttlSeconds":3601}`, `{"ttlSeconds":1}`, "VALIDATION_FAILED"},
}

func TestAChangeThatIsSentAgainIsDoneOnce(t *testing.T) {
	for _, tt := range replayable {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, nil)
			id := seed(s)
			path := strings.ReplaceAll(tt.path, "{id}", id)
			first := s.send(tt.method, path, tt.body, "Idempotency-Key", "k!~1")
			if first.status/100 != 2 || first.header.Get("Idempotent-Replayed") != "" {
				t.Fatalf("%d %v %s, want it to be done", first.status, first.header, first.body)
			}
			stored := s.everything()
			again := func(body string) {
				t.Helper()
				r := s.send(tt.method, path, body, "Idempotency-Key", "k!~1")
				if r.status != first.status || r.body != first.body || r.header.Get("Idempotent-Replayed") != "true" {
					t.Errorf("sent again: %d replayed %q %s\nwant %d true %s", r.status, r.header.Get("Idempotent-Replayed"), r.body, first.status, first.body)
				}
			}
			again(tt.body)
			if tt.body != "" {
				again(" " + strings.ReplaceAll(tt.body, ":", " :\n")) // the same, written otherwise
			}
			s.pass(7*24*time.Hour - time.Second) // the reservation has long expired
			again(tt.body)
			s.wantSame(stored)

			if tt.other != tt.body {
				s.wantProblem(s.send(tt.method, path, tt.other, "Idempotency-Key", "k!~1"), 422, "IDEMPOTENCY_KEY_REUSED", "Make a new one for each request")
			}
			for _, another := range replayable {
				if another.name == tt.name || another.path == tt.path && another.body == tt.body {
					continue
				}
				r := s.send(another.method, strings.ReplaceAll(another.path, "{id}", id), another.body, "Idempotency-Key", "k!~1")
				s.wantProblem(r, 422, "IDEMPOTENCY_KEY_REUSED", "Make a new one for each request")
			}
			s.wantSame(stored)
		})
	}
}

func TestAKeyIsForgottenAfter7Days(t *testing.T) {
	s := start(t, nil)
	seed(s)
	for i := range 2 {
		r := s.send("POST", "/stock/GADGET/adjust", `{"delta":1}`, "Idempotency-Key", "k")
		if r.status != 200 || r.header.Get("Idempotent-Replayed") != "" {
			t.Errorf("%d %v %s, want it to be done", r.status, r.header, r.body)
		}
		s.wantItem("GADGET", int64(8+i), 0)
		s.pass(7 * 24 * time.Hour)
	}
}

// TestARefusalIsNotKept: under the same key the change is done as soon as it can be.
func TestARefusalIsNotKept(t *testing.T) {
	for _, tt := range replayable {
		if tt.code == "" {
			continue
		}
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, nil)
			path := strings.ReplaceAll(tt.path, "{id}", seed(s))
			before := s.everything()
			status := map[string]int{"INSUFFICIENT_STOCK": 409, "STALE_COUNT": 409, "STALE_SETTINGS": 409}[tt.code]
			if status == 0 {
				status = 422
			}
			for range 2 {
				s.wantProblem(s.send(tt.method, path, tt.refused, "Idempotency-Key", "k"), status, tt.code, "")
			}
			s.wantSame(before)
			if r := s.send(tt.method, path, tt.body, "Idempotency-Key", "k"); r.status/100 != 2 || r.header.Get("Idempotent-Replayed") != "" {
				t.Errorf("%d %v %s, want it to be done", r.status, r.header, r.body)
			}
		})
	}
}

// TestTheSameRequestAfterARefusalIsJudgedAnew, not only another one.
func TestTheSameRequestAfterARefusalIsJudgedAnew(t *testing.T) {
	s := start(t, nil)
	seed(s)
	reserve := func() reply {
		return s.send("POST", "/reservations", `{"lines":[{"sku":"GADGET","quantity":8}]}`, "Idempotency-Key", "k")
	}
	s.wantProblem(reserve(), 409, "INSUFFICIENT_STOCK", "7 available")
	s.ok("POST", "/stock/GADGET/adjust", `{"delta":1}`)
	first, again := reserve(), reserve()
	if first.status != 201 || again.body != first.body || again.header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("%d %s, and again %s", first.status, first.body, again.body)
	}
	s.wantItem("GADGET", 8, 8)
}

// TestManyAtOnceWithOneKeyAreDoneOnce: 50 that do not wait for each other's reply.
func TestManyAtOnceWithOneKeyAreDoneOnce(t *testing.T) {
	s := start(t, nil)
	seed(s)
	replies := make(chan reply)
	for range 50 {
		go func() {
			r, err := s.try("POST", "/reservations", `{"lines":[{"sku":"WIDGET","quantity":1}]}`, "Idempotency-Key", "k")
			if err != nil {
				t.Error(err)
			}
			replies <- r
		}()
	}
	bodies, fresh := make(map[string]int), 0
	for range 50 {
		r := <-replies
		bodies[fmt.Sprint(r.status, r.body)]++
		if r.header.Get("Idempotent-Replayed") == "" {
			fresh++
		}
	}
	if len(bodies) != 1 || fresh != 1 {
		t.Errorf("%d different replies, %d of them not replayed: %v; want one", len(bodies), fresh, bodies)
	}
	s.wantItem("WIDGET", 40, 3)
}
