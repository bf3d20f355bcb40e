package inventory

import (
	"slices"
	"time"
)

// Item is what there is to see of an item at one moment.
type Item struct {
	SKU           string
	OnHand        int64  // the sum of its movements
	Reserved      int64  // the sum of its live reservations
	OversellLimit int64  // how far Available may go below zero
	LowStock      *int64 // alert when Available falls to it; nil: never
	Version       int64  // 1 for a new item, one more with each change
	Created       time.Time
	Updated       time.Time
}

// Available is what can be sold or reserved without overselling.
func (i Item) Available() int64 { return i.OnHand - i.Reserved }

// Low says whether no more is available than the item's threshold.
func (i Item) Low() bool { return i.LowStock != nil && i.Available() <= *i.LowStock }

// item is what is kept of an item.
//
// What is reserved is kept by the second until which it is: an item with a million
// reservations has as many holds as they have different ends, some 5,000 at most, and those
// that are past cost nothing after the next change. To be past is judged by the item's
// clock too: the latest time at which it was changed. So what one instance saw end does
// not live again for another one whose clock is behind.
type item struct {
	number        uint64 // random, names its pages
	onHand        int64
	oversellLimit int64
	lowStock      *int64
	version       int64
	movements     int64 // how many it has had; the last one's number
	reservations  int64 // how many it has had in its own pages
	created       time.Time
	clock         time.Time
	holds         []hold // ascending

	// The pages that the batch under way adds to. They are not part of its encoding.
	ledger *ledgerPage
	held   *heldPage
}

// hold is what is reserved until a second since 1970, which is not part of it.
type hold struct {
	until    int64
	quantity int64
}

// reserved is what is reserved at a time.
func (i *item) reserved(now time.Time) int64 {
	sum := int64(0)
	for _, h := range i.holds[i.past(now):] {
		sum += h.quantity
	}
	return sum
}

// past says how many of the holds are.
func (i *item) past(now time.Time) int {
	at, _ := i.find(now.Unix() + 1)
	return at
}

func (i *item) find(until int64) (at int, found bool) {
	return slices.BinarySearchFunc(i.holds, until, func(h hold, until int64) int { return int(h.until - until) })
}

// hold adds a quantity to what is reserved until a second; a negative one frees it.
func (i *item) hold(until, quantity int64) {
	at, found := i.find(until)
	if !found {
		i.holds = slices.Insert(i.holds, at, hold{until: until})
	}
	if i.holds[at].quantity += quantity; i.holds[at].quantity == 0 {
		i.holds = slices.Delete(i.holds, at, at+1)
	}
}

// available is what the item has at a time that is not reserved.
func (i *item) available(now time.Time) int64 { return i.onHand - i.reserved(now) }

// takes is what may be taken at a time.
func (i *item) takes(now time.Time) int64 { return i.available(now) + i.oversellLimit }

// view is the item as it is to be seen at a time.
func (i *item) view(sku string, now time.Time) Item {
	return Item{
		SKU: sku, OnHand: i.onHand, Reserved: i.reserved(now), OversellLimit: i.oversellLimit, LowStock: i.lowStock,
		Version: i.version, Created: i.created, Updated: i.clock,
	}
}

// maxSkew is how far ahead of one's own an item's clock is believed. What is further
// ahead was wrong, and would hold the item's reservations, and those of whatever is
// changed with it, until then.
const maxSkew = 10 * time.Minute

// latest is the later of a time and the item's clock.
func (i *item) latest(now time.Time) time.Time {
	if i == nil {
		return now
	}
	return later(now, i.clock)
}

func later(now, clock time.Time) time.Time {
	if clock.After(now) && clock.Sub(now) <= maxSkew {
		return clock
	}
	return now
}
