package visits_test

import (
	"encoding/xml"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/tallystick/tallystick/internal/edge"
)

const (
	jsonType = "application/json"
	textType = "text/plain"
)

// seed gives the server some visits: /about has 42 by 30, 2 of them today, / has 1.
func seed(s *server) {
	s.Helper()
	s.ok("PUT", "/visits?page=/about", `{"visits":40,"uniques":28}`)
	s.ok("POST", "/visits?page=/about", "")
	s.ok("POST", "/visits?page=/about", "", "User-Agent", "another")
	s.ok("POST", "/visits", "")
}

// TestRoutes is each route's replies, byte for byte. Each case has a server of its
// own, seeded.
func TestRoutes(t *testing.T) {
	for _, tt := range []struct {
		name, method, path, body string
		header                   []string
		contentType, want        string
	}{
		{"POST counts", "POST", "/visits?page=/about", "", nil, jsonType,
			`{"page":"/about","visits":43,"uniques":30,"counted":true,"exact":true}` + "\n"},
		{"POST counts a new visitor", "POST", "/visits?page=/about", "", []string{"User-Agent", "third"}, jsonType,
			`{"page":"/about","visits":43,"uniques":31,"counted":true,"exact":true}` + "\n"},
		{"POST counts the root", "POST", "/visits", "", nil, jsonType, `{"page":"/","visits":2,"uniques":1,"counted":true,"exact":true}` + "\n"},
		{"POST takes an empty page for the root", "POST", "/visits?page=", "", nil, jsonType, `{"page":"/","visits":2,"uniques":1,"counted":true,"exact":true}` + "\n"},
		{"POST folds the page", "POST", "/visits?page=//about/index.html%3Fa=b", "", nil, jsonType,
			`{"page":"/about","visits":43,"uniques":30,"counted":true,"exact":true}` + "\n"},
		{"POST names the page canonically", "POST", "/visits?page=/%C3%BCber", "", nil, jsonType,
			`{"page":"/%C3%BCber","visits":1,"uniques":1,"counted":true,"exact":true}` + "\n"},
		{"POST as text", "POST", "/visits?page=/about", "", []string{"Accept", "text/plain"}, textType, "43\n"},
		{"POST as something else", "POST", "/visits?page=/about", "", []string{"Accept", "image/png"}, jsonType,
			`{"page":"/about","visits":43,"uniques":30,"counted":true,"exact":true}` + "\n"},
		{"POST by a bot", "POST", "/visits?page=/about", "", []string{"User-Agent", "Googlebot/2.1"}, jsonType,
			`{"page":"/about","visits":42,"uniques":30,"counted":false,"reason":"bot","exact":true}` + "\n"},
		{"POST by a prefetch", "POST", "/visits?page=/about", "", []string{"Sec-Purpose", "prefetch;prerender"}, jsonType,
			`{"page":"/about","visits":42,"uniques":30,"counted":false,"reason":"prefetch","exact":true}` + "\n"},
		{"POST by who wants privacy", "POST", "/visits?page=/about", "", []string{"User-Agent", "third", "DNT", "1"}, jsonType,
			`{"page":"/about","visits":43,"uniques":30,"counted":true,"exact":true}` + "\n"},
		{"POST with privacy control", "POST", "/visits?page=/about", "", []string{"User-Agent", "third", "Sec-GPC", "1"}, jsonType,
			`{"page":"/about","visits":43,"uniques":30,"counted":true,"exact":true}` + "\n"},
		{"POST with a body that nobody reads", "POST", "/visits?page=/about", "page=/other", nil, jsonType,
			`{"page":"/about","visits":43,"uniques":30,"counted":true,"exact":true}` + "\n"},

		{"GET reads", "GET", "/visits?page=/about", "", nil, jsonType, `{"page":"/about","visits":42,"uniques":30}` + "\n"},
		{"GET reads the root", "GET", "/visits", "", nil, jsonType, `{"page":"/","visits":1,"uniques":1}` + "\n"},
		{"GET reads what never was", "GET", "/visits?page=/none/", "", nil, jsonType, `{"page":"/none","visits":0,"uniques":0}` + "\n"},
		{"GET reads several", "GET", "/visits?page=/none&page=/about/&page=/about", "", nil, jsonType,
			`{"pages":[{"page":"/none","visits":0,"uniques":0},{"page":"/about","visits":42,"uniques":30},{"page":"/about","visits":42,"uniques":30}]}` + "\n"},
		{"GET as text", "GET", "/visits?page=/about", "", []string{"Accept", "text/plain"}, textType, "42\n"},
		{"GET several as text", "GET", "/visits?page=/about&page=/none&page=/", "", []string{"Accept", "text/plain"}, textType, "42\n0\n1\n"},
		{"GET with a comma in a page", "GET", "/visits?page=/a,b", "", nil, jsonType, `{"page":"/a,b","visits":0,"uniques":0}` + "\n"},

		{"the badge", "GET", "/visits/badge.svg?page=/about", "", nil, "image/svg+xml", badgeOf42},
		{"the pixel", "GET", "/visits/pixel.gif?page=/about", "", nil, "image/gif",
			"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x01D\x00;"},

		{"PUT sets", "PUT", "/visits?page=/about/", `{"visits":1000,"uniques":700}`, nil, jsonType, `{"page":"/about","visits":1000,"uniques":700}` + "\n"},
		{"PUT without uniques", "PUT", "/visits?page=/about", ` {"visits":0} `, nil, jsonType, `{"page":"/about","visits":0,"uniques":0}` + "\n"},
		{"PUT sets the root", "PUT", "/visits", `{"visits":9007199254740991}`, nil, jsonType, `{"page":"/","visits":9007199254740991,"uniques":0}` + "\n"},
		{"PUT as curl -d sends it", "PUT", "/visits", `{"visits":7}`, []string{"Content-Type", "application/x-www-form-urlencoded"}, jsonType,
			`{"page":"/","visits":7,"uniques":0}` + "\n"},
		{"PUT with a charset", "PUT", "/visits", `{"visits":7}`, []string{"Content-Type", "application/json; charset=utf-8"}, jsonType,
			`{"page":"/","visits":7,"uniques":0}` + "\n"},
		{"DELETE forgets", "DELETE", "/visits?page=/about/", "", nil, jsonType, `{"page":"/about","deleted":true}` + "\n"},
		{"DELETE of what never was", "DELETE", "/visits?page=/none", "", nil, jsonType, `{"page":"/none","deleted":false}` + "\n"},
		{"DELETE of the root by its name", "DELETE", "/visits?page=/", "", nil, jsonType, `{"page":"/","deleted":true}` + "\n"},

		{"the top", "GET", "/visits/top", "", nil, jsonType,
			`{"pages":[{"page":"/about","visits":42,"uniques":30},{"page":"/","visits":1,"uniques":1}],"nextPageToken":""}` + "\n"},
		{"a page of 0 is the default", "GET", "/visits/top?pageSize=0", "", nil, jsonType,
			`{"pages":[{"page":"/about","visits":42,"uniques":30},{"page":"/","visits":1,"uniques":1}],"nextPageToken":""}` + "\n"},
		{"history from and to", "GET", "/visits/history?page=/about&from=2126-11-20&to=2126-11-22", "", nil, jsonType,
			`{"page":"/about","from":"2126-11-20","to":"2126-11-22","days":[{"day":"2126-11-20","visits":0,"uniques":0},` +
				`{"day":"2126-11-21","visits":2,"uniques":2},{"day":"2126-11-22","visits":0,"uniques":0}]}` + "\n"},
		{"history from", "GET", "/visits/history?from=2126-11-21", "", nil, jsonType,
			`{"page":"/","from":"2126-11-21","to":"2126-11-21","days":[{"day":"2126-11-21","visits":1,"uniques":1}]}` + "\n"},

		{"export", "GET", "/visits/export", "", nil, "application/x-ndjson",
			`{"page":"/","visits":1,"uniques":1,"days":[{"day":"2126-11-21","visits":1,"uniques":1}]}` + "\n" +
				`{"page":"/about","visits":42,"uniques":30,"days":[{"day":"2126-11-21","visits":2,"uniques":2}]}` + "\n"},
		{"export as CSV", "GET", "/visits/export?format=csv", "", nil, "text/csv; charset=utf-8",
			"page,day,visits,uniques\n/,2126-11-21,1,1\n/about,,40,28\n/about,2126-11-21,2,2\n"},
		{"import of CSV", "POST", "/visits/import", "page,day,visits,uniques\n/about,2126-11-20,3,2\n", []string{"Content-Type", "text/csv"}, jsonType,
			`{"imported":true,"pages":1,"rows":1,"skipped":0,"bad":0}` + "\n"},
		{"import of NDJSON", "POST", "/visits/import", `{"page":"/a","visits":3}` + "\n" + `{"page":"/b","visits":3}`, []string{"Content-Type", "application/x-ndjson"}, jsonType,
			`{"imported":true,"pages":2,"rows":2,"skipped":0,"bad":0}` + "\n"},
		{"import as any type", "POST", "/visits/import", `{"page":"/a","visits":3}`, []string{"Content-Type", "application/octet-stream"}, jsonType,
			`{"imported":true,"pages":1,"rows":1,"skipped":0,"bad":0}` + "\n"},
		{"import with bad rows", "POST", "/visits/import?maxErrors=2", `{"page":"/a","visits":3}` + "\n{\n" + `{"page":"a","visits":3}`, nil, jsonType,
			`{"imported":true,"pages":1,"rows":3,"skipped":0,"bad":2,"errors":[{"line":2,"reason":"not JSON: unexpected EOF"},` +
				`{"line":3,"field":"page","reason":"bad page name: it is a path and starts with a slash, such as /about"}]}` + "\n"},
		{"import of nothing", "POST", "/visits/import", "", nil, jsonType, `{"imported":true,"pages":0,"rows":0,"skipped":0,"bad":0}` + "\n"},
		{"validation", "POST", "/visits/import?validateOnly=true", `{"page":"/a","visits":3}`, nil, jsonType,
			`{"imported":false,"pages":1,"rows":1,"skipped":0,"bad":0}` + "\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, nil)
			seed(s)
			got := s.send(tt.method, tt.path, tt.body, tt.header...)
			if got.status != http.StatusOK || got.body != tt.want {
				t.Errorf("%d %s\nwant 200 %s", got.status, got.body, tt.want)
			}
			for name, want := range map[string]string{
				"Content-Type": tt.contentType, "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
				"Retry-After": "", "Idempotent-Replayed": "", "Allow": "",
			} {
				if got := strings.Join(got.header[name], "|"); got != want {
					t.Errorf("%s %q, want %q", name, got, want)
				}
			}
		})
	}
}

