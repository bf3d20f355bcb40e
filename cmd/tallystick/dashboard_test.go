//go:build unix

package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/tallystick/tallystick/web"
)

// TestServeHasTheDashboard with its policy, so that a key typed into it goes nowhere else.
func TestServeHasTheDashboard(t *testing.T) {
	s := startServer(t, t.TempDir())
	reply, body := s.do(http.MethodGet, "/dashboard", "") // which leads to the one with the slash
	if got := reply.Request.URL.Path; reply.StatusCode != http.StatusOK || got != "/dashboard/" || !strings.Contains(body, "<title>Tallystick dashboard</title>") {
		t.Errorf("/dashboard leads to %s with status %d, want the page at /dashboard/: %.200s", got, reply.StatusCode, body)
	}
	for name, want := range web.DashboardFiles(web.OwnGateway) {
		reply, body := s.do(http.MethodGet, "/dashboard/"+strings.TrimPrefix(name, "index.html"), "")
		if body != string(want) {
			t.Errorf("%s has %d bytes, want the %d of the file", name, len(body), len(want))
		}
		if got := reply.Header.Get("Content-Security-Policy"); got != web.DashboardPolicy() || !strings.HasPrefix(got, "default-src 'none';") {
			t.Errorf("%s has the policy %q, want %q", name, got, web.DashboardPolicy())
		}
	}
	s.want(http.StatusNotFound, http.MethodGet, "/dashboard/nothing.js", "")
	s.want(http.StatusNotFound, http.MethodPost, "/dashboard/", "")
}

func TestDashboardAsFiles(t *testing.T) {
	for _, tt := range []struct {
		name    string
		gateway string
		want    string // in what it says
		fails   bool
	}{
		{"for any gateway", "", "connect-src https: http://localhost:* http://127.0.0.1:*;", false},
		{"for one", "https://api.example/", "connect-src https://api.example;", false},
		{"for one on this machine", "http://localhost:8080", "connect-src http://localhost:8080;", false},
		{"a key would be sent in the clear", "http://api.example", "would send keys in the clear; give it as https://api.example", true},
		{"more than a host", "https://api.example/v1?x", "has more than a host; give https://api.example", true},
		{"a number that a policy cannot name", "http://[::1]:8080", "is an IPv6 address", true},
		{"a policy in the address", "https://a;script-src *", "is no gateway's URL", true},
		{"no URL", "api.example", "is no gateway's URL", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder := t.TempDir()
			args := []string{"dashboard", "site"}
			if tt.gateway != "" {
				args = append(args, "--gateway", tt.gateway)
			}
			out, err := command(t, folder, args...).CombinedOutput()
			if (err != nil) != tt.fails {
				t.Fatalf("%v: %s", err, out)
			}
			said := string(out)
			if !tt.fails {
				index, err := os.ReadFile(filepath.Join(folder, "site", "index.html"))
				if err != nil {
					t.Fatal(err)
				}
				said = string(index)
			}
			if !strings.Contains(said, tt.want) {
				t.Errorf("got %s, want %q in it", said, tt.want)
			}
		})
	}
}

func TestDashboardAsFilesOverwritesNoOtherPage(t *testing.T) {
	folder := t.TempDir()
	write := func() (string, error) {
		out, err := command(t, folder, "dashboard", ".").CombinedOutput()
		return string(out), err
	}
	if out, err := write(); err != nil {
		t.Fatalf("into an empty folder: %v: %s", err, out)
	}
	if out, err := write(); err != nil {
		t.Fatalf("over an older dashboard: %v: %s", err, out)
	}
	const other = "<title>My shop</title>"
	index := filepath.Join(folder, "index.html")
	if err := os.WriteFile(index, []byte(other), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := write(); err == nil || !strings.Contains(out, "index.html is another page's") {
		t.Errorf("over another page: %v: %s, want a refusal", err, out)
	}
	if got, err := os.ReadFile(index); err != nil || string(got) != other {
		t.Errorf("the other page is %q, %v, want %q as before", got, err, other)
	}
}

// dashboardElsewhere signs in from another origin, which the gateway has to name.
func dashboardElsewhere(t *testing.T, browser context.Context) {
	folder := t.TempDir()
	s := startServer(t, folder, "API_KEYS=secret")
	if out, err := command(t, folder, "dashboard", "site", "--gateway", s.url).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	site := httptest.NewServer(http.StripPrefix("/any/place", http.FileServer(http.Dir(filepath.Join(folder, "site")))))
	defer site.Close()
	tb := newTab(t, browser)
	tb.expect("CORS policy", "net::ERR_FAILED")
	signIn := func() {
		tb.open(site.URL + "/any/place/")
		tb.do(chromedp.SetValue(`[name=key]`, "secret"), chromedp.Click(`form button`))
	}
	signIn()
	tb.text(`String(document.querySelector('[role=alert]').textContent.includes('ALLOWED_ORIGINS does not name this page’s origin, `+site.URL+`'))`, "true")

	addr := strings.TrimPrefix(s.url, "http://")
	tb.open("about:blank") // or it asks again while nobody is there
	s.stop()
	startServer(t, folder, "API_KEYS=secret", "ALLOWED_ORIGINS="+site.URL, "--addr", addr)
	signIn()
	tb.text(`document.querySelector('h1').textContent + document.querySelectorAll('.fault').length`, "Visits0")
	tb.text(`document.querySelector('#gateway').textContent`, addr)
	tb.open("about:blank") // this server ends before the tab does
}
