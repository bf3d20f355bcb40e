package gateway

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

func TestBackendSlowerThanItsDeadline(t *testing.T) {
	bothModes(t, func(t *testing.T, m mode) {
		var log bytes.Buffer
		g := start(t, m, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }),
			Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
		wantRefusal(t, call(g, "GET", "/slow"), 504, "upstream request timeout")
		if logged := strings.Contains(log.String(), "operation=slow"); logged != (m == overHTTP) {
			t.Errorf("logged %q", log.String())
		}
	})
}

func TestDefaultDeadlineIs15Seconds(t *testing.T) {
	rt, _ := start(t, inProcess, echo, Options{}).routes.find("GET", "/visits")
	if rt.deadline != 15*time.Second {
		t.Errorf("deadline is %v", rt.deadline)
	}
}

func TestHandlerInProcessSeesTheDeadline(t *testing.T) {
	var has bool
	g := start(t, inProcess, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { _, has = r.Context().Deadline() }), Options{})
	if call(g, "GET", "/visits"); !has {
		t.Error("the context has no deadline")
	}
}

// counting counts what the real transport is asked.
type counting struct {
	*http.Transport
	calls atomic.Int64
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.calls.Add(1)
	return c.Transport.RoundTrip(r)
}

func newCounting(t *testing.T) *counting {
	c := &counting{Transport: NewTransport()}
	t.Cleanup(c.CloseIdleConnections)
	return c
}

func TestBackendDownIsRetriedOnce(t *testing.T) {
	const nobody = "http://127.0.0.1:1" // a port that was just free may soon be another's
	for _, body := range []io.Reader{nil, strings.NewReader("a body that nobody read")} {
		transport := newCounting(t)
		g := start(t, overHTTP, echo, Options{Transport: transport}, "${BACKEND}", nobody,
			"title: Test", "title: ${BACKEND}")
		w := httptest.NewRecorder()
		g.ServeHTTP(w, httptest.NewRequest("POST", "/visits", body))
		wantRefusal(t, w, 503, "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: "+
			fmt.Sprintf("remote connection failure, transport failure reason: delayed connect error: %d", int(syscall.ECONNREFUSED)))
		if got := transport.calls.Load(); got != 2 {
			t.Errorf("tried %d times, want 2", got)
		}
	}
}

// refusing cannot connect at first. It closes the body, as a RoundTripper must.
type refusing struct {
	*http.Transport
	calls int
}

func (c *refusing) RoundTrip(r *http.Request) (*http.Response, error) {
	if c.calls++; c.calls == 1 {
		r.Body.Close()
		return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
	}
	return c.Transport.RoundTrip(r)
}

func TestARetryAfterAFailedConnectionHasTheBody(t *testing.T) {
	transport := &refusing{Transport: NewTransport()}
	t.Cleanup(transport.CloseIdleConnections)
	server := serve(t, start(t, overHTTP, echo, Options{Transport: transport}))
	res, err := server.Client().Post(server.URL+"/visits", "text/plain", strings.NewReader("whole"))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if got, _ := io.ReadAll(res.Body); !strings.Contains(string(got), `"Body":"whole"`) {
		t.Errorf("got %d %s", res.StatusCode, got)
	}
}

// resets breaks the first connections, then echoes.
func resets(n int64) http.Handler {
	var calls atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) > n {
			echo(w, r)
			return
		}
		io.Copy(io.Discard, r.Body)
		panic(http.ErrAbortHandler)
	})
}

func TestResetBeforeHeaders(t *testing.T) {
	for _, row := range []struct {
		name    string
		body    string
		resets  int64
		message string // none: forwarded in the end
		calls   int64
	}{
		{"the retry succeeds", "", 1, "", 2},
		{"the retry fails", "", 2, "upstream connect error or disconnect/reset before headers. retried and the latest reset reason: connection termination", 2},
		{"a body that was begun is not sent again", "body", 1, "upstream connect error or disconnect/reset before headers. reset reason: connection termination", 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			transport := newCounting(t)
			g := start(t, overHTTP, resets(row.resets), Options{Transport: transport})
			w := httptest.NewRecorder()
			g.ServeHTTP(w, httptest.NewRequest("POST", "/visits", strings.NewReader(row.body)))
			if row.message == "" {
				wantForwarded(t, w)
			} else {
				wantRefusal(t, w, 503, row.message)
			}
			if got := transport.calls.Load(); got != row.calls {
				t.Errorf("tried %d times, want %d", got, row.calls)
			}
		})
	}
}

func TestBackendsOwnErrorsPassUntouched(t *testing.T) {
	bothModes(t, func(t *testing.T, m mode) {
		for _, status := range []int{400, 404, 429, 500, 503, 504} {
			g := start(t, m, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/problem+json")
				w.Header().Set("Access-Control-Allow-Origin", "*")
				w.WriteHeader(status)
				io.WriteString(w, `{"code":"ITS_OWN"}`)
			}), Options{})
			w := call(g, "GET", "/visits")
			if w.Code != status || w.Body.String() != `{"code":"ITS_OWN"}` ||
				w.Header().Get("Content-Type") != "application/problem+json" || w.Header().Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%d became %d %v %s", status, w.Code, w.Header(), w.Body)
			}
		}
	})
}

