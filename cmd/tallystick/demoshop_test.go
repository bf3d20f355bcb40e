//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tallystick/tallystick/internal/browser"
	"github.com/tallystick/tallystick/internal/edge"
)

const (
	shopLeft = `[...document.querySelectorAll('stock-count')].map(e => e.textContent).join()`
	shopMug  = `[data-sku=demo-mug] `
	shopSays = `document.querySelector('[data-sku=demo-mug] .said').textContent`
)

func shopHolds(t *testing.T, chromium context.Context) {
	s := startServer(t, t.TempDir(), "API_KEYS=secret")
	tb := newTab(t, chromium)
	tb.open(s.url + "/shop/")
	tb.text(shopLeft, "5,12,20")
	browser.WantAccessible(t, tb.ctx)

	tb.do(chromedp.Click(shopMug + `button`))
	tb.text(shopLeft, "4,12,20")
	tb.text(`String(/^[12]:[0-5]\d$/.test(document.querySelector('.time').textContent))`, "true")
	tb.text(`document.activeElement.className`, "buy")
	tb.do(chromedp.Reload())
	tb.text(`String(/^[12]:[0-5]\d$/.test(document.querySelector('.time').textContent))`, "true")
	tb.do(chromedp.Click(`.release`))
	tb.text(shopSays, "Back on the shelf.")
	tb.text(shopLeft, "5,12,20")

	tb.do(chromedp.Click(shopMug + `button`))
	tb.do(chromedp.Click(`.buy`))
	tb.text(shopSays, "Yours. The ledger has it as committed.")
	tb.text(shopLeft, "4,12,20")
	last := s.want(http.StatusOK, http.MethodGet, "/stock/demo-mug/movements?pageSize=1", "", "X-Api-Key", "secret")
	if !strings.Contains(last, `"type":"committed","delta":-1,"onHand":4,"reference":"demo shop"`) {
		t.Errorf("the last movement is %s, want one committed", last)
	}

	s.want(http.StatusOK, http.MethodPost, "/stock/demo-mug/count", `{"quantity":0}`, "X-Api-Key", "secret")
	tb.text(shopLeft, "0,12,20") // it looks every two seconds
	tb.expect("status of 409")
	tb.do(chromedp.Click(shopMug + `button`))
	tb.text(shopSays, "Sold out. Somebody may let go yet.")
	browser.WantNarrow(t, tb.ctx)
}

func shopRush(t *testing.T, chromium context.Context) {
	s := startServer(t, t.TempDir(), "API_KEYS=secret")
	tb := newTab(t, chromium)
	tb.do(chromedp.EmulateViewport(1280, 800))
	tb.open(s.url + "/shop/")
	tb.text(shopLeft, "5,12,20")
	tb.do(chromedp.Click(`#go`))
	tb.text(`['got', 'out', 'failed'].map(kind => document.querySelectorAll('.crowd .' + kind).length).join()`, "20,480,0")
	tb.text(`document.querySelector('#result').textContent.replace(/[\d.]+ seconds/, 'N seconds')`,
		"20 were left. 20 of 500 buyers hold one now, 480 were told that it is sold out. N seconds for all of them, none oversold: 0 left.")
	browser.WantAccessible(t, tb.ctx)
	tb.picture("shop-light-1280.png", 1280, false)
	tb.text(shopLeft, "5,12,20") // ten seconds later they are anybody's again
}

