package record

import (
	"context"
	"errors"
	"fmt"

	"github.com/tallystick/tallystick/internal/merge"
	"github.com/tallystick/tallystick/internal/storage"
)

// Retransformed says what a part of a retransform did.
type Retransformed struct {
	Done   int            // records made anew
	Failed []FailedRecord // records that cannot be made by the settings as they are: they stay as they were
	Next   string         // the token of the next part; empty: this was the last one
	Left   *int64         // of the first part and the last: records that are still as other settings made them, the failed ones among them
}

// FailedRecord is a record that could not be transformed.
type FailedRecord struct {
	ID     string
	Reason string
}

// Retransform makes transformed, and the indexes, of up to size records anew that were
// made by other settings. Calls with the Next of the call before go through all of
// them; who begins again without one goes on with those that are left. When none is
// left the indexes are complete. A record's version stays, for its original does.
func (s *Service) Retransform(ctx context.Context, collection string, size int, token string) (Retransformed, error) {
	r, err := s.recipe(ctx, collection)
	if err != nil {
		return Retransformed{}, err
	}
	if r.collection.Created.IsZero() {
		return Retransformed{}, fmt.Errorf("%w: %q", ErrCollectionNotFound, collection)
	}
	older := storage.Query{
		Kind:    recordKind + collection,
		Where:   []storage.Filter{{Property: madeProperty, Op: storage.Less, Value: r.collection.Version}},
		OrderBy: madeProperty,
		Limit:   size, Cursor: token,
	}
	page, err := s.source.Query(ctx, older)
	if err != nil {
		return Retransformed{}, queryError(older, err)
	}
	result, err := s.retransformPage(ctx, r, page)
	if err != nil {
		return Retransformed{}, err
	}
	if token != "" && result.Next != "" {
		return result, nil // to count costs the more, the more are left
	}
	left, err := s.source.Count(ctx, older)
	if err != nil {
		return Retransformed{}, queryError(older, err)
	}
	if result.Left = &left; left == 0 {
		result.Next = ""
		err = s.completed(ctx, r.collection)
	}
	return result, err
}

// So many records are made anew side by side, and the group makes few transactions of
// them: one after the other each would wait for one of its own. They are fewer where
// they are larger, for all are in memory.
const (
	retransformAtOnce = 32
	retransformBytes  = 4 << 20
)

// retransformPage makes the records of a page anew, in order, until it has made
// maxReplyBytes: how many bytes a record has is known only when it has been made.
func (s *Service) retransformPage(ctx context.Context, r *recipe, page storage.Page) (Retransformed, error) {
	result := Retransformed{Next: page.Next}
	bytes := 0
	for done := 0; done < len(page.Entities); {
		some, err := atOnce(page.Entities[done:])
		if err != nil {
			return Retransformed{}, err
		}
		n, err := s.retransformSome(ctx, r, some, &result)
		if err != nil {
			return Retransformed{}, err
		}
		done += len(some)
		if bytes += n; bytes > maxReplyBytes && done < len(page.Entities) {
			result.Next = page.After(done - 1)
			break
		}
	}
	return result, nil
}

// atOnce returns the first entities, as many as are made anew side by side.
func atOnce(entities []storage.Entity) ([]storage.Entity, error) {
	bytes := 0
	for i, e := range entities {
		old, err := decodeState(e)
		if err != nil {
			return nil, err
		}
		if old != nil {
			bytes += len(e.Data) + (old.originalParts+old.transformedParts)*partBytes
		}
		if i == retransformAtOnce || bytes > retransformBytes && i > 0 {
			return entities[:i], nil
		}
	}
	return entities, nil
}

