package gateway

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"sync/atomic"
	"syscall"
)

// NewTransport passes a reply on as it came: it asks for no compression of its own.
func NewTransport() *http.Transport {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true
	transport.MaxIdleConns = 0
	transport.MaxIdleConnsPerHost = 1000
	return transport
}

// newUpstream calls an HTTP backend. Its reply is passed on as it arrives, errors too; if there is none, the
// exchange is told why.
func newUpstream(scheme, host string, transport http.RoundTripper, logger *slog.Logger) http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.Out.URL.Scheme, p.Out.URL.Host = scheme, host
			// ReverseProxy drops what the gateway has just set, and tidies the query.
			p.Out.URL.RawQuery = p.In.URL.RawQuery
			for _, name := range []string{forwardedFor, forwardedProto, "X-Forwarded-Host", "Forwarded"} {
				if values, ok := p.In.Header[name]; ok {
					p.Out.Header[name] = values
				}
			}
		},
		Transport:     retryOnce{transport},
		FlushInterval: -1,
		ErrorLog:      slog.NewLogLogger(logger.Handler(), slog.LevelWarn),
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			w.(*exchange).failure = err
		},
	}
}

// retryOnce is ESPv2's default policy, one retry on "reset,connect-failure,refused-stream": any end of the
// connection before the reply's header. A request that did something and then lost its connection does it
// again; only idempotent ones are safe.
type retryOnce struct{ next http.RoundTripper }

func (t retryOnce) RoundTrip(r *http.Request) (*http.Response, error) {
	begun := func() bool { return false }
	if r.Body != nil {
		body := &keptBody{Reader: r.Body}
		begun = body.begun.Load
		r = r.WithContext(r.Context())
		r.Body = body
	}
	res, err := t.next.RoundTrip(r)
	if err == nil || r.Context().Err() != nil || begun() {
		return res, err
	}
	if res, err = t.next.RoundTrip(r); err != nil {
		return nil, &retriedError{err}
	}
	return res, nil
}

// keptBody stays open when a transport closes what it could not send. ReverseProxy closes the body in the end.
type keptBody struct {
	io.Reader
	begun atomic.Bool
}

func (b *keptBody) Read(p []byte) (int, error) {
	b.begun.Store(true)
	return b.Reader.Read(p)
}

func (b *keptBody) Close() error { return nil }

// retriedError is the error of the second attempt.
type retriedError struct{ err error }

func (e *retriedError) Error() string { return "retried: " + e.err.Error() }
func (e *retriedError) Unwrap() error { return e.err }

// resetBeforeHeaders says in Envoy's words that there is no reply.
func resetBeforeHeaders(failure error) *refusal {
	attempt := ""
	if retried := (*retriedError)(nil); errors.As(failure, &retried) {
		attempt = "retried and the latest "
	}
	reason := "connection termination"
	if dial := (*net.OpError)(nil); errors.As(failure, &dial) && dial.Op == "dial" {
		reason = "remote connection failure"
		if errno := syscall.Errno(0); errors.As(failure, &errno) {
			reason += fmt.Sprintf(", transport failure reason: delayed connect error: %d", int(errno))
		}
	}
	return newRefusal(http.StatusServiceUnavailable,
		"upstream connect error or disconnect/reset before headers. "+attempt+"reset reason: "+reason)
}
