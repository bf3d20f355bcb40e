// Package edge is what every function shares on its HTTP side: how an operation
// is declared, errors, CORS, limits, settings. It knows HTTP and no domain.
//
// Read Function here and Register in operation.go first, then cors.go, limit.go,
// basicauth.go and accounts.go (who may call), stream.go, body.go and raw.go (bodies that an
// operation reads itself), errors.go and refusal.go (what a client is told), client.go (who
// called), watch.go, cloudlog.go and trace.go (what the log and the traces say) and config.go.
package edge

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"github.com/rs/cors"

	"github.com/tallystick/tallystick/internal/storage"
)

// Function is one deployed function.
type Function struct {
	Name       string // its folder below functions/, and its backend's name
	EntryPoint string // the name capitalised: what Cloud Functions calls it

	// Access is what the function does with the store, and all that it is granted where
	// it is deployed. Without any it runs without a store.
	Access storage.Access

	// Partners says that it reads the partners' documents, and so their secrets.
	Partners bool

	// Register declares the function's operations on a.
	Register func(a *API)
}

// Env is what a function runs on.
type Env struct {
	Config Config
	Store  storage.Store    // nil where operations are only declared
	Now    func() time.Time // default time.Now
	Traces *Traces          // nil where nobody traces

	// Publish, unless nil, is told of the figures that a function keeps about its
	// work, by name.
	Publish func(name string, figures func() any)
}

// API is a function's operations and what they run on.
type API struct {
	Env
	huma        huma.API
	function    string
	refused     []error // see Refuse
	rules       []Rule
	limit       *limiter
	accounts    *accounts // nil without BASIC_AUTH
	mux         *http.ServeMux
	paths       map[string]map[string]access // path → method → who may call it
	queries     map[string][]*huma.Param     // pattern → the operation's parameters
	registering Operation
}

func init() {
	huma.NewError = problemOf
	huma.DefaultArrayNullable = false
	huma.ValidateStrictCasing = true
}

// New returns the function's API on env. Its operations are also declared in doc, unless
// that is nil. The error is of the settings, all that the function cannot start with.
func New(f Function, env Env, doc *huma.OpenAPI) (*API, error) {
	if env.Now == nil {
		env.Now = time.Now
	}
	if doc == nil {
		doc = &huma.OpenAPI{OpenAPI: "3.1.0", Info: &huma.Info{}}
	}
	a := &API{
		Env:      env,
		function: f.Name,
		limit:    &limiter{perSecond: env.Config.RateLimit, now: env.Now},
		mux:      http.NewServeMux(),
		paths:    make(map[string]map[string]access),
		queries:  make(map[string][]*huma.Param),
	}
	var err error
	if a.accounts, err = newAccounts(env.Config.BasicAuth, env.Now); err != nil {
		a.Refuse(fmt.Errorf("BASIC_AUTH: %w", err))
	}
	a.huma = huma.NewAPI(huma.Config{
		OpenAPI:       doc,
		Formats:       formats,
		DefaultFormat: "application/json",
	}, humago.NewAdapter(routes{a}, ""))
	f.Register(a)
	if len(a.refused) > 0 {
		return nil, fmt.Errorf("settings: %w", errors.Join(a.refused...))
	}
	return a, nil
}

// Refuse says, while the function registers, that it cannot start with its settings. The
// error names the setting, and how to mend it.
func (a *API) Refuse(err error) { a.refused = append(a.refused, err) }

// Rules adds a domain's errors to those that the API knows.
func (a *API) Rules(rules ...Rule) { a.rules = append(a.rules, rules...) }

// routes is the mux that huma registers its operations on: each gets what all
// have in common around it.
type routes struct{ *API }

func (r routes) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	a, op := r.API, r.registering
	method, path := splitPattern(pattern)
	if a.paths[path] == nil {
		a.paths[path] = make(map[string]access)
		a.mux.Handle("OPTIONS "+path, a.preflight(path))
	}
	who := op.access()
	a.paths[path][method] = who
	inner := a.limited(op, a.authenticated(who, a.wellFormed(pattern, who, http.HandlerFunc(handler))))
	a.mux.Handle(pattern, a.refusing(op.Refusal, a.cors(who, inner)))
}

func (r routes) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.mux.ServeHTTP(w, req) }

// Handler serves the API.
func (a *API) Handler() http.Handler {
	a.mux.Handle("/", cors.New(corsOptions(a.allowedOrigins(public))).Handler(http.HandlerFunc(a.unknown)))
	return a.watched(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer a.recover(w, r)
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		a.mux.ServeHTTP(w, r)
	}))
}

