package record_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/internal/record"
	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/datastore"
	"github.com/tallystick/tallystick/internal/storage/emulator"
	"github.com/tallystick/tallystick/internal/storage/firestore"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
)

// With SOAK=1 in the environment the tests of this package take minutes.
var soak = os.Getenv("SOAK") == "1"

// pick returns what is meant for this run: short, or with SOAK=1 long.
func pick(short, long int) int {
	if soak {
		return long
	}
	return short
}

// backends returns a store of each backend, empty.
var backends = []struct {
	name string
	open func(t *testing.T) storage.Store
}{
	{"SQLite", openSQLite},
	{"Datastore", openDatastore},
	{"Firestore", openFirestore},
}

func openSQLite(t *testing.T) storage.Store {
	t.Helper()
	return openFile(t, filepath.Join(t.TempDir(), "records.db"))
}

// openFile opens a file, each time as another process would.
func openFile(t *testing.T, path string) storage.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), path)
	return opened(t, store, err)
}

func openDatastore(t *testing.T) storage.Store {
	t.Helper()
	host := emulator.Datastore(t)
	store, err := datastore.Open(t.Context(), "test", "", datastore.Emulator(host), datastore.Namespace(fresh()))
	return opened(t, store, err)
}

func openFirestore(t *testing.T) storage.Store {
	t.Helper()
	store, err := firestore.Open(t.Context(), fresh(), "", firestore.Emulator(emulator.FirestoreNative(t)))
	return opened(t, store, err)
}

// fresh is a name that no other test has.
func fresh() string { return fmt.Sprintf("record%x", rand.Uint64()) }

func opened(t *testing.T, store storage.Store, err error) storage.Store {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return store
}

// checks has rapid make so many checks in this test.
func checks(t *testing.T, n int) {
	t.Helper()
	value := flag.Lookup("rapid.checks").Value
	before := value.String()
	t.Cleanup(func() { _ = value.Set(before) })
	if err := value.Set(strconv.Itoa(n)); err != nil {
		t.Fatal(err)
	}
}

// noon is when the tests begin. It is far ahead of the real clock, by which SQLite
// removes what has expired: nothing goes but by what a test does.
var noon = time.Date(2126, 11, 21, 12, 0, 0, 0, time.UTC)

// clock is a clock that goes when a test says so.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: noon} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// tester is what *testing.T and *rapid.T have in common.
type tester interface {
	rapid.TB
	Context() context.Context
}

const things = "things" // the collection that most tests use

func docs(bodies ...string) []record.Document {
	all := make([]record.Document, len(bodies))
	for i, b := range bodies {
		all[i].Data = []byte(b)
	}
	return all
}

func doc(id, body string) record.Document { return record.Document{ID: id, Data: []byte(body)} }

func put(t tester, s *record.Service, id, body string) record.Stored {
	t.Helper()
	stored, err := s.Put(t.Context(), things, doc(id, body), record.Condition{})
	if err != nil {
		t.Fatalf("put %s: %v", id, err)
	}
	return stored
}

func configure(t tester, s *record.Service, settings record.Settings) *record.Collection {
	t.Helper()
	c, _, err := s.Configure(t.Context(), things, settings, record.Condition{})
	if err != nil {
		t.Fatalf("configure %+v: %v", settings, err)
	}
	return c
}

// retransform makes all records anew that other settings made.
func retransform(t tester, s *record.Service, size int) (failed []record.FailedRecord) {
	t.Helper()
	token := ""
	for range 100_000 {
		part, err := s.Retransform(t.Context(), things, size, token)
		if err != nil {
			t.Fatalf("retransform: %v", err)
		}
		failed = append(failed, part.Failed...)
		if token = part.Next; token == "" {
			return failed
		}
	}
	t.Fatal("retransform comes to no end")
	return nil
}

// where lists all that a filter selects, page by page.
func where(ctx context.Context, s *record.Service, filter, orderBy string, size int) ([]record.Record, error) {
	terms, err := record.ParseFilter(filter)
	if err != nil {
		return nil, err
	}
	return listAll(ctx, s, record.ListRequest{Collection: things, Terms: terms, OrderBy: orderBy, Size: size})
}

func listAll(ctx context.Context, s *record.Service, req record.ListRequest) (all []record.Record, err error) {
	for range 100_000 {
		page, err := s.List(ctx, req)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Records...)
		if req.Token = page.Next; req.Token == "" {
			return all, nil
		}
	}
	return nil, errors.New("the list comes to no end")
}

func idsOf(records []record.Record) []string {
	ids := make([]string, len(records))
	for i, r := range records {
		ids[i] = r.ID
	}
	return ids
}
