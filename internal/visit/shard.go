package visit

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tallystick/tallystick/internal/merge"
	"github.com/tallystick/tallystick/internal/storage"
)

// decode reads a page's shards. Those that are not there are nil.
func decode(shards []storage.Entity) ([]*state, error) {
	states := make([]*state, len(shards))
	for i, e := range shards {
		st, err := merge.Decode(e, codec{})
		if err != nil {
			return nil, fmt.Errorf("visit: %s %q: %w", e.Key.Kind, e.Key.Name, err)
		}
		states[i] = st
	}
	return states, nil
}

// join makes one state of the shards of a page, or nil if there is none. Visits
// add up. Today's visitors are told apart across shards; of days gone by only each
// shard's number is left, so one whom two shards saw counts twice there. Referrals are
// left out. Of the shards only the estimates are renewed.
func join(shards []*state) *state {
	var whole *state
	for _, st := range shards {
		switch {
		case st == nil:
		case whole == nil:
			st.estimate()
			whole = &state{total: st.total, days: slices.Clone(st.days)}
			if st.sketch != nil {
				whole.sketch = st.sketch.Clone()
			}
		default:
			whole.add(st)
		}
	}
	return whole
}

// add adds another shard of the same page.
func (s *state) add(t *state) {
	t.estimate()
	sketch, twice := s.sketch, int64(0)
	sameDay := s.lastDay() == t.lastDay()
	switch {
	case t.sketch == nil && sameDay, s.lastDay() > t.lastDay():
	case t.sketch == nil:
		sketch = nil
	case s.sketch == nil || !sameDay:
		sketch = t.sketch.Clone()
	default:
		before := s.sketch.Estimate() + t.sketch.Estimate()
		if sketch.Merge(t.sketch) == nil { // always: both have the same precision
			twice = int64(before - min(before, sketch.Estimate()))
		}
	}
	for _, d := range t.days {
		at := s.day(d.Day)
		at.Tally = at.Tally.plus(d.Tally)
	}
	s.total = s.total.plus(t.total)
	if twice > 0 {
		s.days[len(s.days)-1].Uniques -= twice
		s.total.Uniques -= twice
	}
	s.sketch = sketch
}

func (s *state) lastDay() Day {
	if len(s.days) == 0 {
		return -1
	}
	return s.days[len(s.days)-1].Day
}

// pageOf returns the page that an entity is a shard of.
func pageOf(key storage.Key) Page {
	name, _, _ := strings.Cut(key.Name, " ")
	return Page(name)
}

const (
	otherShardsAge   = time.Second
	otherShardsPages = 10_000
)

// otherShards remembers for a moment what the shards have that this instance does
// not count in, so that a count on a spread page costs no read of them all.
type otherShards struct {
	mu    sync.Mutex
	pages map[Page]otherTally
}

type otherTally struct {
	tally Tally
	until time.Time
}

func (o *otherShards) tally(ctx context.Context, s *Service, p Page) (Tally, error) {
	if s.shards == 1 {
		return Tally{}, nil
	}
	now := s.now()
	o.mu.Lock()
	known, ok := o.pages[p]
	o.mu.Unlock()
	if ok && now.Before(known.until) {
		return known.tally, nil
	}
	keys := s.shardKeys(p)
	got, err := s.store.Get(ctx, slices.Delete(keys, s.own, s.own+1)...)
	if err != nil {
		return Tally{}, err
	}
	states, err := decode(got)
	if err != nil {
		return Tally{}, err
	}
	t := join(states).view(p).Tally
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.pages == nil || len(o.pages) >= otherShardsPages {
		o.pages = make(map[Page]otherTally)
	}
	o.pages[p] = otherTally{t, now.Add(otherShardsAge)}
	return t, nil
}

func (o *otherShards) forget(p Page) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.pages, p)
}
