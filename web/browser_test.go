package web

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tallystick/tallystick/internal/browser"
	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/web/scripts"
)

// startBrowser is the one Chromium of this test process; each tab of it has a context
// (cookies, storage, cache) of its own.
func startBrowser(t *testing.T) context.Context {
	t.Helper()
	return browser.Start(t, chromedp.Flag("host-resolver-rules",
		"MAP *.test 127.0.0.1, MAP *.localhost 127.0.0.1, MAP notlocalhost 127.0.0.1"))
}

// patience is how long a page may take to come to what is wanted of it.
const patience = time.Minute

// A tab is one page in a browser context of its own, with a site and a stand-in of
// the API behind it.
type tab struct {
	*testing.T
	ctx context.Context
	*standIn
	complaints *browser.Complaints
}

func newTab(t *testing.T, chromium context.Context) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("opening a tab: %v", err)
	}
	ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	return &tab{T: t, ctx: ctx, standIn: newStandIn(t), complaints: browser.Watch(t, ctx)}
}

func (tb *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	tb.Helper()
	if err := chromedp.Do(tb.ctx, steps...); err != nil {
		tb.Fatal(err)
	}
}

// open loads a page of the site: url is a path of http://site.test, or a whole URL.
func (tb *tab) open(url string) {
	tb.Helper()
	if strings.HasPrefix(url, "/") {
		url = tb.at("site.test", url)
	}
	tb.do(chromedp.Navigate(url))
}

func (tb *tab) eval(js string) {
	tb.Helper()
	tb.do(chromedp.Evaluate[chromedp.Void](js, chromedp.EvalAwaitPromise))
}

// text wants the expression, a string, to become want. While the page is on its way to
// another one, the expression may fail.
func (tb *tab) text(js, want string) {
	tb.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		got, err := chromedp.Run(tb.ctx, chromedp.Evaluate[string](js))
		if err == nil && got == want {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("%s is %q, %v, want %q", js, got, err, want)
		}
	}
}

// shows wants the <visit-count> elements, in their order, to show these texts.
func (tb *tab) shows(want ...string) {
	tb.Helper()
	tb.text(`[...document.querySelectorAll('visit-count')].map(e => e.textContent).join('|')`, strings.Join(want, "|"))
}

// stocks wants the <stock-count> elements, in their order, to show these texts.
func (tb *tab) stocks(want ...string) {
	tb.Helper()
	tb.text(`[...document.querySelectorAll('stock-count')].map(e => e.textContent).join('|')`, strings.Join(want, "|"))
}

// calls wants exactly these calls of the API so far ("POST /a", "GET /a /b", "STOCK A,B").
func (tb *tab) calls(want ...string) {
	tb.Helper()
	var got []string
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if got = tb.recorded(); len(got) >= len(want) || time.Now().After(deadline) {
			break
		}
	}
	if !reflect.DeepEqual(got, want) {
		tb.Fatalf("the API was called %q, want %q", got, want)
	}
}

// standIn is the API as far as the scripts use it, and a site whose every page has the
// same body. One server for both: a page is on site.test, the API on api.test.
type standIn struct {
	server *httptest.Server
	body   string            // of every page; {script} is the line to paste, {stock} that of stock.js
	pages  map[string]string // bodies of pages that have another
	visits map[string]int    // before the first call
	stock  map[string]int    // what is available of the items that there are

	// before, if set, sees a counted call first, and answers it if it returns true.
	before func(w http.ResponseWriter, r *http.Request, call string) bool

	// site, if set, serves what is not the API's.
	site http.Handler

	// onPage, if set, is told of each page asked for.
	onPage func(path string)

	lock sync.Mutex
	log  []string
	odd  []string // requests that were no simple ones, or that the API refuses
}

func newStandIn(t *testing.T) *standIn {
	s := &standIn{
		body:   `{script}<visit-count>-</visit-count>`,
		pages:  map[string]string{},
		visits: map[string]int{},
		stock:  map[string]int{},
	}
	s.server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(func() {
		s.server.CloseClientConnections()
		s.server.Close()
		for _, o := range s.odd {
			t.Errorf("a request that should not be: %s", o)
		}
	})
	return s
}

