package web_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/browser"
	"github.com/tallystick/tallystick/web"
)

// What goes wrong between a person and the gateway: replies that are lost or late, and
// what is pressed, pasted or typed by mistake.

// loseReplies loses the replies to the next so many requests of this method, after they
// were answered.
func (l *look) loseReplies(method string, times int) {
	l.Helper()
	l.eval(fmt.Sprintf(`{
		let lost = %d;
		const real = fetch;
		window.fetch = async (...request) => {
			const reply = await real(...request);
			if (request[1].method === %q && lost-- > 0) throw new TypeError('lost');
			return reply;
		};
	}`, times, method))
}

func lostReplies(t *testing.T, w *world, chromium context.Context) {
	w.send(http.MethodPost, "/stock/LOST/count", `{"quantity":10}`)
	l := w.signedIn(t, chromium, "visits")
	l.loseReplies("POST", 2) // the client's attempts of one press
	l.to("stock/LOST")
	l.fill("More, or fewer", "24")
	l.click("Adjust")
	l.shows("[role=alert]", "does not answer")
	l.click("Adjust")
	l.shows(".said", "Adjusted: 34 on hand.")
	l.shows(".sums", "on hand 34")

	// Who wants the same once more gets it.
	l.fill("More, or fewer", "24")
	l.click("Adjust")
	l.shows(".said", "Adjusted: 58 on hand.")
}

func lostSave(t *testing.T, w *world, chromium context.Context) {
	l := w.signedIn(t, chromium, "visits")
	l.complaints.Expect("status of 404", "status of 412")
	l.loseReplies("PUT", 1)
	l.to("records/lost?show=settings")
	l.fill("Schema", `{"type":"object"}`)
	l.fill("Transform", `{a: 1}`)
	l.eval(`document.querySelector('[type=checkbox]').click()`)
	for _, field := range []string{"z", "a"} {
		l.click("Add an index")
		l.eval(fmt.Sprintf(`document.activeElement.value = %q`, field))
	}
	l.click("Save")
	l.shows("[role=alert]", "does not answer")
	l.click("Save")
	l.shows(".said", "Saved as version 1.")
	l.shows(".editor", "Version 1 is in force.")
}

func mistypedNumbers(t *testing.T, w *world, chromium context.Context) {
	w.send(http.MethodPost, "/stock/MINUS/count", `{"quantity":10}`)
	l := w.signedIn(t, chromium, "stock/MINUS")
	l.fill("More, or fewer", "1 or 2")
	l.click("Adjust")
	l.shows("[role=alert]", "More, or fewer: A whole number, such as 24 or -1")
	l.fill("More, or fewer", "−1")
	l.click("Adjust")
	l.shows(".sums", "on hand 9")

	w.send(http.MethodPut, "/collections/typed", `{"ttlSeconds":60}`)
	l.to("records/typed?show=settings")
	l.eval(`document.querySelector('[name=ttl]').select()`)
	l.press("1e")
	l.click("Save")
	l.shows("[role=alert]", "Expires after, seconds: ")
	if got := w.send(http.MethodGet, "/collections/typed", ""); !strings.Contains(got, `"ttlSeconds":60`) {
		t.Errorf("the settings are %s, want those of before", got)
	}
}

func pressedTwice(t *testing.T, w *world, chromium context.Context) {
	w.send(http.MethodPost, "/stock/TWICE/count", `{"quantity":7}`)
	w.send(http.MethodPost, "/reservations", `{"lines":[{"sku":"TWICE","quantity":2}]}`)
	l := w.signedIn(t, chromium, "stock/TWICE")
	const asks = `[...document.querySelectorAll('td button')].map(b => b.firstChild.textContent).join()`
	const untilAnswerCounts = `new Promise(done => setTimeout(done, 600))`
	l.click("Release")
	l.click("Release it?") // at once
	l.eval(untilAnswerCounts)
	l.eval(`document.activeElement.dispatchEvent(new MouseEvent('click', {detail: 2, bubbles: true}))`)
	l.text(`String(document.activeElement.ariaDisabled)`, "null") // it would be, as soon as it asks the gateway
	l.text(asks+` + String(document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', repeat: true, cancelable: true})))`, "Release it?false")
	l.fill("Reason", "half typed")
	l.shows(".sums", "reserved 2")
	l.click("Release it?")
	l.shows(".said", "Released: 2 × TWICE.")
	l.shows(".sums", "reserved 0")
	l.shows(".empty", "None of it is held.")
	l.text(`document.querySelector('[name=reason]').value`, "half typed")
}

