package recordhttp_test

import (
	"fmt"
	"strings"
	"testing"
)

// wrong is a request that is refused, and how.
type wrong struct {
	name, method, path, body string
	status                   int
	code, says               string
	headers                  []string
}

func nested(depth int) string {
	return strings.Repeat(`{"a":`, depth-1) + "{}" + strings.Repeat("}", depth-1)
}

func many(n int, one string) string {
	return "[" + strings.TrimSuffix(strings.Repeat(one+",", n), ",") + "]"
}

// ids is n ids for a query.
func ids(n int) string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("i%d", i)
	}
	return strings.Join(all, ",")
}

var (
	long    = strings.Repeat("x", 1500)
	tooLong = strings.Repeat("x", 200_000)
)

// bodies that are no JSON, or not ours, on every route that takes JSON.
func badBodies() (all []wrong) {
	for _, route := range []struct{ method, path string }{
		{"POST", "/store?collection=c"}, {"POST", "/records/c"}, {"PUT", "/records/c/a"}, {"PATCH", "/records/c/there"}, {"PUT", "/collections/c"}, {"POST", "/collections/c/try"}, {"POST", "/filter?collection=c"},
	} {
		add := func(name, body string, status int, code, says string, headers ...string) {
			all = append(all, wrong{route.method + " " + route.path + ": " + name, route.method, route.path, body, status, code, says, headers})
		}
		add("no body", "", 400, "MALFORMED_REQUEST", "body is required")
		add("white space", "  \n ", 400, "MALFORMED_REQUEST", "")
		add("bad JSON", `{"n":1,}`, 400, "MALFORMED_REQUEST", "byte")
		add("half", `{"n":`, 400, "MALFORMED_REQUEST", "")
		add("a name twice", `{"n":1,"m":2,"n":3}`, 400, "MALFORMED_REQUEST", "duplicate")
		add("a name twice, by an escape", `{"n":1,"\u006e":3}`, 400, "MALFORMED_REQUEST", "")
		add("a name twice, deep", `{"a":[{"n":1,"n":3}]}`, 400, "MALFORMED_REQUEST", "")
		add("trailing data", `{"n":1} {"n":2}`, 400, "MALFORMED_REQUEST", "follows")
		add("trailing comma", `{"n":1},`, 400, "MALFORMED_REQUEST", "")
		add("invalid UTF-8", "{\"n\":\"\xff\"}", 400, "MALFORMED_REQUEST", "UTF-8")
		add("invalid UTF-8 in a name", "{\"\xc3(\":1}", 400, "MALFORMED_REQUEST", "UTF-8")
		add("half a surrogate pair", `{"n":"\ud800"}`, 400, "MALFORMED_REQUEST", "")
		add("a byte order mark", "\ufeff{}", 400, "MALFORMED_REQUEST", "")
		add("depth 33", nested(33), 400, "MALFORMED_REQUEST", "32")
		add("depth 100,000", strings.Repeat("[", 100_000), 400, "MALFORMED_REQUEST", "32")
		add("NaN", `{"n":NaN}`, 400, "MALFORMED_REQUEST", "")
		add("+1", `{"n":+1}`, 400, "MALFORMED_REQUEST", "")
		add("01", `{"n":01}`, 400, "MALFORMED_REQUEST", "")
		add("a control character", "{\"n\":\"\x01\"}", 400, "MALFORMED_REQUEST", "")
		add("1 MiB and 1", `{"n":"`+strings.Repeat("x", 1<<20-7)+`"}`, 413, "BODY_TOO_LARGE", "1048576")
		add("gzip", "\x1f\x8b", 415, "CONTENT_ENCODING_UNSUPPORTED", "Content-Encoding", "Content-Encoding", "gzip")
		add("XML", `<a/>`, 415, "UNSUPPORTED_MEDIA_TYPE", "", "Content-Type", "application/xml")
	}
	return all
}