// The backend writes its second part only when the client has read the first.
func TestReplyIsStreamed(t *testing.T) {
	bothModes(t, func(t *testing.T, m mode) {
		read := make(chan struct{})
		server := serve(t, start(t, m, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "11")
			io.WriteString(w, "first")
			http.NewResponseController(w).Flush()
			<-read
			io.WriteString(w, "second")
		}), Options{}))
		res, err := server.Client().Get(server.URL + "/visits")
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		first := make([]byte, len("first"))
		if _, err := io.ReadFull(res.Body, first); err != nil {
			t.Fatal(err)
		}
		close(read)
		if rest, err := io.ReadAll(res.Body); string(first)+string(rest) != "firstsecond" || err != nil {
			t.Errorf("got %q, %q, %v", first, rest, err)
		}
	})
}

// The client sends its second part only when the backend has read the first.
func TestRequestBodyIsStreamed(t *testing.T) {
	bothModes(t, func(t *testing.T, m mode) {
		read := make(chan struct{})
		server := serve(t, start(t, m, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			first := make([]byte, len("first"))
			io.ReadFull(r.Body, first)
			close(read)
			rest, _ := io.ReadAll(r.Body)
			w.Write(append(first, rest...))
		}), Options{}))
		body, client := io.Pipe()
		go func() {
			io.WriteString(client, "first")
			<-read
			io.WriteString(client, "second")
			client.Close()
		}()
		res, err := server.Client().Post(server.URL+"/visits", "text/plain", body)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		if got, err := io.ReadAll(res.Body); string(got) != "firstsecond" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func serve(t *testing.T, g *Gateway) *httptest.Server {
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	return server
}

// zeros reads without end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestRequestLimitIs32MiB(t *testing.T) {
	var called atomic.Int64
	drain := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		called.Add(1)
		_, err := io.Copy(io.Discard, r.Body)
		w.Header().Set("X-Leftover", "gone")
		if err != nil {
			w.WriteHeader(http.StatusUnprocessableEntity)
		}
		io.WriteString(w, "drained")
	})
	bothModes(t, func(t *testing.T, m mode) {
		g := start(t, m, drain, Options{})
		for _, row := range []struct {
			name     string
			length   int64
			declared bool
			status   int
		}{
			{"declared, at the limit", maxBody, true, 200},
			{"declared, past it", maxBody + 1, true, 413},
			{"chunked, at the limit", maxBody, false, 200},
			{"chunked, past it", maxBody + 1, false, 413},
		} {
			t.Run(row.name, func(t *testing.T) {
				called.Store(0)
				r := httptest.NewRequest("POST", "/visits", io.LimitReader(zeros{}, row.length))
				if row.declared {
					r.ContentLength = row.length
				}
				w := httptest.NewRecorder()
				g.ServeHTTP(w, r)
				if row.status == 413 {
					wantRefusal(t, w, 413, "Payload Too Large")
				} else if w.Code != row.status || w.Body.String() != "drained" {
					t.Errorf("got %d %s", w.Code, w.Body)
				}
				if row.declared && row.status == 413 && called.Load() != 0 {
					t.Error("the backend was called")
				}
			})
		}
	})
}

func TestReplyLimitIs32MiB(t *testing.T) {
	bothModes(t, func(t *testing.T, m mode) {
		t.Run("declared", func(t *testing.T) {
			g := start(t, m, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "33554433")
				w.Header().Set("Access-Control-Allow-Origin", "*")
				io.CopyN(w, zeros{}, maxBody+1)
			}), Options{})
			wantRefusal(t, call(g, "GET", "/visits"), 500, "Internal Server Error")
		})
		for _, row := range []struct {
			name   string
			length int64
			whole  bool
		}{{"streamed, at the limit", maxBody, true}, {"streamed, past it", maxBody + 1, false}} {
			t.Run(row.name, func(t *testing.T) {
				server := serve(t, start(t, m, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					io.CopyN(w, zeros{}, row.length)
				}), Options{}))
				res, err := server.Client().Get(server.URL + "/visits")
				if err != nil {
					t.Fatal(err)
				}
				defer res.Body.Close()
				n, err := io.Copy(io.Discard, res.Body)
				if (err == nil) != row.whole || n > maxBody {
					t.Errorf("read %d bytes, then %v", n, err)
				}
			})
		}
	})
}

func TestAClientThatLeavesIsNoFailureOfTheBackend(t *testing.T) {
	var log bytes.Buffer
	arrived := make(chan struct{})
	g := start(t, overHTTP, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
	}), Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	ctx, leave := context.WithCancel(t.Context())
	go func() { <-arrived; leave() }()
	g.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/visits", nil).WithContext(ctx))
	if log.Len() > 0 {
		t.Errorf("logged %s", log.String())
	}
}

func TestBodyPastTheLimitStaysAnError(t *testing.T) {
	body := &requestBody{ReadCloser: io.NopCloser(strings.NewReader("abc")), left: 2}
	got, err := io.ReadAll(body)
	if tooLarge := (*http.MaxBytesError)(nil); string(got) != "ab" || !errors.As(err, &tooLarge) {
		t.Errorf("got %q, %v", got, err)
	}
	if n, err := body.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Errorf("read again: %d, %v", n, err)
	}
}
