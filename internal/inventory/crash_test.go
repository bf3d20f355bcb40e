package inventory_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/storage"
)

// crashing is a store that breaks off at one of the calls that are made of it and of its
// transactions: before it, or, where it is a commit, behind it.
type crashing struct {
	storage.Store
	at     int // breaks the call of this number, 1 for the first
	calls  int
	panics bool
}

var errCrash = errors.New("the store broke off")

// call counts a call, and says whether it is the one.
func (c *crashing) call() error {
	if c.calls++; c.calls != c.at {
		return nil
	}
	if c.panics {
		panic(errCrash)
	}
	return errCrash
}

func (c *crashing) Get(ctx context.Context, keys ...storage.Key) ([]storage.Entity, error) {
	if err := c.call(); err != nil {
		return nil, err
	}
	return c.Store.Get(ctx, keys...)
}

func (c *crashing) Update(ctx context.Context, fn func(storage.Tx) error) error {
	if err := c.call(); err != nil {
		return err
	}
	err := c.Store.Update(ctx, func(tx storage.Tx) error {
		if err := fn(&crashingTx{tx, c}); err != nil {
			return err
		}
		return c.call() // before the commit
	})
	if err != nil {
		return err
	}
	return c.call() // behind it
}

type crashingTx struct {
	storage.Tx
	store *crashing
}

func (t *crashingTx) Get(keys ...storage.Key) ([]storage.Entity, error) {
	if err := t.store.call(); err != nil {
		return nil, err
	}
	return t.Tx.Get(keys...)
}

func (t *crashingTx) Put(e storage.Entity) error {
	if err := t.store.call(); err != nil {
		return err
	}
	return t.Tx.Put(e)
}

// Each change is broken off at each call that it makes of its store. Then nothing of it
// is stored, or all; and whoever sends it again gets it done once.
func TestAChangeThatIsBrokenOffIsWholeOrNotAndIsMadeOnceWhenItIsSentAgain(t *testing.T) {
	for _, c := range kinds {
		want, id := crashShelf(t)
		told := want.must(c.do(t.Context(), want.Service, crashCaller, id))
		for _, panics := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, panics %v", c.name, panics), func(t *testing.T) {
				whole, broken := 0, 0
				for at := 1; ; at++ {
					f, id := crashShelf(t)
					before := entities(t, f.store)
					store := &crashing{Store: f.store, at: at, panics: panics}
					err := caught(func() error {
						_, err := c.do(t.Context(), on(t, store, f.clock).Service, crashCaller, id)
						return err
					})
					if store.calls < at { // it makes no more calls
						if err != nil {
							t.Errorf("not broken off: %v", err)
						}
						break
					}
					broken++
					if !errors.Is(err, errCrash) {
						t.Errorf("broken off at call %d: got %v, want that it broke off", at, err)
					}
					done := !same(before, entities(t, f.store))
					if done {
						whole++
					}
					result := f.must(c.do(t.Context(), f.Service, crashCaller, id))
					if result.Replayed != done {
						t.Errorf("broken off at call %d and sent again: replayed %v, want %v", at, result.Replayed, done)
					}
					wantSame(t, "what is told of the items", told.Items, result.Items)
					f.wantAs(want)
				}
				if whole != 1 || broken < 5 {
					t.Errorf("broken off in %d places, in %d it was done; want many, and done behind the commit alone", broken, whole)
				}
			})
		}
	}
}

// crashCaller has a key, and an entity beside its change.
var crashCaller = beside("k", "x", "1")

// crashShelf is a shelf where some of the changes bring an alert.
func crashShelf(t *testing.T) (fixture, string) {
	f := newFixture(t)
	id := shelf(f)
	f.must(f.Set(t.Context(), me, "b", inventory.Settings{LowStock: ptr(9)}))
	return f, id
}

// caught is what a function returns, or what it panics with.
func caught(do func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = v.(error)
		}
	}()
	return do()
}

// wantAs wants items as those of another shelf, and as many entities of each kind.
func (f fixture) wantAs(want fixture) {
	f.Helper()
	for _, sku := range []string{"a", "b"} {
		wantSame(f, sku, want.item(sku), f.item(sku))
	}
	kinds := func(f fixture) map[string]int {
		n := make(map[string]int)
		for key := range entities(f, f.store) {
			n[key.Kind]++
		}
		return n
	}
	wantSame(f, "entities by kind", kinds(want), kinds(f))
	f.sound()
}