// TestTheDemoShopDoesNothingForAnotherPage: it works with the server's key.
func TestTheDemoShopDoesNothingForAnotherPage(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), "API_KEYS=secret")
	s.want(http.StatusNoContent, http.MethodPost, "/demo/shop/open", "", "Sec-Fetch-Site", "same-origin")
	for _, action := range []string{"open", "reserve?item=demo-mug", "buy?id=1", "release?id=1", "rush"} {
		s.want(http.StatusForbidden, http.MethodPost, "/demo/shop/"+action, "", "Sec-Fetch-Site", "cross-site")
		s.want(http.StatusForbidden, http.MethodPost, "/demo/shop/"+action, "", "Origin", "https://example.com")
		s.want(http.StatusNotFound, http.MethodGet, "/demo/shop/"+action, "")
	}
	for _, item := range []string{"WIDGET", "", "demo-mug/../x"} {
		s.want(http.StatusNotFound, http.MethodPost, "/demo/shop/reserve?item="+item, "")
	}
	for _, id := range []string{"..%2F..%2Fstock", "x"} {
		s.want(http.StatusNotFound, http.MethodPost, "/demo/shop/buy?id="+id, "")
	}
	rebound, err := http.NewRequest(http.MethodPost, s.url+"/demo/shop/open", nil)
	if err != nil {
		t.Fatal(err)
	}
	rebound.Host = "rebound.example"
	rebound.Header.Set("Origin", "http://rebound.example")
	if reply, err := http.DefaultClient.Do(rebound); err != nil || reply.StatusCode != http.StatusForbidden {
		t.Errorf("under another's name: %v, %v; want 403", reply, err)
	}

	// Nor does it touch what is not its own.
	s.want(http.StatusCreated, http.MethodPost, "/stock/WIDGET/count", `{"quantity":3}`, "X-Api-Key", "secret")
	var held struct{ ID string }
	for _, body := range []string{`{"lines":[{"sku":"WIDGET","quantity":1}],"reference":"demo shop"}`, `{"lines":[{"sku":"demo-mug","quantity":1}],"reference":"ORDER-7"}`} {
		if err := json.Unmarshal([]byte(s.want(http.StatusCreated, http.MethodPost, "/reservations", body, "X-Api-Key", "secret")), &held); err != nil {
			t.Fatal(err)
		}
		s.want(http.StatusForbidden, http.MethodPost, "/demo/shop/buy?id="+held.ID, "")
		s.want(http.StatusForbidden, http.MethodPost, "/demo/shop/release?id="+held.ID, "")
		s.want(http.StatusOK, http.MethodPost, "/reservations/"+held.ID+"/release", `{}`, "X-Api-Key", "secret")
	}
	want := `{"sku":"demo-mug","available":5,"onHand":5,"reserved":0,"version":3}`
	if got := strings.TrimSpace(s.want(http.StatusOK, http.MethodGet, "/stock/demo-mug", "")); got != want {
		t.Errorf("the item is %s, want %s", got, want)
	}
}

// TestTheDemoShopCountsWhatIsNotThereAlone: what stock refuses to say may be on the shelf.
func TestTheDemoShopCountsWhatIsNotThereAlone(t *testing.T) {
	for _, tt := range []struct {
		name   string
		status int // of each item
		body   string
		counts int
		want   int
	}{
		{"there is no item", http.StatusNotFound, `{"code":"ITEM_NOT_FOUND"}`, len(demoItems), http.StatusNoContent},
		{"none is left", http.StatusOK, `{"onHand":0}`, len(demoItems), http.StatusNoContent},
		{"more is promised than there is", http.StatusOK, `{"onHand":-1}`, len(demoItems), http.StatusNoContent},
		{"one is left", http.StatusOK, `{"onHand":1}`, 0, http.StatusNoContent},
		{"a reply that says nothing", http.StatusOK, ``, 0, http.StatusNoContent},
		{"too many ask", http.StatusTooManyRequests, `{"code":"RATE_LIMITED"}`, 0, http.StatusTooManyRequests},
		{"stock is down", http.StatusServiceUnavailable, `{"code":503}`, 0, http.StatusServiceUnavailable},
		{"the key is another", http.StatusBadRequest, `{"code":400}`, 0, http.StatusBadRequest},
	} {
		t.Run(tt.name, func(t *testing.T) {
			counts := 0
			gate := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Method == http.MethodPost {
					counts++
					w.WriteHeader(http.StatusCreated)
					return
				}
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(tt.status)
				io.WriteString(w, tt.body)
			})
			w := httptest.NewRecorder()
			newDemoShop(gate, "secret", "", nil).open(w, httptest.NewRequest(http.MethodPost, "/demo/shop/open", nil))
			if counts != tt.counts || w.Code != tt.want {
				t.Errorf("%d counts and status %d, want %d and %d", counts, w.Code, tt.counts, tt.want)
			}
			if w.Code >= 300 && (w.Body.String() != tt.body || w.Header().Get("Retry-After") != "7") {
				t.Errorf("the reply is %q, %v; want stock's own", w.Body, w.Header())
			}
		})
	}
}

