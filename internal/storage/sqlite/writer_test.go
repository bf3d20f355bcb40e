package sqlite

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

func TestUpdatesThatWaitShareOneCommit(t *testing.T) {
	f := newFixture(t)
	before := f.commits()
	const waiting = 50
	f.whileLeading(func() {
		for i := range waiting {
			f.start(fmt.Sprint(i), f.putting(fmt.Sprint(i)))
		}
		f.awaitWaiting(waiting)
	})
	f.wantOutcomes(waiting, nil)
	if got := f.commits() - before; got != 2 {
		t.Errorf("got %d commits, want 2: the leader's and the group's", got)
	}
	f.wantStored("leader", true)
	f.wantStored("49", true)
}

func TestAnUpdateThatCannotBeWrittenFailsAlone(t *testing.T) {
	f := newFixture(t)
	f.sql("CREATE TRIGGER bad BEFORE INSERT ON entity WHEN new.name = 'bad' BEGIN SELECT RAISE(ABORT, 'injected'); END")
	f.whileLeading(func() {
		for _, name := range []string{"a", "bad", "b"} {
			f.start(name, f.putting(name))
		}
		f.awaitWaiting(3)
	})
	outcomes := f.wantOutcomes(3, func(name string, err error) bool { return (err != nil) == (name == "bad") })
	if err := outcomes["bad"]; err == nil || !strings.Contains(err.Error(), "Test/bad") {
		t.Errorf("got error %v, want one that names the key", err)
	}
	f.wantStored("a", true)
	f.wantStored("bad", false)
	f.wantStored("b", true)
}

// What one function learned from another's writes must not outlive them.
func TestErrorsThatCameOfWritesThatFailedAreForgotten(t *testing.T) {
	f := newFixture(t)
	f.sql("CREATE TRIGGER bad BEFORE INSERT ON entity WHEN new.name = 'bad' BEGIN SELECT RAISE(ABORT, 'injected'); END")
	taken := errors.New("taken")
	f.whileLeading(func() {
		f.start("first", func(get storage.Getter) ([]storage.Write, error) {
			return []storage.Write{f.put("place"), f.put("bad")}, nil
		})
		f.awaitWaiting(1)
		f.start("second", func(get storage.Getter) ([]storage.Write, error) {
			got, err := get([]storage.Key{f.key("place")})
			if err == nil && got[0].Exists {
				err = taken
			}
			return []storage.Write{f.put("place")}, err
		})
		f.awaitWaiting(2)
	})
	f.wantOutcomes(2, func(name string, err error) bool { return (err != nil) == (name == "first") })
	f.wantStored("place", true)
}

func TestAFullDiskIsUnavailableAndStoresNothing(t *testing.T) {
	f := newFixture(t)
	pages, err := f.store.writer.conn.number("PRAGMA page_count")
	if err != nil {
		t.Fatal(err)
	}
	f.sql(fmt.Sprintf("PRAGMA max_page_count = %d", pages+2))
	large := storage.Write{Entity: storage.Entity{Key: f.key("large"), Data: make([]byte, 100_000)}}
	err = f.store.Update(t.Context(), func(storage.Getter) ([]storage.Write, error) {
		return []storage.Write{f.put("small"), large}, nil
	})
	if !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("got error %v, want ErrUnavailable", err)
	}
	f.wantStored("small", false)
	f.sql("PRAGMA max_page_count = 100000")
	if err := f.store.Update(t.Context(), f.putting("small")); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

func TestAGroupIsCutWhereItGrowsLarge(t *testing.T) {
	f := newFixture(t)
	f.sql("PRAGMA wal_autocheckpoint = 0") // commits counts what is in the log
	before := f.commits()
	const updates = 40
	f.whileLeading(func() {
		for i := range updates {
			name := fmt.Sprint(i)
			f.start(name, func(storage.Getter) ([]storage.Write, error) {
				return []storage.Write{{Entity: storage.Entity{Key: f.key(name), Data: make([]byte, 1_000_000)}}}, nil
			})
		}
		f.awaitWaiting(updates)
	})
	f.wantOutcomes(updates, nil)
	if got := f.commits() - before; got < 3 {
		t.Errorf("got %d commits for 40 MB, want at most %d bytes in each", got, transactionBytes)
	}
	for i := range updates {
		f.wantStored(fmt.Sprint(i), true)
	}
}

