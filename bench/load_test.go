package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tallystick/tallystick/internal/load"
)

// caller asks a function as many visitors at once do, with the headers that the gateway and
// Google's front end add.
type caller struct {
	url      string
	client   http.Client
	b        *testing.B
	asked    atomic.Int64
	received atomic.Int64 // bytes
}

func newCaller(b *testing.B, url string) *caller {
	c := &caller{url: url, b: b}
	var d net.Dialer
	transport := &http.Transport{MaxIdleConnsPerHost: 1000, DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := d.DialContext(ctx, network, addr)
		return countingConn{conn, &c.received}, err
	}}
	c.client.Transport = transport
	b.Cleanup(transport.CloseIdleConnections)
	return c
}

// countingConn counts what is read from it.
type countingConn struct {
	net.Conn
	read *atomic.Int64
}

func (c countingConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// ask makes a request that has to succeed, of a visitor of its own, and hands the reply's
// body to read, if that is not nil.
func (c *caller) ask(method, path, body string, read func([]byte) error) error {
	r, err := http.NewRequest(method, c.url+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
		if strings.HasSuffix(path, "/import") {
			r.Header.Set("Content-Type", "application/x-ndjson")
		}
	}
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d, 192.0.2.1", rand.N(256), rand.N(256), rand.N(256)))
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	r.Header.Set("Traceparent", fmt.Sprintf("00-%016x%016x-%016x-00", rand.Uint64(), rand.Uint64(), rand.Uint64()|1)) // as Google's front end adds it
	reply, err := c.client.Do(r)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	c.asked.Add(1)
	text, err := io.ReadAll(reply.Body)
	switch {
	case err != nil:
		return err
	case reply.StatusCode >= 300:
		return fmt.Errorf("%s %s: %s: %s", method, path, reply.Status, text)
	case read != nil:
		return read(text)
	}
	return nil
}

func (c *caller) must(err error) {
	c.b.Helper()
	if err != nil {
		c.b.Fatal(err)
	}
}

// calls is how many calls come.
func (p pace) calls() int { return int(math.Round(p.perSecond * p.length.Seconds())) }

// callers are more than ever call at once at our paces, so nobody waits for another.
const callers = 1000

// openLoop makes calls as independent people do. It returns how many failed, and how they did.
func (p pace) openLoop(call func(i int) error) (failed int64, why error) {
	r := load.Plan{Callers: callers, Rate: p.perSecond, Requests: p.calls()}.Run(context.Background(),
		func(_ context.Context, i int) error { return call(i) })
	for text, n := range r.Failed {
		failed, why = failed+n, errors.New(text)
	}
	return failed, why
}
