package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// requestTime is how long a request may take before it is given up and sent again. The
// gateway gives a function 15 s; the rest is for the way there and back.
const requestTime = 60 * time.Second

// clientOptions say which Tallystick a command talks to, and as whom.
type clientOptions struct {
	url  string
	key  string
	user string
}

func (o *clientOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&o.url, "url", envOr("TALLYSTICK_URL", "http://127.0.0.1:8080"), "where Tallystick is (TALLYSTICK_URL)")
	f.StringVar(&o.key, "key", "", "API key (API_KEY); on this machine, the one that serve keeps in this folder")
	f.StringVar(&o.user, "user", "", "USER:PASSWORD, where BASIC_AUTH is set (TALLYSTICK_USER)")
}

// client talks to a Tallystick that runs, as any other client does: over HTTP, through
// the gateway.
type client struct {
	http           http.Client
	base           *url.URL
	key            string
	user, password string
	pause          pause
	waits          func(why error) // told before each pause

	answered bool // once it was, so that it is there
}

func (o clientOptions) client() (*client, error) {
	base, err := url.Parse(o.url)
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("--url: %q is not an address such as https://example.com", o.url)
	}
	c := &client{base: base, pause: sleep, waits: func(error) {}}
	// A redirect would take the key to another house.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if c.key, err = o.apiKey(base); err != nil {
		return nil, err
	}
	// Passwords are no defaults of flags: help prints those.
	if user := orEnv(o.user, "TALLYSTICK_USER"); user != "" {
		var ok bool
		if c.user, c.password, ok = strings.Cut(user, ":"); !ok {
			return nil, errors.New("--user: it is USER:PASSWORD, with a colon between them")
		}
	}
	return c, nil
}

func orEnv(value, name string) string {
	if value != "" {
		return value
	}
	return os.Getenv(name)
}

// apiKey is the key that is given, else the one that serve keeps in this folder. That
// one is for this machine: another would learn it.
func (o clientOptions) apiKey(base *url.URL) (string, error) {
	if key := orEnv(o.key, "API_KEY"); key != "" || !isThisMachine(base.Hostname()) {
		return key, nil
	}
	file := serveOptions{store: envOr("STORE", defaultStore)}.keyFile()
	b, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("API key: %w; give one with --key", err)
	}
	return strings.TrimSpace(string(b)), nil
}

func isThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// request is one that may be sent again: it then has the same effect.
type request struct {
	method      string
	path        string // with nothing to escape
	query       url.Values
	contentType string
	body        []byte
}

// query makes a query of names and values.
func query(pairs ...string) url.Values {
	q := make(url.Values)
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q
}

func (c *client) address(r request) string {
	u := c.base.JoinPath(r.path)
	u.RawQuery = r.query.Encode()
	return u.String()
}

// do sends a request until it is answered well, or by what would be the same another
// time.
func (c *client) do(ctx context.Context, r request) ([]byte, error) {
	p := c.retries()
	for {
		body, err := c.try(ctx, r)
		if err == nil {
			return body, nil
		}
		if err := p.wait(ctx, err); err != nil {
			return nil, err
		}
	}
}

// try sends a request once.
func (c *client) try(ctx context.Context, r request) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	reply, err := c.open(ctx, r)
	if err != nil {
		return nil, err
	}
	defer reply.Close()
	return io.ReadAll(reply)
}

// open sends a request once and returns its good reply as it comes.
func (c *client) open(ctx context.Context, r request) (io.ReadCloser, error) {
	q, err := http.NewRequestWithContext(ctx, r.method, c.address(r), bytes.NewReader(r.body))
	if err != nil {
		return nil, err
	}
	q.Header.Set("User-Agent", "tallystick/"+version())
	if r.contentType != "" {
		q.Header.Set("Content-Type", r.contentType)
	}
	if c.key != "" {
		q.Header.Set("X-Api-Key", c.key)
	}
	if c.user != "" {
		q.SetBasicAuth(c.user, c.password)
	}
	reply, err := c.http.Do(q)
	if err != nil {
		return nil, c.unanswered(err)
	}
	c.answered = true
	if reply.StatusCode/100 == 2 {
		return reply.Body, nil
	}
	defer reply.Body.Close()
	no := readRefusal(reply)
	if no.status == http.StatusUnauthorized && c.key == "" {
		no.detail += "\nThere is no key: give one with --key, or API_KEY. serve keeps one in the folder that it runs in."
	}
	return nil, no
}

// unanswered says in words that nobody answered.
func (c *client) unanswered(err error) error {
	var op *url.Error
	if errors.As(err, &op) {
		err = op.Err // without the address, which may have a password
	}
	var dial *net.OpError
	if !c.answered && errors.As(err, &dial) && dial.Op == "dial" {
		return &finalError{fmt.Errorf("nobody answers at %s: %w; is it running? --url says where it is", c.base.Redacted(), err)}
	}
	return err
}
