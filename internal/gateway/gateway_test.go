package gateway

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// seen is a request as a backend gets it; echo replies with it.
type seen struct {
	Method, URI, Path, RawPath, Query, Host, Body string
	Header                                        http.Header
}

var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	json.NewEncoder(w).Encode(seen{r.Method, r.RequestURI, r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.Host, string(body), r.Header})
})

// mode is how a backend is reached.
type mode string

const (
	inProcess mode = "in process"
	overHTTP  mode = "over HTTP"
)

// bothModes runs the test with the backend behind HTTP and in this process.
func bothModes(t *testing.T, test func(t *testing.T, m mode)) {
	for _, m := range []mode{inProcess, overHTTP} {
		t.Run(string(m), func(t *testing.T) { test(t, m) })
	}
}

// start serves testdata/gateway-config.yaml, changed by pairs of old and new text.
func start(t testing.TB, m mode, backend http.Handler, opts Options, changes ...string) *Gateway {
	t.Helper()
	address := "https://backend.test"
	if m == inProcess {
		opts.Backends = map[string]http.Handler{address: backend}
	} else {
		server := httptest.NewServer(backend)
		t.Cleanup(server.Close)
		address = server.URL
		if opts.Transport == nil {
			transport := NewTransport()
			t.Cleanup(transport.CloseIdleConnections)
			opts.Transport = transport
		}
	}
	if opts.Keys == nil {
		opts.Keys = []string{"first-key", "second-key"}
	}
	config, err := Render([]byte(strings.NewReplacer(changes...).Replace(testConfig(t))), map[string]string{"BACKEND": address})
	if err != nil {
		t.Fatal(err)
	}
	g, err := New(config, opts)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func testConfig(t testing.TB) string {
	t.Helper()
	config, err := os.ReadFile("testdata/gateway-config.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(config)
}

// call is a request; headers are pairs of name and value, names as they are sent.
func call(g http.Handler, method, target string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header[headers[i]] = append(r.Header[headers[i]], headers[i+1])
	}
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	return w
}

// wantRefusal checks a reply that the gateway made.
func wantRefusal(t *testing.T, w *httptest.ResponseRecorder, status int, message string) {
	t.Helper()
	var body struct {
		Code    int
		Message *string
	}
	dec := json.NewDecoder(w.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&body); err != nil || body.Message == nil {
		t.Fatalf("body is not {code, message}: %v, status %d", err, w.Code)
	}
	if w.Code != status || body.Code != status || *body.Message != message {
		t.Errorf("got %d, {%d, %q}\nwant %d, %q", w.Code, body.Code, *body.Message, status, message)
	}
	if got := w.Header(); len(got) != 1 || got.Get("Content-Type") != "application/json" {
		t.Errorf("headers are %v, want Content-Type: application/json alone", got)
	}
}

func wantForwarded(t *testing.T, w *httptest.ResponseRecorder) seen {
	t.Helper()
	var s seen
	if err := json.NewDecoder(w.Body).Decode(&s); w.Code != http.StatusOK || err != nil || s.Method == "" {
		t.Fatalf("not forwarded: status %d, %v", w.Code, err)
	}
	return s
}

const (
	noKey    = "UNAUTHENTICATED: Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API."
	wrongKey = "INVALID_ARGUMENT: API key not valid. Please pass a valid API key."
	unknown  = "The current request is not defined by this API."
)

func otherMethod(template string) string {
	return `The current request is matched to the defined url template "` + template + `" but its http method is not allowed`
}

// Each row is one of the behaviours that were read in ESPv2. A row has either a refusal or a URI that the
// backend sees.
func TestGatewayAnswersAsTheRealOne(t *testing.T) {
	long := strings.Repeat("a", 8192)
	rows := []struct {
		name           string
		method, target string
		headers        []string

		status  int
		message string

		uri   string
		check func(t *testing.T, s seen)
	}{
		// 404 and 405
		{name: "undefined path", target: "/nothing", status: 404, message: unknown},
		{name: "undefined path, and a key is not looked at", target: "/nothing?key=wrong", status: 404, message: unknown},
		{name: "OPTIONS *", method: "OPTIONS", target: "*", status: 404, message: unknown},
		{name: "other method", method: "DELETE", target: "/visits", status: 405, message: otherMethod("/visits")},
		{name: "other method, before the key", method: "POST", target: "/visits/top", status: 405, message: otherMethod("/visits/top")},
		{name: "405 has the template as in the document", method: "POST", target: "/records/shop/7", status: 405, message: otherMethod("/records/{collection}/{id}")},
		{name: "405 has the most specific template", method: "PATCH", target: "/records/shop/all", status: 405, message: otherMethod("/records/{collection}/all")},
		{name: "HEAD without an operation", method: "HEAD", target: "/visits", status: 405, message: otherMethod("/visits")},
		{name: "OPTIONS without an operation", method: "OPTIONS", target: "/visits/top", status: 405, message: otherMethod("/visits/top")},
		{name: "OPTIONS with an operation", method: "OPTIONS", target: "/visits", uri: "/visits"},

		// keys
		{name: "key missing", target: "/visits/top", status: 401, message: noKey},
		{name: "key empty", target: "/visits/top", headers: []string{"X-Api-Key", ""}, status: 401, message: noKey},
		{name: "key wrong", target: "/visits/top", headers: []string{"X-Api-Key", "wrong"}, status: 400, message: wrongKey},
		{name: "key of the right length, wrong", target: "/visits/top", headers: []string{"X-Api-Key", "girst-key"}, status: 400, message: wrongKey},
		{name: "key in the header, not stripped", target: "/visits/top", headers: []string{"X-Api-Key", "second-key"}, uri: "/visits/top",
			check: func(t *testing.T, s seen) {
				if got := s.Header.Get("X-Api-Key"); got != "second-key" {
					t.Errorf("x-api-key is %q", got)
				}
			}},
		{name: "key in the query, not stripped", target: "/visits/top?a=1&key=first-key", uri: "/visits/top?a=1&key=first-key"},
		{name: "key in the query goes before the header", target: "/visits/top?key=wrong", headers: []string{"X-Api-Key", "first-key"}, status: 400, message: wrongKey},
		{name: "an empty key in the query goes before the header too", target: "/visits/top?key=", headers: []string{"X-Api-Key", "first-key"}, status: 401, message: noKey},
		{name: "key in the query is taken as it was sent", target: "/visits/top?key=first%2Dkey", status: 400, message: wrongKey},
		{name: "only declared locations: query", target: "/header-only?key=first-key", status: 401, message: noKey},
		{name: "only declared locations: the default api_key", target: "/visits/top?api_key=first-key", status: 401, message: noKey},
		{name: "all query names are tried before headers", target: "/two-queries?token=wrong", headers: []string{"X-Api-Key", "first-key"}, status: 400, message: wrongKey},
		{name: "another query name", target: "/two-queries?token=first-key", uri: "/two-queries?token=first-key"},
		{name: "no key needed, and a wrong one is not looked at", target: "/visits?key=wrong", uri: "/visits?key=wrong"},
		{name: "an optional key is not looked at", target: "/optional-key", headers: []string{"X-Api-Key", "wrong"}, uri: "/optional-key"},

		// matching
		{name: "root", target: "/", uri: "/"},
		{name: "one trailing slash", target: "/visits/", uri: "/visits/"},
		{name: "one trailing slash after a variable", target: "/records/shop/7/", uri: "/records/shop/7/"},
		{name: "{x} is one segment", target: "/records/shop/7/8", status: 405, message: otherMethod("/records/{rest=**}")},
		{name: "{x} is not empty", method: "GET", target: "/prefixed/", status: 404, message: unknown},
		{name: "{x} first", target: "/acme/home", uri: "/acme/home"},
		{name: "{x} may hold an escaped slash", target: "/records/shop/a%2Fb", uri: "/records/shop/a%2Fb",
			check: func(t *testing.T, s seen) {
				if s.Path != "/records/shop/a/b" || s.RawPath != "/records/shop/a%2Fb" {
					t.Errorf("path %q, raw %q", s.Path, s.RawPath)
				}
			}},
		{name: "{x=**} is any number of segments", target: "/files/a/b/c", uri: "/files/a/b/c"},
		{name: "{x=**} may be empty", target: "/files/", uri: "/files/"},
		{name: "{x=**} needs its slash", target: "/files", status: 404, message: unknown},
		{name: "literal after {x=**}", method: "POST", target: "/files/a/b/raw", uri: "/files/a/b/raw"},
		{name: "one trailing slash after {x=**} and a literal", method: "POST", target: "/files/a/raw/", uri: "/files/a/raw/"},
		{name: "literal after {x=**}, the more specific 405", method: "PUT", target: "/files/a/raw", status: 405, message: otherMethod("/files/{name=**}/raw")},
		{name: "a less specific template that has the method", method: "PUT", target: "/records/shop/all", uri: "/records/shop/all"},
		{name: "case matters", target: "/Visits", status: 404, message: unknown},

		// the path
		{name: "dot segments", target: "/nothing/../visits/./top/..", uri: "/visits/"},
		{name: "dot segments above the root", target: "/../../visits", uri: "/visits"},
		{name: "escaped dot segments", target: "/nothing/%2e%2E/visits", uri: "/visits"},
		{name: "merged slashes", target: "//records///shop//7", uri: "/records/shop/7"},
		{name: "many trailing slashes", target: "/visits//", uri: "/visits/"},
		{name: "backslashes", target: `/records\shop\7`, uri: "/records/shop/7"},
		{name: "escapes of unreserved characters", target: "/v%69sits", uri: "/visits"},
		{name: "other escapes stay", target: "/records/a%20b/%c3%A9", uri: "/records/a%20b/%c3%A9"},
		{name: "what must be escaped is", target: "/records/a|b/é", uri: "/records/a%7Cb/%C3%A9"},
		{name: "what may stay does", target: "/records/a!b/(c)*'[d]", uri: "/records/a!b/(c)*'[d]"},
		{name: "NUL in the path", target: "/records/a/%00", status: 400, message: ""},
		{name: "the query stays", target: "/visits?page=%4A/../x&b=%zz;c&&d", uri: "/visits?page=%4A/../x&b=%zz;c&&d"},
		{name: "an empty query stays", target: "/visits?", uri: "/visits?"},
		{name: "absolute form", target: "http://elsewhere.test/visits?a=1", uri: "/visits?a=1"},
		{name: "path too long", target: "/records/shop/" + long, status: 400, message: "Path is too long, max allowed size is 8192."},
		{name: "path too long with its query", target: "/visits?" + long, status: 400, message: "Path is too long, max allowed size is 8192."},
		{name: "path too long goes before 404", target: "/nothing/" + long, status: 400, message: "Path is too long, max allowed size is 8192."},
		{name: "path too long comes after the key", target: "/visits/top?" + long, status: 401, message: noKey},
		{name: "path one byte too long", target: "/visits?" + long[:8193-len("/visits?")], status: 400, message: "Path is too long, max allowed size is 8192."},
		{name: "path just not too long", target: "/visits?" + long[:8192-len("/visits?")], uri: "/visits?" + long[:8192-len("/visits?")]},
		{name: "# in the path", target: "/visits#top", status: 400, message: "Path cannot contain fragment identifier (#)"},
		{name: "# in the query", target: "/visits?a=1#top", status: 400, message: "Path cannot contain fragment identifier (#)"},
		{name: "an escaped # is no fragment", target: "/records/shop/a%23b?c=%23", uri: "/records/shop/a%23b?c=%23"},

		// headers
		{name: "header with underscore", target: "/visits", headers: []string{"X_internal", "1"}, status: 400, message: "Bad Request"},
		{name: "header with underscore goes before 404", target: "/nothing", headers: []string{"X_internal", "1"}, status: 400, message: "Bad Request"},
		{name: "headers too large", target: "/visits", headers: []string{"X-Large", strings.Repeat("a", 60<<10)}, status: 431, message: "Request Header Fields Too Large"},
		{name: "method override", method: "POST", target: "/visits/top", headers: []string{"X-Http-Method-Override", "GET", "X-Api-Key", "first-key"}, uri: "/visits/top",
			check: func(t *testing.T, s seen) {
				if s.Method != "GET" || s.Header.Get("X-Http-Method-Override") != "" {
					t.Errorf("method %s, header %q", s.Method, s.Header.Get("X-Http-Method-Override"))
				}
			}},
		{name: "method override to one that is not allowed", method: "GET", target: "/visits", headers: []string{"X-Http-Method-Override", "DELETE"}, status: 405, message: otherMethod("/visits")},
		{name: "X-Forwarded-For gets the peer's address", target: "/visits", uri: "/visits",
			check: func(t *testing.T, s seen) { wantHeader(t, s, "X-Forwarded-For", "192.0.2.1") }},
		{name: "X-Forwarded-For of the client goes first", target: "/visits", headers: []string{"X-Forwarded-For", "1.1.1.1", "X-Forwarded-For", "2.2.2.2"}, uri: "/visits",
			check: func(t *testing.T, s seen) { wantHeader(t, s, "X-Forwarded-For", "1.1.1.1, 2.2.2.2, 192.0.2.1") }},
		{name: "X-Forwarded-Proto is the gateway's", target: "/visits", headers: []string{"X-Forwarded-Proto", "https"}, uri: "/visits",
			check: func(t *testing.T, s seen) { wantHeader(t, s, "X-Forwarded-Proto", "http") }},
		{name: "X-Forwarded-Host and Forwarded are the client's", target: "/visits", headers: []string{"X-Forwarded-Host", "a.test", "Forwarded", "for=3.3.3.3"}, uri: "/visits",
			check: func(t *testing.T, s seen) {
				wantHeader(t, s, "X-Forwarded-Host", "a.test")
				wantHeader(t, s, "Forwarded", "for=3.3.3.3")
			}},

		// the backend's Authorization
		{name: "Authorization is the gateway's, the client's is moved", target: "/visits", headers: []string{"Authorization", "Basic abc", "X-Forwarded-Authorization", "forged"}, uri: "/visits",
			check: func(t *testing.T, s seen) {
				wantHeader(t, s, "X-Forwarded-Authorization", "Basic abc")
				scheme, token, _ := strings.Cut(s.Header.Get("Authorization"), " ")
				if scheme != "Bearer" || !strings.Contains(claims(t, token), `"aud":"http`) {
					t.Errorf("Authorization is %q", s.Header.Get("Authorization"))
				}
			}},
		{name: "X-Forwarded-Authorization stays without Authorization", target: "/visits", headers: []string{"X-Forwarded-Authorization", "kept"}, uri: "/visits",
			check: func(t *testing.T, s seen) { wantHeader(t, s, "X-Forwarded-Authorization", "kept") }},
		{name: "jwt_audience", target: "/audience", uri: "/audience",
			check: func(t *testing.T, s seen) {
				if got := claims(t, strings.TrimPrefix(s.Header.Get("Authorization"), "Bearer ")); got != `{"aud":"https://other.test"}` {
					t.Errorf("claims are %s", got)
				}
			}},
		{name: "disable_auth", target: "/no-auth", headers: []string{"Authorization", "Basic abc"}, uri: "/no-auth",
			check: func(t *testing.T, s seen) {
				wantHeader(t, s, "Authorization", "Basic abc")
				wantHeader(t, s, "X-Forwarded-Authorization", "")
			}},

		// path translation
		{name: "APPEND_PATH_TO_ADDRESS", target: "/prefixed/a%2Fb/?x=1&a=2", uri: "/base/prefixed/a%2Fb/?x=1&a=2"},
		{name: "CONSTANT_ADDRESS, empty address path", target: "/constant/?b=1", uri: "/?b=1"},
		{name: "CONSTANT_ADDRESS, variables", target: "/constant/x%20y/7", uri: "/fixed?a=x%20y&id=7"},
		{name: "CONSTANT_ADDRESS, variables after the query", target: "/constant/x/7/?z=9&a=1", uri: "/fixed?z=9&a=1&a=x&id=7"},
		{name: "CONSTANT_ADDRESS, variables after an empty query", target: "/constant/x/7?", uri: "/fixed?&a=x&id=7"},
		{name: "CONSTANT_ADDRESS, many segments", target: "/constant-files/a/b%2Fc/", uri: "/fixed?name=a/b%2Fc"},
		{name: "CONSTANT_ADDRESS, no segments", target: "/constant-files/", uri: "/fixed?name="},
	}
	bothModes(t, func(t *testing.T, m mode) {
		g := start(t, m, echo, Options{})
		for _, row := range rows {
			t.Run(row.name, func(t *testing.T) {
				method := row.method
				if method == "" {
					method = "GET"
				}
				w := call(g, method, row.target, row.headers...)
				if row.uri == "" {
					wantRefusal(t, w, row.status, row.message)
					return
				}
				s := wantForwarded(t, w)
				if s.URI != row.uri {
					t.Errorf("URI is %q\nwant   %q", s.URI, row.uri)
				}
				if strings.Contains(s.Host, "example.com") || s.Host == "" {
					t.Errorf("Host is the client's: %q", s.Host)
				}
				if row.check != nil {
					row.check(t, s)
				}
			})
		}
	})
}

func wantHeader(t *testing.T, s seen, name, want string) {
	t.Helper()
	if got := strings.Join(s.Header.Values(name), " | "); got != want {
		t.Errorf("%s is %q, want %q", name, got, want)
	}
}

func claims(t *testing.T, token string) string {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		t.Fatalf("token %q has not three parts", token)
	}
	decoded, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	return string(decoded)
}

