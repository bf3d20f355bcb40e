package merge

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

// indexedCodec indexes a counter's number; one over a hundred expires.
type indexedCodec struct{ counterCodec }

var doomsday = time.Date(2126, 11, 22, 0, 0, 0, 0, time.UTC)

func (indexedCodec) Index(c *counter) map[string]any { return map[string]any{"n": c.n} }

func (indexedCodec) Expire(c *counter) time.Time {
	if c.n > 100 {
		return doomsday
	}
	return time.Time{}
}

func entity(t *testing.T, store storage.Store, k storage.Key) storage.Entity {
	t.Helper()
	got, err := store.Get(t.Context(), k)
	if err != nil {
		t.Fatal(err)
	}
	return got[0]
}

func TestAStateExpiresWhenItsCodecSays(t *testing.T) {
	store := openStore(t)
	g := New[counter, int64](store, indexedCodec{}, Options{})
	for _, tt := range []struct {
		add  int64
		want time.Time
	}{{100, time.Time{}}, {1, doomsday}, {-1, time.Time{}}} {
		if _, err := g.Do(t.Context(), add(tt.add, "a")); err != nil {
			t.Fatal(err)
		}
		if got := entity(t, store, key("a")).Expire; !got.Equal(tt.want) {
			t.Errorf("after %+d it expires at %v, want %v", tt.add, got, tt.want)
		}
	}
}

var row1, row2 = storage.Key{Kind: "Row", Name: "1"}, storage.Key{Kind: "Row", Name: "2"}

// bring is an operation on a that sets no state.
func bring(apply func(t *Turn[counter]) error) Op[counter, int64] {
	return Op[counter, int64]{
		Keys: []storage.Key{key("a")}, Reads: []storage.Key{row1}, Brings: 1,
		Apply: func(t *Turn[counter]) (int64, error) { return int64(len(t.Entity(0).Data)), apply(t) },
	}
}

// Only a decoded state's Index is not all that it was stored with: an operation that
// sets no state cannot say what the index is, so it has to stay.
func TestAStateThatIsWrittenForItsMarkKeepsItsIndexAndExpiry(t *testing.T) {
	store := openStore(t)
	if _, err := New[counter, int64](store, indexedCodec{}, Options{}).Do(t.Context(), add(101, "a")); err != nil {
		t.Fatal(err)
	}
	before := entity(t, store, key("a"))
	g := newGroup(store, Options{}) // whose codec knows no index
	ops := []Op[counter, int64]{
		bring(func(t *Turn[counter]) error { return t.Put(storage.Entity{Key: row1, Data: []byte("x")}) }),
		bring(func(t *Turn[counter]) error { t.Delete(row1); return nil }),
	}
	for i, op := range ops {
		if _, err := g.Do(t.Context(), op); err != nil {
			t.Fatal(err)
		}
		got := entity(t, store, key("a"))
		if got.Index["n"] != int64(101) || !got.Expire.Equal(doomsday) {
			t.Errorf("operation %d left the index %v, expiry %v; want 101, %v", i, got.Index, got.Expire, doomsday)
		}
		if slices.Equal(got.Data, before.Data) {
			t.Errorf("operation %d left no mark", i)
		}
		if n := stored(t, store, "a"); n != 101 {
			t.Errorf("operation %d left the state %d, want 101", i, n)
		}
		before = got
	}
	if _, err := g.Do(t.Context(), add(1, "a")); err != nil {
		t.Fatal(err)
	}
	if got := entity(t, store, key("a")); got.Index != nil || !got.Expire.IsZero() {
		t.Errorf("a state that was set has the index %v and the expiry %v, want its codec's", got.Index, got.Expire)
	}
}

func TestAnEntityThatATurnDeletesIsGone(t *testing.T) {
	store := openStore(t)
	g := newGroup(store, Options{})
	write := func(data string) Op[counter, int64] {
		return bring(func(t *Turn[counter]) error { return t.Put(storage.Entity{Key: row1, Data: []byte(data)}) })
	}
	del := bring(func(t *Turn[counter]) error { t.Delete(row1); t.Delete(row2); return nil })
	for _, tt := range []struct {
		op   Op[counter, int64]
		read int64 // bytes of the row that it sees
		left bool
	}{
		{del, 0, false}, // of what is not there
		{write("abc"), 0, true},
		{del, 3, false},
		{write("abcd"), 0, true},
		{bring(func(t *Turn[counter]) error { t.Delete(row1); return errors.New("no") }), 4, true},
		{bring(func(t *Turn[counter]) error { t.Delete(row1); return t.Put(storage.Entity{Key: row1}) }), 4, true},
		{bring(func(t *Turn[counter]) error {
			err := t.Put(storage.Entity{Key: row1})
			t.Delete(row1)
			return err
		}), 0, false},
	} {
		if got, _ := g.Do(t.Context(), tt.op); got != tt.read {
			t.Errorf("it read %d bytes, want %d", got, tt.read)
		}
		if got := entity(t, store, row1).Exists; got != tt.left {
			t.Errorf("behind it the row exists %v, want %v", got, tt.left)
		}
	}
}

func TestOperationsOfOneBatchSeeWhatThoseBeforeThemDeleted(t *testing.T) {
	gate := newGate(openStore(t))
	g := newGroup(gate, Options{})
	first := make(chan error, 1)
	go func() {
		_, err := g.Do(t.Context(), bring(func(t *Turn[counter]) error { return t.Put(storage.Entity{Key: row1, Data: []byte("abc")}) }))
		first <- err
	}()
	<-gate.arrived
	type seen struct {
		exists bool
		bytes  int
	}
	results := make([]chan seen, 3)
	for i, change := range []func(t *Turn[counter]) error{
		func(t *Turn[counter]) error { t.Delete(row1); return nil },
		func(t *Turn[counter]) error { return t.Put(storage.Entity{Key: row1, Data: []byte("x")}) },
		func(*Turn[counter]) error { return nil },
	} {
		results[i] = make(chan seen, 1)
		go func() {
			var got seen
			_, err := g.Do(t.Context(), bring(func(t *Turn[counter]) error {
				got = seen{t.Entity(0).Exists, len(t.Entity(0).Data)}
				return change(t)
			}))
			if err != nil {
				t.Error(err)
			}
			results[i] <- got
		}()
		waitFor(t, g, i+1)
	}
	gate.open <- struct{}{}
	gate.open <- struct{}{}
	for i, want := range []seen{{true, 3}, {false, 0}, {true, 1}} {
		if got := <-results[i]; got != want {
			t.Errorf("operation %d saw %+v, want %+v", i, got, want)
		}
	}
	if err := <-first; err != nil {
		t.Error(err)
	}
	if got := g.Stats().Batches; got != 2 {
		t.Errorf("%d batches, want 2", got)
	}
}

// An operation that only deletes leaves its mark, so one that is run again does not
// take its own deletion for somebody else's.
func TestALostAnswerToADeletionDoublesNothing(t *testing.T) {
	store := &lossy{Store: openStore(t), random: rand.New(rand.NewPCG(1, 2)), again: 0.5}
	g := newGroup(store, Options{})
	for i := range 50 {
		if _, err := g.Do(t.Context(), bring(func(t *Turn[counter]) error { return t.Put(storage.Entity{Key: row1, Data: []byte("abc")}) })); err != nil {
			t.Fatal(err)
		}
		n, err := g.Do(t.Context(), bring(func(t *Turn[counter]) error { t.Delete(row1); return nil }))
		if n != 3 || err != nil {
			t.Fatalf("deletion %d saw %d bytes, %v; want 3, those that it deleted", i, n, err)
		}
	}
}
