package web_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tallystick/tallystick"
	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/gateway"
	"github.com/tallystick/tallystick/internal/partner"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
	"github.com/tallystick/tallystick/web"
)

const dashboardKey = "key-of-the-test"

// world is a Tallystick on SQLite as serve runs it, with its dashboard: gateway and
// functions in this process, so that a function can be down.
type world struct {
	*testing.T
	url    string
	secret string                  // of the partner acme
	down   map[string]*atomic.Bool // by function
}

// newWorld starts one, with these lines of BASIC_AUTH if there are any.
func newWorld(t *testing.T, basicAuth ...string) *world {
	t.Helper()
	before := slog.SetLogLoggerLevel(slog.LevelError) // what the functions log of each request is not the test's
	t.Cleanup(func() { slog.SetLogLoggerLevel(before) })
	folder := t.TempDir()
	secret, err := partner.Add(filepath.Join(folder, "partners"), partner.Draft{ID: "acme", Types: []string{"*"}, SKUs: []string{"*"}}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(t.Context(), filepath.Join(folder, "tallystick.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })

	w := &world{T: t, secret: secret, down: map[string]*atomic.Bool{}}
	server := httptest.NewUnstartedServer(nil)
	w.url = "http://" + server.Listener.Addr().String()
	config := edge.Config{RateLimit: 1e6, TrustedHops: 1, MergeQueue: 1000, Shards: 1, Partners: filepath.Join(folder, "partners"), AllowedOrigins: []string{w.url}, BasicAuth: strings.Join(basicAuth, "\n")}
	addresses, handlers := map[string]string{}, map[string]http.Handler{}
	for _, f := range tallystick.Functions {
		api, err := edge.New(f, edge.Env{Config: config, Store: store}, nil)
		if err != nil {
			t.Fatal(err)
		}
		address := "http://" + f.Name + ".internal"
		addresses[strings.ToUpper(f.Name)+"_URL"] = address
		w.down[f.Name] = new(atomic.Bool)
		handlers[address] = failing(api.Handler(), w.down[f.Name])
	}
	rendered, err := gateway.Render(tallystick.GatewayConfig, addresses)
	if err != nil {
		t.Fatal(err)
	}
	gate, err := gateway.New(rendered, gateway.Options{Keys: []string{dashboardKey}, Backends: handlers})
	if err != nil {
		t.Fatal(err)
	}
	server.Config.Handler = withDashboard(gate)
	server.Start()
	t.Cleanup(server.Close)
	return w
}

// failing answers 503 while the function is down, as the gateway does of one that cannot
// be reached.
func failing(next http.Handler, down *atomic.Bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if down.Load() {
			http.Error(w, "no healthy upstream", http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hold holds a function down, until the test's end at the latest.
func (w *world) hold(t *testing.T, function string) {
	w.down[function].Store(true)
	t.Cleanup(func() { w.down[function].Store(false) })
}

// withDashboard serves the dashboard at /dashboard/, as serve does.
func withDashboard(gate http.Handler) http.Handler {
	files := web.DashboardFiles(web.OwnGateway)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, ours := strings.CutPrefix(r.URL.Path, "/dashboard/")
		if name == "" {
			name = "index.html"
		}
		if content := files[name]; ours && content != nil {
			w.Header().Set("Content-Security-Policy", web.DashboardPolicy())
			http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
			return
		}
		gate.ServeHTTP(w, r)
	})
}

// send sends JSON with the key and wants it to be taken.
func (w *world) send(method, path, body string, headers ...string) string {
	w.Helper()
	r, err := http.NewRequest(method, w.url+path, strings.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	r.Header.Set("X-Api-Key", dashboardKey)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		w.Fatal(err)
	}
	defer reply.Body.Close()
	b, err := io.ReadAll(reply.Body)
	if err != nil || reply.StatusCode >= 300 {
		w.Fatalf("%s %s: status %d, %v: %s", method, path, reply.StatusCode, err, b)
	}
	return string(b)
}

// tells sends an update of the partner acme.
func (w *world) tells(id, kind, data string) {
	w.Helper()
	now := time.Now()
	body := fmt.Sprintf(`{"type":%q,"timestamp":%q,"data":%s}`, kind, now.UTC().Format(time.RFC3339), data)
	signature, err := partner.Sign(w.secret, id, now, []byte(body))
	if err != nil {
		w.Fatal(err)
	}
	w.send(http.MethodPost, "/partners/acme/updates", body, "webhook-id", id, "webhook-timestamp", fmt.Sprint(now.Unix()), "webhook-signature", signature)
}

// imports gives a page so many visits on each of the last days.
func (w *world) imports(page string, days int, visits func(day int) int) {
	w.Helper()
	type day struct {
		Day     string `json:"day"`
		Visits  int    `json:"visits"`
		Uniques int    `json:"uniques"`
	}
	var all []day
	sum, uniques := 0, 0
	for i := days - 1; i >= 0; i-- {
		d := day{time.Now().UTC().AddDate(0, 0, -i).Format(time.DateOnly), visits(i), visits(i) * 3 / 4}
		all = append(all, d)
		sum, uniques = sum+d.Visits, uniques+d.Uniques
	}
	line, err := json.Marshal(map[string]any{"page": page, "visits": sum, "uniques": uniques, "days": all})
	if err != nil {
		w.Fatal(err)
	}
	w.send(http.MethodPost, "/visits/import", string(line)+"\n", "Content-Type", "application/x-ndjson")
}