// TestAllVisitorsOfTheDemoShopShareABucket: it needs no key, and writes.
func TestAllVisitorsOfTheDemoShopShareABucket(t *testing.T) {
	var asked atomic.Int64 // a rush asks many at once
	gate := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusNotFound)
	})
	shop := newDemoShop(gate, "secret", "", nil)
	now := time.Unix(1_800_000_000, 0)
	shop.now = func() time.Time { return now }
	actions := shop.actions()
	press := func(action string, headers ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodPost, "http://localhost/demo/shop/"+action, nil)
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		actions["POST "+r.URL.Path].ServeHTTP(w, r)
		return w
	}
	kinds := []string{"reserve?item=demo-mug", "buy?id=1", "release?id=1"}
	for range 3 * demoRate { // another site's page takes nothing of it
		press("open", "Sec-Fetch-Site", "cross-site")
	}
	for i := range 2 * demoRate {
		if w := press(kinds[i%len(kinds)]); w.Code != http.StatusNotFound {
			t.Fatalf("action %d: status %d, want the gateway's 404", i, w.Code)
		}
	}
	before := asked.Load()
	for _, action := range append(kinds, "open", "rush") {
		w := press(action)
		if w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), "Try again in a second.") {
			t.Errorf("%s: %d, %v, %s; want 429, and when to try again", action, w.Code, w.Header(), w.Body)
		}
	}
	if got := asked.Load() - before; got != 0 {
		t.Errorf("the gateway was asked %d times for actions that were refused", got)
	}
	now = now.Add(time.Second)
	if w := press("rush"); w.Code != http.StatusOK {
		t.Errorf("a rush a second later: status %d, want 200", w.Code)
	}
	if w := press("open"); w.Code != http.StatusTooManyRequests {
		t.Errorf("after the rush: status %d, want 429, for it took all", w.Code)
	}
}

// TestTheDemoShopIsForThisMachineAlone: whoever reaches it changes the store without a key.
func TestTheDemoShopIsForThisMachineAlone(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), "--addr", "0.0.0.0:0", "API_KEYS=secret")
	const why = "this server can be reached from other machines"
	for _, action := range []string{"open", "reserve?item=demo-mug", "buy?id=1", "release?id=1", "rush"} {
		if got := s.want(http.StatusNotFound, http.MethodPost, "/demo/shop/"+action, "", "Sec-Fetch-Site", "same-origin"); !strings.Contains(got, why) {
			t.Errorf("%s: %s, want it to say that %s", action, got, why)
		}
	}
	s.want(http.StatusNotFound, http.MethodGet, "/stock/demo-mug", "")
	s.want(http.StatusOK, http.MethodGet, "/", "")
	s.want(http.StatusOK, http.MethodGet, "/demo/history", "")

	wantNeeded(t, "chromium", "the demo shop in a browser")
	tb := newTab(t, startBrowser(t, s))
	tb.expect("status of 404")
	tb.open(s.url + "/shop/")
	tb.text(`String(document.querySelector('#closed').textContent.includes('`+why+`'))`, "true")
	browser.WantAccessible(t, tb.ctx)
	tb.do(chromedp.Click(`#go`))
	tb.text(`String(document.querySelector('#result').textContent.includes('`+why+`'))`, "true")
}

func TestShopClosed(t *testing.T) {
	for _, tt := range []struct {
		ip, users string
		want      string // in it
	}{
		{"127.0.0.1", "", ""},
		{"127.0.0.9", "", ""},
		{"::1", "", ""},
		{"127.0.0.1", "anna:…", "a user as well"},
		{"0.0.0.0", "", "from other machines"},
		{"::", "", "from other machines"},
		{"192.168.0.7", "", "from other machines"},
	} {
		got := shopClosed(edge.Config{BasicAuth: tt.users}, &net.TCPAddr{IP: net.ParseIP(tt.ip), Port: 8080})
		if !strings.Contains(got, tt.want) || (got == "") != (tt.want == "") {
			t.Errorf("at %s, users %q: %q, want %q in it", tt.ip, tt.users, got, tt.want)
		}
	}
}

// TestARushOutlivesRepliesThatBreakOff: a function that dies then is no end of the server.
func TestARushOutlivesRepliesThatBreakOff(t *testing.T) {
	gate := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	w := httptest.NewRecorder()
	(&demoShop{gate: gate}).rush(w, httptest.NewRequest(http.MethodPost, "/demo/shop/rush", nil))
	if got := strings.Count(w.Body.String(), `{"error":"502 Bad Gateway"}`); got != demoBuyers {
		t.Errorf("%d replies broke off, want %d", got, demoBuyers)
	}
}

// TestTheDemoShopIsClosedUnderBasicAuth: a key alone opens nothing there.
func TestTheDemoShopIsClosedUnderBasicAuth(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), "API_KEYS=secret", fmt.Sprintf("BASIC_AUTH=%s", "anna:$2y$04$"+strings.Repeat("a", 53)))
	s.want(http.StatusOK, http.MethodGet, "/shop/", "")
	if got := s.want(http.StatusNotFound, http.MethodPost, "/demo/shop/open", ""); !strings.Contains(got, "asks for a user as well as for a key") {
		t.Errorf("it says %s, want why it is closed", got)
	}
	s.want(http.StatusNotFound, http.MethodGet, "/demo/history", "")
}
