package docs_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/oasdiff/yaml"

	"github.com/tallystick/tallystick/functions/docs"
	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/openapi"
)

func handler() http.Handler {
	api, err := edge.New(edge.Function{Name: "docs", Register: docs.Register}, edge.Env{}, nil)
	if err != nil {
		panic(err)
	}
	return api.Handler()
}

// get asks for a file as a program does that sends these headers.
func get(path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	handler().ServeHTTP(w, r)
	return w
}

func wantFile(t *testing.T, path string, w *httptest.ResponseRecorder, contentType string) {
	t.Helper()
	if w.Code != http.StatusOK {
		t.Fatalf("GET %s: status %d, want 200", path, w.Code)
	}
	if got := w.Header().Get("Content-Type"); got != contentType {
		t.Errorf("GET %s: Content-Type %q, want %q", path, got, contentType)
	}
	if got := w.Header().Get("Cache-Control"); got != "public, max-age=300" {
		t.Errorf("GET %s: Cache-Control %q, want a browser to keep it for 300 s", path, got)
	}
	if got := w.Header().Get("Content-Security-Policy"); !strings.Contains(got, "frame-ancestors 'none'") {
		t.Errorf("GET %s: Content-Security-Policy %q, want that nobody frames it", path, got)
	}
	if got := w.Header().Get("ETag"); !regexp.MustCompile(`^"[^"]+"$`).MatchString(got) {
		t.Errorf("GET %s: ETag %q, want a quoted one", path, got)
	}
}

func TestTheDescriptionIsServed(t *testing.T) {
	for path, tt := range map[string]struct {
		contentType string
		want        []byte
	}{
		"/openapi.json": {"application/json", openapi.JSON},
		"/openapi.yaml": {"application/yaml", openapi.YAML},
	} {
		w := get(path)
		wantFile(t, path, w, tt.contentType)
		if !bytes.Equal(w.Body.Bytes(), tt.want) {
			t.Errorf("GET %s is not package openapi's", path)
		}
		asJSON, err := yaml.YAMLToJSON(w.Body.Bytes()) // JSON is YAML too
		if err != nil || !json.Valid(asJSON) {
			t.Errorf("GET %s: %v", path, err)
		}
	}
}

func TestSwaggerUILoadsWhatItAsksFor(t *testing.T) {
	w := get("/docs")
	wantFile(t, "/docs", w, "text/html; charset=utf-8")
	page := w.Body.String()
	if !strings.Contains(page, "'/openapi.json'") {
		t.Errorf("the page does not load /openapi.json:\n%s", page)
	}
	types := map[string]string{"js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8", "png": "image/png"}
	links := regexp.MustCompile(`(?:href|src)="([^"]*)\.(\w+)"`).FindAllStringSubmatch(page, -1)
	if len(links) < 3 {
		t.Fatalf("the page asks for %q, want at least its script, its style and its icon", links)
	}
	for _, link := range links {
		path := link[1] + "." + link[2]
		plain := get(path)
		wantFile(t, path, plain, types[link[2]])
		if plain.Header().Get("Content-Encoding") != "" {
			t.Errorf("GET %s: compressed for a client that did not say it reads that", path)
		}
		packed := get(path, "Accept-Encoding", "gzip, br")
		wantFile(t, path, packed, types[link[2]])
		if got := packed.Header().Values("Vary"); !strings.Contains(strings.Join(got, ","), "Accept-Encoding") {
			t.Errorf("GET %s: Vary %q, want Accept-Encoding in it", path, got)
		}
		if got := unpacked(t, packed); !bytes.Equal(got, plain.Body.Bytes()) {
			t.Errorf("GET %s: %d bytes when compressed, %d when not: not the same", path, len(got), plain.Body.Len())
		}
	}
}

func TestABrowserThatHasAFileIsToldSo(t *testing.T) {
	for _, path := range []string{"/docs", "/docs/swagger-ui.css", "/openapi.json", "/openapi.yaml"} {
		w := get(path, "If-None-Match", get(path).Header().Get("ETag"))
		if w.Code != http.StatusNotModified || w.Body.Len() > 0 {
			t.Errorf("GET %s again: status %d and %d bytes, want 304 and none", path, w.Code, w.Body.Len())
		}
	}
}

func TestAFileThatIsNotThereIsAProblem(t *testing.T) {
	for _, path := range []string{"/docs/nothing.js", "/docs/swagger-ui.css.gz", "/docs/embed.go", "/docs/%2e%2e"} {
		w := get(path)
		if got := w.Header().Get("Content-Type"); w.Code != http.StatusNotFound || got != "application/problem+json" {
			t.Errorf("GET %s: status %d, %s, want 404 as application/problem+json", path, w.Code, got)
		}
		if got := w.Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("GET %s: Cache-Control %q, want no-store", path, got)
		}
	}
}

func unpacked(t *testing.T, w *httptest.ResponseRecorder) []byte {
	t.Helper()
	if w.Header().Get("Content-Encoding") == "" {
		return w.Body.Bytes()
	}
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
