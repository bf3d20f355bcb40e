package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/tallystick/tallystick/internal/storage"
)

// readers are the connections for reading outside of updates. They see what was
// committed when they begin, and wait for no writer.
type readers struct {
	path string
	free chan *conn    // idle connections
	room chan struct{} // one token for each connection that may still be opened

	mu     sync.Mutex
	opened []*conn
}

func newReaders(path string) *readers {
	n := max(2, runtime.GOMAXPROCS(0))
	r := &readers{path: path, free: make(chan *conn, n), room: make(chan struct{}, n)}
	for range n {
		r.room <- struct{}{}
	}
	return r
}

// with runs fn with a connection of its own.
func (r *readers) with(ctx context.Context, fn func(*conn) error) error {
	c, err := r.take(ctx)
	if err != nil {
		return fmt.Errorf("sqlite read: %w", err)
	}
	defer func() { r.free <- c }()
	return fn(c)
}

func (r *readers) take(ctx context.Context) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case c := <-r.free:
		return c, nil
	default:
	}
	select {
	case c := <-r.free:
		return c, nil
	case <-r.room:
		return r.open(ctx)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// mapped lets a reader see the file's first GiB in the system's own cache, where it
// would else copy page by page into a small one of its own: in a file of a million
// records that halves what a fetch takes. A disk that cannot be read ends the process
// then, by SIGBUS, in place of the query; what was acknowledged is safe either way.
const mapped = "mmap_size = 1073741824"

func (r *readers) open(ctx context.Context) (*conn, error) {
	c, err := connectReader(ctx, r.path, mapped)
	if err != nil {
		r.room <- struct{}{}
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.opened = append(r.opened, c)
	return c, nil
}

func connectReader(ctx context.Context, path string, pragmas ...string) (*conn, error) {
	c, err := connect(ctx, path, append(pragmas,
		"busy_timeout = 10000", // another process that recovers the log after a crash
		"query_only = ON",
		"cache_size = -4000", // KiB
	)...)
	if err != nil {
		return nil, classify("open", err)
	}
	return c, nil
}

func (r *readers) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for _, c := range r.opened {
		errs = append(errs, c.close())
	}
	return errors.Join(errs...)
}

// get reads the keys' entities as they were at one moment.
func get(c *conn, keys []storage.Key) ([]storage.Entity, error) {
	if len(keys) > 1 {
		if err := c.exec("BEGIN"); err != nil {
			return nil, classify("get", err)
		}
		defer c.rollback()
	}
	entities := make([]storage.Entity, len(keys))
	for i, key := range keys {
		var err error
		if entities[i], err = readEntity(c, key); err != nil {
			return nil, classify("get", err)
		}
	}
	return entities, nil
}

func readEntity(c *conn, key storage.Key) (storage.Entity, error) {
	r, err := readRow(c, key)
	if err == nil {
		r.entity.Index, err = decodeIndex(r.columns.properties)
	}
	if err != nil {
		return storage.Entity{}, fmt.Errorf("%s: %w", key, err)
	}
	return r.entity, nil
}
