package visit

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/tallystick/tallystick/internal/merge"
	"github.com/tallystick/tallystick/internal/storage"
)

// importPages is how many pages one transaction of an import carries, be they all full.
const importPages = storage.MaxTxBytes / 2 / fullPageBytes

// fullPageBytes is what a page takes that has a full history, a full sketch and as many
// names of referrers as it may.
const fullPageBytes = 96 << 10

// ErrIncomplete is an import that broke off: some pages are in, others not.
var ErrIncomplete = errors.New("import incomplete")

// Import takes over counts made elsewhere. No page is in views twice.
//
// For each page and day the larger number stands: what is here, or what is
// imported; and likewise for what is in a page's total beyond its days, and for each
// name that brought visits of a day. So
// importing something again changes nothing, an import that broke off is completed
// by doing it again, a later export of the same counter brings what is new, and
// days on which two counters ran side by side count once. A page that is not here
// is taken over as it is.
func (s *Service) Import(ctx context.Context, views []View) error {
	perCall := max(1, importPages/s.shards)
	for from := 0; from < len(views); from += perCall {
		part := views[from:min(from+perCall, len(views))]
		if err := s.importPart(ctx, part); err != nil {
			err = fmt.Errorf("visit: import pages %d to %d of %d: %w", from+1, from+len(part), len(views), err)
			if from > 0 {
				err = fmt.Errorf("%w: %w", ErrIncomplete, err)
			}
			return err
		}
	}
	return nil
}

// importPart imports some pages in one transaction.
func (s *Service) importPart(ctx context.Context, views []View) error {
	var keys []storage.Key
	for _, v := range views {
		keys = append(keys, s.shardKeys(v.Page)...)
	}
	_, err := s.group.Do(ctx, merge.Op[state, Tally]{
		Keys:  keys,
		Bytes: fullPageBytes * len(views),
		Apply: func(t *merge.Turn[state]) (Tally, error) {
			for i, v := range views {
				shards := s.states(t, i*s.shards)
				shards[0].raise(join(shards), v)
				shards[0].raiseReferrals(shards, v.Referrals)
				t.Set(i*s.shards, shards[0])
			}
			return Tally{}, nil
		},
	})
	return err
}

// raise adds to s, the first shard of whole, what whole lacks of v. Days that both have no
// room for count with what is beyond the days.
func (s *state) raise(whole *state, v View) {
	isNew := whole.total == (Tally{}) && len(whole.days) == 0
	first := firstDay(whole.days, v.Days)
	old := func(d DayTally) bool { return d.Day < first }
	whole.days = slices.DeleteFunc(whole.days, old)
	recent := slices.DeleteFunc(slices.Clone(v.Days), old)
	here, there := whole.undated(), v.Tally.minus(sum(recent))
	if !isNew {
		there = there.max(here)
	}
	more := there.minus(here)
	var lacked Tally
	for _, d := range recent {
		here := whole.on(d.Day)
		lacks := d.Tally.max(here).minus(here)
		if lacks == (Tally{}) {
			continue // a day without visits is not in the history
		}
		at := s.day(d.Day)
		at.Tally = at.Tally.plus(lacks)
		lacked = lacked.plus(lacks)
	}
	s.total = s.total.plus(more.plus(lacked))
}

// firstDay is the first of the HistoryDays last days that had visits, here or there.
func firstDay(here, there []DayTally) Day {
	var days []Day
	for _, d := range slices.Concat(here, there) {
		if d.Tally != (Tally{}) {
			days = append(days, d.Day)
		}
	}
	slices.Sort(days)
	days = slices.Compact(days)
	if len(days) <= HistoryDays {
		return minDay
	}
	return days[len(days)-HistoryDays]
}

// on returns the tally of a day, zero if it has none.
func (s *state) on(day Day) Tally {
	i, found := s.find(day)
	if !found {
		return Tally{}
	}
	return s.days[i].Tally
}
