package merge

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

// book is a state that begins pages. The page of the batch under way is not part of what
// is stored of it.
type book struct {
	begun int64
	page  *leaf
}

// leaf is a page: a state of another entity.
type leaf struct{ rows []byte }

// volume is one of them, for one Group has both.
type volume struct {
	book *book
	leaf *leaf
}

type volumeCodec struct{}

func (volumeCodec) Append(b []byte, v *volume) []byte {
	if v.leaf != nil {
		return append(append(b, 'l'), v.leaf.rows...)
	}
	return counterCodec{}.Append(append(b, 'b'), &counter{v.book.begun})
}

func (volumeCodec) Decode(data []byte) (*volume, error) {
	if data[0] == 'l' {
		return &volume{leaf: &leaf{slices.Clone(data[1:])}}, nil
	}
	c, err := counterCodec{}.Decode(data[1:])
	if err != nil {
		return nil, err
	}
	return &volume{book: &book{begun: c.n}}, nil
}

func (volumeCodec) Index(v *volume) map[string]any {
	if v.leaf == nil {
		return nil
	}
	return map[string]any{"rows": int64(len(v.leaf.rows))}
}

func (volumeCodec) Expire(*volume) time.Time { return time.Time{} }

func pageKey(n int64) storage.Key { return storage.Key{Kind: "Page", Name: fmt.Sprint(n)} }

// row adds a row to the page of the batch, and begins that one if it is the first.
func row(letter byte) Op[volume, int64] {
	return Op[volume, int64]{Keys: []storage.Key{key("book")}, Apply: func(t *Turn[volume]) (int64, error) {
		v := t.State(0)
		if v == nil {
			v = &volume{book: new(book)}
		}
		b := v.book
		if b.page == nil {
			b.begun++
			b.page = new(leaf)
			t.New(pageKey(b.begun), &volume{leaf: b.page})
		}
		b.page.rows = append(b.page.rows, letter)
		t.Set(0, v)
		return b.begun, nil
	}}
}

// rows are those of all pages in the store, in order of page.
func rows(t *testing.T, store storage.Store) (all []string) {
	t.Helper()
	for n := int64(1); ; n++ {
		v, err := Decode(entity(t, store, pageKey(n)), volumeCodec{})
		if err != nil {
			t.Fatal(err)
		}
		if v == nil {
			return all
		}
		all = append(all, string(v.leaf.rows))
	}
}

// together has operations wait behind one that holds the store, in their order, and
// returns their errors and what the batch that carries them wrote.
func together(t *testing.T, store storage.Store, ops ...Op[volume, int64]) (errs []error, writes uint64) {
	t.Helper()
	gate := newGate(store)
	g := New[volume, int64](gate, volumeCodec{}, Options{})
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := g.Do(t.Context(), row('0')); err != nil {
			t.Error(err)
		}
	})
	<-gate.arrived
	errs = make([]error, len(ops))
	for i, op := range ops {
		arrived := make(chan struct{})
		all.Go(func() {
			defer func() {
				if v := recover(); v != nil {
					errs[i] = v.(error)
				}
			}()
			_, errs[i] = g.Do(queued{t.Context(), arrived}, op)
		})
		<-arrived
	}
	gate.open <- struct{}{}
	<-gate.arrived
	before := g.Stats()
	for range 2 { // one more for a transaction that is run again, after a panic
		gate.open <- struct{}{}
	}
	all.Wait()
	return errs, g.Stats().EntityWrites - before.EntityWrites
}

// queued is the context of a caller who tells when its operation is in the queue: there
// it begins to wait, for its turn or the context's end.
type queued struct {
	context.Context
	arrived chan struct{}
}

func (q queued) Done() <-chan struct{} {
	close(q.arrived)
	return q.Context.Done()
}

func TestRowsOfManyCallersLieInOneNewEntity(t *testing.T) {
	store := openStore(t)
	errs, writes := together(t, store, row('a'), row('b'), row('c'))
	if err := errors.Join(errs...); err != nil || writes != 2 {
		t.Errorf("they wrote %d entities, %v; want 2, the book and its page", writes, err)
	}
	if got, want := rows(t, store), []string{"0", "abc"}; !slices.Equal(got, want) {
		t.Errorf("the pages are %q, want %q", got, want)
	}
	if got := entity(t, store, pageKey(2)).Index["rows"]; got != int64(3) {
		t.Errorf("the page is indexed with %v rows, want those that it has when all are in, 3", got)
	}
}

