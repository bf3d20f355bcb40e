package merge

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

// lossy is a store that applies a commit and loses the answer: sometimes it runs
// the transaction again, as a client library does, sometimes it gives up.
type lossy struct {
	storage.Store
	mu           sync.Mutex
	random       *rand.Rand
	again, never float64
}

func (l *lossy) Update(ctx context.Context, fn func(storage.Tx) error) error {
	for {
		if err := l.Store.Update(ctx, fn); err != nil {
			return err
		}
		l.mu.Lock()
		dice := l.random.Float64()
		l.mu.Unlock()
		switch {
		case dice < l.never:
			return storage.ErrUnknown
		case dice < l.never+l.again:
			continue
		}
		return nil
	}
}

// With the marks taken out (mark.go: applied returns nil), this test ends with
// "stored 4611, want 3200", and numbers are missing and there twice.
func TestALostAnswerDoublesNothing(t *testing.T) {
	store := &lossy{Store: openStore(t), random: rand.New(rand.NewPCG(1, 2)), again: 0.3}
	groups := []*group{newGroup(store, Options{}), newGroup(store, Options{})} // as of two instances
	const callers, each = 32, 100
	var mu sync.Mutex
	var got []int64
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			for range each {
				n, err := groups[i%2].Do(t.Context(), add(1, "a"))
				if err != nil {
					t.Error(err)
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
			t.Errorf("number %d of %d is %d: each has to be there once", i+1, len(got), n)
			break
		}
	}
	if n := stored(t, store, "a"); n != callers*each {
		t.Errorf("stored %d, want %d", n, callers*each)
	}
}

func TestALostAnswerToRemovingAndCountingAgainDoublesNothing(t *testing.T) {
	store := &lossy{Store: openStore(t), random: rand.New(rand.NewPCG(1, 2)), again: 0.5}
	mine, other := newGroup(store, Options{}), newGroup(store, Options{})
	remove := add(0, "a")
	remove.Apply = func(t *Turn[counter]) (int64, error) {
		t.Set(0, nil)
		return 0, nil
	}
	for range 50 {
		if _, err := mine.Do(t.Context(), remove); err != nil {
			t.Fatal(err)
		}
		for want := range int64(3) {
			if n, err := other.Do(t.Context(), add(1, "a")); n != want+1 || err != nil {
				t.Fatalf("got %d, %v, want %d", n, err, want+1)
			}
		}
	}
}

func TestAnAnswerThatNeverComesIsToldAsUnknown(t *testing.T) {
	store := &lossy{Store: openStore(t), random: rand.New(rand.NewPCG(1, 2)), never: 0.2, again: 0.2}
	g := newGroup(store, Options{})
	const attempted = 300
	acked := int64(0)
	for range attempted {
		switch _, err := g.Do(t.Context(), add(1, "a")); {
		case err == nil:
			acked++
		case !errors.Is(err, storage.ErrUnknown):
			t.Fatalf("got %v, want ErrUnknown", err)
		}
	}
	if n := stored(t, store, "a"); n < acked || n > attempted || acked == attempted {
		t.Errorf("acknowledged %d ≤ stored %d ≤ attempted %d does not hold", acked, n, attempted)
	}
}

func TestWithAnIdempotencyKeyUnknownIsSentAgainAndCountsOnce(t *testing.T) {
	store := &lossy{Store: openStore(t), random: rand.New(rand.NewPCG(1, 2)), never: 0.4, again: 0.2}
	groups := []*group{newGroup(store, Options{}), newGroup(store, Options{})}
	const operations = 200
	for i := range operations {
		id := Idempotency{Scope: "test", Key: string(rune('a'+i/26)) + string(rune('a'+i%26))}
		first := int64(0)
		for try := range 3 { // sends it on after success, too
			for {
				n, replayed, err := groups[(i+try)%2].Once(t.Context(), add(1, "a"), id)
				if errors.Is(err, storage.ErrUnknown) {
					continue
				}
				if err != nil {
					t.Fatal(err)
				}
				if first == 0 {
					first = n
				}
				if n != first || try > 0 && !replayed {
					t.Fatalf("sent again: got %d, replayed %v, want %d again", n, replayed, first)
				}
				break
			}
		}
		if first != int64(i+1) {
			t.Fatalf("operation %d got number %d", i+1, first)
		}
	}
	if n := stored(t, store, "a"); n != operations {
		t.Errorf("stored %d, want %d", n, operations)
	}
}

func TestMarksOfWritersLongGoneAreDropped(t *testing.T) {
	now := time.Now()
	store := openStore(t)
	marks := func() int {
		got, err := store.Get(t.Context(), key("a"))
		if err != nil {
			t.Fatal(err)
		}
		e, err := decodeEntry(got[0], counterCodec{})
		if err != nil {
			t.Fatal(err)
		}
		return len(e.marks)
	}
	for range 5 {
		if _, err := newGroup(store, Options{Now: func() time.Time { return now }}).Do(t.Context(), add(1, "a")); err != nil {
			t.Fatal(err)
		}
	}
	if n := marks(); n != 5 {
		t.Errorf("%d marks, want one for each of 5 recent writers", n)
	}
	now = now.Add(markLife + time.Second)
	if _, err := newGroup(store, Options{Now: func() time.Time { return now }}).Do(t.Context(), add(1, "a")); err != nil {
		t.Fatal(err)
	}
	if n := marks(); n != 1 {
		t.Errorf("%d marks, want that of the last writer alone", n)
	}
}
