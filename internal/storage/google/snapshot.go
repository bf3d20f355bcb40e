package google

import (
	"context"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tallystick/tallystick/internal/storage"
)

// queryAt is a query as of a time.
type queryAt = func(context.Context, storage.Query, *timestamppb.Timestamp) (storage.Found, error)

// keptFor is how long the database keeps what was there.
const keptFor = time.Hour

// snapshot is a storage.DriverSnapshot. The database keeps what was there for an hour, and
// nothing has to be held open for it. With point-in-time recovery it keeps more, but of
// whole minutes only, and a snapshot is of the moment when it is asked for.
type snapshot struct {
	at    *timestamppb.Timestamp
	now   func() time.Time
	query queryAt
}

// NewSnapshot returns what query finds as of a ReadTime, or nil if it is of now each time.
func NewSnapshot(at *timestamppb.Timestamp, now func() time.Time, query queryAt) storage.DriverSnapshot {
	return snapshot{at, now, query}
}

// ReadTime is the time of a snapshot by the read time of a reply, which is not before any
// commit that had returned. Requests have times to the microsecond only: it is rounded up,
// for down might be before such a commit.
func ReadTime(backend string, replied *timestamppb.Timestamp) (*timestamppb.Timestamp, error) {
	if !Timed(replied) {
		return nil, fmt.Errorf("%s snapshot: %w: the server does not say of which time its answer is, so pages would not be of one moment", backend, storage.ErrUnavailable)
	}
	at := replied.AsTime()
	if cut := at.Truncate(storage.TimeResolution); cut.Before(at) {
		at = cut.Add(storage.TimeResolution)
	}
	return timestamppb.New(at), nil
}

// Timed says whether a reply has a read time.
func Timed(replied *timestamppb.Timestamp) bool { return replied.GetSeconds() > 0 }

func (s snapshot) Query(ctx context.Context, q storage.Query) (storage.Found, error) {
	found, err := s.query(ctx, q, s.at)
	if s.tooOld(err) {
		err = fmt.Errorf("%w: what was there at %s: %v", storage.ErrTooOld, s.at.AsTime().Format("15:04:05 MST"), err)
	}
	return found, err
}

// tooOld says whether the server refused a query for its time. There are two codes for that,
// and one is of whatever is wrong with a request.
func (s snapshot) tooOld(err error) bool {
	switch status.Code(err) {
	case codes.FailedPrecondition:
		return !errors.Is(err, storage.ErrIndex)
	case codes.InvalidArgument:
		return s.at != nil && s.now().Sub(s.at.AsTime()) > keptFor
	}
	return false
}

func (snapshot) Close() error { return nil }
