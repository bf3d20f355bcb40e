package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/internal/partner"
)

type signOptions struct {
	partner    string
	secretFile string
	id         string
	timestamp  int64
	data       string
	send       bool
	url        string
}

func signCommand() *cobra.Command {
	var o signOptions
	c := &cobra.Command{
		Use:   "sign",
		Short: "Sign an update as a partner, and send it",
		Long: `Sign an update as a partner does, by Standard Webhooks 1, and print the headers, or send it.

The signature is of the file byte for byte: send it with curl --data-binary, for -d
changes line ends. The secret is in a file, or in TALLYSTICK_SECRET.`,
		Example: "  tallystick sign --partner acme --secret-file acme.secret --data update.json --send",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return o.run(c) },
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&o.partner, "partner", "", "the partner who signs; --send needs it")
	f.StringVar(&o.secretFile, "secret-file", "", "the file with the secret, whsec_… (else TALLYSTICK_SECRET)")
	f.StringVar(&o.id, "id", "", "the update's id: sent again with the same, it has its effect once (default: a new one)")
	f.Int64Var(&o.timestamp, "timestamp", 0, "seconds since 1970 (default: now)")
	f.StringVar(&o.data, "data", stdio, "the file that is signed; - is standard input")
	f.BoolVar(&o.send, "send", false, "send it, again if need be, and print the answer")
	f.StringVar(&o.url, "url", envOr("TALLYSTICK_URL", "http://127.0.0.1:8080"), "where Tallystick is (TALLYSTICK_URL)")
	return c
}

func (o *signOptions) run(c *cobra.Command) error {
	at := time.Now()
	switch given := c.Flags().Changed("timestamp"); {
	case o.send && o.partner == "":
		return errors.New("--send: say whose update it is with --partner")
	case o.send && given:
		return errors.New("--timestamp is for headers that are printed: with --send each try has its own time")
	case given:
		at = time.Unix(o.timestamp, 0)
	}
	ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	u, err := o.update(ctx)
	if err != nil {
		return err
	}
	if !o.send {
		return u.printHeaders(c.OutOrStdout(), at)
	}
	cl, err := clientOptions{url: o.url}.client()
	if err != nil {
		return err
	}
	cl.waits = func(why error) { fmt.Fprintln(c.ErrOrStderr(), "trying again:", why) }
	reply, err := u.send(ctx, cl, "/partners/"+o.partner+"/updates")
	var refused *refusal
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case errors.As(err, &refused):
		return fmt.Errorf("send %s: %d %s: %w", u.id, refused.status, refused.code, err)
	case err != nil:
		return fmt.Errorf("send %s: %w", u.id, err)
	}
	_, err = c.OutOrStdout().Write(reply)
	return err
}

// signedUpdate is signed anew for each try, while its id and its body stay.
type signedUpdate struct {
	secret, id string
	body       []byte
	now        func() time.Time
}

func (o *signOptions) update(ctx context.Context) (u *signedUpdate, err error) {
	u = &signedUpdate{secret: os.Getenv("TALLYSTICK_SECRET"), id: o.id, now: time.Now}
	if o.secretFile != "" {
		if u.secret, err = readSecret(o.secretFile); err != nil {
			return nil, fmt.Errorf("--secret-file: %w", err)
		}
	}
	if u.secret == "" {
		return nil, errors.New("there is no secret: name its file with --secret-file, or set TALLYSTICK_SECRET")
	}
	if u.id == "" {
		u.id = "msg_" + rand.Text()
	}
	data, err := openInput(ctx, o.data)
	if err != nil {
		return nil, fmt.Errorf("--data: %w", err)
	}
	defer data.close()
	u.body, err = io.ReadAll(data)
	return u, err
}

// headers are those of a try, in the order that they are printed in.
func (u *signedUpdate) headers(at time.Time) (all [3][2]string, err error) {
	signature, err := partner.Sign(u.secret, u.id, at, u.body)
	return [...][2]string{
		{"webhook-id", u.id},
		{"webhook-timestamp", strconv.FormatInt(at.Unix(), 10)},
		{"webhook-signature", signature},
	}, err
}

func (u *signedUpdate) printHeaders(out io.Writer, at time.Time) error {
	all, err := u.headers(at)
	if err != nil {
		return err
	}
	for _, h := range all {
		if _, err := fmt.Fprintf(out, "%s: %s\n", h[0], h[1]); err != nil {
			return err
		}
	}
	return nil
}

// send sends the update until it is answered well, or by what would be the same another
// time.
func (u *signedUpdate) send(ctx context.Context, cl *client, path string) ([]byte, error) {
	p := cl.retries()
	for {
		reply, err := u.try(ctx, cl, path)
		if err == nil {
			return reply, nil
		}
		if err := p.wait(ctx, err); err != nil {
			return nil, err
		}
	}
}

// try sends the update once. It takes no key along: the signature is what a partner has.
func (u *signedUpdate) try(ctx context.Context, cl *client, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodPost, cl.address(request{path: path}), bytes.NewReader(u.body))
	if err != nil {
		return nil, err
	}
	q.Header.Set("User-Agent", "tallystick/"+version())
	q.Header.Set("Content-Type", "application/json")
	all, err := u.headers(u.now())
	if err != nil {
		return nil, &finalError{err}
	}
	for _, h := range all {
		q.Header.Set(h[0], h[1])
	}
	reply, err := cl.http.Do(q)
	if err != nil {
		return nil, cl.unanswered(err)
	}
	cl.answered = true
	defer reply.Body.Close()
	if reply.StatusCode/100 == 2 {
		return io.ReadAll(reply.Body)
	}
	return nil, readRefusal(reply)
}
