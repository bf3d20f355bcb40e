package stock_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// seed makes an item with 40 on hand, of which 2 are reserved, and one with 7; it returns
// the reservation.
func seed(s *server) (reservation string) {
	s.Helper()
	s.ok("PUT", "/stock/WIDGET", `{"lowStockThreshold":5}`)
	s.ok("POST", "/stock/WIDGET/count", `{"quantity":40}`)
	s.ok("POST", "/stock/GADGET/count", `{"quantity":7}`)
	return s.reserve(`{"lines":[{"sku":"WIDGET","quantity":2}],"reference":"ORDER-7"}`)
}

const times = `"createTime":"2126-11-21T12:00:00Z","updateTime":"2126-11-21T12:00:00Z"`

// TestReplies is every operation's good reply, byte for byte.
func TestReplies(t *testing.T) {
	for _, tt := range []struct {
		name, method, path, body string
		status                   int
		want                     string
	}{
		{"an item", "GET", "/stock/WIDGET", "", 200,
			`{"sku":"WIDGET","available":38,"onHand":40,"reserved":2,"version":3}`},
		{"several items, in the order asked for", "GET", "/stock?skus=GADGET,NONE,WIDGET", "", 200,
			`{"items":[{"sku":"GADGET","available":7,"onHand":7,"reserved":0,"version":1},{"sku":"WIDGET","available":38,"onHand":40,"reserved":2,"version":3}],"missing":["NONE"]}`},
		{"skus given several times", "GET", "/stock?skus=GADGET&skus=NONE,GADGET&skus=NONE", "", 200,
			`{"items":[{"sku":"GADGET","available":7,"onHand":7,"reserved":0,"version":1},{"sku":"GADGET","available":7,"onHand":7,"reserved":0,"version":1}],"missing":["NONE","NONE"]}`},
		{"none missing", "GET", "/stock?skus=GADGET", "", 200,
			`{"items":[{"sku":"GADGET","available":7,"onHand":7,"reserved":0,"version":1}],"missing":[]}`},
		{"all missing", "GET", "/stock?skus=NONE", "", 200, `{"items":[],"missing":["NONE"]}`},
		{"all items", "GET", "/items", "", 200,
			`{"items":[{"sku":"GADGET","available":7,"onHand":7,"reserved":0,"version":1,"oversellLimit":0,"lowStockThreshold":null,"low":false,` + times + `},` +
				`{"sku":"WIDGET","available":38,"onHand":40,"reserved":2,"version":3,"oversellLimit":0,"lowStockThreshold":5,"low":false,` + times + `}],"nextPageToken":""}`},
		{"movements", "GET", "/stock/WIDGET/movements", "", 200,
			`{"movements":[{"number":1,"type":"counted","delta":40,"onHand":40,"who":"key","time":"2126-11-21T12:00:00Z"}],"nextPageToken":""}`},
		{"no alert", "GET", "/stock/alerts", "", 200, `{"alerts":[],"nextPageToken":""}`},
		{"a reservation", "GET", "/reservations/{id}", "", 200,
			`{"id":"{id}","status":"held","lines":[{"sku":"WIDGET","quantity":2,"committed":0}],"reference":"ORDER-7","who":"key","createTime":"2126-11-21T12:00:00Z","expireTime":"2126-11-21T12:10:00Z"}`},

		{"the reservations that are held", "GET", "/reservations", "", 200, `{"reservations":[` + held("2126-11-21T12:10:00Z") + `],"nextPageToken":""}`},
		{"those that hold an item", "GET", "/reservations?sku=WIDGET", "", 200, `{"reservations":[` + held("2126-11-21T12:10:00Z") + `],"nextPageToken":""}`},
		{"none that holds an item", "GET", "/reservations?sku=GADGET", "", 200, `{"reservations":[],"nextPageToken":""}`},

		{"a new item", "PUT", "/stock/NEW", `{}`, 201,
			`{"sku":"NEW","available":0,"onHand":0,"reserved":0,"version":1,"oversellLimit":0,"lowStockThreshold":null,"low":false,` + times + `}`},
		{"settings are given whole", "PUT", "/stock/WIDGET", `{"oversellLimit":3}`, 200,
			`{"sku":"WIDGET","available":38,"onHand":40,"reserved":2,"version":4,"oversellLimit":3,"lowStockThreshold":null,"low":false,` + times + `}`},
		{"settings that were expected", "PUT", "/stock/WIDGET", `{"oversellLimit":3,"expected":{"lowStockThreshold":5}}`, 200,
			`{"sku":"WIDGET","available":38,"onHand":40,"reserved":2,"version":4,"oversellLimit":3,"lowStockThreshold":null,"low":false,` + times + `}`},
		{"settings whatever was expected", "PUT", "/stock/WIDGET", `{"oversellLimit":3,"expected":null}`, 200,
			`{"sku":"WIDGET","available":38,"onHand":40,"reserved":2,"version":4,"oversellLimit":3,"lowStockThreshold":null,"low":false,` + times + `}`},
		{"settings where none were expected", "PUT", "/stock/NEW", `{"lowStockThreshold":-1,"expected":{"oversellLimit":0,"lowStockThreshold":null}}`, 201,
			`{"sku":"NEW","available":0,"onHand":0,"reserved":0,"version":1,"oversellLimit":0,"lowStockThreshold":-1,"low":false,` + times + `}`},
		{"null is left out", "PUT", "/stock/WIDGET", `{"oversellLimit":null,"lowStockThreshold":null}`, 200,
			`{"sku":"WIDGET","available":38,"onHand":40,"reserved":2,"version":4,"oversellLimit":0,"lowStockThreshold":null,"low":false,` + times + `}`},
		{"a threshold below which it is", "PUT", "/stock/WIDGET", `{"lowStockThreshold":38}`, 200,
			`{"sku":"WIDGET","available":38,"onHand":40,"reserved":2,"version":4,"oversellLimit":0,"lowStockThreshold":38,"low":true,` + times + `}`},
		{"an adjustment", "POST", "/stock/WIDGET/adjust", `{"delta":-38,"reason":"broken","reference":null}`, 200,
			`{"sku":"WIDGET","available":0,"onHand":2,"reserved":2,"version":4,"oversellLimit":0,"lowStockThreshold":5,"low":true,` + times + `}`},
		{"a count", "POST", "/stock/WIDGET/count", `{"quantity":41}`, 200,
			`{"sku":"WIDGET","available":39,"onHand":41,"reserved":2,"version":4,"oversellLimit":0,"lowStockThreshold":5,"low":false,` + times + `}`},
		{"a count of what was expected", "POST", "/stock/WIDGET/count", `{"quantity":41,"expected":40}`, 200,
			`{"sku":"WIDGET","available":39,"onHand":41,"reserved":2,"version":4,"oversellLimit":0,"lowStockThreshold":5,"low":false,` + times + `}`},
		{"a count whatever was expected", "POST", "/stock/WIDGET/count", `{"quantity":41,"expected":null}`, 200,
			`{"sku":"WIDGET","available":39,"onHand":41,"reserved":2,"version":4,"oversellLimit":0,"lowStockThreshold":5,"low":false,` + times + `}`},
		{"a count that makes an item", "POST", "/stock/NEW/count", `{"quantity":0}`, 201,
			`{"sku":"NEW","available":0,"onHand":0,"reserved":0,"version":1,"oversellLimit":0,"lowStockThreshold":null,"low":false,` + times + `}`},
		{"a batch, summed and in order of SKU", "POST", "/stock/batch", `{"lines":[{"sku":"WIDGET","delta":-50},{"sku":"GADGET","delta":1},{"sku":"WIDGET","delta":45}],"reason":"moved"}`, 200,
			`{"items":[{"sku":"GADGET","available":8,"onHand":8,"reserved":0,"version":2,"oversellLimit":0,"lowStockThreshold":null,"low":false,` + times + `},` +
				`{"sku":"WIDGET","available":33,"onHand":35,"reserved":2,"version":4,"oversellLimit":0,"lowStockThreshold":5,"low":false,` + times + `}]}`},
		{"a name with everything in it", "PUT", "/stock/a.b_c~d:e@f-9", `{}`, 201,
			`{"sku":"a.b_c~d:e@f-9","available":0,"onHand":0,"reserved":0,"version":1,"oversellLimit":0,"lowStockThreshold":null,"low":false,` + times + `}`},
		{"a name that is percent-encoded without need", "GET", "/stock/%57IDGET", "", 200,
			`{"sku":"WIDGET","available":38,"onHand":40,"reserved":2,"version":3}`},
		{"a slash at the end", "GET", "/stock/WIDGET/", "", 200,
			`{"sku":"WIDGET","available":38,"onHand":40,"reserved":2,"version":3}`},

		{"all of a reservation, without a body", "POST", "/reservations/{id}/commit", "", 200, committed(2, "ORDER-7")},
		{"all of a reservation, with an empty body", "POST", "/reservations/{id}/commit", `{}`, 200, committed(2, "ORDER-7")},
		{"all of a reservation, with null", "POST", "/reservations/{id}/commit", `{"lines":null,"reference":null}`, 200, committed(2, "ORDER-7")},
		{"a part of a reservation", "POST", "/reservations/{id}/commit", `{"lines":[{"sku":"WIDGET","quantity":1}],"reference":"INVOICE-9"}`, 200, committed(1, "ORDER-7")},
		{"a release, without a body", "POST", "/reservations/{id}/release", "", 200, released},
		{"a release, with an empty body", "POST", "/reservations/{id}/release", `{}`, 200, released},
		{"an extension, without a body", "POST", "/reservations/{id}/extend", "", 200, held("2126-11-21T12:10:00Z")},
		{"an extension, with an empty body", "POST", "/reservations/{id}/extend", `{}`, 200, held("2126-11-21T12:10:00Z")},
		{"an extension, with null", "POST", "/reservations/{id}/extend", `{"ttlSeconds":null}`, 200, held("2126-11-21T12:10:00Z")},
		{"an extension", "POST", "/reservations/{id}/extend", `{"ttlSeconds":86400}`, 200, held("2126-11-22T12:00:00Z")},
		{"an extension that would end earlier", "POST", "/reservations/{id}/extend", `{"ttlSeconds":10}`, 200, held("2126-11-21T12:10:00Z")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, nil)
			id := seed(s)
			r := s.send(tt.method, strings.ReplaceAll(tt.path, "{id}", id), tt.body)
			if got := strings.ReplaceAll(r.body, id, "{id}"); r.status != tt.status || got != tt.want+"\n" {
				t.Errorf("%d %s\nwant %d %s", r.status, got, tt.status, tt.want)
			}
			for name, want := range map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "Idempotent-Replayed": ""} {
				if got := r.header.Get(name); got != want {
					t.Errorf("%s %q, want %q", name, got, want)
				}
			}
		})
	}
}

