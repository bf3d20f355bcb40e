// Package inventory is a shop's stock: items, the ledger of their movements, and
// reservations that hold a part of an item for a while.
//
// Read this file first, then item.go (what is known of an item), change.go (how every
// change runs), stock.go and reserve.go (the changes), reservation.go and movement.go
// (what they leave behind), read.go, held.go, alert.go, verify.go, and codec.go (how it
// is stored).
//
// # What is stored
//
// An item is one entity, "Item/SKU". Its movements and reservations lie in pages: what
// one batch of changes adds to an item is one entity of the kind "Movements" and one of
// the kind "Reservations", however many callers the batch has. So a batch that changes
// one item costs two writes, or three where it makes movements and reservations both. To
// end or extend a reservation writes the page that it is in, which others of its batch
// share; each Idempotency-Key costs a write more, and each alert.
package inventory

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/tallystick/tallystick/internal/merge"
	"github.com/tallystick/tallystick/internal/storage"
)

// Limits of what a client may send and ask for.
const (
	MaxQuantity  = 1<<53 - 1 // either way: the largest integer that JavaScript has exactly
	MaxLines     = 100       // of one change
	MaxRead      = 100       // items that one Read returns
	MaxSKU       = 64        // bytes
	MaxReason    = 100       // bytes
	MaxReference = 200       // bytes

	MinTTL     = 10 * time.Second
	MaxTTL     = 24 * time.Hour
	DefaultTTL = 10 * time.Minute
)

var (
	ErrSKU       = errors.New("bad SKU")
	ErrLines     = errors.New("bad lines")
	ErrQuantity  = fmt.Errorf("quantity out of range: it is at most %d, either way", int64(MaxQuantity))
	ErrText      = errors.New("bad text")
	ErrTTL       = fmt.Errorf("bad ttlSeconds: it is %d to %d", int(MinTTL.Seconds()), int(MaxTTL.Seconds()))
	ErrPageToken = errors.New("pageToken is not one that this list gave")

	ErrItemNotFound        = errors.New("there is no such item")
	ErrReservationNotFound = errors.New("there is no such reservation")

	ErrStaleSettings = errors.New("other settings were expected")

	// ErrInsufficient is an InsufficientError, ErrStale a StaleError, ErrEnded an
	// EndedError.
	ErrInsufficient = errors.New("not enough is available")
	ErrStale        = errors.New("the count has changed meanwhile")
	ErrEnded        = errors.New("the reservation has ended")
)

// Shortage is what an item lacks for a change: what it wanted to take, or what is
// reserved, and what may be taken, or would cover that, with what may be oversold.
type Shortage struct {
	SKU       string
	Wanted    int64
	Available int64
	Reserved  bool
}

func (s Shortage) String() string {
	switch {
	case s.Reserved && s.Available < 0:
		return fmt.Sprintf("%s: it is oversold by %d more than that already", s.SKU, -s.Available)
	case s.Reserved:
		return fmt.Sprintf("%s: %d are reserved, which %d would not cover", s.SKU, s.Wanted, s.Available)
	}
	return fmt.Sprintf("%s: %d wanted, %d available", s.SKU, s.Wanted, s.Available)
}

// InsufficientError says that items have not what a change takes, or that what is
// reserved of them stands against it.
type InsufficientError struct{ Shortages []Shortage }

func (e *InsufficientError) Error() string {
	var b strings.Builder
	for i, s := range e.Shortages {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(s.String())
	}
	return b.String()
}

// Is makes it an ErrInsufficient.
func (e *InsufficientError) Is(target error) bool { return target == ErrInsufficient }

// StaleError says that an item has another number on hand than a count expected.
type StaleError struct {
	SKU              string
	Expected, OnHand int64
}

func (e *StaleError) Error() string {
	return fmt.Sprintf("%s: %d were expected, %d are on hand", e.SKU, e.Expected, e.OnHand)
}

// Is makes it an ErrStale.
func (e *StaleError) Is(target error) bool { return target == ErrStale }

// EndedError says how the reservation ended that a change would end or extend.
type EndedError struct{ Status Status }

func (e *EndedError) Error() string { return "the reservation is " + string(e.Status) + " already" }

// Is makes it an ErrEnded.
func (e *EndedError) Is(target error) bool { return target == ErrEnded }

// Options configure a Service. Zero fields take the defaults.
type Options struct {
	Queue int              // changes that may wait, see merge.Options
	Now   func() time.Time // default time.Now
}

// Service keeps the stock in a store.
type Service struct {
	store storage.Store
	group *merge.Group[state, outcome]
	now   func() time.Time
}

// New returns a Service on store.
func New(store storage.Store, opts Options) *Service {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Service{
		store: store,
		group: merge.New[state, outcome](store, codec{}, merge.Options{Queue: opts.Queue, Now: opts.Now}),
		now:   opts.Now,
	}
}

// Stats counts what the changes of this Service have cost.
func (s *Service) Stats() merge.Stats { return s.group.Stats() }

// CheckSKU says what is wrong with an item's name.
func CheckSKU(sku string) error {
	switch {
	case sku == "" || len(sku) > MaxSKU || strings.IndexFunc(sku, NotInName) >= 0:
		return fmt.Errorf("%w %.80q: it has 1 to %d letters, digits and . _ ~ : @ -", ErrSKU, sku, MaxSKU)
	case strings.Trim(sku, ".") == "" || routeNames[sku]:
		return fmt.Errorf("%w %q: this name is taken by a route", ErrSKU, sku)
	case len(sku) >= 4 && strings.HasPrefix(sku, "__") && strings.HasSuffix(sku, "__"):
		return fmt.Errorf("%w %q: databases keep names of the form __x__ for themselves", ErrSKU, sku)
	}
	return nil
}

// routeNames stand in an item's place in a route.
var routeNames = map[string]bool{"alerts": true, "batch": true, "count.js": true}

// NotInName says of a character that no name has it that stands in a URL.
func NotInName(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._~:@-", r))
}

// NotPrintable says of a character that no text for people has it: a control character, or
// what stands for bytes that are no UTF-8.
func NotPrintable(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }

// checkText holds what stands in the ledger to a length, and to what can be printed.
func checkText(name, text string, max int) error {
	if len(text) > max {
		return fmt.Errorf("%w: %s has over %d bytes", ErrText, name, max)
	}
	if strings.IndexFunc(text, NotPrintable) >= 0 {
		return fmt.Errorf("%w: %s has control characters, or is not UTF-8", ErrText, name)
	}
	return nil
}
