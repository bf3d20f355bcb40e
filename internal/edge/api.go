// Package edge is what every function shares on its HTTP side: how an operation
// is declared, errors, CORS, limits, settings. It knows HTTP and no domain.
//
// Read Function and Register here first, then cors.go, limit.go, basicauth.go and
// accounts.go (who may call), stream.go and body.go (bodies that an operation reads
// itself), errors.go (what a client is told), client.go (who called) and config.go.
package edge

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
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

	// Stateless functions run without a store.
	Stateless bool

	// Register declares the function's operations on a.
	Register func(a *API)
}

// Env is what a function runs on.
type Env struct {
	Config Config
	Store  storage.Store    // nil where operations are only declared
	Now    func() time.Time // default time.Now

	// Publish, unless nil, is told of the figures that a function keeps about its
	// work, by name.
	Publish func(name string, figures func() any)
}

// API is a function's operations and what they run on.
type API struct {
	Env
	huma     huma.API
	function string
	rules    []Rule
	limit    *limiter
	accounts *accounts // nil without BASIC_AUTH
	mux      *http.ServeMux
	paths    map[string]map[string]bool // path → method → whether it is public
	queries  map[string][]*huma.Param   // pattern → the parameters of an operation that takes no others
	public   bool                       // of the operation that is being registered
}

func init() {
	huma.NewError = problemOf
	huma.DefaultArrayNullable = false
	huma.ValidateStrictCasing = true
}

// New returns the function's API on env, whose Config is checked. Its operations are
// also declared in doc, unless that is nil.
func New(f Function, env Env, doc *huma.OpenAPI) *API {
	if env.Now == nil {
		env.Now = time.Now
	}
	if doc == nil {
		doc = &huma.OpenAPI{OpenAPI: "3.1.0", Info: &huma.Info{}}
	}
	accounts, err := newAccounts(env.Config.BasicAuth, env.Now)
	if err != nil {
		panic("edge: a Config that was not checked: BASIC_AUTH: " + err.Error())
	}
	a := &API{
		Env:      env,
		function: f.Name,
		limit:    &limiter{perSecond: env.Config.RateLimit, now: env.Now},
		accounts: accounts,
		mux:      http.NewServeMux(),
		paths:    make(map[string]map[string]bool),
		queries:  make(map[string][]*huma.Param),
	}
	a.huma = huma.NewAPI(huma.Config{
		OpenAPI:       doc,
		Formats:       formats,
		DefaultFormat: "application/json",
	}, humago.NewAdapter(routes{a}, ""))
	f.Register(a)
	return a
}

// Rules adds a domain's errors to those that the API knows.
func (a *API) Rules(rules ...Rule) { a.rules = append(a.rules, rules...) }

// Operation declares one operation.
type Operation struct {
	huma.Operation

	// Example is the body of a good reply. It stands in the specification.
	Example any

	// Public operations need no key. They are limited in rate for each client
	// address, and open to other sites' pages as ALLOWED_ORIGINS says.
	Public bool
}

// KeyScheme is the name of the API key in the specification.
const KeyScheme = "apiKey"

// FunctionExtension names the function of an operation in the specification.
const FunctionExtension = "x-function"

