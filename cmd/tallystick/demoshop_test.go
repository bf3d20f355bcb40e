//go:build unix

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/tallystick/tallystick/internal/browser"
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
	s.want(http.StatusNotFound, http.MethodPost, "/demo/shop/open", "")
	s.want(http.StatusNotFound, http.MethodGet, "/demo/history", "")
}
