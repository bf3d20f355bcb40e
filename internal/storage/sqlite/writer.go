package sqlite

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

// groupUpdates is how many updates share a transaction at most.
const groupUpdates = 1000

// writer commits updates in groups, one group at a time. Its connection belongs
// to whoever leads: the caller that finds nobody leading does, with only its own
// update. The updates that arrive meanwhile wait, and the first of them leads
// the next group, which is all of them. So a caller that is alone waits for no
// other goroutine to wake up, and no caller works for a group after its own.
type writer struct {
	conn *conn

	mu      sync.Mutex
	leading bool
	waiting []*update
	closed  bool
	idle    *sync.Cond // of mu: nobody leads
}

func newWriter(c *conn) *writer {
	w := &writer{conn: c}
	w.idle = sync.NewCond(&w.mu)
	return w
}

// update runs fn in a transaction, which it may share with others.
func (w *writer) update(ctx context.Context, fn func(storage.Getter) ([]storage.Write, error)) error {
	u := &update{ctx: ctx, fn: fn, deadline: deadline(ctx)}
	lead, err := w.join(u)
	if err != nil {
		return err
	}
	if lead || w.await(u) {
		w.lead(u)
	}
	if u.panicked != nil {
		panic(u.panicked)
	}
	return u.err
}

// close waits for the updates that are under way.
func (w *writer) close() error {
	w.mu.Lock()
	w.closed = true
	for w.leading {
		w.idle.Wait()
	}
	w.mu.Unlock()
	return w.conn.close()
}

// join says whether u leads at once, or has been queued.
func (w *writer) join(u *update) (lead bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false, fmt.Errorf("sqlite update: %w: the store is closed", storage.ErrUnavailable)
	}
	if !w.leading {
		w.leading, u.taken = true, true
		return true, nil
	}
	u.wake = make(chan bool, 1)
	w.waiting = append(w.waiting, u)
	return false, nil
}

// await returns true when u is to lead, false when it has its outcome.
func (w *writer) await(u *update) (lead bool) {
	select {
	case lead := <-u.wake:
		return lead
	case <-u.ctx.Done():
	}
	if w.leave(u) {
		return false
	}
	return <-u.wake // it is under way: only its end tells whether it was stored
}

// leave takes u from the queue, if no leader has done so.
func (w *writer) leave(u *update) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if u.taken {
		return false
	}
	u.gone = true
	u.settle(fmt.Errorf("sqlite update: %w", u.ctx.Err()))
	return true
}

// lead runs one group that begins with own, hands over, and tells the others.
func (w *writer) lead(own *update) {
	group := w.take(own)
	completed := false
	defer func() {
		if !completed { // an fn left by runtime.Goexit, as t.Fatal does
			w.conn.rollback()
			for _, u := range group {
				u.settle(fmt.Errorf("sqlite update: %w: a function ended its goroutine", storage.ErrUnavailable))
			}
		}
		w.handOver(group)
		for _, u := range group[1:] {
			if u.settled {
				u.wake <- false
			}
		}
	}()
	w.run(group)
	completed = true
}

// take makes a group of own and of those who wait.
func (w *writer) take(own *update) []*update {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := min(len(w.waiting), groupUpdates-1)
	group := make([]*update, 1, 1+n)
	group[0] = own
	for _, u := range w.waiting[:n] {
		if !u.gone {
			u.taken = true
			group = append(group, u)
		}
	}
	w.waiting = slices.Delete(w.waiting, 0, n)
	return group
}

// handOver returns to the queue what the group has not settled, and makes the
// first in it the leader.
func (w *writer) handOver(group []*update) {
	w.mu.Lock()
	defer w.mu.Unlock()
	back := 0
	for _, u := range group {
		if !u.settled {
			u.taken = false
			w.waiting = slices.Insert(w.waiting, back, u)
			back++
		}
	}
	for len(w.waiting) > 0 {
		next := w.waiting[0]
		w.waiting = slices.Delete(w.waiting, 0, 1)
		if !next.gone {
			next.taken = true
			next.wake <- true
			return
		}
	}
	w.leading = false
	w.idle.Broadcast()
}

// run settles the first of the group and as many of the others as one transaction
// carries.
func (w *writer) run(group []*update) {
	if !w.begin(group) {
		return
	}
	t := &transaction{conn: w.conn, rows: make(map[storage.Key]*row)}
	ran := group
	for i, u := range group {
		if t.full() || t.err != nil {
			ran = group[:i]
			break
		}
		u.run(t)
	}
	err := t.commit()
	switch {
	case err == nil:
		for _, u := range ran {
			u.settle(u.err)
		}
	case len(ran) == 1 || !t.rolledBack:
		for _, u := range ran {
			u.settle(err)
		}
	default:
		// One of them may be the cause. What the others found may have come of
		// it, their errors too: they all run again, each alone.
		for i, u := range ran {
			if !u.settled {
				w.run(ran[i : i+1])
			}
		}
	}
}

// begin starts the transaction. It is false when there is nobody to run for: the
// first of the group is settled then.
func (w *writer) begin(group []*update) bool {
	for try := 0; ; try++ {
		err := w.conn.exec(begin)
		if err == nil {
			return true
		}
		for _, u := range group {
			switch {
			case !isBusy(err):
				u.settle(classify("begin", err))
			case u.ctx.Err() == context.Canceled:
				u.settle(fmt.Errorf("sqlite begin: %w", context.Canceled))
			case u.ctx.Err() != nil || time.Now().After(u.deadline):
				u.settle(classify("begin", err))
			}
		}
		if group[0].settled {
			return false
		}
		time.Sleep(pause(try))
	}
}
