package gateway

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// Whatever arrives, through net/http's parser or by hand, gets one well-formed reply: the backend's, or a
// refusal with its status in the body. What is forwarded has a canonical path.
func FuzzServe(f *testing.F) {
	f.Add("GET", "/visits?key=a", "X-Api-Key", "first-key", "")
	f.Add("OPTIONS", "*", "Origin", "null", "")
	f.Add("POST", "//records/../%2e%2E/a%2fb\\c/%00", "X_a", "", "body")
	f.Add("PUT", "/records/%", "X-Http-Method-Override", "", "")
	f.Add("GET", "http://h/constant/%zz/é?&=&a#", "X-Forwarded-For", ",", "")
	f.Add("GET", "/constant-files/", "Authorization", "Basic", "")
	f.Add("", "", "", "", "")
	var forwarded string
	backend := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		forwarded = r.URL.EscapedPath()
		io.Copy(io.Discard, r.Body)
		w.WriteHeader(http.StatusTeapot)
	})
	g := start(f, inProcess, backend, Options{})
	f.Fuzz(func(t *testing.T, method, target, name, value, body string) {
		requests := []*http.Request{{Method: method, URL: &url.URL{Path: target, RawQuery: value}}, {Method: method, URL: &url.URL{Path: value, RawPath: target, ForceQuery: true}}}
		if u, err := url.ParseRequestURI(target); err == nil {
			requests = append(requests, &http.Request{Method: method, URL: u, RequestURI: target})
		}
		for _, r := range requests {
			r.Header = http.Header{name: {value}}
			r.RemoteAddr = value
			r.Body = io.NopCloser(strings.NewReader(body))
			w := httptest.NewRecorder()
			g.ServeHTTP(w, r)
			if w.Code == http.StatusTeapot {
				u, err := url.ParseRequestURI(forwarded)
				if err != nil {
					t.Fatalf("forwarded %q: %v", forwarded, err)
				}
				if path, ok := canonicalPath(u); !ok || path != forwarded {
					t.Errorf("forwarded %q, whose canonical path is %q", forwarded, path)
				}
				continue
			}
			var refused struct{ Code int }
			if err := json.Unmarshal(w.Body.Bytes(), &refused); err != nil || refused.Code != w.Code || w.Code < 400 || w.Code > 599 {
				t.Errorf("%s %q: %d %s", r.Method, r.URL, w.Code, w.Body)
			}
		}
	})
}
