package inventory

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

// Reservations is a page of the reservations that are held.
type Reservations struct {
	Reservations []Reservation
	Next         string
}

const (
	maxHeldPages = 20  // entities that are read at once
	maxHeldRead  = 200 // and for one answer
)

// Reservations returns a page of the reservations that are held now, next to expire first;
// unless sku is empty, of those that hold some of it. A page may have fewer than size before
// the end. Those of one batch come together, in the place of the last of them to expire: more
// cannot be ordered by without a write for each of them. So where one of a batch ends or is
// extended between two pages, others of it may come twice, or not at all.
//
// It goes by the own clock alone. Where an item's is ahead, Reservation and all changes see
// a reservation's end sooner.
func (s *Service) Reservations(ctx context.Context, sku string, size int, token string) (Reservations, error) {
	if sku != "" {
		if err := CheckSKU(sku); err != nil {
			return Reservations{}, err
		}
	}
	list := "reservations " + sku
	l := listing{now: s.now(), sku: sku, size: size}
	var err error
	if l.behind, err = openHeld(list, token); err != nil {
		return Reservations{}, err
	}
	more, err := s.list(ctx, &l)
	if err != nil {
		return Reservations{}, err
	}
	page := Reservations{Reservations: l.found}
	if more {
		page.Next = sealToken(list, l.behind.append(nil))
	}
	return page, nil
}

// list fills a listing, and says whether there may be more.
func (s *Service) list(ctx context.Context, l *listing) (more bool, err error) {
	from := max(l.behind.rank, heldRank(l.now.Unix()+1, ""))
	q := storage.Query{Kind: heldKind, OrderBy: heldProperty, Limit: min(l.size, maxHeldPages), Where: []storage.Filter{
		{Property: heldProperty, Op: storage.GreaterOrEqual, Value: from},
	}}
	for read := 0; read < maxHeldRead; read += q.Limit {
		found, err := s.store.Query(ctx, q)
		if err != nil {
			return false, fmt.Errorf("inventory: reservations: %w", err)
		}
		for _, e := range found.Entities {
			st, err := decode(e)
			if err != nil {
				return false, err
			}
			if !l.add(st.held) {
				return true, nil
			}
		}
		if q.Cursor = found.Next; q.Cursor == "" {
			return false, nil
		}
	}
	return true, nil
}

const heldProperty = "held" // its rank: a page that holds nothing has none

// heldRank orders pages by when the last of their reservations expires.
func heldRank(until int64, name string) string { return fmt.Sprintf("%010x-%s", until, name) }

// rank is empty when none of the page's reservations is held.
func (p *heldPage) rank() string {
	var latest time.Time
	for _, r := range p.rows {
		if r.Status == Held && r.Expires.After(latest) {
			latest = r.Expires
		}
	}
	if latest.IsZero() {
		return ""
	}
	return heldRank(latest.Unix(), p.key().Name)
}

// listing is a page of the list, while it is made.
type listing struct {
	now    time.Time
	sku    string
	size   int
	behind heldPlace // what came before
	found  []Reservation
}

// heldPlace is a reservation's place in the list.
type heldPlace struct {
	rank           string // of its page
	expires, index int64  // in that
}

func (h heldPlace) compare(other heldPlace) int {
	return cmp.Or(cmp.Compare(h.rank, other.rank), cmp.Compare(h.expires, other.expires), cmp.Compare(h.index, other.index))
}

// add takes what is to be listed of a page, and says whether there was room for all of it.
func (l *listing) add(p *heldPage) bool {
	rank := p.rank()
	var places []heldPlace
	for i, r := range p.rows {
		at := heldPlace{rank, r.Expires.Unix(), int64(i)}
		if r.view(l.now).Status == Held && r.has(l.sku) && at.compare(l.behind) > 0 {
			places = append(places, at)
		}
	}
	slices.SortFunc(places, heldPlace.compare)
	for _, at := range places {
		if len(l.found) == l.size {
			return false
		}
		l.found = append(l.found, p.rows[at.index].view(l.now))
		l.behind = at
	}
	l.behind = heldPlace{rank, math.MaxInt64, 0}
	return true
}

func (r *reservation) has(sku string) bool {
	return sku == "" || slices.ContainsFunc(r.Lines, func(l ReservedLine) bool { return l.SKU == sku })
}

func (h heldPlace) append(b []byte) []byte {
	return appendInts(appendTexts(b, h.rank), h.expires, h.index)
}

// openHeld reads the token of a place. Without one it is before all of the list.
func openHeld(list, token string) (h heldPlace, err error) {
	if token == "" {
		return h, nil
	}
	r, err := openToken(list, token)
	if err != nil {
		return h, err
	}
	if h = (heldPlace{r.text(), r.int(), r.int()}); r.done() != nil {
		return h, ErrPageToken
	}
	return h, nil
}
