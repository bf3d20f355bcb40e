package web_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/record"
)

func showsVisits(t *testing.T, w *world, chromium context.Context) {
	l := w.signedIn(t, chromium, "visits?days=7")
	l.shows(".sums", "visits", "the 7 days before", "unique visitors")
	l.shows(".column:nth-child(1)", "Top pages", "/about")
	l.shows(".column:nth-child(2)", "duckduckgo.com 2", "news.ycombinator.com 1", "none named")
	l.shows(".column:nth-child(3)", "newsletter 3")
	l.shows("main", "No countries")
	l.eval(`document.querySelector('main details').open = true`)
	l.text(`String(document.querySelectorAll('main details tbody tr').length)`, "7")

	l.eval(`[...document.querySelectorAll('main a')].find(a => a.textContent === '/about').click()`)
	l.text(`document.querySelector('h1').textContent`, "Visits of /about")
	l.settled()
	l.text(`location.hash`, "#visits?days=7&page=%2Fabout")
	l.shows(".sums", "visits of all time")
	for days, period := range map[int]string{1: "Today", 30: "30 days", 365: "365 days"} {
		l.to(fmt.Sprintf("visits?days=%d", days))
		l.text(`document.querySelector('nav [aria-current=true]').textContent`, period)
		l.text(`String(document.querySelectorAll('.plot').length)`, map[bool]string{true: "1", false: "0"}[days > 1])
	}
}

func readsChart(t *testing.T, w *world, chromium context.Context) {
	l := w.signedIn(t, chromium, "visits?days=30&page=%2Fabout")
	l.text(`String(!!document.querySelector('.plot canvas'))`, "true")
	l.eval(`document.querySelector('.plot').focus()`)
	const value = `document.querySelector('.plot').getAttribute('aria-valuenow') + ' ' + document.querySelector('.plot').getAttribute('aria-valuetext').replace(/.*: /, '')`
	l.text(value, "30 12 visits, 9 unique")
	l.press(kb.ArrowLeft)
	l.text(value, "29 17 visits, 12 unique")
	l.text(`document.querySelector('.readout').textContent.replace(/.*: /, '')`, "17 visits, 12 unique")
	l.press(kb.Home + kb.ArrowLeft)
	l.becomes(value, func(got string) bool { return got[:2] == "1 " }, "the first day")
}

func livens(t *testing.T, w *world, chromium context.Context) {
	l := w.signedIn(t, chromium, "visits?days=30&page=%2Flive")
	l.shows(".live", "0")
	w.send(http.MethodPost, "/visits?page=/live", "")
	l.text(`document.querySelector('.live').textContent`, "1")
}

func showsStock(t *testing.T, w *world, chromium context.Context) {
	l := w.signedIn(t, chromium, "stock")
	l.shows("tr.low", "GADGET 4 4 0 low: 5 or fewer")
	l.shows("section:nth-of-type(2)", "Low-stock alerts", "GADGET 4 5")
	l.shows("section:nth-of-type(3)", "Held now", "3 × WIDGET", "23 h")

	l.to("stock/WIDGET")
	l.shows(".sums", "available 57", "on hand 60", "reserved 3")
	l.text(`document.querySelector('.plot').getAttribute('aria-label')`, "On hand after each of 3 movements")
	l.eval(`document.querySelector('main details').open = true`)
	l.shows("main details", "adjusted +24 60 a crate")

	w.send(http.MethodPost, "/stock/NEW/count", `{"quantity":7}`)
	w.send(http.MethodPost, "/reservations", `{"lines":[{"sku":"NEW","quantity":2}]}`)
	l.to("stock/NEW")
	l.fill("Counted on the shelf", "6")
	l.click("Save the count")
	l.shows(".sums", "on hand 6")
	l.text(`document.activeElement.textContent`, "Now") // for what had the focus was drawn anew
	l.fill("More, or fewer", "-1")
	l.click("Adjust")
	l.shows(".sums", "on hand 5")
	l.fill("Low at", "4")
	l.click("Save the settings")
	l.shows(".sums", "available 3 low: 4 or fewer")
	const asks = `[...document.querySelectorAll('td button')].map(b => b.firstChild.textContent).join()`
	l.click("Release")
	l.text(asks, "Release it?")
	l.eval(`document.activeElement.blur()`)
	l.to("stock/NEW")
	l.text(asks, "Release") // for nobody said yes
}

