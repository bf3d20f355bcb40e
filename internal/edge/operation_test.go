package edge

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// doors is a function with an operation for each access, at a path of its own, that
// answers with user@address of who called. change may change them.
func doors(change func(*Operation)) Function {
	type output struct{ Body string }
	return Function{Name: "doors", EntryPoint: "Doors", Register: func(a *API) {
		for _, op := range []Operation{
			{Operation: huma.Operation{OperationID: "public", Method: http.MethodPost, Path: "/public"}, Public: true},
			{Operation: huma.Operation{OperationID: "signed", Method: http.MethodPost, Path: "/signed"}, Signed: true},
			{Operation: huma.Operation{OperationID: "keyed", Method: http.MethodPost, Path: "/keyed"}},
		} {
			if change != nil {
				change(&op)
			}
			Register(a, op, func(ctx context.Context, _ *struct{}) (*output, error) {
				client := ClientOf(ctx)
				return &output{client.User + "@" + client.Addr.String()}, nil
			})
		}
	}}
}

// knock posts nothing to a path, with headers in pairs.
func knock(h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	return ask(h, http.MethodPost, path, header...)
}

func ask(h http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestASignedOperationIsOpenToNoMoreSitesThanOneWithAKey(t *testing.T) {
	const ours, other = "https://ours.example", "https://other.example"
	for _, tt := range []struct {
		name    string
		allowed []string
		origin  string
		want    string // Access-Control-Allow-Origin
	}{
		{"* opens it to nobody", []string{"*"}, other, ""},
		{"a named origin", []string{ours}, ours, ours},
		{"another origin", []string{ours}, other, ""},
		{"* and a named origin", []string{"*", ours}, ours, ours},
		{"nothing allowed", nil, other, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			api := made(New(doors(nil), Env{Config: Config{AllowedOrigins: tt.allowed}}, nil)).Handler()
			for _, path := range []string{"/signed", "/keyed"} {
				w := knock(api, path, "Origin", tt.origin)
				if got := w.Header().Get("Access-Control-Allow-Origin"); w.Code != http.StatusOK || got != tt.want {
					t.Errorf("%s: %d, Access-Control-Allow-Origin %q; want 200, for no origin refuses it, and %q", path, w.Code, got, tt.want)
				}
				w = ask(api, http.MethodOptions, path, "Origin", tt.origin, "Access-Control-Request-Method", http.MethodPost)
				if got := w.Header().Get("Access-Control-Allow-Origin"); w.Code != http.StatusNoContent || got != tt.want {
					t.Errorf("%s: a preflight: %d, Access-Control-Allow-Origin %q; want 204, %q", path, w.Code, got, tt.want)
				}
			}
		})
	}
}

func TestASignedOperationAsksForNoUser(t *testing.T) {
	api := made(New(doors(nil), Env{Config: Config{BasicAuth: "anna:" + secret}}, nil)).Handler()
	for path, want := range map[string]int{"/signed": 200, "/signed?_=1": 200, "/keyed": 401} {
		if w := knock(api, path); w.Code != want {
			t.Errorf("%s: %d %s, want %d", path, w.Code, w.Body, want)
		}
	}
}

func TestWithoutAKeyTheRateIsLimited(t *testing.T) {
	for path, want := range map[string]int{"/public": 429, "/signed": 429, "/keyed": 200} {
		api := made(New(doors(nil), Env{Config: Config{RateLimit: 0.02, AllowedOrigins: []string{"*"}, TrustedHops: 1}}, nil)).Handler()
		if w := knock(api, path); w.Code != http.StatusOK {
			t.Errorf("%s, the first: %d %s, want 200", path, w.Code, w.Body)
		}
		if w := knock(api, path); w.Code != want || (want == 429) != (w.Header().Get("Retry-After") != "") {
			t.Errorf("%s, the second: %d, Retry-After %q; want %d", path, w.Code, w.Header().Get("Retry-After"), want)
		}
	}
}

