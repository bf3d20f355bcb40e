package visit_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/tallystick/tallystick/internal/merge"
	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/datastore"
	"github.com/tallystick/tallystick/internal/storage/emulator"
	"github.com/tallystick/tallystick/internal/storage/firestore"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
	"github.com/tallystick/tallystick/internal/visit"
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

// A database is an empty database of one backend. Each open is a process of its own:
// it shares nothing with another one but what is stored.
type database interface {
	open(t *testing.T) storage.Store
}

// backends returns the databases that visits are counted in, each empty.
var backends = []struct {
	name  string
	fresh func(t *testing.T) database

	// How many processes count how many visits together. Where two want one entity
	// the Firestore emulator lets both wait for 2 s, now and then until a batch has
	// no time left: there callers insist.
	processes, shared, sharedSoak int
	send                          sender
}{
	{"SQLite", freshSQLite, 4, 8_000, 80_000, once},
	{"Datastore", freshDatastore, 4, 2_000, 20_000, once},
	{"FirestoreDatastoreMode", freshFirestore, 2, 48, 320, untilAcknowledged},
	{"FirestoreNative", freshFirestoreNative, 2, 48, 320, untilAcknowledged},
}

// A sender sends the i-th visit to a service.
type sender func(ctx context.Context, service *visit.Service, i int) (visit.Count, error)

func once(ctx context.Context, service *visit.Service, i int) (visit.Count, error) {
	return service.Count(ctx, visit.Request{Page: "/", Visitor: anyone(i)})
}

func untilAcknowledged(ctx context.Context, service *visit.Service, i int) (visit.Count, error) {
	for {
		count, err := service.Count(ctx, visit.Request{Page: "/", Visitor: anyone(i), IdempotencyKey: fmt.Sprint(i)})
		if !errors.Is(err, storage.ErrUnknown) && !errors.Is(err, storage.ErrConflict) {
			return count, err
		}
	}
}

type sqliteFile string

func freshSQLite(t *testing.T) database { return sqliteFile(filepath.Join(t.TempDir(), "visits.db")) }

func (f sqliteFile) open(t *testing.T) storage.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), string(f))
	return opened(t, store, err)
}

// namespace is a namespace that no other test has.
type namespace struct{ host, name string }

func freshDatastore(t *testing.T) database { return freshNamespace(emulator.Datastore(t)) }
func freshFirestore(t *testing.T) database { return freshNamespace(emulator.FirestoreDatastoreMode(t)) }

func freshNamespace(host string) namespace {
	return namespace{host, fmt.Sprintf("visit%x", rand.Uint64())}
}

func (n namespace) open(t *testing.T) storage.Store {
	t.Helper()
	store, err := datastore.Open(t.Context(), "test", "", datastore.Emulator(n.host), datastore.Namespace(n.name))
	return opened(t, store, err)
}

// project is a project of the Firestore emulator that no other test has.
type project struct{ host, name string }

func freshFirestoreNative(t *testing.T) database {
	return project{emulator.FirestoreNative(t), fmt.Sprintf("visit%x", rand.Uint64())}
}

func (p project) open(t *testing.T) storage.Store {
	t.Helper()
	store, err := firestore.Open(t.Context(), p.name, "", firestore.Emulator(p.host))
	return opened(t, store, err)
}

// through is the same namespace behind a proxy.
func (n namespace) through(host string) namespace { return namespace{host, n.name} }

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

// anyone is one of a thousand visitors.
func anyone(i int) visit.Visitor {
	return visit.Visitor{
		Addr:      netip.AddrFrom4([4]byte{10, 0, byte(i % 1000 >> 8), byte(i % 1000)}),
		UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
	}
}