const badgeOf42 = `<svg xmlns="http://www.w3.org/2000/svg" width="67" height="20" viewBox="0 0 67 20" role="img" aria-label="visits: 42">` +
	`<title>visits: 42</title>` +
	`<path fill="#444444" d="M3 0H41V20H3a3 3 0 0 1-3-3V3a3 3 0 0 1 3-3z"/>` +
	`<path fill="#0070b8" d="M41 0h23a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H41z"/>` +
	`<g font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">` +
	`<text fill="#ffffff" x="20.5" y="14" textLength="29">visits</text>` +
	`<text fill="#ffffff" x="54" y="14" textLength="14">42</text></g></svg>`

// TestErrors is every error that a client can make, and what it is told.
func TestErrors(t *testing.T) {
	nested := strings.Repeat(`{"visits":`, 33) + "1" + strings.Repeat("}", 33)
	for _, tt := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
		code, says               string
	}{
		{"a page without its slash", "POST", "/visits?page=about", "", nil, 422, "PAGE_INVALID", "starts with a slash, such as /about"},
		{"a page that is too long", "POST", "/visits?page=/" + strings.Repeat("a", 512), "", nil, 422, "PAGE_INVALID", "at most 512 bytes"},
		{"a page with a control character", "POST", "/visits?page=/%00", "", nil, 422, "PAGE_INVALID", "control character"},
		{"a page that is no UTF-8", "POST", "/visits?page=/%ff", "", nil, 422, "PAGE_INVALID", "not UTF-8"},
		{"a query that cannot be read", "POST", "/visits?page=/100%", "", nil, 400, "QUERY_MALFORMED", `invalid URL escape \"%\"`},
		{"a key with a space", "POST", "/visits", "", []string{"Idempotency-Key", "a b"}, 422, "VALIDATION_FAILED", "header.Idempotency-Key"},
		{"a key that is too long", "POST", "/visits", "", []string{"Idempotency-Key", strings.Repeat("k", 256)}, 422, "VALIDATION_FAILED", "expected length <= 255"},
		{"an error for who wants text", "POST", "/visits?page=about", "", []string{"Accept", "text/plain"}, 422, "PAGE_INVALID", "starts with a slash"},
		{"the pixel of a bad page", "GET", "/visits/pixel.gif?page=about", "", nil, 422, "PAGE_INVALID", "starts with a slash"},

		{"reading a bad page", "GET", "/visits?page=/a&page=b", "", nil, 422, "PAGE_INVALID", "starts with a slash"},
		{"reading too many pages", "GET", "/visits?" + strings.Repeat("page=/&", 101), "", nil, 422, "VALIDATION_FAILED", "query.page: expected array length <= 100"},
		{"a badge of a bad page", "GET", "/visits/badge.svg?page=about", "", nil, 422, "PAGE_INVALID", "starts with a slash"},
		{"a badge of no colour", "GET", "/visits/badge.svg?color=%22/%3E%3Cscript%3E", "", nil, 422, "COLOR_INVALID", "no such colour"},
		{"a badge of a colour that is too long", "GET", "/visits/badge.svg?color=" + strings.Repeat("f", 33), "", nil, 422, "VALIDATION_FAILED", "query.color"},
		{"a badge with a label that is too long", "GET", "/visits/badge.svg?label=" + strings.Repeat("x", 65), "", nil, 422, "VALIDATION_FAILED", "query.label: expected length <= 64"},
		{"a badge in no format", "GET", "/visits/badge.svg?format=long", "", nil, 422, "VALIDATION_FAILED", "grouped, short"},
		{"a badge of nothing", "GET", "/visits/badge.svg?of=likes", "", nil, 422, "VALIDATION_FAILED", "visits, uniques"},

		{"a top of less than none", "GET", "/visits/top?pageSize=-1", "", nil, 422, "VALIDATION_FAILED", "query.pageSize: expected number >= 0"},
		{"a top of many", "GET", "/visits/top?pageSize=many", "", nil, 422, "VALIDATION_FAILED", "query.pageSize: invalid integer"},
		{"a token of nobody's", "GET", "/visits/top?pageToken=abc", "", nil, 400, "PAGE_TOKEN_INVALID", "Start again without it"},
		{"a token that is too long", "GET", "/visits/top?pageToken=" + strings.Repeat("a", 4097), "", nil, 422, "VALIDATION_FAILED", "query.pageToken"},
		{"history of a bad page", "GET", "/visits/history?page=about", "", nil, 422, "PAGE_INVALID", "starts with a slash"},
		{"history from no day", "GET", "/visits/history?from=yesterday", "", nil, 422, "VALIDATION_FAILED", "query.from: expected string to be RFC 3339 date"},
		{"history to no day", "GET", "/visits/history?to=2126-02-30", "", nil, 422, "VALIDATION_FAILED", "query.to: expected string to be RFC 3339 date"},
		{"history backwards", "GET", "/visits/history?from=2126-11-22", "", nil, 422, "DAY_INVALID", "from 2126-11-22 is after to 2126-11-21"},
		{"history of too many days", "GET", "/visits/history?from=2124-11-20", "", nil, 422, "DAY_INVALID", "at most 731 days"},
		{"history before there were days", "GET", "/visits/history?to=0000-01-01", "", nil, 422, "DAY_INVALID", "there are days from 0000-01-01"},

		{"a bad page to set", "PUT", "/visits?page=about", `{"visits":1}`, nil, 422, "PAGE_INVALID", "starts with a slash"},
		{"no body", "PUT", "/visits", "", nil, 400, "MALFORMED_REQUEST", "request body is required"},
		{"bad syntax", "PUT", "/visits", `{"visits":1`, nil, 400, "MALFORMED_REQUEST", "body: not JSON at byte 11"},
		{"a name twice", "PUT", "/visits", `{"visits":1,"visits":2}`, nil, 400, "MALFORMED_REQUEST", "duplicate"},
		{"something after the body", "PUT", "/visits", `{"visits":1} {}`, nil, 400, "MALFORMED_REQUEST", "something follows the JSON value"},
		{"a body that is no UTF-8", "PUT", "/visits", "{\"visits\":1,\"\xff\":2}", nil, 400, "MALFORMED_REQUEST", "invalid UTF-8"},
		{"a body 33 deep", "PUT", "/visits", nested, nil, 400, "MALFORMED_REQUEST", "nested deeper than 32"},
		{"a body that is no object", "PUT", "/visits", `[1]`, nil, 422, "VALIDATION_FAILED", "body: expected object"},
		{"a body that is null", "PUT", "/visits", `null`, nil, 422, "VALIDATION_FAILED", "body: expected object"},
		{"a field that is missing", "PUT", "/visits", `{"uniques":1}`, nil, 422, "VALIDATION_FAILED", "property visits"},
		{"unknown fields", "PUT", "/visits", `{"visits":1,"x":1,"likes":2,"d":3,"a":4,"c":5,"b":6}`, nil, 422, "VALIDATION_FAILED",
			`"errors":[{"location":"body.a","message":"unexpected property"},{"location":"body.b","message":"unexpected property"},` +
				`{"location":"body.c","message":"unexpected property"},{"location":"body.d","message":"unexpected property"},` +
				`{"location":"body.likes","message":"unexpected property"},{"location":"body.x","message":"unexpected property"}]`},
		{"a field in capitals", "PUT", "/visits", `{"visits":1,"Uniques":2}`, nil, 422, "VALIDATION_FAILED", "body.Uniques: unexpected property"},
		{"text for a number", "PUT", "/visits", `{"visits":"1"}`, nil, 422, "VALIDATION_FAILED", "body.visits: expected integer"},
		{"null for a number", "PUT", "/visits", `{"visits":null}`, nil, 422, "VALIDATION_FAILED", "body.visits: expected integer"},
		{"a fraction", "PUT", "/visits", `{"visits":1.5}`, nil, 422, "VALIDATION_FAILED", "body.visits: expected integer"},
		{"a number with an exponent", "PUT", "/visits", `{"visits":1e3}`, nil, 422, "VALIDATION_FAILED", "body: visits: a number 1e3 cannot stand here"},
		{"less than none", "PUT", "/visits", `{"visits":-1}`, nil, 422, "VALIDATION_FAILED", "body.visits: expected number >= 0"},
		{"too many", "PUT", "/visits", `{"visits":9007199254740992}`, nil, 422, "VALIDATION_FAILED", "body.visits: expected number <="},
		{"more than a float holds", "PUT", "/visits", `{"visits":1,"uniques":1e999}`, nil, 400, "MALFORMED_REQUEST", "1e999"},
		{"a body of another type", "PUT", "/visits", `{"visits":1}`, []string{"Content-Type", "application/xml"}, 415, "UNSUPPORTED_MEDIA_TYPE", "application/xml"},
		{"an encoded body", "PUT", "/visits", "x", []string{"Content-Encoding", "gzip"}, 415, "CONTENT_ENCODING_UNSUPPORTED", "without Content-Encoding"},
		{"a body that is too large", "PUT", "/visits", `{"visits":1` + strings.Repeat(" ", 1<<20) + "}", nil, 413, "BODY_TOO_LARGE", "1048576"},
		{"nothing named to delete", "DELETE", "/visits", "", nil, 422, "VALIDATION_FAILED", "query.page: required"},
		{"an empty name to delete", "DELETE", "/visits?page=", "", nil, 422, "VALIDATION_FAILED", "query.page: required"},
		{"a bad page to delete", "DELETE", "/visits?page=about", "", nil, 422, "PAGE_INVALID", "starts with a slash"},

		{"export in no format", "GET", "/visits/export?format=xml", "", nil, 422, "VALIDATION_FAILED", "ndjson, csv"},
		{"import of another file", "POST", "/visits/import", "<html>", nil, 422, "IMPORT_INVALID", "page,day,visits,uniques"},
		{"import of what is compressed", "POST", "/visits/import", "\x1f\x8b\x08", nil, 422, "IMPORT_INVALID", "gunzip"},
		{"import of an encoded body", "POST", "/visits/import", "\x1f\x8b\x08", []string{"Content-Encoding", "gzip"}, 415, "CONTENT_ENCODING_UNSUPPORTED", "without Content-Encoding"},
		{"import with bad rows", "POST", "/visits/import?maxErrors=1", `{"page":"/a","visits":3}` + "\n{\n" + `{"page":"a","visits":3}`, nil, 422, "IMPORT_INVALID",
			`"detail":"bad import file: 2 of 3 rows are bad, 1 allowed; nothing was imported","errors":[{"location":"line 2","message":"not JSON: unexpected EOF"},` +
				`{"location":"line 3, page","message":"bad page name: it is a path and starts with a slash, such as /about"}]`},
		{"validation with bad rows", "POST", "/visits/import?validateOnly=true", "{", nil, 422, "IMPORT_INVALID", "line 1"},
		{"import with less errors than none", "POST", "/visits/import?maxErrors=-1", "", nil, 422, "VALIDATION_FAILED", "query.maxErrors: expected number >= 0"},
		{"import with no boolean", "POST", "/visits/import?validateOnly=perhaps", "", nil, 422, "VALIDATION_FAILED", "query.validateOnly: invalid boolean"},

		{"an unknown path", "GET", "/visit", "", nil, 404, "NOT_FOUND", "nothing at this path"},
		{"a path below", "GET", "/visits/about", "", nil, 404, "NOT_FOUND", "nothing at this path"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, nil)
			seed(s)
			before := s.ok("GET", "/visits/export", "")
			s.wantProblem(s.send(tt.method, tt.path, tt.body, tt.header...), tt.status, tt.code, tt.says)
			if after := s.ok("GET", "/visits/export", ""); after != before {
				t.Errorf("it changed something:\n%s\nwant\n%s", after, before)
			}
		})
	}
}

