//go:build unix

package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// TestTheSiteLeavesTheRestToTheGateway, which merges slashes where http.ServeMux
// redirects.
func TestTheSiteLeavesTheRestToTheGateway(t *testing.T) {
	s := startServer(t, t.TempDir())
	for _, tt := range []struct {
		request string
		status  int
		body    string // a part of it
	}{
		{"GET /", 200, "<!doctype html>"},
		{"GET /?from=mail", 200, "<!doctype html>"},
		{"GET /style.css", 200, "{"},
		{"GET /demo/history", 200, `"page":"/","from":`},
		{"POST //visits", 200, `"counted":true`},
		{"POST /docs/../visits", 200, `"counted":true`},
		{"GET /visits/./top", 401, `"code":401`},
		{"POST /", 404, `"code":404`},
		{"OPTIONS /", 404, `"code":404`},
		{"DELETE /style.css", 404, `"code":404`},
		{"GET /index.html", 404, `"code":404`},
		{"GET /demo", 404, `"code":404`},
		{"POST /demo/history", 404, `"code":404`},
	} {
		w := s.dial()
		w.write(tt.request + " HTTP/1.1\r\nHost: x\r\nUser-Agent: " + browserAgent + "\r\n\r\n")
		reply, err := http.ReadResponse(w.in, nil)
		if err != nil {
			t.Fatalf("%s: %v", tt.request, err)
		}
		body, err := io.ReadAll(reply.Body)
		if err != nil {
			t.Fatalf("%s: %v", tt.request, err)
		}
		if reply.StatusCode != tt.status || !strings.Contains(string(body), tt.body) {
			t.Errorf("%s: status %d, want %d and %s in:\n%s", tt.request, reply.StatusCode, tt.status, tt.body, body)
		}
	}
	if got := s.stored(); got != 2 {
		t.Errorf("the total is %d, want 2", got)
	}
}