// countAll counts so many visits to / by so many callers, who share the services,
// and returns the number that each visit was told.
func countAll(t *testing.T, visits, callers int, send sender, services ...*visit.Service) []int64 {
	t.Helper()
	numbers := make([]int64, visits)
	var next atomic.Int64
	var all sync.WaitGroup
	for c := range callers {
		service := services[c%len(services)]
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < visits && !t.Failed(); i = int(next.Add(1)) - 1 {
				count, err := send(t.Context(), service, i)
				if err != nil || !count.Exact || count.Reason != "" {
					t.Errorf("visit %d: got %+v, %v; want it counted", i, count, err)
				}
				numbers[i] = count.Visits
			}
		})
	}
	all.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return numbers
}

// wantEachOnce wants the numbers 1 to len(numbers), each once.
func wantEachOnce(t *testing.T, numbers []int64) {
	t.Helper()
	for i, got := range slices.Sorted(slices.Values(numbers)) {
		if want := int64(i + 1); got != want {
			t.Errorf("number %d of %d is %d: one is missing or there twice", want, len(numbers), got)
			return
		}
	}
}

// wantStored wants so many visits to / in the total, and in the history.
func wantStored(t *testing.T, service *visit.Service, visits int) {
	t.Helper()
	view := stored(t, service)
	days := int64(0)
	for _, d := range view.Days {
		days += d.Visits
	}
	if want := int64(visits); view.Visits != want || days != want {
		t.Errorf("stored %d visits, %d by day; want %d", view.Visits, days, want)
	}
}

// stored returns what is stored of /.
func stored(t *testing.T, service *visit.Service) visit.View {
	t.Helper()
	views, err := service.Read(t.Context(), "/")
	if err != nil {
		t.Fatal(err)
	}
	return views[0]
}

func TestEachOf20000VisitsGetsItsOwnNumber(t *testing.T) {
	for _, backend := range backends {
		t.Run(backend.name, func(t *testing.T) {
			const visits, callers = 20_000, 64
			service := visit.New(backend.fresh(t).open(t), visit.Options{})
			wantEachOnce(t, countAll(t, visits, callers, once, service))
			wantStored(t, service, visits)
			stats := service.Stats()
			t.Logf("%+v", stats)
			if stats.Operations != visits || stats.Batches > visits/8 {
				t.Errorf("%d operations in %d transactions, want %d in at most %d", stats.Operations, stats.Batches, visits, visits/8)
			}
		})
	}
}

func TestProcessesOnOneStoreNeverGiveANumberTwice(t *testing.T) {
	for _, backend := range backends {
		t.Run(backend.name, func(t *testing.T) {
			database, visits := backend.fresh(t), pick(backend.shared, backend.sharedSoak)
			services := make([]*visit.Service, backend.processes)
			for i := range services {
				services[i] = visit.New(database.open(t), visit.Options{})
			}
			wantEachOnce(t, countAll(t, visits, 16*len(services), backend.send, services...))
			var sum merge.Stats
			for _, service := range services {
				wantStored(t, service, visits)
				stats := service.Stats()
				sum.Operations += stats.Operations
				sum.Batches += stats.Batches
				sum.Runs += stats.Runs
				if stats.Operations == 0 {
					t.Error("one of the processes counted nothing")
				}
			}
			t.Logf("%d visits in %d transactions, %d runs of them", sum.Operations, sum.Batches, sum.Runs)
		})
	}
}

// Each read and each write of an entity is paid for: a visit of its own costs one
// of both.
func TestAThousandVisitsCostAtMost40ReadsAndWrites(t *testing.T) {
	const visits, callers, most = 20_000, 256, 40.0
	service := visit.New(freshDatastore(t).open(t), visit.Options{})
	wantEachOnce(t, countAll(t, visits, callers, once, service))
	stats := service.Stats()
	cost := float64(stats.EntityReads+stats.EntityWrites) / (visits / 1000)
	t.Logf("%.1f reads and writes for 1,000 visits: %+v", cost, stats)
	if cost > most {
		t.Errorf("1,000 visits cost %.1f reads and writes of entities, want at most %.0f", cost, most)
	}
}
