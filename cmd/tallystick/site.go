package main

import (
	"bytes"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"path"
	"time"

	"github.com/tallystick/tallystick/web"
)

// sitePolicy lets the demo site load only what is its own.
const sitePolicy = "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

// withSite serves the demo site at / and leaves everything else to the gateway,
// which, unlike http.ServeMux, redirects nothing. The key is what the demo's chart is
// read with, and there is none without; closed is why its shop is, in words.
func withSite(gate http.Handler, key, closed string, origins []string) http.Handler {
	files := http.FileServerFS(web.Site())
	site := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", sitePolicy)
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-cache")
		files.ServeHTTP(w, r)
	})
	pages := map[string]http.Handler{"/": site, "/shop/": site, "/shop": http.RedirectHandler("/shop/", http.StatusFound)}
	actions := newDemoShop(gate, key, closed, origins).actions()
	if key != "" {
		pages["/demo/history"] = demoHistory(gate, key)
	}
	fs.WalkDir(web.Site(), ".", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && path.Base(name) != "index.html" {
			pages["/"+name] = site
		}
		return err
	})
	maps.Copy(pages, dashboardPages())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page := actions[r.Method+" "+r.URL.Path]
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			page = pages[r.URL.Path]
		}
		if page == nil {
			page = gate
		}
		page.ServeHTTP(w, r)
	})
}

// dashboardPages are the dashboard's files at /dashboard/. It reads by the key that its
// reader has.
func dashboardPages() map[string]http.Handler {
	pages := map[string]http.Handler{"/dashboard": http.RedirectHandler("/dashboard/", http.StatusFound)}
	for name, content := range web.DashboardFiles(web.OwnGateway) {
		place := "/dashboard/" + name
		if name == "index.html" {
			place = "/dashboard/"
		}
		pages[place] = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", web.DashboardPolicy())
			w.Header().Set("X-Content-Type-Options", "nosniff")
			w.Header().Set("Referrer-Policy", "no-referrer")
			w.Header().Set("Cache-Control", "no-cache")
			http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
		})
	}
	return pages
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
