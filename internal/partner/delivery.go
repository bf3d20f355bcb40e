package partner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/merge"
	"github.com/tallystick/tallystick/internal/storage"
)

// Limits of deliveries.
const (
	MaxDeliveryID     = 64   // bytes
	MaxStatus         = 64   // bytes
	MaxText           = 200  // bytes of an order or a note
	MaxDeliveryEvents = 1000 // of one delivery
)

// maxDeliveryBytes is about what a delivery takes at most. All of it is written each time.
const maxDeliveryBytes = 768 << 10

var (
	ErrDeliveryNotFound = errors.New("there is no such delivery")
	ErrDeliveryFull     = fmt.Errorf("a delivery has at most %d events: begin a new one, with another id", MaxDeliveryEvents)
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
	Note     string
	Update   string    // the id of the update that told it
	Time     time.Time // the partner's
	Received time.Time
}

// news is what an update says of a delivery.
type news struct{ ID, Status, Order, Note string }

func (n news) check(where string) error {
	switch {
	case !isDeliveryID(n.ID):
		return invalid(where+"/id", "%s", deliveryIDForm)
	case n.Status == "":
		return invalid(where+"/status", "it is missing")
	}
	return cmp.Or(
		checkText(where+"/status", n.Status, MaxStatus),
		checkText(where+"/order", n.Order, MaxText),
		checkText(where+"/note", n.Note, MaxText),
	)
}

var deliveryIDForm = fmt.Sprintf("it has 1 to %d letters A-Z a-z, digits and . _ ~ : @ -, is not of points only, and not of the form __x__", MaxDeliveryID)

// isDeliveryID says whether a delivery may have this id. It is a part of a URL, where
// points alone mean another place, and of a key, where databases keep __x__ for themselves.
func isDeliveryID(id string) bool {
	reserved := strings.Trim(id, ".") == "" || len(id) >= 4 && strings.HasPrefix(id, "__") && strings.HasSuffix(id, "__")
	return len(id) <= MaxDeliveryID && !reserved && strings.IndexFunc(id, inventory.NotInName) < 0
}

const deliveryKind = "Delivery"

func deliveryKey(id string) storage.Key { return storage.Key{Kind: deliveryKind, Name: id} }

// add adds an event to a delivery.
func (d *Delivery) add(n news, e Event) {
	if n.Order != "" {
		d.Order = n.Order
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
	if !isDeliveryID(id) {
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
	all := a.update.deliveries
	var ids []string
	for _, n := range all {
		ids = append(ids, n.ID)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	op := merge.Op[Delivery, struct{}]{Brings: 1, Bytes: a.bytes()}
	for _, id := range ids {
		op.Keys, op.Sizes = append(op.Keys, deliveryKey(id)), append(op.Sizes, maxDeliveryBytes)
	}
	op.Apply = func(t *merge.Turn[Delivery]) (none struct{}, err error) {
		at := now().UTC().Truncate(storage.TimeResolution)
		for i, id := range ids {
			d := t.State(i)
			switch more := countOf(all, id); {
			case d != nil && d.Partner != a.partner.ID:
				return none, forbidden("the delivery %s", id)
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
			for _, n := range all {
				if n.ID == id {
					d.add(n, Event{Status: n.Status, Note: n.Note, Update: a.id, Time: a.update.time, Received: at})
				}
			}
			t.Set(i, d)
		}
		return none, nil
	}
	return op
}

func countOf(all []news, id string) (count int) {
	for _, n := range all {
		if n.ID == id {
			count++
		}
	}
	return count
}