func TestPathLengthIsNotLimitedWhereNoPathIsRewritten(t *testing.T) {
	config := `{swagger: "2.0", info: {title: T, version: "1"}, paths: {/visits: {get: {operationId: read,
		x-google-backend: {address: "https://backend.test", path_translation: APPEND_PATH_TO_ADDRESS}}}}}`
	g, err := New([]byte(config), Options{Backends: map[string]http.Handler{"https://backend.test": echo}})
	if err != nil {
		t.Fatal(err)
	}
	wantForwarded(t, call(g, "GET", "/visits?"+strings.Repeat("a", 9000)))
}

func TestBasePathIsPartOfTheTemplate(t *testing.T) {
	g := start(t, inProcess, echo, Options{}, "host: api.test", "host: api.test\nbasePath: /v1/", "  /:\n", "  /root:\n")
	if s := wantForwarded(t, call(g, "GET", "/v1/visits")); s.URI != "/v1/visits" {
		t.Errorf("URI is %q", s.URI)
	}
	wantRefusal(t, call(g, "DELETE", "/v1/visits"), 405, otherMethod("/v1/visits"))
	wantRefusal(t, call(g, "GET", "/visits"), 404, unknown)
}

func TestAllowCORSRoutesThePreflightToTheBackend(t *testing.T) {
	bothModes(t, func(t *testing.T, m mode) {
		g := start(t, m, echo, Options{}, "host: api.test", "host: api.test\nx-google-endpoints: [{name: api.test, allowCors: true}]")
		if s := wantForwarded(t, call(g, "OPTIONS", "/visits/top")); s.Method != "OPTIONS" || s.URI != "/visits/top" {
			t.Errorf("no key needed: got %s %s", s.Method, s.URI)
		}
		if s := wantForwarded(t, call(g, "OPTIONS", "/constant/x/7")); s.URI != "/fixed?a=x&id=7" {
			t.Errorf("rewritten as the operation: got %s", s.URI)
		}
		for range 10 {
			wantForwarded(t, call(g, "OPTIONS", "/metered"))
		}
		wantRefusal(t, call(g, "OPTIONS", "/nothing"), 404, unknown)
		wantRefusal(t, call(g, "DELETE", "/visits/top"), 405, otherMethod("/visits/top"))
	})
	t.Run("an explicit OPTIONS operation wins", func(t *testing.T) {
		g := start(t, inProcess, echo, Options{}, "host: api.test", "host: api.test\nx-google-endpoints: [{name: api.test, allowCors: true}]",
			"operationId: preflight, security: []", "operationId: preflight, security: [{headerKey: []}]")
		wantRefusal(t, call(g, "OPTIONS", "/visits"), 401, noKey)
	})
	t.Run("another endpoint's does not count", func(t *testing.T) {
		g := start(t, inProcess, echo, Options{}, "host: api.test", "host: api.test\nx-google-endpoints: [{name: other.test, allowCors: true}]")
		wantRefusal(t, call(g, "OPTIONS", "/visits/top"), 405, otherMethod("/visits/top"))
	})
}

