package archive_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/tallystick/tallystick/internal/archive"
	"github.com/tallystick/tallystick/internal/storage"
)

// TestWhatOthersWroteMeanwhileIsNotOverwritten: they were told that it is stored.
func TestWhatOthersWroteMeanwhileIsNotOverwritten(t *testing.T) {
	file, _ := bulk(t, 4000)
	for name, page := range map[string]string{"what is not there yet": "/999", "what was put by a run that broke off": "/0"} { // the last and the first by name
		t.Run(name, func(t *testing.T) {
			store := openSQLite(t)
			broken := &breaking{Store: store}
			broken.left.Store(4) // of which two say whose import it is, and how far
			if err := read(t, file, broken); !errors.Is(err, errBroken) {
				t.Fatalf("got error %v, want that it breaks off", err)
			}
			theirs := storage.Entity{Key: storage.Key{Kind: "Page", Name: page}, Data: []byte("a visit")}
			put(t, store, theirs)
			for range 2 { // nor by the same command again
				err := read(t, file, store)
				if !errors.Is(err, archive.ErrWritten) {
					t.Errorf("got error %v, want ErrWritten", err)
				}
				found, err := store.Get(t.Context(), theirs.Key)
				if err != nil || !bytes.Equal(found[0].Data, theirs.Data) {
					t.Errorf("there is %q, %v, want %q", found[0].Data, err, theirs.Data)
				}
				if err := archive.Unfinished(t.Context(), store); !errors.Is(err, archive.ErrUnfinished) {
					t.Errorf("then got error %v, want ErrUnfinished", err)
				}
			}
		})
	}
}

// TestAnImportIsUnfinishedUntilItsEnd, from before the first entity on.
func TestAnImportIsUnfinishedUntilItsEnd(t *testing.T) {
	file, _ := bulk(t, 4000)
	store := openSQLite(t)
	want := func(when string, want error) {
		t.Helper()
		if err := archive.Unfinished(t.Context(), store); !errors.Is(err, want) {
			t.Errorf("%s: got error %v, want %v", when, err, want)
		}
	}
	want("before", nil)
	broken := &breaking{Store: store}
	for _, updates := range []int64{1, 5, 0} {
		broken.left.Store(updates)
		if err := read(t, file, broken); !errors.Is(err, errBroken) {
			t.Fatalf("got error %v, want that it breaks off", err)
		}
		want("when it broke off", archive.ErrUnfinished)
	}
	to := archive.Target{Store: store, Now: now, Arrived: func() error {
		want("when all is there", archive.ErrUnfinished)
		return nil
	}}
	if err := readTelling(t.Context(), file, to, func(int64) {}); err != nil {
		t.Fatal(err)
	}
	want("after", nil)
}
