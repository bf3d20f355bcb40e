package sqlite

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/tallystick/tallystick/internal/storage"
)

// patience is how long an operation whose context has no deadline waits for
// another process to release the file.
const patience = 30 * time.Second

// classify names the operation and says which of the contract's errors it is.
func classify(operation string, err error) error {
	switch primary(err) {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("sqlite %s: %w: %w", operation, storage.ErrConflict, err)
	case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM,
		sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_PROTOCOL:
		return fmt.Errorf("sqlite %s: %w: %w", operation, storage.ErrUnavailable, err)
	}
	return fmt.Errorf("sqlite %s: %w", operation, err)
}

// classifyCommit is classify for an error of COMMIT. A disk that failed while
// the log was written or flushed may have it or not, and only the next process
// to open the file will see which.
func classifyCommit(err error) error {
	if primary(err) == sqlite3.SQLITE_IOERR {
		return fmt.Errorf("sqlite commit: %w: %w", storage.ErrUnknown, err)
	}
	return classify("commit", err)
}

// primary is SQLite's result code without its extension, 0 of any other error.
func primary(err error) int {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return 0
	}
	return e.Code() & 0xff
}

func isBusy(err error) bool {
	code := primary(err)
	return code == sqlite3.SQLITE_BUSY || code == sqlite3.SQLITE_LOCKED
}

// deadline is when an operation stops waiting for other processes.
func deadline(ctx context.Context) time.Time {
	if d, ok := ctx.Deadline(); ok {
		return d
	}
	return time.Now().Add(patience)
}

// pause is how long to wait before the next try: short, for a transaction of
// another process mostly ends with one flush of the disk, and random, so that
// processes do not wait in step.
func pause(try int) time.Duration {
	longest := min(200*time.Microsecond<<min(try, 10), 5*time.Millisecond)
	return longest/2 + rand.N(longest/2)
}
