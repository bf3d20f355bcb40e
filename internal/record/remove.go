package record

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/tallystick/tallystick/internal/merge"
	"github.com/tallystick/tallystick/internal/storage"
)

// ErrPartlyRemoved says that of several records some are removed and others are not.
var ErrPartlyRemoved = errors.New("the removal is not complete")

// removal is one record with all that was kept of it.
type removal struct {
	id    string
	known string // its entity tag when its revisions and parts were looked up
	keys  []storage.Key
	large []storage.Key // of the keys, revisions that may have parts
}

// removeEntities is how many entities one transaction removes, unless one record
// alone has more.
const removeEntities = 500

// lookUpsAtOnce is of how many records the revisions are looked up side by side.
const lookUpsAtOnce = 8

// Remove removes the records of the ids with their revisions, each whole or not at
// all, and returns the ids of those that were there, and of those that were not.
// When it fails with ErrPartlyRemoved some are removed: then it can be called again.
func (s *Service) Remove(ctx context.Context, collection string, ids []string) (removed, missing []string, err error) {
	if err := CheckCollection(collection); err != nil {
		return nil, nil, err
	}
	if len(ids) > MaxBatch {
		return nil, nil, fmt.Errorf("%w: at most %d at once, not %d", ErrTooMany, MaxBatch, len(ids))
	}
	seen := make(map[string]bool, len(ids))
	for _, id := range ids {
		if err := CheckID(id); err != nil {
			return nil, nil, err
		}
		if seen[id] {
			return nil, nil, fmt.Errorf("%w: %q", ErrDuplicateID, id)
		}
		seen[id] = true
	}
	gone, err := s.removeAll(ctx, collection, ids)
	for _, id := range ids {
		if gone[id] {
			removed = append(removed, id)
		} else {
			missing = append(missing, id)
		}
	}
	switch {
	case err != nil && len(removed) > 0:
		return nil, nil, fmt.Errorf("%w: %d records are removed: %w", ErrPartlyRemoved, len(removed), err)
	case err != nil:
		return nil, nil, err
	}
	return removed, missing, nil
}

// RemoveOne removes a record that is as cond wants it, or fails with ErrNotFound.
func (s *Service) RemoveOne(ctx context.Context, collection, id string, cond Condition) error {
	if err := checkName(collection, id); err != nil {
		return err
	}
	for {
		todo, err := s.found(ctx, collection, []string{id})
		if err != nil {
			return err
		}
		if len(todo) == 0 { // which comes before any condition (RFC 9110, section 13.2.1)
			return notFound(collection, id)
		}
		if err := s.lookUp(ctx, collection, todo); err != nil {
			return err
		}
		gone, again, err := s.remove(ctx, collection, todo, cond)
		switch {
		case err != nil:
			return err
		case len(again) > 0:
			continue
		case !gone[id]:
			return notFound(collection, id)
		}
		return nil
	}
}

// removeAll removes what it has looked up before it looks up more: who runs into a
// deadline and calls again finds less to do each time. It returns what is gone, also when
// it fails.
func (s *Service) removeAll(ctx context.Context, collection string, ids []string) (map[string]bool, error) {
	all := make(map[string]bool, len(ids))
	for len(ids) > 0 {
		found, err := s.found(ctx, collection, ids)
		if err != nil {
			return all, err
		}
		ids = nil
		var todo []removal
		entities := 0
		flush := func() error {
			gone, again, err := s.remove(ctx, collection, todo, Condition{})
			maps.Copy(all, gone)
			ids, todo, entities = append(ids, again...), nil, 0
			return err
		}
		for some := range slices.Chunk(found, lookUpsAtOnce) {
			if err := s.lookUp(ctx, collection, some); err != nil {
				return all, err
			}
			for _, r := range some {
				if n := 1 + len(r.keys); len(todo) > 0 && entities+n > removeEntities {
					if err := flush(); err != nil {
						return all, err
					}
				}
				todo, entities = append(todo, r), entities+1+len(r.keys)
			}
		}
		if len(todo) > 0 {
			if err := flush(); err != nil {
				return all, err
			}
		}
	}
	return all, nil
}