func staleCount(t *testing.T, w *world, chromium context.Context) {
	w.send(http.MethodPost, "/stock/MOVING/count", `{"quantity":10}`)
	l := w.signedIn(t, chromium, "stock/MOVING")
	l.complaints.Expect("status of 409")
	w.send(http.MethodPost, "/stock/MOVING/adjust", `{"delta":-3}`)
	l.fill("Counted on the shelf", "9")
	l.click("Save the count")
	l.shows("[role=alert]", "It moved while you counted: it was 10, and is 7 now. Nothing was changed.")
	l.click("Show it as it is")
	l.shows(".sums", "on hand 7")
}

func keepsOthersItemSettings(t *testing.T, w *world, chromium context.Context) {
	w.send(http.MethodPost, "/stock/SHARED/count", `{"quantity":10}`)
	l := w.signedIn(t, chromium, "stock/SHARED")
	l.complaints.Expect("status of 409")
	w.send(http.MethodPut, "/stock/SHARED", `{"oversellLimit":3}`)
	w.send(http.MethodPost, "/stock/SHARED/adjust", `{"delta":-1}`) // a sale is no other setting
	l.fill("Low at", "4")
	l.click("Save the settings")
	l.shows("[role=alert]", "Somebody saved other settings meanwhile, and yours would undo theirs: nothing was changed.")
	if got := w.send(http.MethodGet, "/items", ""); !strings.Contains(got, `"sku":"SHARED","available":9,"onHand":9,"reserved":0,"version":3,"oversellLimit":3,"lowStockThreshold":null`) {
		t.Errorf("the items are %s, want SHARED as the other one left it", got)
	}
	l.click("Show it as it is")
	l.text(`document.querySelector('[name=oversellLimit]').value + document.querySelector('[name=lowStockThreshold]').value`, "3")
	l.fill("Low at", "4")
	w.send(http.MethodPost, "/stock/SHARED/adjust", `{"delta":-1}`)
	l.click("Save the settings")
	l.shows(".said", "The settings are saved.")
}

func keepsWhatIsTyped(t *testing.T, w *world, chromium context.Context) {
	w.send(http.MethodPost, "/stock/TYPED/count", `{"quantity":10}`)
	l := w.signedIn(t, chromium, "stock/TYPED")
	l.complaints.Expect("status of 409")
	l.fill("Low at", "8")
	l.fill("Counted on the shelf", "9")
	l.fill("More, or fewer", "-3")
	l.click("Adjust")
	l.shows(".said", "Adjusted: 7 on hand.")
	l.shows(".sums", "on hand 7")
	const typed = `['quantity', 'delta', 'lowStockThreshold'].map(name => document.querySelector('[name=' + name + ']').value).join()`
	l.text(typed, "9,,8")
	l.click("Save the settings")
	l.shows(".sums", "low: 8 or fewer")
	l.text(typed, "9,,8")

	l.click("Save the count") // of what was there when it was begun
	l.shows("[role=alert]", "It moved while you counted: it was 10, and is 7 now.")
	l.click("Show it as it is")
	l.shows(".forms", "7 should be there.")
	l.fill("More, or fewer", "1")
	l.click("Adjust")
	l.shows(".forms", "8 should be there.") // for nobody had begun to count
}

