package recordhttp_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallystick/tallystick"
	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/datastore"
	"github.com/tallystick/tallystick/internal/storage/emulator"
	"github.com/tallystick/tallystick/internal/storage/firestore"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
	"github.com/tallystick/tallystick/internal/storage/storagetest"
)

// noon is when the tests begin: far ahead of the real clock, by which SQLite removes
// what has expired.
var noon = time.Date(2126, 11, 21, 12, 0, 0, 0, time.UTC)

// backend is a database that the functions run on.
type backend struct {
	name string
	open func(t *testing.T) (storage.Store, error)
}

// backends begin with the one that needs no emulator.
var backends = []backend{
	{"SQLite", func(t *testing.T) (storage.Store, error) {
		return sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "records.db"))
	}},
	{"Datastore", func(t *testing.T) (storage.Store, error) {
		host := emulator.Datastore(t)
		return datastore.Open(t.Context(), "test", "", datastore.Emulator(host), datastore.Namespace(fmt.Sprintf("test%x", rand.Uint64())))
	}},
	{"Firestore", func(t *testing.T) (storage.Store, error) {
		host := emulator.FirestoreNative(t)
		return firestore.Open(t.Context(), fmt.Sprintf("test%x", rand.Uint64()), "", firestore.Emulator(host))
	}},
}

// world is the three functions as they run, each a server of its own, on one empty
// database.
type world struct {
	*testing.T
	store   *refusingStore
	clock   *clock
	servers map[string]*httptest.Server
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func newWorld(t *testing.T, b backend) *world {
	t.Helper()
	db, err := b.open(t)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return serve(t, &refusingStore{Watched: storagetest.Watch(db)}, &clock{now: noon})
}

// another is further instances of the functions on the same database.
func (w *world) another() *world { return serve(w.T, w.store, w.clock) }

func serve(t *testing.T, db *refusingStore, c *clock) *world {
	w := &world{T: t, store: db, clock: c, servers: make(map[string]*httptest.Server)}
	for _, name := range []string{"store", "fetch", "remove"} {
		f, _ := tallystick.Find(name)
		api, err := edge.New(f, edge.Env{Config: config(), Store: storagetest.Granted(w.store, f.Access), Now: c.time}, nil)
		if err != nil {
			t.Fatal(err)
		}
		w.servers[name] = httptest.NewServer(api.Handler())
	}
	t.Cleanup(func() {
		for _, s := range w.servers {
			s.Close()
		}
	})
	return w
}

func config() edge.Config {
	return edge.Config{AllowedOrigins: []string{"*"}, TrustedHops: 1, MergeQueue: 1000, Shards: 1}
}

func (w *world) pass(d time.Duration) {
	w.clock.mu.Lock()
	defer w.clock.mu.Unlock()
	w.clock.now = w.clock.now.Add(d)
}

// function is the one that has an operation, as the gateway's table has it.
func function(method, path string) string {
	switch {
	case method == http.MethodDelete:
		return "remove"
	case method == http.MethodGet, strings.HasPrefix(path, "/filter"):
		return "fetch"
	}
	return "store"
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   string
}

var client = &http.Client{
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Transport:     &http.Transport{MaxIdleConnsPerHost: 250, MaxIdleConns: 1000},
}

// send sends a request. Headers are pairs of name and value.
func (w *world) send(method, path, body string, headers ...string) reply {
	w.Helper()
	r, err := w.try(method, path, strings.NewReader(body), headers...)
	if err != nil {
		w.Fatalf("%s %.200s: %v", method, path, err)
	}
	return r
}

func (w *world) try(method, path string, body io.Reader, headers ...string) (reply, error) {
	r, err := http.NewRequestWithContext(w.Context(), method, w.servers[function(method, path)].URL+path, body)
	if err != nil {
		return reply{}, err
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := client.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(got)}, err
}

// ok sends a request that has to succeed, and returns its body.
func (w *world) ok(method, path, body string, headers ...string) string {
	w.Helper()
	r := w.send(method, path, body, headers...)
	if r.status/100 != 2 {
		w.Fatalf("%s %.200s: %d %.500s", method, path, r.status, r.body)
	}
	return r.body
}

// decoded is ok, of a JSON reply.
func decoded[T any](w *world, method, path, body string, headers ...string) (v T) {
	w.Helper()
	got := w.ok(method, path, body, headers...)
	if err := json.Unmarshal([]byte(got), &v); err != nil {
		w.Fatalf("%s %s: %q: %v", method, path, got, err)
	}
	return v
}

// problem is an error's body.
type problem struct {
	Title, Code, Detail string
	Status              int
	Errors              []struct{ Location, Message string }
}

// notForPeople is what no detail may have: Go's types, our packages' names, and the
// sentences of libraries.
var notForPeople = regexp.MustCompile(`"record: |: record: |storage: |merge: |transform: transform|schema: schema|sqlite|json:|jsontext|\bGo (struct|value)|map\[|interface|\bint64\b|\*?[a-z]+\.[A-Z][A-Za-z]+ |%!|<nil>|goroutine|unmarshal`)

// wantProblem wants an error: problem+json that tells people what to mend.
func (w *world) wantProblem(r reply, status int, code, says string) {
	w.Helper()
	var p problem
	d := json.NewDecoder(strings.NewReader(r.body))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		w.Errorf("%d %.300q: %v, want problem+json", r.status, r.body, err)
		return
	}
	if r.status != status || p.Status != status || p.Title != http.StatusText(status) || p.Code != code {
		w.Errorf("%d %.600s, want %d %s", r.status, r.body, status, code)
	}
	if !strings.Contains(strings.ReplaceAll(r.body, `\"`, `"`), says) || p.Detail == "" {
		w.Errorf("body %.600s, want it to say %q", r.body, says)
	}
	if found := notForPeople.FindString(r.body); found != "" {
		w.Errorf("body %.600s, want it without %q", r.body, found)
	}
	if len(r.body) > 20_000 {
		w.Errorf("the error has %d bytes: it repeats what was sent", len(r.body))
	}
	if got := r.header.Get("Content-Type"); got != "application/problem+json" {
		w.Errorf("Content-Type %q, want application/problem+json", got)
	}
}

// codeOf is the code of an error's body.
func codeOf(r reply) string {
	var p problem
	_ = json.Unmarshal([]byte(r.body), &p)
	return p.Code
}

// in encodes a value for a query.
func in(v string) string { return url.QueryEscape(v) }

// refusingStore is watched, and refuses Updates when a test tells it to.
type refusingStore struct {
	*storagetest.Watched
	refuse func() error // unless nil, what each Update returns
}

func (s *refusingStore) Update(ctx context.Context, fn func(storage.Tx) error) error {
	if s.refuse != nil {
		return s.refuse()
	}
	return s.Watched.Update(ctx, fn)
}

func (w *world) everything() map[storage.Key]storage.Entity {
	w.Helper()
	return w.store.Everything(w)
}

// wantSame wants the store to hold what it held before.
func (w *world) wantSame(before map[storage.Key]storage.Entity) {
	w.Helper()
	w.store.WantSame(w, before)
}
