package inventory

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// Hold asks for a reservation. Lines of one SKU are summed first.
type Hold struct {
	Lines     []Line
	TTL       time.Duration // 0: DefaultTTL. See ends
	Reference string
}

// Reserve holds all of the lines, or none.
func (s *Service) Reserve(ctx context.Context, c Caller, h Hold) (Result, error) {
	if h.TTL == 0 {
		h.TTL = DefaultTTL
	}
	sums, err := sumLines(h.Lines)
	if err == nil {
		err = checkHold(sums, h)
	}
	if err != nil {
		return Result{}, err
	}
	return s.run(ctx, c, change{
		name: "reserve", args: h, skus: skusOf(sums), size: rowBytes(c.Who, h.Reference) + len(sums)*(MaxSKU+8),
		apply: func(w *work) error {
			if err := w.canReserve(sums); err != nil {
				return err
			}
			until := ends(w.now, h.TTL)
			r := Reservation{Status: Held, Reference: h.Reference, Who: w.who, Created: w.now, Expires: until}
			for i, l := range sums {
				w.items[i].hold(until.Unix(), l.Quantity)
				r.Lines = append(r.Lines, ReservedLine{SKU: l.SKU, Quantity: l.Quantity})
			}
			w.keep(r)
			return nil
		},
	})
}

func checkHold(sums []Line, h Hold) error {
	for _, l := range h.Lines {
		if l.Quantity < 1 {
			return fmt.Errorf("%w: %s: what is reserved is at least 1", ErrQuantity, l.SKU)
		}
	}
	if h.TTL < MinTTL || h.TTL > MaxTTL {
		return ErrTTL
	}
	return checkText("reference", h.Reference, MaxReference)
}

func (w *work) canReserve(sums []Line) error {
	items, err := w.all()
	if err != nil {
		return err
	}
	var shortages []Shortage
	for i, l := range sums {
		if takes := items[i].takes(w.now); takes < l.Quantity {
			shortages = append(shortages, Shortage{l.SKU, l.Quantity, takes, false})
		}
		if !inRange(items[i].reserved(w.now) + l.Quantity) {
			return fmt.Errorf("%s: %w", l.SKU, ErrQuantity)
		}
	}
	if len(shortages) > 0 {
		return &InsufficientError{shortages}
	}
	return nil
}

// ends is the first whole second that is not before a time is over, and of more than an
// hour the first whole minute: so an item's reservations have few different ends.
func ends(now time.Time, ttl time.Duration) time.Time {
	unit := time.Second
	if ttl > time.Hour {
		unit = time.Minute
	}
	return now.Add(ttl + unit - 1).Truncate(unit)
}

// keep puts a new reservation onto the page of the batch, of the first of its items.
func (w *work) keep(r Reservation) {
	it := w.items[0]
	it.reservations++
	if it.held == nil || it.held.size > maxPageBytes {
		it.held = &heldPage{item: it.number, first: it.reservations}
		w.turn.New(it.held.key(), &state{held: it.held})
	}
	page := it.held
	at := place{item: page.item, first: page.first, index: uint64(len(page.rows)), check: rand.Uint32()}
	r.ID = at.id()
	page.rows = append(page.rows, reservation{check: at.check, Reservation: r})
	page.size += rowBytes(r.Reference, r.Who) + len(r.Lines)*(MaxSKU+8)
	view := page.rows[at.index].view(w.now)
	w.Reservation = &view
}

// Commit takes what a reservation holds off what is on hand, or of each of the lines the
// part that it says: what is left is free again. No lines are all of it.
func (s *Service) Commit(ctx context.Context, c Caller, id string, lines []Line, reference string) (Result, error) {
	var part []Line
	if len(lines) > 0 {
		var err error
		if part, err = sumLines(lines); err != nil {
			return Result{}, err
		}
	}
	if err := checkText("reference", reference, MaxReference); err != nil {
		return Result{}, err
	}
	args := []any{id, part, reference}
	return s.end(ctx, c, "commit", id, args, func(w *work, r *reservation) error {
		committed, err := r.parts(part)
		if err != nil {
			return err
		}
		text := reference
		if text == "" {
			text = r.Reference
		}
		w.free(r)
		for i := range r.Lines {
			if r.Lines[i].Committed = committed[i]; committed[i] > 0 {
				w.move(i, Movement{Type: Committed, Delta: -committed[i], Reference: text, Reservation: r.ID})
			}
		}
		r.Status, r.Ended = StatusCommitted, w.now
		return nil
	})
}

