package inventory

import (
	"context"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

// Reservation holds quantities of items until it ends: committed, released, or expired.
// It ends once.
type Reservation struct {
	ID        string
	Status    Status
	Lines     []ReservedLine // in order of SKU
	Reference string
	Who       string
	Created   time.Time
	Expires   time.Time // when it expires, or would have
	Ended     time.Time // when it was committed or released; else zero
}

// Status is where a reservation stands.
type Status string

const (
	Held            Status = "held"
	StatusCommitted Status = "committed"
	StatusReleased  Status = "released"
	StatusExpired   Status = "expired"
)

// ReservedLine is what a reservation holds of an item, and what of it was committed.
type ReservedLine struct {
	SKU                 string
	Quantity, Committed int64
}

// ReservationLife is how long a reservation can be read after it has expired, or would
// have.
const ReservationLife = 30 * 24 * time.Hour

// heldPage is the reservations that one batch made whose first item is this one.
type heldPage struct {
	item  uint64
	first int64 // the number of its first row among the item's
	rows  []reservation
	size  int // about how many bytes it takes
}

// reservation is one as its page has it. That it has expired is seen by its time, and
// stands nowhere.
type reservation struct {
	check uint32 // random, a part of the id
	Reservation
}

const heldKind = "Reservations"

func (p *heldPage) key() storage.Key { return heldKey(p.item, p.first) }

func heldKey(item uint64, first int64) storage.Key {
	return storage.Key{Kind: heldKind, Name: pageName(item, first)}
}

// expire is when nobody asks for any of the page's reservations any more.
func (p *heldPage) expire() time.Time {
	latest := time.Time{}
	for _, r := range p.rows {
		if r.Expires.After(latest) {
			latest = r.Expires
		}
	}
	return latest.Add(ReservationLife)
}

// row returns the reservation at a place, or nil.
func (p *heldPage) row(at place) *reservation {
	if p == nil || at.index >= uint64(len(p.rows)) || p.rows[at.index].check != at.check {
		return nil
	}
	return &p.rows[at.index]
}

// view is the reservation as it is at a time.
func (r *reservation) view(now time.Time) Reservation {
	v := r.Reservation
	v.Lines = slices.Clone(v.Lines)
	if v.Status == Held && !now.Before(v.Expires) {
		v.Status = StatusExpired
	}
	return v
}

func (r *reservation) skus() []string {
	skus := make([]string, len(r.Lines))
	for i, l := range r.Lines {
		skus[i] = l.SKU
	}
	return skus
}

// place is where a reservation lies, and what its id says.
type place struct {
	item  uint64
	first int64 // with item, names the page
	index uint64
	check uint32 // tells a mistyped id
}

func (p place) key() storage.Key { return heldKey(p.item, p.first) }

var idEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

func (p place) id() string {
	b := binary.BigEndian.AppendUint64(nil, p.item)
	b = appendInts(b, p.first, int64(p.index))
	return idEncoding.EncodeToString(binary.BigEndian.AppendUint32(b, p.check))
}

// placeOf reads an id. Any other text names nothing.
func placeOf(id string) (p place, err error) {
	b, err := idEncoding.DecodeString(id)
	if err == nil && len(b) >= 14 {
		r := reader{rest: b[8 : len(b)-4]}
		p = place{
			item: binary.BigEndian.Uint64(b), first: r.int(), index: uint64(r.int()),
			check: binary.BigEndian.Uint32(b[len(b)-4:]),
		}
		if r.done() == nil && p.id() == id {
			return p, nil
		}
	}
	return place{}, fmt.Errorf("%w: %.80q", ErrReservationNotFound, id)
}

// Reservation returns a reservation as it is now. What has expired by the clock of one
// of its items has expired, as it has for a change.
func (s *Service) Reservation(ctx context.Context, id string) (Reservation, error) {
	page, at, err := s.find(ctx, id)
	if err != nil {
		return Reservation{}, err
	}
	r, now := page.row(at), s.now()
	if r.view(now).Status != Held {
		return r.view(now), nil
	}
	items, _, err := s.Read(ctx, r.skus()...)
	if err != nil {
		return Reservation{}, err
	}
	for _, it := range items {
		now = later(now, it.Updated)
	}
	if now.Before(r.Expires) {
		return r.view(now), nil
	}
	if page, _, err = s.find(ctx, id); err != nil { // again: it may have been extended before the items were read
		return Reservation{}, err
	}
	return page.row(at).view(now), nil
}

// find reads the page that a reservation is in.
func (s *Service) find(ctx context.Context, id string) (*heldPage, place, error) {
	at, err := placeOf(id)
	if err != nil {
		return nil, at, err
	}
	found, err := s.store.Get(ctx, at.key())
	if err != nil {
		return nil, at, fmt.Errorf("inventory: reservation %s: %w", id, err)
	}
	st, err := decode(found[0])
	if err != nil {
		return nil, at, err
	}
	if st == nil || st.held.row(at) == nil {
		return nil, at, fmt.Errorf("%w: %.80q", ErrReservationNotFound, id)
	}
	return st.held, at, nil
}
