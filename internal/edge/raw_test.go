package edge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// updates has one operation, which answers with the body that it was given, and in a
// header of its reply with the values of the request's header Webhook-Id.
var updates = Function{Name: "updates", EntryPoint: "Updates", Register: func(a *API) {
	type input struct {
		Raw
		List
	}
	type output struct {
		IDs  string `header:"X-Ids"`
		Body echo
	}
	Register(a, Operation{Operation: huma.Operation{
		OperationID: "update", Method: http.MethodPut, Path: "/updates",
		RequestBody: &huma.RequestBody{Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{Type: "object"}}}},
	}, Signed: true}, func(_ context.Context, in *input) (*output, error) {
		return &output{fmt.Sprintf("%q", in.Header("webhook-id")), in.Bytes()}, nil
	})
}}

func putUpdate(body io.Reader, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPut, "/updates", body)
	r.Header = header
	w := httptest.NewRecorder()
	made(New(updates, Env{}, nil)).Handler().ServeHTTP(w, r)
	return w
}

func TestRawIsTheBodyByteForByte(t *testing.T) {
	for _, body := range []string{`{"a":"<b>&\u003c","b": 1.0e0 }`, "{\"a\":1,\r\n\"a\":2} x", "no JSON", "\xff\x00\xfe", " ", "\ufeff{}", strings.Repeat("[", 10_000)} {
		w := putUpdate(strings.NewReader(body), http.Header{})
		if w.Code != http.StatusOK || w.Body.String() != body+"\n" {
			t.Errorf("%d %.60q, want 200 %.60q", w.Code, w.Body, body+"\n")
		}
	}
}

func TestRawIsBounded(t *testing.T) {
	full := strings.Repeat("x", 65_536)
	if w := putUpdate(strings.NewReader(full), http.Header{}); w.Code != http.StatusOK || w.Body.Len() != 65_537 {
		t.Errorf("65,536 bytes: %d and %d bytes, want 200 and all with a newline", w.Code, w.Body.Len())
	}
	for name, body := range map[string]io.Reader{
		"one more":             strings.NewReader(full + "x"),
		"one more, in pieces":  iotest.OneByteReader(strings.NewReader(full + "x")),
		"one more and cut off": io.MultiReader(strings.NewReader(full+"x"), iotest.ErrReader(io.ErrUnexpectedEOF)),
	} {
		t.Run(name, func(t *testing.T) {
			wantProblem(t, putUpdate(body, http.Header{}), Problem{"Request Entity Too Large", 413, "BODY_TOO_LARGE", "The body has over 65536 bytes.", nil, nil})
		})
	}
}

func TestRawTakesItsTypes(t *testing.T) {
	for contentType, want := range map[string]int{
		"":                                  200,
		"application/json":                  200,
		"application/json; charset=utf-8":   200,
		"Application/JSON;charset=\"utf8\"": 200,
		"application/x-www-form-urlencoded": 200,
		"application/merge-patch+json":      415,
		"text/plain":                        415,
		"application/octet-stream":          415,
		"json":                              415,
	} {
		header := http.Header{}
		if contentType != "" {
			header.Set("Content-Type", contentType)
		}
		w := putUpdate(strings.NewReader("{}"), header)
		if w.Code != want || want == 415 && !strings.Contains(w.Body.String(), `"code":"UNSUPPORTED_MEDIA_TYPE"`) {
			t.Errorf("%q: %d %s, want %d", contentType, w.Code, w.Body, want)
		}
	}
}

func TestRawShowsAHeaderThatCameTwice(t *testing.T) {
	for _, tt := range []struct {
		name   string
		header http.Header
		want   string
	}{
		{"none", http.Header{}, `[]`},
		{"one", http.Header{"Webhook-Id": {"a"}}, `["a"]`},
		{"two", http.Header{"Webhook-Id": {"b", "a"}}, `["b" "a"]`},
		{"the same twice", http.Header{"Webhook-Id": {"a", "a"}}, `["a" "a"]`},
		{"an empty one", http.Header{"Webhook-Id": {"", "a"}}, `["" "a"]`},
		{"a list in one", http.Header{"Webhook-Id": {"a, b"}}, `["a, b"]`},
		{"one with an underscore is another", http.Header{"Webhook_id": {"b"}, "Webhook-Id": {"a"}}, `["a"]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := httptest.NewServer(made(New(updates, Env{}, nil)).Handler())
			defer server.Close()
			r, err := http.NewRequest(http.MethodPut, server.URL+"/updates", strings.NewReader("{}"))
			if err != nil {
				t.Fatal(err)
			}
			r.Header = tt.header
			reply, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			reply.Body.Close()
			if got := reply.Header.Get("X-Ids"); reply.StatusCode != http.StatusOK || got != tt.want {
				t.Errorf("%d, the operation saw %s, want %s", reply.StatusCode, got, tt.want)
			}
		})
	}
}

func TestRawIsRefusedBeforeItsOperation(t *testing.T) {
	tooMuch := strings.Repeat("x", MaxUpdateBytes+1)
	for _, tt := range []struct {
		name   string
		body   string
		ends   error // what the body ends with
		header http.Header
		status int
		says   string
	}{
		{"nothing", "", io.EOF, http.Header{}, 400, `"code":"MALFORMED_REQUEST","detail":"request body is required"`},
		{"cut off", "{}", io.ErrUnexpectedEOF, http.Header{}, 400, "The body ended before its end"},
		{"too slow", "{}", slow{errors.New("slow")}, http.Header{}, 408, `"detail":"request body read timeout"`},
		{"encoded", tooMuch, io.EOF, http.Header{"Content-Encoding": {"gzip"}}, 415, "CONTENT_ENCODING_UNSUPPORTED"},
		{"encoded, after an empty header", "{}", io.EOF, http.Header{"Content-Encoding": {"", "br"}}, 415, "CONTENT_ENCODING_UNSUPPORTED"},
		{"said not to be encoded", "{}", io.EOF, http.Header{"Content-Encoding": {"identity"}}, 415, "CONTENT_ENCODING_UNSUPPORTED"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := putUpdate(io.MultiReader(strings.NewReader(tt.body), iotest.ErrReader(tt.ends)), tt.header)
			if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.says) {
				t.Errorf("%d %s, want %d and %s", w.Code, w.Body, tt.status, tt.says)
			}
		})
	}
}

// TestABodyThatDoesNotComeIs408, as the server's own deadline has it.
func TestABodyThatDoesNotComeIs408(t *testing.T) {
	server := httptest.NewUnstartedServer(made(New(updates, Env{}, nil)).Handler())
	server.Config.ReadTimeout = 100 * time.Millisecond
	server.Start()
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "PUT /updates HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
	reply, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(reply), "HTTP/1.1 408 ") {
		t.Errorf("the reply is %q, %v; want 408", reply, err)
	}
}

func TestRawIsDeclaredByItsOperation(t *testing.T) {
	doc := &huma.OpenAPI{OpenAPI: "3.1.0", Info: &huma.Info{}}
	made(New(updates, Env{}, doc))
	op := doc.Paths["/updates"].Put
	if op.RequestBody == nil || op.RequestBody.Content["application/json"] == nil || op.Responses["413"] == nil || op.Responses["415"] == nil {
		t.Errorf("the body is %+v, the replies %v; want the body as declared, and 413 and 415", op.RequestBody, op.Responses)
	}
}