// withoutSlash drops one trailing slash of the path, which the gateway lets pass. One that
// is encoded belongs to the last segment: with it dropped the others would be decoded, and
// an operation would be reached that the gateway did not see.
func withoutSlash(r *http.Request) *http.Request {
	path := r.URL.Path
	if len(path) < 2 || !strings.HasSuffix(r.URL.EscapedPath(), "/") {
		return r
	}
	short, url := *r, *r.URL
	url.Path, url.RawPath = strings.TrimSuffix(path, "/"), strings.TrimSuffix(url.RawPath, "/")
	short.URL = &url
	return &short
}

// recover answers for a handler that panicked.
func (a *API) recover(w http.ResponseWriter, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler {
		tellCode(w, cutOff)
		panic(v)
	}
	slog.ErrorContext(r.Context(), "panic", "function", a.function, "error", fmt.Sprint(v), "stack", string(debug.Stack()))
	if w.Header().Get("Content-Type") != "" { // a reply has begun
		Abort(w)
		return
	}
	writeProblem(w, NewProblem(http.StatusInternalServerError, "INTERNAL", ""))
}

// Abort cuts off a reply that has begun, so that a part is not taken for the whole.
// To panic, as net/http has it, does not do: the functions framework would end the
// reply as if it were complete.
func Abort(w http.ResponseWriter) {
	tellCode(w, cutOff)
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	conn.Close()
}

// wellFormed refuses a body that is encoded, a query that cannot be read or says one thing
// twice, and, behind the key, parameters that there are not: to overlook a part of it would
// do something else than was meant. Public pages may have caches to trick, and of a signed
// request only what is signed counts.
func (a *API) wellFormed(pattern string, who access, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.Header.Values("Content-Encoding")) > 0 {
			writeProblem(w, NewProblem(http.StatusUnsupportedMediaType, "CONTENT_ENCODING_UNSUPPORTED",
				"Send the body as it is, without Content-Encoding."))
			return
		}
		if keys := r.Header.Values("Idempotency-Key"); len(keys) > 1 || len(keys) == 1 && keys[0] == "" {
			writeProblem(w, NewProblem(http.StatusUnprocessableEntity, "VALIDATION_FAILED", "").WithFaults(
				Fault{Location: "header.Idempotency-Key", Message: "it is empty, or there twice: nothing would be done once by it"}))
			return
		}
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			writeProblem(w, NewProblem(http.StatusBadRequest, "QUERY_MALFORMED",
				"The query is not percent-encoded as it has to be: "+err.Error()+"."))
			return
		}
		if faults := overlooked(query, a.queries[pattern], who == keyed); len(faults) > 0 {
			writeProblem(w, NewProblem(http.StatusUnprocessableEntity, "VALIDATION_FAILED", "").WithFaults(faults...))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// keyParameter is the API key's name in a query, which is the gateway's.
const keyParameter = "key"

// overlooked is what of a query no handler would see.
func overlooked(query url.Values, known []*huma.Param, strict bool) (faults []Fault) {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		i := slices.IndexFunc(known, func(p *huma.Param) bool { return p.In == "query" && p.Name == name })
		switch {
		case i < 0 && strict && name != keyParameter:
			faults = append(faults, Fault{Location: "query." + name, Message: "unexpected parameter"})
		case i >= 0 && len(query[name]) > 1 && known[i].Schema.Type != huma.TypeArray:
			faults = append(faults, Fault{Location: "query." + name, Message: "it is there more than once"})
		}
	}
	return faults
}

// unknown answers what no operation does. Behind the gateway nothing comes here.
func (a *API) unknown(w http.ResponseWriter, r *http.Request) {
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions} {
		other := r.Clone(r.Context())
		other.Method = method
		if _, pattern := a.mux.Handler(other); pattern != "/" {
			w.Header().Add("Allow", method)
		}
	}
	if w.Header().Get("Allow") != "" {
		writeProblem(w, NewProblem(http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", r.Method+" is not defined here."))
		return
	}
	writeProblem(w, NewProblem(http.StatusNotFound, "NOT_FOUND", "There is nothing at this path."))
}

// Unavailable answers for a function that cannot start, and logs why.
func Unavailable(f Function, why error) http.Handler {
	a := &API{Env: Env{Now: time.Now}, function: f.Name}
	return a.watched(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		slog.ErrorContext(r.Context(), "function cannot start", "function", f.Name, "error", why)
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*") // its settings, and so its origins, may be what is wrong
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		writeProblem(w, NewProblem(http.StatusServiceUnavailable, "NOT_STARTED", "The function cannot start; its log says why.").RetryAfter(30))
	}))
}

// writeProblem writes a problem outside of any operation.
func writeProblem(w http.ResponseWriter, p *Problem) {
	h := w.Header()
	for name, values := range p.headers {
		h[name] = values
	}
	h.Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	writeJSON(w, p)
}
