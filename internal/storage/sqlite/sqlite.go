// Package sqlite keeps a storage.Store in one SQLite file, for a laptop or a
// small server. Several processes may have the same file open.
//
// Every Update is on the disk when it returns: the log is flushed at each commit.
// Concurrent updates share a transaction, and so the flush (group commit).
//
// Read writer.go first: how updates are grouped. Then transaction.go, what one
// group does to the file; query.go, with walk.go and gather.go, how a query finds
// its page by an index; schema.go, value.go and properties.go, what the file
// holds; sweep.go, how expired entities go.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"github.com/tallystick/tallystick/internal/storage"
)

// Open opens the database in the file at path, which it makes, readable for its
// owner only, if there is none. The folder must exist.
func Open(ctx context.Context, path string) (storage.Store, error) {
	s, err := open(ctx, path, time.Now)
	if err != nil {
		return nil, fmt.Errorf("sqlite open %s: %w", path, err)
	}
	return storage.New(s), nil
}

// store is a storage.Driver.
type store struct {
	writer  *writer
	readers *readers
	sweeper *sweeper
}

func open(ctx context.Context, path string, now func() time.Time) (*store, error) {
	if err := createFile(path); err != nil {
		return nil, err
	}
	c, err := connectWriter(ctx, path)
	if err != nil {
		return nil, err
	}
	s := &store{writer: newWriter(c), readers: newReaders(path)}
	s.sweeper = startSweeper(s, now, sweepEvery)
	return s, nil
}

// Get implements storage.Driver.
func (s *store) Get(ctx context.Context, keys []storage.Key) ([]storage.Entity, error) {
	var entities []storage.Entity
	err := s.readers.with(ctx, func(c *conn) (err error) {
		entities, err = get(c, keys)
		return err
	})
	return entities, err
}

// Query implements storage.Driver.
func (s *store) Query(ctx context.Context, q storage.Query) (found storage.Found, err error) {
	err = s.readers.with(ctx, func(c *conn) (err error) {
		found, err = query(ctx, c, q)
		return err
	})
	return found, err
}

// Count implements storage.Driver.
func (s *store) Count(ctx context.Context, q storage.Query) (n int64, err error) {
	err = s.readers.with(ctx, func(c *conn) (err error) {
		n, err = count(ctx, c, q)
		return err
	})
	return n, err
}

// Update implements storage.Driver.
func (s *store) Update(ctx context.Context, fn func(storage.Getter) ([]storage.Write, error)) error {
	return s.writer.update(ctx, fn)
}

// Close implements storage.Driver. It waits for the updates that are under way.
func (s *store) Close() error {
	s.sweeper.stop()
	// The writer last: closing the last connection empties the log into the file.
	return errors.Join(s.readers.close(), s.writer.close())
}

// createFile leaves a file that exists alone: merely to open and close it would
// drop the locks that another store of this process has on it.
func createFile(path string) error {
	folder := filepath.Dir(path)
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return fmt.Errorf("there is no folder %s: make it first", folder)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.Close()
}

// connectWriter opens the connection that writes, and prepares the file.
func connectWriter(ctx context.Context, path string) (*conn, error) {
	until := deadline(ctx)
	for try := 0; ; try++ {
		c, err := connect(ctx, path,
			"busy_timeout = 1000",           // while opening
			"synchronous = FULL",            // in WAL mode: flush the log at each commit
			"cache_size = -8000",            // KiB
			"journal_size_limit = 16777216", // to which a log that a burst made longer is cut
		)
		if err == nil {
			if err = prepare(c); err == nil {
				// From here on begin waits: it knows each caller's deadline.
				err = c.script("PRAGMA busy_timeout = 0")
			}
			if err == nil {
				return c, nil
			}
			c.close()
		}
		switch {
		case primary(err) == sqlite3.SQLITE_NOTADB:
			return nil, fmt.Errorf("it is not a SQLite database: %w", err)
		case !isBusy(err) || ctx.Err() != nil || time.Now().After(until):
			return nil, classify("prepare", err)
		}
		time.Sleep(pause(try))
	}
}