func TestWrongMethodsAreToldTheRightOnes(t *testing.T) {
	s := start(t, nil)
	for _, tt := range []struct{ method, path, allow string }{
		{"PATCH", "/visits", "GET,POST,PUT,DELETE,OPTIONS"},
		{"POST", "/visits/top", "GET,OPTIONS"},
		{"PUT", "/visits/history", "GET,OPTIONS"},
		{"DELETE", "/visits/badge.svg", "GET,OPTIONS"},
		{"POST", "/visits/pixel.gif", "GET,OPTIONS"},
		{"POST", "/visits/count.js", "GET,OPTIONS"},
		{"POST", "/visits/export", "GET,OPTIONS"},
		{"GET", "/visits/import", "POST,OPTIONS"},
	} {
		got := s.send(tt.method, tt.path, "")
		s.wantProblem(got, 405, "METHOD_NOT_ALLOWED", tt.method+" is not defined here")
		if allow := strings.Join(got.header["Allow"], ","); allow != tt.allow {
			t.Errorf("%s %s: Allow %s, want %s", tt.method, tt.path, allow, tt.allow)
		}
	}
}

func TestASentAgainVisitCountsOnce(t *testing.T) {
	s := start(t, nil)
	first := s.send("POST", "/visits?page=/about", "", "Idempotency-Key", "k!~1")
	again := s.send("POST", "/visits?page=/about/", "", "Idempotency-Key", "k!~1")
	if again.body != first.body || again.header.Get("Idempotent-Replayed") != "true" || first.header.Get("Idempotent-Replayed") != "" {
		t.Errorf("sent again: %s %v, want %s and that it is replayed", again.body, again.header, first.body)
	}
	s.wantProblem(s.send("POST", "/visits?page=/", "", "Idempotency-Key", "k!~1"), 422, "IDEMPOTENCY_KEY_REUSED", "Make a new one for each request")
	s.want("/about", "1")
	s.want("/", "0")
}

