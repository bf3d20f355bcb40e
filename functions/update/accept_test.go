package update_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/inventory"
)

func TestAnUpdateIsDoneAndKept(t *testing.T) {
	s := start(t, nil)
	var want []row
	for i, tt := range []struct {
		kind, data string
		onHand     map[string]int64
	}{
		{"stock.counted", `{"sku":"ACME-1","quantity":10}`, map[string]int64{"ACME-1": 10}},
		{"stock.counted", `{"lines":[{"sku":"ACME-2","quantity":5},{"sku":"ACME-3","quantity":0}],"reason":"opening"}`, map[string]int64{"ACME-2": 5, "ACME-3": 0}},
		{"stock.counted", `{"sku":"ACME-1","quantity":12,"expected":10}`, map[string]int64{"ACME-1": 12}},
		{"stock.counted", `{"sku":"ACME-1","quantity":11,"expected":null}`, map[string]int64{"ACME-1": 11}},
		{"stock.adjusted", `{"sku":"ACME-1","delta":-1,"reference":"PO-1"}`, map[string]int64{"ACME-1": 10}},
		{"stock.adjusted", `{"lines":[{"sku":"ACME-1","delta":-4},{"sku":"ACME-2","delta":4},{"sku":"ACME-1","delta":-2}],"reason":"moved"}`, map[string]int64{"ACME-1": 4, "ACME-2": 9}},
		{"delivery.updated", `{"id":"D-1","status":"packed","order":"O-1"}`, nil},
		{"delivery.updated", `{"lines":[{"id":"D-1","status":"shipped","note":"by <train> & \"bike\""},{"id":"D-2","status":"packed"}]}`, nil},
	} {
		s.pass(time.Second)
		id := fmt.Sprint("msg_", i)
		body := updateOf(tt.kind, tt.data)
		r := s.accept(s.sign("acme", id, body))
		if got, want := r.body, `{"status":true,"id":"`+id+"\"}\n"; got != want || r.header.Get("Content-Type") != "application/json" || r.header.Get("Idempotent-Replayed") != "" {
			t.Errorf("%s: %q %v, want %q", body, got, r.header, want)
		}
		s.onHand(tt.onHand)
		want = append(want, row{id, tt.kind, "standard-webhooks", s.clock(), json.RawMessage(body)})
	}
	slices.Reverse(want)
	if got := s.rows("acme"); fmt.Sprintf("%s", got) != fmt.Sprintf("%s", want) {
		t.Errorf("rows\n%s\nwant\n%s", got, want)
	}
	stock := inventory.New(s.db, inventory.Options{Now: s.clock})
	ledger, err := stock.Movements(t.Context(), "ACME-1", 2, "")
	if err != nil {
		t.Fatal(err)
	}
	if m := ledger.Movements; m[0].Reason != "moved" || m[0].Delta != -6 || m[1].Reference != "PO-1" || m[0].Who != "partner acme" {
		t.Errorf("movements %+v, want those of the partner", m)
	}
	if _, err := stock.Verify(t.Context(), func(f inventory.Fault) { t.Error(f) }); err != nil {
		t.Error(err)
	}
}

func TestAnUpdateThatIsNotThePartnersToSendIsRefused(t *testing.T) {
	s := start(t, nil)
	s.stock(10, "ACME-1", "ACME-SHARED")
	s.accept(s.sign("acme", "msg_0", delivered(`{"id":"D-1","status":"packed"}`)))
	for _, tt := range []struct{ partner, name, body, says string }{
		{"beta", "a type", adjusted(`{"sku":"BETA-1","delta":1}`), "updates of the type stock.adjusted"},
		{"beta", "an item", counted(`{"sku":"ACME-1","quantity":1}`), "the stock of ACME-1"},
		{"beta", "an item that is not there", counted(`{"sku":"GAMMA-1","quantity":1}`), "the stock of GAMMA-1"},
		{"beta", "one of many items", counted(`{"lines":[{"sku":"BETA-1","quantity":1},{"sku":"ACME-1","quantity":1}]}`), "the stock of ACME-1"},
		{"beta", "another case", counted(`{"sku":"beta-1","quantity":1}`), "the stock of beta-1"},
		{"beta", "another's delivery", delivered(`{"id":"D-1","status":"lost"}`), "the delivery D-1"},
		{"beta", "one of many deliveries", delivered(`{"lines":[{"id":"D-2","status":"packed"},{"id":"D-1","status":"lost"}]}`), "the delivery D-1"},
		{"acme", "an adjustment", adjusted(`{"lines":[{"sku":"ACME-1","delta":1},{"sku":"BETA-1","delta":1}]}`), "the stock of BETA-1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.T = t
			s.refuse(s.sign(tt.partner, "msg_1", tt.body), http.StatusForbidden, "NOT_ALLOWED", "not allowed to this partner: "+tt.says+": ask the shop to allow it")
		})
	}
	s.T = t
	s.accept(s.sign("beta", "msg_1", counted(`{"lines":[{"sku":"BETA-1","quantity":3},{"sku":"ACME-SHARED","quantity":4}]}`)))
	s.onHand(map[string]int64{"BETA-1": 3, "ACME-SHARED": 4})
}

