package merge

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
)

// counter is the state under test: a number.
type counter struct{ n int64 }

type counterCodec struct{}

func (counterCodec) Append(b []byte, c *counter) []byte { return binary.AppendVarint(b, c.n) }

func (counterCodec) Decode(data []byte) (*counter, error) {
	n, size := binary.Varint(data)
	if size != len(data) {
		return nil, errors.New("not a counter")
	}
	return &counter{n}, nil
}

func (counterCodec) Index(*counter) map[string]any { return nil }
func (counterCodec) Expire(*counter) time.Time     { return time.Time{} }

type group = Group[counter, int64]

func key(name string) storage.Key { return storage.Key{Kind: "Counter", Name: name} }

// add is the operation that most tests use: it adds to counters and returns the
// first one's new number.
func add(delta int64, names ...string) Op[counter, int64] {
	op := Op[counter, int64]{}
	for _, name := range names {
		op.Keys = append(op.Keys, key(name))
	}
	op.Apply = func(t *Turn[counter]) (int64, error) {
		first := int64(0)
		for i := range op.Keys {
			c := t.State(i)
			if c == nil {
				c = new(counter)
			}
			c.n += delta
			t.Set(i, c)
			if i == 0 {
				first = c.n
			}
		}
		return first, nil
	}
	return op
}

func openStore(t *testing.T) storage.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

func newGroup(store storage.Store, opts Options) *group {
	return New[counter, int64](store, counterCodec{}, opts)
}

// stored returns a counter's number as it is in the store, 0 where there is none.
func stored(t *testing.T, store storage.Store, name string) int64 {
	t.Helper()
	got, err := store.Get(t.Context(), key(name))
	if err != nil {
		t.Fatal(err)
	}
	c, err := Decode(got[0], counterCodec{})
	if err != nil {
		t.Fatal(err)
	}
	if c == nil {
		return 0
	}
	return c.n
}

// gate is a store whose updates wait, each for a word on open, before they start.
type gate struct {
	storage.Store
	arrived chan struct{}
	open    chan struct{}
}

func newGate(store storage.Store) *gate {
	return &gate{store, make(chan struct{}, 1000), make(chan struct{}, 1000)}
}

func (g *gate) Update(ctx context.Context, fn func(storage.Tx) error) error {
	g.arrived <- struct{}{}
	<-g.open
	return g.Store.Update(ctx, fn)
}

