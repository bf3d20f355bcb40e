package inventory

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
)

// Settings are what an operator says of an item.
type Settings struct {
	OversellLimit int64
	LowStock      *int64

	// Expected is what Set finds, or it changes nothing. Left out it has no part in what an
	// IdempotencyKey stands for, as when there was none.
	Expected *Settings `json:",omitempty"`
}

// Set gives an item its settings, all of them, and makes it if there is none, which is
// taken to have the zero Settings.
func (s *Service) Set(ctx context.Context, c Caller, sku string, set Settings) (Result, error) {
	if err := CheckSKU(sku); err != nil {
		return Result{}, err
	}
	if !set.inRange() || set.Expected != nil && !set.Expected.inRange() {
		return Result{}, fmt.Errorf("%s: %w", sku, ErrQuantity)
	}
	return s.run(ctx, c, change{
		name: "set", args: []any{sku, set}, skus: []string{sku},
		apply: func(w *work) error {
			it := w.items[0]
			if it == nil {
				it = w.make(0)
			}
			if now := (Settings{OversellLimit: it.oversellLimit, LowStock: it.lowStock}); set.Expected != nil && !now.equal(*set.Expected) {
				return fmt.Errorf("%w: %s: %v", ErrStaleSettings, sku, now)
			}
			if reserved, covers := it.reserved(w.now), it.onHand+set.OversellLimit; reserved > covers {
				return &InsufficientError{[]Shortage{{sku, reserved, covers, true}}}
			}
			it.oversellLimit, it.lowStock = set.OversellLimit, set.LowStock
			return nil
		},
	})
}

func (s Settings) inRange() bool {
	return s.OversellLimit >= 0 && inRange(s.OversellLimit) && (s.LowStock == nil || inRange(*s.LowStock))
}

func (s Settings) equal(o Settings) bool { return s.String() == o.String() }

func (s Settings) String() string {
	low := "none"
	if s.LowStock != nil {
		low = strconv.FormatInt(*s.LowStock, 10)
	}
	return fmt.Sprintf("the oversell limit is %d, the threshold %s", s.OversellLimit, low)
}

// make makes the item of the i-th SKU.
func (w *work) make(i int) *item {
	w.items[i] = &item{number: rand.Uint64(), created: w.now}
	return w.items[i]
}

// Adjustment adds to what is on hand of each line's item, or, with a negative quantity,
// takes from it. Lines of one SKU are summed first.
type Adjustment struct {
	Lines             []Line
	Reason, Reference string
}

// Adjust makes an adjustment, all of it or nothing.
func (s *Service) Adjust(ctx context.Context, c Caller, a Adjustment) (Result, error) {
	sums, err := sumLines(a.Lines)
	if err == nil {
		err = a.check()
	}
	if err != nil {
		return Result{}, err
	}
	return s.run(ctx, c, change{
		name: "adjust", args: a, skus: skusOf(sums), size: len(sums) * rowBytes(c.Who, a.Reason, a.Reference),
		apply: func(w *work) error {
			if err := w.canAdjust(sums); err != nil {
				return err
			}
			for i, l := range sums {
				w.move(i, Movement{Type: Adjusted, Delta: l.Quantity, Reason: a.Reason, Reference: a.Reference})
			}
			return nil
		},
	})
}

func (a Adjustment) check() error {
	for _, l := range a.Lines {
		if l.Quantity == 0 {
			return fmt.Errorf("%w: %s: 0 changes nothing", ErrLines, l.SKU)
		}
	}
	return checkNote(a.Reason, a.Reference)
}

func (w *work) canAdjust(sums []Line) error {
	items, err := w.all()
	if err != nil {
		return err
	}
	var shortages []Shortage
	for i, l := range sums {
		if takes := items[i].takes(w.now); l.Quantity < 0 && takes < -l.Quantity {
			shortages = append(shortages, Shortage{l.SKU, -l.Quantity, takes, false})
		}
		if !inRange(items[i].onHand + l.Quantity) {
			return fmt.Errorf("%s: %w", l.SKU, ErrQuantity)
		}
	}
	if len(shortages) > 0 {
		return &InsufficientError{shortages}
	}
	return nil
}

// Count is a physical count of items.
type Count struct {
	Lines             []CountLine
	Reason, Reference string
}

// CountLine says how many of an item are there. With Expected it holds only if that is
// what was thought to be there.
type CountLine struct {
	SKU      string
	Quantity int64
	Expected *int64
}

// Count makes what is on hand what was counted, all of it or nothing. Items that are not
// there are made. What is reserved has to be covered.
func (s *Service) Count(ctx context.Context, c Caller, count Count) (Result, error) {
	lines, err := count.check()
	if err != nil {
		return Result{}, err
	}
	return s.run(ctx, c, change{
		name: "count", args: count, skus: slices.Sorted(maps.Keys(lines)), size: len(count.Lines) * rowBytes(c.Who, count.Reason, count.Reference),
		apply: func(w *work) error {
			if err := w.canCount(lines); err != nil {
				return err
			}
			for i, sku := range w.skus {
				it := w.items[i]
				if it == nil {
					it = w.make(i)
				}
				w.move(i, Movement{Type: Counted, Delta: lines[sku].Quantity - it.onHand, Reason: count.Reason, Reference: count.Reference})
			}
			return nil
		},
	})
}

func (w *work) canCount(lines map[string]CountLine) error {
	var shortages []Shortage
	for i, sku := range w.skus {
		l, it := lines[sku], w.items[i]
		if it == nil {
			it = new(item)
		}
		if !inRange(l.Quantity - it.onHand) {
			return fmt.Errorf("%s: %w", sku, ErrQuantity)
		}
		if l.Expected != nil && *l.Expected != it.onHand {
			return &StaleError{sku, *l.Expected, it.onHand}
		}
		if reserved, covers := it.reserved(w.now), l.Quantity+it.oversellLimit; reserved > covers {
			shortages = append(shortages, Shortage{sku, reserved, covers, true})
		}
	}
	if len(shortages) > 0 {
		return &InsufficientError{shortages}
	}
	return nil
}

// check returns the lines by SKU.
func (c Count) check() (map[string]CountLine, error) {
	if len(c.Lines) == 0 || len(c.Lines) > MaxLines {
		return nil, fmt.Errorf("%w: there are 1 to %d, not %d", ErrLines, MaxLines, len(c.Lines))
	}
	lines := make(map[string]CountLine, len(c.Lines))
	for _, l := range c.Lines {
		if err := CheckSKU(l.SKU); err != nil {
			return nil, err
		}
		if _, twice := lines[l.SKU]; twice {
			return nil, fmt.Errorf("%w: %s is counted twice", ErrLines, l.SKU)
		}
		if l.Quantity < 0 || l.Quantity > MaxQuantity || l.Expected != nil && !inRange(*l.Expected) {
			return nil, fmt.Errorf("%s: %w", l.SKU, ErrQuantity)
		}
		lines[l.SKU] = l
	}
	return lines, checkNote(c.Reason, c.Reference)
}
