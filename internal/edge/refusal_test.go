package edge

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// old is a function whose clients know errors as {"status":false,"msg":…}. What the
// body is decides what it does.
var old = Function{Name: "old", EntryPoint: "Old", Register: func(a *API) {
	type input struct {
		Raw
		List
	}
	type output struct{ Body echo }
	a.Rules(Rule{Err: errThing, Status: http.StatusConflict, Code: "THING", Detail: "It is round.", Retry: 7})
	Register(a, Operation{
		Operation: huma.Operation{OperationID: "old", Method: http.MethodPut, Path: "/old"},
		Public:    true, Limit: 1,
		Refusal: func(p *Problem) any {
			msg := p.Code
			for _, f := range p.Errors {
				msg += " " + f.Location
			}
			return oldError{false, msg}
		},
	}, func(_ context.Context, in *input) (*output, error) {
		switch string(in.Bytes()) {
		case "thing":
			return nil, errThing
		case "gone":
			return nil, NewProblem(http.StatusGone, "GONE", "").WithHeader("Sunset", "yesterday")
		case "unknown":
			return nil, io.ErrClosedPipe
		case "panic":
			panic("secret")
		}
		return &output{in.Bytes()}, nil
	})
}}

type oldError struct {
	Status bool   `json:"status"`
	Msg    string `json:"msg"`
}

func TestARefusalMakesTheBodyOfEveryError(t *testing.T) {
	captureLog(t)
	const ours = "https://ours.example"
	for _, tt := range []struct {
		name, query, body string
		header            []string
		before            int // calls
		status            int
		msg               string
		headers           http.Header
	}{
		{"too often", "", "{}", nil, 2, 429, "RATE_LIMITED", http.Header{"Retry-After": {"1"}}},
		{"too large", "", strings.Repeat("x", MaxUpdateBytes+1), nil, 0, 413, "BODY_TOO_LARGE", nil},
		{"another type", "", "{}", []string{"Content-Type", "text/csv"}, 0, 415, "UNSUPPORTED_MEDIA_TYPE body", nil},
		{"encoded", "", "{}", []string{"Content-Encoding", "gzip"}, 0, 415, "CONTENT_ENCODING_UNSUPPORTED", nil},
		{"nothing", "", "", nil, 0, 400, "MALFORMED_REQUEST", nil},
		{"a bad query", "?%zz", "{}", nil, 0, 400, "QUERY_MALFORMED", nil},
		{"a parameter out of bounds", "?pageSize=-1", "{}", nil, 0, 422, "VALIDATION_FAILED query.pageSize", nil},
		{"another site", "", "{}", []string{"Origin", "https://other.example"}, 0, 403, "ORIGIN_NOT_ALLOWED", nil},
		{"an error of the domain", "", "thing", nil, 0, 409, "THING", http.Header{"Retry-After": {"7"}}},
		{"a problem of the operation", "", "gone", nil, 0, 410, "GONE", http.Header{"Sunset": {"yesterday"}}},
		{"an error that nobody knows", "", "unknown", nil, 0, 500, "INTERNAL", nil},
		{"a panic", "", "panic", nil, 0, 500, "INTERNAL", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			api := made(New(old, Env{Config: Config{AllowedOrigins: []string{ours}, TrustedHops: 1}}, nil)).Handler()
			send := func() *httptest.ResponseRecorder {
				r := httptest.NewRequest(http.MethodPut, "/old"+tt.query, strings.NewReader(tt.body))
				r.Header.Set("Origin", ours)
				r.Header.Set("Accept", "application/problem+json")
				for i := 0; i < len(tt.header); i += 2 {
					r.Header.Set(tt.header[i], tt.header[i+1])
				}
				w := httptest.NewRecorder()
				api.ServeHTTP(w, r)
				return w
			}
			for range tt.before {
				send()
			}
			w := send()
			if got, want := w.Body.String(), fmt.Sprintf(`{"status":false,"msg":%q}`+"\n", tt.msg); w.Code != tt.status || got != want {
				t.Errorf("%d %s, want %d %s", w.Code, got, tt.status, want)
			}
			h := w.Header()
			if h.Get("Content-Type") != "application/json" || h.Get("Cache-Control") != "no-store" {
				t.Errorf("headers %v, want JSON that nobody stores", h)
			}
			if got := h.Get("Access-Control-Allow-Origin"); (got == ours) != (tt.status != 403) {
				t.Errorf("Access-Control-Allow-Origin %q: who is allowed has to see what is wrong", got)
			}
			for name, values := range tt.headers {
				if got := h[name]; fmt.Sprint(got) != fmt.Sprint(values) {
					t.Errorf("%s: %q, want %q", name, got, values)
				}
			}
		})
	}
}

func TestARefusalLeavesGoodRepliesAlone(t *testing.T) {
	api := made(New(old, Env{Config: Config{TrustedHops: 1}}, nil)).Handler()
	r := httptest.NewRequest(http.MethodPut, "/old", strings.NewReader(`{"fine":1}`))
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	if w.Code != http.StatusOK || w.Body.String() != "{\"fine\":1}\n" {
		t.Errorf("%d %s, want 200 and the body", w.Code, w.Body)
	}
}

// TestARefusalLeavesADeadlineToTheConnection: huma sets one for a body that it reads.
func TestARefusalLeavesADeadlineToTheConnection(t *testing.T) {
	type input struct{ Body struct{ Text string } }
	f := Function{Name: "slow", EntryPoint: "Slow", Register: func(a *API) {
		Register(a, Operation{
			Operation: huma.Operation{OperationID: "slow", Method: http.MethodPut, Path: "/slow", BodyReadTimeout: 50 * time.Millisecond},
			Refusal:   func(p *Problem) any { return oldError{false, p.Code} },
		}, func(context.Context, *input) (*struct{}, error) { return nil, nil })
	}}
	server := httptest.NewServer(made(New(f, Env{}, nil)).Handler())
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute)) // where it would wait for ever
	fmt.Fprint(conn, "PUT /slow HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{")
	reply, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	const want = `{"status":false,"msg":"REQUEST_TIMEOUT"}` + "\n"
	if reply.StatusCode != http.StatusRequestTimeout || string(body) != want {
		t.Errorf("%d %s, %v; want 408 %s", reply.StatusCode, body, err, want)
	}
}

func TestARefusalIsDeclared(t *testing.T) {
	doc := &huma.OpenAPI{OpenAPI: "3.1.0", Info: &huma.Info{}}
	made(New(old, Env{}, doc))
	for status, response := range doc.Paths["/old"].Put.Responses {
		if status == "200" {
			continue
		}
		media := response.Content["application/json"]
		if len(response.Content) != 1 || media == nil || media.Schema.Ref != "#/components/schemas/OldError" {
			t.Errorf("%s: the body is %v, want an OldError as application/json", status, response.Content)
		}
	}
}
