package main

import (
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestTheDemoShopWithoutItsFunction: what cannot be done says so, and the rest of the page
// is there.
func TestTheDemoShopWithoutItsFunction(t *testing.T) {
	wantNeeded(t, "chromium", "the demo shop in a browser")
	t.Parallel()
	s := startServer(t, t.TempDir(), "--processes", "RATE_LIMIT=0")
	up := holdDown(t, s, "Stock")
	tb := newTab(t, startBrowser(t, s))
	tb.expect("status of 503", "status of 502")
	tb.open(s.url + "/shop/")
	tb.text(`document.querySelector('#closed').textContent`, "The shop cannot do that just now (503).")
	tb.text(shopLeft, "a few,a few,a few")
	tb.do(chromedp.Click(shopMug + `button`))
	tb.text(`String(document.querySelector('`+shopMug+`.said').textContent != '')`, "true")
	tb.do(chromedp.Click(`#go`))
	tb.text(`String(document.querySelectorAll('.crowd .failed').length)`, "500")
	up()
	eventually(t, "stock is back", func() bool {
		reply, _ := s.do(http.MethodGet, "/stock/demo-mug", "")
		return reply.StatusCode == http.StatusNotFound || reply.StatusCode == http.StatusOK
	})
	tb.do(chromedp.Reload())
	tb.text(shopLeft, "5,12,20")
}
