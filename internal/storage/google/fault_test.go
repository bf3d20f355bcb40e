package google_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tallystick/tallystick/internal/storage"
)

// expiring is a context whose deadline is an event and not a time.
type expiring struct {
	context.Context
	done chan struct{}
}

func (e expiring) Deadline() (time.Time, bool) { return time.Now().Add(time.Hour), true }
func (e expiring) Done() <-chan struct{}       { return e.done }

func (e expiring) Err() error {
	select {
	case <-e.done:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// always and first make faults of a code.
func always(c codes.Code) func(int) error {
	return func(int) error { return status.Error(c, "injected") }
}

func first(times int, c codes.Code) func(int) error {
	return func(n int) error {
		if n < times {
			return status.Error(c, "injected")
		}
		return nil
	}
}

var (
	counter = storage.Key{Kind: "Counter", Name: "a"}
	errOwn  = errors.New("the function's own")
)

// addOnce adds one to the counter and leaves a mark, by which it knows in a later
// run that it need not. It is what storage.Update asks of a function.
func addOnce(mark string, runs *int) func(storage.Tx) error {
	return func(tx storage.Tx) error {
		*runs++
		marked := storage.Key{Kind: "Mark", Name: mark}
		got, err := tx.Get(counter, marked)
		if err != nil || got[1].Exists {
			return err
		}
		sum := append(got[0].Data, '+')
		return errors.Join(tx.Put(storage.Entity{Key: counter, Data: sum}), tx.Put(storage.Entity{Key: marked}))
	}
}

func TestUpdateAfterFaults(t *testing.T) {
	for _, c := range []struct {
		name   string
		faults faults
		err    error  // wanted
		stored string // what the counter is then
		runs   int    // 0: until the deadline
	}{
		{name: "none", stored: "+", runs: 1},
		{name: "two conflicts", faults: faults{commit: first(2, codes.Aborted)}, stored: "+", runs: 3},
		{name: "conflicts to the end", faults: faults{commit: always(codes.Aborted)}, err: storage.ErrConflict},
		{name: "commit refused for lack of quota, then not", faults: faults{commit: first(1, codes.ResourceExhausted)}, stored: "+", runs: 2},
		{name: "commit not permitted", faults: faults{commit: always(codes.PermissionDenied)}, err: storage.ErrUnavailable, runs: 1},
		{name: "commit applied and its answer lost", faults: faults{answer: first(1, codes.Unavailable)}, stored: "+", runs: 2},
		{name: "commit applied and its answer an internal error", faults: faults{answer: first(1, codes.Internal)}, stored: "+", runs: 2},
		{name: "commit lost on its way", faults: faults{commit: first(1, codes.Unavailable)}, stored: "+", runs: 2},
		{name: "commits lost to the end", faults: faults{commit: always(codes.Unavailable)}, err: storage.ErrUnknown},
		{name: "commit applied, answer lost, no way back", faults: faults{answer: always(codes.Unknown), begin: func(n int) error {
			if n > 0 {
				return status.Error(codes.Unavailable, "injected")
			}
			return nil
		}}, err: storage.ErrUnknown, stored: "+"},
		{name: "a lost commit, then conflicts to the end", faults: faults{commit: func(n int) error {
			if n == 0 {
				return status.Error(codes.DeadlineExceeded, "injected")
			}
			return status.Error(codes.Aborted, "injected")
		}}, err: storage.ErrUnknown},
		{name: "server away, then back", faults: faults{begin: first(2, codes.Unavailable)}, stored: "+", runs: 3},
		{name: "server away to the end", faults: faults{begin: always(codes.Unavailable)}, err: storage.ErrUnavailable},
		{name: "locks to the end", faults: faults{begin: always(codes.Aborted)}, err: storage.ErrConflict},
		{name: "project unknown", faults: faults{begin: always(codes.NotFound)}, err: storage.ErrUnavailable, runs: 1},
	} {
		onEach(t, c.name, func(t *testing.T, b backend) {
			s, p := b.open(t)
			p.faults = c.faults
			ctx := expiring{t.Context(), make(chan struct{})}
			if c.runs == 0 {
				p.expire = func() { close(ctx.done) }
				p.expireAt = 6 // begin, commit, rollback and again
			}
			runs := 0
			err := s.Update(ctx, addOnce("mark", &runs))
			if !errors.Is(err, c.err) {
				t.Errorf("got error %v, want %v", err, c.err)
			}
			for _, other := range []error{storage.ErrConflict, storage.ErrUnavailable, storage.ErrUnknown} {
				if other != c.err && errors.Is(err, other) {
					t.Errorf("got error %v, which is %v too", err, other)
				}
			}
			if c.runs > 0 && runs != c.runs {
				t.Errorf("the function ran %d times, want %d", runs, c.runs)
			}
			if c.runs == 0 && runs < 2 {
				t.Errorf("the function ran %d times, want more", runs)
			}
			got, err := s.Get(t.Context(), counter)
			if err != nil {
				t.Fatal(err)
			}
			if string(got[0].Data) != c.stored {
				t.Errorf("got %q stored, want %q", got[0].Data, c.stored)
			}
		})
	}
}

func TestATransactionThatIsAbandonedIsRolledBack(t *testing.T) {
	for _, c := range []struct {
		name string
		fn   func(tx storage.Tx, cancel func()) error
		want []string
	}{
		{"by an error", func(tx storage.Tx, _ func()) error {
			_, err := tx.Get(counter)
			return errors.Join(err, errOwn)
		}, []string{begin, rollback}},
		{"by a panic", func(tx storage.Tx, _ func()) error {
			_, _ = tx.Get(counter)
			panic(errOwn)
		}, []string{begin, rollback}},
		{"for it writes nothing", func(tx storage.Tx, _ func()) error {
			_, err := tx.Get(counter)
			return err
		}, []string{begin, rollback}},
		{"before it read anything", func(storage.Tx, func()) error { return errOwn }, nil},
		{"by a cancelled caller", func(tx storage.Tx, cancel func()) error {
			_, err := tx.Get(counter)
			cancel()
			return errors.Join(err, tx.Put(storage.Entity{Key: counter}))
		}, []string{begin, rollback}},
	} {
		onEach(t, c.name, func(t *testing.T, b backend) {
			s, p := b.open(t)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			func() {
				defer func() { _ = recover() }()
				_ = s.Update(ctx, func(tx storage.Tx) error { return c.fn(tx, cancel) })
			}()
			if got := p.calls(); !slices.Equal(got, c.want) {
				t.Errorf("got calls %q, want %q", got, c.want)
			}
		})
	}
}
