package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/merge"
	"github.com/tallystick/tallystick/internal/storage"
)

// things is a function with a public operation and one that needs a key, which do
// what the test says.
func things(do func(context.Context) (string, error)) Function {
	type input struct{ Body struct{ Text string } }
	type output struct{ Body string }
	return Function{Name: "things", EntryPoint: "Things", Register: func(a *API) {
		a.Rules(Rule{Err: errThing, Status: http.StatusTeapot, Code: "THING", Tell: true, Retry: 7},
			Rule{Err: errSilent, Status: http.StatusConflict, Code: "SILENT", Detail: "Told."})
		Register(a, Operation{
			Operation: huma.Operation{OperationID: "getThing", Method: http.MethodGet, Path: "/things"},
			Public:    true, Example: "a thing",
		}, func(ctx context.Context, _ *struct{}) (*output, error) {
			s, err := do(ctx)
			return &output{s}, err
		})
		Register(a, Operation{
			Operation: huma.Operation{OperationID: "putThing", Method: http.MethodPut, Path: "/things"},
		}, func(ctx context.Context, in *input) (*output, error) { return &output{in.Body.Text}, nil })
	}}
}

var (
	errThing  = errors.New("the thing is round")
	errSilent = errors.New("secret")
)

// made is the API of a function that refuses no settings.
func made(a *API, err error) *API {
	if err != nil {
		panic(err)
	}
	return a
}

// serve sends one request to things.
func serve(t *testing.T, c Config, do func(context.Context) (string, error), method, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	var body io.Reader
	if method == http.MethodPut {
		body = strings.NewReader(`{"Text":"x"}`)
	}
	r := httptest.NewRequest(method, path, body)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	made(New(things(do), Env{Config: c}, nil)).Handler().ServeHTTP(w, r)
	return w
}

func works(context.Context) (string, error) { return "done", nil }

// captureLog returns what is logged until the test ends.
func captureLog(t *testing.T) *bytes.Buffer {
	var b bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&b, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return &b
}

func TestErrorsBecomeProblems(t *testing.T) {
	for _, tt := range []struct {
		name  string
		err   error
		retry string
		want  Problem
		log   bool
	}{
		{"a domain's", fmt.Errorf("op: %w", errThing), "7", Problem{"I'm a teapot", 418, "THING", "op: the thing is round", nil, nil}, false},
		{"a domain's that is not told", fmt.Errorf("op: %w", errSilent), "", Problem{"Conflict", 409, "SILENT", "Told.", nil, nil}, false},
		{"a problem", fmt.Errorf("op: %w", NewProblem(410, "GONE", "Gone for good.")), "", Problem{"Gone", 410, "GONE", "Gone for good.", nil, nil}, false},
		{"an unknown outcome", fmt.Errorf("op: %w: %w", storage.ErrUnknown, context.DeadlineExceeded), "1",
			Problem{"Service Unavailable", 503, "OUTCOME_UNKNOWN", unknownDetail, nil, nil}, true},
		{"a key that was used", merge.ErrKeyReused, "", Problem{"Unprocessable Entity", 422, "IDEMPOTENCY_KEY_REUSED",
			"This Idempotency-Key came before with another request. Make a new one for each request.", nil, nil}, false},
		{"a full queue", merge.ErrQueueFull, "1", Problem{"Service Unavailable", 503, "OVERLOADED", "Too many requests wait. Nothing was done.", nil, nil}, true},
		{"a conflict", storage.ErrConflict, "1", Problem{"Service Unavailable", 503, "CONTENTION", "Others kept writing the same thing. Nothing was done.", nil, nil}, true},
		{"a database that is down", storage.ErrUnavailable, "5", Problem{"Service Unavailable", 503, "STORAGE_UNAVAILABLE",
			"The database cannot do this now. Nothing was done.", nil, nil}, true},
		{"too late", context.DeadlineExceeded, "1", Problem{"Gateway Timeout", 504, "DEADLINE_EXCEEDED", "It took too long. Nothing was done.", nil, nil}, true},
		{"a body cut off", io.ErrUnexpectedEOF, "", Problem{"Bad Request", 400, "MALFORMED_REQUEST", "The body ended before its end. Nothing was done.", nil, nil}, false},
		{"a body too large", &http.MaxBytesError{Limit: 7}, "", Problem{"Request Entity Too Large", 413, "BODY_TOO_LARGE", "The body has over 7 bytes.", nil, nil}, false},
		{"a foreign cursor", storage.ErrCursor, "", Problem{"Bad Request", 400, "PAGE_TOKEN_INVALID",
			"pageToken is not one that this query gave. Start again without it.", nil, nil}, false},
		{"any other", errors.New("pq: password authentication failed"), "", Problem{"Internal Server Error", 500, "INTERNAL", "", nil, nil}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log := captureLog(t)
			w := serve(t, Config{AllowedOrigins: []string{"*"}}, func(context.Context) (string, error) { return "", tt.err },
				http.MethodGet, "/things", "Origin", "https://example.com", "Accept", "text/plain")
			wantProblem(t, w, tt.want)
			if got := w.Header().Get("Retry-After"); got != tt.retry {
				t.Errorf("Retry-After %q, want %q", got, tt.retry)
			}
			if got := w.Header().Get("Access-Control-Allow-Origin"); got != "*" {
				t.Errorf("Access-Control-Allow-Origin %q, want *", got)
			}
			if got := strings.Contains(log.String(), tt.err.Error()); got != tt.log {
				t.Errorf("the log is %q; that it has the cause is %v, want %v", log, got, tt.log)
			}
		})
	}
}

