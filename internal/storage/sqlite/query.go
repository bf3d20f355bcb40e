package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/tallystick/tallystick/internal/storage"
)

// A query is one walk along an index, from one place to another (walk.go), which
// ends when the page is full. With filters beside the one that is walked by, such
// a walk may pass many entities for each that it keeps. So when one of them is
// rare, the query gathers what that one selects instead, and sorts it (gather.go).

func query(ctx context.Context, c *conn, q storage.Query) (storage.Found, error) {
	w, err := newWalk(q)
	if err != nil {
		return storage.Found{}, fmt.Errorf("sqlite query %s: %w", q.Kind, err)
	}
	found, err := queryBy(ctx, c, q, w)
	if err != nil {
		return storage.Found{}, queryError(ctx, "query "+q.Kind, err)
	}
	return found, nil
}

func queryBy(ctx context.Context, c *conn, q storage.Query, w walk) (storage.Found, error) {
	if len(w.others) > 0 {
		// Both ways, and the choice between them, are of one moment; a snapshot's are.
		if !c.inSnapshot {
			if err := c.exec("BEGIN"); err != nil {
				return storage.Found{}, err
			}
			defer c.rollback()
		}
		if found, ok, err := gather(ctx, c, q, w); ok || err != nil {
			return found, err
		}
	}
	return w.run(ctx, c, q)
}

// count walks, and nothing else: what is walked over takes no memory.
func count(ctx context.Context, c *conn, q storage.Query) (n int64, err error) {
	w, err := newWalk(q)
	if err != nil {
		return 0, fmt.Errorf("sqlite count %s: %w", q.Kind, err)
	}
	text, args := w.countSQL(q)
	err = c.query(ctx, text, func(v []driver.Value) error {
		n = v[0].(int64)
		return nil
	}, args...)
	if err != nil {
		return 0, queryError(ctx, "count "+q.Kind, err)
	}
	return n, nil
}

// queryError prefers ctx's own error to that of the interruption which it caused.
func queryError(ctx context.Context, operation string, err error) error {
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return classify(operation, err)
}

// run reads the page by walking.
func (w walk) run(ctx context.Context, c *conn, q storage.Query) (storage.Found, error) {
	entities := make([]storage.Entity, 0, min(q.Limit, 64))
	places := make([]place, 0, cap(entities))
	text, args := w.sql(q)
	err := c.query(ctx, text, func(v []driver.Value) error {
		e := storage.Entity{Key: storage.Key{Kind: q.Kind, Name: v[0].(string)}, Exists: true}
		p := place{name: v[0]}
		p.value, _ = v[1].([]byte)
		if !q.KeysOnly {
			properties, _ := v[2].([]byte)
			e.Expire = decodeExpire(v[3])
			e.Data, _ = v[4].([]byte)
			var err error
			if e.Index, err = decodeIndex(properties); err != nil {
				return fmt.Errorf("%s: %w", e.Key, err)
			}
		}
		entities, places = append(entities, e), append(places, p)
		return nil
	}, args...)
	if err != nil {
		return storage.Found{}, err
	}
	return found(q, entities, places), nil
}

// found is the page of the entities at the places.
func found(q storage.Query, entities []storage.Entity, places []place) storage.Found {
	return storage.Found{
		Entities: entities,
		More:     len(entities) == q.Limit,
		After:    func(i int) string { return places[i].cursor() },
	}
}
