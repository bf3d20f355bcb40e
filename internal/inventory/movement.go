package inventory

import (
	"context"
	"fmt"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

// Movement is one row of an item's ledger. Rows are added and never changed: what was
// wrong is put right by another one.
type Movement struct {
	Number      int64 // 1 for an item's first one
	Type        Type
	Delta       int64
	OnHand      int64 // behind it
	Reason      string
	Reference   string
	Reservation string // whose commit it is of
	Who         string
	Time        time.Time
}

// Type is what made a movement.
type Type string

const (
	Adjusted  Type = "adjusted"
	Counted   Type = "counted"
	Committed Type = "committed"
)

// ledgerPage is the movements that one batch made of an item.
type ledgerPage struct {
	item  uint64
	first int64 // the number of its first row
	rows  []Movement
	size  int
}

// maxLedgerPages is how many pages of a ledger are read at once.
const maxLedgerPages = 20

// maxPageBytes is when a batch begins another page: far below what an entity holds.
const maxPageBytes = 256 << 10

// rowBytes is about what a row takes.
func rowBytes(texts ...string) int {
	n := 80
	for _, t := range texts {
		n += len(t)
	}
	return n
}

// move adds a movement to the ledger of the i-th item.
func (w *work) move(i int, m Movement) {
	it := w.items[i]
	it.movements++
	it.onHand += m.Delta
	m.Number, m.OnHand, m.Who, m.Time = it.movements, it.onHand, w.who, w.now
	if it.ledger == nil || it.ledger.size > maxPageBytes {
		it.ledger = &ledgerPage{item: it.number, first: m.Number}
		w.turn.New(it.ledger.key(), &state{ledger: it.ledger})
	}
	it.ledger.rows = append(it.ledger.rows, m)
	it.ledger.size += rowBytes(m.Reason, m.Reference, m.Who)
}

const (
	ledgerKind     = "Movements"
	ledgerProperty = "page" // the page's name: a query can begin at one
)

func (p *ledgerPage) key() storage.Key {
	return storage.Key{Kind: ledgerKind, Name: pageName(p.item, p.first)}
}

// pageName orders the pages of an item from the latest to the first.
func pageName(item uint64, first int64) string {
	return fmt.Sprintf("%016x-%016x", item, ^uint64(first))
}

// Movements is a page of an item's ledger, the latest first.
type Movements struct {
	Movements []Movement
	Next      string // for the page after it; empty at the end
}

// Movements returns a page of an item's ledger.
func (s *Service) Movements(ctx context.Context, sku string, size int, token string) (Movements, error) {
	it, err := s.item(ctx, sku)
	if err != nil {
		return Movements{}, err
	}
	last, list := it.movements, fmt.Sprintf("movements %x", it.number)
	if token != "" {
		r, err := openToken(list, token)
		if err != nil {
			return Movements{}, err
		}
		if last = r.int(); r.done() != nil {
			return Movements{}, ErrPageToken
		}
	}
	var page Movements
	err = s.ledger(ctx, it.number, last, size, func(m Movement) bool {
		if len(page.Movements) == size {
			page.Next = sealToken(list, appendInts(nil, m.Number))
			return false
		}
		page.Movements = append(page.Movements, m)
		return true
	})
	return page, err
}

// ledger gives an item's movements from the one with a number back to its first, until
// yield has enough, which wants about as many as size.
func (s *Service) ledger(ctx context.Context, item uint64, last int64, size int, yield func(Movement) bool) error {
	q := storage.Query{Kind: ledgerKind, OrderBy: ledgerProperty, Limit: min(size, maxLedgerPages), Where: []storage.Filter{
		{Property: ledgerProperty, Op: storage.GreaterOrEqual, Value: pageName(item, last)},
		{Property: ledgerProperty, Op: storage.LessOrEqual, Value: pageName(item, 0)},
	}}
	for {
		found, err := s.store.Query(ctx, q)
		if err != nil {
			return fmt.Errorf("inventory: ledger: %w", err)
		}
		for _, e := range found.Entities {
			st, err := decode(e)
			if err != nil {
				return err
			}
			for i := len(st.ledger.rows) - 1; i >= 0; i-- {
				if m := st.ledger.rows[i]; m.Number <= last && !yield(m) {
					return nil
				}
			}
		}
		if q.Cursor = found.Next; q.Cursor == "" {
			return nil
		}
	}
}

func checkNote(reason, reference string) error {
	if err := checkText("reason", reason, MaxReason); err != nil {
		return err
	}
	return checkText("reference", reference, MaxReference)
}
