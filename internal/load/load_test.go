package load

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestEachCallIsMadeOnce(t *testing.T) {
	for _, rate := range []float64{0, 1e6} {
		var mu sync.Mutex
		seen := make(map[int]int)
		r := Plan{Callers: 8, Rate: rate, Requests: 1000}.Run(t.Context(), func(_ context.Context, i int) error {
			mu.Lock()
			defer mu.Unlock()
			seen[i]++
			if i%10 == 0 {
				return errors.New("the tenth")
			}
			return nil
		})
		for i := range 1000 {
			if seen[i] != 1 {
				t.Fatalf("rate %v: call %d was made %d times, want once", rate, i, seen[i])
			}
		}
		if r.Attempted != 1000 || r.Done != 900 || r.Failed["the tenth"] != 100 || r.Unsent != 0 {
			t.Errorf("rate %v: %d attempted, %d done, %v failed, %d unsent; want 1000, 900, 100 of the tenth, 0", rate, r.Attempted, r.Done, r.Failed, r.Unsent)
		}
	}
}

func TestNoMoreCallAtOnceThanThereAreCallers(t *testing.T) {
	var now, most atomic.Int64
	all := make(chan struct{})
	Plan{Callers: 3, Requests: 30}.Run(t.Context(), func(context.Context, int) error {
		n := now.Add(1)
		defer now.Add(-1)
		for old := most.Load(); n > old && !most.CompareAndSwap(old, n); old = most.Load() {
		}
		if n == 3 {
			select {
			case <-all:
			default:
				close(all)
			}
		}
		<-all // the first three wait for each other
		return nil
	})
	if got := most.Load(); got != 3 {
		t.Errorf("%d called at once, want 3", got)
	}
}

// TestLatencyCountsFromWhenACallWasDue: one caller stands still for a while. By a clock,
// the calls that were due meanwhile have waited; without one nobody was.
func TestLatencyCountsFromWhenACallWasDue(t *testing.T) {
	const still = 200 * time.Millisecond
	call := func(_ context.Context, i int) error {
		if i == 0 {
			time.Sleep(still)
		}
		return nil
	}
	open := Plan{Callers: 1, Rate: 1e6, Requests: 100}.Run(t.Context(), call)
	if got := open.Latency(50); got < still/2 {
		t.Errorf("by a clock half of the calls took up to %v, want over %v", got, still/2)
	}
	closed := Plan{Callers: 1, Requests: 100}.Run(t.Context(), call)
	if got := closed.Latency(50); got >= still/2 {
		t.Errorf("without a clock half of the calls took up to %v, want less than %v", got, still/2)
	}
	if got := closed.Latency(100); got < still {
		t.Errorf("the longest took %v, want at least %v", got, still)
	}
}

func TestWhatWasDueAndNeverSentIsSaid(t *testing.T) {
	r := Plan{Callers: 1, Rate: 1000, Length: 50 * time.Millisecond}.Run(t.Context(), func(context.Context, int) error {
		time.Sleep(60 * time.Millisecond)
		return nil
	})
	if r.Attempted > 1 || r.Unsent < 10 {
		t.Errorf("%d attempted, %d unsent; want 1 at most, and most of the 50 that were due", r.Attempted, r.Unsent)
	}
}

// TestAnEndLetsCallsFinish: else nobody would know what became of them.
func TestAnEndLetsCallsFinish(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	r := Plan{Callers: 4, Length: time.Hour}.Run(ctx, func(ctx context.Context, i int) error {
		if i == 3 {
			cancel()
		}
		return ctx.Err()
	})
	if r.Attempted < 4 || r.Attempted != r.Done {
		t.Errorf("%d attempted and %d done, want the same, and at least 4; failed: %v", r.Attempted, r.Done, r.Failed)
	}
}

func TestProgressComesWhileCallsAreMade(t *testing.T) {
	told := make(chan int64, 1)
	p := Plan{Callers: 1, Requests: 2, Progress: func(ended int64, _ time.Duration) {
		select {
		case told <- ended:
		default:
		}
	}}
	p.Run(t.Context(), func(_ context.Context, i int) error {
		if i == 1 {
			if got := <-told; got != 1 {
				t.Errorf("progress says that %d calls have ended, want 1", got)
			}
		}
		return nil
	})
}
