package visits_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallystick/tallystick"
	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
	"github.com/tallystick/tallystick/internal/storage/storagetest"
	"github.com/tallystick/tallystick/internal/visit"
)

// noon is when the tests begin: far ahead of the real clock, by which SQLite
// removes what has expired.
var noon = time.Date(2126, 11, 21, 12, 0, 0, 0, time.UTC)

// server is the function as it runs, on a database of its own.
type server struct {
	*testing.T
	url   string
	store *faultyStore

	mu  sync.Mutex
	now time.Time
}

// start starts the function. change, unless nil, changes its settings.
func start(t *testing.T, change func(*edge.Config)) *server {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "visits.db"))
	if err != nil {
		t.Fatal(err)
	}
	s := &server{T: t, store: &faultyStore{Store: db}, now: noon}
	config := edge.Config{AllowedOrigins: []string{"*"}, TrustedHops: 1, MergeQueue: 1000, Shards: 1}
	if change != nil {
		change(&config)
	}
	f, _ := tallystick.Find("visits")
	deployed := storagetest.Granted(storagetest.Indexed(s.store, visit.Kinds()...), f.Access)
	api, err := edge.New(f, edge.Env{Config: config, Store: deployed, Now: s.clock}, nil)
	if err != nil {
		t.Fatal(err)
	}
	http := httptest.NewServer(api.Handler())
	s.url = http.URL
	t.Cleanup(func() {
		http.Close()
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func (s *server) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *server) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   string
}

const firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"

// send sends a request. Headers are pairs of name and value; one without a value is
// left away.
func (s *server) send(method, path, body string, headers ...string) reply {
	s.Helper()
	return s.stream(method, path, strings.NewReader(body), headers...)
}

func (s *server) stream(method, path string, body io.Reader, headers ...string) reply {
	s.Helper()
	r, err := http.NewRequestWithContext(s.Context(), method, s.url+path, body)
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("User-Agent", firefox)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatalf("%s %s: %v", method, path, err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil {
		s.Fatalf("%s %s: %v", method, path, err)
	}
	return reply{res.StatusCode, res.Header, string(got)}
}

// ok sends a request that has to succeed, and returns its body.
func (s *server) ok(method, path, body string, headers ...string) string {
	s.Helper()
	r := s.send(method, path, body, headers...)
	if r.status != http.StatusOK {
		s.Fatalf("%s %s: %d %s", method, path, r.status, r.body)
	}
	return r.body
}

// want wants a page to have these visits.
func (s *server) want(page, visits string) {
	s.Helper()
	if got := s.ok("GET", "/visits?page="+page, "", "Accept", "text/plain"); got != visits+"\n" {
		s.Errorf("%s has %q visits, want %s", page, got, visits)
	}
}

// wantProblem wants an error: problem+json that tells people what to mend.
func (s *server) wantProblem(r reply, status int, code, says string) {
	s.Helper()
	var p struct {
		Title  string
		Status int
		Code   string
		Detail string
		Errors []struct{ Location, Message string }
	}
	if err := json.Unmarshal([]byte(r.body), &p); err != nil {
		s.Errorf("%d %q: %v, want problem+json", r.status, r.body, err)
		return
	}
	if r.status != status || p.Status != status || p.Title != http.StatusText(status) || p.Code != code {
		s.Errorf("%d %s, want %d %s", r.status, r.body, status, code)
	}
	if !strings.Contains(r.body, says) || p.Detail == "" && status != http.StatusInternalServerError {
		s.Errorf("body %s, want it to say %q", r.body, says)
	}
	if got := r.header.Get("Content-Type"); got != "application/problem+json" {
		s.Errorf("Content-Type %q, want application/problem+json", got)
	}
	if got := r.header.Get("Cache-Control"); got != "no-store" {
		s.Errorf("Cache-Control %q, want no-store", got)
	}
}

// faultyStore fails as a test tells it to.
type faultyStore struct {
	storage.Store
	mu    sync.Mutex
	fault func() error // of each call, unless nil
}

func (f *faultyStore) fail(fault func() error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}

func (f *faultyStore) err() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fault == nil {
		return nil
	}
	return f.fault()
}

func (f *faultyStore) Get(ctx context.Context, keys ...storage.Key) ([]storage.Entity, error) {
	if err := f.err(); err != nil {
		return nil, err
	}
	return f.Store.Get(ctx, keys...)
}

func (f *faultyStore) Query(ctx context.Context, q storage.Query) (storage.Page, error) {
	if err := f.err(); err != nil {
		return storage.Page{}, err
	}
	return f.Store.Query(ctx, q)
}

func (f *faultyStore) Update(ctx context.Context, fn func(storage.Tx) error) error {
	if err := f.err(); err != nil {
		return err
	}
	return f.Store.Update(ctx, fn)
}
