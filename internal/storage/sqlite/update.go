package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

// update is one call of Update, on its way through the writer.
type update struct {
	ctx      context.Context
	fn       func(storage.Getter) ([]storage.Write, error)
	deadline time.Time

	wake  chan bool // true: lead the next group; false: it is settled
	taken bool      // by a leader; guarded by writer.mu
	gone  bool      // its caller left the queue; guarded by writer.mu

	// The leader's, until settled.
	err      error
	panicked any
	settled  bool
}

// run runs fn and takes its writes into the transaction. What it finds counts
// only when the transaction is committed.
func (u *update) run(t *transaction) {
	if u.settled {
		return
	}
	if u.err = u.ended(); u.err != nil {
		return
	}
	writes := u.call(t)
	if u.err == nil {
		u.err = u.ended()
	}
	if u.err == nil && u.panicked == nil && t.err == nil {
		t.write(writes)
	}
}

// call is fn, with a panic kept for its caller.
func (u *update) call(t *transaction) (writes []storage.Write) {
	defer func() { u.panicked = recover() }()
	writes, u.err = u.fn(t.get)
	return writes
}

func (u *update) ended() error {
	if err := u.ctx.Err(); err != nil {
		return fmt.Errorf("sqlite update: %w", err)
	}
	return nil
}

// settle sets the outcome, the first time.
func (u *update) settle(err error) {
	if !u.settled {
		u.settled, u.err = true, err
	}
}
