package visit_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/storagetest"
	"github.com/tallystick/tallystick/internal/visit"
)

// What a caller does to a page, and what it is told.
type (
	asked struct {
		what string // count, read, set or delete
		n    int64  // what it is set to
	}
	told struct {
		n       int64 // the number of a count, or what was read
		existed bool  // what delete says
		unknown bool
	}
	// onePage is what a page would be if one caller came after the other.
	onePage struct {
		exists bool
		visits int64
	}
)

// pageModel says what each caller must be told.
//
// An operation whose outcome is unknown is one that never returns: it may take
// effect at any time after its call, and if it never did, then that time is after
// all others. What it would have told is not known either.
var pageModel = porcupine.Model{
	Init: func() any { return onePage{} },
	Step: func(before, input, output any) (bool, any) {
		page, in, out := before.(onePage), input.(asked), output.(told)
		switch in.what {
		case "count":
			after := onePage{true, page.visits + 1}
			return out.unknown || out.n == after.visits, after
		case "set":
			return true, onePage{true, in.n}
		case "delete":
			return out.unknown || out.existed == page.exists, onePage{}
		default:
			return out.n == page.visits, page
		}
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%v: %v", in, out) },
}

const never = math.MaxInt64 // when an operation returns whose outcome is unknown

// history is what the callers of one page saw.
type history struct {
	mu         sync.Mutex
	start      time.Time
	operations []porcupine.Operation
	unknown    int
}

// record does one operation and keeps it, unless it says that nothing was done.
func (h *history) record(t *testing.T, client int, in asked, do func() (told, error)) {
	call := int64(time.Since(h.start))
	out, err := do()
	done := int64(time.Since(h.start))
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case err == nil:
	case errors.Is(err, storage.ErrUnknown):
		out, done = told{unknown: true}, never
		h.unknown++
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, storage.ErrUnavailable), errors.Is(err, storage.ErrConflict):
		return // nothing was done
	default:
		t.Errorf("%v: %v", in, err)
		return
	}
	h.operations = append(h.operations, porcupine.Operation{ClientId: client, Input: in, Output: out, Call: call, Return: done})
}

// callers lets 8 callers at a page, each of one service, and returns what they saw.
// One of them is so impatient that it is told now and then that its operation was
// dropped, or that its outcome is unknown.
func callers(t *testing.T, page visit.Page, each int, services ...*visit.Service) *history {
	h := &history{start: time.Now()}
	var all sync.WaitGroup
	for client := range 8 {
		all.Go(func() {
			for i := range each {
				ctx, cancel := t.Context(), context.CancelFunc(func() {})
				if client == 0 && i%8 == 0 {
					ctx, cancel = context.WithTimeout(ctx, rand.N(2*time.Millisecond))
				}
				one(ctx, t, h, client, services[client%len(services)], page)
				cancel()
			}
		})
	}
	all.Wait()
	return h
}

// one does one operation: mostly a count, often a read, at times another.
func one(ctx context.Context, t *testing.T, h *history, client int, s *visit.Service, page visit.Page) {
	switch dice := rand.IntN(100); {
	case dice < 60:
		h.record(t, client, asked{what: "count"}, func() (told, error) {
			count, err := s.Count(ctx, visit.Request{Page: page, Visitor: visit.Visitor{Private: true}})
			return told{n: count.Visits}, err
		})
	case dice < 95:
		h.record(t, client, asked{what: "read"}, func() (told, error) {
			views, err := s.Read(ctx, page)
			if err != nil {
				return told{}, err
			}
			return told{n: views[0].Visits}, nil
		})
	case dice < 98:
		in := asked{"set", rand.Int64N(1_000_000)}
		h.record(t, client, in, func() (told, error) {
			return told{}, s.Set(ctx, page, visit.Tally{Visits: in.n})
		})
	default:
		h.record(t, client, asked{what: "delete"}, func() (told, error) {
			existed, err := s.Delete(ctx, page)
			return told{existed: existed}, err
		})
	}
}

