package visit_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/emulator"
	"github.com/tallystick/tallystick/internal/visit"
)

// lossyServices returns two services, as of two processes, on one Datastore emulator
// behind a faulty proxy, the proxy, and a service that is not behind it.
func lossyServices(t *testing.T, delay time.Duration, commits odds) (services [2]*visit.Service, direct *visit.Service, p *faulty) {
	t.Helper()
	database := freshNamespace(emulator.Datastore(t))
	p = startFaulty(t, database.host, delay, func(method string) fault {
		switch method {
		case "Commit":
			return commits.throw()
		case "Rollback": // so that a late commit is not always too late
			return odds{requestUnavailable: 0.2}.throw()
		}
		return noFault
	})
	for i := range services {
		services[i] = visit.New(database.through(p.host).open(t), visit.Options{})
	}
	return services, visit.New(database.open(t), visit.Options{}), p
}

// wantLosses says whether the proxy did what it is there for.
func wantLosses(t *testing.T, p *faulty) {
	t.Helper()
	done, lost := p.counts("Commit")
	t.Logf("%d commits, of %d the reply was lost", done, lost)
	if lost < done/8 || lost < 10 {
		t.Errorf("of %d commits the reply to %d was lost, want about a third", done, lost)
	}
}

// With the marks taken out (internal/merge/mark.go: applied returns nil) this test
// ended with "stored 2492 visits, want 1600" and then 2597, the numbers told twice
// and missing, after 122 lost replies to 324 commits, and 115 to 316.
func TestALostReplyToACommitLosesAndDoublesNoVisit(t *testing.T) {
	services, direct, p := lossyServices(t, 50*time.Millisecond, odds{
		replyUnavailable: 0.15, replyReset: 0.15, replyLate: 0.05, requestUnavailable: 0.05, requestReset: 0.05,
	})
	visits := pick(1_600, 32_000)
	wantEachOnce(t, countAll(t, visits, 32, once, services[:]...))
	wantStored(t, direct, visits)
	wantLosses(t, p)
}

// tellings is what the callers of many visits were told.
type tellings struct {
	mu      sync.Mutex
	numbers map[int64]bool
	unknown int
	not     int
}

// With the marks taken out it ended with "stored 1119, want from 465 to 1042".
func TestWhoIsToldUnknownMayBeCountedAndNobodyElseIs(t *testing.T) {
	services, direct, p := lossyServices(t, 200*time.Millisecond, odds{
		replyUnavailable: 0.15, replyReset: 0.10, replyLate: 0.05, requestUnavailable: 0.05, requestReset: 0.05, requestLate: 0.05,
	})
	const callers = 32
	each := pick(50, 1_000)
	told := tellings{numbers: make(map[int64]bool)}
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			for i := range each {
				patience := time.Duration(5+rand.IntN(150)) * time.Millisecond
				if i%10 == 0 {
					patience = time.Minute // some are acknowledged, however slow the machine is
				}
				told.visit(t, services[c%2], anyone(c*each+i), patience)
			}
		})
	}
	all.Wait()
	p.stop() // what is on its way arrives
	acked, stored := len(told.numbers), int(stored(t, direct).Visits)
	t.Logf("attempted %d: acknowledged %d, unknown %d, refused %d; stored %d", callers*each, acked, told.unknown, told.not, stored)
	if stored < acked || stored > acked+told.unknown {
		t.Errorf("stored %d, want from %d, the acknowledged ones, to %d, with the unknown ones", stored, acked, acked+told.unknown)
	}
	if told.unknown == 0 || acked == 0 {
		t.Errorf("%d were acknowledged and %d unknown: want some of both, or the test shows nothing", acked, told.unknown)
	}
	wantLosses(t, p)
}

