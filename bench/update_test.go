package bench

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick"
	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/partner"
	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
)

// BenchmarkUpdate compares a wrong signature of a partner with one of nobody, so that time
// does not tell who is a partner, and a signed adjustment with the same one by a key.
func BenchmarkUpdate(b *testing.B) {
	store, err := sqlite.Open(b.Context(), filepath.Join(b.TempDir(), "bench.db"))
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	p := newPartners(b, store)
	b.Run("unknown", func(b *testing.B) {
		const body = `{"type":"stock.adjusted","timestamp":"2026-11-21T12:00:00Z","data":{"sku":"A","delta":1}}`
		known, unknown := inTurn(10_000,
			func(int) time.Duration {
				return p.call(b, http.StatusUnauthorized, p.signed("acme", "wrong", "msg", body))
			},
			func(int) time.Duration {
				return p.call(b, http.StatusUnauthorized, p.signed("nobody", "wrong", "msg", body))
			})
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(known*1e6, "known-µs")
		b.ReportMetric(unknown*1e6, "unknown-µs")
		b.ReportMetric(unknown/known, "ratio")
	})
	b.Run("signed", func(b *testing.B) {
		p.call(b, http.StatusOK, p.signed("acme", "acme", "first", `{"type":"stock.counted","timestamp":"2026-11-21T12:00:00Z","data":{"sku":"A","quantity":0}}`))
		const body = `{"type":"stock.adjusted","timestamp":"2026-11-21T12:00:00Z","data":{"sku":"A","delta":1}}`
		signed, keyed := inTurn(1_000,
			func(i int) time.Duration {
				return p.call(b, http.StatusOK, p.signed("acme", "acme", fmt.Sprint("msg_", i), body))
			},
			func(i int) time.Duration {
				r := httptest.NewRequest(http.MethodPost, "/stock/A/adjust", strings.NewReader(`{"delta":1}`))
				r.Header.Set("Content-Type", "application/json")
				r.Header.Set("Idempotency-Key", fmt.Sprint("key-", i))
				return p.call(b, http.StatusOK, r)
			})
		b.ReportMetric(0, "ns/op")
		b.ReportMetric(signed*1e6, "signed-µs")
		b.ReportMetric(keyed*1e6, "keyed-µs")
		b.ReportMetric(signed/keyed, "ratio")
	})
}

// inTurn makes so many calls of each of two kinds, now the one first and now the other,
// and returns the median seconds of each.
func inTurn(calls int, one, other func(i int) time.Duration) (ones, others float64) {
	var all [2][]float64
	for i := range calls {
		for turn := range 2 {
			kind := (i + turn) % 2
			took := [...]func(int) time.Duration{one, other}[kind](i)
			all[kind] = append(all[kind], took.Seconds())
		}
	}
	return median(all[0]), median(all[1])
}

// partners is the functions update and stock on one store, with one partner who has one
// key.
type partners struct{ handlers map[string]http.Handler }

func newPartners(b *testing.B, store storage.Store) *partners {
	b.Helper()
	folder := b.TempDir()
	document := fmt.Sprintf(`{"id":"acme","keys":[{"secret":%q}],"types":["*"],"skus":["*"]}`, secretOf("acme"))
	if err := os.WriteFile(filepath.Join(folder, "acme.json"), []byte(document), 0o600); err != nil {
		b.Fatal(err)
	}
	p := &partners{make(map[string]http.Handler)}
	for _, f := range tallystick.Functions {
		if f.Name != "update" && f.Name != "stock" {
			continue
		}
		api, err := edge.New(f, edge.Env{Config: edge.Config{TrustedHops: 1, Partners: folder}, Store: store}, nil)
		if err != nil {
			b.Fatal(err)
		}
		p.handlers[f.Name] = api.Handler()
	}
	return p
}

func secretOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	return "whsec_" + base64.StdEncoding.EncodeToString(sum[:])
}

// signed is an update that is said to be of a partner, signed with the key of a name.
func (p *partners) signed(who, key, id, body string) *http.Request {
	now := time.Now()
	signature, err := partner.Sign(secretOf(key), id, now, []byte(body))
	if err != nil {
		panic(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/partners/"+who+"/updates", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("webhook-id", id)
	r.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	r.Header.Set("webhook-signature", signature)
	return r
}

// call returns how long a request takes that has to be answered with a status.
func (p *partners) call(b *testing.B, status int, r *http.Request) time.Duration {
	name := "update"
	if strings.HasPrefix(r.URL.Path, "/stock/") {
		name = "stock"
	}
	w := httptest.NewRecorder()
	began := time.Now()
	p.handlers[name].ServeHTTP(w, r)
	took := time.Since(began)
	if w.Code != status {
		b.Fatalf("%s: %d %s, want %d", r.URL.Path, w.Code, w.Body, status)
	}
	return took
}
