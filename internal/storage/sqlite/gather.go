package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"fmt"
	"slices"

	"github.com/tallystick/tallystick/internal/storage"
)

// gatherMost is how many entities a query gathers at most. It takes about as long
// to read so many as to learn, for each of many filters, that they are not few.
const gatherMost = 500

const (
	selectFew = "SELECT name FROM property WHERE kind = ? AND property = ? AND value = ? LIMIT ?"

	selectGathered = "SELECT p.name, e.properties FROM property p CROSS JOIN entity e ON e.id = p.entity" +
		" WHERE p.kind = ? AND p.property = ? AND p.value = ?"
)

// gather answers the query from the entities of its rarest Equal filter, if those
// are few.
func gather(ctx context.Context, c *conn, q storage.Query, w walk) (page storage.Found, ok bool, err error) {
	rare, ok, err := rarest(ctx, c, q)
	if err != nil || !ok {
		return storage.Found{}, false, err
	}
	places, err := gatherPlaces(ctx, c, q, w, rare)
	if err != nil {
		return storage.Found{}, false, err
	}
	slices.SortFunc(places, func(a, b place) int {
		if q.Descending {
			return b.compare(a)
		}
		return a.compare(b)
	})
	places = places[:min(len(places), q.Limit)]
	entities := make([]storage.Entity, 0, len(places))
	for _, p := range places {
		e := storage.Entity{Key: storage.Key{Kind: q.Kind, Name: p.name.(string)}, Exists: true}
		if !q.KeysOnly {
			if e, err = readEntity(c, e.Key); err != nil {
				return storage.Found{}, false, err
			}
		}
		entities = append(entities, e)
	}
	return found(q, entities, places), true, nil
}

// rarest is the Equal filter that selects the fewest entities, if they are few.
func rarest(ctx context.Context, c *conn, q storage.Query) (rare storage.Filter, ok bool, err error) {
	fewest := gatherMost + 1
	for _, f := range q.Where {
		if f.Op != storage.Equal {
			continue
		}
		n := 0
		err := c.query(ctx, selectFew, func([]driver.Value) error { n++; return nil },
			q.Kind, f.Property, appendValue(nil, f.Value), int64(fewest))
		if err != nil {
			return rare, false, err
		}
		if n < fewest {
			rare, fewest, ok = f, n, true
		}
	}
	return rare, ok, nil
}

// gatherPlaces finds where the walk would meet the entities of the rare filter that
// hold the others too.
func gatherPlaces(ctx context.Context, c *conn, q storage.Query, w walk, rare storage.Filter) (places []place, err error) {
	others := make([]property, len(w.others))
	for i, f := range w.others {
		others[i] = property{f.Property, appendValue(nil, f.Value)}
	}
	err = c.query(ctx, selectGathered, func(v []driver.Value) error {
		packed, _ := v[1].([]byte)
		has, err := decodeProperties(packed)
		if err != nil {
			return fmt.Errorf("%s/%s: %w", q.Kind, v[0], err)
		}
		at := slices.IndexFunc(has, func(p property) bool { return p.name == w.property })
		if at < 0 {
			return nil
		}
		p := place{bytes.Clone(has[at].value), v[0]}
		for _, o := range others {
			if !slices.ContainsFunc(has, o.equal) {
				return nil
			}
		}
		if w.contains(p) {
			places = append(places, p)
		}
		return nil
	}, q.Kind, rare.Property, appendValue(nil, rare.Value))
	return places, err
}
