package sqlite

import (
	"context"
	"database/sql/driver"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

const (
	sweepEvery = time.Minute
	sweepBatch = 100 // entities for each update: callers wait no longer for it

	selectExpired = "SELECT kind, name FROM entity WHERE expire <= ? ORDER BY expire LIMIT ?"
)

// sweeper deletes what has expired, each minute. Not when the store opens: the clock of a
// machine that has just started may be wrong, and what is deleted by it is gone.
type sweeper struct {
	cancel context.CancelFunc
	ended  chan struct{}
}

func startSweeper(s *store, now func() time.Time, every time.Duration) *sweeper {
	ctx, cancel := context.WithCancel(context.Background())
	w := &sweeper{cancel, make(chan struct{})}
	go func() {
		defer close(w.ended)
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			// An error is left to the next time: nobody waits for this, and who
			// reads or writes meets the same trouble and reports it.
			_ = s.sweep(ctx, now())
		}
	}()
	return w
}

func (w *sweeper) stop() {
	w.cancel()
	<-w.ended
}

// sweep deletes the entities that have expired by now.
func (s *store) sweep(ctx context.Context, now time.Time) error {
	for {
		keys, err := s.expired(ctx, now)
		if err != nil || len(keys) == 0 {
			return err
		}
		if err := s.deleteExpired(ctx, keys, now); err != nil {
			return err
		}
	}
}

// deleteExpired deletes those that have still expired: one may have been put anew
// since the keys were found.
func (s *store) deleteExpired(ctx context.Context, keys []storage.Key, now time.Time) error {
	return s.Update(ctx, func(get storage.Getter) (writes []storage.Write, err error) {
		entities, err := get(keys)
		if err != nil {
			return nil, err
		}
		for _, e := range entities {
			if e.Exists && !e.Expire.IsZero() && !e.Expire.After(now) {
				writes = append(writes, storage.Write{Entity: storage.Entity{Key: e.Key}, Delete: true})
			}
		}
		return writes, nil
	})
}

func (s *store) expired(ctx context.Context, now time.Time) (keys []storage.Key, err error) {
	err = s.readers.with(ctx, func(c *conn) error {
		return c.query(context.Background(), selectExpired, func(v []driver.Value) error {
			keys = append(keys, storage.Key{Kind: v[0].(string), Name: v[1].(string)})
			return nil
		}, now.UnixMicro(), int64(sweepBatch))
	})
	return keys, err
}
