package inventory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/tallystick/tallystick/internal/merge"
	"github.com/tallystick/tallystick/internal/storage"
)

// Caller says for whom a change is made, and what belongs to it.
type Caller struct {
	Who string // stands in the ledger

	// IdempotencyKey, unless empty, makes the change once however often it is sent.
	IdempotencyKey string

	// Beside, unless nil, is stored in the same transaction.
	Beside *Beside
}

// Beside is what a caller stores together with a change.
type Beside struct {
	Scope   string // of the IdempotencyKey
	Request []byte // what has to be the same each time the key comes

	// Brings is how many entities Entities returns at most, Bytes how large they are.
	Brings, Bytes int
	Entities      func(now time.Time) []storage.Entity
}

// Result is what a change made of the items, in order of SKU, and of the reservation.
type Result struct {
	Items       []Item
	Reservation *Reservation
	Replayed    bool // it was done when the IdempotencyKey came first
}

// outcome is what a batch hands to each of its callers, and what an IdempotencyKey keeps.
type outcome struct {
	Items       []Item
	Reservation *Reservation
	Alerts      []Alert `json:"-"`
}

// change is one change of some items.
type change struct {
	name string
	args any      // with name, what has to be the same each time an IdempotencyKey comes
	skus []string // ascending, none twice
	size int      // bytes that it adds to pages, about

	page     *storage.Key // that the reservation is in
	pageSize int          // its bytes, about

	// apply decides first, by error, and then changes.
	apply func(w *work) error
}

const (
	// itemBytes is what an item takes in a transaction, with many different holds.
	itemBytes = 16 << 10

	// outcomeBytes is what a stored outcome has of an item: what it looks like, its
	// reserved line, and its SKU in both.
	outcomeBytes = 512
)

// work is a change while it runs.
type work struct {
	turn  *merge.Turn[state]
	who   string
	now   time.Time // not before the items' clocks, see later
	skus  []string
	items []*item // by skus; nil where there is none
	page  *heldPage
	outcome
}

// run carries a change out, with others that wait for the same items.
func (s *Service) run(ctx context.Context, c Caller, ch change) (Result, error) {
	op := merge.Op[state, outcome]{Bytes: ch.size}
	for _, sku := range ch.skus {
		op.Keys, op.Sizes = append(op.Keys, itemKey(sku)), append(op.Sizes, itemBytes)
	}
	if ch.page != nil {
		op.Keys, op.Sizes = append(op.Keys, *ch.page), append(op.Sizes, ch.pageSize)
	}
	if c.Beside != nil {
		op.Brings += c.Beside.Brings
		op.Bytes += c.Beside.Bytes
	}
	op.Apply = func(t *merge.Turn[state]) (outcome, error) {
		w := begin(t, c.Who, ch, s.now())
		if c.Beside != nil {
			for _, e := range c.Beside.Entities(w.now) {
				if err := t.Put(e); err != nil {
					return outcome{}, err
				}
			}
		}
		before := w.available()
		if err := ch.apply(w); err != nil {
			return outcome{}, &refusal{err}
		}
		err := w.end(before)
		return w.outcome, err
	}
	if c.IdempotencyKey != "" {
		op.Bytes += outcomeBytes * len(ch.skus)
	}
	out, replayed, err := s.do(ctx, op, c, ch)
	if refused := (*refusal)(nil); errors.As(err, &refused) {
		return Result{}, refused.error
	}
	if err != nil {
		return Result{}, fmt.Errorf("inventory: %s: %w", ch.name, err)
	}
	for _, a := range out.Alerts { // none of a change that was done before
		slog.WarnContext(ctx, "stock is low", "sku", a.SKU, "available", a.Available, "threshold", a.Threshold)
	}
	return Result{out.Items, out.Reservation, replayed}, nil
}

// refusal is a change's own error, which says enough to who asked for it.
type refusal struct{ error }