// parts says how many of each of the reservation's lines are committed.
func (r *reservation) parts(part []Line) ([]int64, error) {
	committed := make([]int64, len(r.Lines))
	wanted := make(map[string]int64, len(part))
	for _, l := range part {
		wanted[l.SKU] = l.Quantity
	}
	sum := int64(0)
	for i, l := range r.Lines {
		n, named := wanted[l.SKU]
		if delete(wanted, l.SKU); part == nil {
			n = l.Quantity
		} else if named && (n < 0 || n > l.Quantity) {
			return nil, fmt.Errorf("%w: %s: the reservation holds %d, not %d", ErrLines, l.SKU, l.Quantity, n)
		}
		committed[i] = n
		sum += n
	}
	for sku := range wanted {
		return nil, fmt.Errorf("%w: the reservation holds no %s", ErrLines, sku)
	}
	if sum == 0 {
		return nil, fmt.Errorf("%w: nothing would be committed; to give all of it back, release it", ErrLines)
	}
	return committed, nil
}

// Release gives back what a reservation holds.
func (s *Service) Release(ctx context.Context, c Caller, id string) (Result, error) {
	return s.end(ctx, c, "release", id, []any{id}, func(w *work, r *reservation) error {
		w.free(r)
		r.Status, r.Ended = StatusReleased, w.now
		return nil
	})
}

// Extend lets a reservation last a time from now on, or as long as it would have if that
// is longer.
func (s *Service) Extend(ctx context.Context, c Caller, id string, ttl time.Duration) (Result, error) {
	if ttl == 0 {
		ttl = DefaultTTL
	}
	if ttl < MinTTL || ttl > MaxTTL {
		return Result{}, ErrTTL
	}
	return s.end(ctx, c, "extend", id, []any{id, ttl}, func(w *work, r *reservation) error {
		until := ends(w.now, ttl)
		if !until.After(r.Expires) {
			return nil
		}
		w.free(r)
		r.Expires = until
		for i, l := range r.Lines {
			w.items[i].hold(until.Unix(), l.Quantity)
		}
		return nil
	})
}

// end changes a reservation that is held, and its items. Which those are never changes,
// so they are read before.
func (s *Service) end(ctx context.Context, c Caller, name, id string, args []any, apply func(*work, *reservation) error) (Result, error) {
	page, at, err := s.find(ctx, id)
	if err != nil {
		return Result{}, err
	}
	key, found := at.key(), page.row(at)
	return s.run(ctx, c, change{
		name: name, args: args, skus: found.skus(), page: &key,
		size: len(found.Lines) * (rowBytes(c.Who) + MaxReference), pageSize: page.size,
		apply: func(w *work) error {
			r := w.page.row(at)
			if _, err := w.all(); err != nil || r == nil {
				return fmt.Errorf("%w: %.80q", ErrReservationNotFound, id)
			}
			if now := r.view(w.now); now.Status != Held {
				return &EndedError{now.Status}
			}
			if !w.holds(r) { // it was dropped by a clock that was wrong
				return &EndedError{StatusExpired}
			}
			if err := apply(w, r); err != nil {
				return err
			}
			view := r.view(w.now)
			w.Reservation = &view
			return nil
		},
	})
}

// holds says whether the items hold what the reservation does.
func (w *work) holds(r *reservation) bool {
	for i, l := range r.Lines {
		at, found := w.items[i].find(r.Expires.Unix())
		if !found || w.items[i].holds[at].quantity < l.Quantity {
			return false
		}
	}
	return true
}

// free takes what a reservation holds out of its items.
func (w *work) free(r *reservation) {
	for i, l := range r.Lines {
		w.items[i].hold(r.Expires.Unix(), -l.Quantity)
	}
}
