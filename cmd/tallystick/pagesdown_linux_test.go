package main

import (
	"net"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestPagesGoOnWithoutAFunction: each function in turn is killed and held down, as when its
// deployment fails. What needs it says so, and all else on the pages is as ever.
func TestPagesGoOnWithoutAFunction(t *testing.T) {
	wantNeeded(t, "chromium", "pages without a function")
	t.Parallel()
	s := startServer(t, t.TempDir(), "--processes", "RATE_LIMIT=0", "API_KEYS=secret")
	s.want(http.StatusCreated, http.MethodPut, "/records/products/widget", `{"price":1}`, "X-Api-Key", "secret")
	s.want(http.StatusNoContent, http.MethodPost, "/demo/shop/open", "")
	s.want(http.StatusOK, http.MethodPost, "/visits", "")
	tb := newTab(t, startBrowser(t, s))
	tb.expect("status of 502", "status of 503")
	tb.open(s.url + "/dashboard/")
	tb.do(chromedp.SendKeys(`input[name=key]`, "secret\r"), chromedp.WaitVisible(`main .sums`))

	pages := []struct{ needs, path, works, down string }{
		{"Visits", "/", `document.querySelector('h1').textContent.startsWith('You are visit number')`, `document.querySelector('h1').textContent.startsWith('This page counts its visits')`},
		{"Stock", "/shop/", `[...document.querySelectorAll('stock-count')].every(e => e.textContent > 0)`, `document.querySelector('#closed').textContent.includes('503')`},
		{"Visits", "/dashboard/#visits", `!!document.querySelector('main .sums')`, `!!document.querySelector('.fault')`},
		{"Stock", "/dashboard/#stock", `!!document.querySelector('main tbody')`, `!!document.querySelector('.fault')`},
		{"Fetch", "/dashboard/#records/products", `!!document.querySelector('main tbody')`, `!!document.querySelector('.fault')`},
		{"Update", "/dashboard/#partners", `document.querySelector('main').textContent.includes('partner add')`, `!!document.querySelector('.fault')`},
	}
	for _, down := range []string{"Visits", "Store", "Fetch", "Remove", "Stock", "Update", "Docs"} {
		up := holdDown(t, s, down)
		for _, page := range pages {
			tb.open("about:blank") // to change a fragment alone would not load the page
			tb.open(s.url + page.path)
			want := page.works
			if page.needs == down {
				want = page.down
			}
			tb.text(`String(`+want+`)`, "true")
		}
		up()
		eventually(t, down+" is back", func() bool {
			c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", s.function(down).port))
			if err == nil {
				c.Close()
			}
			return err == nil
		})
	}
}
