package record_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tallystick/tallystick/internal/record"
	"github.com/tallystick/tallystick/internal/storage"
)

// lossy is a store that applies a commit and loses the answer: sometimes it runs the
// transaction again, as a client library does, sometimes it gives up.
type lossy struct {
	storage.Store
	mu           sync.Mutex
	random       *rand.Rand
	again, never float64
	lost         int
}

func newLossy(store storage.Store, again, never float64) *lossy {
	return &lossy{Store: store, random: rand.New(rand.NewPCG(1, 2)), again: again, never: never}
}

func (l *lossy) Update(ctx context.Context, fn func(storage.Tx) error) error {
	for {
		if err := l.Store.Update(ctx, fn); err != nil {
			return err
		}
		switch dice := l.throw(); {
		case dice < l.never:
			return storage.ErrUnknown
		case dice < l.never+l.again:
			continue
		}
		return nil
	}
}

func (l *lossy) throw() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	dice := l.random.Float64()
	if dice < l.never+l.again {
		l.lost++
	}
	return dice
}

func twoOf(store storage.Store) [2]*record.Service {
	return [2]*record.Service{record.New(store, record.Options{}), record.New(store, record.Options{})}
}

func TestALostAnswerIsNotToldAsAnothersWrite(t *testing.T) {
	store := newLossy(openSQLite(t), 0.5, 0)
	services := twoOf(store)
	for i := range 60 {
		s, id := services[i%2], fmt.Sprint("r", i)
		large := fmt.Sprintf(`{"n":%d,"pad":%q}`, i, strings.Repeat("x", 9<<10))
		if _, _, err := s.Store(t.Context(), record.StoreRequest{Collection: things, Documents: []record.Document{doc(id, large), doc("x"+id, `{}`)}}); err != nil {
			t.Fatalf("insert: %v, by its own earlier run", err)
		}
		stored, err := s.Put(t.Context(), things, doc(id, `{"n":1}`), record.Condition{IfMatch: tagOf(t, s, id)})
		if err != nil || stored.Version != 2 {
			t.Fatalf("if-match: version %d, %v, want 2", stored.Version, err)
		}
		if stored, err = s.Patch(t.Context(), things, doc(id, `{"m":1}`), record.Condition{}); err != nil || stored.Version != 3 {
			t.Fatalf("patch: version %d, %v, want 3", stored.Version, err)
		}
		if _, err := s.Put(t.Context(), things, doc("new"+id, `{}`), record.Condition{IfNoneMatch: "*"}); err != nil {
			t.Fatalf("if-none-match: %v", err)
		}
		if removed, missing, err := s.Remove(t.Context(), things, []string{id, "none"}); !slices.Equal(removed, []string{id}) || len(missing) != 1 || err != nil {
			t.Fatalf("removed %v, missing %v, %v; want %s and none", removed, missing, err, id)
		}
		if err := s.RemoveOne(t.Context(), things, "x"+id, record.Condition{}); err != nil {
			t.Fatalf("remove one: %v", err)
		}
	}
	if store.lost < 100 {
		t.Errorf("%d answers were lost: too few to show anything", store.lost)
	}
}

func tagOf(t tester, s *record.Service, id string) string {
	t.Helper()
	r, err := s.Get(t.Context(), things, id)
	if err != nil {
		t.Fatal(err)
	}
	return r.ETag()
}

func TestALostAnswerToSettingsIsNotToldAsAnothers(t *testing.T) {
	store := newLossy(openSQLite(t), 0.5, 0)
	s := record.New(store, record.Options{})
	for i := range 30 {
		name := fmt.Sprint("c", i)
		c, created, err := s.Configure(t.Context(), name, record.Settings{Transform: "."}, record.Condition{IfNoneMatch: "*"})
		if err != nil || !created || c.Version != 1 {
			t.Fatalf("new settings: %+v, created %v, %v", c, created, err)
		}
		c, created, err = s.Configure(t.Context(), name, record.Settings{}, record.Condition{IfMatch: c.ETag()})
		if err != nil || created || c.Version != 2 {
			t.Fatalf("changed settings: %+v, created %v, %v", c, created, err)
		}
	}
}

// Who is told that the outcome is unknown asks again with the same key.
func TestWithAnIdempotencyKeyADocumentIsStoredOnceHoweverOftenItIsSent(t *testing.T) {
	store := newLossy(openSQLite(t), 0.2, 0.4)
	services := twoOf(store)
	ids := make(map[string]bool)
	for i := range 80 {
		req := record.StoreRequest{Collection: things, Documents: docs(`{"a":1}`), IdempotencyKey: fmt.Sprint(i), Request: []byte(`{"a":1}`)}
		first := ""
		for answers, tries := 0, 0; answers < 2; tries++ {
			stored, replayed, err := services[tries%2].Store(t.Context(), req)
			if errors.Is(err, storage.ErrUnknown) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			if first == "" {
				first = stored[0].ID
			}
			if stored[0].ID != first || answers > 0 && !replayed || string(stored[0].Transformed) != `{"a":1}` {
				t.Fatalf("answer %d: %+v, replayed %v, want %s", answers, stored[0], replayed, first)
			}
			answers++
		}
		ids[first] = true
	}
	all, err := listAll(t.Context(), services[0], record.ListRequest{Collection: things, Size: 100})
	if err != nil || len(all) != 80 || len(ids) != 80 {
		t.Errorf("%d records, %d ids, %v; want 80", len(all), len(ids), err)
	}
}