var badInput = append(badBodies(), []wrong{
	// documents
	{"a scalar", "POST", "/store?collection=c", `7`, 422, "DOCUMENT_INVALID", "JSON object", nil},
	{"null", "POST", "/store?collection=c", `null`, 422, "DOCUMENT_INVALID", "JSON object", nil},
	{"an empty array", "POST", "/store?collection=c", `[]`, 422, "DOCUMENT_INVALID", "no document", nil},
	{"no records", "POST", "/store?collection=c", `{"records":[]}`, 422, "DOCUMENT_INVALID", "no document", nil},
	{"an array of scalars", "POST", "/store?collection=c", `[{"n":1},2,3]`, 422, "DOCUMENT_INVALID", "records[1]", nil},
	{"an array of arrays", "POST", "/store?collection=c", `[[{"n":1}]]`, 422, "DOCUMENT_INVALID", "JSON object", nil},
	{"a record without data", "POST", "/store?collection=c", `{"records":[{"id":"a"}]}`, 422, "DOCUMENT_INVALID", "data", nil},
	{"data that is no object", "POST", "/store?collection=c", `{"records":[{"id":"a","data":[]}]}`, 422, "DOCUMENT_INVALID", "data", nil},
	{"data null", "POST", "/store?collection=c", `{"records":[{"id":"a","data":null}]}`, 422, "DOCUMENT_INVALID", "data", nil},
	{"a member too many", "POST", "/store?collection=c", `{"records":[{"id":"a","data":{},"date":1}]}`, 422, "DOCUMENT_INVALID", `"date"`, nil},
	{"a member with a long name", "POST", "/store?collection=c", `{"records":[{"` + tooLong + `":1}]}`, 422, "DOCUMENT_INVALID", "id and data", nil},
	{"a number as id", "POST", "/store?collection=c", `{"records":[{"id":7,"data":{}}]}`, 422, "ID_INVALID", "text", nil},
	{"an empty id", "POST", "/store?collection=c", `{"records":[{"id":"","data":{}}]}`, 422, "ID_INVALID", "empty", nil},
	{"a record that is a text", "POST", "/store?collection=c", `{"records":["a"]}`, 422, "DOCUMENT_INVALID", "id and data", nil},
	{"501 documents", "POST", "/store?collection=c", many(501, `{"n":1}`), 422, "TOO_MANY_RECORDS", "501", nil},
	{"501 records", "POST", "/store?collection=c", `{"records":` + many(501, `{"data":{}}`) + `}`, 422, "TOO_MANY_RECORDS", "501", nil},
	{"PUT of an array", "PUT", "/records/c/a", `[{"n":1}]`, 422, "DOCUMENT_INVALID", "JSON object", nil},
	{"PUT of a text", "PUT", "/records/c/a", `"x"`, 422, "DOCUMENT_INVALID", "JSON object", nil},
	{"PATCH by an array", "PATCH", "/records/c/there", `[]`, 422, "DOCUMENT_INVALID", "JSON object", nil},
	{"PATCH by null", "PATCH", "/records/c/there", `null`, 422, "DOCUMENT_INVALID", "JSON object", nil},
	{"1e400", "POST", "/store?collection=c", `{"a":{"n":1e400}}`, 422, "DOCUMENT_INVALID", "/a/n", nil},
	{"-1e400", "POST", "/store?collection=c", `{"n":-1e400}`, 422, "DOCUMENT_INVALID", "/n", nil},
	{"400 digits", "POST", "/store?collection=c", `{"n":` + strings.Repeat("9", 400) + `}`, 422, "DOCUMENT_INVALID", "/n", nil},

	// ids
	{"id with a slash", "PUT", "/records/c/a%2Fb", `{}`, 422, "ID_INVALID", "a/b", nil},
	{"id with two dots", "PUT", "/records/c/%2e%2e", `{}`, 422, "ID_INVALID", "reserved", nil},
	{"id with a dot", "PUT", "/records/c/%2e", `{}`, 422, "ID_INVALID", "reserved", nil},
	{"id export", "PUT", "/records/c/export", `{}`, 422, "ID_INVALID", "reserved", nil},
	{"id import", "PUT", "/records/c/import", `{}`, 422, "ID_INVALID", "reserved", nil},
	{"id emoji", "PUT", "/records/c/%F0%9F%98%80", `{}`, 422, "ID_INVALID", "😀", nil},
	{"id of 129", "PUT", "/records/c/" + strings.Repeat("i", 129), `{}`, 422, "ID_INVALID", "128", nil},
	{"id with NUL", "PUT", "/records/c/a%00b", `{}`, 422, "ID_INVALID", "letters", nil},
	{"id with a line break", "PUT", "/records/c/a%0Ab", `{}`, 422, "ID_INVALID", "letters", nil},
	{"id with a space", "GET", "/records/c/a%20b", "", 422, "ID_INVALID", "letters", nil},
	{"id that is no UTF-8", "GET", "/records/c/a%FF", "", 422, "ID_INVALID", "letters", nil},
	{"revisions of a bad id", "GET", "/records/c/a!/revisions", "", 422, "ID_INVALID", "letters", nil},
	{"DELETE of a bad id", "DELETE", "/records/c/a!", "", 422, "ID_INVALID", "letters", nil},
	{"/delete of a bad id", "DELETE", "/delete?collection=c&ids=there,a!", "", 422, "ID_INVALID", "letters", nil},
	{"501 ids to fetch", "GET", "/fetchMany?collection=c&ids=" + ids(501), "", 422, "VALIDATION_FAILED", "500", nil},
	{"501 ids to delete", "DELETE", "/delete?collection=c&ids=" + ids(501), "", 422, "VALIDATION_FAILED", "500", nil},
	{"ids in a body", "POST", "/store?collection=c", with("ok", `{}`, "../etc", `{}`), 422, "ID_INVALID", "records[1]", nil},

	// collections
	{"collection with a dot", "POST", "/store?collection=a.b", `{}`, 422, "COLLECTION_INVALID", "a.b", nil},
	{"collection with two dots", "POST", "/store?collection=..", `{}`, 422, "COLLECTION_INVALID", "", nil},
	{"collection with a slash", "PUT", "/records/a%2Fb/x", `{}`, 422, "COLLECTION_INVALID", "a/b", nil},
	{"collection _", "PUT", "/records/_c/x", `{}`, 422, "COLLECTION_INVALID", "_c", nil},
	{"collection é", "GET", "/records/caf%C3%A9", "", 422, "COLLECTION_INVALID", "café", nil},
	{"collection NUL", "GET", "/fetchAll?collection=a%00", "", 422, "COLLECTION_INVALID", "", nil},
	{"collection of 64", "PUT", "/collections/" + strings.Repeat("c", 64), `{}`, 422, "COLLECTION_INVALID", "63", nil},
	{"a bad collection to filter", "POST", "/filter?collection=a%20b", `{}`, 422, "COLLECTION_INVALID", "", nil},
	{"a bad collection to export", "GET", "/records/a%20b/export", "", 422, "COLLECTION_INVALID", "", nil},
	{"a bad collection to import to", "POST", "/records/a%20b/import", "{}\n", 422, "COLLECTION_INVALID", "", nil},
	{"a bad collection to delete from", "DELETE", "/delete?collection=a%20b&ids=a", "", 422, "COLLECTION_INVALID", "", nil},
	{"a bad collection to retransform", "POST", "/collections/a%20b/retransform", "", 422, "COLLECTION_INVALID", "", nil},
	{"settings of a bad collection", "GET", "/collections/a%20b", "", 422, "COLLECTION_INVALID", "", nil},

	// parameters
	{"upsert=maybe", "POST", "/store?collection=c&upsert=maybe", `{}`, 422, "VALIDATION_FAILED", "query.upsert", nil},
	{"count=2", "GET", "/fetchAll?collection=c&count=2", "", 422, "VALIDATION_FAILED", "query.count", nil},
	{"pageSize=-1", "GET", "/records/c?pageSize=-1", "", 422, "VALIDATION_FAILED", "query.pageSize", nil},
	{"pageSize=many", "GET", "/records/c?pageSize=many", "", 422, "VALIDATION_FAILED", "query.pageSize", nil},
	{"pageSize=1e3", "GET", "/records/c?pageSize=1e3", "", 422, "VALIDATION_FAILED", "query.pageSize", nil},
	{"pageSize of 20 digits", "GET", "/records/c?pageSize=99999999999999999999", "", 422, "VALIDATION_FAILED", "query.pageSize", nil},
	{"limit=-1", "GET", "/fetchAll?collection=c&limit=-1", "", 422, "VALIDATION_FAILED", "query.limit", nil},
	{"a query that is not encoded", "GET", "/fetchAll?collection=%zz", "", 400, "QUERY_MALFORMED", "percent", nil},
	{"a long pageToken", "GET", "/fetchAll?collection=c&pageToken=" + strings.Repeat("A", 4097), "", 422, "VALIDATION_FAILED", "query.pageToken", nil},
	{"a pageToken with NUL", "GET", "/fetchAll?collection=c&pageToken=A%00", "", 400, "PAGE_TOKEN_INVALID", "pageToken", nil},
	{"a pageToken that is no UTF-8", "GET", "/fetchAll?collection=c&pageToken=%FF", "", 400, "PAGE_TOKEN_INVALID", "pageToken", nil},
	{"a pageToken of a retransform", "POST", "/collections/c/retransform?pageToken=AAAA", "", 400, "PAGE_TOKEN_INVALID", "pageToken", nil},
	{"orderBy no UTF-8", "GET", "/fetchAll?collection=c&orderBy=%FF", "", 422, "ORDER_INVALID", "orderBy", nil},
	{"orderBy with NUL", "GET", "/fetchAll?collection=c&orderBy=n%00", "", 422, "ORDER_INVALID", "orderBy", nil},
	{"a long If-Match", "PUT", "/records/c/there", `{}`, 422, "VALIDATION_FAILED", "If-Match", []string{"If-Match", long}},
	{"a long Idempotency-Key", "POST", "/store?collection=c", `{}`, 422, "VALIDATION_FAILED", "Idempotency-Key", []string{"Idempotency-Key", strings.Repeat("k", 256)}},
	{"mode=replace", "POST", "/records/c/import?mode=replace", "{}\n", 422, "VALIDATION_FAILED", "query.mode", nil},
	{"maxErrors=-1", "POST", "/records/c/import?maxErrors=-1", "{}\n", 422, "VALIDATION_FAILED", "query.maxErrors", nil},

	// the object filter
	{"filter by a list", "POST", "/filter?collection=c", `[1]`, 422, "FILTER_INVALID", "object", nil},
	{"filter null", "POST", "/filter?collection=c", `null`, 422, "FILTER_INVALID", "object", nil},
	{"filter by an object", "POST", "/filter?collection=c", `{"n":{"m":1}}`, 422, "FILTER_UNSUPPORTED", "n", nil},
	{"filter by null", "POST", "/filter?collection=c", `{"n":null}`, 422, "FILTER_UNSUPPORTED", "null", nil},
	{"filter with something beside it", "POST", "/filter?collection=c", `{"filter":"n = 1","limit":5}`, 422, "FILTER_INVALID", "pageSize", nil},
	{"filter with a wrong type beside it", "POST", "/filter?collection=c", `{"filter":"n = 1","pageSize":"5"}`, 422, "FILTER_INVALID", "pageSize", nil},
	{"filter with a negative pageSize", "POST", "/filter?collection=c", `{"filter":"n = 1","pageSize":-5}`, 422, "VALIDATION_FAILED", "pageSize", nil},
	{"filter with half a pageSize", "POST", "/filter?collection=c", `{"filter":"n = 1","pageSize":1.5}`, 422, "FILTER_INVALID", "pageSize", nil},
	{"filter with a long pageToken", "POST", "/filter?collection=c", `{"filter":"n = 1","pageToken":"` + tooLong + `"}`, 422, "VALIDATION_FAILED", "pageToken", nil},
	{"filter with a long orderBy", "POST", "/filter?collection=c", `{"filter":"n = 1","orderBy":"` + tooLong + `"}`, 422, "VALIDATION_FAILED", "orderBy", nil},
	{"filter by 21 fields", "POST", "/filter?collection=c", wide(21), 422, "FILTER_UNSUPPORTED", "20", nil},
	{"filter by 1e400", "POST", "/filter?collection=c", `{"n":1e400}`, 422, "FILTER_UNSUPPORTED", "1e400", nil},
	{"filter by a field with a long name", "POST", "/filter?collection=c", `{"` + tooLong + `":1}`, 422, "FILTER_UNSUPPORTED", "name", nil},
	{"filter by a field with NUL", "POST", "/filter?collection=c", `{"a\u0000b":1}`, 422, "FILTER_UNSUPPORTED", "name", nil},
	{"filter by a long text", "POST", "/filter?collection=c", `{"t":"` + long + `"}`, 422, "FILTER_UNSUPPORTED", "1499", nil},

	// settings
	{"a schema that refers elsewhere", "PUT", "/collections/c", `{"schema":{"$ref":"https://example.com/schema.json"}}`, 422, "SETTINGS_INVALID", "schema", nil},
	{"a schema that refers to a file", "PUT", "/collections/c", `{"schema":{"$ref":"file:///etc/passwd"}}`, 422, "SETTINGS_INVALID", "schema", nil},
	{"a schema that is no schema, to try", "POST", "/collections/c/try", `{"settings":{"schema":{"minimum":"1"}},"data":{}}`, 422, "SETTINGS_INVALID", "minimum", nil},
	{"a program that does not compile, to try", "POST", "/collections/c/try", `{"settings":{"transform":"{a: .b"},"data":{}}`, 422, "SETTINGS_INVALID", "line 1", nil},
	{"a type that is none, to try", "POST", "/collections/c/try", `{"settings":{"indexes":[{"field":"a","type":"money"}]},"data":{}}`, 422, "VALIDATION_FAILED", "body.settings.indexes[0].type", nil},
	{"nothing to try", "POST", "/collections/c/try", `{"settings":{}}`, 422, "VALIDATION_FAILED", "property data", nil},
	{"a number to try that is too large", "POST", "/collections/c/try", `{"data":{"n":1e400}}`, 400, "MALFORMED_REQUEST", "1e400", nil},
	{"a list to try", "POST", "/collections/c/try", `{"data":[]}`, 422, "VALIDATION_FAILED", "body.data", nil},
	{"a bad collection to try", "POST", "/collections/a%20b/try", `{"data":{}}`, 422, "COLLECTION_INVALID", "", nil},
	{"a schema that is no schema", "PUT", "/collections/c", `{"schema":{"minimum":"1"}}`, 422, "SETTINGS_INVALID", "minimum", nil},
	{"a schema that is a list", "PUT", "/collections/c", `{"schema":[]}`, 422, "VALIDATION_FAILED", "schema", nil},
	{"a program that does not compile", "PUT", "/collections/c", `{"transform":"{a: .b"}`, 422, "SETTINGS_INVALID", "line 1", nil},
	{"a program that reads files", "PUT", "/collections/c", `{"transform":"input"}`, 422, "SETTINGS_INVALID", "input", nil},
	{"a program that imports", "PUT", "/collections/c", `{"transform":"import \"a\" as a; ."}`, 422, "SETTINGS_INVALID", "transform", nil},
}...)

