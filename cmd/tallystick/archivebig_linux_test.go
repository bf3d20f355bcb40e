package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/record"
	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/datastore"
	"github.com/tallystick/tallystick/internal/storage/emulator"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
)

// bigEntities is how many an archive has that has to fit into memory, or not.
func bigEntities() int {
	if soak {
		return 1_000_000
	}
	return 4_000
}

// perCollection is small, for the emulator sorts all of a kind for each 300 that it returns.
const perCollection = 1000

// TestAnArchiveOfAnySizeComesBack, from SQLite by way of Datastore into SQLite, with each
// import killed on its way. Each entity is what it was, and the commands need no more memory
// for many than for few.
func TestAnArchiveOfAnySizeComesBack(t *testing.T) {
	if soak { // the emulator keeps all in memory
		t.Setenv("_JAVA_OPTIONS", "-Xmx8g")
	}
	host := emulator.Datastore(t)
	b := &big{T: t, folder: t.TempDir(), n: bigEntities(), env: "DATASTORE_EMULATOR_HOST=" + host}
	b.fill()
	want, n := b.export("first.gz", "sqlite:tallystick.db")
	if n < b.n || n > b.n+b.n/10 {
		t.Fatalf("the archive has %d entities, want some %d", n, b.n)
	}
	project := fmt.Sprintf("archive%x", rand.Uint64())
	away, err := datastore.Open(t.Context(), project, "", datastore.Emulator(host))
	if err != nil {
		t.Fatal(err)
	}
	defer away.Close()
	b.importKilled("first.gz", "datastore:"+project, away)
	if got, _ := b.export("second.gz", "datastore:"+project); got != want {
		t.Errorf("what is in Datastore has the sum %s, want SQLite's, %s", got, want)
	}
	home, err := sqlite.Open(t.Context(), filepath.Join(b.folder, "back.db"))
	if err != nil {
		t.Fatal(err)
	}
	b.importKilled("second.gz", "sqlite:back.db", home)
	if err := home.Close(); err != nil {
		t.Fatal(err)
	}
	if got, _ := b.export("third.gz", "sqlite:back.db"); got != want {
		t.Errorf("what is back in SQLite has the sum %s, want %s", got, want)
	}
	ended(t, command(t, b.folder, "verify", "--store", "sqlite:back.db")).wants(0, "the ledger and the balances agree")
}

// big is a folder with databases and their archives.
type big struct {
	*testing.T
	folder string
	n      int
	env    string // of the commands
}

// fill stores records by thousands, some of them large, and some stock.
func (b *big) fill() {
	b.Helper()
	began := time.Now()
	store, err := sqlite.Open(b.Context(), filepath.Join(b.folder, "tallystick.db"))
	if err != nil {
		b.Fatal(err)
	}
	stock := inventory.New(store, inventory.Options{})
	for i := range 100 {
		lines := []inventory.CountLine{{SKU: fmt.Sprint("S", i), Quantity: 5}}
		if _, err := stock.Count(b.Context(), inventory.Caller{}, inventory.Count{Lines: lines}); err != nil {
			b.Fatal(err)
		}
	}
	records := record.New(store, record.Options{})
	put := func(collection int, docs []record.Document) {
		_, _, err := records.Store(b.Context(), record.StoreRequest{Collection: fmt.Sprint("things-", collection), Documents: docs})
		if err != nil {
			b.Fatal(err)
		}
	}
	text := strings.Repeat("Grüße ", 20)
	for c := range b.n / perCollection {
		var docs []record.Document
		for i := range perCollection {
			docs = append(docs, record.Document{Data: fmt.Appendf(nil, `{"n":%d,"text":"%d %s"}`, i, c, text)})
			if len(docs) == record.MaxBatch {
				put(c, docs)
				docs = nil
			}
		}
	}
	for i := range 40 { // of which a page of a query would be much
		put(0, []record.Document{{Data: fmt.Appendf(nil, `{"large":"%s"}`, strings.Repeat("x", 900_000+i))}})
	}
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
	b.Logf("filled in %v", time.Since(began))
}

