package merge

import (
	"context"

	"github.com/tallystick/tallystick/internal/storage"
)

// A batch holds at most so much. Further operations wait for the next one.
const (
	maxBatchOps      = 1000
	maxBatchEntities = storage.MaxTxReads / 2 // read and written; one operation alone may have more
	maxBatchBytes    = storage.MaxTxBytes / 2 // leaves room for the states
)

// call is an operation with its caller waiting for it.
type call[S, R any] struct {
	op   *Op[S, R]
	ctx  context.Context
	told chan word[S, R] // one word, or two to who leads

	panicked any // what Apply panicked with; of the goroutine that commits

	// Guarded by Group.mu.
	lanes   []*lane[S, R] // those of op.Keys
	taken   bool          // by a batch
	dropped bool          // its caller has gone; it stays queued until it is skipped
}

// lane is the queue of one key. An operation on several keys stands in all their
// lanes at once. All calls join under one lock, so two calls that share several
// lanes stand in the same order in each, and none waits for another in a circle.
type lane[S, R any] struct {
	key   storage.Key
	queue []*call[S, R]
	batch *batch[S, R] // in flight on this key, or nil
}

// head is the first call that waits and whose caller is still there.
func (l *lane[S, R]) head() *call[S, R] {
	for _, c := range l.queue {
		if !c.dropped {
			return c
		}
	}
	return nil
}

// enqueue lets c wait, and starts its batch if nothing is in the way.
func (g *Group[S, R]) enqueue(c *call[S, R]) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting >= g.opts.Queue {
		g.stats.refused.Add(1)
		return ErrQueueFull
	}
	g.waiting++
	for _, key := range c.op.Keys {
		l := g.lanes[key]
		if l == nil {
			l = &lane[S, R]{key: key}
			g.lanes[key] = l
		}
		l.queue = append(l.queue, c)
		c.lanes = append(c.lanes, l)
	}
	g.start(c.lanes)
	return nil
}

// drop takes c out of the queue unless a batch has it already.
func (g *Group[S, R]) drop(c *call[S, R]) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.taken {
		return false
	}
	c.dropped = true
	g.start(c.lanes) // c may have been what the others waited for
	return true
}

// finish frees the lanes of a batch that is done and starts what waited for them.
func (g *Group[S, R]) finish(b *batch[S, R]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, l := range b.lanes {
		l.batch = nil
	}
	g.start(b.lanes)
}

// start starts a batch on each of the lanes that can. The first of its callers
// leads it.
func (g *Group[S, R]) start(lanes []*lane[S, R]) {
	for _, l := range lanes {
		if b := g.form(l); b != nil {
			b.calls[0].told <- word[S, R]{lead: b}
		} else if l.batch == nil && len(l.queue) == 0 {
			delete(g.lanes, l.key)
		}
	}
}

// form makes a batch of the calls at the head of l, and of those at the heads of
// the lanes that they bring in. It returns nil when none can go now: a call goes
// when it is first in all its lanes and nothing else is in flight on them.
func (g *Group[S, R]) form(l *lane[S, R]) *batch[S, R] {
	if l.batch != nil {
		return nil
	}
	g.skipDropped(l)
	if len(l.queue) == 0 {
		return nil
	}
	b := &batch[S, R]{lanes: []*lane[S, R]{l}}
	l.batch = b
	g.grow(b)
	if len(b.calls) == 0 {
		l.batch = nil
		return nil
	}
	return b
}

// fill adds to b what has come since it was formed.
func (g *Group[S, R]) fill(b *batch[S, R]) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.grow(b)
}

// grow takes into b the calls at the heads of its lanes, and of those lanes that
// they bring in, until none is left that can go.
func (g *Group[S, R]) grow(b *batch[S, R]) {
	for grown := true; grown && !b.full; {
		grown = false
		for i := 0; i < len(b.lanes) && !b.full; i++ { // b.lanes grows meanwhile
			for !b.full && g.take(b, b.lanes[i].head()) {
				grown = true
				g.skipDropped(b.lanes[i])
			}
		}
	}
}

// take moves c from its lanes into b, if it may go.
func (g *Group[S, R]) take(b *batch[S, R], c *call[S, R]) bool {
	if c == nil {
		return false
	}
	for _, l := range c.lanes {
		if l.batch != nil && l.batch != b || l.head() != c {
			return false
		}
	}
	if !b.admit(c) {
		b.full = true
		return false
	}
	c.taken = true
	g.waiting--
	b.calls = append(b.calls, c)
	for _, l := range c.lanes {
		g.skipDropped(l)
		l.queue[0] = nil
		l.queue = l.queue[1:]
		if l.batch == nil {
			l.batch = b
			b.lanes = append(b.lanes, l)
		}
	}
	return true
}

// skipDropped removes the calls at the front of l whose callers have gone. A call
// leaves the count of those waiting when the first of its lanes lets it go.
func (g *Group[S, R]) skipDropped(l *lane[S, R]) {
	for len(l.queue) > 0 && l.queue[0].dropped {
		if c := l.queue[0]; !c.taken {
			c.taken = true
			g.waiting--
		}
		l.queue[0] = nil
		l.queue = l.queue[1:]
	}
}
