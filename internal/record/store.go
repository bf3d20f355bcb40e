package record

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/tallystick/tallystick/internal/merge"
)

// StoreRequest is one call that stores documents.
type StoreRequest struct {
	Collection     string
	Documents      []Document
	Upsert         bool   // replace records that are there; else they are ErrExists
	IdempotencyKey string // empty: none
	Request        []byte // with an IdempotencyKey: what has to be the same each time
}

// Stored is what a write made of a document.
type Stored struct {
	Record
	Verdict Verdict
}

// Store stores the documents, all or none. When the idempotency key has come before
// it answers with what was stored then, and replayed is true.
func (s *Service) Store(ctx context.Context, req StoreRequest) (stored []Stored, replayed bool, err error) {
	if err := CheckCollection(req.Collection); err != nil {
		return nil, false, err
	}
	if len(req.Documents) > MaxBatch {
		return nil, false, fmt.Errorf("%w: at most %d at once, not %d", ErrTooMany, MaxBatch, len(req.Documents))
	}
	docs, err := named(req.Documents)
	if err != nil || len(docs) == 0 {
		return nil, false, err
	}
	var id *merge.Idempotency
	if req.IdempotencyKey != "" {
		id = &merge.Idempotency{
			Scope:   "store",
			Key:     req.IdempotencyKey,
			Request: append([]byte(req.Collection+"\x00"+strconv.FormatBool(req.Upsert)+"\x00"), req.Request...),
		}
	}
	var items []item
	stamps, r, replayed, err := s.write(ctx, change{collection: req.Collection}, id, func(r *recipe) (_ []item, err error) {
		items, err = r.items(ctx, docs, req.Upsert)
		return items, err
	})
	if err != nil {
		return nil, false, err
	}
	if replayed {
		if items, err = s.itemsOf(ctx, r, stamps, docs); err != nil {
			return nil, false, err
		}
	}
	return results(req.Collection, stamps, items), replayed, nil
}

// named returns the documents with ids.
func named(docs []Document) ([]Document, error) {
	all := make([]Document, len(docs))
	seen := make(map[string]bool, len(docs))
	for i, d := range docs {
		if d.ID == "" {
			d.ID = newID()
		} else if err := CheckID(d.ID); err != nil {
			return nil, at(i, len(docs), err)
		}
		if seen[d.ID] {
			return nil, at(i, len(docs), fmt.Errorf("%w: %q", ErrDuplicateID, d.ID))
		}
		seen[d.ID] = true
		all[i] = d
	}
	return all, nil
}

// An ItemError says which of several documents an error is of.
type ItemError struct {
	Item int // 0 is the first
	Err  error
}

func (e *ItemError) Error() string { return fmt.Sprintf("records[%d]: %v", e.Item, e.Err) }
func (e *ItemError) Unwrap() error { return e.Err }

func at(i, n int, err error) error {
	if n == 1 {
		return err
	}
	return &ItemError{i, err}
}

// maxPreparing is how long one call may take over its documents, before it stores them:
// a program may take a second over each.
const maxPreparing = 10 * time.Second

func (r *recipe) items(ctx context.Context, docs []Document, replace bool) ([]item, error) {
	ctx, cancel := context.WithTimeout(ctx, maxPreparing)
	defer cancel()
	items := make([]item, len(docs))
	size := 0
	for i, d := range docs {
		content, err := r.prepare(ctx, d.Data)
		if err != nil {
			return nil, at(i, len(docs), err)
		}
		if size += content.size(); size > maxContentBytes && len(docs) > 1 {
			return nil, errTooMuch
		}
		items[i] = item{id: d.ID, content: content, replace: replace}
	}
	return items, nil
}

// itemsOf makes a stored reply's content again, of the same request by the settings
// of then.
func (s *Service) itemsOf(ctx context.Context, r *recipe, stamps []stamp, docs []Document) ([]item, error) {
	if len(stamps) > 0 && stamps[0].Settings != r.collection.Version {
		entities, err := s.source.Get(ctx, settingsKey(r.collection.Name, stamps[0].Settings))
		if err != nil {
			return nil, err
		}
		c := &Collection{Name: r.collection.Name}
		if entities[0].Exists { // version 0 has none
			if c, err = decodeCollection(entities[0]); err != nil {
				return nil, err
			}
		}
		r = &recipe{collection: c}
		if r.compiled, err = compile(c.Settings); err != nil {
			return nil, err
		}
	}
	return r.items(ctx, docs, false)
}

func results(collection string, stamps []stamp, items []item) []Stored {
	all := make([]Stored, len(stamps))
	for i, st := range stamps {
		all[i] = Stored{Verdict: st.Verdict, Record: Record{
			ID: st.ID, Collection: collection,
			Original: items[i].content.original, Transformed: items[i].content.transformed,
			Version: st.Version, Created: fromMicros(st.Created), Updated: fromMicros(st.Updated),
			Expire: fromMicros(st.Expire), settings: st.Settings,
		}}
	}
	return all
}

// Put makes the document the record of its id, new or in place of the one that is
// there. A document that is there already changes nothing.
func (s *Service) Put(ctx context.Context, collection string, doc Document, cond Condition) (Stored, error) {
	if err := CheckID(doc.ID); err != nil {
		return Stored{}, err
	}
	return s.writeOne(ctx, collection, func(r *recipe) (item, error) {
		content, err := r.prepare(ctx, doc.Data)
		return item{id: doc.ID, content: content, cond: cond, replace: true}, err
	})
}

// Patch changes a record's original by a JSON merge patch (RFC 7396). The result is
// written anew, without white space.
func (s *Service) Patch(ctx context.Context, collection string, patch Document, cond Condition) (Stored, error) {
	if err := CheckID(patch.ID); err != nil {
		return Stored{}, err
	}
	if len(patch.Data) == 0 || patch.Data[0] != '{' {
		return Stored{}, invalid("a merge patch of a record has to be a JSON object")
	}
	return s.writeOne(ctx, collection, func(r *recipe) (item, error) {
		now, err := s.Get(ctx, collection, patch.ID)
		if err != nil {
			return item{}, err
		}
		patched, err := mergePatch(now.Original, patch.Data)
		if err != nil {
			return item{}, invalid("%v", err)
		}
		content, err := r.prepare(ctx, patched)
		return item{id: patch.ID, content: content, cond: cond, replace: true, base: &now}, err
	})
}

func (s *Service) writeOne(ctx context.Context, collection string, prepare func(*recipe) (item, error)) (Stored, error) {
	if err := CheckCollection(collection); err != nil {
		return Stored{}, err
	}
	var items []item
	stamps, _, _, err := s.write(ctx, change{collection: collection}, nil, func(r *recipe) ([]item, error) {
		it, err := prepare(r)
		items = []item{it}
		return items, err
	})
	if err != nil {
		return Stored{}, err
	}
	return results(collection, stamps, items)[0], nil
}