// hold keeps the calls like this one waiting until release is called, or until whoever
// calls goes away.
func (s *standIn) hold(call string) (release func()) {
	held := make(chan struct{})
	s.before = func(_ http.ResponseWriter, r *http.Request, c string) bool {
		if c == call {
			select {
			case <-held:
			case <-r.Context().Done():
			}
		}
		return false
	}
	return sync.OnceFunc(func() { close(held) })
}

func (s *standIn) at(host, path string) string {
	_, port, _ := net.SplitHostPort(s.server.Listener.Addr().String())
	return "http://" + host + ":" + port + path
}

func (s *standIn) script(attributes string) string {
	return fmt.Sprintf(`<script src="%s" defer %s></script>`, s.at("api.test", "/visits/count.js"), attributes)
}

func (s *standIn) stockScript(attributes string) string {
	return fmt.Sprintf(`<script src="%s" defer %s></script>`, s.at("api.test", "/stock/count.js"), attributes)
}

// sell makes another number of an item available.
func (s *standIn) sell(sku string, available int) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.stock[sku] = available
}

func (s *standIn) recorded() []string {
	s.lock.Lock()
	defer s.lock.Unlock()
	return append([]string(nil), s.log...)
}

func (s *standIn) serve(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/visits/count.js":
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		w.Write(scripts.CountJS)
	case r.URL.Path == "/stock/count.js":
		w.Header().Set("Content-Type", "text/javascript; charset=utf-8")
		w.Write(scripts.StockJS)
	case r.URL.Path == "/visits":
		s.serveVisits(w, r)
	case r.URL.Path == "/stock":
		s.serveStock(w, r)
	case r.URL.Path == "/favicon.ico":
		w.WriteHeader(http.StatusNoContent)
	case s.site != nil:
		s.site.ServeHTTP(w, r)
	default:
		if s.onPage != nil {
			s.onPage(r.URL.Path)
		}
		body, ok := s.pages[r.URL.Path]
		if !ok {
			body = s.body
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!doctype html><title>%s</title><body>%s", html.EscapeString(r.URL.Path),
			strings.NewReplacer("{script}", s.script(""), "{stock}", s.stockScript("")).Replace(body))
	}
}

// answered keeps a call, and says whether before has answered it.
func (s *standIn) answered(w http.ResponseWriter, r *http.Request, call string) bool {
	s.lock.Lock()
	s.log = append(s.log, call)
	if r.Method == http.MethodOptions || r.Header.Get("Content-Type") != "" || r.Header.Get("Cookie") != "" {
		s.odd = append(s.odd, fmt.Sprintf("%s with %v", call, r.Header))
	}
	s.lock.Unlock()

	w.Header().Set("Access-Control-Allow-Origin", "*")
	return s.before != nil && s.before(w, r, call)
}

func (s *standIn) serveStock(w http.ResponseWriter, r *http.Request) {
	skus := r.URL.Query().Get("skus")
	if s.answered(w, r, "STOCK "+skus) {
		return
	}
	type item struct {
		SKU       string `json:"sku"`
		Available int    `json:"available"`
	}
	items, missing := []item{}, []string{}
	s.lock.Lock()
	for _, sku := range strings.Split(skus, ",") {
		if err := inventory.CheckSKU(sku); err != nil {
			s.odd = append(s.odd, fmt.Sprintf("STOCK %s: %v", skus, err)) // the API refuses all of them
		}
		if n, ok := s.stock[sku]; ok {
			items = append(items, item{sku, n})
		} else {
			missing = append(missing, sku)
		}
	}
	s.lock.Unlock()
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"items": items, "missing": missing})
}

func (s *standIn) serveVisits(w http.ResponseWriter, r *http.Request) {
	pages := r.URL.Query()["page"]
	if s.answered(w, r, r.Method+" "+strings.Join(pages, " ")) {
		return
	}

	type numbers struct {
		Page    string `json:"page"`
		Visits  int    `json:"visits"`
		Uniques int    `json:"uniques"`
	}
	s.lock.Lock()
	var all []numbers
	for _, p := range pages {
		if r.Method == http.MethodPost {
			s.visits[p]++
		}
		all = append(all, numbers{p, s.visits[p], s.visits[p] / 2})
	}
	s.lock.Unlock()

	w.Header().Set("Content-Type", "application/json")
	if len(all) == 1 {
		json.NewEncoder(w).Encode(all[0])
		return
	}
	json.NewEncoder(w).Encode(map[string]any{"pages": all})
}
