package web_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tallystick/tallystick/internal/browser"
)

// browserAgent is what a person's browser calls itself; without it a visit is a bot's.
const browserAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"

func TestClientIsSmall(t *testing.T) {
	b, err := os.ReadFile("tallystick.js")
	if err != nil {
		t.Fatal(err)
	}
	if got := len(b); got > 10<<10+512 {
		t.Errorf("tallystick.js has %d bytes, want at most 10.5 KiB", got)
	}
}

func TestClientInNode(t *testing.T) {
	wantInstalled(t, "node", "the client in Node")
	w := newShop(t)
	run(t, "node", []string{"GATEWAY=" + w.url, "LOSSY=" + loseFirstReplies(t, w.url), "KEY=" + dashboardKey, "AGENT=" + browserAgent},
		"--test", "testdata/client.test.mjs")
}

func TestClientTypesFitPrograms(t *testing.T) {
	tsc := filepath.Join("..", "tools", "node_modules", ".bin", "tsc")
	wantInstalled(t, tsc, "what the client's types allow and forbid")
	run(t, tsc, nil, "--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--lib", "es2022,dom", "testdata/program.ts")
}

// TestClientInBrowser: the page's origin is the gateway's own, which it allows. All that
// goes by the lossy way is another origin's.
func TestClientInBrowser(t *testing.T) {
	chromium := browser.Start(t, chromedp.UserAgent(browserAgent)) // a headless one's own is a bot's
	const inPage = `(async () => {
		const client = await import(%[1]q + '/tallystick.js');
		await (await import(%[1]q + '/testdata/retries.mjs')).retries(client);
		await (await import(%[1]q + '/testdata/real.mjs')).real({...client, url: %[2]q, lossy: %[3]q, key: %[4]q});
		return 'done';
	})()`
	const inWorker = `new Promise((resolve, reject) => {
		const program = "import * as client from '%[1]s/tallystick.js'; import {real} from '%[1]s/testdata/real.mjs';" +
			"real({...client, url: '%[2]s', lossy: '%[3]s', key: '%[4]s'}).then(() => postMessage('done'), e => postMessage(e.stack))";
		const worker = new Worker(URL.createObjectURL(new Blob([program], {type: 'text/javascript'})), {type: 'module'});
		worker.onmessage = ({data}) => resolve(data);
		worker.onerror = e => reject(new Error(e.message));
	})`
	const otherOrigin = `(async () => {
		const {Tallystick} = await import(%[1]q + '/tallystick.js');
		const e = await new Tallystick(%[2]q, {key: %[4]q, attempts: 1}).visits.top().catch(e => e);
		return e.code == 'NETWORK' && e.status == 0 ? 'done' : String(e.stack);
	})()`
	files := serveFiles(t)
	for _, tt := range []struct {
		name, program string
		from          string // the page's origin; the gateway's unless given
	}{
		{"in a page", inPage, ""},
		{"in a module worker", inWorker, ""},
		{"in a page of an origin that is not allowed", otherOrigin, files},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newShop(t)
			if tt.from == "" {
				tt.from = w.url
			}
			ctx, cancel := chromedp.NewContext(chromium, chromedp.WithNewBrowserContext())
			t.Cleanup(cancel)
			if err := chromedp.Do(ctx); err != nil {
				t.Fatal(err)
			}
			ctx, cancel = context.WithTimeout(ctx, time.Minute)
			t.Cleanup(cancel)
			if err := chromedp.Do(ctx, chromedp.Navigate(tt.from+"/no-page")); err != nil {
				t.Fatal(err)
			}
			js := fmt.Sprintf(tt.program, files, w.url, loseFirstReplies(t, w.url), dashboardKey)
			got, err := chromedp.Run(ctx, chromedp.Evaluate[string](js, chromedp.EvalAwaitPromise))
			if err != nil || got != "done" {
				t.Errorf("the client: %s, %v", got, err)
			}
		})
	}
}

// newShop is a world with what only a partner can tell.
func newShop(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.tells("update-1", "delivery.updated", `{"id":"D-1","status":"shipped"}`)
	return w
}

// loseFirstReplies is another address of a server. By it the first reply to each request
// is lost after the server has done what was asked.
func loseFirstReplies(t *testing.T, url string) string {
	t.Helper()
	var lock sync.Mutex
	seen := make(map[string]bool)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		forward, err := http.NewRequestWithContext(r.Context(), r.Method, url+r.URL.RequestURI(), r.Body)
		if err != nil {
			panic(err) // it was a request
		}
		forward.Header = r.Header
		reply, err := http.DefaultTransport.RoundTrip(forward)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		defer reply.Body.Close()
		lock.Lock()
		what := r.Method + r.URL.RequestURI() + r.Header.Get("Idempotency-Key")
		lost := !seen[what] && r.Method != http.MethodOptions
		seen[what] = seen[what] || lost
		lock.Unlock()
		if lost {
			panic(http.ErrAbortHandler)
		}
		for name, values := range reply.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(reply.StatusCode)
		io.Copy(w, reply.Body)
	}))
	t.Cleanup(proxy.Close)
	return proxy.URL
}

// serveFiles serves this folder to pages of any origin.
func serveFiles(t *testing.T) string {
	t.Helper()
	files := http.FileServer(http.Dir("."))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		if filepath.Ext(r.URL.Path) == ".mjs" {
			w.Header().Set("Content-Type", "text/javascript")
		}
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// wantInstalled skips a test that needs a program which is not here, except where CI=true
// promises that it is.
func wantInstalled(t *testing.T, program, forWhat string) {
	t.Helper()
	_, err := exec.LookPath(program)
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("no %s, and CI=true promises one: run make install", program)
	default:
		t.Skipf("needs %s, which make install installs: %s is not tested", program, forWhat)
	}
}

func run(t *testing.T, program string, env []string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, program, args...)
	c.Env = append(os.Environ(), env...)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", program, err, out)
	}
}
