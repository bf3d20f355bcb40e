package edge

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/danielgtaylor/huma/v2"
)

// echo is bytes that come and go as they are, with markup and white space in them.
type echo []byte

func (e echo) AppendJSON(b []byte) []byte { return append(b, e...) }

// records has two operations that take JSON: /raw reads it by itself, /typed as all
// others do.
var records = Function{Name: "records", Register: func(a *API) {
	type raw struct {
		JSON
		List
	}
	type typed struct {
		List
		Body any `required:"true"`
	}
	type output struct {
		Status int
		Body   echo
	}
	Register(a, Operation{Operation: huma.Operation{
		OperationID: "putRaw", Method: http.MethodPut, Path: "/raw", Errors: []int{http.StatusConflict},
		RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/json": {Schema: &huma.Schema{Type: "object"}, Example: map[string]any{"a": 1}},
		}},
	}}, func(_ context.Context, in *raw) (*output, error) {
		return &output{http.StatusCreated, in.Bytes()}, nil
	})
	Register(a, Operation{Operation: huma.Operation{OperationID: "putTyped", Method: http.MethodPut, Path: "/typed"}},
		func(_ context.Context, in *typed) (*struct{ Body int }, error) {
			return &struct{ Body int }{in.Size()}, nil
		})
}}

func put(path string, body io.Reader, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPut, path, body)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	made(New(records, Env{}, nil)).Handler().ServeHTTP(w, r)
	return w
}

func TestJSONComesAndGoesByteForByte(t *testing.T) {
	for _, body := range []string{`{"a":"<b>&\u003c","b": 1.0e0 ,"z":1,"a2":[ ]}`, " \r\n\t[1, 2]\n\n", `"x"`, "null", "12345678901234567890", `{"":{}}`} {
		w := put("/raw", strings.NewReader(body))
		if w.Code != http.StatusCreated || w.Body.String() != body+"\n" || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%d %s %q, want 201 application/json %q", w.Code, w.Header().Get("Content-Type"), w.Body, body+"\n")
		}
	}
}

func TestJSONTakesItsTypes(t *testing.T) {
	for contentType, want := range map[string]int{
		"":                                  201,
		"application/json":                  201,
		"Application/JSON; charset=utf-8":   201,
		"application/json;":                 201,
		"application/merge-patch+json":      201,
		"application/x-www-form-urlencoded": 201,
		"text/plain":                        415,
		"text/json":                         415,
		"application/json-patch+json":       415,
		"application/xml":                   415,
		"application/jsonx":                 415,
		"multipart/form-data; boundary=x":   415,
		"json":                              415,
		"/":                                 415,
		";":                                 415,
	} {
		w := put("/raw", strings.NewReader("{}"), "Content-Type", contentType)
		if w.Code != want || want == 415 && !strings.Contains(w.Body.String(), `"code":"UNSUPPORTED_MEDIA_TYPE"`) {
			t.Errorf("%q: %d %s, want %d", contentType, w.Code, w.Body, want)
		}
	}
}

func TestJSONIsBounded(t *testing.T) {
	full := `"` + strings.Repeat("x", MaxRecordBytes-2) + `"`
	if w := put("/raw", strings.NewReader(full)); w.Code != http.StatusCreated || w.Body.Len() != MaxRecordBytes+1 {
		t.Errorf("1 MiB: %d and %d bytes, want 201 and all", w.Code, w.Body.Len())
	}
	for name, body := range map[string]io.Reader{
		"one more":                     strings.NewReader(full + " "),
		"one more in pieces":           iotest.OneByteReader(strings.NewReader(full + " ")),
		"much more":                    strings.NewReader(strings.Repeat("x", 8*MaxRecordBytes)),
		"one more, and then cut off":   io.MultiReader(strings.NewReader(full+" "), iotest.ErrReader(io.ErrUnexpectedEOF)),
		"one more, bounded before too": http.MaxBytesReader(nil, io.NopCloser(strings.NewReader(full+"  ")), MaxRecordBytes+1),
	} {
		t.Run(name, func(t *testing.T) {
			wantProblem(t, put("/raw", body), Problem{"Request Entity Too Large", 413, "BODY_TOO_LARGE", "The body has over 1048576 bytes.", nil, nil})
		})
	}
}

// slow is how a body ends whose client takes too long.
type slow struct{ error }

func (slow) Timeout() bool   { return true }
func (slow) Temporary() bool { return true }