func TestTheLogStaysShort(t *testing.T) {
	f := newFixture(t)
	w := storage.Write{Entity: storage.Entity{Key: f.key("large"), Data: make([]byte, 1_000_000)}}
	const updates = 40
	for range updates {
		err := f.store.Update(t.Context(), func(storage.Getter) ([]storage.Write, error) { return []storage.Write{w}, nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(f.path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if got, most := info.Size(), int64(10_000_000); got > most {
		t.Errorf("got %d bytes after writing %d MB, want at most %d", got, updates, most)
	}
}

func TestAnUpdateThatWaitsLeavesWhenItsContextEnds(t *testing.T) {
	f := newFixture(t)
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error)
	f.whileLeading(func() {
		go func() { left <- f.store.Update(ctx, f.putting("left")) }()
		f.start("stays", f.putting("stays"))
		f.awaitWaiting(2)
		cancel()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v, want context.Canceled", err)
		}
	})
	f.wantOutcomes(1, nil)
	f.wantStored("left", false)
	f.wantStored("stays", true)
}

func TestAnUpdateUnderWayWaitsForItsOutcome(t *testing.T) {
	f := newFixture(t)
	ctx, cancel := context.WithCancel(t.Context())
	outcome := make(chan error, 1)
	running := make(chan struct{})
	f.whileLeading(func() {
		go func() {
			outcome <- f.store.Update(ctx, func(storage.Getter) ([]storage.Write, error) {
				close(running)
				cancel()
				return []storage.Write{f.put("cancelled")}, nil
			})
		}()
		f.awaitWaiting(1)
	})
	<-running
	if err := <-outcome; !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want context.Canceled", err)
	}
	f.wantStored("cancelled", false)
}

func TestALockedFileIsAConflictOnceTheContextEnds(t *testing.T) {
	f := newFixture(t)
	other, err := connect(t.Context(), f.path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.close()
	if err := other.exec(begin); err != nil {
		t.Fatal(err)
	}
	expiring, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := f.store.Update(expiring, f.putting("a")); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("got error %v, want ErrConflict", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	go func() {
		f.awaitLeader()
		cancel()
	}()
	if err := f.store.Update(cancelled, f.putting("a")); !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want context.Canceled", err)
	}
	f.wantStored("a", false)

	// One that is patient gets its turn, and so does who waits behind one that is not.
	impatient, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	f.startIn(impatient, "impatient", f.putting("impatient"))
	f.awaitLeader()
	f.start("patient", f.putting("patient"))
	<-impatient.Done()
	other.rollback()
	f.wantOutcomes(2, func(name string, err error) bool { return name == "impatient" || err == nil })
	f.wantStored("patient", true)
}

func TestAFunctionThatEndsItsGoroutineDoesNotStopTheStore(t *testing.T) {
	f := newFixture(t)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = f.store.Update(t.Context(), func(storage.Getter) ([]storage.Write, error) {
			runtime.Goexit()
			return nil, nil
		})
	}()
	<-ended
	if err := f.store.Update(t.Context(), f.putting("a")); err != nil {
		t.Error(err)
	}
	f.wantStored("a", true)
}

func TestCloseWaitsForUpdatesAndRefusesLaterOnes(t *testing.T) {
	f := newFixture(t)
	closed := make(chan error, 1)
	f.whileLeading(func() {
		f.start("waiting", f.putting("waiting"))
		f.awaitWaiting(1)
		go func() { closed <- f.store.Close() }()
	})
	f.wantOutcomes(1, nil)
	if err := <-closed; err != nil {
		t.Errorf("Close: %v", err)
	}
	if err := f.store.Update(t.Context(), f.putting("late")); !errors.Is(err, storage.ErrUnavailable) {
		t.Errorf("after Close: got error %v, want ErrUnavailable", err)
	}
	again, err := open(t.Context(), f.path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	f.store = again
	defer again.Close()
	f.wantStored("leader", true)
	f.wantStored("waiting", true)
	f.wantStored("late", false)
}

// fixture is a store whose insides a test can watch.
type fixture struct {
	*testing.T
	path     string
	store    *store
	outcomes chan outcome
}

type outcome struct {
	name string
	err  error
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tally.db")
	s, err := open(t.Context(), path, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{t, path, s, make(chan outcome, 100)}
	t.Cleanup(func() {
		if !s.writer.closed {
			s.Close()
		}
	})
	return f
}

func (f *fixture) key(name string) storage.Key { return storage.Key{Kind: "Test", Name: name} }

func (f *fixture) put(name string) storage.Write {
	return storage.Write{Entity: storage.Entity{Key: f.key(name), Data: []byte(name)}}
}

func (f *fixture) putting(name string) func(storage.Getter) ([]storage.Write, error) {
	return func(storage.Getter) ([]storage.Write, error) { return []storage.Write{f.put(name)}, nil }
}

// whileLeading calls then while another update is inside its function.
func (f *fixture) whileLeading(then func()) {
	f.Helper()
	leading, release := make(chan struct{}), make(chan struct{})
	done := make(chan error)
	go func() {
		done <- f.store.Update(f.Context(), func(storage.Getter) ([]storage.Write, error) {
			close(leading)
			<-release
			return []storage.Write{f.put("leader")}, nil
		})
	}()
	<-leading
	then()
	close(release)
	if err := <-done; err != nil {
		f.Errorf("leader: %v", err)
	}
}

func (f *fixture) start(name string, fn func(storage.Getter) ([]storage.Write, error)) {
	f.startIn(f.Context(), name, fn)
}

func (f *fixture) startIn(ctx context.Context, name string, fn func(storage.Getter) ([]storage.Write, error)) {
	go func() { f.outcomes <- outcome{name, f.store.Update(ctx, fn)} }()
}

// wantOutcomes waits for n outcomes; right is nil if none may be an error.
func (f *fixture) wantOutcomes(n int, right func(name string, err error) bool) map[string]error {
	f.Helper()
	got := map[string]error{}
	for range n {
		o := <-f.outcomes
		got[o.name] = o.err
		if right == nil && o.err != nil || right != nil && !right(o.name, o.err) {
			f.Errorf("%s: got error %v", o.name, o.err)
		}
	}
	return got
}

func (f *fixture) awaitWaiting(n int) {
	f.await(func(w *writer) bool { return len(w.waiting) == n })
}

func (f *fixture) awaitLeader() {
	f.await(func(w *writer) bool { return w.leading })
}

func (f *fixture) await(reached func(*writer) bool) {
	w := f.store.writer
	for {
		w.mu.Lock()
		ok := reached(w)
		w.mu.Unlock()
		if ok {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func (f *fixture) sql(text string) {
	f.Helper()
	if err := f.store.writer.conn.script(text); err != nil {
		f.Fatal(err)
	}
}

func (f *fixture) wantStored(name string, want bool) {
	f.Helper()
	got, err := f.store.Get(context.Background(), []storage.Key{f.key(name)})
	if err != nil {
		f.Fatal(err)
	}
	if got[0].Exists != want {
		f.Errorf("%s: got stored %v, want %v", name, got[0].Exists, want)
	}
}

// commits counts the commits in the log (https://sqlite.org/fileformat.html#the_write_ahead_log).
func (f *fixture) commits() (n int) {
	f.Helper()
	log, err := os.ReadFile(f.path + "-wal")
	if err != nil {
		f.Fatal(err)
	}
	const header, frameHeader = 32, 24
	page := int(binary.BigEndian.Uint32(log[8:]))
	for at := header; at < len(log); at += frameHeader + page {
		if binary.BigEndian.Uint32(log[at+4:]) != 0 { // the size after a commit
			n++
		}
	}
	return n
}
