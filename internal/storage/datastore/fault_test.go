package datastore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/emulator"
)

// faulty is the emulator with a client in front of it that can fail. It records
// the calls that change something.
type faulty struct {
	pb.DatastoreClient
	calls []string

	begin  func(n int) error // before the call; n counts from 0
	commit func(n int) error
	answer func(n int) error // after a commit that was applied

	expire   func() // at the call of the number expireAt
	expireAt int
}

func (f *faulty) count(call string) (n int) {
	if len(f.calls)+1 == f.expireAt {
		f.expire()
	}
	for _, c := range f.calls {
		if c == call {
			n++
		}
	}
	f.calls = append(f.calls, call)
	return n
}

func (f *faulty) BeginTransaction(ctx context.Context, in *pb.BeginTransactionRequest, o ...grpc.CallOption) (*pb.BeginTransactionResponse, error) {
	if n := f.count("begin"); f.begin != nil && f.begin(n) != nil {
		return nil, f.begin(n)
	}
	return f.DatastoreClient.BeginTransaction(ctx, in, o...)
}

func (f *faulty) Commit(ctx context.Context, in *pb.CommitRequest, o ...grpc.CallOption) (*pb.CommitResponse, error) {
	n := f.count("commit")
	if f.commit != nil && f.commit(n) != nil {
		return nil, f.commit(n)
	}
	reply, err := f.DatastoreClient.Commit(ctx, in, o...)
	if err == nil && f.answer != nil && f.answer(n) != nil {
		return nil, f.answer(n)
	}
	return reply, err
}

func (f *faulty) Rollback(ctx context.Context, in *pb.RollbackRequest, o ...grpc.CallOption) (*pb.RollbackResponse, error) {
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	f.count("rollback")
	return f.DatastoreClient.Rollback(ctx, in, o...)
}

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

