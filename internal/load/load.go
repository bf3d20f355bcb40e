// Package load makes calls as many people at once do, and says honestly what came of them.
// It knows nothing of what is called.
//
// Read Plan.Run here first, then result.go (rates and latencies), check.go (whether what
// was acknowledged is what is stored) and naive.go (the way of one transaction a visit).
package load

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Call is the i-th call, from 0. An error says why it does not count as done; calls of one cause
// have one text.
type Call func(ctx context.Context, i int) error

// Plan says how many calls come, and when.
type Plan struct {
	Callers int // who call at once, each one call at a time

	// Rate is how many calls are due a second, in gaps as those of people who do not
	// know of each other (exponential). A caller that is late for one calls at once, and its latency
	// counts from when it was due: so the wait in a queue is in it, which who measures
	// from the sending leaves out ("coordinated omission"). Zero is no clock: each caller
	// calls again when it is answered.
	Rate float64

	Length   time.Duration // for how long calls begin; zero: until there were Requests
	Requests int           // how many calls there are; zero: until Length is over

	// Progress, unless nil, is told now and then how many calls have ended, and after what time.
	Progress func(ended int64, passed time.Duration)
}

// progressEvery is how often Progress is told.
const progressEvery = 100 * time.Millisecond

// Run makes the calls and waits for the last. When ctx ends no more begin; those under way
// go on, for what became of them would not be known.
func (p Plan) Run(ctx context.Context, call Call) Result {
	begin := time.Now()
	r := &run{plan: p, begin: begin, due: begin, gaps: rand.New(rand.NewPCG(1, 2)), result: newResult()}
	var callers sync.WaitGroup
	for range p.Callers {
		callers.Go(func() { r.caller(ctx, call) })
	}
	ended := make(chan struct{})
	go func() { callers.Wait(); close(ended) }()
	for r.wait(ended) {
		if p.Progress != nil {
			p.Progress(r.ended(), time.Since(begin))
		}
	}
	r.result.Took = time.Since(begin)
	return r.result
}

// run is a Plan that is carried out.
type run struct {
	plan  Plan
	begin time.Time

	mu     sync.Mutex
	begun  int
	due    time.Time // of the next call, under a Rate
	gaps   *rand.Rand
	result Result
}

func (r *run) wait(ended <-chan struct{}) bool {
	select {
	case <-ended:
		return false
	case <-time.After(progressEvery):
		return true
	}
}

func (r *run) ended() int64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.result.Attempted
}

func (r *run) caller(ctx context.Context, call Call) {
	for {
		i, due, ok := r.next()
		if !ok || !sleepUntil(ctx, due) {
			return
		}
		err := call(context.WithoutCancel(ctx), i)
		r.note(time.Since(due), err)
	}
}

// next is the number of the next call and when it is due, if there is one.
func (r *run) next() (i int, due time.Time, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	for r.plan.Requests == 0 || r.begun < r.plan.Requests {
		if due = now; r.plan.Rate > 0 {
			due = r.due
		}
		if r.over(due) {
			break
		}
		if r.plan.Rate > 0 {
			r.due = due.Add(time.Duration(r.gaps.ExpFloat64() / r.plan.Rate * float64(time.Second)))
		}
		r.begun++
		if !r.over(now) {
			return r.begun - 1, due, true
		}
		r.result.Unsent++
	}
	return 0, due, false
}

// over says whether no call begins at a time any more.
func (r *run) over(at time.Time) bool {
	return r.plan.Length > 0 && at.Sub(r.begin) >= r.plan.Length
}

func (r *run) note(took time.Duration, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.add(took, err)
}

// sleepUntil is false when ctx ends before.
func sleepUntil(ctx context.Context, at time.Time) bool {
	if ctx.Err() != nil {
		return false
	}
	wait := time.Until(at)
	if wait <= 0 {
		return true
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