func TestCallersHeadersAreNotChanged(t *testing.T) {
	g := start(t, inProcess, echo, Options{})
	r := httptest.NewRequest("GET", "/visits", nil)
	r.Header.Set("X-Forwarded-For", "1.1.1.1")
	r.Header.Set("Authorization", "Basic abc")
	g.ServeHTTP(httptest.NewRecorder(), r)
	if len(r.Header) != 2 || r.Header.Get("X-Forwarded-For") != "1.1.1.1" || r.Header.Get("Authorization") != "Basic abc" || r.Host != "example.com" {
		t.Errorf("headers are %v, host %s", r.Header, r.Host)
	}
}

// Behind a Unix socket there is no peer address. What the client wrote must not be the last entry even so.
func TestForwardedForNeverEndsInTheClientsWord(t *testing.T) {
	g := start(t, inProcess, echo, Options{})
	r := httptest.NewRequest("GET", "/visits", nil)
	r.RemoteAddr = "@"
	r.Header.Set("X-Forwarded-For", "1.1.1.1")
	w := httptest.NewRecorder()
	g.ServeHTTP(w, r)
	wantHeader(t, wantForwarded(t, w), "X-Forwarded-For", "1.1.1.1, unknown")
}

func TestAnEmptyKeyIsRefused(t *testing.T) {
	if _, err := New([]byte(strings.ReplaceAll(testConfig(t), "${BACKEND}", "https://backend.test")), Options{Keys: []string{""}}); err == nil {
		t.Error("no error")
	}
}