// filters that no index answers, or that are none, on both families of routes.
var badFilters = []struct{ name, filter, code, says string }{
	{"text alone", "red", "FILTER_UNSUPPORTED", "compare"},
	{"an open bracket", "(n = 1", "FILTER_INVALID", ""},
	{"no value", "n = ", "FILTER_INVALID", ""},
	{"no field", "= 1", "FILTER_INVALID", ""},
	{"an open quote", `n = "red`, "FILTER_INVALID", ""},
	{"two equals", "n == 1", "FILTER_INVALID", ""},
	{"OR", "n = 1 OR n = 2", "FILTER_UNSUPPORTED", "OR"},
	{"NOT", "NOT n = 1", "FILTER_UNSUPPORTED", "NOT"},
	{"minus", "-n = 1", "FILTER_UNSUPPORTED", "NOT"},
	{"unequal", "n != 1", "FILTER_UNSUPPORTED", "!="},
	{"has", "n:1", "FILTER_UNSUPPORTED", "has"},
	{"juxtaposed", "n = 1 t = 2", "FILTER_UNSUPPORTED", "AND"},
	{"two ranges", "n > 1 AND t < 2", "FILTER_UNSUPPORTED", "range on one field"},
	{"a function", "n = size(t)", "FILTER_UNSUPPORTED", "size"},
	{"a function as a filter", "size(n)", "FILTER_UNSUPPORTED", "size"},
	{"a function to compare", "size(n) = 1", "FILTER_UNSUPPORTED", "left"},
	{"a duration", "n > duration(\"5s\")", "FILTER_UNSUPPORTED", "duration"},
	{"no timestamp", `n > timestamp("yesterday")`, "FILTER_UNSUPPORTED", "yesterday"},
	{"a timestamp of nothing", `n > timestamp()`, "FILTER_UNSUPPORTED", ""},
	{"a timestamp in the year 0", `t > timestamp("0000-06-01T00:00:00Z")`, "FILTER_UNSUPPORTED", "t"},
	{"a timestamp in the year 10000", `t > timestamp("9999-12-31T23:59:59-01:00")`, "FILTER_UNSUPPORTED", "t"},
	{"null", "n = null", "FILTER_UNSUPPORTED", "null"},
	{"a range of truth", "n > true", "FILTER_UNSUPPORTED", "true and false"},
	{"1e400", "n = 1e400", "FILTER_INVALID", ""},
	{"too large an integer", "n = 99999999999999999999", "FILTER_INVALID", ""},
	{"over 4 KiB", "n = 1" + strings.Repeat(" ", 5000), "", "4096"},
	{"deep brackets", strings.Repeat("(", 1000) + "n = 1" + strings.Repeat(")", 1000), "FILTER_INVALID", "32"},
	{"deep minuses", strings.Repeat("-", 3000) + "n = 1", "", ""},
	{"NOT again and again", strings.Repeat("NOT ", 900) + "n = 1", "FILTER_INVALID", ""},
	{"21 comparisons", strings.TrimSuffix(strings.Repeat("n = 1 AND ", 21), " AND "), "FILTER_UNSUPPORTED", "20"},
	{"a NUL", "n = \"a\" \x00", "FILTER_UNSUPPORTED", ""},
	{"a field with a NUL", "\"a\x00b\" = 1", "FILTER_UNSUPPORTED", ""},
	{"a long text", `t = "` + long + `"`, "FILTER_UNSUPPORTED", "1499"},
	{"a field with a long name", strings.Repeat("f", 120) + " = 1", "FILTER_UNSUPPORTED", "name"},
}

