package browser

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Complaints are what a page throws, what it writes to the console, and what the browser
// says there of it: a request that failed, a policy that was broken.
type Complaints struct {
	mu       sync.Mutex
	expected []string
	heard    []string
}

// Watch fails the test at its end with each complaint of the tab from now on. Call it
// before the page is opened.
func Watch(t *testing.T, ctx context.Context) *Complaints {
	t.Helper()
	c := new(Complaints)
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			c.hear(thrown(e.ExceptionDetails))
		case *runtime.EventConsoleAPICalled:
			c.hear(written(e))
		case *log.EventEntryAdded:
			c.hear(strings.TrimSpace(e.Entry.Text + " " + e.Entry.URL))
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		// What the page said before this question is heard before its answer.
		_, _ = chromedp.Run(ctx, chromedp.Evaluate[int](`0`))
		for _, h := range c.unexpected() {
			t.Errorf("the page complained: %s", h)
		}
	})
	return c
}

// Expect lets the page complain of what contains one of these, at any time.
func (c *Complaints) Expect(parts ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.expected = append(c.expected, parts...)
}

func (c *Complaints) hear(complaint string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard = append(c.heard, complaint)
}

func (c *Complaints) unexpected() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var unexpected []string
next:
	for _, h := range c.heard {
		for _, e := range c.expected {
			if strings.Contains(h, e) {
				continue next
			}
		}
		unexpected = append(unexpected, h)
	}
	return unexpected
}

// thrown is an exception's text, and its stack where it has one.
func thrown(e *runtime.ExceptionDetails) string {
	if e.Exception == nil {
		return e.Text
	}
	return e.Text + " " + e.Exception.Description + string(e.Exception.Value)
}

// written is a line of the console, as far as it is text.
func written(e *runtime.EventConsoleAPICalled) string {
	line := "console." + string(e.Type)
	for _, a := range e.Args {
		if len(a.Value) > 0 {
			line += " " + string(a.Value)
		} else {
			line += " " + a.Description
		}
	}
	return line
}

// WantNarrow makes the window as wide as a small phone, 360 px, and wants a page that is
// read without scrolling sideways. The window stays so.
func WantNarrow(t *testing.T, ctx context.Context) {
	t.Helper()
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(360, 780)); err != nil {
		t.Fatal(err)
	}
	// A chart may need some frames to become as narrow.
	for until := time.Now().Add(5 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		wide, err := chromedp.Run(ctx, chromedp.Evaluate[[]string](tooWide))
		if err == nil && len(wide) == 0 {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("at 360 px the page scrolls sideways, %v; what sticks out: %s", err, strings.Join(wide, ", "))
		}
	}
}

// tooWide names the innermost elements that stick out of a page that scrolls sideways.
const tooWide = `(() => {
	const root = document.scrollingElement, width = root.clientWidth;
	if (root.scrollWidth <= width) return [];
	const out = [...document.body.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > width + 0.5);
	return ['the page, ' + root.scrollWidth + ' px', ...out.filter(e => !out.some(o => o != e && e.contains(o)))
		.slice(0, 5).map(e => e.cloneNode(false).outerHTML)];
})()`
