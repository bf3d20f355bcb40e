package storage

import "context"

// Driver is what a backend implements. New puts the rules of this package in
// front of it, so a driver is called only with valid keys, entities, queries and
// values as normal makes them, and owns the entities that it is given.
type Driver interface {
	// Get is Store.Get.
	Get(ctx context.Context, keys []Key) ([]Entity, error)

	// Query is Store.Query. The cursor is one that a driver returned for the same
	// query, perhaps over another database.
	Query(ctx context.Context, q Query) (Found, error)

	// Count is Store.Count, of a query without Limit, Cursor and KeysOnly. Descending
	// is left as it was, for a driver that needs an index: it is Query's then.
	Count(ctx context.Context, q Query) (int64, error)

	// Snapshot is Store.Snapshot.
	Snapshot(ctx context.Context) (DriverSnapshot, error)

	// Update is Store.Update. fn does all its reading through get, then returns
	// the writes, at most one for each key.
	Update(ctx context.Context, fn func(get Getter) ([]Write, error)) error

	// Close is Store.Close.
	Close() error
}

// DriverSnapshot is a driver's Snapshot. It is closed once, and not used after that.
type DriverSnapshot interface {
	Query(ctx context.Context, q Query) (Found, error)
	Close() error
}

// Getter reads inside a transaction. Missing entities have Exists false.
type Getter func(keys []Key) ([]Entity, error)

// Found is a driver's Page.
type Found struct {
	Entities []Entity

	// More says that there may be further entities behind the last of these.
	More bool

	// After is Page.After. It does not look at Entities, which are the caller's by
	// then.
	After func(i int) string
}

// Write is one change that a transaction makes: Entity is put, or, with Delete,
// what its key names is removed.
type Write struct {
	Entity Entity
	Delete bool
}

// New makes a Store of a driver.
func New(d Driver) Store { return &store{d} }

type store struct{ driver Driver }

func (s *store) Get(ctx context.Context, keys ...Key) ([]Entity, error) {
	if err := checkKeys(keys); err != nil || len(keys) == 0 {
		return nil, err
	}
	ctx, op := begin(ctx, "Get", keys[0].Kind)
	entities, err := s.driver.Get(ctx, keys)
	op.end(err)
	if err == nil {
		op.usage.read(int64(len(keys)))
	}
	return entities, err
}

func (s *store) Query(ctx context.Context, q Query) (Page, error) {
	return query(ctx, s.driver.Query, q)
}

// query asks a driver, or its snapshot, for a page.
func query(ctx context.Context, ask func(context.Context, Query) (Found, error), q Query) (Page, error) {
	if err := q.check(); err != nil {
		return Page{}, err
	}
	q.Where = normalFilters(q.Where)
	q, err := q.unseal()
	if err != nil {
		return Page{}, err
	}
	ctx, op := begin(ctx, "Query", q.Kind)
	found, err := ask(ctx, q)
	op.end(err)
	if err != nil {
		return Page{}, err
	}
	op.usage.read(queryReads(q, len(found.Entities)))
	page := Page{Entities: found.Entities, after: func(i int) string { return q.seal(found.After(i)) }}
	if found.More {
		page.Next = page.After(len(page.Entities) - 1)
	}
	return page, nil
}

func (s *store) Count(ctx context.Context, q Query) (int64, error) {
	q.Limit, q.Cursor, q.KeysOnly = 1, "", false
	if err := q.check(); err != nil {
		return 0, err
	}
	q.Limit = 0
	q.Where = normalFilters(q.Where)
	ctx, op := begin(ctx, "Count", q.Kind)
	n, err := s.driver.Count(ctx, q)
	op.end(err)
	if err == nil {
		op.usage.read(countReads(n))
	}
	return n, err
}

func (s *store) Update(ctx context.Context, fn func(Tx) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	ctx, op := begin(ctx, "Update", "")
	defer func() { op.end(err) }() // also when fn panics
	return s.driver.Update(ctx, func(get Getter) ([]Write, error) {
		op.run()
		t := tx{get: op.counting(get)}
		if err := fn(&t); err != nil {
			op.refused(err)
			return nil, err
		}
		op.usage.wrote(t.writes)
		return t.writes, nil
	})
}

func (s *store) Close() error { return s.driver.Close() }

// tx keeps Tx's rules and collects its writes.
type tx struct {
	get    Getter
	read   int
	writes []Write
	at     map[Key]int // where in writes a key is
	bytes  int
}

func (t *tx) Get(keys ...Key) ([]Entity, error) {
	if len(t.writes) > 0 {
		return nil, invalid("Get after a write in one transaction")
	}
	if err := checkKeys(keys); err != nil || len(keys) == 0 {
		return nil, err
	}
	if t.read += len(keys); t.read > MaxTxReads {
		return nil, tooLarge("a transaction reads at most %d entities", MaxTxReads)
	}
	return t.get(keys)
}

func (t *tx) Put(e Entity) error {
	if err := e.Check(); err != nil {
		return err
	}
	return t.write(Write{Entity: e.normal()})
}

func (t *tx) Delete(key Key) error {
	if err := key.check(); err != nil {
		return err
	}
	return t.write(Write{Entity: Entity{Key: key}, Delete: true})
}

func (t *tx) write(w Write) error {
	key := w.Entity.Key
	i, again := t.at[key]
	if !again {
		i = len(t.writes)
	}
	bytes := t.bytes + w.Entity.Size()
	if again {
		bytes -= t.writes[i].Entity.Size()
	}
	switch {
	case i == MaxTxWrites:
		return tooLarge("a transaction writes at most %d entities", MaxTxWrites)
	case bytes > MaxTxBytes:
		return tooLarge("a transaction writes at most %d bytes", MaxTxBytes)
	}
	t.bytes = bytes
	if again {
		t.writes[i] = w
		return nil
	}
	if t.at == nil {
		t.at = make(map[Key]int)
	}
	t.at[key] = i
	t.writes = append(t.writes, w)
	return nil
}
