package visit

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/axiomhq/hyperloglog"
)

// MaxVisits is the largest count: the largest integer that JavaScript has exactly.
const MaxVisits = 1<<53 - 1

// Tally is a number of visits, and of the unique visitors who made them. Unique
// visitors are those of each day, added up: someone who comes back tomorrow counts
// again, for nothing is kept by which to know them.
type Tally struct {
	Visits  int64
	Uniques int64
}

// plus adds, and stops at MaxVisits either way.
func (t Tally) plus(u Tally) Tally {
	return Tally{clamp(t.Visits + u.Visits), clamp(t.Uniques + u.Uniques)}
}

func clamp(n int64) int64 { return min(max(n, -MaxVisits), MaxVisits) }

func (t Tally) minus(u Tally) Tally { return Tally{t.Visits - u.Visits, t.Uniques - u.Uniques} }
func (t Tally) max(u Tally) Tally {
	return Tally{max(t.Visits, u.Visits), max(t.Uniques, u.Uniques)}
}

// DayTally is the tally of one day.
type DayTally struct {
	Day Day
	Tally
}

// state is all that is kept of one page, or of one shard of it.
type state struct {
	total Tally

	// days holds the last HistoryDays days that had visits, ascending. How old they are
	// does not matter: a clock that was ahead once does not take them away. Their sum may
	// differ from total: older days are in it, and Set says what it is.
	days []DayTally

	// sketch estimates the unique visitors of the last of days (HyperLogLog of 2^14
	// registers, standard error 0.81 %). The estimate in days is renewed when unsure
	// visitors have come since, for to estimate costs more than to count.
	sketch *hyperloglog.Sketch
	unsure int64

	referrals referrals
}

// count adds one visit on a day. A visitor of zero is not sketched.
func (s *state) count(day Day, visitor uint64) {
	s.total.Visits++
	d := s.day(day)
	d.Visits++
	if visitor == 0 || day != s.lastDay() {
		return // a clock behind another's may count for yesterday, whose sketch is gone
	}
	if s.sketch == nil {
		s.sketch = hyperloglog.New14()
	}
	s.sketch.InsertHash(visitor)
	if s.unsure++; s.unsure > d.Uniques/200 {
		s.estimate()
	}
}

// refer notes what brought a visit on a day that count has counted. Of a day gone by, as a
// clock behind another's may count for, it is not kept.
func (s *state) refer(day Day, ref Referral) {
	if day == s.lastDay() {
		s.referrals.count(ref)
	}
}

// estimate renews the last day's number of unique visitors. It never falls, and
// never passes the number of visits.
func (s *state) estimate() {
	s.unsure = 0
	if s.sketch == nil {
		return
	}
	d := &s.days[len(s.days)-1]
	estimate := int64(min(s.sketch.Estimate(), uint64(d.Visits)))
	if more := estimate - d.Uniques; more > 0 {
		d.Uniques += more
		s.total = s.total.plus(Tally{Uniques: more})
	}
}

// day returns the tally of a day, which it makes if it is new. That of a day before
// the history is kept nowhere.
func (s *state) day(day Day) *DayTally {
	i, found := s.find(day)
	if found {
		return &s.days[i]
	}
	if i == 0 && len(s.days) == HistoryDays {
		return &DayTally{Day: day}
	}
	if i == len(s.days) {
		s.estimate()
		s.sketch = nil
		s.referrals.turn(s.lastDay())
	}
	s.days = slices.Insert(s.days, i, DayTally{Day: day})
	return &s.days[i-s.trim()]
}

// find returns where in days a day is, or would be.
func (s *state) find(day Day) (i int, found bool) {
	return slices.BinarySearchFunc(s.days, day, func(d DayTally, day Day) int { return int(d.Day - day) })
}

// trim drops the oldest days that there is no room for, and returns how many they were.
// Their visits stay in the total.
func (s *state) trim() int {
	n := max(0, len(s.days)-HistoryDays)
	s.days = s.days[n:]
	return n
}

