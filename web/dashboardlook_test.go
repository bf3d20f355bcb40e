package web_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/tallystick/tallystick/internal/browser"
)

// look is a tab of the dashboard.
type look struct {
	*world
	ctx        context.Context
	complaints *browser.Complaints
}

// newLook opens a tab in a browser context of its own: nobody is signed in.
func (w *world) newLook(t *testing.T, parent context.Context) *look {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("opening a tab: %v", err)
	}
	ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	inner := *w
	inner.T = t
	l := &look{world: &inner, ctx: ctx, complaints: browser.Watch(t, ctx)}
	_, err := chromedp.Call(ctx, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: `shownHash = location.hash; addEventListener('hashchange', () => shownHash = location.hash)`})
	if err != nil {
		t.Fatal(err)
	}
	l.scheme("light")
	return l
}

// signedIn is newLook for somebody who has the key, at a page of the dashboard.
func (w *world) signedIn(t *testing.T, parent context.Context, hash string) *look {
	t.Helper()
	l := w.newLook(t, parent)
	l.open("")
	l.fill("API key", dashboardKey)
	l.click("Sign in")
	l.text(`document.querySelector('h1').textContent`, "Visits")
	l.to(hash)
	return l
}

func (l *look) scheme(scheme string) {
	l.Helper()
	_, err := chromedp.Call(l.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}})
	if err != nil {
		l.Fatal(err)
	}
}

func (l *look) open(hash string) {
	l.Helper()
	if err := chromedp.Do(l.ctx, chromedp.Navigate(l.url+"/dashboard/"+hash)); err != nil {
		l.Fatal(err)
	}
}

// to follows an address within the page, and waits until all parts of it are there.
func (l *look) to(hash string) {
	l.Helper()
	l.eval(fmt.Sprintf(`location.hash === '#' + %[1]q ? dispatchEvent(new HashChangeEvent('hashchange')) : location.hash = %[1]q`, hash))
	l.settled()
}

func (l *look) settled() {
	l.Helper()
	l.text(`String(shownHash === location.hash && document.querySelectorAll('[aria-busy], .waits').length)`, "0")
}

func (l *look) eval(js string) {
	l.Helper()
	if err := chromedp.Do(l.ctx, chromedp.Evaluate[chromedp.Void](js, chromedp.EvalAwaitPromise)); err != nil {
		l.Fatalf("%s: %v", js, err)
	}
}

// text wants the expression, a string, to become want.
func (l *look) text(js, want string) {
	l.Helper()
	l.becomes(js, func(got string) bool { return got == want }, want)
}

// shows wants a part of the page to have these words.
func (l *look) shows(selector string, want ...string) {
	l.Helper()
	for _, part := range want {
		l.becomes(fmt.Sprintf(`[...document.querySelectorAll(%q)].map(e => e.innerText).join('\n').replace(/\s+/g, ' ')`, selector),
			func(got string) bool { return strings.Contains(got, part) }, part)
	}
}

func (l *look) becomes(js string, ok func(string) bool, want string) {
	l.Helper()
	var got string
	var err error
	for until := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if got, err = chromedp.Run(l.ctx, chromedp.Evaluate[string](js)); err == nil && ok(got) {
			return
		}
		if time.Now().After(until) {
			l.Fatalf("%s is %q, %v, want %q", js, got, err, want)
		}
	}
}

// fill puts a value into the control with this label.
func (l *look) fill(label, value string) {
	l.Helper()
	l.eval(fmt.Sprintf(`{
		const control = [...document.querySelectorAll('main label')].find(l => l.textContent === %q).control;
		control.value = %q;
		control.dispatchEvent(new Event('input', {bubbles: true}));
	}`, label, value))
}

// click presses the first button that is called so, as Enter does.
func (l *look) click(name string) {
	l.Helper()
	l.eval(fmt.Sprintf(`{
		const button = [...document.querySelectorAll('button')].find(b => b.firstChild.textContent === %q);
		button.focus();
		button.click();
	}`, name))
}

// press presses keys of the keyboard.
func (l *look) press(keys string) {
	l.Helper()
	if err := chromedp.Do(l.ctx, chromedp.KeyEvent(keys)); err != nil {
		l.Fatal(err)
	}
}
