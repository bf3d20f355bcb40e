package web

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/tallystick/tallystick/internal/visit/badge"
)

// TestInBrowser runs everything that needs a browser in one.
func TestInBrowser(t *testing.T) {
	browser := startBrowser(t)
	t.Run("count.js", func(t *testing.T) { testCount(t, browser) })
	t.Run("stock.js", func(t *testing.T) { testStock(t, browser) })
	t.Run("site", func(t *testing.T) { testSite(t, browser) })
}

// testCount is README.md: each case is a sentence there.
func testCount(t *testing.T, browser context.Context) {
	for _, tt := range []struct {
		name string
		test func(*tab)
	}{
		{"a page counts once when it is loaded", countsOnce},
		{"query and fragment are not part of the name", dropsQueryAndFragment},
		{"the site and the campaign that brought a visitor are told once", tellsReferrals},
		{"the script twice counts once", countsOnceForTwoScripts},
		{"nothing is stored", storesNothing},
		{"a visitor who leaves at once still counts", countsWhoLeaves},
		{"a tab behind waits until it is shown", waitsUntilShown},
		{"a prerendered page waits until it is shown", waitsUntilActivated},
		{"a page that the browser kept does not count again", ignoresBFCache},

		{"a single-page app counts each new path", countsNewPaths},
		{"a single-page app refills what has no page", refills},
		{"an old number never flashes", neverFlashes},
		{"a late reply for an earlier page is dropped", dropsLateReplies},
		{"a page visited again shows its newest number", showsTheNewest},

		{"an iframe does not count, and shows", ignoresIframes},
		{"this machine does not count, and shows", ignoresThisMachine},
		{"a file does not count, and shows", ignoresFiles},
		{"data-allow-local counts on this machine", allowsLocal},
		{"the owner's links opt out and in", optsOutAndIn},
		{"forbidden storage counts", countsWithoutStorage},

		{"visits, uniques and formats", formats},
		{"format=short is the badge's", formatsAsBadge},
		{"numbers are grouped as the page's language does", groupsByLanguage},
		{"several pages are read in one call, after the count", readsTogether},
		{"more than 100 pages are read in several calls", readsHundreds},
		{"any text can be a page", takesAnyPage},
		{"elements are added, changed and removed", followsTheDocument},
		{"markup inside the element comes back", restoresMarkup},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.test(newTab(t, browser)) })
	}
	t.Run("a failing backend changes nothing", func(t *testing.T) { failures(t, browser) })
}

func countsOnce(tb *tab) {
	tb.visits["/about"] = 41
	tb.open("/about")
	tb.shows("42")
	tb.open("/about")
	tb.shows("43")
	tb.calls("POST /about", "POST /about")
}

func dropsQueryAndFragment(tb *tab) {
	tb.open("/about?utm_source=x#part")
	tb.shows("1")
	tb.calls("POST /about")
}

func tellsReferrals(tb *tab) {
	told := make(chan string, 9)
	tb.before = func(_ http.ResponseWriter, r *http.Request, _ string) bool {
		q := r.URL.Query()
		told <- fmt.Sprintf("%s %q %q", r.Method, q.Get("referrer"), q.Get("utm_source"))
		return false
	}
	wantTold := func(want string) {
		tb.Helper()
		if got := <-told; got != want {
			tb.Errorf("told %s, want %s", got, want)
		}
	}
	port := strings.TrimPrefix(tb.at("", ""), "http://:")
	tb.pages["/links"] = `<a id="on" href="` + tb.at("site.test", "/about?a=1&utm_source=News%20Letter&b=2#c") + `" referrerpolicy="unsafe-url">on</a>`
	tb.open(tb.at("other.test", "/links?name=anna"))
	tb.do(chromedp.Click("#on"))
	tb.shows("1")
	wantTold(`POST "other.test:` + port + `" "News Letter"`)
	tb.open("/odd?utm_source=50%;a%zz+b")
	tb.shows("1")
	wantTold(`POST "" "50%;a%zz b"`)
	tb.eval(`history.pushState(null, '', '/next?utm_source=x')`)
	tb.shows("1")
	wantTold(`POST "" ""`)
	tb.pages["/inside"] = `<a id="on" href="/last?not_utm_source=y">on</a>`
	tb.open("/inside")
	tb.do(chromedp.Click("#on"))
	tb.shows("1")
	wantTold(`POST "" ""`)
}