func TestThePixelCountsAndTheBadgeDoesNot(t *testing.T) {
	s := start(t, nil)
	for range 3 {
		s.ok("GET", "/visits/pixel.gif?page=/about", "")
		s.ok("GET", "/visits/badge.svg?page=/about", "")
		s.ok("GET", "/visits?page=/about", "")
		s.ok("GET", "/visits/history?page=/about", "")
	}
	s.ok("GET", "/visits/pixel.gif?page=/about", "", "User-Agent", "Googlebot/2.1")
	s.want("/about", "3")
}

func TestTheScriptIsSmallAndKeptForAnHour(t *testing.T) {
	got := start(t, nil).send("GET", "/visits/count.js", "")
	if got.status != 200 || len(got.body) >= 2048 || !strings.Contains(got.body, "visit-count") {
		t.Errorf("%d and %d bytes, want the script in fewer than 2048", got.status, len(got.body))
	}
	for name, want := range map[string]string{
		"Content-Type": "text/javascript; charset=utf-8", "Cache-Control": "public, max-age=3600", "Access-Control-Allow-Origin": "",
	} {
		if got := strings.Join(got.header[name], "|"); got != want {
			t.Errorf("%s %q, want %q", name, got, want)
		}
	}
}

// TestTheBadgeIsXMLWhateverItIsAskedFor: markup stays text.
func TestTheBadgeIsXMLWhateverItIsAskedFor(t *testing.T) {
	s := start(t, nil)
	s.ok("PUT", "/visits", `{"visits":1234567,"uniques":1200}`)
	for _, tt := range []struct{ query, label, value string }{
		{"", "visits", "1,234,567"},
		{"format=short", "visits", "1.2M"},
		{"of=uniques", "visitors", "1,200"},
		{"of=uniques&format=short&label=people&color=brightgreen", "people", "1.2k"},
		{"color=%23abc", "visits", "1,234,567"},
		{"label=%3Cscript%3Ealert(1)%3C/script%3E", "<script>alert(1)</script>", "1,234,567"},
		{"label=%22%20onload=%22x()", `" onload="x()`, "1,234,567"},
		{"label=%26lt;]]%3E%27", `&lt;]]>'`, "1,234,567"},
		{"label=%C3%BC%F0%9F%8E%89", "ü🎉", "1,234,567"},
		{"label=%00%0a%ff", "visits", "1,234,567"},
	} {
		body := s.ok("GET", "/visits/badge.svg?"+strings.ReplaceAll(tt.query, ";", "%3B"), "")
		texts, elements := xmlTexts(t, body)
		if want := []string{tt.label, tt.value}; len(texts) != 2 || texts[0] != want[0] || texts[1] != want[1] {
			t.Errorf("%s: texts %q, want %q", tt.query, texts, want)
		}
		if want := "svg title path path g text text"; elements != want {
			t.Errorf("%s: elements %q, want %q", tt.query, elements, want)
		}
	}
}

