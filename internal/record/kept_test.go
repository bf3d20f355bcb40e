package record_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/record"
	"github.com/tallystick/tallystick/internal/storage"
)

// counted is a store that takes its time, as one that is far away does, and counts
// what it is asked. Beyond its budget of Gets, if it has one, a deadline is over.
type counted struct {
	storage.Store
	pause         time.Duration
	budget        int64
	gets, updates atomic.Int64
}

func (c *counted) Get(ctx context.Context, keys ...storage.Key) ([]storage.Entity, error) {
	if n := c.gets.Add(1); c.budget > 0 && n > c.budget {
		return nil, context.DeadlineExceeded
	}
	return c.Store.Get(ctx, keys...)
}

func (c *counted) Update(ctx context.Context, fn func(storage.Tx) error) error {
	c.updates.Add(1)
	time.Sleep(c.pause)
	return c.Store.Update(ctx, fn)
}

// upsert stores n records, r0 and so on, of this body.
func upsert(t *testing.T, s *record.Service, n int, body string) {
	t.Helper()
	all := make([]record.Document, n)
	for i := range all {
		all[i] = doc(fmt.Sprint("r", i), body)
	}
	if _, _, err := s.Store(t.Context(), record.StoreRequest{Collection: things, Documents: all, Upsert: true}); err != nil {
		t.Fatal(err)
	}
}

// expiries are those of all entities of a kind.
func expiries(t *testing.T, store storage.Store, kind string) map[string]time.Time {
	t.Helper()
	page, err := store.Query(t.Context(), storage.Query{Kind: kind + things, Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]time.Time)
	for _, e := range page.Entities {
		all[e.Key.Name] = e.Expire
	}
	return all
}

func TestAnExpiryForManyRevisionsTakesFewTransactions(t *testing.T) {
	store := &counted{Store: openSQLite(t)}
	s := record.New(store, record.Options{})
	const records, versions = 12, 40
	for v := range versions {
		upsert(t, s, records, fmt.Sprintf(`{"v":%d}`, v))
	}
	configure(t, s, record.Settings{TTL: time.Hour})
	before := store.updates.Load()
	upsert(t, s, records, `{"v":"last"}`)
	if n := store.updates.Load() - before; n > 8 {
		t.Errorf("%d transactions for %d records, want a few", n, records)
	}
	if all := expiries(t, store, "Revision."); len(all) != records*versions {
		t.Errorf("%d revisions, want %d", len(all), records*versions)
	}
	if left := kept(t, store); len(left) > 0 {
		t.Errorf("without an expiry: %v", left)
	}
}

// What was done before a deadline is not begun anew, and where nothing is to be done
// no transaction is made.
func TestAnExpiryThatWasGivenIsNotGivenAgain(t *testing.T) {
	lost := errors.New("lost")
	store := &failing{Store: openSQLite(t)}
	s := record.New(store, record.Options{})
	put(t, s, "r", inParts("a", 20<<10))
	for v := range 20 {
		put(t, s, "r", fmt.Sprintf(`{"v":%d}`, v))
	}
	configure(t, s, record.Settings{TTL: time.Hour})
	store.fail = func(n int) error { // two find out of the settings and the expiry, the third gives it
		if n == 4 {
			return lost
		}
		return nil
	}
	change := func() error {
		store.updates = 0
		_, err := s.Put(t.Context(), things, doc("r", `{"v":"last"}`), record.Condition{})
		return err
	}
	if err := change(); !errors.Is(err, lost) {
		t.Fatalf("got %v, want that the fourth transaction fails", err)
	}
	store.fail = nil
	if err := change(); err != nil || store.updates != 2 {
		t.Errorf("%d transactions, %v; want the change to be tried twice, and nothing else", store.updates, err)
	}
}

// failing is a store whose transactions fail when fail says so of their number. It is
// for one caller.
type failing struct {
	storage.Store
	updates int
	fail    func(n int) error
}

func (f *failing) Update(ctx context.Context, fn func(storage.Tx) error) error {
	f.updates++
	if f.fail != nil {
		if err := f.fail(f.updates); err != nil {
			return err
		}
	}
	return f.Store.Update(ctx, fn)
}

