package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/archive"
	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/emulator"
)

// breaking is a store whose Updates fail after some, or are done and say that they failed.
type breaking struct {
	storage.Store
	left atomic.Int64 // Updates until then
	done bool
	puts atomic.Int64
}

var errBroken = errors.New("the disk is gone")

func (b *breaking) Update(ctx context.Context, fn func(storage.Tx) error) error {
	fails := b.left.Add(-1) < 0
	if fails && !b.done {
		return errBroken
	}
	err := b.Store.Update(ctx, func(tx storage.Tx) error { return fn(&countingTx{tx, b}) })
	if fails && err == nil {
		return errBroken
	}
	return err
}

type countingTx struct {
	storage.Tx
	store *breaking
}

func (t *countingTx) Put(e storage.Entity) error {
	t.store.puts.Add(1)
	return t.Tx.Put(e)
}

// bulk is an archive of so many pages and nothing else, and what is in it.
func bulk(t *testing.T, n int) ([]byte, map[storage.Key]storage.Entity) {
	t.Helper()
	store := openSQLite(t)
	var entities []storage.Entity
	for i := range n {
		entities = append(entities, storage.Entity{Key: storage.Key{Kind: "Page", Name: fmt.Sprint("/", i)}, Index: map[string]any{"rank": int64(i)}, Data: make([]byte, i%300)})
		if len(entities) == 1000 || i == n-1 {
			put(t, store, entities...)
			entities = nil
		}
	}
	file, _ := write(t, store, nil)
	return file, everything(t, store)
}

// TestAnImportThatFailedGoesOnWhereItStopped, wherever that was, and in the end all is
// there once.
func TestAnImportThatFailedGoesOnWhereItStopped(t *testing.T) {
	const entities = 6_000
	file, want := bulk(t, entities)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range pick(2, 40) {
		store := &breaking{Store: openSQLite(t), done: i%2 == 0}
		runs := 0
		for {
			store.left.Store(7 + random.Int64N(6)) // of twelve and what says how far it is
			if runs++; runs > 100 {
				t.Fatal("it does not come to an end")
			}
			err := read(t, file, store)
			if err == nil {
				break
			}
			if !errors.Is(err, errBroken) {
				t.Fatal(err)
			}
		}
		wantSame(t, fmt.Sprint("after ", runs, " runs"), everything(t, store), want)
		page, err := store.Query(t.Context(), storage.Query{Kind: "Restore", Limit: 1})
		if err != nil || len(page.Entities) > 0 {
			t.Errorf("in the end there is %v, %v", page.Entities, err)
		}
	}
}

// overtaken is a store that fails to store what has one name, once others that began later
// are stored.
type overtaken struct {
	storage.Store
	name   string
	stored chan struct{} // the others
}

func (o *overtaken) Update(ctx context.Context, fn func(storage.Tx) error) error {
	tx := &seeingTx{name: o.name}
	err := o.Store.Update(ctx, func(real storage.Tx) error {
		tx.Tx, tx.seen = real, false
		if err := fn(tx); err != nil || !tx.seen {
			return err
		}
		return errBroken
	})
	if !tx.seen {
		o.stored <- struct{}{}
		return err
	}
	for range 4 { // that it is the store's import, how far it is, which is nowhere, and two batches
		<-o.stored
	}
	return err
}

type seeingTx struct {
	storage.Tx
	name string
	seen bool
}

func (t *seeingTx) Put(e storage.Entity) error {
	t.seen = t.seen || e.Key.Name == t.name
	return t.Tx.Put(e)
}

// TestWhatFailedBeforeWhatIsStoredIsPutAgain: batches that are under way at once need not
// end in their order.
func TestWhatFailedBeforeWhatIsStoredIsPutAgain(t *testing.T) {
	file, want := bulk(t, 4000)
	store := openSQLite(t)
	if err := read(t, file, &overtaken{store, "/0", make(chan struct{}, 100)}); !errors.Is(err, errBroken) {
		t.Fatalf("got error %v, want that it fails", err)
	}
	if got := len(everything(t, store)); got < 1000 {
		t.Fatalf("%d entities are stored, want those of two batches at least", got)
	}
	if err := read(t, file, store); err != nil {
		t.Error(err)
	}
	wantSame(t, "after all", everything(t, store), want)
}

// TestAnImportThatIsInterruptedSaysHowFarItIs: Ctrl-C costs next to nothing of the work.
func TestAnImportThatIsInterruptedSaysHowFarItIs(t *testing.T) {
	const entities = 6_000
	file, want := bulk(t, entities)
	for name, open := range map[string]func(*testing.T) storage.Store{"SQLite": openSQLite, "Datastore": openDatastore(emulator.FirestoreDatastoreMode)} {
		t.Run(name, func(t *testing.T) {
			store := &breaking{Store: open(t)}
			store.left.Store(1 << 40)
			ctx, cancel := context.WithCancel(t.Context())
			err := readTelling(ctx, file, archive.Target{Store: store, Now: now, Arrived: arrived}, func(done int64) {
				if done > entities/2 {
					cancel()
				}
			})
			if !errors.Is(err, context.Canceled) {
				t.Fatalf("got error %v, want context.Canceled", err)
			}
			before := store.puts.Load()
			if err := read(t, file, store); err != nil {
				t.Fatal(err)
			}
			if again := store.puts.Load() - before; again > entities/2+10 {
				t.Errorf("the second run put %d entities of %d, want half at most", again, entities)
			}
			wantSame(t, name, everything(t, store), want)
		})
	}
}

