package update_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"

	"github.com/tallystick/tallystick/internal/storage"
)

// lossy is a store that applies a commit and loses the answer: sometimes it runs the
// transaction again, as a client library does, sometimes it gives up.
type lossy struct{ storage.Store }

func (l lossy) Update(ctx context.Context, fn func(storage.Tx) error) error {
	for {
		if err := l.Store.Update(ctx, fn); err != nil {
			return err
		}
		switch dice := rand.Float64(); {
		case dice < 0.3:
			return fmt.Errorf("%w: the answer was lost", storage.ErrUnknown)
		case dice < 0.5:
			continue
		}
		return nil
	}
}

// TestAnUpdateWhoseCommitHadNoAnswerIsDoneOnce: its partner is told to send it again, and
// does. Two instances lose answers.
func TestAnUpdateWhoseCommitHadNoAnswerIsDoneOnce(t *testing.T) {
	s := start(t, nil)
	s.stock(1_000, "ACME-1")
	urls := []string{s.serve(lossy{s.db}, nil), s.serve(lossy{s.db}, nil)}
	const workers, each = 8, 25
	var all sync.WaitGroup
	var mu sync.Mutex
	unknown := 0
	for w := range workers {
		all.Go(func() {
			for i := range each {
				id := fmt.Sprintf("msg_%d-%d", w, i)
				body := adjusted(take)
				if i%2 == 1 {
					body = delivered(fmt.Sprintf(`{"lines":[{"id":"D-1","status":"x"},{"id":"D-%d","status":"x"}]}`, 2+w))
				}
				for done := false; !done && !t.Failed(); {
					r, err := s.try(t.Context(), urls[rand.IntN(2)], s.sign("acme", id, body))
					switch {
					case err == nil && r.status == http.StatusOK:
						done = true
					case err == nil && r.status == http.StatusServiceUnavailable && r.code() == "OUTCOME_UNKNOWN" && r.header.Get("Retry-After") != "":
						mu.Lock()
						unknown++
						mu.Unlock()
					default:
						t.Errorf("%s: %+v, %v, want 200, or 503 OUTCOME_UNKNOWN", id, r, err)
					}
				}
			}
		})
	}
	all.Wait()
	t.Logf("of %d updates %d times nobody knew whether they were done", workers*each, unknown)
	if unknown == 0 {
		t.Error("no answer was lost: the test shows nothing")
	}
	s.wantOnce(workers*each + 1)
	s.onHand(map[string]int64{"ACME-1": 1_000 - workers*(each/2+1)})
	if got := len(s.delivery("D-1").Events); got != workers*(each/2) {
		t.Errorf("D-1 has %d events, want %d", got, workers*(each/2))
	}
}

// crashing is a store whose transactions crash after so many steps: a read, each write,
// and, one after the last, the commit.
type crashing struct {
	storage.Store
	left  int
	crash func() error
}

var errCrash = errors.New("crash")

func (c *crashing) Update(ctx context.Context, fn func(storage.Tx) error) error {
	err := c.Store.Update(ctx, func(tx storage.Tx) error {
		if err := fn(crashingTx{tx, c}); err != nil {
			return err
		}
		return c.step() // before the commit
	})
	if err != nil {
		return err
	}
	return c.step() // after it
}

// step crashes once.
func (c *crashing) step() error {
	c.left--
	if c.left == 0 {
		return c.crash()
	}
	return nil
}

type crashingTx struct {
	storage.Tx
	c *crashing
}

func (t crashingTx) Get(keys ...storage.Key) ([]storage.Entity, error) {
	found, err := t.Tx.Get(keys...)
	return found, errors.Join(err, t.c.step())
}

func (t crashingTx) Put(e storage.Entity) error { return errors.Join(t.Tx.Put(e), t.c.step()) }

// TestACrashAfterAnyStepAppliesNothingByHalf: an update's row, its effect and its marker are
// there together, or none of them is; and sent again it is done once.
func TestACrashAfterAnyStepAppliesNothingByHalf(t *testing.T) {
	for _, how := range []struct {
		name  string
		crash func() error
	}{
		{"an error", func() error { return errCrash }},
		{"a panic", func() error { panic(errCrash) }},
	} {
		for _, tt := range []struct {
			name, body string
			onHand     map[string]int64 // when it is done
			deliveries int              // and those, of an event each
		}{
			{"adjusted", adjusted(`{"lines":[{"sku":"ACME-1","delta":-1},{"sku":"ACME-2","delta":1}]}`), map[string]int64{"ACME-1": 9, "ACME-2": 11}, 0},
			{"counted", counted(`{"lines":[{"sku":"ACME-1","quantity":1},{"sku":"ACME-3","quantity":1}]}`), map[string]int64{"ACME-1": 1, "ACME-3": 1}, 0},
			{"delivered", delivered(`{"lines":[{"id":"D-1","status":"x"},{"id":"D-2","status":"x"}]}`), nil, 2},
		} {
			t.Run(tt.name+", "+how.name, func(t *testing.T) {
				steps := 1
				for ; ; steps++ {
					s := start(t, nil)
					s.stock(10, "ACME-1", "ACME-2")
					store := &crashing{s.db, steps, how.crash}
					s.url = s.serve(store, nil)
					before := s.dump()
					r := s.post(s.sign("acme", "msg_1", tt.body))
					if r.status == http.StatusOK {
						break // it has fewer steps
					}
					after := s.dump()
					again := s.accept(s.sign("acme", "msg_1", tt.body))
					switch replayed := again.header.Get("Idempotent-Replayed") == "true"; {
					case r.status != http.StatusInternalServerError:
						t.Errorf("after step %d: %d %s, want 500", steps, r.status, r.body)
					case !replayed && after != before:
						t.Errorf("after step %d something is stored, and without a marker:\n%s", steps, after)
					case replayed && s.dump() != after:
						t.Errorf("after step %d the marker is stored, and not all:\n%s", steps, after)
					}
					s.wantOnce(2)
					s.onHand(tt.onHand)
					for d := range tt.deliveries {
						if got := len(s.delivery(fmt.Sprint("D-", d+1)).Events); got != 1 {
							t.Errorf("after step %d: delivery %d has %d events, want 1", steps, d+1, got)
						}
					}
				}
				t.Logf("%d steps", steps-1)
				if steps < 6 {
					t.Errorf("it crashed after %d steps only", steps-1)
				}
			})
		}
	}
}
