package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick"
	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/record"
	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
)

// BenchmarkRecords compares what finds records again, by HTTP from the function fetch, at
// 1,000,000 records with the same at 1,000, on SQLite.
func BenchmarkRecords(b *testing.B) {
	few, many := shelve(b, 1_000), shelve(b, 1_000_000)
	for _, c := range []struct {
		name string
		call func(*shelf) func(context.Context) error
	}{
		{"fetch", (*shelf).fetch},
		{"filter", (*shelf).filter},
		{"range", (*shelf).ranged},
		{"middle", (*shelf).middle},
	} {
		b.Run(c.name, func(b *testing.B) {
			timesSlower(b, c.call(few), c.call(many))
		})
	}
}

// BenchmarkImport compares an import of 1,000,000 records from NDJSON, which
// validates, transforms and indexes them, with sqlite3's .import of the same rows into a
// table with indexes on the same fields, and with a transaction for each record.
func BenchmarkImport(b *testing.B) {
	const records = 1_000_000
	empty := shelve(b, 0)
	runtime.GC()
	peak := watchHeap(b)
	ours := empty.load(b, records)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ours, "records/s")
	b.ReportMetric(peak(), "MiB-heap")
	theirs := sqliteImport(b, records)
	b.ReportMetric(theirs, "sqlite3/s")
	b.ReportMetric(ours/theirs, "of-sqlite3")
	alone := hammer(1, 5*time.Second, empty.put)
	b.ReportMetric(alone.perSecond(), "alone/s")
	b.ReportMetric(ours/alone.perSecond(), "of-alone")
}

// shelf is a collection with so many records. As many settings as a shop has name
// its indexes.
type shelf struct {
	*record.Service
	records int
	token   string // of the page in the middle
	url     string // of the function fetch
}

const shelfName = "products"

var shelfIndexes = []record.Index{{Field: "sku", Type: record.String}, {Field: "color", Type: record.String}, {Field: "price", Type: record.Number}}

func shelve(b *testing.B, records int) *shelf {
	b.Helper()
	store, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "records.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { store.Close() })
	s := &shelf{Service: record.New(store, record.Options{}), records: records, url: serveFunction(b, "fetch", store)}
	if _, _, err := s.Configure(b.Context(), shelfName, record.Settings{Indexes: shelfIndexes}, record.Condition{}); err != nil {
		b.Fatal(err)
	}
	if records > 0 {
		s.load(b, records)
		s.token = s.halfway(b)
	}
	return s
}

// serveFunction serves a function by HTTP and returns its address.
func serveFunction(b *testing.B, name string, store storage.Store) string {
	b.Helper()
	i := slices.IndexFunc(tallystick.Functions, func(f edge.Function) bool { return f.Name == name })
	env := edge.Env{Store: store, Config: edge.Config{TrustedHops: 1, MergeQueue: 1000, Shards: 1}}
	api, err := edge.New(tallystick.Functions[i], env, nil)
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(api.Handler())
	b.Cleanup(server.Close)
	return server.URL
}

// load imports so many records and returns how many a second.
func (s *shelf) load(b *testing.B, records int) float64 {
	b.Helper()
	r, w := io.Pipe()
	go func() {
		buffered := bufio.NewWriter(w)
		for i := range records {
			fmt.Fprintf(buffered, `{"id":%q,"data":%s}`+"\n", id(i), product(i))
		}
		w.CloseWithError(buffered.Flush())
	}()
	start := time.Now()
	report, err := s.Import(b.Context(), record.ImportRequest{Collection: shelfName, Rows: record.ReadNDJSON(r, "")})
	if err != nil || report.Inserted != records {
		b.Fatalf("import: %+v, %v", report, err)
	}
	return float64(records) / time.Since(start).Seconds()
}