func TestCountsAndReadsOfAPageAreLinearizable(t *testing.T) {
	for _, tt := range []struct {
		name         string
		fresh        func(*testing.T) database
		store        func(storage.Store) storage.Store
		histories    int
		wantsUnknown bool
	}{
		{"SQLite", freshSQLite, sound, pick(10, 500), false},
		{"SQLite that loses answers", freshSQLite, storagetest.Losing, pick(10, 500), true},
		{"Datastore", freshDatastore, sound, pick(2, 50), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			database := tt.fresh(t)
			stores := [2]storage.Store{database.open(t), database.open(t)}
			operations, unknown, judged := 0, 0, 0
			for i := range tt.histories {
				var services []*visit.Service
				for _, store := range stores {
					services = append(services, visit.New(tt.store(store), visit.Options{}))
				}
				h := callers(t, visit.Page(fmt.Sprint("/", i)), 40, services...)
				if storagetest.Judge(t, pageModel, h.operations, h.unknown, porcupine.Ok) {
					judged++
				}
				operations += len(h.operations)
				unknown += h.unknown
			}
			t.Logf("%d operations in %d histories, the outcome of %d is unknown; %d are judged", operations, tt.histories, unknown, judged)
			if tt.wantsUnknown && unknown == 0 || judged == 0 {
				t.Error("no outcome was unknown, or no history was judged: the test shows less than it should")
			}
		})
	}
}

func TestABrokenStoreIsNotLinearizable(t *testing.T) {
	broken := maps.Clone(storagetest.Broken)
	broken["it reads from a cache"] = func(s storage.Store) storage.Store { return &stale{Store: s} }
	broken["it gets and puts in no transaction"] = func(s storage.Store) storage.Store { return unlocked{s} }
	for name, breaks := range broken {
		t.Run(name, func(t *testing.T) {
			for range 5 {
				store := breaks(freshSQLite(t).open(t))
				services := []*visit.Service{visit.New(store, visit.Options{}), visit.New(store, visit.Options{})}
				h := callers(t, "/", 40, services...)
				if storagetest.Judge(t, pageModel, h.operations, h.unknown, porcupine.Illegal) {
					return
				}
			}
			t.Error("no history was judged")
		})
	}
}

func sound(s storage.Store) storage.Store { return s }

// stale answers nine of ten Gets from a cache.
type stale struct {
	storage.Store
	mu     sync.Mutex
	gets   int
	cached []storage.Entity
}

func (s *stale) Get(ctx context.Context, keys ...storage.Key) ([]storage.Entity, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.gets++; s.gets%10 != 1 {
		return s.cached, nil
	}
	got, err := s.Store.Get(ctx, keys...)
	s.cached = got
	return got, err
}

// unlocked reads before its transactions and not in them.
type unlocked struct{ storage.Store }

func (s unlocked) Update(ctx context.Context, fn func(storage.Tx) error) error {
	tx := pretended{ctx: ctx, store: s.Store}
	if err := fn(&tx); err != nil {
		return err
	}
	time.Sleep(time.Millisecond)
	return s.Store.Update(ctx, func(real storage.Tx) error {
		for _, write := range tx.writes {
			if err := write(real); err != nil {
				return err
			}
		}
		return nil
	})
}

// pretended is a transaction that is none.
type pretended struct {
	ctx    context.Context
	store  storage.Store
	writes []func(storage.Tx) error
}

func (p *pretended) Get(keys ...storage.Key) ([]storage.Entity, error) {
	return p.store.Get(p.ctx, keys...)
}

func (p *pretended) Put(e storage.Entity) error {
	p.writes = append(p.writes, func(tx storage.Tx) error { return tx.Put(e) })
	return nil
}

func (p *pretended) Delete(key storage.Key) error {
	p.writes = append(p.writes, func(tx storage.Tx) error { return tx.Delete(key) })
	return nil
}
