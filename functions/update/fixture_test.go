package update_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/tallystick/tallystick"
	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/partner"
	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
	"github.com/tallystick/tallystick/internal/storage/storagetest"
)

// noon is when the tests begin: far ahead of the real clock, by which SQLite
// removes what has expired.
var noon = time.Date(2126, 11, 21, 12, 0, 0, 0, time.UTC)

// documents are the partners: acme may do all with its own items, beta counts, and both
// know the old scheme too.
var documents = map[string]string{
	"acme": fmt.Sprintf(`{"id":"acme","keys":[{"secret":%q}],"types":["*"],"skus":["ACME-*"],"legacy":{"token":%q,"text":["raw","python","compact"]}}`,
		secretOf("acme"), tokenOf("acme")),
	"beta": fmt.Sprintf(`{"id":"beta","keys":[{"secret":%q}],"types":["stock.counted","delivery.updated"],"skus":["BETA-*","ACME-SHARED"],"legacy":{"token":%q,"text":["raw"]}}`,
		secretOf("beta"), tokenOf("beta")),
}

// secretOf is a secret that a name makes, tokenOf a token of the old scheme.
func secretOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "whsec_" + base64.StdEncoding.EncodeToString(sum[:])
}

func tokenOf(name string) string { return "the token of " + name }

// server is the function as it runs, on a database and a folder of its own.
type server struct {
	*testing.T
	url    string
	path   string // of the database
	folder string // of the partners
	db     storage.Store
	store  *faultyStore // through which the function sees it

	mu  sync.Mutex
	now time.Time

	before int // bytes of the log, see forget
}

// start starts the function. change, unless nil, changes its settings.
func start(t *testing.T, change func(*edge.Config)) *server {
	t.Helper()
	s := &server{T: t, path: filepath.Join(t.TempDir(), "updates.db"), folder: t.TempDir(), now: noon}
	for id, text := range documents {
		s.write(id+".json", text)
	}
	var err error
	if s.db, err = sqlite.Open(t.Context(), s.path); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
		wantNoSecretLogged(t)
	})
	s.store = &faultyStore{Store: s.db}
	s.url = s.serve(s.store, change)
	return s
}

// serve starts the function once more, on a store: what another instance is.
func (s *server) serve(store storage.Store, change func(*edge.Config)) (url string) {
	s.Helper()
	http := httptest.NewServer(s.handler(store, change))
	s.Cleanup(http.Close)
	return http.URL
}

