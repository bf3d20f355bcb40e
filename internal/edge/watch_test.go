package edge

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
)

// shelf is a function with a public operation that does what the id says, and one with a
// key and a body, whose errors have a form of their own.
func shelf(store storage.Store) Function {
	type book struct {
		ID string `path:"id"`
	}
	type input struct {
		book
		Body struct{ Text string }
	}
	type output struct{ Body string }
	read := func(ctx context.Context, in *book) (*output, error) {
		switch in.ID {
		case "anna-thing":
			return nil, errThing
		case "anna-unavailable":
			return nil, storage.ErrUnavailable
		case "anna-unknown":
			return nil, errors.New("unknown")
		case "anna-panic":
			panic("deliberate")
		case "anna-abort":
			panic(http.ErrAbortHandler)
		case "anna-store":
			key := storage.Key{Kind: "Book", Name: "anna"}
			_, err := store.Get(ctx, key)
			return &output{in.ID}, errors.Join(err, store.Update(ctx, func(tx storage.Tx) error {
				_, err := tx.Get(key)
				return errors.Join(err, tx.Put(storage.Entity{Key: key}), tx.Delete(storage.Key{Kind: "Book", Name: "bert"}))
			}))
		}
		return &output{in.ID}, nil
	}
	return Function{Name: "shelf", EntryPoint: "Shelf", Access: storage.All, Register: func(a *API) {
		a.Rules(Rule{Err: errThing, Status: http.StatusConflict, Code: "THING"})
		Register(a, Operation{
			Operation: huma.Operation{OperationID: "getBook", Method: http.MethodGet, Path: "/shelf/{id}"}, Public: true,
		}, read)
		Register(a, Operation{
			Operation: huma.Operation{OperationID: "getRare", Method: http.MethodGet, Path: "/rare/{id}"}, Public: true, Limit: minRate,
		}, read)
		Register(a, Operation{
			Operation: huma.Operation{OperationID: "putBook", Method: http.MethodPut, Path: "/shelf/{id}"},
			Refusal:   func(p *Problem) any { return oldError{Msg: p.Code} },
		}, func(ctx context.Context, in *input) (*output, error) { return read(ctx, &in.book) })
		Register(a, Operation{
			Operation: huma.Operation{OperationID: "download", Method: http.MethodGet, Path: "/download"}, Public: true,
		}, func(ctx context.Context, _ *struct{}) (*huma.StreamResponse, error) {
			return Download(ctx, "text/csv", "all.csv", func(w io.Writer) error {
				io.WriteString(w, "a part")
				return errors.New("broken off")
			}), nil
		})
	}}
}

// keptLog is a log that keeps what it is given.
type keptLog struct {
	mu  sync.Mutex
	all []slog.Record
}

// keepLog returns what is logged until the test ends, at all levels.
func keepLog(t *testing.T) *keptLog {
	t.Helper()
	kept := new(keptLog)
	before := slog.Default()
	slog.SetDefault(slog.New(kept))
	t.Cleanup(func() { slog.SetDefault(before) })
	return kept
}

func (k *keptLog) Enabled(context.Context, slog.Level) bool { return true }
func (k *keptLog) WithAttrs([]slog.Attr) slog.Handler       { return k }
func (k *keptLog) WithGroup(string) slog.Handler            { return k }

func (k *keptLog) Handle(_ context.Context, r slog.Record) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.all = append(k.all, r)
	return nil
}

// take returns the one line of a request, with its record, and forgets all.
func (k *keptLog) take(t *testing.T) (Line, slog.Record) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	var lines []Line
	var found slog.Record
	for _, r := range k.all {
		r.Attrs(func(a slog.Attr) bool {
			if l, ok := LineOf(a); ok {
				lines, found = append(lines, l), r
			}
			return true
		})
	}
	k.all = nil
	if len(lines) != 1 {
		t.Fatalf("%d lines for one request: %+v", len(lines), lines)
	}
	return lines[0], found
}

