package record_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/record"
	"github.com/tallystick/tallystick/internal/storage"
)

// between is a store in which something happens once, behind the next read or before
// the next transaction.
type between struct {
	storage.Store
	mu     sync.Mutex
	get    func()
	update func()
}

func (b *between) take(what *func()) {
	b.mu.Lock()
	do := *what
	*what = nil
	b.mu.Unlock()
	if do != nil {
		do()
	}
}

func (b *between) Get(ctx context.Context, keys ...storage.Key) ([]storage.Entity, error) {
	entities, err := b.Store.Get(ctx, keys...)
	if len(keys) > 0 && strings.HasPrefix(keys[0].Kind, "Record.") {
		b.take(&b.get)
	}
	return entities, err
}

func (b *between) Query(ctx context.Context, q storage.Query) (storage.Page, error) {
	page, err := b.Store.Query(ctx, q)
	b.take(&b.get)
	return page, err
}

func (b *between) Update(ctx context.Context, fn func(storage.Tx) error) error {
	b.take(&b.update)
	return b.Store.Update(ctx, fn)
}

// newBetween returns a service in whose way things happen, and one for those things.
func newBetween(t *testing.T) (*between, *record.Service, *record.Service) {
	b := &between{Store: openSQLite(t)}
	return b, record.New(b, record.Options{}), record.New(b.Store, record.Options{})
}

func remove(t *testing.T, s *record.Service, id string) {
	t.Helper()
	if err := s.RemoveOne(t.Context(), things, id, record.Condition{}); err != nil {
		t.Fatal(err)
	}
}

// inParts is a document of two parts, or one, that tells by itself whether it is whole.
func inParts(letter string, bytes int) string {
	return fmt.Sprintf(`{"pad":"%s","end":"%s"}`, strings.Repeat(letter, bytes), letter)
}

func TestAPatchOfARecordThatWasMadeAnewIsOfTheNewOne(t *testing.T) {
	b, s, other := newBetween(t)
	put(t, other, "r", `{"old":1}`)
	b.update = func() {
		remove(t, other, "r")
		put(t, other, "r", `{"new":1}`)
	}
	got, err := s.Patch(t.Context(), things, doc("r", `{"p":1}`), record.Condition{})
	if err != nil || string(got.Original) != `{"new":1,"p":1}` {
		t.Errorf("got %s, %v; want what is there patched", got.Original, err)
	}
}

// Without the time that a record was made at in the names of its parts this read the
// first part of one record behind the other's properties, cut off.
func TestAReaderNeverMixesARecordWithTheOneThatFollowsItUnderItsID(t *testing.T) {
	for _, sizes := range [][2]int{{9 << 10, 9 << 10}, {9 << 10, 1020 << 10}, {1020 << 10, 9 << 10}} {
		b, s, other := newBetween(t)
		before, after := inParts("a", sizes[0]), inParts("b", sizes[1])
		put(t, other, "r", before)
		old, err := other.Get(t.Context(), things, "r")
		if err != nil {
			t.Fatal(err)
		}
		var made record.Stored
		swap := func() {
			remove(t, other, "r")
			made = put(t, other, "r", after)
		}
		for what, read := range map[string]func() (record.Record, error){
			"get": func() (record.Record, error) { return s.Get(t.Context(), things, "r") },
			"list": func() (record.Record, error) {
				page, err := s.List(t.Context(), record.ListRequest{Collection: things, Size: 1})
				return page.Records[0], err
			},
		} {
			b.get = swap
			got, err := read()
			if err != nil || string(got.Original) != after || got.ETag() != made.ETag() || got.ETag() == old.ETag() || string(got.Transformed) != after {
				t.Errorf("%s: %d bytes with tag %s, %v; want %d with %s", what, len(got.Original), got.ETag(), err, len(after), made.ETag())
			}
			before, after = after, before
		}
	}
}