func TestAStoreWithHalfAnArchiveTakesNoOtherAndGivesNone(t *testing.T) {
	file, _ := bulk(t, 2000)
	other, _ := bulk(t, 1)
	store := &breaking{Store: openSQLite(t)}
	store.left.Store(3)
	if err := read(t, file, store); !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	store.left.Store(1 << 40)
	if err := read(t, other, store); !errors.Is(err, archive.ErrNotEmpty) || !strings.Contains(err.Error(), "an import of another archive") {
		t.Errorf("another archive: got error %v, want ErrNotEmpty that says why", err)
	}
	snapshot, err := store.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Close()
	if _, err := archive.Write(t.Context(), &bytes.Buffer{}, archive.Source{Snapshot: snapshot}, func(int64) {}); !errors.Is(err, archive.ErrUnfinished) {
		t.Errorf("an archive of it: got error %v, want ErrUnfinished", err)
	}
	if err := read(t, file, store); err != nil {
		t.Errorf("the same archive: %v", err)
	}
}

// silent is a store whose answer to a Delete is lost.
type silent struct{ storage.Store }

func (s silent) Update(ctx context.Context, fn func(storage.Tx) error) error {
	tx := &deletingTx{}
	err := s.Store.Update(ctx, func(real storage.Tx) error {
		tx.Tx = real
		return fn(tx)
	})
	if err == nil && tx.deletes {
		return storage.ErrUnknown
	}
	return err
}

type deletingTx struct {
	storage.Tx
	deletes bool
}

func (t *deletingTx) Delete(key storage.Key) error {
	t.deletes = true
	return t.Tx.Delete(key)
}

// TestAnImportWhoseLastAnswerIsLostIsDone, for the same command would find a store that is
// not empty.
func TestAnImportWhoseLastAnswerIsLostIsDone(t *testing.T) {
	file, want := bulk(t, 10)
	store := silent{openSQLite(t)}
	if err := read(t, file, store); err != nil {
		t.Error(err)
	}
	wantSame(t, "after all", everything(t, store), want)
}

// forgetting is a store that says it stored a page, and did not.
type forgetting struct {
	storage.Store
	page string
}

func (f *forgetting) Update(ctx context.Context, fn func(storage.Tx) error) error {
	return f.Store.Update(ctx, func(tx storage.Tx) error { return fn(forgettingTx{tx, f}) })
}

type forgettingTx struct {
	storage.Tx
	store *forgetting
}

func (t forgettingTx) Put(e storage.Entity) error {
	if e.Key.Name == t.store.page {
		return nil
	}
	return t.Tx.Put(e)
}

// TestWhatIsMissingAfterAnImportIsNoticed, unless it has expired: that a store may delete.
func TestWhatIsMissingAfterAnImportIsNoticed(t *testing.T) {
	source := openSQLite(t)
	put(t, source, storage.Entity{Key: storage.Key{Kind: "Page", Name: "/expires"}, Expire: noon.Add(time.Hour)}, storage.Entity{Key: storage.Key{Kind: "Page", Name: "/stays"}})
	file, _ := write(t, source, nil)
	for _, tt := range []struct {
		missing string
		at      time.Time
		want    string
	}{
		{"", noon, ""},
		{"/stays", noon, "after the import there are 1 entities of Page, and in the archive 2"},
		{"/stays", noon.Add(2 * time.Hour), ""}, // that it is the other one cannot be told by counts
		{"/expires", noon, "after the import there are 1 entities of Page, and in the archive 2"},
		{"/expires", noon.Add(2 * time.Hour), ""},
	} {
		store := &forgetting{openSQLite(t), tt.missing}
		target := archive.Target{Store: store, Now: func() time.Time { return tt.at }, Arrived: arrived}
		err := readTelling(t.Context(), file, target, func(int64) {})
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("without %q at %v: got error %v, want %q", tt.missing, tt.at, err, tt.want)
		}
		if err == nil {
			continue
		}
		store.page = ""
		if err := read(t, file, store); err != nil {
			t.Errorf("the same again, where nothing is missing: %v", err)
		}
	}
}

func TestWhatIsThereBesidesAfterAnImportIsNoticed(t *testing.T) {
	file, _ := bulk(t, 10)
	store := openSQLite(t)
	written := false
	err := readTelling(t.Context(), file, archive.Target{Store: store, Now: now, Arrived: arrived}, func(int64) {
		if !written {
			written = true
			put(t, store, storage.Entity{Key: storage.Key{Kind: "Item", Name: "mine"}})
		}
	})
	if err == nil || !strings.Contains(err.Error(), "there are 1 entities of Item, and in the archive 0: did somebody write meanwhile?") {
		t.Errorf("got error %v, want that it is noticed", err)
	}
}
