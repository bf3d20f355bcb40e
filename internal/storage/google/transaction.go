package google

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

const (
	// patience bounds an update whose context has no deadline.
	patience = 30 * time.Second

	// rollbackTimeout bounds what an update does for others after its own end.
	rollbackTimeout = 2 * time.Second

	firstPause   = 10 * time.Millisecond
	longestPause = time.Second
)

// outcome is how one run of an update ended.
type outcome int

const (
	settled outcome = iota // the error, or nil, is Update's
	denied                 // nothing was stored, and no further run would do better
	again                  // nothing was stored: run it again
	unsure                 // stored or not: run it again, fn knows how to tell
	ended                  // the context ended and nothing was sent
)

// Server is a database with transactions. Each method is one try at one call, or a
// few that read, and returns its error as gRPC gave it.
type Server interface {
	// Begin begins a transaction that reads and writes. previous, unless nil, is the
	// one of the run before: with it the server can favour who has tried already.
	Begin(ctx context.Context, previous []byte) (id []byte, err error)

	// Read is storage.Getter inside a transaction, or outside of one if the id is nil.
	Read(ctx context.Context, id []byte, keys []storage.Key) ([]storage.Entity, error)

	// Commit writes all or nothing. The id is nil when nothing was read, and then
	// previous is the one of the run before.
	Commit(ctx context.Context, id, previous []byte, writes []storage.Write) error

	// Rollback frees what the transaction holds.
	Rollback(ctx context.Context, id []byte) error
}

// Update is storage.Driver's for a server. Errors begin with the backend's name.
func Update(ctx context.Context, backend string, server Server, fn func(storage.Getter) ([]storage.Write, error)) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	var doubt, failure error // of the latest run that ended so
	var previous []byte
	for try := 0; ; try++ {
		t := &transaction{backend: backend, server: server, ctx: ctx, previous: previous}
		how, err := t.run(fn)
		switch how {
		case settled:
			return err
		case denied:
			if doubt != nil { // of which this run's end says nothing
				return fmt.Errorf("%w, then %v", doubt, err)
			}
			return err
		case unsure:
			doubt = err
		case again:
			failure = err
		}
		if how == ended || !wait(ctx, pause(try)) {
			switch {
			case doubt != nil:
				return doubt
			case failure == nil, errors.Is(ctx.Err(), context.Canceled):
				return fmt.Errorf("%s update: %w", backend, ctx.Err())
			}
			return failure
		}
		previous = t.id
	}
}

// transaction is one run of an update.
type transaction struct {
	backend  string
	server   Server
	ctx      context.Context
	previous []byte // the transaction of the run before

	id   []byte // the server's, from the first read on
	over bool   // nothing is left to roll back
	err  error  // the first failed read
}

func (t *transaction) run(fn func(storage.Getter) ([]storage.Write, error)) (outcome, error) {
	defer t.rollback() // after a panic, too
	writes, err := fn(t.get)
	switch {
	case t.err != nil: // whatever fn made of that
		return t.unread()
	case err != nil:
		return settled, err
	case t.ctx.Err() != nil:
		return ended, nil
	case len(writes) == 0:
		return settled, nil
	}
	return t.commit(writes)
}

// get is a storage.Getter.
func (t *transaction) get(keys []storage.Key) ([]storage.Entity, error) {
	entities, err := t.read(keys)
	if err != nil {
		t.err = fmt.Errorf("get %s: %w", Named(keys), err)
		return nil, ReadError(t.ctx, t.backend, "get "+Named(keys), err)
	}
	return entities, nil
}

// read begins the server's transaction if this is its first use. Datastore's Lookup
// could do both in one call, but the Firestore emulator then leaves the entity
// locked against its own transaction.
func (t *transaction) read(keys []storage.Key) (entities []storage.Entity, err error) {
	if t.id == nil {
		if t.id, err = t.server.Begin(t.ctx, t.previous); err != nil {
			return nil, err
		}
	}
	return t.server.Read(t.ctx, t.id, keys)
}

// unread is the outcome of a run that could not read.
func (t *transaction) unread() (outcome, error) {
	if t.ctx.Err() != nil {
		return ended, nil
	}
	switch kindOf(t.err) {
	case conflict:
		return again, fmt.Errorf("%s update: %w: %w", t.backend, storage.ErrConflict, t.err)
	case unavailable, lost:
		return again, fmt.Errorf("%s update: %w: %w", t.backend, storage.ErrUnavailable, t.err)
	}
	return denied, ReadError(t.ctx, t.backend, "update", t.err)
}

func (t *transaction) commit(writes []storage.Write) (outcome, error) {
	err := t.server.Commit(t.ctx, t.id, t.previous, writes)
	if err == nil {
		t.over = true
		return settled, nil
	}
	what := "commit " + writes[0].Entity.Key.String()
	switch kindOf(err) {
	case conflict:
		return again, fmt.Errorf("%s %s: %w: %w", t.backend, what, storage.ErrConflict, err)
	case unavailable:
		return again, fmt.Errorf("%s %s: %w: %w", t.backend, what, storage.ErrUnavailable, err)
	case lost:
		return unsure, fmt.Errorf("%s %s: %w: %w", t.backend, what, storage.ErrUnknown, err)
	case forbidden:
		return denied, fmt.Errorf("%s %s: %w: %w", t.backend, what, storage.ErrUnavailable, err)
	}
	return denied, fmt.Errorf("%s %s: %w", t.backend, what, err)
}

// rollback frees the locks of a transaction that does not commit. It is worth a
// try even when the caller is gone, and no error of it matters: the server gives
// up such a transaction by itself, only later.
func (t *transaction) rollback() {
	if t.over || t.id == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.ctx), rollbackTimeout)
	defer cancel()
	_ = t.server.Rollback(ctx, t.id)
}

// pause grows with each try, and is random so that those who met do not meet again.
func pause(try int) time.Duration {
	longest := min(firstPause<<min(try, 10), longestPause)
	return longest/4 + rand.N(longest*3/4)
}

// wait is false when ctx ends first.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