// waitFor waits until as many operations wait in the group's queue.
func waitFor(t *testing.T, g *group, waiting int) {
	t.Helper()
	for range 10_000 {
		g.mu.Lock()
		n := g.waiting
		g.mu.Unlock()
		if n == waiting {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatalf("never %d operations waited", waiting)
}

func TestEveryCallerGetsItsOwnNumber(t *testing.T) {
	store := openStore(t)
	g := newGroup(store, Options{})
	const callers, each = 64, 50
	var mu sync.Mutex
	var got []int64
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for range each {
				n, err := g.Do(t.Context(), add(1, "a"))
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				got = append(got, n)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	slices.Sort(got)
	for i, n := range got {
		if n != int64(i+1) {
			t.Fatalf("number %d of %d is %d: each has to be there once", i+1, len(got), n)
		}
	}
	if n := stored(t, store, "a"); n != callers*each {
		t.Errorf("stored %d, want %d", n, callers*each)
	}
}

func TestOperationsThatArriveDuringATransactionShareTheNext(t *testing.T) {
	gate := newGate(openStore(t))
	g := newGroup(gate, Options{})
	results := make(chan int64, 10)
	var all sync.WaitGroup
	do := func() {
		n, err := g.Do(t.Context(), add(1, "a"))
		if err != nil {
			t.Error(err)
		}
		results <- n
	}
	all.Go(do)
	<-gate.arrived
	for i := range 9 {
		all.Go(do)
		waitFor(t, g, i+1) // so that they arrive in a known order
	}
	gate.open <- struct{}{}
	gate.open <- struct{}{}
	all.Wait()
	if got := g.Stats(); got != (Stats{Operations: 10, Batches: 2, Runs: 2, EntityReads: 2, EntityWrites: 2}) {
		t.Errorf("10 operations cost %+v, want 2 batches of one read and one write each", got)
	}
	if len(g.lanes) != 0 {
		t.Errorf("%d lanes are left of an idle group, want 0", len(g.lanes))
	}
}

func TestOneFailingOperationAloneFails(t *testing.T) {
	gate := newGate(openStore(t))
	g := newGroup(gate, Options{})
	sentinel := errors.New("no")
	fail := add(1, "a")
	fail.Apply = func(*Turn[counter]) (int64, error) { return 0, sentinel }
	panics := add(1, "a")
	panics.Apply = func(*Turn[counter]) (int64, error) { panic("own fault") }

	var all sync.WaitGroup
	all.Go(func() { g.Do(t.Context(), add(1, "other")) })
	<-gate.arrived // its batch has nothing to do with a
	all.Go(func() { g.Do(t.Context(), add(1, "a")) })
	<-gate.arrived
	var numbers [3]int64
	for i := range numbers {
		all.Go(func() {
			var err error
			if numbers[i], err = g.Do(t.Context(), add(1, "a")); err != nil {
				t.Error(err)
			}
		})
		waitFor(t, g, 3*i+1)
		all.Go(func() {
			if _, err := g.Do(t.Context(), fail); !errors.Is(err, sentinel) {
				t.Errorf("got %v, want the operation's own error", err)
			}
		})
		waitFor(t, g, 3*i+2)
		all.Go(func() {
			defer func() {
				if v := recover(); v != "own fault" {
					t.Errorf("recovered %v, want the operation's own panic", v)
				}
			}()
			g.Do(t.Context(), panics)
		})
		waitFor(t, g, 3*i+3)
	}
	for range 10 { // the batches, and one run again for each panic
		gate.open <- struct{}{}
	}
	all.Wait()
	if want := [3]int64{2, 3, 4}; numbers != want {
		t.Errorf("the neighbours got %v, want %v", numbers, want)
	}
}

func TestQueueIsBounded(t *testing.T) {
	gate := newGate(openStore(t))
	g := newGroup(gate, Options{Queue: 2})
	var all sync.WaitGroup
	do := func() {
		if _, err := g.Do(t.Context(), add(1, "a")); err != nil {
			t.Error(err)
		}
	}
	all.Go(do)
	<-gate.arrived
	all.Go(do)
	all.Go(do)
	waitFor(t, g, 2)
	if _, err := g.Do(t.Context(), add(1, "a")); !errors.Is(err, ErrQueueFull) {
		t.Errorf("got %v, want ErrQueueFull", err)
	}
	if got := g.Stats(); got.Waiting != 2 || got.Refused != 1 {
		t.Errorf("%d wait and %d were refused, want 2 and 1", got.Waiting, got.Refused)
	}
	gate.open <- struct{}{}
	gate.open <- struct{}{}
	all.Wait()
	if got := g.Stats(); got.Waiting != 0 {
		t.Errorf("%d wait at the end, want none", got.Waiting)
	}
	if n := stored(t, gate.Store, "a"); n != 3 {
		t.Errorf("stored %d, want the 3 that were let in", n)
	}
}

func TestACallerThatLeavesWhileItWaitsIsDropped(t *testing.T) {
	gate := newGate(openStore(t))
	g := newGroup(gate, Options{})
	var all sync.WaitGroup
	all.Go(func() { g.Do(t.Context(), add(1, "a")) })
	<-gate.arrived
	ctx, leave := context.WithCancel(t.Context())
	all.Go(func() {
		_, err := g.Do(ctx, add(100, "a", "b"))
		if !errors.Is(err, context.Canceled) || errors.Is(err, storage.ErrUnknown) {
			t.Errorf("got %v, want that it was cancelled and surely not done", err)
		}
	})
	waitFor(t, g, 1)
	all.Go(func() {
		if n, err := g.Do(t.Context(), add(1, "b")); n != 1 || err != nil {
			t.Errorf("behind the one that left: got %d, %v, want 1", n, err)
		}
	})
	waitFor(t, g, 2)
	leave()
	<-gate.arrived // b goes on, although a is still held up
	gate.open <- struct{}{}
	gate.open <- struct{}{}
	all.Wait()
	if a, b := stored(t, gate.Store, "a"), stored(t, gate.Store, "b"); a != 1 || b != 1 {
		t.Errorf("stored a = %d, b = %d, want 1 and 1", a, b)
	}
}

func TestWhoLeavesInFlightIsToldTheOutcomeOrThatItIsUnknown(t *testing.T) {
	gate := newGate(openStore(t))
	g := newGroup(gate, Options{})
	var all sync.WaitGroup
	all.Go(func() { g.Do(t.Context(), add(1, "a")) })
	<-gate.arrived
	ctx, leave := context.WithCancel(t.Context())
	leader := make(chan error, 1)
	all.Go(func() {
		n, err := g.Do(ctx, add(1, "a"))
		if err == nil && n != 2 {
			err = fmt.Errorf("got %d, want 2", n)
		}
		leader <- err
	})
	waitFor(t, g, 1)
	follower := make(chan error, 1)
	all.Go(func() {
		_, err := g.Do(ctx, add(1, "a"))
		follower <- err
	})
	waitFor(t, g, 2)
	gate.open <- struct{}{}
	<-gate.arrived // both are in flight
	leave()
	if err := <-follower; !errors.Is(err, storage.ErrUnknown) || !errors.Is(err, context.Canceled) {
		t.Errorf("the follower got %v, want ErrUnknown and Canceled", err)
	}
	gate.open <- struct{}{}
	if err := <-leader; err != nil {
		t.Errorf("who leads got %v, want the outcome", err)
	}
	gate.open <- struct{}{}
	if n, err := g.Do(t.Context(), add(1, "a")); n != 4 || err != nil {
		t.Errorf("the next got %d, %v, want 4: all was done", n, err)
	}
	all.Wait()
}

// panicky is a store that panics once.
type panicky struct {
	*gate
	once sync.Once
}

func (p *panicky) Update(ctx context.Context, fn func(storage.Tx) error) (err error) {
	err = p.gate.Update(ctx, fn)
	p.once.Do(func() { panic("the store's fault") })
	return err
}

func TestAPanicOfTheStoreLeavesNobodyWaiting(t *testing.T) {
	gate := newGate(openStore(t))
	g := newGroup(&panicky{gate: gate}, Options{})
	var all sync.WaitGroup
	all.Go(func() {
		defer func() {
			if v := recover(); v != "the store's fault" {
				t.Errorf("who leads recovered %v", v)
			}
		}()
		g.Do(t.Context(), add(1, "a"))
	})
	<-gate.arrived
	all.Go(func() {
		if n, err := g.Do(t.Context(), add(1, "a")); n != 2 || err != nil {
			t.Errorf("the next got %d, %v, want 2", n, err)
		}
	})
	waitFor(t, g, 1)
	gate.open <- struct{}{}
	gate.open <- struct{}{}
	all.Wait()
}

func TestAnEndedContextDoesNothing(t *testing.T) {
	store := openStore(t)
	g := newGroup(store, Options{})
	ctx, leave := context.WithCancel(t.Context())
	leave()
	if _, err := g.Do(ctx, add(1, "a")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want Canceled", err)
	}
	if n := stored(t, store, "a"); n != 0 {
		t.Errorf("stored %d, want 0", n)
	}
}

func TestOperationsOnSeveralKeysAreAtomicAndNeverBlockEachOther(t *testing.T) {
	store := openStore(t)
	g := newGroup(store, Options{})
	names := []string{"a", "b", "c", "d"}
	var all sync.WaitGroup
	for worker := range 16 {
		all.Go(func() {
			for i := range 40 {
				from, to := names[(worker+i)%4], names[(worker*3+i*7+1)%4]
				if from == to {
					continue
				}
				op := Op[counter, int64]{Keys: []storage.Key{key(from), key(to)}}
				op.Apply = func(t *Turn[counter]) (int64, error) {
					for i, delta := range []int64{-1, 1} {
						c := t.State(i)
						if c == nil {
							c = new(counter)
						}
						c.n += delta
						t.Set(i, c)
					}
					return 0, nil
				}
				if _, err := g.Do(t.Context(), op); err != nil {
					t.Error(err)
				}
			}
		})
	}
	stop := make(chan struct{})
	var reader sync.WaitGroup
	reader.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			sum := int64(0)
			op := add(0, names...)
			apply := op.Apply
			op.Apply = func(t *Turn[counter]) (int64, error) {
				sum = 0
				for i := range names {
					if c := t.State(i); c != nil {
						sum += c.n
					}
				}
				return apply(t)
			}
			if _, err := g.Do(t.Context(), op); err != nil || sum != 0 {
				t.Errorf("sum %d, %v, want 0: a transfer was seen half done", sum, err)
				return
			}
		}
	})
	all.Wait()
	close(stop)
	reader.Wait()
	if len(g.lanes) != 0 || g.waiting != 0 {
		t.Errorf("%d lanes and %d waiting are left of an idle group", len(g.lanes), g.waiting)
	}
}