func latePages(t *testing.T, w *world, chromium context.Context) {
	l := w.signedIn(t, chromium, "visits")
	l.complaints.Expect("net::ERR_ABORTED")
	// Each reply waits until it is let go, the ones behind it first.
	l.eval(`{
		const real = fetch;
		window.waiting = [];
		window.fetch = async (...request) => {
			const reply = await real(...request);
			if (window.slow) await new Promise(done => waiting.push(done));
			return reply;
		};
	}`)
	l.to("records/products")
	l.eval(`slow = true`)
	l.click("Next")
	l.click("Next")
	l.text(`String(waiting.length)`, "1")
	l.eval(`waiting.shift()()`)
	l.settled()
	l.shows(".turner", "page 2")

	l.click("Previous")
	l.eval(`document.querySelector('.turner button').click()`)
	l.eval(`slow = false; waiting.forEach(done => done())`)
	l.settled()
	l.shows(".turner", "page 1")

	// The same filter again reads again; what is asked last is what is shown.
	w.send(http.MethodPut, "/collections/late", `{"indexes":[{"field":"n","type":"number"}]}`)
	w.send(http.MethodPut, "/records/late/old", `{"n":"1"}`)
	l.to("records/late?filter=n+%3D+1")
	l.eval(`waiting = []; slow = true`)
	l.click("Filter")
	l.text(`String(waiting.length)`, "1")
	w.send(http.MethodPut, "/records/late/new", `{"n":"1"}`)
	l.click("Filter")
	l.text(`String(waiting.length)`, "2")
	l.eval(`waiting[1]()`)
	l.shows("tbody", "new")
	l.eval(`slow = false; waiting[0](); new Promise(done => setTimeout(done, 50))`)
	l.shows("tbody", "new")
}

// leftWhileItAnswers: a page that is left changes nothing of the one that is shown.
func leftWhileItAnswers(t *testing.T, w *world, chromium context.Context) {
	l := w.signedIn(t, chromium, "visits")
	l.complaints.Expect("net::ERR_ABORTED", "status of 404")
	l.eval(`{
		const real = fetch;
		window.fetch = async (...request) => {
			const held = new Promise(done => { if (window.slow) window.let = done; else done(); });
			const reply = await real(...request);
			await held;
			request[1].signal?.throwIfAborted();
			return reply;
		};
	}`)
	l.to("stock")
	l.fill("Item (SKU)", "LEFT")
	l.fill("On hand", "1")
	l.eval(`slow = true`)
	l.click("Count it")
	l.eval(`slow = false`)
	l.to("records")
	l.eval(`window.let(); new Promise(done => setTimeout(done, 50))`)
	l.text(`location.hash`, "#records")

	l.to("partners")
	l.fill("Delivery", "D-1")
	l.eval(`slow = true`)
	l.click("Find")
	l.eval(`slow = false`)
	l.to("visits")
	l.eval(`window.let(); new Promise(done => setTimeout(done, 50))`) // no complaint
}

func unsendable(t *testing.T, w *world, chromium context.Context) {
	l := w.signedIn(t, chromium, "stock")
	l.complaints.Expect("TypeError")
	l.fill("Item (SKU)", "..")
	l.fill("On hand", "1")
	l.click("Count it")
	l.shows("[role=alert]", `".." cannot stand in a URL`)
	l.click("Sign out")
	l.fill("API key", "“"+dashboardKey+"”")
	l.click("Sign in")
	l.shows("[role=alert]", "X-Api-Key has a character that cannot be sent, such as a curly quote")
}

