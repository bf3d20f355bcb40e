package record

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

// What is kept of a record is to go with it. A record that is given an expiry for the
// first time may have revisions from before, which have none: they would stay when the
// record has gone by itself, and nobody could name them any more. And the parts of a
// version that becomes a revision have the expiry of that version, so its content would
// be gone while the record, and the revision, are there. Both are given the new expiry
// first, outside of the change, for they are too much for its transaction.

var errUnlimited = errors.New("record: what is kept of a record would not go with it")

// lifetime is until when something kept of a record is to be there.
type lifetime struct {
	expire time.Time // zero: for ever
	least  time.Time // a little before it, so that not each change of a record moves its parts
}

func newLifetime(now time.Time, ttl time.Duration) lifetime {
	if ttl <= 0 {
		return lifetime{}
	}
	expire := now.Add(ttl).UTC().Truncate(storage.TimeResolution)
	return lifetime{expire: expire, least: expire.Add(-ttl / 100)}
}

// keeps says whether what has this expiry neither stays for ever nor goes too early.
// That it goes somewhat later does no harm.
func (l lifetime) keeps(expire time.Time) bool {
	if expire.IsZero() || l.expire.IsZero() {
		return expire.Equal(l.expire)
	}
	return !expire.Before(l.least)
}

// unlimited says whether what is kept of a record would outlive it, or its parts go
// before it, once the change gives it its expiry.
func (c *change) unlimited(item *item, old *state) bool {
	if c.limited[item.id] {
		return false
	}
	l := newLifetime(c.service.now(), c.recipe.collection.Settings.TTL)
	return !l.keeps(old.expire) && (old.inParts() || l.limits(old) && old.version > 1)
}

// limits says whether the record's revisions may be without an expiry, and need one.
func (l lifetime) limits(old *state) bool { return !l.expire.IsZero() && old.expire.IsZero() }

// limitRecords is how many records are read with their revisions at once, which are
// some 8 MB at most; limitsAtOnce, how many times that is done side by side.
// limitParts is how many parts are read at once, of 1 MB each.
const (
	limitRecords = 5
	limitsAtOnce = 8
	limitParts   = 8
)

// limit gives what is kept of the records an expiry by the time to live, where it has
// none, and moves that of the parts of what is to be a revision. When it fails, what it
// did stays done.
func (s *Service) limit(ctx context.Context, collection string, ids []string, ttl time.Duration) error {
	l := newLifetime(s.now(), ttl)
	groups := slices.Collect(slices.Chunk(ids, limitRecords))
	err := sideBySide(len(groups), limitsAtOnce, func(i int) error {
		parts, revisions, err := s.unlimitedOf(ctx, collection, groups[i], l)
		if err != nil {
			return err
		}
		return s.expireAll(ctx, parts, revisions, l)
	})
	if err != nil {
		return fmt.Errorf("record: expiry in %s: %w", collection, err)
	}
	return nil
}

// weighed is an entity that was read, without its content.
type weighed struct {
	key   storage.Key
	bytes int
}

// unlimitedOf returns the records' revisions that have no expiry and need one, and the
// parts of those and of the records. A revision that has an expiry is not read
// further: its parts were given theirs before.
func (s *Service) unlimitedOf(ctx context.Context, collection string, ids []string, l lifetime) (parts []storage.Key, revisions []weighed, err error) {
	keys := make([]storage.Key, len(ids))
	for i, id := range ids {
		keys[i] = recordKey(collection, id)
	}
	entities, err := s.source.Get(ctx, keys...)
	if err != nil {
		return nil, nil, err
	}
	keys = nil
	for i, e := range entities {
		current, err := decodeState(e)
		if err != nil {
			return nil, nil, err
		}
		if current == nil {
			continue
		}
		parts = append(parts, current.partKeys(collection, ids[i])...)
		if l.limits(current) {
			for _, v := range current.revisions() {
				keys = append(keys, revisionKey(collection, ids[i], v))
			}
		}
	}
	if entities, err = s.source.Get(ctx, keys...); err != nil {
		return nil, nil, err
	}
	for _, e := range entities {
		revision, err := decodeRevision(e)
		if err != nil {
			return nil, nil, err
		}
		if revision != nil && e.Expire.IsZero() {
			parts = append(parts, revision.partKeys(collection, idOfRevision(e.Key))...)
			revisions = append(revisions, weighed{e.Key, e.Size()})
		}
	}
	return parts, revisions, nil
}

// expireAll gives the parts and the revisions their expiry, in as few transactions as
// they fit in. The parts come first, for who goes on after a failure tells by a
// revision whether its parts are done.
func (s *Service) expireAll(ctx context.Context, parts []storage.Key, revisions []weighed, l lifetime) error {
	var all []weighed
	for keys := range slices.Chunk(parts, limitParts) {
		entities, err := s.source.Get(ctx, keys...)
		if err != nil {
			return err
		}
		for _, e := range entities {
			if e.Exists && !l.keeps(e.Expire) {
				all = append(all, weighed{e.Key, e.Size()})
			}
		}
	}
	all = append(all, revisions...)
	for len(all) > 0 {
		var keys []storage.Key
		bytes := 0
		for len(keys) < min(len(all), storage.MaxTxReads) {
			e := all[len(keys)]
			if bytes += e.bytes; bytes > storage.MaxTxBytes && len(keys) > 0 {
				break
			}
			keys = append(keys, e.key)
		}
		if err := s.expire(ctx, keys, l); err != nil {
			return err
		}
		all = all[len(keys):]
	}
	return nil
}

// expire gives entities their expiry in one transaction. They never change otherwise,
// so they are as large as they were, but they may have been dropped.
func (s *Service) expire(ctx context.Context, keys []storage.Key, l lifetime) error {
	return s.store.Update(ctx, func(tx storage.Tx) error {
		entities, err := tx.Get(keys...)
		if err != nil {
			return err
		}
		for _, e := range entities {
			if !e.Exists || l.keeps(e.Expire) {
				continue
			}
			e.Expire = l.expire
			if err := tx.Put(e); err != nil {
				return err
			}
		}
		return nil
	})
}