func TestABatchIsCappedByWhatItsOperationsBring(t *testing.T) {
	gate := newGate(openStore(t))
	g := newGroup(gate, Options{})
	var all sync.WaitGroup
	all.Go(func() { g.Do(t.Context(), add(1, "a")) })
	<-gate.arrived
	for i := range 3 {
		all.Go(func() {
			op := add(1, "a")
			op.Bytes = maxBatchBytes/2 + 1
			if _, err := g.Do(t.Context(), op); err != nil {
				t.Error(err)
			}
		})
		waitFor(t, g, i+1)
	}
	for range 4 {
		gate.open <- struct{}{}
	}
	all.Wait()
	if got := g.Stats().Batches; got != 4 {
		t.Errorf("%d batches, want 4: two such operations are too much for one", got)
	}
}

func TestEntitiesThatAnOperationBringsAreStoredWithIt(t *testing.T) {
	store := openStore(t)
	g := newGroup(store, Options{})
	row := storage.Key{Kind: "Row", Name: "1"}
	op := Op[counter, int64]{Keys: []storage.Key{key("a")}, Reads: []storage.Key{row}}
	op.Apply = func(t *Turn[counter]) (int64, error) {
		n := int64(len(t.Entity(0).Data))
		return n, t.Put(storage.Entity{Key: row, Data: make([]byte, n+1)})
	}
	for want := range int64(3) {
		if got, err := g.Do(t.Context(), op); got != want || err != nil {
			t.Errorf("the operation read %d bytes, %v, want %d", got, err, want)
		}
	}
	tooLarge := op
	tooLarge.Apply = func(t *Turn[counter]) (int64, error) {
		return 0, t.Put(storage.Entity{Key: row, Data: make([]byte, storage.MaxEntityBytes+1)})
	}
	if _, err := g.Do(t.Context(), tooLarge); !errors.Is(err, storage.ErrTooLarge) {
		t.Errorf("got %v, want ErrTooLarge", err)
	}
}

