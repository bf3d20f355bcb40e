package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"
)

const (
	firstPause = 200 * time.Millisecond
	maxPause   = 15 * time.Second

	// giveUpAfter is how long pauses go on without an answer: a server is restarted, or a
	// database is moved, within it.
	giveUpAfter = 2 * time.Minute

	// maxInternal is how often a 500 is tried. Most often it is a defect, which stays;
	// Cloud Run answers so too when it has no instance for a request.
	maxInternal = 3
)

// passing are the statuses of what passes by itself.
var passing = []int{http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout}

// pause waits, unless ctx ends before.
type pause func(ctx context.Context, d time.Duration) error

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(d):
		return nil
	}
}

// retries decides whether a request is sent again.
type retries struct {
	client *client
	tries  int           // that failed
	waited time.Duration // so far
}

func (c *client) retries() *retries { return &retries{client: c} }

// wait returns nil when it is time to try again after err, and else why not.
func (p *retries) wait(ctx context.Context, err error) error {
	p.tries++
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case !p.mayHelp(err):
		return err
	case p.waited >= giveUpAfter:
		return fmt.Errorf("%w\ngiven up after %d tries", err, p.tries)
	}
	d := min(firstPause<<min(p.tries-1, 10), maxPause)
	var no *refusal
	if errors.As(err, &no) {
		d = max(d, min(no.after, giveUpAfter))
	}
	p.waited += d
	p.client.waits(err)
	return p.client.pause(ctx, d)
}

func (p *retries) mayHelp(err error) bool {
	var no *refusal
	var final *finalError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.As(err, &no):
		underWay := no.status == http.StatusConflict && no.after > 0 // the try before, which ends
		return underWay || slices.Contains(passing, no.status) || no.status == http.StatusInternalServerError && p.tries < maxInternal
	case errors.As(err, &final), errors.As(err, &certificate):
		return false
	}
	return true // the connection broke
}

// finalError is an error that another try would not mend.
type finalError struct{ error }

func (e *finalError) Unwrap() error { return e.error }

// tookTooLong says whether less to do might have been done in time.
func (p *retries) tookTooLong(err error) bool {
	var no *refusal
	if errors.As(err, &no) {
		return no.status == http.StatusGatewayTimeout || no.status == http.StatusServiceUnavailable && p.tries >= 3
	}
	return errors.Is(err, context.DeadlineExceeded)
}
