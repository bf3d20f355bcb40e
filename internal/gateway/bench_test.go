package gateway

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// discard is a reply that nobody reads.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(p []byte) (int, error) { return len(p), nil }
func (d discard) WriteHeader(int)             {}

// BenchmarkInProcess is what the gateway adds to a handler in this process. "direct" is the handler alone.
func BenchmarkInProcess(b *testing.B) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	g := start(b, inProcess, handler, Options{})
	for _, row := range []struct {
		name    string
		handler http.Handler
		method  string
		target  string
		key     string
	}{
		{"direct", handler, "POST", "/visits?page=/about", ""},
		{"exact path", g, "POST", "/visits?page=/about", ""},
		{"exact path with key", g, "GET", "/visits/top", "second-key"},
		{"template", g, "GET", "/records/shop/7", ""},
		{"escaped path", g, "GET", "/records/shop/a%20b", ""},
		{"404", g, "GET", "/nothing", ""},
	} {
		b.Run(row.name, func(b *testing.B) {
			r := httptest.NewRequest(row.method, row.target, strings.NewReader("{}"))
			r.Header = http.Header{"User-Agent": {"bench"}, "Accept": {"*/*"}, "Accept-Encoding": {"gzip"}, "Content-Type": {"application/json"}, "Content-Length": {"2"}}
			if row.key != "" {
				r.Header.Set("X-Api-Key", row.key)
			}
			w := discard{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				row.handler.ServeHTTP(w, r)
			}
		})
	}
}
