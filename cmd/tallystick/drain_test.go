//go:build unix

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
)

// TestAServerThatIsToldToEndAnswersWhatIsUnderWay: requests whose body is still coming
// when the server is told to end are answered, and it ends with 0.
func TestAServerThatIsToldToEndAnswersWhatIsUnderWay(t *testing.T) {
	for _, mode := range modes {
		for _, how := range []struct {
			name string
			tell func(*server)
		}{
			{"SIGTERM", func(s *server) { s.signal(syscall.SIGTERM) }},
			{"Ctrl-C", (*server).interrupt},
		} {
			t.Run(how.name+" to "+mode.name, func(t *testing.T) {
				folder := t.TempDir()
				args := append(mode.args, "RATE_LIMIT=0", "API_KEYS=secret")
				s := startServer(t, folder, args...)
				var pending []*pending
				for range 8 {
					pending = append(pending, s.begin("POST", "/visits/import", "application/x-ndjson"))
				}

				how.tell(s)
				s.wantRefusing()
				for i, p := range pending {
					if got := p.finish(fmt.Sprintf(`{"page":"/page-%d","visits":%d}`, i, 100+i)); got != http.StatusOK {
						t.Errorf("request %d was answered %d, want 200", i, got)
					}
				}
				s.wantExit(0)

				s = startServer(t, folder, args...)
				for i := range pending {
					want := fmt.Sprint(100 + i)
					if got := s.want(http.StatusOK, http.MethodGet, fmt.Sprint("/visits?page=/page-", i), "", "Accept", "text/plain"); strings.TrimSpace(got) != want {
						t.Errorf("/page-%d has %q visits, want %s", i, got, want)
					}
				}
				s.stop()
			})
		}
	}
}

// TestAServerThatIsToldToEndKeepsWhatItAcknowledged, under load.
func TestAServerThatIsToldToEndKeepsWhatItAcknowledged(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			folder := t.TempDir()
			args := append(mode.args, "RATE_LIMIT=0")
			s := startServer(t, folder, args...)
			c := &crowd{T: t}
			c.come(s.url)
			c.until(2000)
			s.stop()
			c.leave()

			stored, acked, sent := startServer(t, folder, args...).stored(), c.acked.Load(), c.sent.Load()
			t.Logf("%d acknowledged, %d stored, %d attempted", acked, stored, sent)
			if stored < acked || stored > sent {
				t.Errorf("%d visits are stored, want at least the %d acknowledged and at most the %d attempted", stored, acked, sent)
			}
			c.wantEachOnce(true)
		})
	}
}

// TestASecondSignalEndsTheServerAtOnce, whatever a client does.
func TestASecondSignalEndsTheServerAtOnce(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			s := startServer(t, t.TempDir(), append(mode.args, "API_KEYS=secret")...)
			s.begin("POST", "/visits/import", "application/x-ndjson") // which may last
			s.signal(syscall.SIGTERM)
			s.wantRefusing()
			s.signal(syscall.SIGTERM)
			s.wantExit(-1)
		})
	}
}

// TestAClientThatHangsDoesNotKeepTheServer: it is waited for as long as drainTime says.
func TestAClientThatHangsDoesNotKeepTheServer(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir(), "API_KEYS=secret", "LOG_LEVEL=warn")
	s.begin("POST", "/visits/import", "application/x-ndjson")
	s.begin("PUT", "/visits", "application/json")
	s.dial().write("POST /visits HTTP/1.1\r\nHost: half a head")
	s.dial()
	s.signal(syscall.SIGTERM)
	s.wantExit(1)
	want := fmt.Sprintf("tallystick: requests that had not ended after %v were cut off: context deadline exceeded\n", drainTime)
	if got := s.said(); got != want {
		t.Errorf("serve said %q, want %q", got, want)
	}
}

// wantRefusing waits until the server takes no new connections.
func (s *server) wantRefusing() {
	s.Helper()
	eventually(s.T, "refusing connections", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
		if err == nil {
			c.Close()
		}
		return refused(err)
	})
}

// wire is a connection to the server that speaks for itself.
type wire struct {
	*testing.T
	net.Conn
	in *bufio.Reader
}

func (s *server) dial() *wire {
	s.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { c.Close() })
	return &wire{s.T, c, bufio.NewReader(c)}
}

func (w *wire) write(text string) {
	w.Helper()
	if _, err := io.WriteString(w, text); err != nil {
		w.Fatal(err)
	}
}

// pending is a request of which the server has begun to read the body.
type pending struct{ *wire }

// bodySize is that of every pending request: what they send is filled up with spaces.
const bodySize = 40

func (s *server) begin(method, path, contentType string) *pending {
	s.Helper()
	w := s.dial()
	w.write(fmt.Sprintf("%s %s HTTP/1.1\r\nHost: x\r\nX-Api-Key: secret\r\nContent-Type: %s\r\n"+
		"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n", method, path, contentType, bodySize))
	line, err := w.in.ReadString('\n')
	if err != nil || !strings.HasPrefix(line, "HTTP/1.1 100 ") {
		s.Fatalf("the server says %q, %v, want it to ask for the body", line, err)
	}
	w.in.ReadString('\n') // the empty line
	return &pending{w}
}

// finish sends the body and returns the reply's status.
func (p *pending) finish(body string) int {
	p.Helper()
	p.write(fmt.Sprintf("%-*s", bodySize, body))
	for {
		reply, err := http.ReadResponse(p.in, nil)
		if err != nil {
			p.Errorf("no reply: %v", err)
			return 0
		}
		reply.Body.Close()
		if reply.StatusCode != http.StatusContinue { // the function's, passed on
			return reply.StatusCode
		}
	}
}