// xmlTexts returns what stands in a document's <text>s, and the names of all its
// elements.
func xmlTexts(t *testing.T, doc string) (texts []string, elements string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(doc))
	var names []string
	for {
		token, err := d.Token()
		if err == io.EOF {
			return texts, strings.Join(names, " ")
		}
		if err != nil {
			t.Fatalf("%s: %v", doc, err)
		}
		switch token := token.(type) {
		case xml.StartElement:
			names = append(names, token.Name.Local)
			if token.Name.Local == "text" {
				texts = append(texts, "")
			}
			for _, a := range token.Attr {
				if strings.HasPrefix(strings.ToLower(a.Name.Local), "on") {
					t.Errorf("%s: attribute %s", doc, a.Name.Local)
				}
			}
		case xml.CharData:
			if len(names) > 0 && names[len(names)-1] == "text" {
				texts[len(texts)-1] += string(token)
			}
		}
	}
}

func TestSpreadPagesSayThatTheirNumbersAreNotExact(t *testing.T) {
	s := start(t, func(c *edge.Config) { c.Shards = 4 })
	want := `{"page":"/","visits":1,"uniques":1,"counted":true,"exact":false}` + "\n"
	if got := s.ok("POST", "/visits", ""); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	s.ok("POST", "/visits", "")
	s.want("/", "2")
}