func oddRecords(t *testing.T, w *world, chromium context.Context) {
	const long = "12345678901234567890"
	w.send(http.MethodPut, "/collections/odd", `{"schema":{"properties":{"n":{"maximum":`+long+`}}}}`)
	w.send(http.MethodPut, "/records/odd/a", `{"toString":1}`)
	w.send(http.MethodPut, "/records/odd/b", `{"n":`+long+`,"m":1.50}`)
	l := w.signedIn(t, chromium, "records/odd")
	l.text(`String(document.querySelectorAll('tbody tr').length)`, "2")
	l.shows("tbody", long)
	l.to("records/odd/b")
	l.shows(".sides div:first-child", long, "1.50")
	l.to("records/odd?show=settings")
	l.fill("A record’s id", "b")
	l.click("Try")
	l.shows(".tried", `"n": `+long)
	l.fill("Expires after, seconds", "60")
	l.click("Save")
	l.shows(".said", "Saved as version 2.")
	if got := w.send(http.MethodGet, "/collections/odd", ""); !strings.Contains(got, long) {
		t.Errorf("the settings are %s, want %s in the schema as before", got, long)
	}
}

func wrongClock(t *testing.T, w *world, chromium context.Context) {
	w.send(http.MethodPost, "/stock/TIMED/count", `{"quantity":7}`)
	w.send(http.MethodPost, "/reservations", `{"lines":[{"sku":"TIMED","quantity":2}],"ttlSeconds":10}`)
	l := w.signedIn(t, chromium, "visits")
	l.eval(`{ const real = Date.now; Date.now = () => real() + 3600e3 }`)
	l.to("stock/TIMED")
	l.becomes(`document.querySelector('.left').textContent`, regexp.MustCompile(`^\d+ s$`).MatchString, "some seconds")
	l.shows(".empty", "None of it is held.") // when it is over, by itself
	l.shows(".sums", "reserved 0")
}

func longNames(t *testing.T, w *world, chromium context.Context) {
	long := strings.Repeat("x", 100)
	l := w.signedIn(t, chromium, "visits")
	l.complaints.Expect("status of 404", "status of 422")
	for _, hash := range []string{"stock/" + long, "records/" + long[:60] + "/a", "records/products?filter=" + long + "+%3D", "visits?page=/" + long} {
		l.to(hash)
		browser.WantNarrow(t, l.ctx)
		l.text(`String([...document.querySelectorAll('.filter pre')].filter(e => e.scrollWidth > e.clientWidth).length)`, "0")
	}
}

// wantsSafeGateway of the files that are made for any: what is no host's address would send the key to the host of
// the page.
func wantsSafeGateway(t *testing.T, w *world, chromium context.Context) {
	site := httptest.NewServer(http.HandlerFunc(func(reply http.ResponseWriter, r *http.Request) {
		name := cmp.Or(strings.TrimPrefix(r.URL.Path, "/dashboard/"), "index.html")
		http.ServeContent(reply, r, name, time.Time{}, bytes.NewReader(web.DashboardFiles("")[name]))
	}))
	t.Cleanup(site.Close)
	l := w.newLook(t, chromium)
	l.url = site.URL
	l.open("")
	l.fill("API key", dashboardKey)
	for _, address := range []string{"api:8080", "http://api.example", "http://localhost.example", "javascript:1"} {
		l.fill("Gateway", address)
		l.click("Sign in")
		l.shows("[role=alert]", "Gateway: It begins with https://")
		l.eval(`document.querySelector('[role=alert]').textContent = ''`)
	}
	l.text(`String(performance.getEntriesByType('resource').filter(e => e.initiatorType === 'fetch').length)`, "0")
	l.complaints.Expect("CORS policy", "net::ERR_FAILED")
	l.fill("Gateway", w.url)
	l.click("Sign in")
	l.shows("[role=alert]", "does not answer this page")
}