func TestARemovalTakesThePartsThatARetransformMadeMeanwhile(t *testing.T) {
	for _, change := range []string{"retransformed", "made anew"} {
		t.Run(change, func(t *testing.T) {
			b, s, other := newBetween(t)
			put(t, other, "r", inParts("a", 9<<10))
			b.update = func() {
				if change == "made anew" {
					remove(t, other, "r")
					put(t, other, "r", inParts("b", 20<<10))
					return
				}
				configure(t, other, record.Settings{Transform: "."})
				retransform(t, other, 10)
			}
			remove(t, s, "r")
			if left := kept(t, b.Store); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// kept names all entities of records that do not expire.
func kept(t *testing.T, store storage.Store) (names []string) {
	t.Helper()
	for _, kind := range []string{"Record.", "Revision.", "Part."} {
		page, err := store.Query(t.Context(), storage.Query{Kind: kind + things, Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Entities {
			if e.Expire.IsZero() {
				names = append(names, e.Key.String())
			}
		}
	}
	return names
}

func TestWhatAnotherProcessChangedOfTheSettingsHolds(t *testing.T) {
	b, s, other := newBetween(t)
	number, text := []record.Index{{Field: "a", Type: record.Number}}, []record.Index{{Field: "a", Type: record.String}}
	configure(t, other, record.Settings{Indexes: number})
	put(t, s, "1", `{"a":1}`) // now s knows them
	configure(t, other, record.Settings{Indexes: text})
	put(t, s, "2", `{"a":"x"}`) // which the settings it knew refuse
	put(t, s, "3", `{"a":2}`)
	if got, err := where(t.Context(), other, `a = "x"`, "", 10); !errors.Is(err, record.ErrIndexRequired) {
		t.Errorf("got %v, %v; want that the index is not complete", idsOf(got), err)
	}
	retransform(t, s, 1)
	if got, err := where(t.Context(), other, `a > "1"`, "", 10); err != nil || !slices.Equal(idsOf(got), []string{"3", "2"}) {
		t.Errorf("got %v, %v; want 3 and 2", idsOf(got), err)
	}
	b.update = func() { configure(t, other, record.Settings{Transform: "{b: .a}"}) }
	if r := put(t, s, "4", `{"a":7}`); string(r.Transformed) != `{"b":7}` {
		t.Errorf("transformed is %s, want by the settings of the moment it was stored", r.Transformed)
	}
}

// The parts of what becomes a revision are moved before the write. Settings that change
// between the two give the revision another expiry than its parts were moved to.
func TestARevisionKeepsItsContentWhenTheTTLChangesDuringTheWrite(t *testing.T) {
	b, s, other := newBetween(t)
	put(t, other, "r", inParts("a", 40<<10))
	configure(t, other, record.Settings{TTL: time.Hour})
	var lengthen func()
	lengthen = func() {
		if len(kept(t, b.Store)) > 1 { // not the record alone: its parts are still to be moved
			b.update = lengthen
			return
		}
		configure(t, other, record.Settings{TTL: 1000 * time.Hour})
	}
	b.update = lengthen
	put(t, s, "r", inParts("b", 40<<10))
	early := time.Now().Add(900 * time.Hour)
	for kind, want := range map[string]int{"Record.": 1, "Revision.": 1, "Part.": 4} {
		page, err := b.Store.Query(t.Context(), storage.Query{Kind: kind + things, Limit: 1000})
		if err != nil || len(page.Entities) != want {
			t.Fatalf("%s: %d entities, %v, want %d", kind, len(page.Entities), err, want)
		}
		for _, e := range page.Entities {
			if e.Expire.Before(early) {
				t.Errorf("%s expires at %v, want in 1000 hours", e.Key, e.Expire)
			}
		}
	}
}

func TestSettingsThatChangeDuringARetransformAreAConflict(t *testing.T) {
	b, s, other := newBetween(t)
	put(t, s, "1", `{"a":1}`)
	configure(t, s, record.Settings{Transform: "."})
	b.update = func() { configure(t, other, record.Settings{Transform: "{b: .a}"}) }
	if _, err := s.Retransform(t.Context(), things, 10, ""); !errors.Is(err, storage.ErrConflict) {
		t.Errorf("got %v, want ErrConflict", err)
	}
	retransform(t, s, 10)
	if r, err := s.Get(t.Context(), things, "1"); err != nil || string(r.Transformed) != `{"b":1}` {
		t.Errorf("got %s, %v", r.Transformed, err)
	}
}

func TestExpiredRecordsDoNotKeepARetransformFromCompleting(t *testing.T) {
	now := newClock()
	s := record.New(openSQLite(t), record.Options{Now: now.Now})
	configure(t, s, record.Settings{TTL: time.Hour})
	put(t, s, "small", `{"a":1}`)
	put(t, s, "large", inParts("a", 20<<10))
	now.pass(time.Hour)
	put(t, s, "alive", `{"a":2}`)
	configure(t, s, record.Settings{Indexes: []record.Index{{Field: "a", Type: record.Integer}}})
	retransform(t, s, 1)
	if got, err := where(t.Context(), s, `a > 0`, "", 10); err != nil || !slices.Equal(idsOf(got), []string{"alive"}) {
		t.Errorf("got %v, %v; want alive alone, and the index complete", idsOf(got), err)
	}
	put(t, s, "large", `{"a":3}`)
	if got, err := where(t.Context(), s, `a > 2`, "", 10); err != nil || len(got) != 1 || got[0].Version != 1 {
		t.Errorf("got %v, %v; want large, made anew", idsOf(got), err)
	}
}