func limitsAsTheAPI(t *testing.T, w *world, chromium context.Context) {
	w.send(http.MethodPost, "/stock/LIMITS/count", `{"quantity":10}`)
	l := w.signedIn(t, chromium, "stock")
	l.text(`String(document.querySelector('[name=sku]').maxLength)`, strconv.Itoa(inventory.MaxSKU))
	l.to("stock/LIMITS")
	l.text(`[...document.querySelectorAll('[name=reason]')].map(e => e.maxLength).join()`, fmt.Sprintf("%[1]d,%[1]d", inventory.MaxReason))

	l.complaints.Expect("status of 404")
	for name, taken := range map[string]bool{"Old_Products-2": true, "9": true, "_a": false, "-a": false, "a.b": false, "é": false} {
		if got := record.CheckCollection(name) == nil; got != taken {
			t.Errorf("the API takes %q as a collection's name: %v", name, got)
		}
		l.to("records")
		l.fill("Name", name)
		l.click("Make its settings")
		if taken {
			l.text(`location.hash`, "#records/"+name+"?show=settings")
		} else {
			l.shows("[role=alert]", "Name: ")
		}
	}
}

func showsRecords(t *testing.T, w *world, chromium context.Context) {
	l := w.signedIn(t, chromium, "records")
	l.shows("tbody", "products none canonical 2 never")
	l.to("records/products")
	l.text(`String(document.querySelectorAll('tbody tr').length)`, "25")
	l.click("Next")
	l.shows(".turner", "page 2")
	l.text(`String(document.querySelectorAll('tbody tr').length)`, "15")
	l.click("Previous")
	l.shows(".turner", "page 1")

	filter := func(text string) {
		l.Helper()
		l.fill("Filter", text)
		l.click("Filter")
		l.text(`new URLSearchParams(location.hash.split('?')[1]).get('filter')`, text)
		l.settled()
	}
	filter(`color = "blue" AND price < 10`)
	l.text(`String(document.querySelectorAll('tbody tr').length)`, "5")
	filter(`color = "pink"`)
	l.shows(".empty", "No record is like that.")

	l.complaints.Expect("status of 422")
	for _, tt := range []struct{ filter, mark, want string }{
		{`price > > 3`, ">", "at character 9"},
		{`price >`, " ", "ends too early"},
		{`size > 3`, "", "size"},
	} {
		filter(tt.filter)
		l.shows(".filter [role=alert]", tt.want)
		l.text(`document.querySelector('.filter mark')?.textContent ?? ''`, tt.mark)
		l.text(`document.querySelector('[name=filter]').getAttribute('aria-invalid')`, "true")
		l.text(`String(document.querySelector('[name=filter]').getAttribute('aria-describedby').includes(document.querySelector('.filter [role=alert]').id))`, "true")
	}
	filter(`price > > 3`)
	l.text(`document.activeElement.name + document.activeElement.selectionStart`, "filter8")

	l.to("records/products/widget-00")
	l.shows(".facts", "version 2")
	l.shows(".sides div:nth-child(1)", `"price": "0.90"`)
	l.shows(".sides div:nth-child(2)", `"price": 0.9`)
	l.shows("details", "Version 1")
}

func triesSettings(t *testing.T, w *world, chromium context.Context) {
	w.send(http.MethodPut, "/records/tried/a", `{"price":"3.50"}`)
	l := w.signedIn(t, chromium, "records/tried?show=settings")
	l.fill("Schema", `{"required":["price"]}`)
	l.fill("Transform", `{cents: (.price | tonumber * 100)}`)
	l.fill("A record’s id", "a")
	l.click("Try")
	l.shows(".tried", "It would be stored as this. Nothing was changed.", `"cents": 350`)
	l.fill("A record’s id", "")
	l.fill("or a document", `{"prize":1}`)
	l.click("Try")
	l.shows(".tried", "It would be refused:", "price")

	l.fill("Schema", `{"required"`)
	l.click("Save")
	l.shows("[role=alert]", "The schema is not JSON:")
	l.complaints.Expect("status of 422")
	l.fill("Schema", ``)
	l.fill("Transform", `{cents: `)
	l.click("Save")
	l.becomes(`document.querySelector('.editor [role=alert]').textContent`, func(got string) bool { return len(got) > 10 && got[:10] != "The schema" }, "what is wrong with the program")

	l.fill("Transform", `{cents: (.price | tonumber * 100)}`)
	l.click("Save")
	l.shows(".editor", "Version 1 is in force.")
	l.click("Make them anew")
	l.shows("[role=status]", "1 record made anew.")
	l.to("records/tried/a")
	l.shows(".sides", `"cents": 350`)
}

