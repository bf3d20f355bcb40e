package recordhttp_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestMergePatchesAreThoseOfRFC7396: the test cases of its appendix A, each within a
// member, for a record is an object; and what its text says beyond them.
func TestMergePatchesAreThoseOfRFC7396(t *testing.T) {
	w := newWorld(t, backends[0])
	for i, tt := range []struct{ original, patch, result string }{
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b"}`, `{"a":null}`, `{}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"c"}`, `{"a":["b"]}`, `{"a":["b"]}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`["a","b"]`, `["c","d"]`, `["c","d"]`},
		{`{"a":"b"}`, `["c"]`, `["c"]`},
		{`{"a":"foo"}`, `null`, ``},
		{`{"a":"foo"}`, `"bar"`, `"bar"`},
		{`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`},
		{`[1,2]`, `{"a":"b","c":null}`, `{"a":"b"}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},

		{`{}`, `{"a":[{"b":null},null]}`, `{"a":[{"b":null},null]}`}, // no part of an array is a patch
		{`{"a":[1]}`, `{"a":[{"b":null}]}`, `{"a":[{"b":null}]}`},
		{`{"n":9007199254740993,"m":1.50,"k":-0}`, `{"x":1e2}`, `{"n":9007199254740993,"m":1.50,"k":-0,"x":1e2}`},
		{`{"t":"<&>\u2028é"}`, `{"z":"</script>"}`, `{"t":"<&>\u2028é","z":"</script>"}`},
		{`{"z":1,"y":{"b":1,"a":2}}`, `{"k":1,"j":2,"i":3,"h":4,"g":5,"y":{"0":0}}`, `{"z":1,"y":{"b":1,"a":2,"0":0},"k":1,"j":2,"i":3,"h":4,"g":5}`},
		{`{"":1,"__proto__":{"a":1},"a/b~c.d":1}`, `{"":null,"__proto__":{"b":2},"a/b~c.d":{}}`, `{"__proto__":{"a":1,"b":2},"a/b~c.d":{}}`},
	} {
		path := fmt.Sprintf("/records/c/p%d", i)
		w.ok("PUT", path, `{"x":`+tt.original+`}`)
		body := w.ok("PATCH", path, `{"x":`+tt.patch+`}`, "Content-Type", "application/merge-patch+json")
		var got struct{ Original json.RawMessage }
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		want := `{"x":` + tt.result + `}`
		if tt.result == "" {
			want = `{}`
		}
		if sameJSON(t, string(got.Original)) != sameJSON(t, want) || tt.original[0] == '{' && string(got.Original) != want {
			t.Errorf("%s patched by %s is\n%s, want\n%s", tt.original, tt.patch, got.Original, want)
		}
	}
}

// TestNumbers: what is stored is what was sent; what filters find is the same everywhere.
func TestNumbers(t *testing.T) {
	onEveryBackend(t, func(w *world) {
		for i, n := range []string{
			"9007199254740991", "9007199254740992", "9007199254740993", "-9007199254740993", "9223372036854775807", "9223372036854775808",
			"-9223372036854775808", "-9223372036854775809", "1e308", "-1e308", "5e-324", "1e-400", "-0", "0", "-0.0", "1E2", "100", "1.50", "123456789012345678901234567890",
		} {
			doc := fmt.Sprintf(`{"n":%s,"list":[%s],"i":%d}`, n, n, i)
			got := w.ok("POST", "/store?collection=c", doc)
			if !strings.Contains(got, `"original":`+doc+`,"transformed":`+doc) {
				t.Errorf("%s is stored as %s", n, got)
			}
			page := decoded[list](w, "POST", "/filter?collection=c", `{"n":`+n+`}`)
			found := false
			for _, r := range page.Records {
				found = found || string(r.Original) == doc
			}
			if !found {
				t.Errorf("n = %s does not find its record", n)
			}
		}
		for _, tt := range []struct {
			filter string
			count  int
		}{
			{`{"n":0}`, 4}, // 1e-400 is 0 as a 64-bit floating-point number
			{`{"n":-0}`, 4},
			{`{"n":100}`, 2},
			{`{"n":9007199254740992}`, 2}, // and 9007199254740993, which is the same as a number
			{`{"n":1.5}`, 1},
			{`{"n":"1.50"}`, 1},
			{`{"filter":"n = -9007199254740993"}`, 1},
			{`{"filter":"n >= 123456789012345678901.0"}`, 2},
			{`{"filter":"n < 0"}`, 4},
			{`{"filter":"n > 0 AND n < 2"}`, 2},
			{`{"filter":"n > -0.5 AND n < 0.5"}`, 5},
		} {
			if page := decoded[list](w, "POST", "/filter?collection=c", tt.filter); len(page.Records) != tt.count {
				t.Errorf("%s finds %d, want %d", tt.filter, len(page.Records), tt.count)
			}
		}
		// Declared as integers they are exact, and what is none is refused.
		w.ok("PUT", "/collections/i", `{"indexes":[{"field":"n","type":"integer"}]}`)
		for _, n := range []string{"9007199254740992", "9007199254740993", "9223372036854775807", "-9223372036854775808", "-0"} {
			w.ok("POST", "/store?collection=i", `{"n":`+n+`}`)
			if page := decoded[list](w, "POST", "/filter?collection=i", `{"n":`+n+`}`); len(page.Records) != 1 {
				t.Errorf("the integer %s finds %d, want 1", n, len(page.Records))
			}
		}
		before := w.everything()
		for _, n := range []string{"9223372036854775808", "-9223372036854775809", "1.5", `"x"`, "true"} {
			w.wantProblem(w.send("POST", "/store?collection=i", `{"n":`+n+`}`), 422, "DOCUMENT_INVALID", "n has to be of the type integer")
		}
		w.wantSame(before)
	})
}

// TestNamesAndTexts: whatever a name or a text is, it comes back as it was, and does no
// harm to what can be asked.
func TestNamesAndTexts(t *testing.T) {
	onEveryBackend(t, func(w *world) {
		nasty := []string{"__proto__", "constructor", "", " ", "a.b", `a\b`, `a\.b`, ".", "..", `\`, "$ref", "_", "_id", "__x__", "live", "made", "é", "😀", "<script>", `"`, "a b", "a,b", "\u2028",
			strings.Repeat("n", 98), strings.Repeat("n", 99), strings.Repeat("n", 2048), "nul\u0000", "\u0001", "filter", "records"}
		for i, name := range nasty {
			quoted, _ := json.Marshal(name)
			doc := fmt.Sprintf(`{%s:"v","i":%d}`, quoted, i)
			collection := fmt.Sprintf("n%d", i)
			got := w.ok("POST", "/store?collection="+collection, doc)
			if !strings.Contains(got, `"original":`+doc) {
				t.Errorf("%q: stored as %.300s", name, got)
			}
			w.ok("GET", "/records/"+collection, "")
			w.ok("GET", "/records/"+collection+"/export?format=csv", "")
			known := w.ok("GET", "/collections/"+collection, "")
			if !json.Valid([]byte(known)) {
				t.Errorf("%q: the collection is no JSON: %.300s", name, known)
			}
			if name == "filter" { // which is the AIP-160 filter
				continue
			}
			escaped, _ := json.Marshal(strings.NewReplacer(`\`, `\\`, `.`, `\.`).Replace(name))
			r := w.send("POST", "/filter?collection="+collection, fmt.Sprintf(`{%s:"v"}`, escaped))
			found := r.status == 200 && strings.Contains(r.body, `"count":1`)
			if indexed := len(name) <= 98 && !strings.Contains(name, "\x00"); found != indexed || !indexed && r.status != 422 {
				t.Errorf("%q: the filter answers %d %.300s", name, r.status, r.body)
			}
		}
		for _, text := range []string{"", " ", "nul\u0000in it", "\u0000", "\u0001\u001f", "\u2028", "<&>", "😀", strings.Repeat("é", 749), strings.Repeat("x", 1499)} {
			quoted, _ := json.Marshal(text)
			w.ok("POST", "/store?collection=t", fmt.Sprintf(`{"t":%s}`, quoted))
			if page := decoded[list](w, "POST", "/filter?collection=t", fmt.Sprintf(`{"t":%s}`, quoted)); len(page.Records) == 0 {
				t.Errorf("the text %.20q does not find its record", text)
			}
		}
		// A text that is too long for an index is kept, and its field says so.
		w.ok("POST", "/store?collection=long", with("a", `{"t":"`+strings.Repeat("x", 1501)+`"}`, "b", `{"t":"short"}`))
		w.wantProblem(w.send("POST", "/filter?collection=long", `{"t":"short"}`), 422, "INDEX_REQUIRED", "t")
		w.ok("PUT", "/collections/long", `{"indexes":[{"field":"t","type":"string"}]}`)
		w.wantProblem(w.send("POST", "/store?collection=long", `{"t":"`+strings.Repeat("x", 1501)+`"}`), 422, "DOCUMENT_INVALID", "1499")
		if got := w.ok("POST", "/collections/long/retransform", ""); !strings.Contains(got, `"failed":[{"id":"a"`) || !strings.Contains(got, `"left":1`) {
			t.Errorf("retransform answers %s, want a named as failed", got)
		}
		w.wantProblem(w.send("POST", "/filter?collection=long", `{"t":"short"}`), 422, "INDEX_REQUIRED", "retransform")
		w.ok("DELETE", "/records/long/a", "")
		w.ok("POST", "/collections/long/retransform", "")
		w.ok("POST", "/filter?collection=long", `{"t":"short"}`)
	})
}

func TestIDsThatCanBe(t *testing.T) {
	onEveryBackend(t, func(w *world) {
		for i, id := range []string{"a", "...", "a.b", "~", "@", ":", "-", "_", "__", "___", "____", "__x__", "__proto__", "revisions", "Export", strings.Repeat("i", 128),
			"0199d2f8-7f5e-7aaa-8bbb-0123456789ab", "0199d2f8-7f5e-4aaa-8bbb-0123456789ab", "0199D2F8-7F5E-7AAA-8BBB-0123456789AB"} {
			doc := fmt.Sprintf(`{"i":%d}`, i)
			w.ok("PUT", "/records/c/"+id, doc)
			w.ok("PUT", "/records/c/"+id, doc+" ")
			w.ok("PATCH", "/records/c/"+id, `{"more":1}`)
			for _, path := range []string{"/records/c/" + id, "/fetchMany?collection=c&ids=" + in(id), "/records/c/" + id + "/revisions", "/records/c?filter=" + in(fmt.Sprintf("i = %d", i))} {
				if got := w.ok("GET", path, ""); !strings.Contains(got, fmt.Sprintf("%q", id)) || !strings.Contains(got, fmt.Sprintf(`"i":%d`, i)) {
					t.Errorf("GET %s: %s", path, got)
				}
			}
			if got := w.ok("DELETE", "/delete?collection=c&ids="+in(id), ""); !strings.Contains(got, fmt.Sprintf(`"deleted":[%q]`, id)) {
				t.Errorf("DELETE %s: %s", id, got)
			}
		}
		w.wantOnlyTombstones("c")
	})
}

// TestAProgramOrASchemaThatDoesNotEndIsStopped: it takes a bounded time, says so, stores
// nothing, and the function goes on.
func TestAProgramOrASchemaThatDoesNotEndIsStopped(t *testing.T) {
	w := newWorld(t, backends[0])
	for i, settings := range []string{
		`{"transform":"def f: f; f"}`,
		`{"transform":"[range(1e12)]"}`,
		`{"transform":"{a: (\"x\" * 1e9)}"}`,
		`{"transform":"def f: [f]; f"}`,
		`{"transform":"last(repeat(.))"}`,
		`{"transform":"until(false; .)"}`,
		`{"transform":"[limit(1e9; repeat(1))] | {a: length}"}`,
		`{"schema":{"$ref":"#"}}`,
		`{"schema":{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}}`,
		`{"schema":{"$defs":{"a":{"anyOf":[{"$ref":"#/$defs/b"},{"$ref":"#/$defs/b"}]},"b":{"anyOf":[{"$ref":"#/$defs/a"},{"type":"null"}]}},"$ref":"#/$defs/a"}}`,
	} {
		collection := fmt.Sprintf("c%d", i)
		r := w.send("PUT", "/collections/"+collection, settings)
		if r.status == 422 {
			w.wantProblem(r, 422, "SETTINGS_INVALID", "")
			continue
		}
		before := w.everything()
		for _, c := range [][2]string{{"POST", "/store?collection=" + collection}, {"PUT", "/records/" + collection + "/a"}} {
			w.wantProblem(w.send(c[0], c[1], `{"n":1}`), 422, "DOCUMENT_INVALID", "")
		}
		w.wantSame(before)
	}
	w.ok("PUT", "/collections/c0", `{}`)
	w.ok("POST", "/store?collection=c0", `{"n":1}`)
}

// sameJSON is JSON without the order of its names.
func sameJSON(t *testing.T, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	b, _ := json.Marshal(v)
	return string(b)
}
