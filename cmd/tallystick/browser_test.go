//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/tallystick/tallystick/internal/browser"
)

var update = flag.Bool("update", false, "write docs/img anew")

// TestInBrowser runs everything that needs a browser in one.
func TestInBrowser(t *testing.T) {
	wantNeeded(t, "chromium", "the product in a browser")
	t.Parallel()
	sight := startServer(t, t.TempDir(), "API_KEYS=secret")
	browser := startBrowser(t, sight)
	for _, tt := range []struct {
		name string
		test func(*testing.T, context.Context)
	}{
		{"the demo page counts itself", demoPageCounts},
		{"a page of another origin counts", otherOriginCounts},
		{"a page of an origin that is not allowed does not", blockedOriginDoesNot},
		{"the dashboard of another origin", dashboardElsewhere},
		{"the demo shop holds, sells and lets go", shopHolds},
		{"the demo shop sells 20 to 500 who want one", shopRush},
		{"Swagger UI tries out", swaggerTriesOut},
		{"Swagger UI keeps records", swaggerKeepsRecords},
		{"screenshots", func(t *testing.T, browser context.Context) { screenshots(t, browser, sight) }},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, browser) })
	}
}

func demoPageCounts(t *testing.T, browser context.Context) {
	s := startServer(t, t.TempDir())
	tb := newTab(t, browser)
	for visit := 1; visit <= 2; visit++ {
		tb.open(s.url + "/")
		tb.text(`document.querySelector('h1').textContent`, fmt.Sprint("You are visit number ", visit))
		tb.text(`[...document.querySelectorAll('dd')].map(e => e.textContent).join()`, fmt.Sprintf("%d,1,%d", visit, visit))
		tb.text(`document.querySelector('#badge').alt + ' ' + document.querySelector('#badge').naturalHeight`, fmt.Sprintf("visits: %d 20", visit))
	}
	if got := s.stored(); got != 2 {
		t.Errorf("the total is %d, want 2", got)
	}
}

