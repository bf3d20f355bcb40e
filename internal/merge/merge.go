// Package merge is group commit: it carries many callers' operations on one
// entity in one transaction.
//
// A transaction for each operation collapses when many want the same entity: they
// conflict, retry and fail. Here at most one transaction for an entity is in
// flight in this process. Operations that arrive meanwhile wait, and the next
// transaction carries them all: it reads the entity once, applies the operations
// in the order they arrived, and writes once. Each caller gets its own result,
// after the commit. There are no timers: an idle Group adds no delay, a busy one
// merges by itself.
//
// Read Op and Group.Do here first, then lane.go (who waits for whom), batch.go
// (one transaction), turn.go (what an operation sees and changes), mark.go (why a lost
// answer doubles nothing), once.go (Idempotency-Key) and trace.go (who is told what of a
// batch).
package merge

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

// ErrQueueFull says that too many operations wait already. Nothing was done.
var ErrQueueFull = errors.New("merge: queue full")

// Codec turns a state into what its entity holds, and back.
type Codec[S any] interface {
	// Append appends the state's encoding to b.
	Append(b []byte, s *S) []byte

	// Decode reads what Append wrote. It may keep no part of data.
	Decode(data []byte) (*S, error)

	// Index returns the queryable properties of a state that an operation has Set.
	Index(s *S) map[string]any

	// Expire returns when the store may delete such a state by itself, or zero.
	Expire(s *S) time.Time
}

// Op is one caller's operation on the states of some entities.
type Op[S, R any] struct {
	// Keys names the entities whose states it works on: one or more, none twice.
	Keys []storage.Key

	// Reads names further entities that Apply sees by Turn.Entity.
	Reads []storage.Key

	// Sizes is about how many bytes each of the Keys' states has; nil: next to none. A batch
	// counts a state once, however many of its operations work on it.
	Sizes []int

	// Brings is how many entities Apply may Put or Delete besides those in Reads,
	// Bytes how many bytes all that it stores may add to the transaction. A batch is
	// filled by them.
	Brings, Bytes int

	// Apply does it. It may run more than once, each time on the states as the
	// operations before it left them, and has no effects but through its Turn.
	// When it returns an error its caller gets that error and no other operation
	// is touched; so it decides before it changes a state.
	Apply func(t *Turn[S]) (R, error)
}

// Options configure a Group. Zero fields take the defaults.
type Options struct {
	Queue   int              // operations that may wait, default 10,000
	Timeout time.Duration    // the longest that a batch is tried, default 10 s, at most 30 s
	Now     func() time.Time // default time.Now
}

const (
	defaultQueue   = 10_000
	defaultTimeout = 10 * time.Second
	maxTimeout     = 30 * time.Second
)

// Group merges the operations on entities whose state is an S and whose results
// are an R.
type Group[S, R any] struct {
	store  storage.Store
	codec  Codec[S]
	opts   Options
	writer uint64        // this Group's name in the marks
	runs   atomic.Uint64 // numbers the runs of transactions, see mark.go
	stats  stats

	mu      sync.Mutex
	lanes   map[storage.Key]*lane[S, R] // of the keys that have work
	waiting int
}

// New returns a Group over store.
func New[S, R any](store storage.Store, codec Codec[S], opts Options) *Group[S, R] {
	if opts.Queue <= 0 {
		opts.Queue = defaultQueue
	}
	if opts.Timeout <= 0 {
		opts.Timeout = defaultTimeout
	}
	opts.Timeout = min(opts.Timeout, maxTimeout)
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Group[S, R]{
		store:  store,
		codec:  codec,
		opts:   opts,
		writer: rand.Uint64(),
		lanes:  make(map[storage.Key]*lane[S, R]),
	}
}

// Do carries out op and returns its result once that is durable.
//
// When ctx ends while op still waits, op is dropped and Do returns ctx's error.
// When it ends while op's transaction is in flight, Do either waits for the outcome,
// because others' outcomes hang on it, or returns an error that is also
// storage.ErrUnknown: op takes effect whole, or not at all. Errors besides: Apply's
// own, ErrQueueFull, and those of storage.Store.Update.
func (g *Group[S, R]) Do(ctx context.Context, op Op[S, R]) (R, error) {
	r := g.do(ctx, &op)
	return r.value, r.err
}

// result is what one run gives one operation.
type result[R any] struct {
	value    R
	err      error
	replayed bool // see Once
	panicked any
}

func (g *Group[S, R]) do(ctx context.Context, op *Op[S, R]) result[R] {
	if err := ctx.Err(); err != nil {
		return result[R]{err: err}
	}
	ctx, end := traced(ctx)
	defer end()
	c := &call[S, R]{op: op, ctx: ctx, told: make(chan word[S, R], 1)}
	if err := g.enqueue(c); err != nil {
		return result[R]{err: err}
	}
	select {
	case w := <-c.told:
		return g.heed(c, w)
	case <-ctx.Done():
	}
	if g.drop(c) {
		return result[R]{err: ctx.Err()}
	}
	select {
	case w := <-c.told: // it came at the same moment, or c is to lead
		return g.heed(c, w)
	default:
		return result[R]{err: fmt.Errorf("%w: %w", storage.ErrUnknown, ctx.Err())}
	}
}

// word is what a waiting caller is told: to lead a batch, or its result.
type word[S, R any] struct {
	lead   *batch[S, R]
	result result[R]
}

// heed does what c is told and returns its result.
func (g *Group[S, R]) heed(c *call[S, R], w word[S, R]) result[R] {
	if w.lead != nil {
		g.commit(w.lead)
		w = <-c.told
	}
	return w.result.rethrow()
}

// rethrow raises a panic of Apply in the goroutine of its caller.
func (r result[R]) rethrow() result[R] {
	if r.panicked != nil {
		panic(r.panicked)
	}
	return r
}

// Stats counts what a Group has done since it was made.
type Stats struct {
	Operations   uint64 // that took part in a committed batch
	Batches      uint64 // transactions committed
	Runs         uint64 // transactions run, those included that were run again
	EntityReads  uint64 // entities read, by all runs
	EntityWrites uint64 // entities written, by all runs
	Refused      uint64 // operations that found the queue full
	Waiting      int    // operations that wait at this moment
}

type stats struct {
	operations, batches, runs, reads, writes, refused atomic.Uint64
}

// Stats returns the counts as they are now.
func (g *Group[S, R]) Stats() Stats {
	g.mu.Lock()
	waiting := g.waiting
	g.mu.Unlock()
	return Stats{
		Operations:   g.stats.operations.Load(),
		Batches:      g.stats.batches.Load(),
		Runs:         g.stats.runs.Load(),
		EntityReads:  g.stats.reads.Load(),
		EntityWrites: g.stats.writes.Load(),
		Refused:      g.stats.refused.Load(),
		Waiting:      waiting,
	}
}
