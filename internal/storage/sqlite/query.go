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

func query(ctx context.Context, c *conn, q storage.Query) (storage.Page, error) {
	w, err := newWalk(q)
	if err != nil {
		return storage.Page{}, fmt.Errorf("sqlite query %s: %w", q.Kind, err)
	}
	page, err := queryBy(ctx, c, q, w)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return storage.Page{}, classify("query "+q.Kind, err)
	}
	return page, nil
}

func queryBy(ctx context.Context, c *conn, q storage.Query, w walk) (storage.Page, error) {
	if len(w.others) > 0 {
		// Both ways, and the choice between them, are of one moment.
		if err := c.exec("BEGIN"); err != nil {
			return storage.Page{}, err
		}
		defer c.rollback()
		if page, ok, err := gather(ctx, c, q, w); ok || err != nil {
			return page, err
		}
	}
	return w.run(ctx, c, q)
}

// run reads the page by walking.
func (w walk) run(ctx context.Context, c *conn, q storage.Query) (storage.Page, error) {
	page := storage.Page{Entities: make([]storage.Entity, 0, min(q.Limit, 64))}
	var last place
	text, args := w.sql(q)
	err := c.query(ctx, text, func(v []driver.Value) error {
		e := storage.Entity{Key: storage.Key{Kind: q.Kind, Name: v[0].(string)}, Exists: true}
		last.name = v[0]
		last.value, _ = v[1].([]byte)
		if !q.KeysOnly {
			properties, _ := v[2].([]byte)
			e.Expire = decodeExpire(v[3])
			e.Data, _ = v[4].([]byte)
			var err error
			if e.Index, err = decodeIndex(properties); err != nil {
				return fmt.Errorf("%s: %w", e.Key, err)
			}
		}
		page.Entities = append(page.Entities, e)
		return nil
	}, args...)
	if err != nil {
		return storage.Page{}, err
	}
	if len(page.Entities) == q.Limit {
		page.Next = last.cursor()
	}
	return page, nil
}
