// Package visit counts the visits to pages: exactly, by day, and by unique
// visitor, without keeping anything by which to know one.
//
// Read Service here first, then page.go (what a page is called), state.go (what
// is kept of it), visitor.go (who counts, and as whom), referral.go and referrals.go
// (where visits came from), shard.go (pages spread over
// entities), list.go (the busiest pages, all pages), summary.go (all of it, over some
// days), and for moving house file.go,
// ndjson.go, csv.go and import.go.
package visit

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/tallystick/tallystick/internal/merge"
	"github.com/tallystick/tallystick/internal/storage"
)

// PageKind is the kind of the entities that hold pages: one for each page, named
// as the page is, or one for each shard.
const PageKind = "Page"

// MaxReadPages is how many pages one Read may ask for.
const MaxReadPages = 100

// ErrTooMany is a request for more than one call gives.
var ErrTooMany = errors.New("too many")

// ErrNumber is a count below zero or over MaxVisits.
var ErrNumber = fmt.Errorf("bad number: it is 0 to %d", int64(MaxVisits))

// Options configure a Service. Zero fields take the defaults.
type Options struct {
	Queue  int              // visits that may wait to be counted, see merge.Options
	Shards int              // entities over which a page is spread, default 1
	Now    func() time.Time // default time.Now
}

// Service counts visits in a store.
type Service struct {
	store  storage.Store
	group  *merge.Group[state, Tally]
	salts  salts
	bots   bots
	now    func() time.Time
	shards int
	own    int // the shard that this instance counts in
	others otherShards

	summaries chan struct{} // of all pages: holds one
}

// New returns a Service over store.
func New(store storage.Store, opts Options) *Service {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	shards := max(1, opts.Shards)
	return &Service{
		store:  store,
		group:  merge.New[state, Tally](store, codec{}, merge.Options{Queue: opts.Queue, Now: opts.Now}),
		salts:  salts{store: store, loading: make(chan struct{}, 1)},
		now:    opts.Now,
		shards: shards,
		own:    rand.IntN(shards),

		summaries: make(chan struct{}, 1),
	}
}

// Stats tells what the service's transactions have cost so far.
func (s *Service) Stats() merge.Stats { return s.group.Stats() }

// Request is one visit to be counted.
type Request struct {
	Page     Page
	Visitor  Visitor
	Referral Referral

	// IdempotencyKey, unless empty, lets the same visit be sent again: it is counted
	// once, and the reply is the same.
	IdempotencyKey string
}

// Count is the answer to a Request.
type Count struct {
	Page Page
	Tally
	Reason   Reason // why it was not counted, or empty
	Exact    bool   // no other visit has this number, until the page is set or deleted
	Replayed bool   // it was counted when it was first sent
}

// Count counts one visit and returns the page's tally with it in, durably stored.
// Without a reason against it, the tally's Visits is this visit's own number. When
// the error is storage.ErrUnknown it may have been counted.
func (s *Service) Count(ctx context.Context, r Request) (Count, error) {
	count := Count{Page: r.Page, Exact: s.shards == 1, Reason: s.refusal(r)}
	if count.Reason != "" {
		views, err := s.Read(ctx, r.Page)
		if err != nil {
			return Count{}, err
		}
		count.Tally = views[0].Tally
		return count, nil
	}
	day := DayOf(s.now())
	var visitor uint64
	if !r.Visitor.Private {
		var err error
		if visitor, err = s.salts.visitor(ctx, day, r.Visitor); err != nil {
			return Count{}, err
		}
	}
	rest, err := s.others.tally(ctx, s, r.Page)
	if err != nil {
		return Count{}, fmt.Errorf("visit: count: %w", err)
	}
	op := merge.Op[state, Tally]{
		Keys: []storage.Key{shardKey(r.Page, s.own)},
		Apply: func(t *merge.Turn[state]) (Tally, error) {
			st := t.State(0)
			if st == nil {
				st = new(state)
			}
			if st.total.Visits >= MaxVisits {
				return Tally{}, ErrNumber
			}
			st.count(day, visitor)
			st.refer(day, r.Referral)
			t.Set(0, st)
			return st.total.plus(rest), nil
		},
	}
	if r.IdempotencyKey == "" {
		count.Tally, err = s.group.Do(ctx, op)
	} else {
		count.Tally, count.Replayed, err = s.group.Once(ctx, op, merge.Idempotency{
			Scope: "visits", Key: r.IdempotencyKey, Request: []byte(r.Page),
		})
	}
	if err != nil {
		return Count{}, fmt.Errorf("visit: count: %w", err)
	}
	return count, nil
}

