package inventory

import (
	"context"
	"fmt"

	"github.com/tallystick/tallystick/internal/storage"
)

// Fault is where the ledger and the balances differ.
type Fault struct {
	SKU    string
	Reason string
}

// Verified is what Verify has gone through.
type Verified struct {
	Items     int
	Movements int64
	Busy      []string // items that changed each time that their reservations were added up
}

// verifyTries is how often an item's reservations are added up, while others change it.
const verifyTries = 5

// Verify replays each item's ledger, adds up the live reservations, and tells fault of
// everything that differs from the balances. It changes nothing, and others may go on.
func (s *Service) Verify(ctx context.Context, fault func(Fault)) (Verified, error) {
	var v Verified
	pending := make(map[string]bool) // items whose reservations are to be added up
	err := s.each(ctx, itemKind, func(key storage.Key, st *state) error {
		v.Items++
		pending[key.Name] = true
		reason, err := s.replay(ctx, st.item)
		v.Movements += st.item.movements
		if reason != "" {
			fault(Fault{key.Name, reason})
		}
		return err
	})
	if err != nil {
		return v, err
	}
	for range verifyTries {
		if err := s.verifyReserved(ctx, pending, fault); err != nil {
			return v, err
		}
	}
	for sku := range pending {
		v.Busy = append(v.Busy, sku)
	}
	return v, nil
}

// replay goes through an item's ledger, and says what is wrong with it.
func (s *Service) replay(ctx context.Context, it *item) (reason string, err error) {
	next, onHand := it.movements, it.onHand // what the next row has to be, backward
	err = s.ledger(ctx, it.number, it.movements, maxLedgerPages, func(m Movement) bool {
		switch {
		case m.Number != next:
			reason = fmt.Sprintf("its ledger has movement %d where %d has to be", m.Number, next)
		case m.OnHand != onHand:
			reason = fmt.Sprintf("behind movement %d there were %d on hand, and what follows says %d", m.Number, m.OnHand, onHand)
		}
		next, onHand = next-1, onHand-m.Delta
		return reason == ""
	})
	switch {
	case err != nil || reason != "":
	case next != 0:
		reason = fmt.Sprintf("its ledger has %d of %d movements", it.movements-next, it.movements)
	case onHand != 0:
		reason = fmt.Sprintf("its movements add up to %d, and %d are on hand", it.onHand-onHand, it.onHand)
	}
	return reason, err
}

// verifyReserved adds up what the reservations hold of the items that are pending. Those
// that did not change meanwhile are pending no longer.
func (s *Service) verifyReserved(ctx context.Context, pending map[string]bool, fault func(Fault)) error {
	if len(pending) == 0 {
		return nil
	}
	before, err := s.itemsOf(ctx, pending)
	if err != nil {
		return err
	}
	now := s.now()
	sums := make(map[string]int64)
	err = s.each(ctx, heldKind, func(_ storage.Key, st *state) error {
		for _, r := range st.held.rows {
			for _, l := range r.Lines {
				if it := before[l.SKU]; it != nil && r.view(it.latest(now)).Status == Held {
					sums[l.SKU] += l.Quantity
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	after, err := s.itemsOf(ctx, pending)
	if err != nil {
		return err
	}
	for sku, it := range before {
		if after[sku] == nil || after[sku].version != it.version {
			continue
		}
		delete(pending, sku)
		if reserved := it.reserved(it.latest(now)); sums[sku] != reserved {
			fault(Fault{sku, fmt.Sprintf("its live reservations hold %d, and %d are reserved", sums[sku], reserved)})
		}
	}
	return nil
}

// itemsOf reads the items that are pending.
func (s *Service) itemsOf(ctx context.Context, pending map[string]bool) (map[string]*item, error) {
	items := make(map[string]*item, len(pending))
	err := s.each(ctx, itemKind, func(key storage.Key, st *state) error {
		if pending[key.Name] {
			items[key.Name] = st.item
		}
		return nil
	})
	return items, err
}

// each gives all states of a kind.
func (s *Service) each(ctx context.Context, kind string, yield func(storage.Key, *state) error) error {
	q := storage.Query{Kind: kind, Limit: 200}
	for {
		found, err := s.store.Query(ctx, q)
		if err != nil {
			return fmt.Errorf("inventory: verify: %w", err)
		}
		for _, e := range found.Entities {
			st, err := decode(e)
			if err != nil {
				return err
			}
			if err := yield(e.Key, st); err != nil {
				return err
			}
		}
		if q.Cursor = found.Next; q.Cursor == "" {
			return nil
		}
	}
}