// TestJSONIsRefusedAsOtherBodiesAre compares with an operation that leaves its body to
// huma.
func TestJSONIsRefusedAsOtherBodiesAre(t *testing.T) {
	nested := strings.Repeat("[", 33) + strings.Repeat("]", 33)
	for _, tt := range []struct {
		name, query, body string
		ends              error // what the body ends with
		header            []string
		status            int
		says              string
	}{
		{"nothing", "", "", io.EOF, nil, 400, `"code":"MALFORMED_REQUEST","detail":"request body is required"}`},
		{"nothing, said to be XML", "", "", io.EOF, []string{"Content-Type", "text/xml"}, 400, `"request body is required"`},
		{"white space", "", " ", io.EOF, nil, 400, `"code":"MALFORMED_REQUEST","detail":"body: `},
		{"bad syntax", "", "{", io.EOF, nil, 400, `"detail":"body: not JSON at byte 1: `},
		{"a name twice", "", `{"a":1,"a":2}`, io.EOF, nil, 400, "duplicate object member name"},
		{"too deep", "", nested, io.EOF, nil, 400, `"errors":[{"location":"body","message":"nested deeper than 32"}]`},
		{"bad UTF-8", "", "\"\xff\"", io.EOF, nil, 400, "invalid UTF-8"},
		{"half a surrogate pair", "", `"\ud800"`, io.EOF, nil, 400, "surrogate"},
		{"two values", "", "1 2", io.EOF, nil, 400, "something follows the JSON value"},
		{"another type", "", "{}", io.EOF, []string{"Content-Type", "text/csv"}, 415, `"detail":"body: unknown content type: text/csv"`},
		{"an encoded one", "", "x", io.EOF, []string{"Content-Encoding", "gzip"}, 415, "CONTENT_ENCODING_UNSUPPORTED"},
		{"one cut off", "", "{}", io.ErrUnexpectedEOF, nil, 400, "The body ended before its end"},
		{"one that takes too long", "", "{}", slow{errors.New("slow")}, nil, 408, `"detail":"request body read timeout"`},
		{"bad syntax and a bad query", "?pageSize=x", "{", io.EOF, nil, 400, `{"location":"query.pageSize","message":"invalid integer"}`},
		{"a bad query", "?pageSize=x", "{}", io.EOF, nil, 422, `"code":"VALIDATION_FAILED"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			send := func(path string) *httptest.ResponseRecorder {
				return put(path+tt.query, io.MultiReader(strings.NewReader(tt.body), iotest.ErrReader(tt.ends)), tt.header...)
			}
			raw, typed := send("/raw"), send("/typed")
			if raw.Code != tt.status || !strings.Contains(raw.Body.String(), tt.says) {
				t.Errorf("%d %s, want %d and %s", raw.Code, raw.Body, tt.status, tt.says)
			}
			if raw.Code != typed.Code || raw.Body.String() != typed.Body.String() {
				t.Errorf("%d %s\nwant what others answer: %d %s", raw.Code, raw.Body, typed.Code, typed.Body)
			}
		})
	}
}

func TestTheCallerSaysWhatJSONIs(t *testing.T) {
	doc := &huma.OpenAPI{OpenAPI: "3.1.0", Info: &huma.Info{}}
	made(New(records, Env{}, doc))
	op := doc.Paths["/raw"].Put
	media := op.RequestBody.Content["application/json"]
	if len(op.RequestBody.Content) != 1 || media == nil || fmt.Sprint(media.Example) != "map[a:1]" || !op.RequestBody.Required {
		t.Errorf("the body is %+v, want it as it was declared", op.RequestBody)
	}
	for _, status := range []string{"400", "401", "413", "415"} {
		if op.Responses[status] == nil {
			t.Errorf("no %s is declared", status)
		}
	}
}

func TestListsAreAskedForWithinBounds(t *testing.T) {
	for size, want := range map[string]struct {
		status int
		body   string
	}{
		"":              {200, "50\n"},
		"?pageSize=0":   {200, "50\n"},
		"?pageSize=7":   {200, "7\n"},
		"?pageSize=999": {200, "999\n"}, "?pageSize=1000": {200, "1000\n"}, "?pageSize=1001": {200, "1000\n"}, "?pageSize=9223372036854775807": {200, "1000\n"},
		"?pageSize=-1":                            {422, `{"location":"query.pageSize","message":"expected number >= 0"}`},
		"?pageSize=9223372036854775808":           {422, `{"location":"query.pageSize","message":"invalid integer"}`},
		"?pageToken=" + strings.Repeat("x", 4097): {422, `"location":"query.pageToken"`},
	} {
		if w := put("/typed"+size, strings.NewReader("{}")); w.Code != want.status || !strings.Contains(w.Body.String(), want.body) {
			t.Errorf("%.40s: %d %s, want %d %s", size, w.Code, w.Body, want.status, want.body)
		}
	}
}

func TestAProblemNamesItsFaults(t *testing.T) {
	p := NewProblem(http.StatusUnprocessableEntity, "RECORD_INVALID", "The record is bad.")
	if got := *p.WithFaults(); got.Detail != "The record is bad." || got.Errors != nil {
		t.Errorf("without a fault it is %+v, want it as it was", got)
	}
	faults := []Fault{{Location: "body.a", Message: "it is missing"}, {Message: "it is late"}}
	b, err := json.Marshal(p.WithFaults(faults...))
	const want = `"detail":"body.a: it is missing","errors":[{"location":"body.a","message":"it is missing"},{"message":"it is late"}]}`
	if err != nil || !strings.HasSuffix(string(b), want) || !slices.Equal(p.Errors, faults) {
		t.Errorf("%s, %v; want %s at its end", b, err, want)
	}
}