func TestARemovalThatIsCutOffGoesOnWhereItWas(t *testing.T) {
	inner := openSQLite(t)
	const records = 30
	fill := record.New(inner, record.Options{})
	for i := range records {
		put(t, fill, fmt.Sprint("r", i), inParts("a", 20<<10))
	}
	for v := range 39 {
		upsert(t, fill, records, fmt.Sprintf(`{"v":%d}`, v))
	}
	var ids []string
	for i := range records {
		ids = append(ids, fmt.Sprint("r", i))
	}
	calls, left := 0, records
	for {
		calls++
		s := record.New(&counted{Store: inner, budget: 20}, record.Options{})
		_, _, err := s.Remove(t.Context(), things, ids)
		if err == nil {
			break
		}
		if !errors.Is(err, context.DeadlineExceeded) || calls == 10 {
			t.Fatalf("call %d: %v", calls, err)
		}
		there := records
		for _, id := range ids {
			if _, err := fill.Get(t.Context(), things, id); errors.Is(err, record.ErrNotFound) {
				there--
			}
		}
		if told := errors.Is(err, record.ErrPartlyRemoved); told != (there < left) {
			t.Errorf("call %d leaves %d records of %d, and says %v", calls, there, left, err)
		}
		left = there
	}
	if calls == 1 {
		t.Error("nothing was cut off: this shows nothing")
	}
	if left := kept(t, inner); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestARetransformTakesFewTransactions(t *testing.T) {
	store := &counted{Store: openSQLite(t)}
	s := record.New(store, record.Options{})
	upsert(t, s, 64, `{"v":1}`)
	configure(t, s, record.Settings{Transform: "{w: .v}"})
	store.pause = 50 * time.Millisecond
	before := store.updates.Load()
	part, err := s.Retransform(t.Context(), things, 100, "")
	if err != nil || part.Done != 64 || part.Next != "" || *part.Left != 0 {
		t.Fatalf("%+v, %v, want all 64 done", part, err)
	}
	if n := store.updates.Load() - before; n > 20 {
		t.Errorf("%d transactions for 64 records, want a few", n)
	}
}

func TestWhatARetransformCannotMakeComesInOrder(t *testing.T) {
	s := record.New(openSQLite(t), record.Options{})
	var want []string
	for i := range 90 {
		id, body := fmt.Sprintf("r%02d", i), `{"v":1}`
		if i%3 == 0 {
			want, body = append(want, id), `{"v":"x"}`
		}
		put(t, s, id, body)
	}
	configure(t, s, record.Settings{Transform: "{w: (.v + 1)}"})
	var got []string
	for _, f := range retransform(t, s, 50) {
		got = append(got, f.ID)
	}
	if !slices.Equal(got, want) {
		t.Errorf("failed are %v, want %v", got, want)
	}
}

func TestARetransformOfLargeRecordsEndsAPageEarly(t *testing.T) {
	s := record.New(openSQLite(t), record.Options{})
	const records = 14
	for i := range records {
		put(t, s, fmt.Sprintf("r%02d", i), inParts("a", 1020<<10))
	}
	configure(t, s, record.Settings{Transform: ".", TTL: time.Hour})
	done, token := 0, ""
	for {
		part, err := s.Retransform(t.Context(), things, 100, token)
		if err != nil || part.Done > 8 || len(part.Failed) > 0 {
			t.Fatalf("%d of 2 MB in one part, %v", part.Done, err)
		}
		done += part.Done
		if token = part.Next; token == "" {
			break
		}
	}
	if done != records {
		t.Errorf("%d were made anew, want each of %d once", done, records)
	}
}

func TestARecordThatIsChangedInTimeKeepsItsRevisions(t *testing.T) {
	for what, body := range map[string]func(letter string) string{
		"small": func(letter string) string { return inParts(letter, 10) },
		"large": func(letter string) string { return inParts(letter, 20<<10) },
	} {
		t.Run(what, func(t *testing.T) {
			now, store := newClock(), openSQLite(t)
			s := record.New(store, record.Options{Now: now.Now})
			configure(t, s, record.Settings{TTL: time.Hour})
			put(t, s, "r", body("a"))
			now.pass(30 * time.Minute)
			expire := put(t, s, "r", body("b")).Expire
			now.pass(31 * time.Minute)
			if all, _, err := s.Revisions(t.Context(), things, "r", 0, 0); err != nil || len(all) != 1 || string(all[0].Original) != body("a") {
				t.Errorf("%d revisions, %v; want the one, which is there as long as the record", len(all), err)
			}
			for _, kind := range []string{"Revision.", "Part."} {
				for name, e := range expiries(t, store, kind) {
					if !e.Equal(expire) {
						t.Errorf("%s%s goes at %v, the record at %v", kind, name, e, expire)
					}
				}
			}
			configure(t, s, record.Settings{})
			put(t, s, "r", body("c"))
			now.pass(24 * time.Hour)
			if all, _, err := s.Revisions(t.Context(), things, "r", 0, 0); err != nil || len(all) != 1 || string(all[0].Original) != body("b") {
				t.Errorf("%d revisions of a record that stays, %v; want the one that was kept since", len(all), err)
			}
			for _, kind := range []string{"Revision.", "Part."} {
				stay := 0
				for _, e := range expiries(t, store, kind) {
					if e.IsZero() {
						stay++
					}
				}
				if want := map[string]int{"Revision.small": 1, "Part.small": 0, "Revision.large": 1, "Part.large": 4}[kind+what]; stay != want {
					t.Errorf("%s: %d stay, want %d", kind, stay, want)
				}
			}
		})
	}
}