// TestBadInputIsRefusedAndChangesNothing holds on every backend, in the same words.
func TestBadInputIsRefusedAndChangesNothing(t *testing.T) {
	answers := make(map[string]string)
	onEveryBackend(t, func(w *world) {
		w.ok("POST", "/store?collection=c", with("there", `{"n":1,"t":"text"}`))
		for _, b := range badInput {
			w.refused(b, answers)
		}
		for _, f := range badFilters {
			for _, of := range []family{fixedNames, resources} {
				c := filtering("c", f.filter)(of)
				code := f.code
				if len(f.filter) > 4096 { // which one family's declaration says already
					code = map[family]string{fixedNames: "FILTER_INVALID", resources: "VALIDATION_FAILED"}[of]
				} else if code == "" {
					code = codeOf(w.send(c.method, c.path, c.body))
				}
				w.refused(wrong{f.name + ", " + string(of), c.method, c.path, c.body, 422, code, f.says, nil}, answers)
			}
		}
		invalid := wrong{"a filter that is no UTF-8", "GET", "/records/c?filter=n%3D%22%FF%22", "", 422, "FILTER_INVALID", "UTF-8", nil}
		w.refused(invalid, answers)
		before := w.everything()
		for _, path := range []string{"/records/c/..", "/records/c/.", "/records/c/x/../y", "/records//a", "/records/c/"} { // which net/http reads as shorter ones
			for _, method := range []string{"PUT", "PATCH", "DELETE"} {
				if r := w.send(method, path, `{}`); r.status != 307 && r.status != 404 && r.status != 405 {
					w.Errorf("%s %s: %d %s, want the path's short form, or nothing there", method, path, r.status, r.body)
				}
			}
		}
		w.wantSame(before)
	})
}

func (w *world) refused(b wrong, answers map[string]string) {
	w.T.Run(b.name, func(t *testing.T) {
		here := *w
		here.T = t
		before := here.everything()
		r := here.send(b.method, b.path, b.body, b.headers...)
		here.wantProblem(r, b.status, b.code, b.says)
		here.wantSame(before)
		if first, ok := answers[b.name]; ok && first != r.body {
			t.Errorf("it answers %.500s, and another backend %.500s", r.body, first)
		}
		answers[b.name] = r.body
	})
}