func countsOnceForTwoScripts(tb *tab) {
	tb.body = `{script}{script}<visit-count>-</visit-count>`
	tb.open("/")
	tb.shows("1")
	tb.eval(`history.pushState(null, '', '/next')`)
	tb.shows("1")
	tb.calls("POST /", "POST /next")
}

func storesNothing(tb *tab) {
	tb.open("/")
	tb.shows("1")
	tb.text(`document.cookie + Object.keys(localStorage) + Object.keys(sessionStorage)`, "")
}

func countsWhoLeaves(tb *tab) {
	// The request is mostly out before the page is gone, so its promise to outlive the
	// page is looked at too.
	tb.onNewDocument(`
		const real = fetch;
		window.fetch = (url, init) => init?.method == 'POST' && !init.keepalive ? Promise.reject() : real(url, init);
	`)
	release := tb.hold("POST /")
	tb.pages["/"] = `{script}<script>addEventListener('DOMContentLoaded', () => setTimeout(() => location = '/next'))</script>`
	tb.open("/")
	tb.text(`location.pathname`, "/next")
	tb.calls("POST /", "POST /next")
	release()
	tb.shows("1")
}

// A tab of a headless browser is always in front, so the page is told that it is not.
func waitsUntilShown(tb *tab) {
	tb.onNewDocument(`Object.defineProperty(document, 'hidden', {get: () => !window.shown, configurable: true})`)
	tb.open("/")
	tb.eval(`history.replaceState(null, '', '/redirected')`)
	tb.shows("-")
	tb.eval(`window.shown = true; document.dispatchEvent(new Event('visibilitychange', {bubbles: true}))`)
	tb.shows("1")
	tb.eval(`document.dispatchEvent(new Event('visibilitychange', {bubbles: true})); history.pushState(null, '', '/end')`)
	tb.shows("1")
	tb.calls("POST /redirected", "POST /end")
}

// DevTools in a page forbid it to prerender, so this one opens a second page, that it
// only hears of through the site.
func waitsUntilActivated(tb *tab) {
	prerendered, activated := make(chan struct{}), make(chan struct{})
	early := make(chan []string, 1)
	tb.onPage = func(path string) {
		switch path {
		case "/prerendering":
			close(prerendered)
		case "/go":
			select {
			case <-prerendered:
			case <-tb.ctx.Done():
			}
			early <- tb.recorded()
		case "/activated":
			close(activated)
		}
	}
	tb.pages["/second"] = `<script type="speculationrules">{"prerender": [{"source": "list", "urls": ["/next"], "eagerness": "immediate"}]}</script>
		<script>fetch('/go').then(() => location = '/next')</script>`
	tb.pages["/next"] = `{script}<script>
		if (document.prerendering) fetch('/prerendering');
		document.onprerenderingchange = () => fetch('/activated');
	</script>`
	tb.pages["/"] = `-`
	tb.open("/")
	tb.eval(`void open('/second', '_blank', 'noopener')`)
	for _, c := range []chan struct{}{prerendered, activated} {
		select {
		case <-c:
		case <-time.After(time.Minute):
			tb.Fatal("the page was not prerendered and activated")
		}
	}
	if calls := <-early; len(calls) > 0 {
		tb.Errorf("the API was called %q while the page was prerendered, want no call", calls)
	}
	tb.calls("POST /next")
}