func wantProblem(t *testing.T, w *httptest.ResponseRecorder, want Problem) {
	t.Helper()
	var got Problem
	if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
		t.Fatalf("body %q: %v", w.Body, err)
	}
	if fmt.Sprint(got) != fmt.Sprint(want) || w.Code != want.Status {
		t.Errorf("%d %+v, want %+v", w.Code, got, want)
	}
	h := w.Header()
	if h.Get("Content-Type") != "application/problem+json" || h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("headers %v, want a problem that is neither stored nor sniffed at", h)
	}
}

func TestAPanicIsABare500(t *testing.T) {
	log := captureLog(t)
	w := serve(t, Config{AllowedOrigins: []string{"*"}}, func(context.Context) (string, error) { panic("secret") },
		http.MethodGet, "/things", "Origin", "https://example.com")
	wantProblem(t, w, Problem{Title: "Internal Server Error", Status: 500, Code: "INTERNAL"})
	if w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("headers %v, want those of CORS", w.Header())
	}
	if strings.Contains(w.Body.String(), "secret") || !strings.Contains(log.String(), "secret") {
		t.Errorf("body %q, log %q; want the cause in the log alone", w.Body, log)
	}
}

func TestAnAbortedReplyIsCutOff(t *testing.T) {
	defer func() {
		if v := recover(); v != http.ErrAbortHandler {
			t.Errorf("recovered %v, want ErrAbortHandler to go on to the server", v)
		}
	}()
	serve(t, Config{}, func(context.Context) (string, error) { panic(http.ErrAbortHandler) }, http.MethodGet, "/things")
}

func TestOneTrailingSlashDoesNotMatter(t *testing.T) {
	for path, want := range map[string]int{"/things": 200, "/things/": 200, "/things/?a=b": 200, "/": 404} {
		if w := serve(t, Config{}, works, http.MethodGet, path); w.Code != want {
			t.Errorf("GET %s: %d, want %d", path, w.Code, want)
		}
	}
}

