package partner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/merge"
	"github.com/tallystick/tallystick/internal/storage"
)

// Limits of deliveries.
const (
	MaxStatus         = 64   // bytes
	MaxText           = 200  // bytes of an order or a note
	MaxDeliveryEvents = 1000 // of one delivery
)

// maxDeliveryBytes is about what a delivery takes at most. All of it is written each time.
const maxDeliveryBytes = 768 << 10

var (
	ErrDeliveryNotFound = errors.New("there is no such delivery")
	ErrDeliveryFull     = fmt.Errorf("a delivery has at most %d events", MaxDeliveryEvents)
)

// Delivery is what partners have told of the delivery of an order.
type Delivery struct {
	ID      string
	Partner string // whose it is: who told of it first
	Status  string // of the latest event by the partner's time
	Order   string
	Created time.Time
	Updated time.Time
	Events  []Event // all, in the order in which they came
}

// Event is one piece of news of a delivery.
type Event struct {
	Status   string
	Note     string    `json:",omitempty"`
	Update   string    // the id of the update that told it
	Time     time.Time // the partner's
	Received time.Time
}

func (l deliveryLine) check(where string) error {
	switch {
	case l.ID == "" || inventory.CheckSKU(l.ID) != nil:
		return invalid(where+"/id", "it has 1 to %d letters, digits and . _ ~ : @ -", inventory.MaxSKU)
	case l.Status == "":
		return invalid(where+"/status", "it is missing")
	}
	return cmp.Or(
		checkText(where+"/status", l.Status, MaxStatus),
		checkText(where+"/order", l.Order, MaxText),
		checkText(where+"/note", l.Note, MaxText),
	)
}

const deliveryKind = "Delivery"

func deliveryKey(id string) storage.Key { return storage.Key{Kind: deliveryKind, Name: id} }

// add adds an event to a delivery.
func (d *Delivery) add(l deliveryLine, e Event) {
	if l.Order != "" {
		d.Order = l.Order
	}
	latest := !slices.ContainsFunc(d.Events, func(old Event) bool { return old.Time.After(e.Time) })
	if d.Events = append(d.Events, e); latest {
		d.Status = e.Status
	}
	d.Updated = e.Received
}

// deliveryCodec keeps a delivery as JSON behind a byte for the version: without more
// escapes than JSON needs, so that MaxDeliveryEvents of the largest fit an entity.
type deliveryCodec struct{}

const deliveryVersion = 1

func (deliveryCodec) Append(b []byte, d *Delivery) []byte {
	text, err := json.Marshal(d)
	if err != nil {
		panic(err) // of texts and times that were checked
	}
	return append(append(b, deliveryVersion), text...)
}

func (deliveryCodec) Decode(data []byte) (*Delivery, error) {
	if len(data) == 0 || data[0] != deliveryVersion {
		return nil, errors.New("partner: not a delivery of a known version")
	}
	d := new(Delivery)
	return d, json.Unmarshal(data[1:], d)
}

func (deliveryCodec) Index(*Delivery) map[string]any { return nil }
func (deliveryCodec) Expire(*Delivery) time.Time     { return time.Time{} }

// Delivery returns a delivery with its whole history.
func (s *Service) Delivery(ctx context.Context, id string) (*Delivery, error) {
	if inventory.CheckSKU(id) != nil {
		return nil, ErrDeliveryNotFound
	}
	found, err := s.store.Get(ctx, deliveryKey(id))
	if err != nil {
		return nil, fmt.Errorf("partner: delivery %s: %w", id, err)
	}
	d, err := merge.Decode(found[0], deliveryCodec{})
	if err != nil {
		return nil, fmt.Errorf("partner: delivery %s: %w", id, err)
	}
	if d == nil {
		return nil, ErrDeliveryNotFound
	}
	return d, nil
}

// deliver is the operation that adds an update's lines to their deliveries. All of them
// are the partner's, or new.
func (a *accepted) deliver(now func() time.Time) merge.Op[Delivery, struct{}] {
	lines := a.update.deliveries
	var ids []string
	for _, l := range lines {
		ids = append(ids, l.ID)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	op := merge.Op[Delivery, struct{}]{Brings: 1, Bytes: a.bytes() + len(ids)*maxDeliveryBytes}
	for _, id := range ids {
		op.Keys = append(op.Keys, deliveryKey(id))
	}
	op.Apply = func(t *merge.Turn[Delivery]) (none struct{}, err error) {
		at := now().UTC().Truncate(storage.TimeResolution)
		for i, id := range ids {
			d := t.State(i)
			switch more := countOf(lines, id); {
			case d != nil && d.Partner != a.partner.ID:
				return none, fmt.Errorf("%w: the delivery %s", ErrForbidden, id)
			case d != nil && len(d.Events)+more > MaxDeliveryEvents:
				return none, fmt.Errorf("%s: %w", id, ErrDeliveryFull)
			}
		}
		if err := t.Put(a.row(at)); err != nil {
			return none, err
		}
		for i, id := range ids {
			d := t.State(i)
			if d == nil {
				d = &Delivery{ID: id, Partner: a.partner.ID, Created: at}
			}
			for _, l := range lines {
				if l.ID == id {
					d.add(l, Event{Status: l.Status, Note: l.Note, Update: a.id, Time: a.update.time, Received: at})
				}
			}
			t.Set(i, d)
		}
		return none, nil
	}
	return op
}

func countOf(lines []deliveryLine, id string) (n int) {
	for _, l := range lines {
		if l.ID == id {
			n++
		}
	}
	return n
}