// undated is what total has beyond the days. Set may have made it negative.
func (s *state) undated() Tally { return s.total.minus(sum(s.days)) }

func sum(days []DayTally) (t Tally) {
	for _, d := range days {
		t = t.plus(d.Tally)
	}
	return t
}

// rank is what pages are ordered by when the busiest are asked for: the visits,
// with all digits after the third made zero. It is indexed in the visits' place,
// for an index entry that changes with every batch would be written as often.
func (s *state) rank() int64 {
	unit := int64(1)
	for s.total.Visits/unit > 999 {
		unit *= 10
	}
	return s.total.Visits / unit * unit
}

// codec keeps a state in an entity. The encoding is
//
//	version 2 | total | unsure | number of days | days | referrals | sketch follows 0 or 1 | sketch
//
// where a tally is two varints, a day is the distance to the day before it (the
// first, to 1970) and its tally, and the sketch is in its library's own encoding.
// Version 1 has no referrals; a page without any is written so.
type codec struct{}

const stateVersion = 2

var errState = errors.New("visit: not a page's state of a known version")

func (codec) Index(s *state) map[string]any { return map[string]any{rankProperty: s.rank()} }

const rankProperty = "rank"

func (codec) Expire(*state) time.Time { return time.Time{} }

func (codec) Append(b []byte, s *state) []byte {
	version := byte(1)
	if !s.referrals.empty() {
		version = stateVersion
	}
	b = append(b, version)
	b = appendTally(b, s.total)
	b = binary.AppendVarint(b, s.unsure)
	b = binary.AppendVarint(b, int64(len(s.days)))
	before := Day(0)
	for _, d := range s.days {
		b = binary.AppendVarint(b, int64(d.Day-before))
		b = appendTally(b, d.Tally)
		before = d.Day
	}
	if version > 1 {
		b = s.referrals.append(b)
	}
	if s.sketch == nil {
		return append(b, 0)
	}
	b, err := s.sketch.AppendBinary(append(b, 1))
	if err != nil {
		panic("visit: " + err.Error()) // its precision is ours, and valid
	}
	return b
}

func appendTally(b []byte, t Tally) []byte {
	return binary.AppendVarint(binary.AppendVarint(b, t.Visits), t.Uniques)
}

func (codec) Decode(data []byte) (*state, error) {
	if len(data) == 0 || data[0] == 0 || data[0] > stateVersion {
		return nil, errState
	}
	r := varints{rest: data[1:]}
	s := &state{total: r.tally(), unsure: r.next()}
	n := r.next()
	if r.failed || n < 0 || n > HistoryDays {
		return nil, errState
	}
	s.days = make([]DayTally, n, n+1)
	before := int64(minDay) - 1
	for i := range s.days {
		day := r.next()
		if i > 0 {
			day += before
		}
		if r.failed || day <= before || day > int64(maxDay) {
			return nil, errState
		}
		s.days[i] = DayTally{Day: Day(day), Tally: r.tally()}
		before = day
	}
	if data[0] > 1 {
		s.referrals = r.referrals()
	}
	if r.failed || len(r.rest) == 0 {
		return nil, errState
	}
	switch follows, sketch := r.rest[0], r.rest[1:]; {
	case follows == 0 && len(sketch) == 0:
		return s, nil
	case follows != 1 || n == 0:
		return nil, errState
	default:
		s.sketch = hyperloglog.New14()
		if err := s.sketch.UnmarshalBinary(sketch); err != nil {
			return nil, fmt.Errorf("%w: %w", errState, err)
		}
		return s, nil
	}
}

type varints struct {
	rest   []byte
	failed bool
}

func (r *varints) next() int64 {
	v, n := binary.Varint(r.rest)
	if n <= 0 {
		r.failed = true
		return 0
	}
	r.rest = r.rest[n:]
	return v
}

func (r *varints) tally() Tally { return Tally{Visits: r.next(), Uniques: r.next()} }
