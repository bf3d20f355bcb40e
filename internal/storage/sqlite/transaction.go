package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"slices"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

// transactionBytes is how much a transaction takes from one group. The log grows
// by as much.
const transactionBytes = 16 << 20

const (
	begin  = "BEGIN IMMEDIATE"
	commit = "COMMIT"

	selectEntity = "SELECT id, properties, expire, data FROM entity WHERE kind = ? AND name = ?"
	insertEntity = "INSERT INTO entity (kind, name, properties, expire, data) VALUES (?, ?, ?, ?, ?)"
	updateData   = "UPDATE entity SET data = ? WHERE id = ?"
	updateEntity = "UPDATE entity SET properties = ?, expire = ?, data = ? WHERE id = ?"
	deleteEntity = "DELETE FROM entity WHERE id = ?"

	insertProperty = "INSERT INTO property (kind, property, value, name, entity) VALUES (?, ?, ?, ?, ?)"
	deleteProperty = "DELETE FROM property WHERE kind = ? AND property = ? AND value = ? AND name = ?"
)

// transaction is one SQL transaction, which carries the updates of many callers.
// It holds the entities that they read and wrote, so that each is read from the
// file once and written once, however many of them it serves.
type transaction struct {
	conn    *conn
	rows    map[storage.Key]*row
	changed []*row // in the order of their first write
	bytes   int    // that were written

	err        error // the first of SQLite's own errors: all that follows is void
	rolledBack bool
}

// row is an entity as it is now in the transaction, and as it is in the file.
type row struct {
	entity  storage.Entity // Index is left in properties
	columns columns
	changed bool

	id     int64 // 0: the file has none
	stored columns
}

// columns are the parts that are left as they are when they do not change.
type columns struct {
	properties []byte
	expire     time.Time
}

// get is a storage.Getter.
func (t *transaction) get(keys []storage.Key) ([]storage.Entity, error) {
	entities := make([]storage.Entity, len(keys))
	for i, key := range keys {
		r, err := t.row(key)
		if err != nil {
			return nil, err
		}
		if entities[i], err = r.read(); err != nil {
			return nil, err
		}
	}
	return entities, nil
}

// write takes over one caller's writes. Its errors are in err.
func (t *transaction) write(writes []storage.Write) {
	for _, w := range writes {
		r, err := t.row(w.Entity.Key)
		if err != nil {
			return
		}
		if !r.changed {
			r.changed = true
			t.changed = append(t.changed, r)
		}
		t.bytes += w.Entity.Size()
		r.entity = w.Entity
		r.entity.Exists = !w.Delete
		r.entity.Index = nil
		r.columns = columns{encodeProperties(w.Entity.Index), w.Entity.Expire}
	}
}

func (t *transaction) full() bool { return t.bytes >= transactionBytes }

// commit ends the transaction: either all of it is on the disk, or, with
// rolledBack set, nothing is. After an error without rolledBack nobody knows.
func (t *transaction) commit() error {
	for _, r := range t.changed {
		if t.err != nil {
			break
		}
		if err := r.flush(t.conn); err != nil {
			t.fail("write "+r.entity.Key.String(), err)
		}
	}
	t.rolledBack = t.err != nil
	if t.err == nil {
		if err := t.conn.exec(commit); err != nil {
			t.err = classifyCommit(err)
			t.rolledBack = !errors.Is(t.err, storage.ErrUnknown)
		}
	}
	if t.err != nil {
		t.conn.rollback()
	}
	return t.err
}

// row is the entity's row, read from the file the first time.
func (t *transaction) row(key storage.Key) (*row, error) {
	if r, ok := t.rows[key]; ok {
		return r, nil
	}
	r, err := readRow(t.conn, key)
	if err != nil {
		return nil, t.fail("read "+key.String(), err)
	}
	t.rows[key] = r
	return r, nil
}

func (t *transaction) fail(operation string, err error) error {
	err = classify(operation, err)
	if t.err == nil {
		t.err = err
	}
	return err
}

func readRow(c *conn, key storage.Key) (*row, error) {
	r := &row{entity: storage.Entity{Key: key}}
	err := c.query(context.Background(), selectEntity, func(v []driver.Value) error {
		r.id = v[0].(int64)
		r.stored.properties, _ = v[1].([]byte)
		r.stored.expire = decodeExpire(v[2])
		r.columns = r.stored
		r.entity.Exists = true
		r.entity.Expire = r.stored.expire
		r.entity.Data, _ = v[3].([]byte)
		return nil
	}, key.Kind, key.Name)
	return r, err
}

// read is the entity in memory of its own.
func (r *row) read() (e storage.Entity, err error) {
	e = r.entity
	if !e.Exists {
		return storage.Entity{Key: e.Key}, nil
	}
	e.Data = slices.Clone(e.Data)
	e.Index, err = decodeIndex(r.columns.properties)
	return e, err
}

func (r *row) flush(c *conn) error {
	switch e := r.entity; {
	case e.Exists && r.id == 0:
		var err error
		if r.id, err = c.insert(insertEntity, e.Key.Kind, e.Key.Name, r.columns.properties, encodeExpire(e.Expire), e.Data); err != nil {
			return err
		}
	case e.Exists && r.columns.equal(r.stored):
		return c.exec(updateData, e.Data, r.id)
	case e.Exists:
		if err := c.exec(updateEntity, r.columns.properties, encodeExpire(e.Expire), e.Data, r.id); err != nil {
			return err
		}
	case r.id == 0:
		return nil
	default:
		if err := c.exec(deleteEntity, r.id); err != nil {
			return err
		}
	}
	return r.flushProperties(c)
}

// flushProperties rewrites the rows of the properties that changed, and no others.
func (r *row) flushProperties(c *conn) error {
	if bytes.Equal(r.stored.properties, r.columns.properties) {
		return nil
	}
	before, err := decodeProperties(r.stored.properties)
	if err != nil {
		return err
	}
	after, err := decodeProperties(r.columns.properties)
	if err != nil {
		return err
	}
	key := r.entity.Key
	for _, p := range before {
		if !slices.ContainsFunc(after, p.equal) {
			if err := c.exec(deleteProperty, key.Kind, p.name, p.value, key.Name); err != nil {
				return err
			}
		}
	}
	for _, p := range after {
		if !slices.ContainsFunc(before, p.equal) {
			if err := c.exec(insertProperty, key.Kind, p.name, p.value, key.Name, r.id); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c columns) equal(o columns) bool {
	return bytes.Equal(c.properties, o.properties) && c.expire.Equal(o.expire)
}

func encodeExpire(t time.Time) driver.Value {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}

func decodeExpire(v driver.Value) time.Time {
	if us, ok := v.(int64); ok {
		return time.UnixMicro(us).UTC()
	}
	return time.Time{}
}
