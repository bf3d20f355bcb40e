package tallystick

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
)

// TestTheLineInTheDocsIsARealOne: docs/watching.md shows the line of a visit, from which
// metrics and alerts are written. It is made here by such a visit; only its time and its
// latency differ.
func TestTheLineInTheDocsIsARealOne(t *testing.T) {
	docs, err := os.ReadFile(filepath.Join("docs", "watching.md"))
	if err != nil {
		t.Fatal(err)
	}
	example := regexp.MustCompile("(?s)```json\n(.*?)```").FindSubmatch(docs)
	if example == nil {
		t.Fatal("docs/watching.md has no example in JSON")
	}
	if diff := cmp.Diff(readLine(t, example[1]), readLine(t, logVisit(t))); diff != "" {
		t.Errorf("-docs +log\n%s", diff)
	}
}

// logVisit returns the line of a page's second visit, as it is logged where it is deployed.
func logVisit(t *testing.T) []byte {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	config := edge.Config{AllowedOrigins: []string{"*"}, TrustedHops: 2, MergeQueue: 10, Shards: 1}
	api, err := edge.New(Functions[0], edge.Env{Config: config, Store: store}, nil)
	if err != nil {
		t.Fatal(err)
	}
	handler := api.Handler()
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(edge.NewCloudLog(&log, slog.LevelInfo, "my-project")))
	t.Cleanup(func() { slog.SetDefault(before) })
	for range 2 { // the first makes the day's salt
		log.Reset()
		r := httptest.NewRequest(http.MethodPost, "/visits?page=/about", nil)
		r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
		r.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
		handler.ServeHTTP(httptest.NewRecorder(), r)
	}
	return log.Bytes()
}

// readLine reads a line, and holds what differs from run to run to its form.
func readLine(t *testing.T, line []byte) map[string]any {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal(line, &got); err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	request, _ := got["httpRequest"].(map[string]any)
	for _, varies := range []struct {
		in         map[string]any
		name, form string
	}{
		{got, "time", `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$`},
		{request, "latency", `^\d+\.\d{6}s$`},
	} {
		value, _ := varies.in[varies.name].(string)
		if !regexp.MustCompile(varies.form).MatchString(value) {
			t.Errorf("%s is %q, want the form %s", varies.name, value, varies.form)
		}
		delete(varies.in, varies.name)
	}
	return got
}
