package tallystick

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/partner"
	"github.com/tallystick/tallystick/internal/record"
	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
	"github.com/tallystick/tallystick/internal/storage/storagetest"
)

// step is a request, and its reply's status: 0 for any below 400. A store's refusal is a 500.
type step struct {
	method, path, body string
	want               int
}

// tomorrow is a step that lets a day pass, twice.
var tomorrow = step{method: "48h"}

// walks are requests that need all that a function is granted. The tests of each
// function run with its grant too, which shows that it is enough for them.
var walks = map[string][]step{
	"visits": {
		{"POST", "/visits?page=/a", "", 0},
		tomorrow, // the salt of the day before is forgotten
		{"POST", "/visits?page=/a", "", 0},
		{"GET", "/visits?page=/a", "", 0},
		{"GET", "/visits/top", "", 0},
	},
	"store": slices.Concat(
		[]step{
			{"PUT", "/records/c/large", `{"text":"` + strings.Repeat("x", 1<<20-20) + `"}`, 0}, // of several entities
			{"PUT", "/collections/c", `{"transform":"{n}"}`, 0},
			{"POST", "/collections/c/retransform", "", 0},
		},
		slices.Repeat([]step{{"PUT", "/records/c/small", `{"n":1}`, 0}}, record.MaxRevisions+2), // the oldest is dropped
	),
	"fetch": {
		{"GET", "/records/c/a", "", http.StatusNotFound},
		{"GET", "/collections", "", 0},
	},
	"remove": {
		{"DELETE", "/delete?collection=c&ids=large", "", 0},
	},
	"stock": {
		{"PUT", "/stock/a", `{}`, 0},
		{"POST", "/stock/a/adjust", `{"delta":1,"reason":"delivery"}`, 0},
		{"GET", "/stock/a", "", 0},
		{"GET", "/items", "", 0},
	},
	"update": {
		{"POST", "/partners/acme/updates", `{"type":"stock.adjusted","timestamp":"2026-11-22T12:00:00Z","data":{"sku":"a","delta":1}}`, 0},
		{"GET", "/partners/acme/updates", "", 0},
	},
}

// TestAFunctionIsGrantedWhatItNeedsAndNoMore: with its grant a function does all that it
// is for; with any part of it withheld there is something that fails.
func TestAFunctionIsGrantedWhatItNeedsAndNoMore(t *testing.T) {
	for _, f := range Functions {
		if f.Access == 0 {
			continue
		}
		t.Run(f.Name, func(t *testing.T) {
			if refused := refusedOf(t, f, f.Access); refused != "" {
				t.Errorf("with all that it is granted, %s is a 500", refused)
			}
			for name, part := range map[string]storage.Access{"Reads": storage.Reads, "Lists": storage.Lists, "Writes": storage.Writes, "Deletes": storage.Deletes} {
				if f.Access.Has(part) && refusedOf(t, f, f.Access&^part) == "" {
					t.Errorf("without %s nothing fails: it is not to be granted", name)
				}
			}
		})
	}
}

// refusedOf walks through a function on a new database that holds a large record and an
// item, and returns the first request that is a 500.
func refusedOf(t *testing.T, f edge.Function, access storage.Access) string {
	t.Helper()
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	folder := t.TempDir()
	secret, err := partner.Add(folder, partner.Draft{ID: "acme", Types: []string{"stock.adjusted"}, SKUs: []string{"*"}}, now)
	if err != nil {
		t.Fatal(err)
	}
	env := edge.Env{
		Config: edge.Config{AllowedOrigins: []string{"*"}, TrustedHops: 1, MergeQueue: 100, Shards: 1, Partners: folder},
		Now:    func() time.Time { return now },
	}
	handler := func(f edge.Function, store storage.Store) http.Handler {
		env.Store = store
		api, err := edge.New(f, env, nil)
		if err != nil {
			t.Fatal(err)
		}
		return api.Handler()
	}
	for _, name := range []string{"store", "stock"} { // what the others find
		maker, _ := Find(name)
		serveStep(t, handler(maker, db), walks[name][0], "", now)
	}

	granted := handler(f, storagetest.Granted(db, access))
	for _, s := range walks[f.Name] {
		if s == tomorrow {
			now = now.Add(48 * time.Hour)
			continue
		}
		switch status := serveStep(t, granted, s, secret, now); {
		case status == http.StatusInternalServerError:
			return s.method + " " + s.path
		case access != f.Access: // what is withheld may show in another way too
		case s.want == 0 && status >= 400, s.want != 0 && status != s.want:
			t.Errorf("%s %s: %d, want %d, or with 0 any below 400", s.method, s.path, status, s.want)
		}
	}
	return ""
}

func serveStep(t *testing.T, h http.Handler, s step, secret string, now time.Time) (status int) {
	t.Helper()
	r := httptest.NewRequest(s.method, s.path, strings.NewReader(s.body))
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0")
	if s.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	if strings.HasPrefix(s.path, "/partners/") && s.method == http.MethodPost {
		signature, err := partner.Sign(secret, "msg_1", now, []byte(s.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("webhook-id", "msg_1")
		r.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
		r.Header.Set("webhook-signature", signature)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code
}
