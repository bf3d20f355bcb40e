package browser

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// TestFindsWhatIsWrongWithPages: whatever the wanting functions let pass here, they would
// let pass everywhere.
func TestFindsWhatIsWrongWithPages(t *testing.T) {
	chromium := Start(t)

	t.Run("axe-core", func(t *testing.T) {
		script := axe(t)
		for _, tt := range []struct{ name, body, want string }{
			{"no name", `<main><h1>A</h1><button></button></main>`, "critical, button-name"},
			{"low contrast", `<main><h1>A</h1><p style="color:#aaa;background:#fff">pale</p></main>`, "serious, color-contrast"},
			{"nothing wrong", `<main><h1>A</h1><button>Go</button></main>`, ""},
		} {
			ctx := open(t, chromium, tt.body)
			faults, err := faultsOf(ctx, script)
			if err != nil {
				t.Fatalf("%s: %v", tt.name, err)
			}
			if tt.want == "" && len(faults) > 0 || tt.want != "" && (len(faults) != 1 || !strings.HasPrefix(faults[0], tt.want)) {
				t.Errorf("%s: the faults are %q, want one that begins with %q", tt.name, faults, tt.want)
			}
		}
	})

	t.Run("too wide", func(t *testing.T) {
		for _, tt := range []struct{ name, body, want string }{
			{"wide", `<p id="wide" style="width:9000px">wide</p>`, `<p id="wide" style="width:9000px"></p>`},
			{"wide inside a box that scrolls", `<div style="overflow:auto"><p style="width:9000px">wide</p></div>`, ""},
		} {
			wide, err := chromedp.Run(open(t, chromium, tt.body), chromedp.Evaluate[[]string](tooWide))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(wide, " "); !strings.HasSuffix(got, tt.want) || (got == "") != (tt.want == "") {
				t.Errorf("%s: what sticks out is %q, want %q", tt.name, got, tt.want)
			}
		}
		WantNarrow(t, open(t, chromium, `<p>a few words</p>`))
	})

	t.Run("complaints", func(t *testing.T) {
		for _, tt := range []struct{ name, js, want string }{
			{"an error of the console", `console.error('so', 1)`, `console.error "so" 1`},
			{"an exception", `setTimeout(() => { throw new Error('oh') })`, "Error: oh"},
			{"a broken policy", `new Image().src = 'http://elsewhere.test/a.png'`, "Content Security Policy"},
			{"a failed request", `fetch('/missing')`, "404"},
		} {
			ctx := newTab(t, chromium)
			c := Watch(t, ctx)
			c.Expect(tt.want)
			show(t, ctx, "")
			if err := chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](tt.js+`; undefined`)); err != nil {
				t.Fatal(err)
			}
			var heard []string
			for until := time.Now().Add(time.Minute); len(heard) == 0 && time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
				c.mu.Lock()
				heard = append(heard, c.heard...)
				c.mu.Unlock()
			}
			if len(heard) != 1 || !strings.Contains(heard[0], tt.want) {
				t.Errorf("%s: heard %q, want one complaint with %q", tt.name, heard, tt.want)
			}
		}
	})
}

// TestExpectedComplaintsPass: all others are left.
func TestExpectedComplaintsPass(t *testing.T) {
	c := new(Complaints)
	c.hear("status of 503 /stock")
	c.Expect("503")
	c.hear("status of 404 /stock")
	if got := c.unexpected(); len(got) != 1 || got[0] != "status of 404 /stock" {
		t.Errorf("not expected are %q, want the 404 only", got)
	}
}

func newTab(t *testing.T, chromium context.Context) context.Context {
	t.Helper()
	ctx, cancel := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("opening a tab: %v", err)
	}
	ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func open(t *testing.T, chromium context.Context, body string) context.Context {
	t.Helper()
	ctx := newTab(t, chromium)
	show(t, ctx, body)
	return ctx
}

// show opens a page of this body, under a policy that allows no script and no image from elsewhere.
func show(t *testing.T, ctx context.Context, body string) {
	t.Helper()
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; connect-src 'self'; img-src 'self' data:; style-src 'unsafe-inline'; require-trusted-types-for 'script'")
		w.Write([]byte(`<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>A</title><body>` + body))
	}))
	t.Cleanup(site.Close)
	if err := chromedp.Do(ctx, chromedp.Navigate(site.URL)); err != nil {
		t.Fatal(err)
	}
}
