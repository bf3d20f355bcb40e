package visit

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"testing"

	"github.com/tallystick/tallystick/internal/storage"
)

const today Day = 57_302 // 2126-11-21, the day of noon

// hasher gives visitors their hashes without a store.
func hasher(t testing.TB) func(Visitor) uint64 {
	var s salts
	s.learn(today, bytes.Repeat([]byte("salt"), 8))
	return func(v Visitor) uint64 {
		h, err := s.visitor(t.Context(), today, v)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
}

func TestTodayIsTheDayOfNoon(t *testing.T) {
	if got := DayOf(noon); got != today {
		t.Errorf("DayOf(noon) = %d, want %d", got, today)
	}
}

func TestStateCountsByDay(t *testing.T) {
	var s state
	for _, day := range []Day{today, today, today + 1, today + 3} {
		s.count(day, uint64(day)<<32)
	}
	want := []DayTally{onDay(today, 2, 1), onDay(today+1, 1, 1), onDay(today+3, 1, 1)}
	if !reflect.DeepEqual(s.days, want) {
		t.Errorf("days %v, want %v", s.days, want)
	}
	if want := (Tally{4, 3}); s.total != want {
		t.Errorf("total %v, want %v", s.total, want)
	}
}

func TestStateCountsAClockThatLagsIntoItsOwnDay(t *testing.T) {
	var s state
	s.count(today, 1<<40)
	s.count(today-1, 2<<40)
	s.count(today-1, 3<<40)
	s.count(today, 4<<40)
	want := []DayTally{onDay(today-1, 2, 0), onDay(today, 2, 2)}
	if !reflect.DeepEqual(s.days, want) {
		t.Errorf("days %v, want %v: the sketch is the last day's", s.days, want)
	}
	if want := (Tally{4, 2}); s.total != want {
		t.Errorf("total %v, want %v", s.total, want)
	}
}

func TestStateKeepsHistoryDaysAndAllOfTheTotal(t *testing.T) {
	var s state
	const n = 2 * HistoryDays
	for i := range n {
		s.count(today+Day(i), uint64(i+1)<<40)
	}
	last := today + n - 1
	if len(s.days) != HistoryDays || s.days[0].Day != last-HistoryDays+1 || s.lastDay() != last {
		t.Errorf("%d days from %v to %v, want %d that end on %v", len(s.days), s.days[0].Day, s.lastDay(), HistoryDays, last)
	}
	if want := (Tally{n, n}); s.total != want {
		t.Errorf("total %v, want %v", s.total, want)
	}
	s.count(last-HistoryDays, 1)
	if len(s.days) != HistoryDays || s.total.Visits != n+1 {
		t.Errorf("after a visit before the history: %d days and %d visits, want %d and %d", len(s.days), s.total.Visits, HistoryDays, n+1)
	}
}

// TestAClockThatIsAheadOnceTakesNoHistoryAway, of visits nor of what brought them.
func TestAClockThatIsAheadOnceTakesNoHistoryAway(t *testing.T) {
	var s state
	visit := func(day Day) {
		s.count(day, 1)
		s.refer(day, Referral{Host: "a.example"})
	}
	for i := range Day(30) {
		visit(today + i)
	}
	visit(today + 3*366)
	for i := range Day(30) {
		visit(today + 30 + i)
	}
	from, ok := s.referrals.days(s.lastDay())
	if len(s.days) != 61 || s.days[0].Day != today || s.days[45].Visits != 1 || s.total.Visits != 61 || !ok || len(from) != 31 {
		t.Errorf("%d days from %v, %d visits, referrers of %d days (%t); want 61 from %v, 61, of 31", len(s.days), s.days[0].Day, s.total.Visits, len(from), ok, today)
	}
}

func TestStateEstimatesUniqueVisitorsWithin2Percent(t *testing.T) {
	var s state
	hash := hasher(t)
	visits := int64(0)
	for i := range 100_000 {
		before := s.total.Uniques
		for range 1 + i%2 { // every other visitor comes twice
			s.count(today, hash(person(i)))
			visits++
		}
		got := s.days[0].Uniques
		if got < before || got > s.days[0].Visits || s.total.Uniques != got {
			t.Fatalf("visitor %d: uniques %d after %d, of %d visits, total %d; want them to grow with the total and stay below the visits",
				i, got, before, s.days[0].Visits, s.total.Uniques)
		}
		switch n := int64(i + 1); n {
		case 1, 2, 10, 100, 1_000, 10_000, 100_000:
			s.estimate()
			wrong := math.Abs(float64(s.days[0].Uniques-n)) / float64(n)
			t.Logf("%d visitors: estimate %d, error %.2f %%", n, s.days[0].Uniques, 100*wrong)
			if wrong > 0.02 {
				t.Errorf("%d visitors are estimated as %d, want at most 2 %% off", n, s.days[0].Uniques)
			}
		}
	}
	if s.total.Visits != visits {
		t.Errorf("%d visits, want %d", s.total.Visits, visits)
	}
}

func TestStateUniquesNeverPassVisits(t *testing.T) {
	var s state
	hash := hasher(t)
	for i := range 20_000 { // each comes once; the estimate of the first 10,000 is too high
		s.count(today, hash(person(i)))
		if d := s.days[0]; d.Uniques > d.Visits {
			t.Fatalf("%d unique visitors made %d visits", d.Uniques, d.Visits)
		}
	}
}

func TestStateTellsVisitorsApartAnewEachDay(t *testing.T) {
	var s state
	for visitor := range uint64(5) {
		s.count(today, (visitor+1)<<40)
	}
	for range 5 {
		s.count(today+1, 1<<40)
	}
	if want := []DayTally{onDay(today, 5, 5), onDay(today+1, 5, 1)}; !reflect.DeepEqual(s.days, want) {
		t.Errorf("days %v, want %v", s.days, want)
	}
}

// TestStateIsFreshEnoughBetweenEstimates holds what unsure promises: a reply that
// was not estimated for is at most half a percent and a visitor behind.
func TestStateIsFreshEnoughBetweenEstimates(t *testing.T) {
	var s state
	hash := hasher(t)
	for i := range 5_000 {
		s.count(today, hash(person(i)))
		if got, least := s.days[0].Uniques, int64(float64(i+1)*0.97)-1; got < least {
			t.Fatalf("after %d visitors uniques are %d, want at least %d", i+1, got, least)
		}
	}
}

func TestStateDoesNotSketchWhoAskedForPrivacy(t *testing.T) {
	var s state
	s.count(today, 0)
	s.count(today, 0)
	if s.sketch != nil || s.total != (Tally{2, 0}) {
		t.Errorf("sketch %v and total %v, want none and 2 visits of nobody", s.sketch, s.total)
	}
}

func TestStateUniquesStayWithinTheLargestNumber(t *testing.T) {
	s := state{total: Tally{Uniques: MaxVisits}}
	s.count(today, 1<<40)
	if want := (Tally{1, MaxVisits}); s.total != want {
		t.Errorf("total %v, want %v", s.total, want)
	}
}

func TestRankHasThreeDigits(t *testing.T) {
	for visits, want := range map[int64]int64{
		0: 0, 7: 7, 999: 999, 1_000: 1_000, 1_009: 1_000, 1_010: 1_010, 12_345: 12_300, MaxVisits: 9_000_000_000_000_000,
	} {
		if got := (&state{total: Tally{Visits: visits}}).rank(); got != want {
			t.Errorf("rank of %d visits is %d, want %d", visits, got, want)
		}
	}
}

// states are what codec is tried on.
func states(t testing.TB) map[string]*state {
	hash := hasher(t)
	counted := func(visitors int, days ...Day) *state {
		s := new(state)
		for _, day := range days {
			for i := range visitors {
				s.count(day, hash(person(i)))
			}
		}
		return s
	}
	long := new(state)
	for i := range Day(HistoryDays) {
		long.count(today-HistoryDays+1+i, 0)
		long.days[i].Tally = Tally{1_000_000 + int64(i), 500_000 + int64(i)}
	}
	long.total = Tally{MaxVisits, MaxVisits}
	for i := range 50_000 {
		long.count(today, hash(person(i)))
	}
	lower := counted(10, today)
	lower.total = Tally{}
	return map[string]*state{
		"empty":           new(state),
		"private only":    {total: Tally{5, 0}, days: []DayTally{onDay(today, 5, 0)}},
		"one visitor":     counted(1, today),
		"before 1970":     counted(2, -3, -1),
		"a few days":      counted(300, today-9, today-1, today),
		"lower than days": lower,
		"dense":           counted(30_000, today),
		"full":            long,
		"largest numbers": {total: Tally{MaxVisits, MaxVisits}, days: []DayTally{onDay(minDay, 1, 1), onDay(maxDay, MaxVisits, MaxVisits)}},
	}
}

func TestCodecGivesBackWhatItTook(t *testing.T) {
	for name, s := range states(t) {
		t.Run(name, func(t *testing.T) {
			got, err := codec{}.Decode(codec{}.Append(nil, s))
			if err != nil {
				t.Fatal(err)
			}
			if got.total != s.total || got.unsure != s.unsure || !sameDays(got.days, s.days) {
				t.Errorf("got %v %d %v, want %v %d %v", got.total, got.unsure, got.days, s.total, s.unsure, s.days)
			}
			if (got.sketch == nil) != (s.sketch == nil) {
				t.Fatalf("sketch %v, want %v", got.sketch, s.sketch)
			}
			if s.sketch == nil {
				return
			}
			if got, want := got.sketch.Estimate(), s.sketch.Estimate(); got != want {
				t.Errorf("the sketch's estimate is %d, want %d", got, want)
			}
		})
	}
}

func sameDays(a, b []DayTally) bool { return len(a) == 0 && len(b) == 0 || reflect.DeepEqual(a, b) }

func TestCodecAppends(t *testing.T) {
	s := states(t)["a few days"]
	s.estimate() // the library writes what is not yet estimated in any order
	alone := codec{}.Append(nil, s)
	after := codec{}.Append([]byte("before"), s)
	if !bytes.Equal(after, append([]byte("before"), alone...)) {
		t.Error("Append overwrites what is there, or depends on it")
	}
}

func TestCodecRefusesWhatIsCutOff(t *testing.T) {
	for name, s := range states(t) {
		whole := codec{}.Append(nil, s)
		for n := range whole {
			if got, err := (codec{}).Decode(whole[:n]); !errors.Is(err, errState) {
				t.Fatalf("%s: %d of %d bytes give %v, %v; want errState", name, n, len(whole), got, err)
			}
		}
		if got, err := (codec{}).Decode(append(whole, 0)); !errors.Is(err, errState) {
			t.Errorf("%s: a byte too many gives %v, %v; want errState", name, got, err)
		}
	}
}

func TestCodecRefusesWhatCannotBe(t *testing.T) {
	varints := func(head ...int64) []byte {
		b := []byte{stateVersion}
		for i := 0; i < len(head); i += 2 {
			b = appendTally(b, Tally{head[i], head[i+1]})
		}
		return b
	}
	for name, data := range map[string][]byte{
		"another version":           {2, 0, 0, 0, 0, 0},
		"too many days":             append(varints(1, 1, 0, HistoryDays+1), 0),
		"fewer days than none":      append(varints(1, 1, 0, -1), 0),
		"the same day twice":        append(varints(1, 1, 0, 2, 5, 1, 1, 0, 1, 1), 0),
		"days that go backward":     append(varints(1, 1, 0, 2, 5, 1, 1, -1, 1, 1), 0),
		"a day after year 9999":     append(varints(1, 1, 0, 1, int64(maxDay)+1, 1, 1, 0), 0),
		"a day before year 0":       append(varints(1, 1, 0, 1, int64(minDay)-1, 1, 1, 0), 0),
		"a sketch of no day":        append(varints(1, 1, 0, 0), 1, 2, 14, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
		"neither a sketch nor none": append(varints(1, 1, 0, 0), 2),
	} {
		if got, err := (codec{}).Decode(data); !errors.Is(err, errState) {
			t.Errorf("%s: Decode = %+v, %v; want errState", name, got, err)
		}
	}
}

// FuzzCodec: whatever is in the database, reading it and counting on it does not
// panic.
func FuzzCodec(f *testing.F) {
	for _, s := range states(f) {
		f.Add(codec{}.Append(nil, s))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := codec{}.Decode(data)
		if err != nil {
			if s != nil || !errors.Is(err, errState) {
				t.Fatalf("Decode = %v, %v; want no state and errState", s, err)
			}
			return
		}
		whole := join([]*state{s, nil, s})
		whole.count(s.lastDay(), 1<<40)
		whole.count(today, 2<<40)
		whole.raise(whole, view("/", Tally{1, 1}, onDay(today, 5, 5)))
		whole.rank()
		if _, err := (codec{}).Decode(codec{}.Append(nil, whole)); err != nil {
			t.Fatalf("what was counted on cannot be read again: %v", err)
		}
	})
}

func TestAFullStateIsFarBelowAnEntitysLimit(t *testing.T) {
	full := states(t)["full"]
	e := storage.Entity{Key: shardKey("/", 0), Data: codec{}.Append(nil, full), Index: codec{}.Index(full)}
	t.Logf("%d days and a dense sketch: %d bytes of at most %d", len(full.days), e.Size(), storage.MaxEntityBytes)
	if e.Size() > storage.MaxEntityBytes/20 {
		t.Errorf("a full state has %d bytes, want at most a twentieth of %d", e.Size(), storage.MaxEntityBytes)
	}
}
