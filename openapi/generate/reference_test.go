package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/tallystick/tallystick"
)

// TestTheReferencesLinksLeadToHeadings that are there once, so that GitHub does not number them.
func TestTheReferencesLinksLeadToHeadings(t *testing.T) {
	text := string(reference(describe(tallystick.Functions)))
	headings := make(map[string]int)
	for _, h := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(text, -1) {
		headings[anchor(h[1])]++
	}
	links := regexp.MustCompile(`\]\(#([^)]*)\)`).FindAllStringSubmatch(text, -1)
	if len(links) < 150 {
		t.Errorf("it has %d links, want one for each operation, type and error that is named", len(links))
	}
	for _, link := range links {
		if n := headings[link[1]]; n != 1 {
			t.Errorf("#%s is the anchor of %d headings, want 1", link[1], n)
		}
	}
}

func TestAnchorsAreGitHubs(t *testing.T) {
	for heading, want := range map[string]string{
		"Set a page's numbers":              "set-a-pages-numbers",
		"Fetch all records, page by page":   "fetch-all-records-page-by-page",
		"PagePeriod":                        "pageperiod",
		"GET /records/{collection}/{id}":    "get-recordscollectionid",
		"What all_may refuse - and do with": "what-all_may-refuse---and-do-with",
	} {
		if got := anchor(heading); got != want {
			t.Errorf("%s: %s, want %s", heading, got, want)
		}
	}
}

// TestTheReferencesExamplesAreAnswered sends each example with curl, as a reader would, to
// the function, and wants the reply that stands below it.
func TestTheReferencesExamplesAreAnswered(t *testing.T) {
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("curl is missing")
	}
	doc := describe(tallystick.Functions)
	r := referrer{doc: doc, schemas: doc.Components.Schemas.Map()}
	specs := documented(load(t))
	for _, f := range tallystick.Functions {
		for _, o := range r.of(f.Name) {
			t.Run(o.op.OperationID, func(t *testing.T) {
				op := specs[o.method+" "+o.path]
				shop := serveExamples(t, op)
				server := httptest.NewServer(shop.functions[f.Name])
				defer server.Close()
				status, reply := good(o.op)
				contentType, body := shop.curl(t, op, strings.Replace(r.curl(o), "https://HOST", server.URL, 1), status)
				media := reply.Content[contentType]
				if media == nil {
					t.Fatalf("it answers with %s, which is not described: %s", contentType, body)
				}
				if media.Example == nil {
					return
				}
				wantExample(t, shop.known(body), op.Responses.Map()[status].Value.Content[contentType])
			})
		}
	}
}

// curl runs an example. What no example can have is mended before, see shop.mend.
func (s *shop) curl(t *testing.T, op *openapi3.Operation, command, status string) (contentType, body string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(""))
	if data := regexp.MustCompile(`-d '([^']*)'`).FindStringSubmatch(command); data != nil {
		r = httptest.NewRequest(http.MethodPost, "/", strings.NewReader(data[1]))
		s.mend(t, op, r)
		mended := make([]byte, r.ContentLength)
		if _, err := r.Body.Read(mended); err != nil {
			t.Fatal(err)
		}
		command = strings.Replace(command, data[1], string(mended), 1)
	}
	command = strings.Replace(command, exampleReservation, s.reservation, 1)
	command = strings.Replace(command, "curl ", `curl -sS -w '\n%{content_type}\n%{http_code}' `, 1)
	c := exec.Command("sh", "-c", command)
	c.Env = append(os.Environ(), "KEY=key")
	for _, name := range []string{"webhook-id", "webhook-timestamp", "webhook-signature"} {
		c.Env = append(c.Env, strings.ToUpper(strings.ReplaceAll(name, "-", "_"))+"="+r.Header.Get(name))
	}
	out, err := c.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v: %s", command, err, out)
	}
	parts := regexp.MustCompile(`(?s)^(.*)\n(.*)\n(\d+)$`).FindSubmatch(out)
	if got := string(parts[3]); got != status {
		t.Fatalf("%s\nanswers %s, want %s: %s", command, got, status, parts[1])
	}
	contentType, _, _ = mime.ParseMediaType(string(parts[2]))
	return contentType, string(parts[1])
}

// codeInCode finds the codes where they are made.
var codeInCode = regexp.MustCompile(`(?:Code: |(?:http|inventory)\.Status\w+: +|NewProblem\([\w.]+, |unprocessable\([\w.]+, |conflict\(|challenge\()"([A-Z_]+)"`)

func TestEveryErrorsCodeIsInTheReference(t *testing.T) {
	made := make(map[string]bool)
	for _, folder := range []string{"functions", "internal/edge", "internal/recordhttp", "internal/stockhttp"} {
		err := filepath.WalkDir(filepath.Join("..", "..", folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			source, err := os.ReadFile(path)
			for _, code := range codeInCode.FindAllSubmatch(source, -1) {
				made[string(code[1])] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	told := make(map[string]bool)
	for _, c := range errorCodes {
		if told[c.code] {
			t.Errorf("%s is there twice", c.code)
		}
		told[c.code] = true
		if !made[c.code] {
			t.Errorf("%s is in errorCodes, and no function makes it", c.code)
		}
	}
	for _, code := range inOrder(made) {
		if !told[code] {
			t.Errorf("%s is not in errorCodes: say there what to do about it", code)
		}
	}
}

// TestEveryRefusalHasItsCodes: a status that an operation declares has a code in the
// reference, and a code of some operations one that may answer it.
func TestEveryRefusalHasItsCodes(t *testing.T) {
	doc := describe(tallystick.Functions)
	r := referrer{doc: doc}
	named := make(map[string]bool)
	for _, f := range tallystick.Functions {
		for _, o := range r.of(f.Name) {
			has := make(map[string]bool)
			for _, c := range codesOf(o.method+" "+o.path, o.op) {
				named[c.code] = true
				has[fmt.Sprint(c.status)] = true
			}
			for status, reply := range o.op.Responses {
				own := status == "404" || status == "409" || status == "410" || status == "412"
				if own && !has[status] && reply.Content["application/problem+json"] != nil {
					t.Errorf("%s %s: %s has no code in the reference", o.method, o.path, status)
				}
			}
		}
	}
	for _, c := range errorCodes {
		if c.of != "" && !named[c.code] && c.code != "LEGACY_OFF" { // which is told without a code
			t.Errorf("%s is no operation's", c.code)
		}
	}
}

func TestALongReplyHasALineForEachField(t *testing.T) {
	long := strings.Repeat("x", lineWidth)
	for _, tt := range []struct {
		example any
		want    string
	}{
		{json.RawMessage(`{"b":1,"a":[2]}`), `{"b":1,"a":[2]}`},
		{json.RawMessage(`{"b":1,"a":{"c":"` + long + `"}}`), "{\n  \"b\": 1,\n  \"a\": {\"c\":\"" + long + "\"}\n}"},
		{"page,day\n/,\n", "page,day\n/,\n"},
	} {
		if got := shown(tt.example); got != tt.want {
			t.Errorf("%s\nwant %s", got, tt.want)
		}
	}
}