// handled lets the test know when the reply is done with, log and all.
func handled(h http.Handler) (http.Handler, <-chan struct{}) {
	done := make(chan struct{}, 1)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { done <- struct{}{} }()
		h.ServeHTTP(w, r)
	}), done
}

func TestEachRequestHasOneLineThatTellsNothingOfAPerson(t *testing.T) {
	const ours = "https://ours.example"
	log := keepLog(t)
	handler, done := handled(made(New(shelf(nil), Env{Config: Config{AllowedOrigins: []string{ours}, TrustedHops: 1}}, nil)).Handler())
	server := httptest.NewServer(handler)
	defer server.Close()
	for _, tt := range []struct {
		name, method, path string
		header             []string
		level              slog.Level
		message, code      string
	}{
		{"a good reply", "GET", "/shelf/anna", nil, slog.LevelInfo, "GET /shelf/{id} 200", ""},
		{"a slash behind", "GET", "/shelf/anna/", nil, slog.LevelInfo, "GET /shelf/{id} 200", ""},
		{"HEAD", "HEAD", "/shelf/anna", nil, slog.LevelInfo, "HEAD /shelf/{id} 200", ""},
		{"the first of a rare kind", "GET", "/rare/anna", nil, slog.LevelInfo, "GET /rare/{id} 200", ""},
		{"one too many", "GET", "/rare/anna", nil, slog.LevelInfo, "GET /rare/{id} 429", "RATE_LIMITED"},
		{"another site's page", "GET", "/shelf/anna", []string{"Origin", "https://anna.example"}, slog.LevelInfo, "GET /shelf/{id} 403", "ORIGIN_NOT_ALLOWED"},
		{"an encoded body", "PUT", "/shelf/anna", []string{"Content-Encoding", "gzip"}, slog.LevelInfo, "PUT /shelf/{id} 415", "CONTENT_ENCODING_UNSUPPORTED"},
		{"a bad query", "GET", "/shelf/anna?anna=%zz", nil, slog.LevelInfo, "GET /shelf/{id} 400", "QUERY_MALFORMED"},
		{"what huma refuses", "PUT", "/shelf/anna", []string{"Content-Type", "application/json"}, slog.LevelInfo, "PUT /shelf/{id} 422", "VALIDATION_FAILED"},
		{"an error of the domain", "GET", "/shelf/anna-thing", nil, slog.LevelInfo, "GET /shelf/{id} 409", "THING"},
		{"what cannot be done now", "GET", "/shelf/anna-unavailable", nil, slog.LevelWarn, "GET /shelf/{id} 503", "STORAGE_UNAVAILABLE"},
		{"an error that nobody knows", "GET", "/shelf/anna-unknown", nil, slog.LevelError, "GET /shelf/{id} 500", "INTERNAL"},
		{"a panic", "GET", "/shelf/anna-panic", nil, slog.LevelError, "GET /shelf/{id} 500", "INTERNAL"},
		{"a reply that is cut off", "GET", "/download", nil, slog.LevelWarn, "GET /download 200", "CUT_OFF"},
		{"a reply that is broken off", "GET", "/shelf/anna-abort", nil, slog.LevelWarn, "GET /shelf/{id} 200", "CUT_OFF"},
		{"a preflight", "OPTIONS", "/shelf/anna", []string{"Origin", ours, "Access-Control-Request-Method", "GET"}, slog.LevelDebug, "OPTIONS /shelf/{id} 204", ""},
		{"a path of nobody's", "GET", "/anna", nil, slog.LevelInfo, "GET other 404", "NOT_FOUND"},
		{"a method of nobody's", "ANNA", "/shelf/anna", nil, slog.LevelInfo, "other other 405", "METHOD_NOT_ALLOWED"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var body io.Reader
			if tt.method == http.MethodPut {
				body = strings.NewReader(`{"Anna":1}`)
			}
			r, err := http.NewRequest(tt.method, server.URL+tt.path, body)
			if err != nil {
				t.Fatal(err)
			}
			r.Header = http.Header{"User-Agent": {"anna"}, "X-Forwarded-For": {"203.0.113.9"}, "Cookie": {"anna=1"}, "X-Api-Key": {"anna"}}
			for i := 0; i < len(tt.header); i += 2 {
				r.Header.Set(tt.header[i], tt.header[i+1])
			}
			reply, err := http.DefaultTransport.RoundTrip(r)
			if err == nil {
				io.Copy(io.Discard, reply.Body)
				reply.Body.Close()
			}
			<-done
			line, record := log.take(t)
			if record.Level != tt.level || record.Message != tt.message || line.Code != tt.code || line.Function != "shelf" {
				t.Errorf("%v %q of %s, code %s; want %v %q of shelf, %s", record.Level, record.Message, line.Function, line.Code, tt.level, tt.message, tt.code)
			}
			var text bytes.Buffer
			for _, h := range []slog.Handler{slog.NewTextHandler(&text, nil), NewCloudLog(&text, slog.LevelDebug, "shop")} {
				if err := h.Handle(t.Context(), record); err != nil {
					t.Error(err)
				}
			}
			for _, private := range []string{"anna", "203.0.113.9", "127.0.0.1"} {
				if strings.Contains(strings.ToLower(text.String()), private) {
					t.Errorf("%q is in the line: %s", private, &text)
				}
			}
		})
	}
}

