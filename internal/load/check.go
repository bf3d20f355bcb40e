package load

import (
	"fmt"
	"slices"
)

// Check compares what was acknowledged with what is stored.
type Check struct {
	Before, After int64 // what was stored before the calls, and is after them
	Acknowledged  int64
	Attempted     int64
	Numbers       []int64 // one for each acknowledged call; nil where calls have none
}

// Stored is how many more are stored.
func (c Check) Stored() int64 { return c.After - c.Before }

// Gapless says whether the numbers are all of those that were given, each once.
func (c Check) Gapless() bool { return c.Err() == nil && int64(len(c.Numbers)) == c.Stored() }

// Err says what is wrong; nil if all that was acknowledged is stored, nothing more than was
// attempted, and no number was given twice.
func (c Check) Err() error {
	if twice, ok := repeated(c.Numbers); ok {
		return fmt.Errorf("two calls were answered with the number %d: two servers count with SHARDS=1 on stores of their own, or something between here and there repeats replies", twice)
	}
	switch stored := c.Stored(); {
	case stored < c.Acknowledged:
		return fmt.Errorf("%d were acknowledged and only %d are stored: %d are lost, or somebody took some away meanwhile", c.Acknowledged, stored, c.Acknowledged-stored)
	case stored > c.Attempted:
		return fmt.Errorf("%d were attempted and %d are stored: others do the same meanwhile, or something between here and there repeats requests", c.Attempted, stored)
	case len(c.Numbers) == 0:
		return nil
	}
	if least, most := slices.Min(c.Numbers), slices.Max(c.Numbers); least <= c.Before || most > c.After {
		return fmt.Errorf("the numbers are %d to %d, and only those from %d to %d were to be given", least, most, c.Before+1, c.After)
	}
	return nil
}

// repeated is a number that is there twice.
func repeated(numbers []int64) (int64, bool) {
	sorted := slices.Sorted(slices.Values(numbers))
	for i := 1; i < len(sorted); i++ {
		if sorted[i] == sorted[i-1] {
			return sorted[i], true
		}
	}
	return 0, false
}
