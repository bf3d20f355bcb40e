package edge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/tallystick/tallystick/internal/merge"
	"github.com/tallystick/tallystick/internal/storage"
)

// Rule says what an error is to a client. The first rule whose error is in the
// chain holds; a function puts those of its domain before the ones below. With
// Tell, the client is told the error's text.
type Rule struct {
	Err    error
	Status int
	Code   string
	Detail string
	Tell   bool
	Retry  int // Retry-After in seconds, where trying again may help
}

const unknownDetail = "It is not known whether this was done. Sent again with the same Idempotency-Key, where the operation takes one, it is done once; else look first."

func tooLarge(limit int64) string { return fmt.Sprintf("The body has over %d bytes.", limit) }

const cutOffDetail = "The body ended before its end. Nothing was done."

// rules is the table of errors that any function may meet. What is not in it is
// a bare 500.
var rules = []Rule{
	{Err: storage.ErrUnknown, Status: http.StatusServiceUnavailable, Code: "OUTCOME_UNKNOWN", Detail: unknownDetail, Retry: 1},
	{Err: merge.ErrKeyReused, Status: http.StatusUnprocessableEntity, Code: "IDEMPOTENCY_KEY_REUSED",
		Detail: "This Idempotency-Key came before with another request. Make a new one for each request."},
	{Err: merge.ErrQueueFull, Status: http.StatusServiceUnavailable, Code: "OVERLOADED", Detail: "Too many requests wait. Nothing was done.", Retry: 1},
	{Err: storage.ErrTooLarge, Status: http.StatusUnprocessableEntity, Code: "TRANSACTION_TOO_LARGE", Detail: "This is more than one transaction holds. Nothing was done. Send less at once."},
	{Err: storage.ErrConflict, Status: http.StatusServiceUnavailable, Code: "CONTENTION", Detail: "Others kept writing the same thing. Nothing was done.", Retry: 1},
	{Err: storage.ErrUnavailable, Status: http.StatusServiceUnavailable, Code: "STORAGE_UNAVAILABLE", Detail: "The database cannot do this now. Nothing was done.", Retry: 5},
	{Err: context.DeadlineExceeded, Status: http.StatusGatewayTimeout, Code: "DEADLINE_EXCEEDED", Detail: "It took too long. Nothing was done.", Retry: 1},
	{Err: context.Canceled, Status: statusLeft, Code: codeLeft, Detail: "The client went away. Nothing was done."},
	{Err: io.ErrUnexpectedEOF, Status: http.StatusBadRequest, Code: "MALFORMED_REQUEST", Detail: cutOffDetail},
	{Err: storage.ErrCursor, Status: http.StatusBadRequest, Code: "PAGE_TOKEN_INVALID", Detail: "pageToken is not one that this query gave. Start again without it."},
}

// problem turns any error into what the client gets to see of it.
func (a *API) problem(ctx context.Context, err error) *Problem {
	var p *Problem
	if errors.As(err, &p) {
		return p
	}
	var over *http.MaxBytesError
	if errors.As(err, &over) {
		return NewProblem(http.StatusRequestEntityTooLarge, "BODY_TOO_LARGE", tooLarge(over.Limit))
	}
	for _, table := range [][]Rule{a.rules, rules} {
		for _, r := range table {
			if !errors.Is(err, r.Err) {
				continue
			}
			p := NewProblem(r.Status, r.Code, r.Detail)
			if r.Tell {
				p.Detail = err.Error()
			}
			if r.Retry > 0 {
				p.RetryAfter(r.Retry)
			}
			left := errors.Is(err, context.Canceled) || errors.Is(ctx.Err(), context.Canceled)
			if r.Status >= 500 && !left { // a client that left is nothing to warn of
				slog.WarnContext(ctx, "request failed", "function", a.function, "code", r.Code, "error", err)
			}
			return p
		}
	}
	slog.ErrorContext(ctx, "request failed", "function", a.function, "error", err)
	return NewProblem(http.StatusInternalServerError, "INTERNAL", "")
}
