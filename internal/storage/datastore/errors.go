package datastore

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

// https://cloud.google.com/datastore/docs/concepts/errors says what the codes mean.
func kindOf(err error) kind {
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

// readError names the operation and says which of the contract's errors it is. What
// reads cannot be half done, so no answer is as good as a refusal.
func readError(ctx context.Context, operation string, err error) error {
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("datastore %s: %w", operation, ctx.Err())
	case kindOf(err) == conflict:
		return fmt.Errorf("datastore %s: %w: %w", operation, storage.ErrConflict, err)
	case kindOf(err) == refused:
		return fmt.Errorf("datastore %s: %w", operation, err)
	}
	return fmt.Errorf("datastore %s: %w: %w", operation, storage.ErrUnavailable, err)
}
