package visit

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
)

// Bounds of a Summary.
const (
	SummaryDays  = HistoryDays / 2 // days, for as many before are compared with them
	SummaryPages = 1000            // pages that are read, the busiest of all time
	SummaryList  = 100             // pages, referrers and sources that are listed
)

// Summary is what came to all pages, or to one, in some days. Unique visitors are those of
// each page and day, added up.
type Summary struct {
	Tally
	Before Tally      // in as many days before
	Days   []DayTally // every day

	Pages     []PageTally // that had visits in these days, the busiest first
	PagesRead int
	Complete  bool // there were no more than SummaryPages to read

	Referrers, Sources           []NameTally // that brought the most, first
	OtherReferrers, OtherSources int64       // visits that came from others
}

// PageTally is the tally of a page in some days.
type PageTally struct {
	Page Page
	Tally
	Before int64 // visits in as many days before
}

// NameTally is how many visits a referrer or a source has brought.
type NameTally struct {
	Name   string
	Visits int64
}

// Summary sums up the days from one to another, both included, over all pages, or over
// those that are given. ErrDay: they are in the wrong order, or more than SummaryDays.
func (s *Service) Summary(ctx context.Context, from, to Day, pages ...Page) (Summary, error) {
	if err := checkDays(from, to, SummaryDays); err != nil {
		return Summary{}, err
	}
	sum := summing{from: from, to: to, brought: make(origins)}
	sum.Days = emptyDays(from, to)
	sum.Complete = true
	var err error
	if len(pages) > 0 {
		err = s.sumPages(ctx, &sum, pages)
	} else {
		err = s.sumAll(ctx, &sum)
	}
	if err != nil {
		return Summary{}, fmt.Errorf("visit: summary: %w", err)
	}
	return sum.result(), nil
}

func (s *Service) sumPages(ctx context.Context, sum *summing, pages []Page) error {
	shards, err := s.shardsOf(ctx, pages)
	if err != nil {
		return err
	}
	for i, p := range pages {
		states, err := decode(shards[i])
		if err != nil {
			return err
		}
		if err := sum.add(pageShards{p, states}); err != nil {
			return err
		}
	}
	return nil
}

// sumAll reads page after page of the list, so as to hold few at once.
func (s *Service) sumAll(ctx context.Context, sum *summing) error {
	select { // one at a time, for it may take much memory where much is made up
	case s.summaries <- struct{}{}:
		defer func() { <-s.summaries }()
	case <-ctx.Done():
		return ctx.Err()
	}
	cursor := ""
	for {
		pages, next, err := s.busiest(ctx, allPage, cursor)
		if err != nil {
			return err
		}
		for _, p := range pages {
			if sum.PagesRead == SummaryPages {
				sum.Complete = false
				return nil
			}
			if err := sum.add(p); err != nil {
				return err
			}
		}
		if cursor = next; cursor == "" {
			return nil
		}
	}
}

// summing is a Summary in the making.
type summing struct {
	Summary
	from, to Day
	brought  origins
}

func (s *summing) add(p pageShards) error {
	s.PagesRead++
	ok := eachBrought(p.shards, func(day Day, b brought) {
		if s.from <= day && day <= s.to {
			s.brought.add(b.origin, b.visits)
		}
	})
	if !ok {
		return errState
	}
	s.forget()
	view := join(p.shards).view(p.page)
	addDays(s.Days, view.Days)
	page := PageTally{Page: p.page, Tally: within(view.Days, s.from, s.to)}
	before := within(view.Days, s.from-(s.to-s.from+1), s.from-1)
	page.Before = before.Visits
	s.Tally, s.Before = s.Tally.plus(page.Tally), s.Before.plus(before)
	if page.Visits > 0 {
		s.Pages = append(s.Pages, page)
	}
	return nil
}

// maxNames is how many names a summary remembers while it is made.
const maxNames = 10_000

// forget adds the names that brought the least to the others, when there are too many.
func (s *summing) forget() {
	if len(s.brought) <= 2*maxNames {
		return
	}
	for _, o := range s.sorted()[maxNames:] {
		if o.name != "" {
			s.brought.add(origin{source: o.source}, s.brought[o])
			delete(s.brought, o)
		}
	}
}

// sorted are all names, those that brought the most first.
func (s *summing) sorted() []origin {
	return slices.SortedFunc(maps.Keys(s.brought), func(a, b origin) int {
		return cmp.Or(cmp.Compare(s.brought[b], s.brought[a]), cmp.Compare(a.name, b.name), cmp.Compare(a.kind(), b.kind()))
	})
}

// within adds up the days from one to another.
func within(days []DayTally, from, to Day) (t Tally) {
	for _, d := range days {
		if from <= d.Day && d.Day <= to {
			t = t.plus(d.Tally)
		}
	}
	return t
}

func (s *summing) result() Summary {
	slices.SortStableFunc(s.Pages, func(a, b PageTally) int { return cmp.Compare(b.Visits, a.Visits) })
	s.Pages = s.Pages[:min(len(s.Pages), SummaryList)]
	sorted := s.sorted()
	s.Referrers, s.OtherReferrers = s.names(sorted, false)
	s.Sources, s.OtherSources = s.names(sorted, true)
	return s.Summary
}

// names lists the hosts, or the sources, and sums up the others.
func (s *summing) names(sorted []origin, source bool) (list []NameTally, others int64) {
	for _, o := range sorted {
		switch visits := s.brought[o]; {
		case o.source != source:
		case o.name == "" || len(list) == SummaryList:
			others = clamp(others + visits)
		default:
			list = append(list, NameTally{o.name, visits})
		}
	}
	return list, others
}