// export returns the sum of the archive's entities, and how many there are.
func (b *big) export(name, store string) (sum string, n int) {
	b.Helper()
	began := time.Now()
	got, peak := endedWithOwnPeak(b.T, withoutDetector(b.T, command(b.T, b.folder, "export", "--all", "-o", name, "--store", store, b.env)))
	took := time.Since(began)
	got.wants(0, "exported ")
	sum, n = sumOf(b.T, filepath.Join(b.folder, name))
	info, err := os.Stat(filepath.Join(b.folder, name))
	if err != nil {
		b.Fatal(err)
	}
	b.Logf("export from %s: %d entities in %v, %.0f/s, %d KiB", store, n, took, float64(n)/took.Seconds(), info.Size()>>10)
	wantMemory(b.T, "the export", peak)
	return sum, n
}

// importKilled imports an archive into a store, at which it looks to kill it on its way.
func (b *big) importKilled(name, url string, store storage.Store) {
	b.Helper()
	began := time.Now()
	args := []string{"import", "--all", name, "--store", url, b.env}
	kills := 2
	if soak {
		kills = 1
	}
	for i := range kills {
		at := int64(b.n*i/kills) + 1 + rand.Int64N(int64(b.n/kills))*7/10
		pid, wait := begun(b.T, withoutDetector(b.T, command(b.T, b.folder, args...)))
		over := make(chan outcome, 1)
		go func() { over <- wait() }()
		got, done := outcome{}, false
		for !done && b.imported(store) < at {
			select {
			case got = <-over:
				done = true
			case <-time.After(5 * time.Millisecond):
			}
		}
		if !done {
			syscall.Kill(pid, syscall.SIGKILL)
			got = <-over
		}
		if b.imported(store) == 0 { // it was faster than this test: there is nothing to go on with
			b.Logf("done before it was killed at %d of %d: %s", at, b.n, got.stderr)
			return
		}
		if done {
			b.Fatalf("the import ended with %d before it had %d entities: %s", got.code, at, got.stderr)
		}
		ended(b.T, command(b.T, b.folder, "export", "--all", "-o", "part.gz", "--store", url, b.env)).wants(1, "an import into this database is not finished")
		b.Logf("killed at %d of %d", b.imported(store), b.n)
	}
	got, peak := endedWithOwnPeak(b.T, withoutDetector(b.T, command(b.T, b.folder, args...)))
	got.wants(0, "all are counted")
	took := time.Since(began)
	b.Logf("import into %s: with %d kills %v, %.0f/s", url, kills, took, float64(b.n)/took.Seconds())
	wantMemory(b.T, "the import", peak)
}

// imported is how far an import is.
func (b *big) imported(store storage.Store) int64 {
	b.Helper()
	page, err := store.Query(b.Context(), storage.Query{Kind: "Restore", Limit: 1})
	if err != nil {
		b.Fatal(err)
	}
	var state struct{ Done int64 }
	for _, e := range page.Entities {
		if err := json.Unmarshal(e.Data, &state); err != nil {
			b.Fatal(err)
		}
	}
	return state.Done
}

// endedWithOwnPeak is endedWithPeak of the memory that is the process's own. Counting what is
// in SQLite shows it the file in the system's cache, which counts as the process's too, up to
// a GiB, and is given back when somebody else needs it.
func endedWithOwnPeak(t *testing.T, c *exec.Cmd) (outcome, int) {
	t.Helper()
	pid, wait := begun(t, c)
	over := make(chan outcome, 1)
	go func() { over <- wait() }()
	for peak := 0; ; {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
		_, after, _ := strings.Cut(string(status), "RssAnon:")
		var kilobytes int
		fmt.Sscan(after, &kilobytes)
		peak = max(peak, kilobytes<<10)
		select {
		case got := <-over:
			return got, peak
		case <-time.After(10 * time.Millisecond):
		}
	}
}
