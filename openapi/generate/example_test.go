package main

import (
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
)

// seeds are what the store holds before an operation, where it is not usual. They
// are imported by the API itself.
const usual = `{"page":"/","visits":1024,"uniques":700}
{"page":"/about","visits":42,"uniques":30,"days":[{"day":"2026-11-20","visits":39,"uniques":28},{"day":"2026-11-21","visits":3,"uniques":2}]}`

var seeds = map[string]string{
	"countVisit":    `{"page":"/about","visits":41,"uniques":29}`,
	"exportVisits":  `{"page":"/about","visits":42,"uniques":30,"days":[{"day":"2026-11-21","visits":3,"uniques":2,"referrers":{"news.ycombinator.com":2},"otherReferrers":1,"sources":{"newsletter":1}}]}`,
	"importVisits":  ``,
	"visitsSummary": `{"page":"/about","visits":66,"uniques":58,"days":[{"day":"2026-11-20","visits":39,"uniques":28},{"day":"2026-11-21","visits":27,"uniques":30}]}`,
}

// asked is what a request for another type of reply than the first says.
var asked = map[string]string{"exportVisits text/csv": "format=csv", "exportRecords text/csv": "format=csv"}

// TestExamplesAreWhatTheServerSays sends each operation's example of a request to
// the function, and wants its example of a reply.
func TestExamplesAreWhatTheServerSays(t *testing.T) {
	operations := documented(load(t))
	for _, where := range inOrder(operations) {
		op := operations[where]
		method, path, _ := strings.Cut(where, " ")
		for status, response := range op.Responses.Map() {
			for contentType, media := range response.Value.Content {
				if status[0] != '2' || media.Example == nil {
					continue
				}
				for _, r := range exampleRequests(t, method, path, op, asked[op.OperationID+" "+contentType]) {
					t.Run(op.OperationID+" "+contentType+" "+r.Header.Get("Content-Type"), func(t *testing.T) {
						w := httptest.NewRecorder()
						shop := serveExamples(t, op)
						shop.mend(t, op, r)
						shop.functions[function(op)].ServeHTTP(w, r)
						if got := fmt.Sprint(w.Code); got != status {
							t.Fatalf("%s %s: status %s, want %s: %s", method, r.URL, got, status, w.Body)
						}
						if got, _, _ := mime.ParseMediaType(w.Header().Get("Content-Type")); got != contentType {
							t.Errorf("Content-Type %s, want %s", got, contentType)
						}
						wantExample(t, shop.known(w.Body.String()), media)
					})
				}
			}
		}
	}
}

// exampleRequests makes a request of an operation's examples, one for each type of
// body that it takes.
func exampleRequests(t *testing.T, method, path string, op *openapi3.Operation, query string) []*http.Request {
	t.Helper()
	values, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range op.Parameters {
		examples := p.Value.Schema.Value.Examples
		if len(examples) == 0 {
			continue
		}
		switch p.Value.In {
		case "path":
			path = strings.ReplaceAll(path, "{"+p.Value.Name+"}", fmt.Sprint(examples[0]))
		case "query":
			list, ok := examples[0].([]any)
			if !ok {
				list = examples[:1]
			}
			if p.Value.Explode != nil && !*p.Value.Explode {
				list = []any{joined(list)}
			}
			for _, v := range list {
				values.Add(p.Value.Name, fmt.Sprint(v))
			}
		}
	}
	target := path + "?" + values.Encode()
	if op.RequestBody == nil {
		return []*http.Request{httptest.NewRequest(method, target, nil)}
	}
	var requests []*http.Request
	for contentType, media := range op.RequestBody.Value.Content {
		r := httptest.NewRequest(method, target, strings.NewReader(exampleBody(t, media)))
		r.Header.Set("Content-Type", contentType)
		requests = append(requests, r)
	}
	return requests
}

func joined(list []any) string {
	var texts []string
	for _, v := range list {
		texts = append(texts, fmt.Sprint(v))
	}
	return strings.Join(texts, ",")
}

// exampleBody is the example of a body, or is put together from those of its fields.
func exampleBody(t *testing.T, media *openapi3.MediaType) string {
	t.Helper()
	if text, ok := media.Example.(string); ok {
		return text
	}
	if media.Example != nil {
		b, err := json.Marshal(media.Example)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	body := make(map[string]any)
	for name, p := range media.Schema.Value.Properties {
		if len(p.Value.Examples) > 0 {
			body[name] = p.Value.Examples[0]
		}
	}
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func seedVisits(t *testing.T, visits http.Handler, ndjson string) {
	t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, "/visits/import", strings.NewReader(ndjson))
	r.Header.Set("Content-Type", "application/x-ndjson")
	visits.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("import: %s", w.Body)
	}
}

// wantExample compares a reply with its example. In a text, … stands for anything.
// Of an object whose schema names no fields the example shows some.
func wantExample(t *testing.T, got string, media *openapi3.MediaType) {
	t.Helper()
	if text, ok := media.Example.(string); ok {
		pattern := strings.ReplaceAll(regexp.QuoteMeta(text), "…", "(?s:.*)")
		if !regexp.MustCompile("^" + pattern + "$").MatchString(got) {
			t.Errorf("got  %q\nwant %q", got, text)
		}
		return
	}
	var reply any
	if err := json.Unmarshal([]byte(got), &reply); err != nil {
		t.Fatal(err)
	}
	if media.Schema.Ref == "" && len(media.Schema.Value.Properties) == 0 && len(media.Schema.Value.OneOf) == 0 {
		reply = excerpt(reply, media.Example)
	}
	if diff := cmp.Diff(media.Example, reply); diff != "" {
		t.Errorf("the reply is not the example (-example +reply)\n%s", diff)
	}
}

// excerpt is what reply has of the fields that example has.
func excerpt(reply, example any) any {
	whole, ok := reply.(map[string]any)
	fields, also := example.(map[string]any)
	if !ok || !also {
		return reply
	}
	part := make(map[string]any)
	for name, v := range fields {
		if in, ok := whole[name]; ok {
			part[name] = excerpt(in, v)
		}
	}
	return part
}
