package docs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/tallystick/tallystick/internal/browser"

	"github.com/tallystick/tallystick/openapi"
)

// TestSwaggerUIInABrowser: the page lists every operation, calls one, and asks no
// other server.
func TestSwaggerUIInABrowser(t *testing.T) {
	server := httptest.NewServer(handler())
	t.Cleanup(server.Close)
	tab := openTab(t)
	var mu sync.Mutex
	var foreign []string
	err := chromedp.Listen(tab, func(event any) {
		if e, ok := event.(*network.EventRequestWillBeSent); ok && !strings.HasPrefix(e.Request.URL, server.URL) && !strings.HasPrefix(e.Request.URL, "data:") {
			mu.Lock()
			defer mu.Unlock()
			foreign = append(foreign, e.Request.URL)
		}
	})
	if err != nil {
		t.Fatal(err)
	}

	if err := chromedp.Do(tab, chromedp.Navigate(server.URL+"/docs")); err != nil {
		t.Fatal(err)
	}
	wantValue(t, tab, `[...document.querySelectorAll('.opblock')].filter(e => e.checkVisibility()).length`, fmt.Sprint(countOperations(t)))

	const operation = `document.querySelector('#operations-docs-docs')`
	wantValue(t, tab, operation+`.querySelector('.opblock-summary-control').click(), 'opened'`, "opened")
	wantValue(t, tab, operation+`.textContent.includes('VALIDATION_FAILED')`, "true") // a click before the schemas are there is lost
	wantValue(t, tab, `(b => b ? (b.click(), 'sent') : '')(`+operation+`.querySelector('.execute'))`, "sent")
	wantValue(t, tab, operation+`.querySelector('.live-responses-table tbody .response-col_status')?.firstChild.textContent ?? ''`, "200")
	mu.Lock()
	defer mu.Unlock()
	if len(foreign) > 0 {
		t.Errorf("the page asked other servers: %q", foreign)
	}
}

// countOperations leaves preflights out.
func countOperations(t *testing.T) int {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(openapi.JSON, &doc); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, operations := range doc.Paths {
		n += len(operations)
		if operations["options"] != nil {
			n--
		}
	}
	return n
}

// wantValue waits for an expression to have a value.
func wantValue(t *testing.T, tab context.Context, js, want string) {
	t.Helper()
	for until := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		got, err := chromedp.Run(tab, chromedp.Evaluate[string](`String((`+js+`))`))
		if err != nil {
			t.Fatalf("%s: %v", js, err)
		}
		if got == want {
			return
		}
		if time.Now().After(until) {
			t.Fatalf("%s is %q, want %q", js, got, want)
		}
	}
}

func openTab(t *testing.T) context.Context {
	t.Helper()
	ctx, cancelTime := context.WithTimeout(browser.Start(t), time.Minute)
	t.Cleanup(cancelTime)
	return ctx
}
