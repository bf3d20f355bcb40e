package update_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/edge"
)

// TestAnAddressHasItsRate, whoever it says that it is: what a client writes into
// X-Forwarded-For stands to the left of what our proxy saw.
func TestAnAddressHasItsRate(t *testing.T) {
	s := start(t, func(c *edge.Config) { c.RateLimit = 1 })
	s.stock(10, "ACME-1")
	s.pass(time.Minute)
	n := 0
	from := func(forwarded string) message {
		n++
		m := s.sign("acme", fmt.Sprint("msg_", n), adjusted(take))
		m.header.Set("X-Forwarded-For", forwarded)
		return m
	}
	s.accept(from("203.0.113.1"))
	s.accept(from("198.51.100.1, 203.0.113.1"))
	for _, lie := range []string{"203.0.113.1", "198.51.100.2, 203.0.113.1", "10.0.0.1,127.0.0.1,203.0.113.1", "garbage, 203.0.113.1"} {
		r := s.refuse(from(lie), http.StatusTooManyRequests, "RATE_LIMITED", "1 requests a second from one address")
		if got := r.header.Get("Retry-After"); got != "1" {
			t.Errorf("Retry-After %q, want 1", got)
		}
	}
	unsigned := from("203.0.113.1")
	unsigned.header.Del("webhook-signature")
	s.refuse(unsigned, http.StatusTooManyRequests, "RATE_LIMITED", "")
	s.accept(from("203.0.113.1, 203.0.113.2")) // another address
	s.pass(time.Second)
	s.accept(from("203.0.113.1"))
	s.onHand(map[string]int64{"ACME-1": 6})
}

// TestABodyThatDoesNotComeIsNotWaitedFor longer than five seconds, whatever the server
// allows: half of it comes, and then nothing.
func TestABodyThatDoesNotComeIsNotWaitedFor(t *testing.T) {
	s := startOld(t)
	s.stock(10, "ACME-1")
	server := httptest.NewServer(s.handler(s.db, func(c *edge.Config) { c.LegacyUpdates = "2127-06-30" }))
	defer server.Close()
	before := s.dump()
	for _, path := range []string{"/partners/acme/updates", "/update"} {
		m := s.sign("acme", "msg_1", adjusted(take))
		conn, err := net.Dial("tcp", strings.TrimPrefix(server.URL, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		var head strings.Builder
		m.header.Write(&head)
		fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: test\r\nContent-Length: %d\r\n%s\r\n%s", path, len(m.body), head.String(), m.body[:len(m.body)/2])
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		if res.StatusCode != http.StatusRequestTimeout || !strings.Contains(string(body), "timeout") {
			t.Errorf("%s: %s %s, want 408", path, res.Status, body)
		}
	}
	if s.dump() != before {
		t.Error("something is stored of half a body")
	}
}
