package gateway

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"sync/atomic"
)

// exchange is one call of a backend: the reply's writer, which holds it to the limits, and room for what the
// request needs, so that all of it is one allocation.
type exchange struct {
	http.ResponseWriter

	url    url.URL
	values [3]string
	body   requestBody

	wroteHeader bool
	refused     bool  // the gateway's own reply took the place of the backend's
	written     int64 // bytes of the reply's body
	cut         bool  // the reply grew too large after its header had gone
	failure     error // why an HTTP backend did not answer
}

var errRefused = errors.New("gateway: the reply was replaced or is larger than 32 MiB")

// Unwrap is for http.ResponseController.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

func (x *exchange) WriteHeader(status int) {
	switch {
	case x.refused:
	case x.wroteHeader || status < 200 && status != http.StatusSwitchingProtocols:
		x.ResponseWriter.WriteHeader(status)
	case x.body.exceeded.Load():
		x.refuse(requestTooLarge)
	case x.declaresTooMuch():
		x.refuse(responseTooLarge)
	default:
		x.wroteHeader = true
		x.ResponseWriter.WriteHeader(status)
	}
}

func (x *exchange) Write(p []byte) (int, error) {
	if !x.wroteHeader {
		x.WriteHeader(http.StatusOK)
	}
	if x.written += int64(len(p)); x.written > maxBody && !x.refused {
		x.cut = true
	}
	if x.refused || x.cut {
		return 0, errRefused
	}
	return x.ResponseWriter.Write(p)
}

// Flush sends what was written, header first: exports are long.
func (x *exchange) Flush() {
	if !x.wroteHeader {
		x.WriteHeader(http.StatusOK)
	}
	if flusher, ok := x.ResponseWriter.(http.Flusher); ok {
		flusher.Flush()
	}
}

// finish answers for a backend that did not, or breaks the connection of a reply that cannot be completed.
func (x *exchange) finish(late bool) {
	switch {
	case x.cut:
		panic(http.ErrAbortHandler)
	case x.wroteHeader:
	case x.body.exceeded.Load():
		x.refuse(requestTooLarge)
	case late:
		x.refuse(upstreamTimeout)
	case x.failure != nil:
		x.refuse(resetBeforeHeaders(x.failure))
	}
}

// refuse replaces whatever header the backend had begun.
func (x *exchange) refuse(no *refusal) {
	x.wroteHeader, x.refused = true, true
	clear(x.Header())
	no.write(x.ResponseWriter)
}

func (x *exchange) declaresTooMuch() bool {
	length := x.Header()["Content-Length"]
	if len(length) == 0 {
		return false
	}
	n, err := strconv.ParseInt(length[0], 10, 64)
	return err == nil && n > maxBody
}

// requestBody ends with an error past the limit. An HTTP transport reads it in a goroutine of its own.
type requestBody struct {
	io.ReadCloser
	left     int64
	exceeded atomic.Bool
}

func (b *requestBody) Read(p []byte) (int, error) {
	if b.exceeded.Load() {
		return 0, &http.MaxBytesError{Limit: maxBody}
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if int64(n) > b.left {
		b.exceeded.Store(true)
		return int(b.left), &http.MaxBytesError{Limit: maxBody}
	}
	b.left -= int64(n)
	return n, err
}
