package record

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

// A record that is given an expiry for the first time may have revisions from before,
// which have none. They would stay when the record has gone by itself, and nobody
// could name them any more. So they are given the expiry first, outside of the change.

var errUnlimited = errors.New("record: revisions from before an expiry")

// unlimited says whether what is kept of a record would outlive it, once the change
// gives it an expiry.
func (c *change) unlimited(item *item, old *state) bool {
	return c.recipe.collection.Settings.TTL > 0 && old.expire.IsZero() && (old.version > 1 || old.inParts()) && !c.limited[item.id]
}

// limit gives what is kept of a record an expiry, where it has none.
func (s *Service) limit(ctx context.Context, collection, id string, expire time.Time) error {
	entities, err := s.source.Get(ctx, recordKey(collection, id))
	if err != nil {
		return err
	}
	current, err := decodeState(entities[0])
	if err != nil || current == nil {
		return err
	}
	if err := s.limitAll(ctx, current.partKeys(collection, id), expire); err != nil {
		return err
	}
	for v := max(1, current.version-MaxRevisions); v < current.version; v++ {
		key := revisionKey(collection, id, v)
		parts, err := s.partsOfRevision(ctx, collection, key)
		if err != nil {
			return err
		}
		if err := s.limitAll(ctx, append(parts, key), expire); err != nil {
			return err
		}
	}
	return nil
}

// limitAll does so in one transaction: a revision's entities are no more than a write
// of it has.
func (s *Service) limitAll(ctx context.Context, keys []storage.Key, expire time.Time) error {
	if len(keys) == 0 {
		return nil
	}
	err := s.store.Update(ctx, func(tx storage.Tx) error {
		entities, err := tx.Get(keys...)
		if err != nil {
			return err
		}
		for _, e := range entities {
			if !e.Exists || !e.Expire.IsZero() {
				continue
			}
			e.Expire = expire
			if err := tx.Put(e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("record: expiry of %s: %w", keys[0], err)
	}
	return nil
}