// TestWhatStandsAgainstAnUpdateIsSaidWithItsNumbers, and may be tried again with the same
// id once it does not.
func TestWhatStandsAgainstAnUpdateIsSaidWithItsNumbers(t *testing.T) {
	s := start(t, nil)
	s.stock(10, "ACME-1", "ACME-2")
	for i, tt := range []struct {
		body   string
		status int
		code   string
		says   string
	}{
		{adjusted(`{"sku":"ACME-9","delta":1}`), 404, "ITEM_NOT_FOUND", "ACME-9"},
		{adjusted(`{"lines":[{"sku":"ACME-1","delta":-1},{"sku":"ACME-9","delta":1}]}`), 404, "ITEM_NOT_FOUND", "ACME-9"},
		{adjusted(`{"sku":"ACME-1","delta":-11}`), 409, "INSUFFICIENT_STOCK", `"errors":[{"location":"ACME-1/available","message":"ACME-1: 11 wanted, 10 available","value":10}]`},
		{adjusted(`{"lines":[{"sku":"ACME-2","delta":-12},{"sku":"ACME-1","delta":-11}]}`), 409, "INSUFFICIENT_STOCK", `"value":10},{"location":"ACME-2/available"`},
		{counted(`{"sku":"ACME-1","quantity":5,"expected":9}`), 409, "STALE_COUNT", `"errors":[{"location":"ACME-1/onHand","message":"ACME-1: 9 were expected, 10 are on hand","value":10}]`},
		{counted(`{"sku":"ACME-9","quantity":5,"expected":9}`), 409, "STALE_COUNT", `"value":0`},
	} {
		s.refuse(s.sign("acme", fmt.Sprint("msg_", i), tt.body), tt.status, tt.code, tt.says)
	}
	s.accept(s.sign("acme", "more", counted(`{"sku":"ACME-1","quantity":11}`)))
	if r := s.accept(s.sign("acme", "msg_2", adjusted(`{"sku":"ACME-1","delta":-11}`))); r.header.Get("Idempotent-Replayed") != "" {
		t.Error("what was refused before is replayed, want it done")
	}
	s.onHand(map[string]int64{"ACME-1": 0, "ACME-2": 10})
}

// TestADeliveryHasTheStatusOfItsLatestEvent, by the partner's time, in whatever order its
// updates come. Its history has all of them as they came.
func TestADeliveryHasTheStatusOfItsLatestEvent(t *testing.T) {
	s := start(t, nil)
	send := func(id, happened, data string) {
		t.Helper()
		s.pass(time.Second)
		s.accept(s.sign("acme", id, strings.Replace(delivered(data), "2126-11-21T11:00:00Z", happened, 1)))
	}
	send("a", "2126-11-21T08:00:00Z", `{"id":"D-1","status":"packed","order":"O-1"}`)
	send("b", "2126-11-21T11:00:00Z", `{"id":"D-1","status":"delivered","note":"to a neighbour"}`)
	send("c", "2126-11-21T10:30:00+01:00", `{"id":"D-1","status":"shipped"}`)
	if d := s.delivery("D-1"); d.Status != "delivered" || d.Order != "O-1" || d.Partner != "acme" || !d.CreateTime.Equal(noon.Add(time.Second)) || !d.UpdateTime.Equal(s.clock()) {
		t.Errorf("%+v, want it delivered", d)
	}
	send("d", "2126-11-21T11:00:00Z", `{"id":"D-1","status":"returned","order":"O-2"}`) // at the same time: the later one that came
	d := s.delivery("D-1")
	if d.Status != "returned" || d.Order != "O-2" {
		t.Errorf("%+v, want it returned, of order O-2", d)
	}
	var got []string
	for _, e := range d.Events {
		got = append(got, fmt.Sprint(e.Update, " ", e.Status, " ", e.Note, " ", e.Time.Format(time.TimeOnly), " ", e.ReceivedTime.Format(time.TimeOnly)))
	}
	want := []string{"a packed  08:00:00 12:00:01", "b delivered to a neighbour 11:00:00 12:00:02", "c shipped  09:30:00 12:00:03", "d returned  11:00:00 12:00:04"}
	if !slices.Equal(got, want) {
		t.Errorf("events\n%q, want\n%q", got, want)
	}
}