func TestALineHasWhatItsRequestCost(t *testing.T) {
	log := keepLog(t)
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	now := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { now = now.Add(12 * time.Millisecond); return now }
	api := made(New(shelf(store), Env{Now: clock}, nil)).Handler()
	for range 2 { // nothing of a request counts for the next
		api.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/shelf/anna-store", nil))
		got, _ := log.take(t)
		want := Line{
			Function: "shelf", Method: "GET", Route: "/shelf/{id}", Status: 200, Latency: 12 * time.Millisecond,
			Bytes: int64(len(`"anna-store"` + "\n")), Protocol: "HTTP/1.1",
			Used: storage.Used{Reads: 2, Writes: 1, Deletes: 1, Transactions: 1},
		}
		if got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}

func TestALineIsAGroupToWhoDoesNotKnowIt(t *testing.T) {
	log := captureLog(t)
	made(New(shelf(nil), Env{}, nil)).Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/shelf/anna", nil))
	for _, want := range []string{`msg="GET /shelf/{id} 200"`, " function=shelf method=GET route=/shelf/{id} status=200 ", " reads=0 "} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log is %s, want %s in it", log, want)
		}
	}
}

func TestAFunctionThatCannotStartHasLinesToo(t *testing.T) {
	log := keepLog(t)
	Unavailable(shelf(nil), errors.New("no")).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/shelf/anna", nil))
	line, record := log.take(t)
	if record.Level != slog.LevelWarn || line.Code != "NOT_STARTED" || line.Function != "shelf" || line.Status != 503 {
		t.Errorf("%v %+v, want a warning of shelf's with 503 NOT_STARTED", record.Level, line)
	}
}

// TestALineThatNobodyWantsIsNotMade at LOG_LEVEL=warn.
func TestALineThatNobodyWantsIsNotMade(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(NewCloudLog(&log, slog.LevelWarn, "")))
	t.Cleanup(func() { slog.SetDefault(before) })
	api := made(New(shelf(nil), Env{}, nil)).Handler()
	for path, want := range map[string]int{"/shelf/a": 0, "/shelf/anna-unknown": 2} {
		log.Reset()
		api.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, nil))
		if got := strings.Count(log.String(), "\n"); got != want {
			t.Errorf("%s: %d lines, want %d: %s", path, got, want, fmt.Sprint(&log))
		}
	}
}