// visit counts one visit with so much patience.
func (s *tellings) visit(t *testing.T, service *visit.Service, visitor visit.Visitor, patience time.Duration) {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	count, err := service.Count(ctx, visit.Request{Page: "/", Visitor: visitor})
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil && s.numbers[count.Visits]:
		t.Errorf("number %d was given twice", count.Visits)
	case err == nil:
		s.numbers[count.Visits] = true
	case errors.Is(err, storage.ErrUnknown):
		s.unknown++
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, storage.ErrConflict), errors.Is(err, storage.ErrUnavailable):
		s.not++ // each of these says that nothing was stored
	default:
		t.Errorf("got %v, want an error of storage's", err)
	}
}

func TestAVisitWithAKeyIsSentUntilItIsAcknowledgedAndCountsOnce(t *testing.T) {
	services, direct, p := lossyServices(t, 200*time.Millisecond, odds{
		replyUnavailable: 0.15, replyReset: 0.10, replyLate: 0.05, requestUnavailable: 0.05, requestReset: 0.05, requestLate: 0.05,
	})
	const callers = 32
	each := pick(25, 100) // the emulator keeps the whole database for each transaction that was not rolled back
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	numbers := make([]int64, callers*each)
	var sent atomic.Int64
	var all sync.WaitGroup
	for c := range callers {
		all.Go(func() {
			for i := c * each; i < (c+1)*each && !t.Failed(); i++ {
				request := visit.Request{Page: "/", Visitor: anyone(i), IdempotencyKey: fmt.Sprint("visit ", i)}
				numbers[i] = insist(ctx, t, services, request, &sent).Visits
				if i%8 > 0 {
					continue
				}
				if again := insist(ctx, t, services, request, &sent); again.Visits != numbers[i] || !again.Replayed {
					t.Errorf("sent again: got %+v, want number %d replayed", again, numbers[i])
				}
			}
		})
	}
	all.Wait()
	p.stop() // what is on its way arrives
	t.Logf("%d visits were sent %d times", len(numbers), sent.Load())
	wantEachOnce(t, numbers)
	wantStored(t, direct, len(numbers))
	wantLosses(t, p)
}

// What a try is told says nothing of an earlier one, of which nothing was heard.
func TestAVisitIsUnknownEvenWhenTheNextTryIsDenied(t *testing.T) {
	for _, tt := range []struct {
		denied string
		first  fault // of the commit before
		stored int
	}{
		{"BeginTransaction", replyReset, 1},
		{"Lookup", replyReset, 1},
		{"Commit", requestReset, 0}, // had it been stored there would be no next one
	} {
		t.Run(tt.denied, func(t *testing.T) {
			database := freshNamespace(emulator.Datastore(t))
			var committed atomic.Bool
			p := startFaulty(t, database.host, 0, func(method string) fault {
				switch {
				case method == "Commit" && !committed.Swap(true):
					return tt.first
				case method == tt.denied && committed.Load():
					return requestDenied
				}
				return noFault
			})
			service := visit.New(database.through(p.host).open(t), visit.Options{})
			count, err := service.Count(t.Context(), visit.Request{Page: "/", Visitor: visit.Visitor{Private: true}})
			if !errors.Is(err, storage.ErrUnknown) || errors.Is(err, storage.ErrUnavailable) {
				t.Errorf("got %+v, %v; want ErrUnknown", count, err)
			}
			wantStored(t, visit.New(database.open(t), visit.Options{}), tt.stored)
		})
	}
}

// insist sends a visit to any of the services until one acknowledges it.
func insist(ctx context.Context, t *testing.T, services [2]*visit.Service, request visit.Request, sent *atomic.Int64) visit.Count {
	for tries := 1; ; tries++ {
		patience, cancel := context.WithTimeout(ctx, time.Duration(50+rand.IntN(250*tries))*time.Millisecond)
		count, err := services[rand.IntN(2)].Count(patience, request)
		cancel()
		sent.Add(1)
		switch {
		case err == nil:
			return count
		case ctx.Err() != nil:
			t.Errorf("not acknowledged in the time of the test: %v", err)
			return count
		}
	}
}