func ignoresBFCache(tb *tab) {
	tb.body += `<script>addEventListener('pageshow', e => window.kept = e.persisted)</script>`
	tb.open("/")
	tb.shows("1")
	tb.open("/next")
	tb.shows("1")
	tb.eval(`void setTimeout(() => history.back())`) // there is no load event to wait for
	tb.text(`location.pathname + ' ' + window.kept`, "/ true")
	tb.shows("1")
	tb.eval(`history.pushState(null, '', '/end')`)
	tb.shows("1")
	tb.calls("POST /", "POST /next", "POST /end")
}

func countsNewPaths(tb *tab) {
	tb.open("/")
	tb.shows("1")
	tb.eval(`
		history.pushState(null, '', '/a');
		history.pushState(null, '', '/a');
		history.pushState(null, '', '/a?q=1');
		history.replaceState(null, '', '/a#part');
		history.replaceState(null, '', '/a/');
		history.replaceState(null, '', '/a/index.html');
		location.hash = 'other';
	`)
	tb.calls("POST /", "POST /a")
	tb.eval(`history.replaceState({state: 1}, '', '/b')`)
	tb.calls("POST /", "POST /a", "POST /b")
	tb.eval(`history.pushState(null, '', '/c')`)
	tb.calls("POST /", "POST /a", "POST /b", "POST /c")
	tb.eval(`history.back()`)
	tb.text(`location.pathname + JSON.stringify(history.state)`, `/b{"state":1}`)
	tb.shows("2")
	tb.calls("POST /", "POST /a", "POST /b", "POST /c", "POST /b")
}

func refills(tb *tab) {
	tb.body = `{script}<visit-count>-</visit-count><visit-count page="/other">-</visit-count>`
	tb.visits["/"], tb.visits["/next"], tb.visits["/other"] = 9, 99, 5
	tb.open("/")
	tb.shows("10", "5")
	tb.eval(`history.pushState(null, '', '/next')`)
	tb.shows("100", "5")
	tb.calls("POST /", "GET /other", "POST /next")
}

func neverFlashes(tb *tab) {
	release := tb.hold("POST /next")
	tb.visits["/"] = 41
	tb.body = `{script}<visit-count>some</visit-count>`
	tb.open("/")
	tb.shows("42")
	// Every text that the element ever has, from the navigation on.
	tb.eval(`
		window.texts = [];
		const element = document.querySelector('visit-count');
		const note = () => { if (texts.at(-1) != element.textContent) texts.push(element.textContent) };
		new MutationObserver(note).observe(element, {childList: true, characterData: true, subtree: true});
		history.pushState(null, '', '/next');
		note();
	`)
	tb.shows("some")
	release()
	tb.shows("1")
	tb.text(`texts.join()`, "some,1")
}

func dropsLateReplies(tb *tab) {
	release, released := make(chan struct{}), make(chan struct{})
	tb.before = func(w http.ResponseWriter, _ *http.Request, call string) bool {
		if call != "POST /" {
			return false
		}
		select {
		case <-release:
		case <-tb.ctx.Done():
		}
		fmt.Fprint(w, `{"page":"/","visits":666,"uniques":666}`)
		w.(http.Flusher).Flush()
		close(released)
		return true
	}
	tb.open("/")
	tb.eval(`history.pushState(null, '', '/next')`)
	tb.shows("1")
	close(release)
	select {
	case <-released:
	case <-tb.ctx.Done():
	}
	tb.eval(`new Promise(done => setTimeout(done, 100))`)
	tb.shows("1")
}

func showsTheNewest(tb *tab) {
	tb.body = `{script}<visit-count>-</visit-count><visit-count page="/">-</visit-count>`
	tb.open("/")
	tb.shows("1", "1")
	tb.eval(`history.pushState(null, '', '/next')`)
	tb.shows("1", "1")
	tb.eval(`history.pushState(null, '', '/')`)
	tb.shows("2", "2")
	tb.calls("POST /", "POST /next", "POST /")

	// Where nothing is counted, too.
	tb.open(tb.at("localhost", "/"))
	tb.shows("2", "2")
	tb.eval(`history.pushState(null, '', '/next')`)
	tb.shows("1", "2")
	tb.lock.Lock()
	tb.visits["/"] = 100
	tb.lock.Unlock()
	tb.eval(`history.pushState(null, '', '/')`)
	tb.shows("100", "100")
}