func newFaulty(t *testing.T) (*store, *faulty) {
	t.Helper()
	pool, err := dial(t.Context(), emulator.Datastore(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	f := &faulty{DatastoreClient: pb.NewDatastoreClient(pool)}
	return &store{
		project: "test", namespace: fmt.Sprintf("fault%x", rand.Uint64()),
		headers: headers("test", ""), pool: pool, client: f,
	}, f
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
func addOnce(mark string, runs *int) func(storage.Getter) ([]storage.Write, error) {
	return func(get storage.Getter) ([]storage.Write, error) {
		*runs++
		marked := storage.Key{Kind: "Mark", Name: mark}
		got, err := get([]storage.Key{counter, marked})
		if err != nil || got[1].Exists {
			return nil, err
		}
		sum := append(got[0].Data, '+')
		return []storage.Write{{Entity: storage.Entity{Key: counter, Data: sum}}, {Entity: storage.Entity{Key: marked}}}, nil
	}
}

func TestUpdateAfterFaults(t *testing.T) {
	for _, c := range []struct {
		name   string
		faults faulty
		err    error  // wanted
		stored string // what the counter is then
		runs   int    // 0: until the deadline
	}{
		{name: "none", stored: "+", runs: 1},
		{name: "two conflicts", faults: faulty{commit: first(2, codes.Aborted)}, stored: "+", runs: 3},
		{name: "conflicts to the end", faults: faulty{commit: always(codes.Aborted)}, err: storage.ErrConflict},
		{name: "commit refused for lack of quota, then not", faults: faulty{commit: first(1, codes.ResourceExhausted)}, stored: "+", runs: 2},
		{name: "commit not permitted", faults: faulty{commit: always(codes.PermissionDenied)}, err: storage.ErrUnavailable, runs: 1},
		{name: "commit applied and its answer lost", faults: faulty{answer: first(1, codes.Unavailable)}, stored: "+", runs: 2},
		{name: "commit applied and its answer an internal error", faults: faulty{answer: first(1, codes.Internal)}, stored: "+", runs: 2},
		{name: "commit lost on its way", faults: faulty{commit: first(1, codes.Unavailable)}, stored: "+", runs: 2},
		{name: "commits lost to the end", faults: faulty{commit: always(codes.Unavailable)}, err: storage.ErrUnknown},
		{name: "commit applied, answer lost, no way back", faults: faulty{answer: always(codes.Unknown), begin: func(n int) error {
			if n > 0 {
				return status.Error(codes.Unavailable, "injected")
			}
			return nil
		}}, err: storage.ErrUnknown, stored: "+"},
		{name: "a lost commit, then conflicts to the end", faults: faulty{commit: func(n int) error {
			if n == 0 {
				return status.Error(codes.DeadlineExceeded, "injected")
			}
			return status.Error(codes.Aborted, "injected")
		}}, err: storage.ErrUnknown},
		{name: "server away, then back", faults: faulty{begin: first(2, codes.Unavailable)}, stored: "+", runs: 3},
		{name: "server away to the end", faults: faulty{begin: always(codes.Unavailable)}, err: storage.ErrUnavailable},
		{name: "locks to the end", faults: faulty{begin: always(codes.Aborted)}, err: storage.ErrConflict},
		{name: "project unknown", faults: faulty{begin: always(codes.NotFound)}, err: storage.ErrUnavailable, runs: 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, f := newFaulty(t)
			f.begin, f.commit, f.answer = c.faults.begin, c.faults.commit, c.faults.answer
			ctx := expiring{t.Context(), make(chan struct{})}
			if c.runs == 0 {
				f.expire = func() { close(ctx.done) }
				f.expireAt = 6 // begin, commit, rollback and again
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
			got, err := s.Get(t.Context(), []storage.Key{counter})
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
	ctx, cancel := context.WithCancel(t.Context())
	for _, c := range []struct {
		name string
		fn   func(storage.Getter) ([]storage.Write, error)
		want []string
	}{
		{"by an error", func(get storage.Getter) ([]storage.Write, error) {
			_, err := get([]storage.Key{counter})
			return nil, errors.Join(err, errOwn)
		}, []string{"begin", "rollback"}},
		{"by a panic", func(get storage.Getter) ([]storage.Write, error) {
			_, _ = get([]storage.Key{counter})
			panic(errOwn)
		}, []string{"begin", "rollback"}},
		{"for it writes nothing", func(get storage.Getter) ([]storage.Write, error) {
			_, err := get([]storage.Key{counter})
			return nil, err
		}, []string{"begin", "rollback"}},
		{"before it read anything", func(storage.Getter) ([]storage.Write, error) {
			return nil, errOwn
		}, nil},
		{"by a cancelled caller", func(get storage.Getter) ([]storage.Write, error) {
			_, err := get([]storage.Key{counter})
			cancel()
			return []storage.Write{{Entity: storage.Entity{Key: counter}}}, err
		}, []string{"begin", "rollback"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, f := newFaulty(t)
			func() {
				defer func() { _ = recover() }()
				_ = s.Update(ctx, c.fn)
			}()
			if !slices.Equal(f.calls, c.want) {
				t.Errorf("got calls %q, want %q", f.calls, c.want)
			}
		})
	}
}

func TestAKeyIsAskedForOnce(t *testing.T) {
	s, f := newFaulty(t)
	asked := 0
	s.client = counting{f, &asked}
	other := storage.Key{Kind: "Counter", Name: "b"}
	got, err := s.Get(t.Context(), []storage.Key{counter, other, counter})
	if err != nil || len(got) != 3 {
		t.Fatalf("got %d entities and error %v, want 3", len(got), err)
	}
	if asked != 2 {
		t.Errorf("asked for %d keys, want 2", asked)
	}
}

type counting struct {
	pb.DatastoreClient
	keys *int
}

func (c counting) Lookup(ctx context.Context, in *pb.LookupRequest, o ...grpc.CallOption) (*pb.LookupResponse, error) {
	*c.keys += len(in.Keys)
	return c.DatastoreClient.Lookup(ctx, in, o...)
}

func TestACursorThatTheServerRefusesIsErrCursor(t *testing.T) {
	s, _ := newFaulty(t)
	for _, cursor := range []string{"\x02garbage", "\x02\xff\xff", "\x01another backend's"} {
		_, err := s.Query(t.Context(), storage.Query{Kind: "Counter", Limit: 1, Cursor: cursor})
		if !errors.Is(err, storage.ErrCursor) {
			t.Errorf("%q: got error %v, want ErrCursor", cursor, err)
		}
	}
}