func TestWhatNoOperationDoes(t *testing.T) {
	for _, tt := range []struct {
		name, method, path string
		status             int
		code               string
		allow              []string
	}{
		{"another path", "GET", "/other", 404, "NOT_FOUND", nil},
		{"the root", "GET", "/", 404, "NOT_FOUND", nil},
		{"below a path", "GET", "/things/1", 404, "NOT_FOUND", nil},
		{"another method", "POST", "/things", 405, "METHOD_NOT_ALLOWED", []string{"GET", "PUT", "OPTIONS"}},
		{"a method of nobody's", "BREW", "/things", 405, "METHOD_NOT_ALLOWED", []string{"GET", "PUT", "OPTIONS"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := serve(t, Config{}, works, tt.method, tt.path)
			var p Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != tt.status || p.Status != tt.status || p.Code != tt.code || p.Detail == "" {
				t.Errorf("%d %+v, %v; want %d %s with a detail", w.Code, p, err, tt.status, tt.code)
			}
			if got := w.Header()["Allow"]; fmt.Sprint(got) != fmt.Sprint(tt.allow) {
				t.Errorf("Allow %q, want %q", got, tt.allow)
			}
		})
	}
}

func TestABadRequestIsRefusedBeforeItsOperation(t *testing.T) {
	called := func(context.Context) (string, error) { panic("called") }
	for _, tt := range []struct {
		name, path, header, value string
		status                    int
		code                      string
	}{
		{"an encoded body", "/things", "Content-Encoding", "gzip", 415, "CONTENT_ENCODING_UNSUPPORTED"},
		{"an encoding that is none", "/things", "Content-Encoding", "identity", 415, "CONTENT_ENCODING_UNSUPPORTED"},
		{"an empty idempotency key", "/things", "Idempotency-Key", "", 422, "VALIDATION_FAILED"},
		{"an escape cut off in the query", "/things?page=/100%", "X", "", 400, "QUERY_MALFORMED"},
		{"no escape in the query", "/things?page=%zz", "X", "", 400, "QUERY_MALFORMED"},
		{"a semicolon in the query", "/things?a=1;b=2", "X", "", 400, "QUERY_MALFORMED"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := serve(t, Config{AllowedOrigins: []string{"*"}}, called, "GET", tt.path, tt.header, tt.value, "Origin", "https://example.com")
			var p Problem
			if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != tt.status || p.Code != tt.code || p.Detail == "" {
				t.Errorf("%d %+v, %v; want %d %s with a detail", w.Code, p, err, tt.status, tt.code)
			}
			if got := w.Header().Get("Access-Control-Allow-Origin"); got != "*" {
				t.Errorf("Access-Control-Allow-Origin %q, want *: a script has to see what is wrong", got)
			}
		})
	}
}

func TestCORS(t *testing.T) {
	const ours, other = "https://ours.example", "https://other.example"
	open, named, both := []string{"*"}, []string{ours}, []string{"*", ours}
	for _, tt := range []struct {
		name           string
		allowed        []string
		method, origin string
		status         int
		allow          string // Access-Control-Allow-Origin
	}{
		{"* opens a public operation", open, "GET", other, 200, "*"},
		{"* does not open one with a key", open, "PUT", other, 200, ""},
		{"a named origin opens a public operation", named, "GET", ours, 200, ours},
		{"a named origin opens one with a key", named, "PUT", ours, 200, ours},
		{"another origin is refused by a public operation", named, "GET", other, 403, ""},
		{"another origin cannot read one with a key", named, "PUT", other, 200, ""},
		{"the null origin is refused by a public operation", named, "GET", "null", 403, ""},
		{"part of a named origin is another", named, "GET", "https://ours.exampl", 403, ""},
		{"more than a named origin is another", named, "GET", ours + ".evil.example", 403, ""},
		{"another scheme is another origin", named, "GET", "http://ours.example", 403, ""},
		{"no origin is no page's", named, "GET", "", 200, ""},
		{"* and a named origin open one with a key to that one", both, "PUT", ours, 200, ours},
		{"* and a named origin do not open it to others", both, "PUT", other, 200, ""},
		{"nothing allowed refuses", nil, "GET", other, 403, ""},
		{"nothing allowed opens nothing", nil, "PUT", other, 200, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header := []string{"X", ""}
			if tt.origin != "" {
				header = []string{"Origin", tt.origin}
			}
			w := serve(t, Config{AllowedOrigins: tt.allowed}, works, tt.method, "/things", header...)
			if got := w.Header().Get("Access-Control-Allow-Origin"); w.Code != tt.status || got != tt.allow {
				t.Errorf("%d, Access-Control-Allow-Origin %q; want %d, %q", w.Code, got, tt.status, tt.allow)
			}
			if tt.status == 403 && !strings.Contains(w.Body.String(), "ORIGIN_NOT_ALLOWED") {
				t.Errorf("body %s, want ORIGIN_NOT_ALLOWED", w.Body)
			}
			if !strings.Contains(strings.Join(w.Header()["Vary"], ","), "Origin") {
				t.Errorf("Vary %q, want Origin in it", w.Header()["Vary"])
			}
			if tt.origin != "" && tt.allow != "" && w.Header().Get("Access-Control-Expose-Headers") == "" {
				t.Error("no header of the reply can be read")
			}
		})
	}
}

