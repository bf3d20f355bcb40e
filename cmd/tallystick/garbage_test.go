//go:build unix

package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// TestGarbageHurtsNobodyElse: while a connection says something that is no request, and
// after, others are counted.
func TestGarbageHurtsNobodyElse(t *testing.T) {
	s := startServer(t, t.TempDir(), "RATE_LIMIT=0")
	counted := 0
	count := func() {
		t.Helper()
		counted++
		if got := s.want(http.StatusOK, http.MethodPost, "/visits", "", "Accept", "text/plain"); strings.TrimSpace(got) != fmt.Sprint(counted) {
			t.Errorf("visit %d has number %q", counted, got)
		}
	}
	for _, tt := range []struct {
		name, text string
		want       string // how the reply begins; "" is no reply
	}{
		{"nothing", "", ""},
		{"half a request line", "POST /vis", ""},
		{"half a head", "POST /visits HTTP/1.1\r\nHost: x\r\nUser-Ag", ""},
		{"half a body", "PUT /visits HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{", ""},
		{"an empty line", "\r\n\r\n\r\n", "HTTP/1.1 400 "},
		{"binary", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\x00\xff\xfe\r\n\r\n", "HTTP/1.1 400 "},
		{"binary without a line's end", strings.Repeat("\x00\xff", 4096), ""},
		{"a header without end", "GET / HTTP/1.1\r\nHost: x\r\nX-Long: " + strings.Repeat("a", 2<<20), "HTTP/1.1 431 "},
		{"a path without end", "GET /" + strings.Repeat("a", 2<<20) + " HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 431 "},
		{"headers without end", "GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X-Y: z\r\n", 1<<18), "HTTP/1.1 431 "},
		{"no host", "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
		{"two lengths", "POST /visits HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.1 400 "},
		{"a length below zero", "POST /visits HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 400 "},
		{"a transfer coding of its own", "POST /visits HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: mine\r\n\r\n", "HTTP/1.1 501 "},
		{"a space in a header's name", "POST /visits HTTP/1.1\r\nHost: x\r\nX Y: z\r\n\r\n", "HTTP/1.1 400 "},
		{"another protocol", "SSH-2.0-OpenSSH_9.6\r\n\r\n", "HTTP/1.1 400 "},
		{"HTTP/2 unasked", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/1.1 404 "},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := s.dial()
			sent := make(chan struct{})
			go func() { // the server may answer before it has read all
				defer close(sent)
				io.WriteString(w, tt.text)
			}()
			count()
			if tt.want == "" {
				<-sent
			} else {
				got := make([]byte, len(tt.want))
				if _, err := io.ReadFull(w.in, got); err != nil || string(got) != tt.want {
					t.Errorf("the reply begins %q, %v, want %q", got, err, tt.want)
				}
			}
			w.Close()
			<-sent
			count()
		})
	}
	s.stop()
}

// TestSlowRequestsAreCutOff: who sends a byte now and then keeps nobody else waiting,
// and has a connection, but not for ever.
func TestSlowRequestsAreCutOff(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), "RATE_LIMIT=0")
	var slow []*wire
	for i := range 200 {
		w := s.dial()
		w.write("PUT /visits HTTP/1.1\r\nHost: x\r\n")
		if i%2 == 0 {
			w.write("Content-Length: 1000\r\n\r\n") // so that it is the body that is slow
		}
		slow = append(slow, w)
	}
	s.want(http.StatusOK, http.MethodPost, "/visits", "")
	for _, w := range slow {
		go func() {
			for err := error(nil); err == nil; time.Sleep(time.Second) {
				_, err = io.WriteString(w, "X")
			}
		}()
	}
	for _, w := range slow {
		w.SetReadDeadline(time.Now().Add(patience))
		if _, err := io.Copy(io.Discard, w.in); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("a request that does not end has its connection for more than %v", patience)
		}
	}
	if got := s.stored(); got != 1 {
		t.Errorf("the total is %d, want 1", got)
	}
	s.stop()
}

// TestHeadersThatDoNotEndAreRefusedSoon: what anybody sends is not gathered by the megabyte.
func TestHeadersThatDoNotEndAreRefusedSoon(t *testing.T) {
	s := startServer(t, t.TempDir())
	w := s.dial()
	w.write("GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("a:\r\n", 100<<10/4))
	reply, err := http.ReadResponse(w.in, nil)
	if err != nil || reply.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Fatalf("the reply is %v, %v, want 431 before the headers' end", reply, err)
	}
	reply.Body.Close()
}
