package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

const (
	// batchEntities and batchBytes are what one transaction puts: well within what a
	// store takes, for an entity may have fifty index entries.
	batchEntities = 500
	batchBytes    = storage.MaxTxBytes / 2

	// inFlight is how many transactions are under way at once: over a network each waits
	// for its answer, and in SQLite they share a flush.
	inFlight = 4

	// saveEvery is after how many entities the store is told how far the import is. As
	// many may be put a second time after a crash.
	saveEvery = 2_000

	// saveTime bounds what is still done after Ctrl-C.
	saveTime = 5 * time.Second
)

// putAll puts the entities that are not stored yet.
func (r *restore) putAll(ctx context.Context) error {
	p := newPutter(ctx, r)
	defer p.cancel(nil)
	n, b := int64(0), batch{from: r.done}
	var stopped error // not by what is read, but in putting it
	err := r.again(func(e storage.Entity) error {
		if n++; n <= p.start {
			stopped = ctx.Err()
			return stopped
		}
		if !b.fits(e) {
			if stopped = p.send(b); stopped != nil {
				return stopped
			}
			b = batch{from: b.end()}
		}
		b.add(e)
		return nil
	})
	if err != nil && stopped == nil {
		return p.discard(ctx, err)
	}
	if err == nil && len(b.entities) > 0 {
		err = p.send(b)
	}
	return p.settle(ctx, err)
}

// batch is entities that follow one another in the archive.
type batch struct {
	from     int64 // how many come before
	entities []storage.Entity
	bytes    int
}

func (b *batch) end() int64 { return b.from + int64(len(b.entities)) }

func (b *batch) fits(e storage.Entity) bool {
	return len(b.entities) < batchEntities && (len(b.entities) == 0 || b.bytes+e.Size() <= batchBytes)
}

func (b *batch) add(e storage.Entity) {
	b.entities = append(b.entities, e)
	b.bytes += e.Size()
}

// putter puts batches, some at once. Each is put in one transaction, and put again it changes
// nothing.
type putter struct {
	*restore
	ctx    context.Context // ends with the first failure
	cancel context.CancelCauseFunc
	start  int64 // of what this run puts
	room   chan struct{}
	flying sync.WaitGroup

	mu     sync.Mutex
	stored int64           // entities from the first on, without a gap
	ahead  map[int64]int64 // batches beyond that: from where to where
}

func newPutter(ctx context.Context, r *restore) *putter {
	p := &putter{restore: r, start: r.done, stored: r.done, room: make(chan struct{}, inFlight), ahead: make(map[int64]int64)}
	p.ctx, p.cancel = context.WithCancelCause(ctx)
	return p
}

// send puts a batch while the caller gathers the next, once there is room for it.
func (p *putter) send(b batch) error {
	select {
	case p.room <- struct{}{}:
	case <-p.ctx.Done():
	}
	if p.ctx.Err() != nil {
		return context.Cause(p.ctx)
	}
	p.flying.Go(func() {
		defer func() { <-p.room }()
		if err := p.put(b); err != nil {
			p.cancel(err)
			return
		}
		p.note(b)
	})
	n := p.reached()
	p.progress(n)
	if n-p.done < saveEvery {
		return nil
	}
	return p.save(p.ctx, n)
}

// put reads what is there first: nothing, or what an earlier run has put. Anything else is
// somebody's who wrote meanwhile, and was told that it is stored. Whoever changes an entity
// changes its data.
func (p *putter) put(b batch) error {
	keys := make([]storage.Key, len(b.entities))
	for i, e := range b.entities {
		keys[i] = e.Key
	}
	return p.Store.Update(p.ctx, func(tx storage.Tx) error {
		there, err := tx.Get(keys...)
		if err != nil {
			return err
		}
		for i, e := range b.entities {
			if there[i].Exists && !bytes.Equal(there[i].Data, e.Data) && !p.spoiled {
				return fmt.Errorf("%s: %w", e.Key, ErrWritten)
			}
			if err := tx.Put(e); err != nil {
				return err
			}
		}
		return nil
	})
}

func (p *putter) note(b batch) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ahead[b.from] = b.end()
	for end, ok := p.ahead[p.stored]; ok; end, ok = p.ahead[p.stored] {
		delete(p.ahead, p.stored)
		p.stored = end
	}
}

func (p *putter) reached() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stored
}

// settle waits for what is under way and returns what failed. How far it came is saved all
// the same, if that can be done.
func (p *putter) settle(ctx context.Context, err error) error {
	p.flying.Wait()
	if cause := context.Cause(p.ctx); cause != nil {
		err = cause
	}
	n := p.reached()
	p.progress(n)
	if err != nil {
		_ = p.saveLast(ctx, n)
		return err
	}
	return p.save(ctx, n)
}

// discard ends an import of a file that is not what it was when it was checked. What was put
// of it may be anything, so the next import puts all again, over what is there.
func (p *putter) discard(ctx context.Context, err error) error {
	p.flying.Wait()
	p.spoiled = true
	return errors.Join(err, p.saveLast(ctx, 0))
}

// saveLast is save when ctx may have ended.
func (p *putter) saveLast(ctx context.Context, done int64) error {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTime)
	defer cancel()
	return p.save(last, done)
}