func TestPreflight(t *testing.T) {
	const ours, other = "https://ours.example", "https://other.example"
	open, named := []string{"*"}, []string{ours}
	for _, tt := range []struct {
		name                    string
		allowed                 []string
		origin, method, headers string
		allow                   string // Access-Control-Allow-Origin
	}{
		{"* allows a public operation", open, other, "GET", "", "*"},
		{"* allows no operation with a key", open, other, "PUT", "", ""},
		{"a named origin may do both", named, ours, "PUT", "authorization,content-type,x-api-key", ours},
		{"another may do neither", named, other, "GET", "", ""},
		{"a method that another function may have, for a named origin", named, ours, "DELETE", "", ours},
		{"a method that another function may have, not for others", named, other, "DELETE", "", ""},
		{"* allows no method that another function may have", open, other, "DELETE", "", ""},
		{"an unknown method may not be used", named, ours, "BREW", "", ""},
		{"an unknown header may not be sent", named, ours, "GET", "x-evil", ""},
		{"Idempotency-Key may be sent", open, other, "GET", "idempotency-key", "*"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			header := []string{"Origin", tt.origin, "Access-Control-Request-Method", tt.method}
			if tt.headers != "" {
				header = append(header, "Access-Control-Request-Headers", tt.headers)
			}
			w := serve(t, Config{AllowedOrigins: tt.allowed}, works, "OPTIONS", "/things", header...)
			h := w.Header()
			if got := h.Get("Access-Control-Allow-Origin"); w.Code != 204 || got != tt.allow {
				t.Errorf("%d, Access-Control-Allow-Origin %q; want 204, %q", w.Code, got, tt.allow)
			}
			if got := h.Get("Access-Control-Allow-Methods"); (got == tt.method) != (tt.allow != "") {
				t.Errorf("Access-Control-Allow-Methods %q, want %s if it is allowed", got, tt.method)
			}
		})
	}
	if w := serve(t, Config{}, works, "OPTIONS", "/things"); w.Code != 204 {
		t.Errorf("OPTIONS without a question: %d, want 204", w.Code)
	}
}

func TestThePublicAreLimitedAndNotThoseWithAKey(t *testing.T) {
	api := made(New(things(works), Env{Config: Config{AllowedOrigins: []string{"*"}, RateLimit: 0.02, TrustedHops: 1}}, nil)).Handler()
	send := func(method string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(method, "/things", strings.NewReader(`{"Text":"x"}`))
		r.Header.Set("Origin", "https://example.com")
		api.ServeHTTP(w, r)
		return w
	}
	if w := send("GET"); w.Code != 200 {
		t.Errorf("the first request: %d %s, want 200", w.Code, w.Body)
	}
	w := send("GET")
	if !strings.Contains(w.Body.String(), `"code":"RATE_LIMITED"`) || w.Code != 429 || w.Header().Get("Retry-After") == "" || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("the second: %d %v %s, want 429 with Retry-After and CORS", w.Code, w.Header(), w.Body)
	}
	for range 3 {
		if w := send("PUT"); w.Code != 200 {
			t.Errorf("with a key: %d %s, want 200", w.Code, w.Body)
		}
	}
}

