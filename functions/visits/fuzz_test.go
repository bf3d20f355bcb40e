package visits_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick/functions/visits"
	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
)

// FuzzRequests: whatever the query, the headers and the body are, no reply is a
// 5xx, and a reply in JSON is JSON.
func FuzzRequests(f *testing.F) {
	store, err := sqlite.Open(f.Context(), filepath.Join(f.TempDir(), "visits.db"))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { store.Close() })
	function := edge.Function{Name: "visits", EntryPoint: "Visits", Register: visits.Register}
	env := edge.Env{
		Config: edge.Config{AllowedOrigins: []string{"*"}, TrustedHops: 1, MergeQueue: 1000, Shards: 1},
		Store:  store, Now: func() time.Time { return noon },
	}
	api, err := edge.New(function, env, nil)
	if err != nil {
		f.Fatal(err)
	}
	handler := api.Handler()
	for i, seed := range []struct{ query, header, body string }{
		{"page=/about", firefox, ""},
		{"page=/a&page=%2Fb&page=", "Googlebot/2.1", ""},
		{"page=/&label=%3Cb%3E&color=%23abc&format=short&of=uniques", "", ""},
		{"pageSize=-1&pageToken=AAAA", "k", ""},
		{"pageSize=9999999999999999999", "\xff", ""},
		{"from=2126-11-20&to=2126-11-21&page=/x", "", ""},
		{"from=0000-01-01&to=9999-12-31", "", ""},
		{"page=/%zz;%", "", ""},
		{"page=/s", "", `{"visits":5,"uniques":3}`},
		{"page=/s", "", `{"visits":1e400,"visits":"x"}`},
		{"format=csv&maxErrors=3&validateOnly=true", "", "page,day,visits,uniques\n/a,,1,1\n"},
		{"maxErrors=1", "", `{"page":"/a","visits":3}` + "\n{"},
	} {
		f.Add(uint8(i), seed.query, seed.header, seed.body)
	}
	f.Fuzz(func(t *testing.T, route uint8, query, header, body string) {
		to := routes[int(route)%len(routes)]
		r := httptest.NewRequest(to.method, strings.TrimSuffix(to.path, "?page=/"), strings.NewReader(body))
		r.URL.RawQuery = query
		r.Header.Set("User-Agent", header)
		r.Header.Set("Idempotency-Key", header)
		r.Header.Set("X-Forwarded-For", header)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code >= 500 {
			t.Fatalf("%s %s?%s: %d %s", to.method, to.path, query, w.Code, w.Body)
		}
		contentType := w.Header().Get("Content-Type")
		if w.Code != http.StatusOK && contentType != "application/problem+json" {
			t.Fatalf("%s %s?%s: %d as %q", to.method, to.path, query, w.Code, contentType)
		}
		if strings.HasSuffix(contentType, "json") && !strings.Contains(contentType, "ndjson") && !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%s %s?%s: %d %q is not JSON", to.method, to.path, query, w.Code, w.Body)
		}
	})
}