func ended(status string, n int, reference string) string {
	return fmt.Sprintf(`{"id":"{id}","status":"%s","lines":[{"sku":"WIDGET","quantity":2,"committed":%d}],"reference":"%s","who":"key",`+
		`"createTime":"2126-11-21T12:00:00Z","expireTime":"2126-11-21T12:10:00Z","endTime":"2126-11-21T12:00:00Z"}`, status, n, reference)
}

func committed(n int, reference string) string { return ended("committed", n, reference) }

var released = ended("released", 0, "ORDER-7")

func held(until string) string {
	return `{"id":"{id}","status":"held","lines":[{"sku":"WIDGET","quantity":2,"committed":0}],"reference":"ORDER-7","who":"key",` +
		`"createTime":"2126-11-21T12:00:00Z","expireTime":"` + until + `"}`
}

func TestAReservationIsMadeOnceForAllItsLines(t *testing.T) {
	s := start(t, nil)
	seed(s)
	r := s.send("POST", "/reservations", `{"lines":[{"sku":"WIDGET","quantity":1},{"sku":"GADGET","quantity":7},{"sku":"WIDGET","quantity":2}],"ttlSeconds":10}`)
	var got struct{ ID string }
	if err := json.Unmarshal([]byte(r.body), &got); err != nil || got.ID == "" {
		t.Fatalf("%s, want an id", r.body)
	}
	want := `{"id":"` + got.ID + `","status":"held","lines":[{"sku":"GADGET","quantity":7,"committed":0},{"sku":"WIDGET","quantity":3,"committed":0}],"who":"key",` +
		`"createTime":"2126-11-21T12:00:00Z","expireTime":"2126-11-21T12:00:10Z"}` + "\n"
	if r.status != 201 || r.body != want {
		t.Errorf("%d %s\nwant 201 %s", r.status, r.body, want)
	}
	if got := s.ok("GET", "/reservations/"+got.ID, ""); got != want {
		t.Errorf("it reads %s\nwant %s", got, want)
	}
	s.wantItem("WIDGET", 40, 5)
	s.wantItem("GADGET", 7, 7)

	s.pass(10 * time.Second)
	s.wantItem("WIDGET", 40, 2)
	s.wantItem("GADGET", 7, 0)
	if got, want := s.ok("GET", "/reservations/"+got.ID, ""), strings.Replace(want, "held", "expired", 1); got != want {
		t.Errorf("it reads %s\nwant %s", got, want)
	}
}

