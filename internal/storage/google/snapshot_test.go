package google_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/google"
)

var pair = []storage.Key{counter, {Kind: "Counter", Name: "b"}}

// reading is a server that has nothing but records the calls that read.
type reading struct {
	google.Server
	defers bool
	calls  []string
}

func (r *reading) ReadOnce(_ context.Context, keys []storage.Key) ([]storage.Entity, bool, error) {
	r.calls = append(r.calls, "read once")
	return make([]storage.Entity, len(keys)), !r.defers, nil
}

func (r *reading) BeginReadOnly(context.Context) ([]byte, error) {
	r.calls = append(r.calls, begin)
	return []byte("id"), nil
}

func (r *reading) Read(_ context.Context, id []byte, keys []storage.Key) ([]storage.Entity, error) {
	r.calls = append(r.calls, "read in "+string(id))
	return make([]storage.Entity, len(keys)), nil
}

func (r *reading) Rollback(context.Context, []byte) error {
	r.calls = append(r.calls, rollback)
	return nil
}

func TestAGetIsOneCallUnlessItsReplyIsNotOneState(t *testing.T) {
	for _, c := range []struct {
		name             string
		keys             []storage.Key
		emulated, defers bool
		want             []string
	}{
		{"one key", pair[:1], false, false, []string{"read once"}},
		{"one key of an emulator", pair[:1], true, false, []string{"read once"}},
		{"two keys", pair, false, false, []string{"read once"}},
		{"two keys that do not fit", pair, false, true, []string{"read once", begin, "read in id", rollback}},
		{"two keys of an emulator", pair, true, false, []string{begin, "read in id", rollback}},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := &reading{defers: c.defers}
			got, err := google.Get(t.Context(), "test", &google.Connection{Emulated: c.emulated}, r, c.keys)
			if err != nil || len(got) != len(c.keys) {
				t.Errorf("got %d entities and error %v, want %d", len(got), err, len(c.keys))
			}
			if !slices.Equal(r.calls, c.want) {
				t.Errorf("got calls %q, want %q", r.calls, c.want)
			}
		})
	}
}

func TestAGetInATransactionAfterFaults(t *testing.T) {
	for _, c := range []struct {
		name   string
		begin  func(int) error
		err    error // wanted
		begins int
	}{
		{name: "two conflicts", begin: first(2, codes.Aborted), begins: 3},
		{name: "server away, then back", begin: first(2, codes.Unavailable), begins: 3},
		{name: "server away to the end", begin: always(codes.Unavailable), err: context.DeadlineExceeded, begins: 5},
		{name: "not permitted", begin: always(codes.PermissionDenied), err: storage.ErrUnavailable, begins: 1},
	} {
		onEach(t, c.name, func(t *testing.T, b backend) {
			s, p := b.open(t)
			ctx := expiring{t.Context(), make(chan struct{})}
			p.faults = faults{begin: c.begin}
			p.expire = func() { close(ctx.done) }
			p.expireAt = 5 // one more than three begins and a rollback
			if _, err := s.Get(ctx, pair...); !errors.Is(err, c.err) {
				t.Errorf("got error %v, want %v", err, c.err)
			}
			if got := p.times(begin); got != c.begins {
				t.Errorf("got %d transactions, want %d", got, c.begins)
			}
		})
	}
}
