package merge

import (
	"github.com/tallystick/tallystick/internal/storage"
)

// Turn is what an operation's Apply sees and changes. It is valid until Apply
// returns.
type Turn[S any] struct {
	w        *working[S]
	keys     []storage.Key
	reads    []storage.Key
	changed  []change[S]
	made     []made[S]
	puts     []storage.Write
	replayed bool
}

type change[S any] struct {
	key   int
	state *S
}

type made[S any] struct {
	key   storage.Key
	state *S
}

// State returns the state of the i-th of the operation's Keys as the operations
// before it left it, or nil where there is none. Apply may change it in place,
// and then calls Set.
func (t *Turn[S]) State(i int) *S { return t.w.states[t.keys[i]].state }

// Set stores the state of the i-th of the operation's Keys. Nil removes it.
func (t *Turn[S]) Set(i int, s *S) { t.changed = append(t.changed, change[S]{i, s}) }

// Entity returns the i-th of the operation's Reads as the operations before it
// left it.
func (t *Turn[S]) Entity(i int) storage.Entity { return t.w.others[t.reads[i]] }

// New stores a state under a key that nothing has had before. Operations behind this
// one in the batch may go on changing it, if they know it, as a part of another state
// that is not encoded: it is encoded when all have been applied. So the rows that many
// callers add can lie in one entity.
func (t *Turn[S]) New(key storage.Key, s *S) { t.made = append(t.made, made[S]{key, s}) }

// Put stores an entity of the operation's own, in the same transaction.
func (t *Turn[S]) Put(e storage.Entity) error {
	if err := e.Check(); err != nil {
		return err
	}
	e.Exists = true
	t.puts = append(t.puts, storage.Write{Entity: e})
	return nil
}

// Delete removes an entity of the operation's own, in the same transaction. A
// missing one is not an error.
func (t *Turn[S]) Delete(key storage.Key) {
	t.puts = append(t.puts, storage.Write{Entity: storage.Entity{Key: key}, Delete: true})
}

// keep adds what the turn wrote to the batch. An operation that only brings
// entities of its own changes its first state too, for that state's mark is how a
// later run finds that this one was applied.
func (t *Turn[S]) keep() {
	for _, c := range t.changed {
		e := t.w.states[t.keys[c.key]]
		e.state, e.changed, e.set = c.state, true, true
	}
	if len(t.puts)+len(t.made) > 0 && len(t.changed) == 0 {
		t.w.states[t.keys[0]].changed = true
	}
	for _, m := range t.made {
		t.w.states[m.key] = &entry[S]{state: m.state, changed: true, set: true}
		t.w.order = append(t.w.order, m.key)
	}
	for _, p := range t.puts {
		t.w.others[p.Entity.Key] = p.Entity
		t.w.puts = append(t.w.puts, p)
	}
}

// working is the entities of a batch while it runs.
type working[S any] struct {
	states map[storage.Key]*entry[S]
	order  []storage.Key // of states, so that a run writes in the same order each time
	others map[storage.Key]storage.Entity
	puts   []storage.Write
	turn   Turn[S]
}

// store writes what changed, each changed state with the run's mark, and returns
// how many entities that are.
func (w *working[S]) store(tx storage.Tx, codec Codec[S], m mark) (int, error) {
	n := 0
	for _, key := range w.order {
		e := w.states[key]
		if !e.changed {
			continue
		}
		n++
		if err := tx.Put(e.encode(key, codec, m)); err != nil {
			return n, err
		}
	}
	for _, p := range w.puts {
		n++
		write := tx.Put
		if p.Delete {
			write = func(e storage.Entity) error { return tx.Delete(e.Key) }
		}
		if err := write(p.Entity); err != nil {
			return n, err
		}
	}
	return n, nil
}
