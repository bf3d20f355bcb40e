package merge

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

func TestFiftyAtOnceWithOneKeyHappenOnce(t *testing.T) {
	store := openStore(t)
	g := newGroup(store, Options{})
	var fresh atomic.Int32
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			n, replayed, err := g.Once(t.Context(), add(1, "a"), Idempotency{Scope: "test", Key: "k"})
			if n != 1 || err != nil {
				t.Errorf("got %d, %v, want 1 for all", n, err)
			}
			if !replayed {
				fresh.Add(1)
			}
		})
	}
	all.Wait()
	if fresh.Load() != 1 || stored(t, store, "a") != 1 {
		t.Errorf("%d were fresh and %d is stored, want 1 and 1", fresh.Load(), stored(t, store, "a"))
	}
}

func TestAKeyIsGoodForOneRequest(t *testing.T) {
	now := time.Now()
	store := openStore(t)
	g := newGroup(store, Options{Now: func() time.Time { return now }})
	once := func(scope, request string) (int64, bool, error) {
		return g.Once(t.Context(), add(1, "a"), Idempotency{Scope: scope, Key: "k", Request: []byte(request)})
	}
	if n, replayed, err := once("one", "x"); n != 1 || replayed || err != nil {
		t.Errorf("first: %d, %v, %v", n, replayed, err)
	}
	if _, replayed, err := once("one", "y"); !errors.Is(err, ErrKeyReused) || replayed {
		t.Errorf("another request under the key: %v, want ErrKeyReused", err)
	}
	if n, replayed, err := once("two", "y"); n != 2 || replayed || err != nil {
		t.Errorf("the key in another scope: %d, %v, %v, want 2 and fresh", n, replayed, err)
	}
	now = now.Add(IdempotencyLife - time.Second)
	if n, replayed, err := once("one", "x"); n != 1 || !replayed || err != nil {
		t.Errorf("within its life: %d, %v, %v, want 1 again", n, replayed, err)
	}
	now = now.Add(2 * time.Second)
	if n, replayed, err := once("one", "y"); n != 3 || replayed || err != nil {
		t.Errorf("past its life: %d, %v, %v, want 3 and fresh", n, replayed, err)
	}
}

func TestAFailedOperationLeavesItsKeyUnused(t *testing.T) {
	g := newGroup(openStore(t), Options{})
	id := Idempotency{Scope: "test", Key: "k"}
	fail := add(1, "a")
	fail.Apply = func(*Turn[counter]) (int64, error) { return 0, errors.New("no") }
	if _, _, err := g.Once(t.Context(), fail, id); err == nil {
		t.Fatal("it did not fail")
	}
	if n, replayed, err := g.Once(t.Context(), add(1, "a"), id); n != 1 || replayed || err != nil {
		t.Errorf("after a failure: %d, %v, %v, want 1 and fresh", n, replayed, err)
	}
}
