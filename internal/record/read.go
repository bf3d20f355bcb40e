package record

import (
	"context"
	"fmt"

	"github.com/tallystick/tallystick/internal/storage"
)

// maxReplyBytes is the content that one call reads: less than the 32 MiB that the
// gateway lets pass, and not much memory.
const maxReplyBytes = 8 << 20

// Get returns a record, or ErrNotFound.
func (r *Reader) Get(ctx context.Context, collection, id string) (Record, error) {
	if err := checkName(collection, id); err != nil {
		return Record{}, err
	}
	s, err := r.read(ctx, collection, id)
	if err != nil {
		return Record{}, err
	}
	if s == nil {
		return Record{}, notFound(collection, id)
	}
	return s.record(collection, id), nil
}

func checkName(collection, id string) error {
	if err := CheckCollection(collection); err != nil {
		return err
	}
	return CheckID(id)
}

func notFound(collection, id string) error {
	return fmt.Errorf("%w: %s/%s", ErrNotFound, collection, id)
}

// read returns a live record's state with its content, or nil. When a part of the
// content is missing, the record was changed or removed meanwhile: then it looks
// again. If it was not, the store has begun to remove what it takes for expired.
func (r *Reader) read(ctx context.Context, collection, id string) (*state, error) {
	last := ""
	for {
		entities, err := r.source.Get(ctx, recordKey(collection, id))
		if err != nil {
			return nil, fmt.Errorf("record: %s/%s: %w", collection, id, err)
		}
		s, err := decodeState(entities[0])
		if err != nil || !s.live(r.now()) {
			return nil, err
		}
		if ok, err := r.complete(ctx, collection, id, s); ok || err != nil {
			return s, err
		}
		switch tag := s.etag(); {
		case tag != last:
			last = tag
		case s.expire.IsZero():
			return nil, fmt.Errorf("record: %s/%s: a part of its content is missing", collection, id)
		default:
			return nil, nil
		}
	}
}

// GetMany returns the records of the ids, in their order, and the ids of those that
// are not there.
func (r *Reader) GetMany(ctx context.Context, collection string, ids []string) (found []Record, missing []string, err error) {
	if err := CheckCollection(collection); err != nil {
		return nil, nil, err
	}
	if len(ids) > MaxBatch {
		return nil, nil, fmt.Errorf("%w: at most %d at once, not %d", ErrTooMany, MaxBatch, len(ids))
	}
	keys := make([]storage.Key, len(ids))
	for i, id := range ids {
		if err := CheckID(id); err != nil {
			return nil, nil, err
		}
		keys[i] = recordKey(collection, id)
	}
	entities, err := r.source.Get(ctx, keys...)
	if err != nil {
		return nil, nil, fmt.Errorf("record: %d of %s: %w", len(ids), collection, err)
	}
	bytes := 0
	for i, e := range entities {
		s, err := r.fromEntity(ctx, collection, ids[i], e)
		switch {
		case err != nil:
			return nil, nil, err
		case s == nil:
			missing = append(missing, ids[i])
			continue
		}
		if bytes += len(s.original) + len(s.transformed); bytes > 2*maxReplyBytes {
			return nil, nil, fmt.Errorf("%w: these records have over %d bytes; ask for fewer at once", ErrTooLarge, 2*maxReplyBytes)
		}
		found = append(found, s.record(collection, ids[i]))
	}
	return found, missing, nil
}

// fromEntity returns the state of an entity that was read, with its content, or nil
// where it is no live record.
func (r *Reader) fromEntity(ctx context.Context, collection, id string, e storage.Entity) (*state, error) {
	s, err := decodeState(e)
	if err != nil || !s.live(r.now()) {
		return nil, err
	}
	ok, err := r.complete(ctx, collection, id, s)
	if ok || err != nil {
		return s, err
	}
	return r.read(ctx, collection, id)
}

// Revisions returns a record's earlier versions, the latest first, the newest
// MaxRevisions at most. size and before, unless zero, select a part of them: at most
// so many, of versions before that one. next is the before of the next part, 0 at the
// end.
func (r *Reader) Revisions(ctx context.Context, collection, id string, size int, before int64) (revisions []Record, next int64, err error) {
	if err := checkName(collection, id); err != nil {
		return nil, 0, err
	}
	entities, err := r.source.Get(ctx, recordKey(collection, id))
	if err != nil {
		return nil, 0, fmt.Errorf("record: %s/%s: %w", collection, id, err)
	}
	current, err := decodeState(entities[0])
	if err != nil {
		return nil, 0, err
	}
	if !current.live(r.now()) {
		return nil, 0, notFound(collection, id)
	}
	oldest, latest := max(1, current.version-MaxRevisions), current.version-1
	if before > 0 {
		latest = min(latest, before-1)
	}
	if size > 0 && latest-oldest >= int64(size) {
		oldest = latest - int64(size) + 1
		next = oldest
	}
	if next <= max(1, current.version-MaxRevisions) {
		next = 0
	}
	return r.revisions(ctx, collection, id, latest, oldest, next)
}

func (r *Reader) revisions(ctx context.Context, collection, id string, latest, oldest, next int64) ([]Record, int64, error) {
	var keys []storage.Key
	for v := latest; v >= oldest; v-- {
		keys = append(keys, revisionKey(collection, id, v))
	}
	entities, err := r.source.Get(ctx, keys...)
	if err != nil {
		return nil, 0, fmt.Errorf("record: revisions of %s/%s: %w", collection, id, err)
	}
	var all []Record
	bytes := 0
	for _, e := range entities {
		s, err := decodeRevision(e)
		if err != nil {
			return nil, 0, err
		}
		if s == nil || !s.live(r.now()) { // it expired, or was dropped meanwhile
			continue
		}
		if ok, err := r.complete(ctx, collection, id, s); err != nil {
			return nil, 0, err
		} else if !ok {
			continue
		}
		if bytes += len(s.original) + len(s.transformed); bytes > maxReplyBytes && len(all) > 0 {
			return all, all[len(all)-1].Version, nil
		}
		all = append(all, s.record(collection, id))
	}
	return all, next, nil
}
