package datastore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"

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

// Update implements storage.Driver.
func (s *store) Update(ctx context.Context, fn func(storage.Getter) ([]storage.Write, error)) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	var doubt, failure error // of the latest run that ended so
	var previous []byte
	for try := 0; ; try++ {
		t := &transaction{store: s, ctx: ctx, previous: previous}
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
				return fmt.Errorf("datastore update: %w", ctx.Err())
			}
			return failure
		}
		// With it the server can favour who has tried before.
		previous = t.id
	}
}

// transaction is one run of an update.
type transaction struct {
	store    *store
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
		t.err = fmt.Errorf("get %s: %w", named(keys), err)
		return nil, readError(t.ctx, "get "+named(keys), err)
	}
	return entities, nil
}

// read begins the server's transaction if this is its first use. Lookup could do
// both in one call, but the Firestore emulator then leaves the entity locked
// against its own transaction.
func (t *transaction) read(keys []storage.Key) ([]storage.Entity, error) {
	if t.id == nil {
		reply, err := t.store.client.BeginTransaction(t.store.outgoing(t.ctx), &pb.BeginTransactionRequest{
			ProjectId: t.store.project, DatabaseId: t.store.database, TransactionOptions: t.options(),
		})
		if err != nil {
			return nil, err
		}
		t.id = reply.GetTransaction()
	}
	return t.store.lookup(t.ctx, keys, &pb.ReadOptions{
		ConsistencyType: &pb.ReadOptions_Transaction{Transaction: t.id},
	})
}

// unread is the outcome of a run that could not read.
func (t *transaction) unread() (outcome, error) {
	if t.ctx.Err() != nil {
		return ended, nil
	}
	switch kindOf(t.err) {
	case conflict:
		return again, fmt.Errorf("datastore update: %w: %w", storage.ErrConflict, t.err)
	case unavailable, lost:
		return again, fmt.Errorf("datastore update: %w: %w", storage.ErrUnavailable, t.err)
	}
	return denied, readError(t.ctx, "update", t.err)
}

func (t *transaction) commit(writes []storage.Write) (outcome, error) {
	request := &pb.CommitRequest{
		ProjectId: t.store.project, DatabaseId: t.store.database,
		Mode:      pb.CommitRequest_TRANSACTIONAL,
		Mutations: t.store.mutations(writes),
	}
	if t.id != nil {
		request.TransactionSelector = &pb.CommitRequest_Transaction{Transaction: t.id}
	} else { // it has read nothing
		request.TransactionSelector = &pb.CommitRequest_SingleUseTransaction{SingleUseTransaction: t.options()}
	}
	_, err := t.store.client.Commit(t.store.outgoing(t.ctx), request)
	if err == nil {
		t.over = true
		return settled, nil
	}
	what := "commit " + writes[0].Entity.Key.String()
	switch kindOf(err) {
	case conflict:
		return again, fmt.Errorf("datastore %s: %w: %w", what, storage.ErrConflict, err)
	case unavailable:
		return again, fmt.Errorf("datastore %s: %w: %w", what, storage.ErrUnavailable, err)
	case lost:
		return unsure, fmt.Errorf("datastore %s: %w: %w", what, storage.ErrUnknown, err)
	case forbidden:
		return denied, fmt.Errorf("datastore %s: %w: %w", what, storage.ErrUnavailable, err)
	}
	return denied, fmt.Errorf("datastore %s: %w", what, err)
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
	_, _ = t.store.client.Rollback(t.store.outgoing(ctx), &pb.RollbackRequest{
		ProjectId: t.store.project, DatabaseId: t.store.database, Transaction: t.id,
	})
}

func (t *transaction) options() *pb.TransactionOptions {
	return &pb.TransactionOptions{Mode: &pb.TransactionOptions_ReadWrite_{
		ReadWrite: &pb.TransactionOptions_ReadWrite{PreviousTransaction: t.previous},
	}}
}

func (s *store) mutations(writes []storage.Write) []*pb.Mutation {
	mutations := make([]*pb.Mutation, len(writes))
	for i, w := range writes {
		if w.Delete {
			mutations[i] = &pb.Mutation{Operation: &pb.Mutation_Delete{Delete: s.key(w.Entity.Key)}}
		} else {
			mutations[i] = &pb.Mutation{Operation: &pb.Mutation_Upsert{Upsert: s.encodeEntity(w.Entity)}}
		}
	}
	return mutations
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