func keepsOthersSettings(t *testing.T, w *world, chromium context.Context) {
	w.send(http.MethodPut, "/collections/shared", `{"ttlSeconds":60}`)
	l := w.signedIn(t, chromium, "records/shared?show=settings")
	l.complaints.Expect("status of 412")
	w.send(http.MethodPut, "/collections/shared", `{"ttlSeconds":120}`)
	l.fill("Expires after, seconds", "90")
	l.click("Save")
	l.shows("[role=alert]", "Somebody saved other settings while you wrote yours")
	l.text(`document.querySelector('[name=ttl]').value`, "90")
}

func showsPartners(t *testing.T, w *world, chromium context.Context) {
	l := w.signedIn(t, chromium, "partners")
	l.shows(".partner", "acme", "active")
	l.shows(".aside", "Refused updates are not here.", "log")
	l.complaints.Expect("status of 404")
	l.fill("Delivery", "D-9")
	l.click("Find")
	l.shows("[role=alert]", "No partner has told of such a delivery.")
	l.fill("Delivery", "D-1")
	l.click("Find")
	l.shows("[role=status]", "D-1: packed, after 1 event.")
	l.to("partners/acme")
	l.shows("tbody", "msg_1 delivery.updated standard-webhooks", "msg_2 stock.adjusted")
}

// oneDown holds each function down in turn, and looks at the pages of all of them.
func oneDown(t *testing.T, w *world, chromium context.Context) {
	l := w.signedIn(t, chromium, "visits")
	l.complaints.Expect("status of 503")
	pages := []struct{ function, hash, works string }{
		{"visits", "visits", ".sums"},
		{"stock", "stock", "tbody"},
		{"fetch", "records/products", "tbody"},
		{"update", "partners", ".partner"},
	}
	for _, down := range pages {
		w.hold(t, down.function)
		for _, page := range pages {
			l.to(page.hash)
			if page.function != down.function {
				l.becomes(fmt.Sprintf(`String(!!document.querySelector(%q) && !document.querySelector('.fault'))`, "main "+page.works),
					func(got string) bool { return got == "true" }, page.hash+" as ever, while "+down.function+" is down")
				continue
			}
			l.shows(".fault", "The function "+down.function+" does not answer just now (503). All other parts go on.")
		}
		w.down[down.function].Store(false)
		l.to(down.hash)
		l.becomes(fmt.Sprintf(`String(!!document.querySelector(%q))`, "main "+down.works), func(got string) bool { return got == "true" }, down.hash+" again")
	}

	// Where it was asked for again, in its place, and the focus stays there.
	w.hold(t, "stock")
	l.to("stock")
	l.shows(".fault", "does not answer")
	w.down["stock"].Store(false)
	l.click("Try again")
	l.shows("tbody", "GADGET")
	l.text(`document.activeElement.textContent`, "Items")

	// A record is read by one function, and its settings are tried by another.
	w.hold(t, "store")
	l.to("records/products?show=settings")
	l.fill("or a document", `{}`)
	l.click("Try")
	l.shows("[role=alert]", "The function store does not answer just now (503).")
}

// leavesLoading goes from page to page faster than they come.
func leavesLoading(t *testing.T, w *world, chromium context.Context) {
	l := w.signedIn(t, chromium, "visits")
	l.complaints.Expect("net::ERR_ABORTED")
	l.eval(`(async () => {
		for (let i = 0; i < 20; i++) {
			location.hash = ['stock/WIDGET', 'records/products', 'visits?days=365', 'partners'][i % 4];
			await new Promise(done => setTimeout(done));
		}
	})()`)
	l.settled()
	l.text(`document.querySelector('h1').textContent + document.querySelectorAll('main > .sheet').length`, "Partners2")
}