func TestAReplyIsGivenAgainWhateverTheSettingsAreNow(t *testing.T) {
	s := record.New(openSQLite(t), record.Options{})
	req := record.StoreRequest{Collection: things, Documents: docs(`{"a":"x"}`), IdempotencyKey: "k", Request: []byte(`x`)}
	first, _, err := s.Store(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	configure(t, s, record.Settings{Indexes: []record.Index{{Field: "a", Type: record.Number}}, Transform: "{a: .a, b: 1}"})
	again, replayed, err := s.Store(t.Context(), req)
	if err != nil || !replayed || again[0].ID != first[0].ID || string(again[0].Transformed) != `{"a":"x"}` {
		t.Errorf("got %+v, replayed %v, %v; want %s as it was", again, replayed, err, first[0].ID)
	}
	req.IdempotencyKey = "new"
	if _, _, err := s.Store(t.Context(), req); !errors.Is(err, record.ErrDocument) {
		t.Errorf("a new key: got %v, want ErrDocument", err)
	}
	req.IdempotencyKey, req.Documents = "new", docs(`{"a":1}`)
	if _, replayed, err := s.Store(t.Context(), req); err != nil || replayed {
		t.Errorf("after a refusal: replayed %v, %v; want the key unused", replayed, err)
	}
}

// patchAll has so many callers patch one record, each its own field.
func patchAll(t *testing.T, callers int, services ...*record.Service) {
	t.Helper()
	put(t, services[0], "r", `{}`)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			if _, err := services[i%len(services)].Patch(t.Context(), things, doc("r", fmt.Sprintf(`{"f%d":%d}`, i, i)), record.Condition{}); err != nil {
				t.Errorf("patch %d: %v", i, err)
			}
		})
	}
	all.Wait()
	r, err := services[0].Get(t.Context(), things, "r")
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]int
	if err := json.Unmarshal(r.Original, &fields); err != nil {
		t.Fatal(err)
	}
	if r.Version != int64(callers+1) || len(fields) != callers {
		t.Errorf("version %d with %d fields, want %d with %d: each patch once", r.Version, len(fields), callers+1, callers)
	}
}

func TestEachOf200PatchesAtOnceIsIn(t *testing.T) {
	patchAll(t, 200, record.New(openSQLite(t), record.Options{}))
}

func TestPatchesOfTwoProcessesAreAllIn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "records.db")
	patchAll(t, 60, record.New(openFile(t, path), record.Options{}), record.New(openFile(t, path), record.Options{}))
}

func TestPatchesAreInOnceWhereAnswersGetLost(t *testing.T) {
	services := twoOf(newLossy(openSQLite(t), 0.3, 0))
	patchAll(t, 60, services[:]...)
}

// winOnce has so many callers replace one record with If-Match, again and again,
// until it has as many versions.
func winOnce(t *testing.T, callers int, versions int64, services ...*record.Service) {
	t.Helper()
	put(t, services[0], "r", `{"by":-1}`)
	winners := make([]atomic.Int64, versions+1)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			s := services[i%len(services)]
			for {
				r, err := s.Get(t.Context(), things, "r")
				if err != nil {
					t.Error(err)
					return
				}
				if r.Version >= versions {
					return
				}
				won, err := s.Put(t.Context(), things, doc("r", fmt.Sprintf(`{"by":%d,"of":%d}`, i, r.Version)), record.Condition{IfMatch: r.ETag()})
				switch {
				case err == nil && won.Version != r.Version+1:
					t.Errorf("won version %d over %d", won.Version, r.Version)
				case err == nil:
					winners[won.Version].Add(1)
				case !errors.Is(err, record.ErrPrecondition):
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	for v := int64(2); v <= versions; v++ {
		if n := winners[v].Load(); n != 1 {
			t.Errorf("version %d has %d winners, want 1", v, n)
		}
	}
	if r, err := services[0].Get(t.Context(), things, "r"); err != nil || r.Version != versions {
		t.Errorf("version %d, %v, want %d", r.Version, err, versions)
	}
}

func TestOneOf200WinsEachVersion(t *testing.T) {
	winOnce(t, 200, 30, record.New(openSQLite(t), record.Options{}))
}

func TestOneOfTwoProcessesWinsEachVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "records.db")
	winOnce(t, 40, 60, record.New(openFile(t, path), record.Options{}), record.New(openFile(t, path), record.Options{}))
}

func TestAWinnerStaysTheWinnerWhereAnswersGetLost(t *testing.T) {
	services := twoOf(newLossy(openSQLite(t), 0.4, 0))
	winOnce(t, 40, 60, services[:]...)
}

func TestOneOfManyMakesANewRecord(t *testing.T) {
	s := record.New(openSQLite(t), record.Options{})
	var made atomic.Int64
	var all sync.WaitGroup
	for i := range 200 {
		all.Go(func() {
			_, _, err := s.Store(t.Context(), record.StoreRequest{Collection: things, Documents: []record.Document{doc("r", fmt.Sprintf(`{"by":%d}`, i))}})
			switch {
			case err == nil:
				made.Add(1)
			case !errors.Is(err, record.ErrExists):
				t.Error(err)
			}
		})
	}
	all.Wait()
	if made.Load() != 1 {
		t.Errorf("%d made it, want 1", made.Load())
	}
}