func TestAnOperationDeclaresItself(t *testing.T) {
	doc := &huma.OpenAPI{OpenAPI: "3.1.0", Info: &huma.Info{}}
	made(New(things(works), Env{}, doc))
	get, put := doc.Paths["/things"].Get, doc.Paths["/things"].Put
	if got := get.Extensions[FunctionExtension]; got != "things" || fmt.Sprint(get.Tags) != "[things]" {
		t.Errorf("function %v, tags %v; want things", got, get.Tags)
	}
	if len(get.Security) != 0 || get.Security == nil || fmt.Sprint(put.Security) != "[map[apiKey:[]] map[apiKey:[] basicAuth:[]]]" {
		t.Errorf("security of the public one %v, of the other %v; want none and apiKey, with basicAuth or without", get.Security, put.Security)
	}
	if got := get.Responses["200"].Content["application/json"].Example; got != "a thing" {
		t.Errorf("example %v, want a thing", got)
	}
}

func TestUnavailable(t *testing.T) {
	captureLog(t)
	w := httptest.NewRecorder()
	Unavailable(things(works), errors.New("no")).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/things", nil))
	if w.Code != 503 || w.Header().Get("Retry-After") != "30" || !strings.Contains(w.Body.String(), `"code":"NOT_STARTED"`) {
		t.Errorf("%d %v %s, want 503 NOT_STARTED with Retry-After 30", w.Code, w.Header(), w.Body)
	}
}

func TestListSize(t *testing.T) {
	for asked, want := range map[int]int{0: 50, 1: 1, 50: 50, 1000: 1000, 1001: 1000, 5000: 1000} {
		if got := (List{PageSize: asked}).Size(); got != want {
			t.Errorf("a page of %d is %d, want %d", asked, got, want)
		}
	}
}

func TestAReplyThatIsCutOffIsNotTakenForTheWhole(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "a part")
		http.NewResponseController(w).Flush()
		Abort(w)
	}))
	defer server.Close()
	reply, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if got, err := io.ReadAll(reply.Body); err == nil {
		t.Errorf("the client read %q to its end, want an error", got)
	}
}

// TestNoParameterOfAQueryIsOverlooked: one that is misspelt, or there twice, would do
// something else than was meant. A public operation takes others than its own.
func TestNoParameterOfAQueryIsOverlooked(t *testing.T) {
	type input struct {
		Collection string   `query:"collection"`
		IDs        []string `query:"ids,explode"`
	}
	register := func(public bool) http.Handler {
		f := Function{Name: "test", EntryPoint: "Test", Register: func(a *API) {
			Register(a, Operation{
				Operation: huma.Operation{OperationID: "test", Method: http.MethodGet, Path: "/test"}, Public: public,
			}, func(context.Context, *input) (*struct{}, error) { return nil, nil })
		}}
		return made(New(f, Env{Config: Config{TrustedHops: 1, AllowedOrigins: []string{"*"}}}, nil)).Handler()
	}
	for _, tt := range []struct {
		public bool
		query  string
		fault  string
	}{
		{false, "collection=a&key=secret", ""},
		{false, "colection=a", "query.colection: unexpected parameter"},
		{true, "_=123&_=4", ""},
		{true, "ids=a&ids=b", ""},
		{true, "collection=a&collection=b", "query.collection: it is there more than once"},
		{false, "collection=a&collection=a", "query.collection: it is there more than once"},
	} {
		w := httptest.NewRecorder()
		register(tt.public).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/test?"+tt.query, nil))
		want := http.StatusNoContent
		if tt.fault != "" {
			want = http.StatusUnprocessableEntity
		}
		if w.Code != want || !strings.Contains(w.Body.String(), tt.fault) {
			t.Errorf("public %v, ?%s: %d %s, want %d %s", tt.public, tt.query, w.Code, w.Body, want, tt.fault)
		}
	}
}
