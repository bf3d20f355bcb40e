package visit

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"

	"github.com/tallystick/tallystick/internal/storage"
)

// Top returns the busiest pages, at most size of them, and the cursor of those
// that follow, empty at the end. An empty cursor starts with the busiest. One call
// returns its pages in the order of their visits; from one call to the next the
// order goes by the first three digits of the visits, those of its busiest shard
// where a page is spread. The views have no days.
func (s *Service) Top(ctx context.Context, size int, cursor string) (views []View, next string, err error) {
	busiest, next, err := s.busiest(ctx, size, cursor)
	if err != nil {
		return nil, "", fmt.Errorf("visit: top: %w", err)
	}
	for _, b := range busiest {
		view := join(b.shards).view(b.page)
		view.Days = nil
		views = append(views, view)
	}
	slices.SortStableFunc(views, func(a, b View) int { return cmp.Compare(b.Visits, a.Visits) })
	return views, next, nil
}

// pageShards is a page with all its shards, nil those that are not there.
type pageShards struct {
	page   Page
	shards []*state
}

// busiest returns the pages of one list of Top, those of the highest rank first.
func (s *Service) busiest(ctx context.Context, size int, cursor string) (pages []pageShards, next string, err error) {
	found, err := s.store.Query(ctx, storage.Query{
		Kind: PageKind, OrderBy: rankProperty, Descending: true, Limit: size, Cursor: cursor,
	})
	if err != nil {
		return nil, "", err
	}
	shards, err := s.shardsOfAll(ctx, found.Entities)
	if err != nil {
		return nil, "", err
	}
	for i, e := range found.Entities {
		states, err := decode(shards[i])
		if err != nil {
			return nil, "", err
		}
		if firstInTop(shards[i], states) == e.Key {
			pages = append(pages, pageShards{pageOf(e.Key), states})
		}
	}
	return pages, found.Next, nil
}

// shardsOfAll returns, for each entity, all shards of its page. A page is read once.
func (s *Service) shardsOfAll(ctx context.Context, entities []storage.Entity) ([][]storage.Entity, error) {
	if s.shards > 1 {
		var pages []Page
		at := make(map[Page]int)
		for _, e := range entities {
			p := pageOf(e.Key)
			if _, known := at[p]; !known {
				at[p] = len(pages)
				pages = append(pages, p)
			}
		}
		shards, err := s.shardsOf(ctx, pages)
		if err != nil {
			return nil, err
		}
		all := make([][]storage.Entity, len(entities))
		for i, e := range entities {
			all[i] = shards[at[pageOf(e.Key)]]
		}
		return all, nil
	}
	all := make([][]storage.Entity, len(entities))
	for i := range entities {
		all[i] = entities[i : i+1]
	}
	return all, nil
}

// firstInTop returns which of a page's shards comes first in the order of Top: there
// the page is listed.
func firstInTop(shards []storage.Entity, states []*state) (first storage.Key) {
	highest := int64(-1)
	for i, st := range states {
		if st == nil {
			continue
		}
		if r := st.rank(); r > highest || r == highest && shards[i].Key.Name > first.Name {
			highest, first = r, shards[i].Key
		}
	}
	return first
}

// History returns the page's days from one to another, both included, those
// without a visit too. ErrDay: they are in the wrong order, or more than
// HistoryDays.
func (s *Service) History(ctx context.Context, p Page, from, to Day) ([]DayTally, error) {
	if err := checkDays(from, to, HistoryDays); err != nil {
		return nil, err
	}
	views, err := s.Read(ctx, p)
	if err != nil {
		return nil, err
	}
	days := emptyDays(from, to)
	addDays(days, views[0].Days)
	return days, nil
}

func checkDays(from, to Day, most int) error {
	switch {
	case from < minDay || to > maxDay:
		return fmt.Errorf("%w: there are days from %v to %v", ErrDay, minDay, maxDay)
	case from > to:
		return fmt.Errorf("%w: from %v is after to %v", ErrDay, from, to)
	case int(to-from) >= most:
		return fmt.Errorf("%w: at most %d days at once", ErrDay, most)
	}
	return nil
}

// emptyDays are the days from one to another, without a visit.
func emptyDays(from, to Day) []DayTally {
	days := make([]DayTally, to-from+1)
	for i := range days {
		days[i].Day = from + Day(i)
	}
	return days
}

// addDays adds to days, which follow each other, what more has of them.
func addDays(days, more []DayTally) {
	for _, d := range more {
		if i := int(d.Day - days[0].Day); i >= 0 && i < len(days) {
			days[i].Tally = days[i].Tally.plus(d.Tally)
		}
	}
}

// allPage is how many entities All reads at once; with them it holds at most some
// megabytes.
const allPage = 100

// All returns every page with its days and referrals, in the order of names. It is not one
// moment's state: a page counted meanwhile is seen before or after.
func (s *Service) All(ctx context.Context) iter.Seq2[View, error] {
	return func(yield func(View, error) bool) {
		var shards []*state // of page, read so far
		var page Page
		flush := func() bool {
			whole := join(shards)
			if whole == nil {
				return true
			}
			view := whole.view(page)
			from, ok := originsOf(shards)
			if !ok {
				yield(View{}, fmt.Errorf("%w: the referrers of %s", errState, page))
				return false
			}
			view.Referrals = listed(from)
			shards = shards[:0]
			return yield(view, nil)
		}
		for e, err := range s.entities(ctx) {
			if err != nil {
				yield(View{}, err)
				return
			}
			states, err := decode([]storage.Entity{e})
			if err != nil {
				yield(View{}, err)
				return
			}
			if p := pageOf(e.Key); p != page {
				if !flush() {
					return
				}
				page = p
			}
			shards = append(shards, states...)
		}
		flush()
	}
}

// entities returns all entities of PageKind, in the order of names.
func (s *Service) entities(ctx context.Context) iter.Seq2[storage.Entity, error] {
	return func(yield func(storage.Entity, error) bool) {
		q := storage.Query{Kind: PageKind, Limit: allPage}
		for {
			found, err := s.store.Query(ctx, q)
			if err != nil {
				yield(storage.Entity{}, fmt.Errorf("visit: all pages: %w", err))
				return
			}
			for _, e := range found.Entities {
				if !yield(e, nil) {
					return
				}
			}
			if q.Cursor = found.Next; q.Cursor == "" {
				return
			}
		}
	}
}
