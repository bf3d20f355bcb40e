package partner

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/merge"
	"github.com/tallystick/tallystick/internal/storage"
)

var (
	// ErrInFlight says that an update of this id is under way just now.
	ErrInFlight = errors.New("an update of this id is under way")

	// ErrReused says that an id came before with another body.
	ErrReused = errors.New("this webhook-id came before with another body")

	// ErrTooMuch says that an update would write more than one transaction can.
	ErrTooMuch = errors.New("the histories of its deliveries are too long for one update: send fewer of them at once")

	// ErrUnknown says that nobody knows whether an update was done. Sent again with its id
	// it is done once.
	ErrUnknown = storage.ErrUnknown
)

// Options configure a Service. Zero fields take the defaults.
type Options struct {
	Queue int              // updates that may wait, see merge.Options
	Now   func() time.Time // default time.Now
}

// Service takes updates from partners. What an update does, its row, and the marker by
// which it is known again are one transaction.
type Service struct {
	store      storage.Store
	folder     *Folder
	stock      *inventory.Service
	deliveries *merge.Group[Delivery, struct{}]
	now        func() time.Time

	mu       sync.Mutex
	inFlight map[string]bool
}

// NewService returns a Service on store, for the partners of a folder.
func NewService(store storage.Store, folder *Folder, opts Options) *Service {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Service{
		store:      store,
		folder:     folder,
		stock:      inventory.New(store, inventory.Options{Queue: opts.Queue, Now: opts.Now}),
		deliveries: merge.New[Delivery, struct{}](store, deliveryCodec{}, merge.Options{Queue: opts.Queue, Now: opts.Now}),
		now:        opts.Now,
		inFlight:   make(map[string]bool),
	}
}

// Receipt says that an update was accepted.
type Receipt struct {
	ID       string
	Replayed bool // it was when it came first
}

// Accept verifies an update and does what it says, once for each id. What is wrong with
// it is found in a fixed order: headers, signature, time, JSON, content, permission.
func (s *Service) Accept(ctx context.Context, m Signed) (Receipt, error) {
	set, err := s.folder.Partners()
	if err != nil {
		return Receipt{}, err
	}
	a := &accepted{id: m.ID, body: m.Body}
	if a.partner, err = set.Verify(m, s.now()); err != nil {
		return Receipt{}, err
	}
	if err := checkJSON(m.Body); err != nil {
		return Receipt{}, err
	}
	if a.update, err = parseUpdate(m.Body, s.now()); err != nil {
		return Receipt{}, err
	}
	if err := a.partner.mayDo(a.update); err != nil {
		return Receipt{}, err
	}
	end, err := s.begin(a.partner.ID + " " + m.ID)
	if err != nil {
		return Receipt{}, err
	}
	defer end()
	return s.carryOut(ctx, a)
}

// begin keeps a second update of the same id out until the first has its reply.
func (s *Service) begin(name string) (end func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inFlight[name] {
		return nil, ErrInFlight
	}
	s.inFlight[name] = true
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.inFlight, name)
	}, nil
}

// accepted is an update that its partner may send.
type accepted struct {
	partner *Partner
	id      string // of a signed update the one that makes it once
	legacy  bool
	body    []byte
	update  *update
}

// bytes is about what the update's row takes.
func (a *accepted) bytes() int { return len(a.body) + 512 }

// carryOut does what an update says.
func (s *Service) carryOut(ctx context.Context, a *accepted) (Receipt, error) {
	replayed, err := false, error(nil)
	switch u := a.update; {
	case u.adjust != nil:
		var r inventory.Result
		r, err = s.stock.Adjust(ctx, a.caller(), *u.adjust)
		replayed = r.Replayed
	case u.count != nil:
		var r inventory.Result
		r, err = s.stock.Count(ctx, a.caller(), *u.count)
		replayed = r.Replayed
	case u.deliveries != nil:
		replayed, err = s.deliver(ctx, a)
	default:
		err = s.keep(ctx, a)
	}
	switch {
	case err == nil:
		return Receipt{a.id, replayed}, nil
	case errors.Is(err, merge.ErrKeyReused):
		err = ErrReused
	case errors.Is(err, storage.ErrTooLarge) && a.update.deliveries != nil:
		err = ErrTooMuch
	}
	return Receipt{}, err
}

// scope is what the ids of a partner's updates are told apart by from those of others.
func (a *accepted) scope() string { return "partner/" + a.partner.ID }

// key makes an update once; one of the old scheme has none.
func (a *accepted) key() string {
	if a.legacy {
		return ""
	}
	return a.id
}

func (a *accepted) caller() inventory.Caller {
	return inventory.Caller{
		Who:            "partner " + a.partner.ID,
		IdempotencyKey: a.key(),
		Beside: &inventory.Beside{
			Scope: a.scope(), Request: a.body,
			Brings: 1, Bytes: a.bytes(),
			Entities: func(now time.Time) []storage.Entity { return []storage.Entity{a.row(now)} },
		},
	}
}

func (s *Service) deliver(ctx context.Context, a *accepted) (replayed bool, err error) {
	op := a.deliver(s.now)
	if a.key() == "" {
		_, err = s.deliveries.Do(ctx, op)
		return false, err
	}
	_, replayed, err = s.deliveries.Once(ctx, op, merge.Idempotency{Scope: a.scope(), Key: a.key(), Request: a.body})
	return replayed, err
}

// keep stores the row of an update that nothing follows from. Its key is the same each
// time that the store runs it.
func (s *Service) keep(ctx context.Context, a *accepted) error {
	row := a.row(s.now().UTC().Truncate(storage.TimeResolution))
	return s.store.Update(ctx, func(tx storage.Tx) error { return tx.Put(row) })
}