// Register adds an operation. Its handler's errors become problems, see Rule.
func Register[I, O any](a *API, op Operation, handler func(context.Context, *I) (*O, error)) {
	if op.Extensions == nil {
		op.Extensions = make(map[string]any)
	}
	op.Extensions[FunctionExtension] = a.function
	op.Tags = []string{a.function}
	op.Errors = append(op.Errors, http.StatusBadRequest, http.StatusUnsupportedMediaType)
	if op.Public {
		op.Security = []map[string][]string{}
		op.Errors = append(op.Errors, http.StatusForbidden, http.StatusTooManyRequests)
	} else {
		op.Security = []map[string][]string{{KeyScheme: {}}, {KeyScheme: {}, BasicScheme: {}}}
		op.Errors = append(op.Errors, http.StatusUnauthorized)
	}
	body := op.RequestBody
	if readsBody[I]() {
		op.RequestBody = nil // or huma would read the body, to hold it against the schema
		op.Errors = append(op.Errors, http.StatusRequestEntityTooLarge)
	}
	slices.Sort(op.Errors)
	op.Errors = slices.Compact(op.Errors)
	a.public = op.Public
	huma.Register(a.huma, op.Operation, func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(ctx, in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
	declared := operationOf(a.huma.OpenAPI().Paths[op.Path], op.Method)
	if !op.Public {
		a.queries[op.Method+" "+op.Path] = declared.Parameters
	}
	if readsBody[I]() {
		declared.RequestBody = body
	}
	example(op, declared)
}

// example puts an operation's example into the specification, and those of parameters
// that are lists, or have to be given, where Swagger UI looks for them.
func example(op Operation, declared *huma.Operation) {
	for _, p := range declared.Parameters {
		if (p.Required || p.Schema.Type == huma.TypeArray) && len(p.Schema.Examples) > 0 {
			p.Example = p.Schema.Examples[0]
		}
	}
	if op.Example == nil {
		return
	}
	status := op.DefaultStatus
	if status == 0 {
		status = http.StatusOK
	}
	for _, media := range declared.Responses[strconv.Itoa(status)].Content {
		media.Example = op.Example
	}
}

func operationOf(p *huma.PathItem, method string) *huma.Operation {
	switch method {
	case http.MethodGet:
		return p.Get
	case http.MethodPost:
		return p.Post
	case http.MethodPut:
		return p.Put
	case http.MethodPatch:
		return p.Patch
	case http.MethodDelete:
		return p.Delete
	}
	panic("edge: method " + method)
}

// routes is the mux that huma registers its operations on: each gets what all
// have in common around it.
type routes struct{ *API }

func (r routes) HandleFunc(pattern string, handler func(http.ResponseWriter, *http.Request)) {
	a := r.API
	method, path := splitPattern(pattern)
	if a.paths[path] == nil {
		a.paths[path] = make(map[string]bool)
		a.mux.Handle("OPTIONS "+path, a.preflight(path))
	}
	a.paths[path][method] = a.public
	a.mux.Handle(pattern, a.cors(a.public, a.limited(a.public, a.authenticated(a.public, a.wellFormed(pattern, http.HandlerFunc(handler))))))
}

func (r routes) ServeHTTP(w http.ResponseWriter, req *http.Request) { r.mux.ServeHTTP(w, req) }

// Handler serves the API.
func (a *API) Handler() http.Handler {
	a.mux.Handle("/", cors.New(corsOptions(a.allowedOrigins(true))).Handler(http.HandlerFunc(a.unknown)))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer a.recover(w, r)
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		a.mux.ServeHTTP(w, withoutSlash(r))
	})
}

// withoutSlash drops one trailing slash of the path, which the gateway lets pass.
func withoutSlash(r *http.Request) *http.Request {
	path := r.URL.Path
	if len(path) < 2 || path[len(path)-1] != '/' {
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
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	conn.Close()
}

// limited counts a public operation's call against its client's rate, and lets the
// handler know the client.
func (a *API) limited(public bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		client := clientOf(r, a.Config.TrustedHops)
		if public {
			if wait, ok := a.limit.allow(client.Addr); !ok {
				writeProblem(w, NewProblem(http.StatusTooManyRequests, "RATE_LIMITED",
					fmt.Sprintf("At most %g requests a second from one address.", a.Config.RateLimit)).RetryAfter(wait))
				return
			}
		}
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), clientKey{}, client)))
	})
}

// wellFormed refuses a body that is encoded, a query that cannot be read, and, behind
// the key, parameters that there are not: to overlook a part of it would do something
// else than was meant. Public pages may have caches to trick.
func (a *API) wellFormed(pattern string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if e := r.Header.Get("Content-Encoding"); e != "" && e != "identity" {
			writeProblem(w, NewProblem(http.StatusUnsupportedMediaType, "CONTENT_ENCODING_UNSUPPORTED",
				"Send the body as it is, without Content-Encoding."))
			return
		}
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			writeProblem(w, NewProblem(http.StatusBadRequest, "QUERY_MALFORMED",
				"The query is not percent-encoded as it has to be: "+err.Error()+"."))
			return
		}
		if known, strict := a.queries[pattern]; strict {
			if faults := unexpected(query, known); len(faults) > 0 {
				writeProblem(w, NewProblem(http.StatusUnprocessableEntity, "VALIDATION_FAILED", "").WithFaults(faults...))
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// keyParameter is the API key's name in a query, which is the gateway's.
const keyParameter = "key"

func unexpected(query url.Values, known []*huma.Param) (faults []Fault) {
	for _, name := range slices.Sorted(maps.Keys(query)) {
		is := func(p *huma.Param) bool { return p.In == "query" && p.Name == name }
		if name != keyParameter && !slices.ContainsFunc(known, is) {
			faults = append(faults, Fault{Location: "query." + name, Message: "unexpected parameter"})
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

// Unavailable answers for a function that cannot start.
func Unavailable(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*") // its settings, and so its origins, may be what is wrong
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	writeProblem(w, NewProblem(http.StatusServiceUnavailable, "NOT_STARTED", "The function cannot start; its log says why.").RetryAfter(30))
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