func ignoresIframes(tb *tab) {
	tb.visits["/inner"] = 7
	tb.pages["/"] = `<iframe src="/inner"></iframe>`
	tb.open("/")
	tb.text(`frames[0].document.querySelector('visit-count').textContent`, "7")
	tb.calls("GET /inner")
}

func ignoresThisMachine(tb *tab) {
	tb.visits["/"] = 7
	for _, host := range []string{"localhost", "127.0.0.1", "0.0.0.0", "app.localhost", "a.b.localhost"} {
		tb.open(tb.at(host, "/"))
		tb.shows("7")
		tb.eval(`history.pushState(null, '', '/next')`)
		tb.shows("0")
	}
	for _, call := range tb.recorded() {
		if strings.HasPrefix(call, "POST") {
			tb.Errorf("a page on this machine was counted: %s", call)
		}
	}

	for i, host := range []string{"localhost.test", "127.0.0.1.test", "notlocalhost", "0.test"} {
		tb.open(tb.at(host, "/"))
		tb.shows(strconv.Itoa(7 + i + 1))
	}

	v6, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		tb.Log("no IPv6 here, so [::1] is not tested")
		return
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(tb.serve))
	server.Listener.Close()
	server.Listener = v6
	server.Start()
	defer server.Close()
	tb.open(server.URL + "/v6")
	tb.shows("0")
}

func ignoresFiles(tb *tab) {
	tb.visits["/"] = 7
	file := filepath.Join(tb.TempDir(), "page.html")
	body := tb.script("") + `<visit-count page="/">-</visit-count>`
	if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
		tb.Fatal(err)
	}
	tb.open("file://" + file)
	tb.shows("7")
	tb.calls("GET /")
}

func allowsLocal(tb *tab) {
	tb.body = tb.script("data-allow-local") + `<visit-count>-</visit-count>`
	tb.open(tb.at("localhost", "/"))
	tb.shows("1")
	tb.calls("POST /")
}

func optsOutAndIn(tb *tab) {
	tb.open("/#tallystick-optout")
	tb.shows("0")
	tb.open("/next")
	tb.shows("0")
	tb.open("/again#tallystick-optin")
	tb.shows("1")
	tb.calls("GET /", "GET /next", "POST /again")

	// On a page that is open already, the link only changes the fragment.
	tb.eval(`location.hash = 'tallystick-optout'`)
	tb.text(`String(localStorage.tallystick)`, "out")
	tb.eval(`history.pushState(null, '', '/quiet')`)
	tb.shows("0")
	tb.calls("GET /", "GET /next", "POST /again", "GET /quiet")
}

func countsWithoutStorage(tb *tab) {
	tb.onNewDocument(`Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError') }})`)
	tb.open("/#tallystick-optout")
	tb.shows("1")
	tb.calls("POST /")
}

func formats(tb *tab) {
	tb.visits["/"] = 1234566
	tb.body = `{script}<visit-count></visit-count>
		<visit-count format="short"></visit-count>
		<visit-count uniques></visit-count>
		<visit-count uniques format="short"></visit-count>
		<visit-count format="anything"></visit-count>`
	tb.open("/")
	tb.shows("1,234,567", "1.2M", "617,283", "617.3k", "1,234,567")
	tb.calls("POST /")
}