// View is what there is to see of a page. A page that was never counted has zeros.
type View struct {
	Page Page
	Tally
	Days      []DayTally     // those that had visits, ascending
	Referrals []DayReferrals // ascending; of All and Import only
}

// Read returns the pages as they are now, in the order asked for, at most
// MaxReadPages.
func (s *Service) Read(ctx context.Context, pages ...Page) ([]View, error) {
	if len(pages) > MaxReadPages {
		return nil, fmt.Errorf("%w: at most %d pages at once, not %d", ErrTooMany, MaxReadPages, len(pages))
	}
	shards, err := s.shardsOf(ctx, pages)
	if err != nil {
		return nil, fmt.Errorf("visit: read: %w", err)
	}
	views := make([]View, len(pages))
	for i, p := range pages {
		states, err := decode(shards[i])
		if err != nil {
			return nil, err
		}
		views[i] = join(states).view(p)
	}
	return views, nil
}

// shardsOf reads the shards of each page.
func (s *Service) shardsOf(ctx context.Context, pages []Page) ([][]storage.Entity, error) {
	shards := make([][]storage.Entity, 0, len(pages))
	for part := range slices.Chunk(pages, storage.MaxTxReads/s.shards) {
		keys := make([]storage.Key, 0, len(part)*s.shards)
		for _, p := range part {
			keys = append(keys, s.shardKeys(p)...)
		}
		got, err := s.store.Get(ctx, keys...)
		if err != nil {
			return nil, err
		}
		shards = slices.AppendSeq(shards, slices.Chunk(got, s.shards))
	}
	return shards, nil
}

func (s *state) view(p Page) View {
	if s == nil {
		return View{Page: p}
	}
	s.estimate()
	return View{Page: p, Tally: s.total, Days: s.days}
}

// Set makes the page's tally what it is told. The history stays as it is.
func (s *Service) Set(ctx context.Context, p Page, t Tally) error {
	if t.Visits < 0 || t.Visits > MaxVisits || t.Uniques < 0 || t.Uniques > MaxVisits {
		return ErrNumber
	}
	_, err := s.group.Do(ctx, merge.Op[state, Tally]{
		Keys:  s.shardKeys(p),
		Sizes: slices.Repeat([]int{fullPageBytes}, s.shards),
		Apply: func(turn *merge.Turn[state]) (Tally, error) {
			shards := s.states(turn, 0)
			for i, st := range shards {
				if st != nil {
					st.estimate()
					st.total = Tally{}
					turn.Set(i, st)
				}
			}
			// What join takes off for visitors that several shards saw is no part of t.
			shards[0].total = t.minus(join(shards).total)
			return t, nil
		},
	})
	if err != nil {
		return fmt.Errorf("visit: set: %w", err)
	}
	s.others.forget(p)
	return nil
}

// states returns the states of a page's shards, which begin at the i-th key of an
// operation. The first is made if it is not there.
func (s *Service) states(turn *merge.Turn[state], i int) []*state {
	shards := make([]*state, s.shards)
	for j := range shards {
		shards[j] = turn.State(i + j)
	}
	if shards[0] == nil {
		shards[0] = new(state)
	}
	return shards
}

// Delete forgets the page and all its history, and says whether there was any. It
// is counted from one again. Idempotency keys already used stay used.
func (s *Service) Delete(ctx context.Context, p Page) (existed bool, err error) {
	gone, err := s.group.Do(ctx, merge.Op[state, Tally]{
		Keys:  s.shardKeys(p),
		Sizes: slices.Repeat([]int{fullPageBytes}, s.shards),
		Apply: func(turn *merge.Turn[state]) (gone Tally, err error) {
			for i := range s.shards {
				if turn.State(i) != nil {
					gone.Visits++
					turn.Set(i, nil)
				}
			}
			return gone, nil
		},
	})
	if err != nil {
		return false, fmt.Errorf("visit: delete: %w", err)
	}
	s.others.forget(p)
	return gone.Visits > 0, nil
}

// shardKey names a shard's entity: the page itself, or the page, a space, which no
// page's name has, and the shard's number. So a page's shards follow each other in
// the order of names.
func shardKey(p Page, shard int) storage.Key {
	if shard == 0 {
		return storage.Key{Kind: PageKind, Name: string(p)}
	}
	return storage.Key{Kind: PageKind, Name: string(p) + " " + strconv.Itoa(shard)}
}

func (s *Service) shardKeys(p Page) []storage.Key {
	keys := make([]storage.Key, s.shards)
	for i := range keys {
		keys[i] = shardKey(p, i)
	}
	return keys
}
