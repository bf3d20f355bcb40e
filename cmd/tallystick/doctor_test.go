//go:build unix

package main

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick"
)

func TestDoctorFindsAllWell(t *testing.T) {
	addr := freeAddr(t)
	s := startServer(t, t.TempDir(), "--debug-addr", addr, "ALLOWED_ORIGINS=https://my.site")
	before := s.tool("", "export", "visits").wants(0).stdout
	out := s.tool("", "doctor", "--origin", "https://my.site", "--debug-url", "http://"+addr).wants(0).stdout
	for _, want := range []string{
		"ok       reachable        " + s.url + " answers in ",
		"ok       TLS              none is needed on this machine",
		"ok       Tallystick       API version 1, ",
		"ok       clock            within ",
		"ok       fetch            GET /collections is answered, from its database",
		"ok       key              without one, a route with a key is refused (401)",
		"ok       key              a wrong one is refused (400)",
		"ok       key              the one given opens it",
		"ok       list             GET /stock/alerts",
		"ok       proxy            a body of 2 MiB comes through",
		"ok       pages, visits    pages of https://my.site may POST /visits",
		"ok       pages, stock     pages of https://my.site may GET /stock",
		"ok       pages, key       pages of https://my.site may use a key",
		"ok       queue            visits: 0 operations in 0 transactions, 0 waiting",
		"ok       file             tallystick.db can be written",
		" 0 failed\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
	for _, f := range tallystick.Functions {
		if !strings.Contains(out, "ok       "+f.Name+" ") {
			t.Errorf("it does not say that %s is well:\n%s", f.Name, out)
		}
	}
	if after := s.tool("", "export", "visits").wants(0).stdout; after != before {
		t.Errorf("it counted: there is\n%s\nand was\n%s", after, before)
	}
}

// TestDoctorNamesWhatIsWrong, and how it is mended, and goes on.
func TestDoctorNamesWhatIsWrong(t *testing.T) {
	s := startServer(t, t.TempDir(), "ALLOWED_ORIGINS=https://my.site", "BASIC_AUTH=")
	wantDoctor(t, s, []oddity{
		{name: "a function is stopped", before: func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasPrefix(r.URL.Path, "/stock") && r.URL.Path != "/items" && r.URL.Path != "/reservations" {
				return false
			}
			w.WriteHeader(http.StatusServiceUnavailable)
			return true
		}, code: 1, want: []string{
			`(?m)^FAILED   stock            GET /stock: 503 .*\n +The function stock is down`,
			`(?m)^FAILED   list             GET /stock/alerts: 503`,
			`(?m)^ok       visits  `, `(?m)^ok       fetch  `, `(?m)^ok       update  `,
		}},
		{name: "a route that is not forwarded", before: func(w http.ResponseWriter, r *http.Request) bool {
			if !strings.HasPrefix(r.URL.Path, "/delete") {
				return false
			}
			http.NotFound(w, r)
			return true
		}, code: 1, want: []string{`(?m)^FAILED   remove           OPTIONS /delete: 404 .*\n +The gateway, or a proxy`}},
		{name: "a page of another site", args: []string{"--origin", "https://other.site"}, code: 1, want: []string{
			`(?m)^FAILED   pages, visits    pages of https://other.site are refused\n +Name https://other.site in ALLOWED_ORIGINS`,
			`(?m)^FAILED   pages, stock     pages of https://other.site are refused`,
			`(?m)^ok       pages, key       pages of https://other.site may use no key`,
		}},
		{name: "a proxy that takes CORS headers away", args: []string{"--origin", "https://my.site"}, after: func(reply *http.Response) {
			reply.Header.Del("Access-Control-Allow-Methods")
		}, code: 1, want: []string{`(?m)^FAILED   pages, visits    a browser that asks whether .* is not told so\n.* a proxy`}},
		{name: "a clock a minute off", after: shiftedDate(time.Minute), code: 0, want: []string{
			`(?m)^warning  clock            the clocks differ by (59s|1m0s|1m1s)\n +Set the one that is wrong by NTP`}},
		{name: "a clock an hour off", after: shiftedDate(-time.Hour), code: 1, want: []string{
			`(?m)^FAILED   clock            the clocks differ by (59m59s|1h0m0s|1h0m1s)`}},
		{name: "a proxy that takes small bodies", before: func(w http.ResponseWriter, r *http.Request) bool {
			if r.ContentLength <= 1<<20 {
				return false
			}
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return true
		}, code: 1, want: []string{`(?m)^FAILED   proxy            a body of 2 MiB is refused\n.*client_max_body_size 32m`}},
		{name: "a cache", after: func(reply *http.Response) { reply.Header.Set("Age", "17") }, code: 1, want: []string{
			`(?m)^FAILED   proxy            replies come out of a cache`}},
		{name: "an index that is missing", before: func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/visits/top" || r.Header.Get("X-Api-Key") != s.keptKey() {
				return false
			}
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(http.StatusUnprocessableEntity)
			w.Write([]byte(`{"title":"Unprocessable Entity","status":422,"code":"INDEX_REQUIRED","detail":"it needs an index"}`))
			return true
		}, code: 1, want: []string{`(?m)^FAILED   list             GET /visits/top: 422 INDEX_REQUIRED it needs an index\n +Make the indexes`}},
		{name: "another program", before: func(w http.ResponseWriter, _ *http.Request) bool {
			w.Write([]byte("<html>"))
			return true
		}, code: 1, want: []string{`(?m)^FAILED   Tallystick       /openapi.json is not a Tallystick's`}},
		{name: "an older one", before: func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/openapi.json" {
				return false
			}
			w.Write([]byte(`{"info":{"title":"Tallystick","version":"1"},"paths":{"/visits":{"get":{},"post":{},"put":{},"delete":{}}}}`))
			return true
		}, code: 0, want: []string{`(?m)^warning  Tallystick       API version 1, 1 paths, of another version than this program: it lacks GET /collections, .* and \d+ more`}},
		{name: "elsewhere", before: func(w http.ResponseWriter, r *http.Request) bool {
			http.Redirect(w, r, "https://my.site"+r.URL.Path, http.StatusMovedPermanently)
			return true
		}, code: 1, want: []string{`(?m)^FAILED   reachable        301 .*it is elsewhere, at https://my.site/openapi.json`}},
	})
}

