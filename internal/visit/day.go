package visit

import (
	"errors"
	"fmt"
	"time"
)

// HistoryDays is how many days a page's history has, the last ones with visits, and how many
// may be read at once: two years and a day, so that a year can be compared with the one before.
const HistoryDays = 731

// ErrDay is a day that is no date, or a range of days that cannot be.
var ErrDay = errors.New("bad day")

// Day is a day in UTC, in days since 1 January 1970.
type Day int32

// The days that can be written: 0000-01-01 and 9999-12-31.
const minDay, maxDay Day = -719_528, 2_932_896

// DayOf returns the day of t in UTC.
func DayOf(t time.Time) Day { return Day(floorDiv(t.Unix(), 24*60*60)) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// ParseDay reads a day as 2006-01-02.
func ParseDay(s string) (Day, error) {
	t, err := time.Parse(time.DateOnly, s)
	if err != nil {
		return 0, fmt.Errorf("%w: %q is not a date such as 2026-11-21", ErrDay, s)
	}
	return DayOf(t), nil
}

// Start returns the moment at which the day begins.
func (d Day) Start() time.Time { return time.Unix(int64(d)*24*60*60, 0).UTC() }

func (d Day) String() string { return d.Start().Format(time.DateOnly) }