func (s *server) handler(store storage.Store, change func(*edge.Config)) http.Handler {
	s.Helper()
	config := edge.Config{AllowedOrigins: []string{"*"}, TrustedHops: 1, MergeQueue: 1000, Shards: 1, Partners: s.folder}
	if change != nil {
		change(&config)
	}
	f, _ := tallystick.Find("update")
	deployed := storagetest.Granted(storagetest.Indexed(store, slices.Concat(partner.Kinds(), inventory.Kinds())...), f.Access)
	api, err := edge.New(f, edge.Env{Config: config, Store: deployed, Now: s.clock}, nil)
	if err != nil {
		s.Fatal(err)
	}
	return api.Handler()
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

// write writes a file of the partners' folder.
func (s *server) write(name, text string) {
	s.Helper()
	if err := os.WriteFile(filepath.Join(s.folder, name), []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
}

// message is a request that updates something.
type message struct {
	path   string
	header http.Header
	body   string
}

// sign makes an update of a partner, signed with the key of its name now. The signature is
// the official library's.
func (s *server) sign(partner, id, body string) message {
	s.Helper()
	return s.signAt(partner, partner, id, body, s.clock())
}

func (s *server) signAt(partner, key, id, body string, at time.Time) message {
	s.Helper()
	signer, err := standardwebhooks.NewWebhook(secretOf(key))
	if err != nil {
		s.Fatal(err)
	}
	signature, err := signer.Sign(id, at, []byte(body))
	if err != nil {
		s.Fatal(err)
	}
	keepSecret(strings.TrimPrefix(signature, "v1,"))
	header := http.Header{"Content-Type": {"application/json"}}
	header.Set("webhook-id", id)
	header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	header.Set("webhook-signature", signature)
	return message{"/partners/" + partner + "/updates", header, body}
}

// reply is what came back.
type reply struct {
	status int
	header http.Header
	body   string
}

// code is that of an error.
func (r reply) code() string {
	var p struct{ Code string }
	if json.Unmarshal([]byte(r.body), &p) != nil {
		return ""
	}
	return p.Code
}

func (s *server) post(m message) reply {
	s.Helper()
	r, err := s.try(context.Background(), s.url, m)
	if err != nil {
		s.Fatal(err)
	}
	return r
}

// try is post to some instance, where it may fail.
func (s *server) try(ctx context.Context, url string, m message) (reply, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+m.path, strings.NewReader(m.body))
	if err != nil {
		return reply{}, err
	}
	r.Header = m.header
	return do(r)
}

func (s *server) get(path string) reply {
	s.Helper()
	r, err := http.NewRequest(http.MethodGet, s.url+path, nil)
	if err != nil {
		s.Fatal(err)
	}
	got, err := do(r)
	if err != nil {
		s.Fatal(err)
	}
	return got
}

// client gives up on what never comes, so that a test fails and does not hang.
var client = http.Client{Timeout: time.Minute}

func do(r *http.Request) (reply, error) {
	res, err := client.Do(r)
	if err != nil {
		return reply{}, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return reply{res.StatusCode, res.Header, string(body)}, err
}

// accept posts what has to be accepted.
func (s *server) accept(m message) reply {
	s.Helper()
	r := s.post(m)
	if r.status != http.StatusOK {
		s.Fatalf("%s %.200s: %d %s, want 200", m.path, m.body, r.status, r.body)
	}
	return r
}

// refuse posts what has to be refused, as a problem of this code that says what to mend,
// and wants nothing stored.
func (s *server) refuse(m message, status int, code, says string) reply {
	s.Helper()
	before := s.dump()
	r := s.post(m)
	if r.status != status || r.code() != code || !strings.Contains(r.body, says) {
		s.Errorf("%.200s: %d %s, want %d %s and %q", m.body, r.status, r.body, status, code, says)
	}
	if got := r.header.Get("Content-Type"); got != "application/problem+json" {
		s.Errorf("Content-Type %q, want application/problem+json", got)
	}
	if s.dump() != before {
		s.Errorf("%.200s: it was refused (%d), and something is stored", m.body, r.status)
	}
	return r
}

// dump is all that the database has, byte for byte.
func (s *server) dump() string {
	s.Helper()
	db, err := sql.Open("sqlite", s.path)
	if err != nil {
		s.Fatal(err)
	}
	defer db.Close()
	var b strings.Builder
	for _, query := range []string{
		"SELECT kind || '/' || name, properties, data, expire FROM entity ORDER BY kind, name",
		"SELECT kind || '/' || name, property, value, entity FROM property ORDER BY kind, property, value, name",
	} {
		rows, err := db.Query(query)
		if err != nil {
			s.Fatal(err)
		}
		for rows.Next() {
			var name string
			var one, two, three sql.RawBytes
			if err := rows.Scan(&name, &one, &two, &three); err != nil {
				s.Fatal(err)
			}
			fmt.Fprintf(&b, "%s %x %x %x\n", name, one, two, three)
		}
		if err := rows.Err(); err != nil {
			s.Fatal(err)
		}
	}
	return b.String()
}

// onHand wants items to have so much on hand.
func (s *server) onHand(want map[string]int64) {
	s.Helper()
	for sku, n := range want {
		items, _, err := inventory.New(s.db, inventory.Options{Now: s.clock}).Read(context.Background(), sku)
		if err != nil || len(items) != 1 || items[0].OnHand != n {
			s.Errorf("%s: %+v, %v, want %d on hand", sku, items, err, n)
		}
	}
}

// stock counts items of acme.
func (s *server) stock(quantity int, skus ...string) {
	s.Helper()
	var lines []string
	for _, sku := range skus {
		lines = append(lines, fmt.Sprintf(`{"sku":%q,"quantity":%d}`, sku, quantity))
	}
	s.accept(s.sign("acme", "stock-"+skus[0], counted(`{"lines":[`+strings.Join(lines, ",")+`]}`)))
}

func adjusted(data string) string  { return updateOf("stock.adjusted", data) }
func counted(data string) string   { return updateOf("stock.counted", data) }
func delivered(data string) string { return updateOf("delivery.updated", data) }

func updateOf(kind, data string) string {
	return fmt.Sprintf(`{"type":%q,"timestamp":"2126-11-21T11:00:00Z","data":%s}`, kind, data)
}

// rows are a partner's updates, the latest first.
func (s *server) rows(partner string) (all []row) {
	s.Helper()
	for token := ""; ; {
		r := s.get("/partners/" + partner + "/updates?pageSize=1000&pageToken=" + token)
		var page struct {
			Updates       []row
			NextPageToken string
		}
		if err := json.Unmarshal([]byte(r.body), &page); err != nil || r.status != http.StatusOK {
			s.Fatalf("rows of %s: %d %s, %v", partner, r.status, r.body, err)
		}
		all = append(all, page.Updates...)
		if token = page.NextPageToken; token == "" {
			return all
		}
	}
}

type row struct {
	ID, Type, Scheme string
	ReceivedTime     time.Time
	Body             json.RawMessage
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
	fault := f.fault
	f.mu.Unlock()
	if fault == nil {
		return nil
	}
	return fault()
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

// logged is all that the tests of this run have logged, and secret what none of it may
// have.
var logged struct {
	sync.Mutex
	text   bytes.Buffer
	secret map[string]bool
}

type logWriter struct{}

func (logWriter) Write(p []byte) (int, error) {
	logged.Lock()
	defer logged.Unlock()
	return logged.text.Write(p)
}

// forget and logged are what a test has logged since.
func (s *server) forget() {
	logged.Lock()
	defer logged.Unlock()
	s.before = logged.text.Len()
}

func (s *server) logged() string {
	logged.Lock()
	defer logged.Unlock()
	return logged.text.String()[s.before:]
}

func TestMain(m *testing.M) {
	slog.SetDefault(slog.New(slog.NewTextHandler(logWriter{}, nil)))
	for id := range documents {
		keepSecret(secretOf(id))
		keepSecret(tokenOf(id))
	}
	os.Exit(m.Run())
}

// keepSecret adds what must not be logged.
func keepSecret(text string) {
	logged.Lock()
	defer logged.Unlock()
	if logged.secret == nil {
		logged.secret = make(map[string]bool)
	}
	logged.secret[text] = true
}

// wantNoSecretLogged looks through all that was logged so far for secrets, tokens and
// signatures, whole or in part.
func wantNoSecretLogged(t testing.TB) {
	t.Helper()
	logged.Lock()
	defer logged.Unlock()
	text := logged.text.String()
	for secret := range logged.secret {
		if part := secret[len(secret)/2:]; strings.Contains(text, part) {
			t.Errorf("%q is in the log", part)
		}
	}
}
