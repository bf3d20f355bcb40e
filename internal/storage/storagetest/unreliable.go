package storagetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"

	"github.com/tallystick/tallystick/internal/storage"
)

// Losing returns store, some of whose answers are lost: some callers' transactions run
// again, and of a few the outcome stays unknown, whether they were done or not. Of a few
// only, for each doubles what there is to check of a history.
func Losing(store storage.Store) storage.Store { return &losing{Store: store} }

type losing struct {
	storage.Store
	unknown atomic.Int32
}

func (s *losing) Update(ctx context.Context, fn func(storage.Tx) error) error {
	for lost := false; ; lost = true {
		dice := rand.IntN(100)
		if dice < 5 && s.unknown.Add(1) <= 1 {
			return fmt.Errorf("%w: before the commit", storage.ErrUnknown)
		}
		err := s.Store.Update(ctx, fn)
		switch {
		case err != nil && lost: // what was lost may have been stored: it was
			return fmt.Errorf("%w: %w", storage.ErrUnknown, err)
		case err != nil:
			return err
		case dice >= 90 && s.unknown.Add(1) <= 2:
			return fmt.Errorf("%w: after the commit", storage.ErrUnknown)
		case dice < 60:
			return nil
		}
	}
}

// Broken are stores that break their contract, by what they do: a test of a domain that
// passes on one of them shows nothing.
var Broken = map[string]func(storage.Store) storage.Store{
	"it forgets what it acknowledged":     func(s storage.Store) storage.Store { return &forgetful{Store: s} },
	"it does what it says was not stored": func(s storage.Store) storage.Store { return &lying{Store: s} },
}

// forgetful does nothing in one of ten transactions, and says that it did.
type forgetful struct {
	storage.Store
	updates atomic.Int64
}

var errForget = errors.New("forget it")

func (s *forgetful) Update(ctx context.Context, fn func(storage.Tx) error) error {
	if s.updates.Add(1)%10 > 0 {
		return s.Store.Update(ctx, fn)
	}
	err := s.Store.Update(ctx, func(tx storage.Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		return errForget
	})
	if errors.Is(err, errForget) {
		return nil
	}
	return err
}

// lying does one of ten transactions and says that it did not.
type lying struct {
	storage.Store
	updates atomic.Int64
}

func (s *lying) Update(ctx context.Context, fn func(storage.Tx) error) error {
	err := s.Store.Update(ctx, fn)
	if err == nil && s.updates.Add(1)%10 == 0 {
		return storage.ErrUnavailable
	}
	return err
}