// TestAnOperationMayHaveALimitOfItsOwn: its calls count against that alone.
func TestAnOperationMayHaveALimitOfItsOwn(t *testing.T) {
	for _, path := range []string{"/public", "/signed"} {
		for _, rateLimit := range []float64{0, 0.02} {
			t.Run(fmt.Sprintf("%s, RATE_LIMIT=%g", path, rateLimit), func(t *testing.T) {
				now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
				f := doors(func(op *Operation) {
					if op.Path == path {
						op.Limit = 2
					}
				})
				env := Env{Config: Config{RateLimit: rateLimit, AllowedOrigins: []string{"*"}, TrustedHops: 1}, Now: func() time.Time { return now }}
				api := made(New(f, env, nil)).Handler()
				taken := func(header ...string) (n int, last *httptest.ResponseRecorder) {
					for range 100 {
						if last = knock(api, path, header...); last.Code != http.StatusOK {
							break
						}
						n++
					}
					return n, last
				}
				n, w := taken()
				if n != 4 || w.Code != 429 || w.Header().Get("Retry-After") != "1" || !strings.Contains(w.Body.String(), "At most 2 requests a second") {
					t.Errorf("%d are taken at once, and then %d %s; want 4, and a 429 that says 2 a second", n, w.Code, w.Body)
				}
				if n, _ := taken("X-Forwarded-For", "192.0.2.99"); n != 4 {
					t.Errorf("%d are taken from another address, want 4", n)
				}
				now = now.Add(time.Second)
				if n, _ := taken(); n != 2 {
					t.Errorf("%d are taken a second later, want 2", n)
				}
				other := map[string]string{"/public": "/signed", "/signed": "/public"}[path]
				if w := knock(api, other); w.Code != http.StatusOK {
					t.Errorf("%s has to do with it: %d %s", other, w.Code, w.Body)
				}
			})
		}
	}
}

func TestAnOperationDeclaresWhoMayCall(t *testing.T) {
	doc := &huma.OpenAPI{OpenAPI: "3.1.0", Info: &huma.Info{}}
	made(New(doors(nil), Env{}, doc))
	for path, want := range map[string]struct {
		security string
		errors   map[string]bool
	}{
		"/public": {"[]", map[string]bool{"401": false, "403": true, "429": true}},
		"/signed": {"[]", map[string]bool{"401": true, "403": false, "429": true}},
		"/keyed":  {"[map[apiKey:[]] map[apiKey:[] basicAuth:[]]]", map[string]bool{"401": true, "403": false, "429": false}},
	} {
		op := doc.Paths[path].Post
		if got := fmt.Sprint(op.Security); got != want.security || op.Security == nil {
			t.Errorf("%s: security %s, nil %v; want %s", path, got, op.Security == nil, want.security)
		}
		for status, declared := range want.errors {
			if got := op.Responses[status] != nil; got != declared {
				t.Errorf("%s: that %s is declared is %v, want %v", path, status, got, declared)
			}
		}
	}
}

func TestNoOperationIsPublicAndSigned(t *testing.T) {
	defer func() {
		if v := fmt.Sprint(recover()); v != "edge: signed is public and signed" {
			t.Errorf("New panicked with %s, want the operation named", v)
		}
	}()
	New(doors(func(op *Operation) { op.Public = op.Public || op.Signed }), Env{}, nil)
}

func TestAFunctionThatRefusesItsSettingsDoesNotStart(t *testing.T) {
	f := Function{Name: "picky", EntryPoint: "Picky", Register: func(a *API) {
		a.Refuse(fmt.Errorf("PARTNERS: there is no folder %q", a.Config.Partners))
		a.Refuse(fmt.Errorf("SHARDS: %d is too few", a.Config.Shards))
	}}
	a, err := New(f, Env{Config: Config{BasicAuth: "anna", Partners: "x", Shards: 1}}, nil)
	const want = "settings: BASIC_AUTH: entry 1 is not user:hash\nPARTNERS: there is no folder \"x\"\nSHARDS: 1 is too few"
	if a != nil || err == nil || err.Error() != want {
		t.Errorf("New returns %v and the error %v, want no API and %q", a, err, want)
	}
}

func TestWhoWasLetInIsKnownToTheOperation(t *testing.T) {
	right := basic("anna:secret")
	for _, tt := range []struct {
		name, accounts, path, header, want string
	}{
		{"behind the key", "anna:" + secret, "/keyed", "Authorization", "anna"},
		{"through the gateway", "anna:" + secret, "/keyed", "X-Forwarded-Authorization", "anna"},
		{"nobody is asked", "", "/keyed", "Authorization", ""},
		{"a public operation asks nobody", "anna:" + secret, "/public", "Authorization", ""},
		{"a signed one neither", "anna:" + secret, "/signed", "Authorization", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			api := made(New(doors(nil), Env{Config: Config{BasicAuth: tt.accounts, AllowedOrigins: []string{"*"}}}, nil)).Handler()
			for range 2 { // compared, and remembered
				w := knock(api, tt.path, tt.header, right)
				if got, want := w.Body.String(), fmt.Sprintf("%q\n", tt.want+"@192.0.2.1"); w.Code != http.StatusOK || got != want {
					t.Errorf("%d, the client is %s, want %s", w.Code, got, want)
				}
			}
		})
	}
}