func TestARemovedStateIsGoneAndCanBeMadeAgain(t *testing.T) {
	now := time.Now()
	store := openStore(t)
	g := newGroup(store, Options{Now: func() time.Time { return now }})
	remove := add(0, "a")
	remove.Apply = func(t *Turn[counter]) (int64, error) {
		t.Set(0, nil)
		return 0, nil
	}
	for range 2 {
		if n, err := g.Do(t.Context(), add(1, "a")); n != 1 || err != nil {
			t.Errorf("got %d, %v, want 1", n, err)
		}
		if _, err := g.Do(t.Context(), remove); err != nil {
			t.Error(err)
		}
	}
	got, err := store.Get(t.Context(), key("a"))
	if err != nil {
		t.Fatal(err)
	}
	if want := now.Add(markLife); !got[0].Expire.Equal(want.Truncate(time.Microsecond)) {
		t.Errorf("what is left expires at %v, want with its marks at %v", got[0].Expire, want)
	}
}

func TestAStateOfAnUnknownVersionIsAnError(t *testing.T) {
	store := openStore(t)
	for _, data := range []string{"", "\x02\x00\x00", "\x01\x02\x00", "\x01\x01\x05", "\x01\x01\x00\xff", "\x01\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"} {
		err := store.Update(t.Context(), func(tx storage.Tx) error {
			return tx.Put(storage.Entity{Key: key("a"), Data: []byte(data)})
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := newGroup(store, Options{}).Do(t.Context(), add(1, "a")); err == nil {
			t.Errorf("entity %q was taken for a counter", data)
		}
	}
}

// timed is a store that tells how much time its last update had.
type timed struct {
	storage.Store
	left time.Duration
}

func (s *timed) Update(ctx context.Context, fn func(storage.Tx) error) error {
	until, _ := ctx.Deadline()
	s.left = time.Until(until)
	return s.Store.Update(ctx, fn)
}

func TestABatchHasTheTimeOfWhoJoinsItLast(t *testing.T) {
	store := &timed{Store: openStore(t)}
	g := newGroup(store, Options{})
	soon, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	op := add(1, "a")
	var calls [2]*call[counter, int64]
	for i, ctx := range []context.Context{soon, t.Context()} { // the second comes before the first leads
		calls[i] = &call[counter, int64]{op: &op, ctx: ctx, told: make(chan word[counter, int64], 1)}
		if err := g.enqueue(calls[i]); err != nil {
			t.Fatal(err)
		}
	}
	for i, c := range calls {
		if r := g.heed(c, <-c.told); r.value != int64(i+1) || r.err != nil {
			t.Errorf("call %d: %d, %v", i, r.value, r.err)
		}
	}
	if got := g.Stats().Batches; got != 1 || store.left < defaultTimeout/2 {
		t.Errorf("%d batches, the last had %v; want one that has what its last caller allows, %v", got, store.left, defaultTimeout)
	}
}
