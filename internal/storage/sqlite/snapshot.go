package sqlite

import (
	"context"

	"github.com/tallystick/tallystick/internal/storage"
)

// snapshot is a transaction that reads, on a connection of its own. Writers go on beside
// it, but the log cannot begin anew below what the snapshot still sees, so the file
// beside the database grows while it is open. The database is not mapped: who reads it from
// end to end would have all of it in memory.
type snapshot struct{ conn *conn }

// Snapshot implements storage.Driver.
func (s *store) Snapshot(ctx context.Context) (storage.DriverSnapshot, error) {
	if err := ctx.Err(); err != nil {
		return nil, classify("snapshot", err)
	}
	c, err := connectReader(ctx, s.readers.path)
	if err != nil {
		return nil, err
	}
	err = c.exec("BEGIN")
	if err == nil {
		_, err = c.number("SELECT count(*) FROM sqlite_schema") // the moment is that of the first read
	}
	if err != nil {
		c.close()
		return nil, classify("snapshot", err)
	}
	c.inSnapshot = true
	return snapshot{c}, nil
}

// Query implements storage.DriverSnapshot.
func (s snapshot) Query(ctx context.Context, q storage.Query) (storage.Found, error) {
	if err := ctx.Err(); err != nil {
		return storage.Found{}, classify("query "+q.Kind, err)
	}
	return query(ctx, s.conn, q)
}

// Close implements storage.DriverSnapshot.
func (s snapshot) Close() error {
	s.conn.rollback()
	return s.conn.close()
}
