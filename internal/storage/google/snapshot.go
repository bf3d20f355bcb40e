package google

import (
	"context"
	"errors"
	"fmt"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tallystick/tallystick/internal/storage"
)

// queryAt is a query as of a time.
type queryAt = func(context.Context, storage.Query, *timestamppb.Timestamp) (storage.Found, error)

// snapshot is a storage.DriverSnapshot. The database keeps what was there for an hour, and
// nothing has to be held open for it. With point-in-time recovery it keeps more, but of
// whole minutes only, and a snapshot is of the moment when it is asked for.
type snapshot struct {
	at    *timestamppb.Timestamp
	query queryAt
}

// NewSnapshot returns what query finds as of a time: the read time of a reply, which is
// not before any commit that had returned.
func NewSnapshot(at *timestamppb.Timestamp, query queryAt) storage.DriverSnapshot {
	return snapshot{at, query}
}

func (s snapshot) Query(ctx context.Context, q storage.Query) (storage.Found, error) {
	found, err := s.query(ctx, q, s.at)
	if status.Code(err) == codes.FailedPrecondition && !errors.Is(err, storage.ErrIndex) {
		err = fmt.Errorf("%w: what was there at %s: %w", storage.ErrTooOld, s.at.AsTime().Format("15:04:05 MST"), err)
	}
	return found, err
}

func (snapshot) Close() error { return nil }
