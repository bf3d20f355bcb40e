package archive_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/tallystick/tallystick/internal/archive"
	"github.com/tallystick/tallystick/internal/storage"
)

// replaced is a file that another is put in place of once it was checked.
type replaced struct {
	*bytes.Reader
	next []byte
}

func (r *replaced) Seek(offset int64, whence int) (int64, error) {
	if r.next != nil {
		r.Reader, r.next = bytes.NewReader(r.next), nil
	}
	return r.Reader.Seek(offset, whence)
}

// TestAFileThatChangesAfterItsCheckLeavesNothingForDone: what was put of it is put again from
// the one that was checked.
func TestAFileThatChangesAfterItsCheckLeavesNothingForDone(t *testing.T) {
	file, want := bulk(t, 4000)
	other := openSQLite(t)
	for start := 0; start < 4000; start += 1000 { // the same names, and other data
		var entities []storage.Entity
		for _, e := range want {
			if e.Index["rank"].(int64)/1000 == int64(start/1000) {
				e.Data = []byte("other")
				entities = append(entities, e)
			}
		}
		put(t, other, entities...)
	}
	changed, _ := write(t, other, nil)
	for name, second := range map[string][]byte{"replaced": changed, "a bad disk": changed[:len(changed)*3/4]} {
		t.Run(name, func(t *testing.T) {
			store := openSQLite(t)
			contents, err := archive.Verify(t.Context(), bytes.NewReader(file), func(int64) {})
			if err != nil {
				t.Fatal(err)
			}
			to := archive.Target{Store: store, Now: now, Arrived: arrived}
			if err := archive.Read(t.Context(), &replaced{bytes.NewReader(file), second}, contents, to, func(int64) {}); err == nil {
				t.Fatal("it is taken")
			}
			if got := everything(t, store); len(got) == 0 {
				t.Fatal("nothing of it was put, so the test shows nothing")
			}
			if err := read(t, file, store); err != nil {
				t.Fatal(err)
			}
			wantSame(t, "after the same command", everything(t, store), want)
		})
	}
}

// TestALaterImportTakesOver: the earlier one stops, and does not bring back what says that an
// import is not finished.
func TestALaterImportTakesOver(t *testing.T) {
	file, want := bulk(t, 4000)
	store := openSQLite(t)
	var later error
	begun := false
	err := readTelling(t.Context(), file, archive.Target{Store: store, Now: now, Arrived: arrived}, func(int64) {
		if !begun {
			begun = true
			later = read(t, file, store)
		}
	})
	if later != nil {
		t.Errorf("the later one: %v", later)
	}
	if err == nil || !strings.Contains(err.Error(), "another import is running") {
		t.Errorf("the earlier one: got error %v, want that another import is running", err)
	}
	wantSame(t, "after both", everything(t, store), want)
	if page, err := store.Query(t.Context(), storage.Query{Kind: "Restore", Limit: 1}); err != nil || len(page.Entities) > 0 {
		t.Errorf("there is %v, %v, want that no import is under way", page.Entities, err)
	}
}

// late is a store in which something happens before the first Update.
type late struct {
	storage.Store
	before func()
}

func (l *late) Update(ctx context.Context, fn func(storage.Tx) error) error {
	if before := l.before; before != nil {
		l.before = nil
		before()
	}
	return l.Store.Update(ctx, fn)
}

// TestOfTwoArchivesOneArrives, though both saw an empty store.
func TestOfTwoArchivesOneArrives(t *testing.T) {
	file, _ := bulk(t, 10)
	other, want := bulk(t, 20)
	for name, first := range map[string]func(storage.Store){
		"when it is done": func(s storage.Store) {
			if err := read(t, other, s); err != nil {
				t.Error(err)
			}
		},
		"while it is under way": func(s storage.Store) {
			broken := &breaking{Store: s}
			broken.left.Store(2)
			if err := read(t, other, broken); !errors.Is(err, errBroken) {
				t.Errorf("got error %v, want that it breaks off", err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			store := openSQLite(t)
			err := read(t, file, &late{store, func() { first(store) }})
			if !errors.Is(err, archive.ErrNotEmpty) {
				t.Errorf("the other one: got error %v, want ErrNotEmpty", err)
			}
			if err := read(t, other, store); err != nil && !errors.Is(err, archive.ErrNotEmpty) {
				t.Error(err)
			}
			wantSame(t, "after both", everything(t, store), want)
		})
	}
}

// TestWhatCouldNotBeToldIsToldAgain by the same Read.
func TestWhatCouldNotBeToldIsToldAgain(t *testing.T) {
	file, _ := bulk(t, 10)
	store := openSQLite(t)
	told := 0
	for _, want := range []error{io.ErrClosedPipe, nil} {
		to := archive.Target{Store: store, Now: now, Arrived: func() error { told++; return want }}
		if err := readTelling(t.Context(), file, to, func(int64) {}); !errors.Is(err, want) {
			t.Errorf("got error %v, want %v", err, want)
		}
	}
	if told != 2 {
		t.Errorf("it was told %d times, want 2", told)
	}
}