func TestACommitIsASale(t *testing.T) {
	s := start(t, nil)
	id := seed(s)
	s.ok("POST", "/reservations/"+id+"/commit", `{"lines":[{"sku":"WIDGET","quantity":1}],"reference":"INVOICE-9"}`)
	s.wantItem("WIDGET", 39, 0)
	got := decoded[struct{ Movements []map[string]any }](s, "GET", "/stock/WIDGET/movements?pageSize=1", "").Movements[0]
	want := map[string]any{
		"number": 2., "type": "committed", "delta": -1., "onHand": 39., "reference": "INVOICE-9", "reservation": id, "who": "key", "time": "2126-11-21T12:00:00Z",
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the movement is %v, want %v", got, want)
	}
}

func TestAReservationCanBeReadFor30Days(t *testing.T) {
	s := start(t, nil)
	id := seed(s)
	s.pass(10*time.Minute + 30*24*time.Hour - time.Second)
	s.ok("GET", "/reservations/"+id, "")
}

func TestTheScriptIsSmallAndKeptForAnHour(t *testing.T) {
	got := start(t, nil).send("GET", "/stock/count.js", "")
	if got.status != 200 || len(got.body) >= 1536 || !strings.Contains(got.body, "stock-count") {
		t.Errorf("%d and %d bytes, want the script in fewer than 1536", got.status, len(got.body))
	}
	for name, want := range map[string]string{
		"Content-Type": "text/javascript; charset=utf-8", "Cache-Control": "public, max-age=3600", "Access-Control-Allow-Origin": "",
	} {
		if got := strings.Join(got.header[name], "|"); got != want {
			t.Errorf("%s %q, want %q", name, got, want)
		}
	}
}