func formatsAsBadge(tb *tab) {
	numbers := []int64{0, 1, 999, 1000, 1049, 1050, 1234, 1250, 9949, 9950, 12345, 999949, 999950, 1e6, 1249999,
		1250000, 999949999, 999950000, 5e9, 999949999999, 999950000000, 1e12, 1234567890123, 9007199254740991}
	body := strings.Builder{}
	body.WriteString("{script}")
	var want []string
	for i, n := range numbers {
		name := fmt.Sprintf("/%d", i)
		tb.visits[name] = int(n)
		fmt.Fprintf(&body, `<visit-count format="short" page="%s"></visit-count><visit-count page="%s"></visit-count>`, name, name)
		want = append(want, badge.Format(n, badge.Short), badge.Format(n, badge.Grouped))
	}
	tb.body = body.String()
	tb.open("/")
	tb.shows(want...)
}

func groupsByLanguage(tb *tab) {
	tb.visits["/"] = 1234566
	tb.body = `{script}<visit-count></visit-count>
		<p lang="de"><visit-count></visit-count> <visit-count format="short"></visit-count></p>
		<p lang="en_US"><visit-count></visit-count></p>
		<p lang=""><visit-count></visit-count></p>`
	tb.open("/")
	tb.shows("1,234,567", "1.234.567", "1.2M", "1,234,567", "1,234,567")
}

func readsTogether(tb *tab) {
	tb.body = `{script}<visit-count page="/a">-</visit-count><visit-count page="/b" uniques>-</visit-count>
		<visit-count page="/">-</visit-count><visit-count page="/a" format="short">-</visit-count>`
	tb.visits["/a"], tb.visits["/b"] = 1000, 1000
	tb.open("/")
	tb.shows("1,000", "500", "1", "1k")
	tb.calls("POST /", "GET /a /b")
}

func readsHundreds(tb *tab) {
	body := strings.Builder{}
	body.WriteString("{script}")
	var want []string
	for i := range 250 {
		name := fmt.Sprintf("/%d", i)
		tb.visits[name] = i
		fmt.Fprintf(&body, `<visit-count page="%s">-</visit-count>`, name)
		want = append(want, strconv.Itoa(i))
	}
	tb.body = body.String()
	tb.open("/")
	tb.shows(want...)
	got := tb.recorded()
	if len(got) != 4 {
		tb.Fatalf("the API was called %d times, want a count and 3 reads", len(got))
	}
	for _, call := range got[1:] {
		if n := strings.Count(call, " "); n > 100 {
			tb.Errorf("%d pages in one call, want at most 100", n)
		}
	}
}

func takesAnyPage(tb *tab) {
	pages := []string{"constructor", "__proto__", "/a b&page=/c#d?e", "/ü/日本", "/100%", "/a+b"}
	var want []string
	tb.body = "{script}"
	for i, p := range pages {
		tb.visits[p] = i + 1
		tb.body += fmt.Sprintf(`<visit-count page="%s">-</visit-count>`, strings.ReplaceAll(p, "&", "&amp;"))
		want = append(want, strconv.Itoa(i+1))
	}
	tb.open("/")
	tb.shows(want...)
	tb.eval(`document.body.innerHTML = '<visit-count>-</visit-count>'; document.body.firstChild.setAttribute('page', '\ud800')`)
	tb.shows("0")
}

func followsTheDocument(tb *tab) {
	tb.visits["/a"], tb.visits["/b"] = 10, 20
	tb.open("/")
	tb.shows("1")

	tb.eval(`document.body.innerHTML = '<visit-count page="/a">-</visit-count><visit-count>-</visit-count>'`)
	tb.shows("10", "1")
	tb.eval(`document.querySelector('visit-count').setAttribute('page', '/b')`)
	tb.shows("20", "1")
	tb.eval(`document.querySelector('visit-count').setAttribute('uniques', '')`)
	tb.shows("10", "1")
	tb.eval(`document.querySelector('visit-count').removeAttribute('page')`)
	tb.shows("0", "1")

	// Out of the document while the app goes on, and in again.
	tb.eval(`window.gone = document.querySelectorAll('visit-count')[1]; gone.remove(); history.pushState(null, '', '/a')`)
	tb.shows("5")
	tb.text(`gone.textContent`, "1")
	tb.eval(`document.body.append(gone)`)
	tb.shows("5", "11")
	tb.calls("POST /", "GET /a", "GET /b", "POST /a")

	// Inside a shadow tree, where the document does not see it.
	tb.eval(`document.body.innerHTML = '<div></div>';
		document.querySelector('div').attachShadow({mode: 'open'}).innerHTML = '<visit-count>-</visit-count>'`)
	shadow := `document.querySelector('div').shadowRoot.textContent`
	tb.text(shadow, "11")
	tb.eval(`history.pushState(null, '', '/new')`)
	tb.text(shadow, "1")
}