// otherSite is a static site that pasted the line in.
func otherSite(t *testing.T, s *server) string {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><link rel="icon" href="data:,"><script src="%s/visits/count.js" data-allow-local defer></script>`+
			`<p>Visitor no. <visit-count>many</visit-count></p>`, s.url)
	}))
	t.Cleanup(site.Close)
	return site.URL
}

const shownCount = `document.querySelector('p').textContent`

func otherOriginCounts(t *testing.T, browser context.Context) {
	for _, origins := range []string{"*", "its own"} {
		folder := t.TempDir()
		s := startServer(t, folder)
		site := otherSite(t, s)
		if origins != "*" {
			addr := strings.TrimPrefix(s.url, "http://")
			s.stop()
			s = startServer(t, folder, "ALLOWED_ORIGINS=https://example.com,"+site, "--addr", addr)
		}
		tb := newTab(t, browser)
		for visit := 1; visit <= 2; visit++ {
			tb.open(site + "/article?from=mail")
			tb.text(shownCount, fmt.Sprint("Visitor no. ", visit))
		}
		if got := s.want(http.StatusOK, http.MethodGet, "/visits?page=/article", "", "Accept", "text/plain"); strings.TrimSpace(got) != "2" {
			t.Errorf("ALLOWED_ORIGINS is %s: /article has %q visits, want 2", origins, got)
		}
	}
}

func blockedOriginDoesNot(t *testing.T, browser context.Context) {
	s := startServer(t, t.TempDir(), "ALLOWED_ORIGINS=https://example.com")
	tb := newTab(t, browser)
	tb.expect("CORS policy", "net::ERR_FAILED", "status of 403")
	_, err := chromedp.Call(tb.ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: `
		const real = fetch;
		window.answered = 0;
		window.fetch = (...all) => real(...all).finally(() => setTimeout(() => window.answered++));`})
	if err != nil {
		t.Fatal(err)
	}
	tb.open(otherSite(t, s) + "/")
	tb.text(`String(window.answered)`, "1")
	tb.text(`document.body.innerHTML`, "<p>Visitor no. <visit-count>many</visit-count></p>")
	if got := s.stored(); got != 0 {
		t.Errorf("the total is %d, want 0", got)
	}

	// The server's own pages are allowed without being named.
	tb.open(s.url + "/")
	tb.text(`document.querySelector('h1').textContent`, "You are visit number 1")
}

func swaggerTriesOut(t *testing.T, browser context.Context) {
	s := startServer(t, t.TempDir(), "API_KEYS=secret")
	tb := newTab(t, browser)
	tb.open(s.url + "/docs")

	tb.tryOut("visits-countVisit", "200")
	tb.text(replyBody, `{"page":"/","visits":1,"uniques":1,"counted":true,"exact":true}`)
	tb.close("visits-countVisit")

	tb.tryOut("visits-readVisits", "200")
	tb.text(replyBody, `{"page":"/about","visits":0,"uniques":0}`)
	tb.close("visits-readVisits")

	tb.authorize()
	tb.tryOut("visits-setVisits", "200")
	tb.text(replyBody, `{"page":"/","visits":1000,"uniques":700}`)
	if got := s.stored(); got != 1000 {
		t.Errorf("the total is %d, want the 1000 that were set", got)
	}
}

// swaggerKeepsRecords does by hand what can be done with records, each operation as
// Swagger UI proposes it.
func swaggerKeepsRecords(t *testing.T, browser context.Context) {
	s := startServer(t, t.TempDir(), "API_KEYS=secret")
	tb := newTab(t, browser)
	tb.open(s.url + "/docs")
	tb.authorize()
	for _, step := range []struct{ operation, status, excerpt, want string }{
		{"store-store", "201", `.ids`, `["widget"]`},
		{"fetch-fetchAll", "200", `.records[0].original.price`, `"9.90"`},
		{"fetch-fetchKeys", "200", `.ids`, `["widget"]`},
		{"fetch-fetchMany", "200", `.missing`, `["gadget"]`},
		{"fetch-filter", "200", `.records[0].transformed.price`, `9.9`},
		{"remove-delete", "200", `.deleted`, `["widget"]`},
		{"store-createRecords", "201", `.count`, `1`},
		{"fetch-listRecords", "200", `.count`, `1`},
		{"fetch-getRecord", "200", `.version`, `1`},
		{"store-patchRecord", "200", `.transformed.color`, `"blue"`},
		{"fetch-listRevisions", "200", `.records[0].transformed.color`, `"red"`},
		{"store-putRecord", "200", `.version`, `3`},
		{"store-putCollection", "201", `.version`, `1`},
		{"store-retransform", "200", `.left`, `0`},
		{"fetch-getCollection", "200", `.indexes[0].field`, `"price"`},
		{"fetch-listCollections", "200", `.count`, `2`},
		{"remove-deleteRecord", "200", `.deleted`, `["widget"]`},
	} {
		tb.tryOut(step.operation, step.status)
		tb.text(`JSON.stringify(JSON.parse(document.querySelector('.live-responses-table .highlight-code code').textContent)`+step.excerpt+`)`, step.want)
		tb.close(step.operation)
	}
}

// authorize gives Swagger UI the key.
func (tb *tab) authorize() {
	tb.Helper()
	tb.do(chromedp.Click(`.auth-wrapper button.authorize`),
		chromedp.SendKeys(`.modal-ux input`, "secret"),
		chromedp.Click(`.modal-ux button.authorize`),
		chromedp.Click(`.modal-ux .btn-done`),
		chromedp.WaitNotPresent(`.modal-ux`))
}

// tryOut opens an operation and executes it with the parameters that it proposes.
func (tb *tab) tryOut(operation, status string) {
	tb.Helper()
	id := "#operations-" + operation
	tb.do(chromedp.Click(id + ` .opblock-summary-control`))
	// What is sent before the schemas are there lacks what they propose.
	tb.text(`String(document.querySelector('`+id+`').textContent.includes('VALIDATION_FAILED'))`, "true")
	tb.do(chromedp.Click(id + ` .execute`))
	tb.text(`(document.querySelector('`+id+` .live-responses-table tbody .response-col_status') ?? document.body).firstChild.textContent`, status)
}

// close folds an operation up, so that replyBody is the next one's.
func (tb *tab) close(operation string) {
	tb.Helper()
	id := "#operations-" + operation
	tb.do(chromedp.Click(id+` .opblock-summary-control`), chromedp.WaitNotPresent(id+` .execute`))
}

const replyBody = `JSON.stringify(JSON.parse(document.querySelector('.live-responses-table .highlight-code code').textContent))`

// screenshots are README's pictures. With -update they are kept.
func screenshots(t *testing.T, browser context.Context, s *server) {
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1280, 360} {
			s.want(http.StatusOK, http.MethodDelete, "/visits?page=/", "", "X-Api-Key", "secret")
			s.want(http.StatusOK, http.MethodPost, "/visits/import", aMonth(), "X-Api-Key", "secret")
			tb := newTab(t, browser)
			_, err := chromedp.Call(tb.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
				{Name: "prefers-color-scheme", Value: scheme},
				{Name: "prefers-reduced-motion", Value: "reduce"},
			}})
			if err != nil {
				t.Fatal(err)
			}
			tb.do(chromedp.EmulateViewport(width, 800))
			tb.open("http://" + sightHost + "/")
			tb.text(`document.querySelector('h1').textContent`, "You are visit number 1,024")
			tb.text(`document.querySelector('#note').textContent`, "The red stroke is yours.")
			tb.text(`document.querySelector('#day').textContent.replace(/.*: |,.*/g, '')`, "38 visits")
			tb.text(`String(document.querySelector('#badge').naturalHeight)`, "20")
			tb.picture(fmt.Sprintf("demo-%s-%d.png", scheme, width), int(width), scheme == "dark")
		}
	}
}

// picture is the page as it is now; with -update it is kept in docs/img.
func (tb *tab) picture(name string, width int, dark bool) {
	tb.Helper()
	picture, err := chromedp.Run(tb.ctx, chromedp.FullScreenshot(100))
	if err != nil {
		tb.Fatal(err)
	}
	wantPicture(tb.T, name, picture, width, dark)
	if !*update {
		return
	}
	if err := os.WriteFile(filepath.Join("../../docs/img", name), picture, 0o644); err != nil {
		tb.Fatal(err)
	}
}

// wantPicture wants as much in a picture as a page has, on its background.
func wantPicture(t *testing.T, name string, content []byte, width int, dark bool) {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(content))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if got := picture.Bounds().Size(); got.X != width || got.Y < 800 {
		t.Errorf("%s is %v, want %d wide and at least 800 high", name, got, width)
	}
	colors := make(map[color.Color]bool)
	for y := range picture.Bounds().Dy() {
		for x := range picture.Bounds().Dx() {
			colors[picture.At(x, y)] = true
		}
	}
	if len(colors) < 100 {
		t.Errorf("%s has %d colours, want those of text and a chart", name, len(colors))
	}
	if got := isDark(picture); got != dark {
		t.Errorf("%s is dark: %v, want %v", name, got, dark)
	}
}

func isDark(picture image.Image) bool {
	r, g, b, _ := picture.At(2, picture.Bounds().Dy()-2).RGBA()
	return r+g+b < 3*0x8000
}

// aMonth is an import: the visits of the last 30 days, 1,023 of them.
func aMonth() string {
	type day struct {
		Day     string `json:"day"`
		Visits  int    `json:"visits"`
		Uniques int    `json:"uniques"`
	}
	var days []day
	visits, uniques, left := 0, 0, 1023
	for i := 29; i >= 0; i-- {
		n := []int{22, 31, 47, 38, 29, 41, 33}[i%7] + (29-i)/3 - 5
		if i == 0 {
			n = 37
		} else if i == 1 {
			n = left - 37
		}
		left -= n
		d := day{time.Now().UTC().AddDate(0, 0, -i).Format(time.DateOnly), n, n*4/5 + i%2}
		days = append(days, d)
		visits, uniques = visits+d.Visits, uniques+d.Uniques
	}
	line, err := json.Marshal(map[string]any{"page": "/", "visits": visits, "uniques": uniques, "days": days})
	if err != nil {
		panic(err) // not for these types
	}
	return string(line) + "\n"
}

// sightHost is what the server that is photographed is called, so that the pictures are
// the same from one run to the next.
const sightHost = "count.example"

// startBrowser is the one Chromium of the test.
func startBrowser(t *testing.T, sight *server) context.Context {
	t.Helper()
	return browser.Start(t,
		chromedp.UserAgent(browserAgent), // a headless one's own is a bot's
		chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("host-resolver-rules", "MAP "+sightHost+" "+strings.TrimPrefix(sight.url, "http://")))
}

// tab is one page in a browser context of its own. What the page complains of fails the
// test.
type tab struct {
	*testing.T
	ctx        context.Context
	complaints *browser.Complaints
}

func newTab(t *testing.T, chromium context.Context) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("opening a tab: %v", err)
	}
	ctx, cancel = context.WithTimeout(ctx, patience)
	t.Cleanup(cancel)
	return &tab{t, ctx, browser.Watch(t, ctx)}
}

// expect lets the page complain of these.
func (tb *tab) expect(complaints ...string) { tb.complaints.Expect(complaints...) }

func (tb *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	tb.Helper()
	if err := chromedp.Do(tb.ctx, steps...); err != nil {
		tb.Fatal(err)
	}
}

func (tb *tab) open(url string) {
	tb.Helper()
	tb.do(chromedp.Navigate(url))
}

// text wants the expression, a string, to become want.
func (tb *tab) text(js, want string) {
	tb.Helper()
	var got string
	var err error
	for until := time.Now().Add(patience / 2); ; time.Sleep(20 * time.Millisecond) {
		if got, err = chromedp.Run(tb.ctx, chromedp.Evaluate[string](js)); err == nil && got == want {
			return
		}
		if time.Now().After(until) {
			tb.Fatalf("%s is %q, %v, want %q", js, got, err, want)
		}
	}
}