// retransformSome makes records anew side by side, adds what became of them to the
// result, in order, and returns how many bytes they have.
func (s *Service) retransformSome(ctx context.Context, r *recipe, some []storage.Entity, result *Retransformed) (bytes int, err error) {
	sizes, faults := make([]int, len(some)), make([]error, len(some))
	err = sideBySide(len(some), retransformAtOnce, func(i int) (err error) {
		sizes[i], err = s.retransform(ctx, r, idOf(some[i].Key.Name), some[i])
		var fault *InvalidError
		switch {
		case errors.As(err, &fault):
			faults[i] = err
			return nil
		case errors.Is(err, errSettings):
			return fmt.Errorf("%w: %w", storage.ErrConflict, err)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	for i, fault := range faults {
		bytes += sizes[i]
		if fault != nil {
			result.Failed = append(result.Failed, FailedRecord{idOf(some[i].Key.Name), reasonOf(fault)})
		} else {
			result.Done++
		}
	}
	return bytes, nil
}

// retransform makes one record anew and returns how many bytes it has.
func (s *Service) retransform(ctx context.Context, r *recipe, id string, e storage.Entity) (size int, err error) {
	collection := r.collection.Name
	old, err := s.fromEntity(ctx, collection, id, e)
	if err != nil {
		return 0, err
	}
	if old == nil { // expired, or removed meanwhile
		return 0, s.unindex(ctx, r.collection, id)
	}
	content, err := r.prepare(ctx, old.original)
	if err != nil {
		return 0, err
	}
	c := &change{service: s, collection: collection, recipe: r}
	// nobody's key brings those that are made side by side, and who teaches the
	// collection something, into one batch.
	op := merge.Op[state, []stamp]{
		Keys:   []storage.Key{recordKey(collection, id), {Kind: recordKind + collection, Name: nobody}},
		Reads:  []storage.Key{collectionKey(collection)},
		Brings: 2 * (1 + partsOf(content.transformed)),
		Bytes:  len(content.original) + len(content.transformed) + 1024,
	}
	op.Apply = func(t *merge.Turn[state]) ([]stamp, error) {
		now := s.now()
		known, err := c.settled(t.Entity(0))
		if err != nil {
			return nil, err
		}
		current := t.State(0)
		if !current.live(now) || current.version != old.version || current.settings >= r.collection.Version {
			return nil, nil // it has been made anew
		}
		next := *current
		next.settings, next.originalParts, next.transformedParts = r.collection.Version, 0, 0
		parts := next.place(collection, id, content.original, content.transformed)
		next.large = max(next.large, current.large)
		kept := make(map[storage.Key]bool)
		for _, part := range parts {
			kept[part.Key] = true
			if err := t.Put(part); err != nil {
				return nil, err
			}
		}
		for _, key := range current.partKeys(collection, id) {
			if !kept[key] {
				t.Delete(key)
			}
		}
		next.index = r.properties(content.index, &next)
		t.Set(0, &next)
		return nil, c.note(t, known, []facts{content.facts}, now)
	}
	_, err = s.group.Do(ctx, op)
	return len(content.original) + len(content.transformed), err
}

// unindex takes a record that has expired, and that the store has not removed yet, out
// of the indexes: it is not left to be made anew.
func (s *Service) unindex(ctx context.Context, c *Collection, id string) error {
	op := merge.Op[state, []stamp]{Keys: []storage.Key{recordKey(c.Name, id)}}
	op.Apply = func(t *merge.Turn[state]) ([]stamp, error) {
		if current := t.State(0); current != nil && !current.live(s.now()) {
			current.index = nil
			t.Set(0, current)
		}
		return nil, nil
	}
	_, err := s.group.Do(ctx, op)
	return err
}

// completed notes that all records are made by the collection's settings, if those
// are still the same.
func (s *Service) completed(ctx context.Context, c *Collection) error {
	if !c.AllPending && len(c.Pending) == 0 {
		return nil
	}
	return s.store.Update(ctx, func(tx storage.Tx) error {
		entities, err := tx.Get(collectionKey(c.Name))
		if err != nil {
			return err
		}
		now, err := decodeCollection(entities[0])
		if err != nil || now.Version != c.Version {
			return err
		}
		now.AllPending, now.Pending = false, nil
		return tx.Put(now.encode())
	})
}