func restoresMarkup(tb *tab) {
	tb.complaints.Expect("status of 503")
	tb.body = `{script}<visit-count><b>many</b> visits</visit-count>`
	fails := false
	tb.before = func(w http.ResponseWriter, _ *http.Request, _ string) bool {
		if fails {
			http.Error(w, "down", http.StatusServiceUnavailable)
		}
		return fails
	}
	tb.open("/")
	tb.shows("1")
	fails = true
	tb.eval(`history.pushState(null, '', '/next')`)
	tb.text(`document.querySelector('visit-count').innerHTML`, "<b>many</b> visits")
	tb.calls("POST /", "POST /next")
	tb.text(`document.querySelector('visit-count').innerHTML`, "<b>many</b> visits")
}

// failures: whatever comes back that is not the API's answer, the page stays as it is,
// and nothing is thrown or written to the console (newTab sees to that).
func failures(t *testing.T, browser context.Context) {
	const good = `{"page":"/","visits":666,"uniques":666,"pages":[{"visits":666},{"visits":666}]}`
	replies := badReplies(good)
	replies["another shape"] = func(w http.ResponseWriter) {
		fmt.Fprint(w, `{"page":"/","visits":"<b>666</b>","pages":[null,{"visits":null}]}`)
	}
	for name, reply := range replies {
		t.Run(name, func(t *testing.T) {
			tb := newTab(t, browser)
			tb.complaints.Expect("Failed to load resource", "CORS policy")
			tb.before = func(w http.ResponseWriter, _ *http.Request, _ string) bool { reply(w); return true }
			tb.body = `{script}<visit-count><i>own</i></visit-count><visit-count page="/a">a</visit-count>
				<visit-count page="/b" uniques></visit-count>`
			tb.open("/")
			tb.calls("POST /", "GET /a /b")
			tb.eval(settle)
			tb.shows("own", "a", "")
			tb.text(`document.querySelector('visit-count').innerHTML`, "<i>own</i>")
		})
	}
}

// badReplies are not the API's answer, which good would be.
func badReplies(good string) map[string]func(http.ResponseWriter) {
	reply := func(status int, body string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	return map[string]func(http.ResponseWriter){
		"422":                reply(422, good),
		"429":                reply(429, good),
		"500":                reply(500, ""),
		"503":                reply(503, good),
		"not JSON":           reply(200, "<html>captive portal</html>"),
		"cut off":            reply(200, good[:20]),
		"null":               reply(200, "null"),
		"a number":           reply(200, "7"),
		"no CORS":            func(w http.ResponseWriter) { w.Header().Del("Access-Control-Allow-Origin"); fmt.Fprint(w, good) },
		"connection dropped": func(http.ResponseWriter) { panic(http.ErrAbortHandler) },
	}
}

// onNewDocument runs the script in each page before the page's own.
func (tb *tab) onNewDocument(js string) {
	tb.Helper()
	params := page.AddScriptToEvaluateOnNewDocumentParams{Source: js}
	if _, err := chromedp.Call(tb.ctx, page.AddScriptToEvaluateOnNewDocument, params); err != nil {
		tb.Fatal(err)
	}
}