func TestAnOperationThatFailsBehindNewLeavesNoEntity(t *testing.T) {
	sentinel := errors.New("no")
	failing := func(fail func() error) Op[volume, int64] {
		return Op[volume, int64]{Keys: []storage.Key{key("book")}, Apply: func(t *Turn[volume]) (int64, error) {
			t.New(pageKey(2), &volume{leaf: &leaf{[]byte("never")}})
			return 0, fail()
		}}
	}
	for name, op := range map[string]Op[volume, int64]{
		"with an error": failing(func() error { return sentinel }),
		"with a panic":  failing(func() error { panic(sentinel) }),
	} {
		for place := range 3 {
			t.Run(fmt.Sprint(name, " at ", place), func(t *testing.T) {
				store := openStore(t)
				errs, writes := together(t, store, slices.Insert([]Op[volume, int64]{row('a'), row('b')}, place, op)...)
				if !errors.Is(errs[place], sentinel) || errors.Join(slices.Delete(slices.Clone(errs), place, place+1)...) != nil {
					t.Errorf("errors are %v, want that of %d alone", errs, place)
				}
				if got, want := rows(t, store), []string{"0", "ab"}; !slices.Equal(got, want) {
					t.Errorf("the pages are %q, want %q", got, want)
				}
				if name == "with an error" && writes != 2 {
					t.Errorf("%d entities were written, want 2", writes)
				}
			})
		}
	}
	t.Run("alone", func(t *testing.T) {
		store := openStore(t)
		g := New[volume, int64](store, volumeCodec{}, Options{})
		if _, err := g.Do(t.Context(), failing(func() error { return sentinel })); !errors.Is(err, sentinel) {
			t.Errorf("got %v, want its error", err)
		}
		if got := entity(t, store, pageKey(2)); got.Exists {
			t.Error("its entity is there")
		}
	})
}

// An operation that only makes an entity leaves its mark in the state of its key too,
// where a run that follows finds it.
func TestALostAnswerToNewDoublesNothing(t *testing.T) {
	store := &lossy{Store: openStore(t), random: rand.New(rand.NewPCG(1, 2)), again: 0.5}
	g := New[volume, int64](store, volumeCodec{}, Options{})
	for i := range int64(50) {
		runs := 0
		n, err := g.Do(t.Context(), Op[volume, int64]{Keys: []storage.Key{key("book")}, Apply: func(t *Turn[volume]) (int64, error) {
			runs++
			t.New(pageKey(i+1), &volume{leaf: &leaf{[]byte("x")}})
			return int64(runs), nil
		}})
		if n != 1 || runs != 1 || err != nil {
			t.Fatalf("page %d: run %d of %d was told, %v; want one run", i+1, n, runs, err)
		}
	}
}

// TestAStateCountsOnceInABatch however many operations share it; what they do not share
// fills it.
func TestAStateCountsOnceInABatch(t *testing.T) {
	for _, tt := range []struct {
		name    string
		keys    func(i int) []string
		batches uint64
	}{
		{"one state", func(int) []string { return []string{"a"} }, 2},
		{"one of two is shared", func(i int) []string { return []string{"a", string(rune('b' + i))} }, 5},
	} {
		t.Run(tt.name, func(t *testing.T) {
			gate := newGate(openStore(t))
			g := newGroup(gate, Options{})
			var all sync.WaitGroup
			do := func(op Op[counter, int64]) {
				all.Go(func() {
					if _, err := g.Do(t.Context(), op); err != nil {
						t.Error(err)
					}
				})
			}
			do(add(1, "a"))
			<-gate.arrived
			for i := range 12 {
				op := add(1, tt.keys(i)...)
				for range op.Keys {
					op.Sizes = append(op.Sizes, maxBatchBytes/4)
				}
				do(op)
				waitFor(t, g, i+1)
			}
			for range tt.batches {
				gate.open <- struct{}{}
			}
			all.Wait()
			if got := g.Stats().Batches; got != tt.batches {
				t.Errorf("%d batches, want %d", got, tt.batches)
			}
		})
	}
}
