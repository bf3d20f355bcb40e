package google_test

import (
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tallystick/tallystick/internal/storage"
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
