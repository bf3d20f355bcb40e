package sqlite

import (
	"fmt"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

func TestSweepDeletesWhatHasExpiredAndNothingElse(t *testing.T) {
	f := newFixture(t)
	now := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	expiring := func(name string, at time.Time) storage.Write {
		return storage.Write{Entity: storage.Entity{Key: f.key(name), Expire: at, Index: map[string]any{"x": name}}}
	}
	var writes []storage.Write
	for i := range 2*sweepBatch + 1 {
		writes = append(writes, expiring(fmt.Sprint("expired ", i), now.Add(-time.Duration(i)*time.Second)))
	}
	writes = append(writes, expiring("later", now.Add(time.Microsecond)), expiring("never", time.Time{}))
	if err := f.store.Update(t.Context(), func(storage.Getter) ([]storage.Write, error) { return writes, nil }); err != nil {
		t.Fatal(err)
	}
	if err := f.store.sweep(t.Context(), now); err != nil {
		t.Fatal(err)
	}
	for _, q := range []storage.Query{{}, {OrderBy: "x"}} {
		q.Kind, q.Limit = "Test", 10
		page, err := f.store.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Entities) != 2 || page.Entities[0].Key.Name != "later" || page.Entities[1].Key.Name != "never" {
			t.Errorf("%+v: got %v, want what has not expired", q, page.Entities)
		}
	}
}

func TestSweepSparesWhatWasPutAnewMeanwhile(t *testing.T) {
	f := newFixture(t)
	now := time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	writes := []storage.Write{f.put("for good"), f.put("for longer"), f.put("expired")}
	writes[1].Entity.Expire, writes[2].Entity.Expire = now.Add(time.Second), now
	if err := f.store.Update(t.Context(), func(storage.Getter) ([]storage.Write, error) { return writes, nil }); err != nil {
		t.Fatal(err)
	}
	keys := []storage.Key{f.key("for good"), f.key("for longer"), f.key("expired"), f.key("deleted")}
	if err := f.store.deleteExpired(t.Context(), keys, now); err != nil {
		t.Fatal(err)
	}
	f.wantStored("for good", true)
	f.wantStored("for longer", true)
	f.wantStored("expired", false)
}

// TestSweepsFromTimeToTimeAndNotAtOnce: at once the clock may still be wrong.
func TestSweepsFromTimeToTimeAndNotAtOnce(t *testing.T) {
	f := newFixture(t)
	w := storage.Write{Entity: storage.Entity{Key: f.key("a"), Expire: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)}}
	if err := f.store.Update(t.Context(), func(storage.Getter) ([]storage.Write, error) { return []storage.Write{w}, nil }); err != nil {
		t.Fatal(err)
	}
	later := func() time.Time { return time.Date(2100, 1, 2, 0, 0, 0, 0, time.UTC) }
	seldom := startSweeper(f.store, later, time.Hour)
	time.Sleep(50 * time.Millisecond) // in which it would have been
	seldom.stop()
	f.wantStored("a", true)
	often := startSweeper(f.store, later, time.Millisecond)
	defer often.stop()
	for exists := true; exists; time.Sleep(time.Millisecond) {
		got, err := f.store.Get(t.Context(), []storage.Key{f.key("a")})
		if err != nil {
			t.Fatal(err)
		}
		exists = got[0].Exists
	}
}
