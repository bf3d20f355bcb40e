package partner

import (
	"fmt"
	"time"
)

// Key is what may be told of a key that a partner signs with: not its secret.
type Key struct {
	Created  time.Time // zero: not known
	NotAfter time.Time // zero: it does not end
}

// Active says whether the key is good at a time.
func (k Key) Active(now time.Time) bool { return k.NotAfter.IsZero() || !now.After(k.NotAfter) }

// Keys returns the partner's keys, in the order of its document.
func (p *Partner) Keys() []Key {
	all := make([]Key, len(p.keys))
	for i, k := range p.keys {
		all[i] = k.Key
	}
	return all
}

const (
	oldAge   = 365 * 24 * time.Hour // of a key without an end, from which it is to be another
	endsSoon = 14 * 24 * time.Hour
)

// Hints say in sentences for people what is to be done about how the partner proves who it
// is; none where nothing is. legacyUntil is when the old scheme ends, zero when it is off.
func (p *Partner) Hints(now, legacyUntil time.Time) []string {
	h := hints{id: p.ID, now: now, rotate: fmt.Sprintf("`tallystick partner rotate %s`", p.ID)}
	for _, k := range p.Keys() {
		if k.Active(now) {
			h.active = append(h.active, k)
		} else {
			h.ended = append(h.ended, k)
		}
	}
	switch len(h.active) {
	case 0:
		h.ofNone()
	case 1:
		h.ofOne(h.active[0])
	default:
		h.ofTwo()
	}
	if n := len(h.ended); n > 0 && len(h.active) > 0 {
		h.say("Keys that have ended: %d. Remove them from the document.", n)
	}
	if len(p.Texts) > 0 && now.Before(legacyUntil) {
		h.say(`Its token of the old scheme is accepted until %s: have it sign its updates, then remove "legacy" from the document.`, inWords(legacyUntil))
	}
	return h.all
}

// hints are those of one partner.
type hints struct {
	id            string
	now           time.Time
	rotate        string // the command that makes another key
	active, ended []Key
	all           []string
}

func (h *hints) say(format string, args ...any) { h.all = append(h.all, fmt.Sprintf(format, args...)) }

func (h *hints) ofNone() {
	if len(h.ended) == 0 {
		h.say("It has no key, so it cannot sign: %s makes one.", h.rotate)
		return
	}
	_, last := ends(h.ended)
	h.say("Its last key ended on %s, so nobody can sign as %s: %s makes another.", inWords(last), h.id, h.rotate)
}

func (h *hints) ofOne(k Key) {
	switch {
	case h.soon(k.NotAfter):
		h.say("Its last key ends on %s, and then nobody can sign as %s: %s makes another.", inWords(k.NotAfter), h.id, h.rotate)
	case !k.NotAfter.IsZero():
	case k.Created.IsZero():
		h.say(`It is not known how old its key is: put the time into the document as the key's "created", or make another by %s.`, h.rotate)
	case h.now.Sub(k.Created) > oldAge:
		h.say("Its key is over a year old, of %s: %s makes another.", inWords(k.Created), h.rotate)
	}
}

// ofTwo knows that there cannot be a third before one of them has ended.
func (h *hints) ofTwo() {
	first, last := ends(h.active)
	switch {
	case first.IsZero():
		h.say(`Two keys are active, and neither ends: when %s signs with the newer one, give the older one a "notAfter" in the document.`, h.id)
		return
	case first.Equal(last):
		h.say("Two keys are active: have %s sign with the newer one; both end on %s.", h.id, inWords(first))
	default:
		stays, other := names(h.active, last)
		h.say("Two keys are active: have %s sign with %s; %s ends on %s.", h.id, stays, other, inWords(first))
	}
	if h.soon(last) {
		h.say("Its last key ends on %s, and then nobody can sign as %s: %s makes another, when the first has ended.", inWords(last), h.id, h.rotate)
	}
}

func (h *hints) soon(end time.Time) bool { return !end.IsZero() && end.Sub(h.now) <= endsSoon }

// names tells two keys apart, the one that ends last and the other: by their age where both
// are known, and by that end where they are not, or where the older one ends last.
func names(keys []Key, last time.Time) (stays, other string) {
	a, b := keys[0], keys[1]
	if !a.NotAfter.Equal(last) {
		a, b = b, a
	}
	end := "does not end"
	if !last.IsZero() {
		end = "ends on " + inWords(last)
	}
	switch known := !a.Created.IsZero() && !b.Created.IsZero(); {
	case known && a.Created.After(b.Created):
		return "the newer one", "the older one"
	case known && a.Created.Before(b.Created):
		return "the older one, which " + end, "the newer one"
	}
	return "the one that " + end, "the other"
}

// ends returns when the first of some keys ends, and the last. Zero is never.
func ends(keys []Key) (first, last time.Time) {
	never := false
	for _, k := range keys {
		if k.NotAfter.IsZero() {
			never = true
			continue
		}
		if first.IsZero() || k.NotAfter.Before(first) {
			first = k.NotAfter
		}
		if k.NotAfter.After(last) {
			last = k.NotAfter
		}
	}
	if never {
		last = time.Time{}
	}
	return first, last
}

func inWords(t time.Time) string { return t.UTC().Format("2006-01-02 at 15:04 UTC") }
