package google

import (
	"context"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tallystick/tallystick/internal/storage"
)

// kind of failure of one call to the server.
type kind int

const (
	refused     kind = iota // it will not do it, this time or another
	conflict                // others were faster: nothing was done
	unavailable             // nothing was done, and it may work later
	forbidden               // nothing was done, and an operator must act
	lost                    // no answer: it was done or not
)

// https://cloud.google.com/datastore/docs/concepts/errors says what the codes mean,
// and https://cloud.google.com/firestore/docs/understand-error-codes the same.
func kindOf(err error) kind {
	if _, answered := status.FromError(err); !answered {
		return refused // not the server's error but ours, of what it sent
	}
	switch status.Code(err) {
	case codes.Aborted:
		return conflict
	case codes.ResourceExhausted, codes.Unauthenticated:
		return unavailable
	case codes.PermissionDenied, codes.NotFound: // of the database, not of an entity
		return forbidden
	case codes.Unavailable, codes.DeadlineExceeded, codes.Internal, codes.Unknown, codes.Canceled:
		return lost
	}
	return refused
}

// ReadError names the backend and the operation and says which of the contract's
// errors it is. What reads cannot be half done, so no answer is as good as a refusal.
func ReadError(ctx context.Context, backend, operation string, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("%s %s: %w", backend, operation, ctx.Err())
	case kindOf(err) == conflict:
		return fmt.Errorf("%s %s: %w: %w", backend, operation, storage.ErrConflict, err)
	case kindOf(err) == refused:
		return fmt.Errorf("%s %s: %w", backend, operation, err)
	}
	return fmt.Errorf("%s %s: %w: %w", backend, operation, storage.ErrUnavailable, err)
}

// QueryError is ReadError for a query, whose cursor the server may refuse, or which
// may lack the index that hint, unless empty, describes.
func QueryError(ctx context.Context, backend, operation string, q storage.Query, hint string, err error) error {
	switch code := status.Code(err); {
	case code == codes.InvalidArgument && q.Cursor != "":
		return fmt.Errorf("%s %s: %w: %w", backend, operation, storage.ErrCursor, err)
	case code == codes.FailedPrecondition && hint != "":
		return fmt.Errorf("%s %s: %w: %w", backend, operation, &storage.IndexError{Hint: hint}, err)
	}
	return ReadError(ctx, backend, operation, err)
}