func (s *Service) do(ctx context.Context, op merge.Op[state, outcome], c Caller, ch change) (out outcome, replayed bool, err error) {
	if c.IdempotencyKey == "" {
		out, err = s.group.Do(ctx, op)
		return out, false, err
	}
	id := merge.Idempotency{Scope: "stock", Key: c.IdempotencyKey}
	if c.Beside != nil {
		id.Scope, id.Request = c.Beside.Scope, c.Beside.Request
	} else if id.Request, err = json.Marshal([]any{ch.name, ch.args}); err != nil {
		return out, false, err
	}
	return s.group.Once(ctx, op, id)
}

func begin(t *merge.Turn[state], who string, ch change, now time.Time) *work {
	w := &work{turn: t, who: who, now: now.UTC().Truncate(storage.TimeResolution), skus: ch.skus}
	for i := range ch.skus {
		var it *item
		if st := t.State(i); st != nil {
			it = st.item
		}
		w.items = append(w.items, it)
		w.now = it.latest(w.now)
	}
	if ch.page != nil {
		if st := t.State(len(ch.skus)); st != nil {
			w.page = st.held
		}
	}
	return w
}

// all returns the items, which have to be there.
func (w *work) all() ([]*item, error) {
	for i, it := range w.items {
		if it == nil {
			return nil, fmt.Errorf("%w: %s", ErrItemNotFound, w.skus[i])
		}
	}
	return w.items, nil
}

// end stores the changed items: their version, their clock, what they look like now. An
// item whose availability fell to its threshold has an alert.
func (w *work) end(before []int64) error {
	for i, it := range w.items {
		it.clock = w.now
		it.version++
		it.holds = slices.Delete(it.holds, 0, it.past(w.now))
		w.turn.Set(i, &state{item: it})
		view := it.view(w.skus[i], w.now)
		w.Items = append(w.Items, view)
		if view.Low() && before[i] > *view.LowStock {
			a := Alert{SKU: view.SKU, Available: view.Available(), Threshold: *view.LowStock, Time: w.now}
			w.Alerts = append(w.Alerts, a)
			if err := w.turn.Put(a.entity(it)); err != nil {
				panic(err) // the items are changed already; an alert has no bad form
			}
		}
	}
	if w.page != nil {
		w.turn.Set(len(w.items), &state{held: w.page})
	}
	return nil
}

// available is what is available of each item before the change. One that is not there
// has none, and so does not fall.
func (w *work) available() []int64 {
	all := make([]int64, len(w.items))
	for i, it := range w.items {
		if all[i] = math.MinInt64; it != nil {
			all[i] = it.available(w.now)
		}
	}
	return all
}

// Line is a quantity of an item.
type Line struct {
	SKU      string
	Quantity int64
}

// sumLines adds up the lines of each item, and returns the sums in order of SKU.
func sumLines(lines []Line) ([]Line, error) {
	if len(lines) == 0 || len(lines) > MaxLines {
		return nil, fmt.Errorf("%w: there are 1 to %d, not %d", ErrLines, MaxLines, len(lines))
	}
	sums := make(map[string]int64, len(lines))
	for _, l := range lines {
		if err := CheckSKU(l.SKU); err != nil {
			return nil, err
		}
		sum := sums[l.SKU] + l.Quantity // of numbers in range, so far from what an int64 has
		if !inRange(l.Quantity) || !inRange(sum) {
			return nil, fmt.Errorf("%s: %w", l.SKU, ErrQuantity)
		}
		sums[l.SKU] = sum
	}
	all := make([]Line, 0, len(sums))
	for _, sku := range slices.Sorted(maps.Keys(sums)) {
		all = append(all, Line{sku, sums[sku]})
	}
	return all, nil
}

func inRange(quantity int64) bool { return -MaxQuantity <= quantity && quantity <= MaxQuantity }

func skusOf(lines []Line) []string {
	skus := make([]string, len(lines))
	for i, l := range lines {
		skus[i] = l.SKU
	}
	return skus
}