// halfway walks to the middle of the collection.
func (s *shelf) halfway(b *testing.B) string {
	b.Helper()
	req := record.ListRequest{Collection: shelfName, Size: 100}
	for seen := 0; seen < s.records/2; {
		page, err := s.Keys(b.Context(), req)
		if err != nil {
			b.Fatal(err)
		}
		seen += len(page.IDs)
		req.Token = page.Next
	}
	return req.Token
}

func id(i int) string { return fmt.Sprintf("sku-%07d", i) }

var colors = []string{"red", "green", "blue", "black", "white", "grey", "pink", "teal"}

func product(i int) string {
	return fmt.Sprintf(`{"sku":%q,"name":"Widget no. %d","color":%q,"price":"%d.%02d","stock":%d,"sold":%t,"made":"2026-%02d-%02dT10:00:00+02:00","vendor":{"name":"Acme","city":"Oslo"}}`,
		id(i), i, colors[i%len(colors)], i%1000, i%100, i%50, i%7 == 0, i%12+1, i%28+1)
}

// get asks the function fetch, by HTTP, for what path makes anew each time.
func (s *shelf) get(path func() string) func(context.Context) error {
	return func(ctx context.Context) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path(), nil)
		if err != nil {
			return err
		}
		reply, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		defer reply.Body.Close()
		if reply.StatusCode != http.StatusOK {
			return errors.New(reply.Status)
		}
		_, err = io.Copy(io.Discard, reply.Body)
		return err
	}
}

func (s *shelf) fetch() func(context.Context) error {
	return s.get(func() string { return "/records/" + shelfName + "/" + id(rand.IntN(s.records)) })
}

func (s *shelf) filter() func(context.Context) error { return s.list("filter=color=red") }

func (s *shelf) ranged() func(context.Context) error { return s.list("filter=price>=500") }

func (s *shelf) middle() func(context.Context) error { return s.list("pageToken=" + s.token) }

// list is a page of 50 records.
func (s *shelf) list(query string) func(context.Context) error {
	return s.get(func() string { return "/records/" + shelfName + "?" + query })
}

// put stores one record more, in a transaction of its own.
func (s *shelf) put(ctx context.Context) error {
	i := s.records
	s.records++
	_, err := s.Put(ctx, "alone", record.Document{ID: id(i), Data: []byte(product(i))}, record.Condition{})
	return err
}

// sqliteImport lets sqlite3 import the same rows and returns how many a second.
func sqliteImport(b *testing.B, records int) float64 {
	b.Helper()
	folder := b.TempDir()
	f, err := os.Create(filepath.Join(folder, "rows.csv"))
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	for i := range records {
		fmt.Fprintf(w, "%s,\"%s\",%s,%d.%02d\n", id(i), strings.ReplaceAll(product(i), `"`, `""`), colors[i%len(colors)], i%1000, i%100)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	c := exec.CommandContext(b.Context(), "sqlite3", filepath.Join(folder, "theirs.db"))
	c.Stdin = strings.NewReader(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
CREATE TABLE products (sku TEXT PRIMARY KEY, data TEXT, color TEXT, price REAL);
CREATE INDEX color ON products (color, sku); CREATE INDEX price ON products (price, sku); CREATE INDEX sku ON products (sku);
.mode csv
.import ` + f.Name() + ` products
`)
	start := time.Now()
	if out, err := c.CombinedOutput(); err != nil {
		b.Fatalf("sqlite3: %v\n%s", err, out)
	}
	return float64(records) / time.Since(start).Seconds()
}

// watchHeap samples the heap until it is asked for the largest it saw, in MiB.
func watchHeap(b *testing.B) func() float64 {
	stop, done := make(chan struct{}), make(chan float64)
	go func() {
		var most uint64
		for {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			most = max(most, m.HeapInuse)
			select {
			case <-stop:
				done <- float64(most) / (1 << 20)
				return
			case <-time.After(20 * time.Millisecond):
			}
		}
	}()
	return func() float64 { close(stop); return <-done }
}
