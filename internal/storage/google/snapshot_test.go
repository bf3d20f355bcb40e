package google_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/google"
)

// TestASnapshotThatTheServerNoLongerHasIsTooOld: the emulators have all for ever, so it is
// the server's answer that is tested, and that a missing index is not taken for one.
func TestASnapshotThatTheServerNoLongerHasIsTooOld(t *testing.T) {
	equal := []storage.Filter{{Property: "shop", Op: storage.Equal, Value: "x"}}
	for _, c := range []struct {
		name  string
		query storage.Query
		want  error
	}{
		{"a query", storage.Query{Kind: "Page", Limit: 1}, storage.ErrTooOld},
		{"one that needs an index", storage.Query{Kind: "Page", Limit: 1, Where: equal, OrderBy: "price"}, storage.ErrIndex},
	} {
		onEach(t, c.name, func(t *testing.T, b backend) {
			s, p := b.open(t)
			snapshot, err := s.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			p.faults.other = status.Error(codes.FailedPrecondition, "The requested snapshot version is too old.")
			_, err = snapshot.Query(t.Context(), c.query)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), "version is too old") {
				t.Errorf("got error %v, want %v with the server's", err, c.want)
			}
			for _, other := range []error{storage.ErrTooOld, storage.ErrIndex} {
				if other != c.want && errors.Is(err, other) {
					t.Errorf("got error %v, which is %v too", err, other)
				}
			}
		})
	}
}

func TestASnapshotThatCannotBeTakenIsUnavailable(t *testing.T) {
	onEach(t, "", func(t *testing.T, b backend) {
		s, p := b.open(t)
		p.faults.other = status.Error(codes.PermissionDenied, "injected")
		if _, err := s.Snapshot(t.Context()); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("got error %v, want ErrUnavailable", err)
		}
	})
}

// TestARequestThatIsInvalidForItsAgeIsTooOld: the server says no more than that something in
// it is wrong.
func TestARequestThatIsInvalidForItsAgeIsTooOld(t *testing.T) {
	taken := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	refused := status.Error(codes.InvalidArgument, "read_time is out of range")
	query := func(ctx context.Context, q storage.Query, _ *timestamppb.Timestamp) (storage.Found, error) {
		return storage.Found{}, google.QueryError(ctx, "test", "query", q, "", refused)
	}
	for _, tt := range []struct {
		name   string
		at     *timestamppb.Timestamp
		age    time.Duration
		cursor string
		want   error
	}{
		{"old", timestamppb.New(taken), time.Hour + time.Second, "", storage.ErrTooOld},
		{"old, on a later page", timestamppb.New(taken), time.Hour + time.Second, "x", storage.ErrTooOld},
		{"young, with a bad cursor", timestamppb.New(taken), time.Minute, "x", storage.ErrCursor},
		{"of no time", nil, 2 * time.Hour, "x", storage.ErrCursor},
	} {
		s := google.NewSnapshot(tt.at, func() time.Time { return taken.Add(tt.age) }, query)
		_, err := s.Query(t.Context(), storage.Query{Kind: "Page", Limit: 1, Cursor: tt.cursor})
		for _, e := range []error{storage.ErrTooOld, storage.ErrCursor} {
			if got := errors.Is(err, e); got != (e == tt.want) {
				t.Errorf("%s: got error %v, which is %v: %v", tt.name, err, e, got)
			}
		}
	}
}

func TestAReadTimeIsNeverBeforeTheAnswer(t *testing.T) {
	for _, tt := range []struct{ replied, want *timestamppb.Timestamp }{
		{&timestamppb.Timestamp{Seconds: 7, Nanos: 5000}, &timestamppb.Timestamp{Seconds: 7, Nanos: 5000}},
		{&timestamppb.Timestamp{Seconds: 7, Nanos: 5001}, &timestamppb.Timestamp{Seconds: 7, Nanos: 6000}},
		{&timestamppb.Timestamp{Seconds: 7, Nanos: 999_999_999}, &timestamppb.Timestamp{Seconds: 8}},
	} {
		if got, err := google.ReadTime("test", tt.replied); err != nil || !got.AsTime().Equal(tt.want.AsTime()) {
			t.Errorf("of %v: got %v, %v, want %v", tt.replied, got, err, tt.want)
		}
	}
	for _, replied := range []*timestamppb.Timestamp{nil, {}, {Seconds: -1}} {
		if got, err := google.ReadTime("test", replied); !errors.Is(err, storage.ErrUnavailable) {
			t.Errorf("of %v: got %v, %v, want ErrUnavailable", replied, got, err)
		}
	}
}
