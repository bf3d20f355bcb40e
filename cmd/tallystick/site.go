package main

import (
	"io/fs"
	"net/http"
	"net/url"

	"github.com/tallystick/tallystick/web"
)

// sitePolicy lets the demo site load only what is its own.
const sitePolicy = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// withSite serves the demo site at / and leaves everything else to the gateway,
// which, unlike http.ServeMux, redirects nothing. The key is what the demo's chart is
// read with; without one there is no chart.
func withSite(gate http.Handler, key string) http.Handler {
	files := http.FileServerFS(web.Site())
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", sitePolicy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-cache")
		files.ServeHTTP(w, r)
	})
	pages := map[string]http.Handler{"/": site}
	if key != "" {
		pages["/demo/history"] = demoHistory(gate, key)
	}
	fs.WalkDir(web.Site(), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && name != "index.html" {
			pages["/"+name] = site
		}
		return err
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := pages[r.URL.Path]
		if page == nil || r.Method != http.MethodGet && r.Method != http.MethodHead {
			page = gate
		}
		page.ServeHTTP(w, r)
	})
}

// demoHistory answers with the last 30 days of the demo page itself, the one thing
// behind the key that the demo site shows.
func demoHistory(gate http.Handler, key string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		inner := r.Clone(r.Context())
		inner.URL = &url.URL{Path: "/visits/history", RawQuery: "page=%2F"}
		inner.RequestURI = inner.URL.RequestURI()
		inner.Header.Set("X-Api-Key", key)
		gate.ServeHTTP(w, inner)
	})
}
