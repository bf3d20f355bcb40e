package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/tallystick/tallystick/openapi"
)

// TestNoSpellingOfAPathGoesAroundTheKey: the gateway asks for the key by the path as it is
// spelt, a function finds its operation by the path as it is meant.
func TestNoSpellingOfAPathGoesAroundTheKey(t *testing.T) {
	s := startServer(t, t.TempDir(), "RATE_LIMIT=0", "API_KEYS=secret", "LOG_LEVEL=error")
	if r, body := s.do(http.MethodPost, "/stock/a/count", `{"quantity":5}`, "X-Api-Key", "secret", "Content-Type", "application/json"); r.StatusCode/100 != 2 {
		t.Fatalf("POST /stock/a/count: %d %s", r.StatusCode, body)
	}
	for method, path := range keyedPaths(t) {
		for _, spelling := range spellings(path) {
			r, err := http.NewRequest(method, s.url, strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			r.URL.Opaque = spelling
			r.Header.Set("Content-Type", "application/json")
			reply, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(reply.Body)
			reply.Body.Close()
			if reply.StatusCode < 400 || reply.StatusCode >= 500 {
				t.Errorf("%s %s without a key: %d %s, want a refusal", method, spelling, reply.StatusCode, body)
			}
		}
	}
}

// keyedPaths are the paths of the operations behind the key, by their methods.
func keyedPaths(t *testing.T) func(yield func(method, path string) bool) {
	var doc struct {
		Paths map[string]map[string]struct {
			Security []map[string][]string
		}
	}
	if err := json.Unmarshal(openapi.JSON, &doc); err != nil {
		t.Fatal(err)
	}
	variable := regexp.MustCompile(`\{[^}]*\}`)
	return func(yield func(method, path string) bool) {
		for path, operations := range doc.Paths {
			for method, op := range operations {
				if len(op.Security) > 0 && !yield(strings.ToUpper(method), variable.ReplaceAllString(path, "a")) {
					return
				}
			}
		}
	}
}

// spellings are a path with some of its slashes encoded, and what may be put at its end.
func spellings(path string) (all []string) {
	heads := []string{""}
	for i, segment := range strings.Split(path[1:], "/") {
		var longer []string
		for _, h := range heads {
			longer = append(longer, h+"/"+segment)
			if i > 0 {
				longer = append(longer, h+"%2F"+segment, h+"%2f"+segment, h+"//"+segment, h+"/./"+segment, h+"%2F.%2F"+segment)
			}
		}
		heads = longer
	}
	for _, h := range heads {
		for _, end := range []string{"", "/", "%2F", "/%2F", "%2F/", "//", "%20", "%00", ";a", "/.", "%2F%2E", "/a%2F..", "%252F"} {
			all = append(all, h+end)
		}
	}
	return all
}

// TestSpellingsAreOfThePath, so that the test above asks what it says.
func TestSpellingsAreOfThePath(t *testing.T) {
	for _, s := range spellings("/stock/a/movements") {
		if _, err := url.Parse(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
}