// oddity is what stands between doctor and a server, and what doctor says of it.
type oddity struct {
	name string
	args []string
	// before returns whether it has answered itself
	before func(http.ResponseWriter, *http.Request) bool
	after  func(*http.Response)
	code   int
	want   []string // regular expressions
	not    string   // one that must not be found; empty: none
}

func wantDoctor(t *testing.T, s *server, oddities []oddity) {
	for _, o := range oddities {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			url := proxyBefore(t, s.url, o.before, o.after)
			out := ended(t, s.client("", url, append([]string{"doctor"}, o.args...)...)).wants(o.code).stdout
			for _, want := range o.want {
				if !regexp.MustCompile(want).MatchString(out) {
					t.Errorf("it does not say %s:\n%s", want, out)
				}
			}
			if o.not != "" && regexp.MustCompile(o.not).MatchString(out) {
				t.Errorf("it says %s:\n%s", o.not, out)
			}
		})
	}
}

// proxyBefore is a proxy before a server, which changes what it is told to.
func proxyBefore(t *testing.T, target string, before func(http.ResponseWriter, *http.Request) bool, after func(*http.Response)) string {
	t.Helper()
	to, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(to) },
		ModifyResponse: func(reply *http.Response) error {
			if after != nil {
				after(reply)
			}
			return nil
		},
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if before == nil || !before(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func shiftedDate(by time.Duration) func(*http.Response) {
	return func(reply *http.Response) {
		reply.Header.Set("Date", time.Now().Add(by).UTC().Format(http.TimeFormat))
	}
}

func TestDoctorFindsNobody(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		want []string
	}{
		{"nobody listens", []string{"--url", "http://" + freeAddr(t)}, []string{"FAILED   reachable        nobody answers at http://127.0.0.1:", "Start it"}},
		{"no address", []string{"--url", "here"}, []string{`--url: "here" is not an address`}},
		{"no origin", []string{"--origin", "https://my.site/"}, []string{`--origin: "https://my.site/" is not what a browser calls a site`}},
		{"no file", []string{"--url", "http://" + freeAddr(t), "--store", "sqlite:gone.db"}, []string{"FAILED   file             open gone.db: no such file or directory"}},
		{"no figures", []string{"--url", "http://" + freeAddr(t), "--debug-url", "http://" + freeAddr(t)}, []string{"FAILED   queue            nobody answers"}},
	} {
		folder := t.TempDir()
		ended(t, command(t, folder, append([]string{"doctor"}, tt.args...)...)).wants(1, tt.want...)
		wantFiles(t, folder)
	}
}

// TestDoctorKnowsASignOfLifeOfEachFunction, and of no other.
func TestDoctorKnowsASignOfLifeOfEachFunction(t *testing.T) {
	for _, f := range tallystick.Functions {
		if signsOfLife[f.Name].public.path == "" {
			t.Errorf("doctor does not check the function %s", f.Name)
		}
	}
	for name := range signsOfLife {
		if _, ok := tallystick.Find(name); !ok {
			t.Errorf("doctor checks %s, which is no function", name)
		}
	}
}

// freeAddr is an address where nobody listens.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