// found returns the records that are there, what was kept of them not yet looked up.
func (s *Service) found(ctx context.Context, collection string, ids []string) (all []removal, err error) {
	keys := make([]storage.Key, len(ids))
	for i, id := range ids {
		keys[i] = recordKey(collection, id)
	}
	entities, err := s.source.Get(ctx, keys...)
	if err != nil {
		return nil, fmt.Errorf("record: remove from %s: %w", collection, err)
	}
	for i, e := range entities {
		current, err := decodeState(e)
		if err != nil {
			return nil, err
		}
		if current == nil {
			continue
		}
		r := removal{id: ids[i], known: current.etag(), keys: current.partKeys(collection, ids[i])}
		for _, v := range current.revisions() {
			key := revisionKey(collection, ids[i], v)
			r.keys = append(r.keys, key)
			if v <= current.large {
				r.large = append(r.large, key)
			}
		}
		all = append(all, r)
	}
	return all, nil
}

// revisions are the versions before this one of which something may be kept.
func (s *state) revisions() []int64 {
	var all []int64
	for v := max(1, s.version-MaxRevisions); v < s.version; v++ {
		all = append(all, v)
	}
	return all
}

// lookUp adds the parts of the records' revisions.
func (s *Service) lookUp(ctx context.Context, collection string, some []removal) error {
	return sideBySide(len(some), lookUpsAtOnce, func(i int) error {
		r := &some[i]
		if len(r.large) == 0 {
			return nil
		}
		entities, err := s.source.Get(ctx, r.large...)
		if err != nil {
			return fmt.Errorf("record: remove %s/%s: %w", collection, r.id, err)
		}
		for _, e := range entities {
			revision, err := decodeRevision(e)
			if err != nil {
				return err
			}
			if revision != nil {
				r.keys = append(r.keys, revision.partKeys(collection, r.id)...)
			}
		}
		return nil
	})
}

// remove removes records in one transaction. Again are the ids of those that were
// changed since they were looked up, and are still there.
func (s *Service) remove(ctx context.Context, collection string, todo []removal, cond Condition) (gone map[string]bool, again []string, err error) {
	op := merge.Op[state, []stamp]{}
	for _, r := range todo {
		op.Keys = append(op.Keys, recordKey(collection, r.id))
		op.Brings += len(r.keys)
	}
	op.Apply = func(t *merge.Turn[state]) ([]stamp, error) {
		now := s.now()
		for i, r := range todo {
			current := t.State(i)
			if !current.live(now) {
				continue
			}
			if err := cond.check(current.etag(), true); err != nil {
				return nil, fmt.Errorf("%s/%s: %w", collection, r.id, err)
			}
		}
		stamps := make([]stamp, len(todo))
		for i, r := range todo {
			current := t.State(i)
			stamps[i].ID = r.id
			switch {
			case current == nil:
				stamps[i].Verdict = removedBefore
			case current.etag() != r.known:
				stamps[i].Verdict = removedLater
			default:
				stamps[i].Verdict = removedNow
				if !current.live(now) { // it goes all the same, but for a reader it was not there
					stamps[i].Verdict = removedBefore
				}
				t.Set(i, nil)
				for _, key := range r.keys {
					t.Delete(key)
				}
			}
		}
		return stamps, nil
	}
	stamps, err := s.group.Do(ctx, op)
	if err != nil {
		return nil, nil, err
	}
	gone = make(map[string]bool)
	for _, st := range stamps {
		switch st.Verdict {
		case removedNow:
			gone[st.ID] = true
		case removedLater:
			again = append(again, st.ID)
		}
	}
	return gone, again, nil
}

// Verdicts of a removal.
const (
	removedNow    Verdict = "removed"
	removedBefore Verdict = "missing"
	removedLater  Verdict = "changed"
)
