package docs_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
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

// TestSwaggerUIInABrowser: the page lists every operation, calls one, fits a phone, and
// asks no other server.
func TestSwaggerUIInABrowser(t *testing.T) {
	server := httptest.NewServer(handler())
	t.Cleanup(server.Close)
	tab := openTab(t)
	browser.Watch(t, tab)
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

	execute(t, tab, "docs-docs")
	browser.WantNarrow(t, tab)
	mu.Lock()
	defer mu.Unlock()
	if len(foreign) > 0 {
		t.Errorf("the page asked other servers: %q", foreign)
	}
}

// TestSwaggerUIIsAccessible looks at what the page mends of Swagger UI, which has a light
// look only: each kind of field, example and schema, and the dialog.
func TestSwaggerUIIsAccessible(t *testing.T) {
	server := httptest.NewServer(handler())
	t.Cleanup(server.Close)
	tab := openTab(t)
	wantAccessible := func(stage string) {
		t.Helper()
		wantValue(t, tab, `document.getAnimations().length`, "0")
		t.Run(stage, func(t *testing.T) { browser.WantAccessible(t, tab) })
	}
	if err := chromedp.Do(tab, chromedp.EmulateViewport(1280, 800), chromedp.Navigate(server.URL+"/docs")); err != nil {
		t.Fatal(err)
	}
	wantValue(t, tab, `[...document.querySelectorAll('.opblock')].filter(e => e.checkVisibility()).length`, fmt.Sprint(countOperations(t)))
	wantAccessible("collapsed")

	execute(t, tab, "docs-docs")
	for id, field := range map[string]string{
		"fetch-fetchMany":     `.json-schema-array input`,
		"visits-importVisits": `.opblock-body:has(select) input[type=file]`,
		"fetch-filter":        `textarea`,
	} {
		open(t, tab, id)
		wantValue(t, tab, `!!document.querySelector('#operations-`+id+` `+field+`')`, "true")
	}
	wantAccessible("tried")
	browser.WantNarrow(t, tab)
	wantAccessible("tried at 360 px")
	const idle = `[...document.querySelectorAll('.microlight[tabindex]')].filter(e => e.scrollWidth <= e.clientWidth && e.scrollHeight <= e.clientHeight).length`
	wantValue(t, tab, idle, "0")

	wantValue(t, tab, `[...document.querySelectorAll('button.tablinks')].filter(b => b.textContent == 'Schema').map(b => b.click()).length > 4`, "true")
	wantValue(t, tab, `!!document.querySelector('.json-schema-2020-12__constraint--string')`, "true")
	browser.WantNarrow(t, tab)
	wantAccessible("schemas at 360 px")

	wantValue(t, tab, `(b => b ? (b.click(), 'opened') : '')(document.querySelector('.btn.authorize'))`, "opened")
	wantValue(t, tab, `document.querySelectorAll('.auth-container').length`, "2")
	wantAccessible("dialog at 360 px")
}

// TestAuthorizeSendsTheKeyAndTheUser: what is typed into Swagger UI's dialog reaches an
// operation that asks for it.
func TestAuthorizeSendsTheKeyAndTheUser(t *testing.T) {
	asked := make(chan http.Header, 1)
	mux := http.NewServeMux()
	mux.Handle("/", handler())
	mux.HandleFunc("/visits/top", func(_ http.ResponseWriter, r *http.Request) { asked <- r.Header })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	tab := openTab(t)
	if err := chromedp.Do(tab, chromedp.Navigate(server.URL+"/docs")); err != nil {
		t.Fatal(err)
	}
	wantValue(t, tab, `(b => b ? (b.click(), 'opened') : '')(document.querySelector('.btn.authorize'))`, "opened")
	fill := func(id, value string) {
		t.Helper()
		wantValue(t, tab, fmt.Sprintf(`(e => {
			if (!e) return '';
			Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value').set.call(e, %q);
			e.dispatchEvent(new Event('input', {bubbles: true}));
			return 'filled';
		})(document.querySelector('#%s'))`, value, id), "filled")
	}
	wantValue(t, tab, `document.querySelector('#auth-basic-username')?.autocomplete ?? ''`, "username")
	fill("api_key_value", "a key")
	fill("auth-basic-username", "anna")
	fill("auth-basic-password", "secret")
	wantValue(t, tab, `document.querySelectorAll('.auth-container [type=submit]').forEach(b => b.click()), 'sent'`, "sent")
	wantValue(t, tab, `[...document.querySelectorAll('.auth-container')].filter(e => e.textContent.includes('Logout')).length`, "2")
	wantValue(t, tab, `document.querySelector('.close-modal').click(), 'closed'`, "closed")

	execute(t, tab, "visits-topPages")
	r := http.Request{Header: <-asked}
	if user, password, _ := r.BasicAuth(); user != "anna" || password != "secret" || r.Header.Get("X-Api-Key") != "a key" {
		t.Errorf("asked with %v, want the key, and anna with her password", r.Header)
	}
}

// execute opens an operation, calls it and wants 200.
func execute(t *testing.T, tab context.Context, id string) {
	t.Helper()
	operation := open(t, tab, id)
	wantValue(t, tab, `(b => b ? (b.click(), 'sent') : '')(`+operation+`.querySelector('.execute'))`, "sent")
	wantValue(t, tab, operation+`.querySelector('.live-responses-table tbody .response-col_status')?.firstChild.textContent ?? ''`, "200")
}

// open opens an operation, and is JavaScript for it.
func open(t *testing.T, tab context.Context, id string) string {
	t.Helper()
	operation := `document.querySelector('#operations-` + id + `')`
	wantValue(t, tab, operation+`.querySelector('.opblock-summary-control').click(), 'opened'`, "opened")
	wantValue(t, tab, operation+`.textContent.includes('VALIDATION_FAILED')`, "true") // a click before the schemas are there is lost
	return operation
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
	for until := time.Now().Add(2 * time.Minute); ; time.Sleep(20 * time.Millisecond) {
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
	ctx, cancelTime := context.WithTimeout(browser.Start(t), 5*time.Minute)
	t.Cleanup(cancelTime)
	return ctx
}