// TestADeliveryMayHaveANameThatAnItemMayNot, for none of its routes stands in the way; and
// its news may be of up to a day ahead.
func TestADeliveryMayHaveANameThatAnItemMayNot(t *testing.T) {
	s := start(t, nil)
	for i, id := range []string{"alerts", "batch", "count.js", "...1", "__", "___", "A.z_0~:@-", strings.Repeat("D", 64)} {
		body := strings.Replace(delivered(fmt.Sprintf(`{"id":%q,"status":"packed"}`, id)), "2126-11-21T11:00:00Z", "2126-11-22T12:00:00Z", 1)
		s.accept(s.sign("acme", fmt.Sprint("msg_", i), body))
		if d := s.delivery(id); d.ID != id || d.Status != "packed" {
			t.Errorf("%s: %+v, want it packed", id, d)
		}
	}
}

// TestADeliveryHas1000Events, of the longest texts, and not one more.
func TestADeliveryHas1000Events(t *testing.T) {
	s := start(t, nil)
	const each = 50
	for i := range 19 {
		s.accept(s.sign("acme", fmt.Sprintf("%064d", i), events("D-1", each)))
	}
	s.refuse(s.sign("acme", "over", events("D-1", each+1)), http.StatusUnprocessableEntity, "DELIVERY_FULL", "at most 1000 events: begin a new one")
	s.accept(s.sign("acme", "last", events("D-1", each)))
	s.refuse(s.sign("acme", "over", events("D-1", 1)), http.StatusUnprocessableEntity, "DELIVERY_FULL", "at most 1000 events: begin a new one")
	if got := len(s.delivery("D-1").Events); got != 1000 {
		t.Errorf("%d events, want 1000", got)
	}
}

// events is an update of a delivery with so many events, of the longest texts.
func events(id string, n int) string {
	line := fmt.Sprintf(`{"id":%q,"status":%q,"note":%q,"order":%q},`, id, strings.Repeat(`"`, 64), strings.Repeat(`\`, 200), strings.Repeat("<", 200))
	return delivered(`{"lines":[` + strings.TrimSuffix(strings.Repeat(line, n), ",") + `]}`)
}

// TestUpdatesOfLongHistoriesFitATransactionOrSaySo: one that does not is refused, and those
// that do are not put into one transaction until they fail together.
func TestUpdatesOfLongHistoriesFitATransactionOrSaySo(t *testing.T) {
	s := start(t, nil)
	var lines []string
	for i := range 100 {
		id := fmt.Sprint("D-", i)
		s.accept(s.sign("acme", fmt.Sprintf("%064d", i), events(id, 60)))
		lines = append(lines, fmt.Sprintf(`{"id":%q,"status":"x"}`, id))
	}
	of := func(lines []string) string { return delivered(`{"lines":[` + strings.Join(lines, ",") + `]}`) }
	s.refuse(s.sign("acme", "all", of(lines)), http.StatusUnprocessableEntity, "UPDATE_TOO_LARGE", "send fewer of them at once")

	var inside atomic.Int32 // requests; the first waits for the others, and they for it: all have D-0
	function := s.handler(s.store, nil)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inside.Add(1)
		function.ServeHTTP(w, r)
	}))
	defer server.Close()
	s.store.fail(func() error {
		for inside.Load() < 100 {
			time.Sleep(time.Millisecond)
		}
		return nil
	})
	var all sync.WaitGroup
	send := func(id string, lines ...string) {
		all.Go(func() {
			r, err := s.try(t.Context(), server.URL, s.sign("acme", id, of(lines)))
			if err != nil || r.status != http.StatusOK {
				t.Errorf("%+v, %v, want 200", r, err)
			}
		})
	}
	send("first", lines[0])
	for inside.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	for i := 1; i <= 99; i++ {
		send(fmt.Sprint("msg_", i), lines[0], lines[i])
	}
	all.Wait()
}
