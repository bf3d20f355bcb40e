package inventory

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/tallystick/tallystick/internal/merge"
	"github.com/tallystick/tallystick/internal/storage"
)

// state is what one entity holds: one of these.
type state struct {
	item   *item
	held   *heldPage
	ledger *ledgerPage
}

// codec keeps a state in an entity. The encoding is a byte for version and kind, and
// then its fields in the order below: numbers are varints, times microseconds since
// 1970 or 0 for none, a text has its length before it, and so has a list.
type codec struct{}

const (
	itemVersion   = 0x11
	heldVersion   = 0x21
	ledgerVersion = 0x31
	alertVersion  = 0x41
)

var errState = errors.New("inventory: not of a known version")

// decode reads an entity that a Service has written; nil where there is none.
func decode(e storage.Entity) (*state, error) {
	st, err := merge.Decode(e, codec{})
	if err != nil {
		return nil, fmt.Errorf("inventory: %s: %w", e.Key, err)
	}
	return st, nil
}

func (codec) Append(b []byte, s *state) []byte {
	switch {
	case s.item != nil:
		return s.item.append(append(b, itemVersion))
	case s.held != nil:
		return s.held.append(append(b, heldVersion))
	default:
		return s.ledger.append(append(b, ledgerVersion))
	}
}

func (codec) Decode(data []byte) (*state, error) {
	if len(data) == 0 {
		return nil, errState
	}
	var s state
	r := reader{rest: data[1:]}
	switch data[0] {
	case itemVersion:
		s.item = r.item()
	case heldVersion:
		s.held = r.held()
	case ledgerVersion:
		s.ledger = r.ledger()
	default:
		return nil, errState
	}
	return &s, r.done()
}

func (codec) Index(s *state) map[string]any {
	switch {
	case s.ledger != nil:
		return map[string]any{ledgerProperty: s.ledger.key().Name}
	case s.held != nil && s.held.rank() != "":
		return map[string]any{heldProperty: s.held.rank()}
	}
	return nil
}

func (codec) Expire(s *state) time.Time {
	if s.held != nil {
		return s.held.expire()
	}
	return time.Time{}
}

func (i *item) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, i.number)
	b = appendInts(b, i.onHand, i.oversellLimit)
	if i.lowStock == nil {
		b = appendInts(b, 0)
	} else {
		b = appendInts(b, 1, *i.lowStock)
	}
	b = appendInts(b, i.version, i.movements, i.reservations, micros(i.created), micros(i.clock), int64(len(i.holds)))
	last := int64(0)
	for _, h := range i.holds {
		b = appendInts(b, h.until-last, h.quantity)
		last = h.until
	}
	return b
}

func (r *reader) item() *item {
	i := &item{number: r.uint64(), onHand: r.int(), oversellLimit: r.int()}
	if r.int() == 1 {
		threshold := r.int()
		i.lowStock = &threshold
	}
	i.version, i.movements, i.reservations = r.int(), r.int(), r.int()
	i.created, i.clock = r.time(), r.time()
	i.holds = make([]hold, r.length(2))
	last := int64(0)
	for n := range i.holds {
		last += r.int()
		i.holds[n] = hold{last, r.int()}
	}
	return i
}

func (p *ledgerPage) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, p.item)
	b = appendInts(b, p.first, int64(len(p.rows)))
	for _, m := range p.rows {
		b = appendInts(b, m.Delta, m.OnHand, micros(m.Time))
		b = appendTexts(b, string(m.Type), m.Reason, m.Reference, m.Reservation, m.Who)
	}
	return b
}

func (r *reader) ledger() *ledgerPage {
	p := &ledgerPage{item: r.uint64(), first: r.int()}
	p.rows = make([]Movement, r.length(8))
	for i := range p.rows {
		p.rows[i] = Movement{
			Number: p.first + int64(i), Delta: r.int(), OnHand: r.int(), Time: r.time(),
			Type: Type(r.text()), Reason: r.text(), Reference: r.text(), Reservation: r.text(), Who: r.text(),
		}
	}
	return p
}

func (p *heldPage) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, p.item)
	b = appendInts(b, p.first, int64(len(p.rows)))
	for _, row := range p.rows {
		b = appendInts(b, int64(row.check), micros(row.Created), micros(row.Expires), micros(row.Ended))
		b = appendTexts(b, string(row.Status), row.Reference, row.Who)
		b = appendInts(b, int64(len(row.Lines)))
		for _, l := range row.Lines {
			b = appendInts(appendTexts(b, l.SKU), l.Quantity, l.Committed)
		}
	}
	return b
}

func (r *reader) held() *heldPage {
	size := len(r.rest)
	p := &heldPage{item: r.uint64(), first: r.int(), size: size}
	p.rows = make([]reservation, r.length(8))
	for i := range p.rows {
		row := &p.rows[i]
		row.check = uint32(r.int())
		row.Created, row.Expires, row.Ended = r.time(), r.time(), r.time()
		row.Status, row.Reference, row.Who = Status(r.text()), r.text(), r.text()
		row.Lines = make([]ReservedLine, r.length(3))
		for n := range row.Lines {
			row.Lines[n] = ReservedLine{SKU: r.text(), Quantity: r.int(), Committed: r.int()}
		}
		row.ID = place{item: p.item, first: p.first, index: uint64(i), check: row.check}.id()
	}
	return p
}

func encodeAlert(a Alert) []byte {
	b := appendTexts([]byte{alertVersion}, a.SKU)
	return appendInts(b, a.Available, a.Threshold, micros(a.Time))
}

func decodeAlert(data []byte) (Alert, error) {
	if len(data) == 0 || data[0] != alertVersion {
		return Alert{}, errState
	}
	r := reader{rest: data[1:]}
	a := Alert{SKU: r.text(), Available: r.int(), Threshold: r.int(), Time: r.time()}
	return a, r.done()
}

func appendInts(b []byte, all ...int64) []byte {
	for _, n := range all {
		b = binary.AppendVarint(b, n)
	}
	return b
}

func appendTexts(b []byte, all ...string) []byte {
	for _, s := range all {
		b = append(binary.AppendVarint(b, int64(len(s))), s...)
	}
	return b
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// reader reads what the functions above append. At the first thing that cannot be it
// becomes bad, and reads zeros from there on.
type reader struct {
	rest []byte
	bad  bool
}

func (r *reader) done() error {
	if r.bad || len(r.rest) > 0 {
		return errState
	}
	return nil
}

func (r *reader) take(n int) []byte {
	if n < 0 || n > len(r.rest) {
		r.bad, r.rest = true, nil
		return nil
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) int() int64 {
	n, size := binary.Varint(r.rest)
	if size <= 0 {
		r.take(-1)
		return 0
	}
	r.take(size)
	return n
}

// length is that of a list, each of whose parts has so many bytes at least: a wrong one
// makes no room for more than there is.
func (r *reader) length(least int) int64 {
	n := r.int()
	if n < 0 || n > int64(len(r.rest)/least) {
		r.take(-1)
		return 0
	}
	return n
}

func (r *reader) uint64() uint64 {
	if b := r.take(8); b != nil {
		return binary.BigEndian.Uint64(b)
	}
	return 0
}

func (r *reader) text() string { return string(r.take(int(r.length(1)))) }

func (r *reader) time() time.Time {
	if n := r.int(); n != 0 {
		return time.UnixMicro(n).UTC()
	}
	return time.Time{}
}
