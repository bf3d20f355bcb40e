package merge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/tallystick/tallystick/internal/storage"
)

// batch is the calls that one transaction carries.
type batch[S, R any] struct {
	lanes []*lane[S, R]
	calls []*call[S, R]

	full            bool
	entities, bytes int

	runs []run[R] // all so far, the last one last

	span trace.SpanContext // of the transaction; see traced
}

// run is one execution of a batch's transaction: its number, and the result that
// it gives each call. Results are kept until the batch's outcome is known, for a
// lost answer may be that of any run.
type run[R any] struct {
	number  uint64
	results []result[R]
}

// admit counts c in, unless the batch would get too large. The first is always
// admitted: alone it is as small as it gets.
func (b *batch[S, R]) admit(c *call[S, R]) bool {
	op := c.op
	entities, bytes := b.entities+len(op.Reads)+op.Brings, b.bytes+op.Bytes
	for i, l := range c.lanes {
		if l.batch == b && len(b.calls) > 0 {
			continue // its state is counted already
		}
		entities++
		if op.Sizes != nil {
			bytes += op.Sizes[i]
		}
	}
	if len(b.calls) > 0 && (len(b.calls) == maxBatchOps || entities > maxBatchEntities || bytes > maxBatchBytes) {
		return false
	}
	b.entities, b.bytes = entities, bytes
	return true
}

// commit runs the batch's transaction until its outcome is known or its time is
// up, starts what waits for its lanes, and tells the callers. It runs in the
// goroutine of the batch's first caller: no other has to be woken for one that is
// alone, and once the last caller is told nothing runs any more. The next batch is
// led by one of its own callers, so none works for a batch after its own.
func (g *Group[S, R]) commit(b *batch[S, R]) {
	g.fill(b)
	ctx, end := b.traced()
	defer end()
	ctx, cancel := context.WithDeadline(ctx, g.deadline(b))
	defer cancel()
	var results []result[R]
	err := errPanic
	defer func() { // also when the store panics: the others must not wait for ever
		g.finish(b)
		for i, c := range b.calls {
			b.tell(c)
			switch {
			case c.panicked != nil:
				c.told <- word[S, R]{result: result[R]{panicked: c.panicked}}
			case err != nil:
				c.told <- word[S, R]{result: result[R]{err: err}}
			default:
				c.told <- word[S, R]{result: results[i]}
			}
		}
	}()
	results, err = g.transact(ctx, b)
	for p := (*applyPanic[S, R])(nil); errors.As(err, &p); {
		// The transaction was rolled back. Whose Apply panicked is left out from now
		// on, the others are run again.
		p.call.panicked = p.value
		results, err = g.transact(ctx, b)
	}
}

var errPanic = errors.New("merge: the transaction panicked")

// deadline is the latest of the callers' deadlines, within what Options allow.
func (g *Group[S, R]) deadline(b *batch[S, R]) time.Time {
	limit := time.Now().Add(g.opts.Timeout)
	var latest time.Time
	for _, c := range b.calls {
		d, ok := c.ctx.Deadline()
		if !ok || d.After(limit) {
			return limit
		}
		if d.After(latest) {
			latest = d
		}
	}
	return latest
}

// transact runs b in a transaction, as often as the store wants.
func (g *Group[S, R]) transact(ctx context.Context, b *batch[S, R]) ([]result[R], error) {
	var results []result[R]
	err := g.store.Update(ctx, func(tx storage.Tx) (err error) {
		results, err = g.run(tx, b)
		return err
	})
	if err != nil {
		return nil, err
	}
	g.stats.batches.Add(1)
	g.stats.operations.Add(uint64(len(b.calls)))
	return results, nil
}

// run is the body of the transaction: read once, apply in order, write once.
func (g *Group[S, R]) run(tx storage.Tx, b *batch[S, R]) ([]result[R], error) {
	now := g.opts.Now()
	w, err := g.load(tx, b)
	if err != nil {
		return nil, err
	}
	if earlier := b.applied(w.states, g.writer); earlier != nil {
		return earlier.results, nil
	}
	this := run[R]{number: g.runs.Add(1), results: make([]result[R], len(b.calls))}
	for i, c := range b.calls {
		if c.panicked != nil {
			continue
		}
		if err := apply(w, c, &this.results[i]); err != nil {
			return nil, err
		}
	}
	b.runs = append(b.runs, this)
	n, err := w.store(tx, g.codec, mark{writer: g.writer, run: this.number, at: now})
	g.stats.writes.Add(uint64(n))
	return this.results, err
}

// load reads all entities of the batch's operations at once.
func (g *Group[S, R]) load(tx storage.Tx, b *batch[S, R]) (*working[S], error) {
	w := &working[S]{
		states: make(map[storage.Key]*entry[S], len(b.lanes)),
		others: make(map[storage.Key]storage.Entity),
	}
	keys := make([]storage.Key, 0, len(b.lanes))
	for _, l := range b.lanes {
		keys = append(keys, l.key)
	}
	states := len(keys)
	for _, c := range b.calls {
		for _, key := range c.op.Reads {
			if _, seen := w.others[key]; !seen {
				w.others[key] = storage.Entity{}
				keys = append(keys, key)
			}
		}
	}
	entities, err := tx.Get(keys...)
	if err != nil {
		return nil, err
	}
	g.stats.runs.Add(1)
	g.stats.reads.Add(uint64(len(keys)))
	for i, e := range entities {
		if i >= states {
			w.others[e.Key] = e
			continue
		}
		entry, err := decodeEntry(e, g.codec)
		if err != nil {
			return nil, fmt.Errorf("merge: decode %s %q: %w", e.Key.Kind, e.Key.Name, err)
		}
		w.states[e.Key] = entry
		w.order = append(w.order, e.Key)
	}
	return w, nil
}

// applyPanic says that the Apply of a call panicked.
type applyPanic[S, R any] struct {
	call  *call[S, R]
	value any
}

func (p *applyPanic[S, R]) Error() string {
	return fmt.Sprintf("merge: operation panicked: %v", p.value)
}

// apply runs one operation and keeps what it wrote, unless it failed.
func apply[S, R any](w *working[S], c *call[S, R], r *result[R]) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &applyPanic[S, R]{c, v}
		}
	}()
	t := &w.turn
	*t = Turn[S]{w: w, keys: c.op.Keys, reads: c.op.Reads, changed: t.changed[:0], made: t.made[:0], puts: t.puts[:0]}
	r.value, r.err = c.op.Apply(t)
	r.replayed = t.replayed
	if r.err == nil {
		t.keep()
	}
	return nil
}
