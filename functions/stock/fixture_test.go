package stock_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallystick/tallystick"
	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
	"github.com/tallystick/tallystick/internal/storage/storagetest"
)

// noon is when the tests begin: far ahead of the real clock, by which SQLite removes
// what has expired.
var noon = time.Date(2126, 11, 21, 12, 0, 0, 0, time.UTC)

// server is the function as it runs, on a database of its own.
type server struct {
	*testing.T
	url   string
	store *failingStore

	mu  sync.Mutex
	now time.Time
}

// start starts the function. change, unless nil, changes its settings.
func start(t *testing.T, change func(*edge.Config)) *server {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "stock.db"))
	if err != nil {
		t.Fatal(err)
	}
	s := &server{T: t, store: &failingStore{Watched: storagetest.Watch(db)}, now: noon}
	config := edge.Config{AllowedOrigins: []string{"*"}, TrustedHops: 1, MergeQueue: 1000, Shards: 1}
	if change != nil {
		change(&config)
	}
	f, _ := tallystick.Find("stock")
	deployed := storagetest.Granted(storagetest.Indexed(s.store, inventory.Kinds()...), f.Access)
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

// send sends a request. Headers are pairs of name and value. A body says that it is JSON.
func (s *server) send(method, path, body string, headers ...string) reply {
	s.Helper()
	r, err := s.try(method, path, body, headers...)
	if err != nil {
		s.Fatalf("%s %.200s: %v", method, path, err)
	}
	return r
}

func (s *server) try(method, path, body string, headers ...string) (reply, error) {
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
		headers = append([]string{"Content-Type", "application/json"}, headers...)
	}
	r, err := http.NewRequestWithContext(s.Context(), method, s.url+path, reader)
	if err != nil {
		return reply{}, err
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultTransport.RoundTrip(r) // which follows no redirect
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(got)}, err
}

// ok sends a request that has to succeed, and returns its body.
func (s *server) ok(method, path, body string, headers ...string) string {
	s.Helper()
	r := s.send(method, path, body, headers...)
	if r.status/100 != 2 {
		s.Fatalf("%s %.200s: %d %.500s", method, path, r.status, r.body)
	}
	return r.body
}

// decoded is ok, of a JSON reply.
func decoded[T any](s *server, method, path, body string, headers ...string) (v T) {
	s.Helper()
	got := s.ok(method, path, body, headers...)
	if err := json.Unmarshal([]byte(got), &v); err != nil {
		s.Fatalf("%s %s: %q: %v", method, path, got, err)
	}
	return v
}

// reserve makes a reservation and returns its id.
func (s *server) reserve(body string, headers ...string) string {
	s.Helper()
	return decoded[struct{ ID string }](s, "POST", "/reservations", body, headers...).ID
}

// wantItem wants an item to have this on hand, and this of it reserved.
func (s *server) wantItem(sku string, onHand, reserved int64) {
	s.Helper()
	got := decoded[struct{ OnHand, Reserved, Available int64 }](s, "GET", "/stock/"+sku, "")
	if got.OnHand != onHand || got.Reserved != reserved || got.Available != onHand-reserved {
		s.Errorf("%s has %+v, want %d on hand, %d reserved", sku, got, onHand, reserved)
	}
}

// problem is an error's body.
type problem struct {
	Title, Code, Detail string
	Status              int
	Errors              []fault
}

type fault struct {
	Location, Message string
	Value             *int64
}

// notForPeople is what no detail may have: Go's types, our packages' names, and the
// sentences of libraries.
var notForPeople = regexp.MustCompile(`inventory|storage: |merge: |sqlite|json:|\bGo (struct|value)|map\[|interface|\bint64\b|\*?[a-z]+\.[A-Z][A-Za-z]+ |%!|<nil>|goroutine|unmarshal`)

// wantProblem wants an error, problem+json that tells people what to mend, and returns it.
func (s *server) wantProblem(r reply, status int, code, says string) problem {
	s.Helper()
	var p problem
	d := json.NewDecoder(strings.NewReader(r.body))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		s.Errorf("%d %.300q: %v, want problem+json", r.status, r.body, err)
		return p
	}
	if r.status != status || p.Status != status || p.Title != http.StatusText(status) || p.Code != code {
		s.Errorf("%d %.600s, want %d %s", r.status, r.body, status, code)
	}
	if !strings.Contains(strings.ReplaceAll(r.body, `\"`, `"`), says) || p.Detail == "" && status != http.StatusInternalServerError {
		s.Errorf("body %.600s, want it to say %q", r.body, says)
	}
	if found := notForPeople.FindString(r.body); found != "" {
		s.Errorf("body %.600s, want it without %q", r.body, found)
	}
	if len(r.body) > 4000 {
		s.Errorf("the error has %d bytes: it repeats what was sent", len(r.body))
	}
	if got := r.header.Get("Content-Type"); got != "application/problem+json" {
		s.Errorf("Content-Type %q, want application/problem+json", got)
	}
	if got := r.header.Get("Idempotent-Replayed"); got != "" {
		s.Errorf("Idempotent-Replayed %q, want an error not to be replayed", got)
	}
	return p
}
