package web_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/tallystick/tallystick/internal/browser"
)

// Who reads the dashboard by other means than a mouse and a wide screen.

func isAccessible(t *testing.T, w *world, chromium context.Context) {
	l := w.newLook(t, chromium)
	l.size(1280)
	l.open("")
	browser.WantAccessible(t, l.ctx)
	l.fill("API key", dashboardKey)
	l.click("Sign in")
	for _, page := range []struct{ name, hash string }{
		{"visits", "visits"},
		{"page", "visits?days=7&page=%2Fabout"},
		{"stock", "stock"},
		{"item", "stock/WIDGET"},
		{"records", "records"},
		{"collection", "records/products?filter=price+%3E"},
		{"record", "records/products/widget-00"},
		{"settings", "records/products?show=settings"},
		{"partners", "partners"},
		{"updates", "partners/acme"},
	} {
		l.complaints.Expect("status of 422")
		l.size(1280)
		l.to(page.hash)
		for _, scheme := range []string{"light", "dark"} {
			l.scheme(scheme)
			t.Run(page.name+" "+scheme, func(t *testing.T) { browser.WantAccessible(t, l.ctx) })
			l.picture(page.name + "-" + scheme + "-1280")
		}
		l.scheme("light")
		browser.WantNarrow(t, l.ctx)
		l.picture(page.name + "-light-360")
	}
}

func (l *look) size(width int64) {
	l.Helper()
	if err := chromedp.Do(l.ctx, chromedp.EmulateViewport(width, 800)); err != nil {
		l.Fatal(err)
	}
}

// pictured are those that the documentation shows.
var pictured = []string{"visits-light-1280", "visits-dark-1280", "visits-light-360", "item-light-1280", "collection-light-1280", "settings-light-1280", "record-dark-1280"}

func (l *look) picture(name string) {
	l.Helper()
	if !*update || !slices.Contains(pictured, name) {
		return
	}
	b, err := chromedp.Run(l.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join("../docs/img", "dashboard-"+name+".png"), b, 0o644)
	}
	if err != nil {
		l.Fatal(err)
	}
}

func byKeys(t *testing.T, w *world, chromium context.Context) {
	l := w.newLook(t, chromium)
	l.open("")
	const focused = `(e => e.name || e.ariaLabel || e.textContent.trim())(document.activeElement)`
	walk := func(names ...string) {
		t.Helper()
		for _, name := range names {
			l.press(kb.Tab)
			l.text(focused, name)
		}
	}
	walk("Skip to the content", "gateway", "key")
	// arrives waits for a page's heading to have the focus, and for what is below it.
	arrives := func(heading, hash string) {
		t.Helper()
		l.text(`document.activeElement.tagName + ' ' + document.activeElement.textContent + ' ' + location.hash`, "H1 "+heading+" "+hash)
		l.settled()
	}
	l.press(dashboardKey + kb.Enter)
	arrives("Visits", "")
	walk("Today", "7 days")
	l.press(kb.Enter)
	arrives("Visits", "#visits?days=7")

	l.eval(`document.querySelector('.skip').focus()`)
	l.press(kb.Enter)
	l.text(`document.activeElement.id + location.hash`, "main#visits?days=7")
	l.eval(`document.querySelector('.skip').focus()`)
	walk("Visits", "Stock")
	l.press(kb.Enter)
	arrives("Stock", "#stock")
	walk("Items", "ACME-1", "GADGET") // the table, which may be scrolled, and what is in it
	l.press(kb.Enter)
	arrives("GADGET", "#stock/GADGET")

	// Each stop has a name and a frame.
	l.text(`String([...document.querySelectorAll('a, button, input, select, textarea, summary, [tabindex="0"]')]
		.filter(e => !(e.textContent.trim() || e.ariaLabel || e.labels?.length)).length)`, "0")
	l.press(kb.Tab)
	l.text(`getComputedStyle(document.activeElement).outlineStyle`, "solid")
}
