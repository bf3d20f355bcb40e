package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/internal/storage"
)

// anID draws an id, often one that could be taken for another's name.
func anID() *rapid.Generator[string] {
	hex := rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}-[47][0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)
	return rapid.OneOf(
		hex, rapid.StringMatching(`[A-Za-z0-9._~:@-]{1,128}`), rapid.StringMatching(`__[a-z]{0,3}__`), rapid.StringMatching(`[_@:]{1,6}`),
		rapid.Map(hex, strings.ToUpper), rapid.Map(hex, func(s string) string { return s[24:] + "-" + s[:24] }),
	).Filter(func(id string) bool { return CheckID(id) == nil })
}

func TestEachIDHasANameOfItsOwn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := anID().Draw(t, "a"), anID().Draw(t, "b")
		if got := idOf(nameOf(a)); got != a {
			t.Fatalf("id %q is named %q, which is of id %q", a, nameOf(a), got)
		}
		if a != b && nameOf(a) == nameOf(b) {
			t.Fatalf("ids %q and %q are both named %q", a, b, nameOf(a))
		}
		for _, id := range []string{a, b} {
			key := recordKey("c", id)
			if err := (storage.Entity{Key: key}).Check(); err != nil {
				t.Fatalf("id %q has a key that no store takes: %v", id, err)
			}
			version := rapid.Int64Range(1, 1_000_000).Draw(t, "version")
			if got := idOfRevision(revisionKey("c", id, version)); got != id {
				t.Fatalf("a revision of %q is of %q", id, got)
			}
		}
		seen := make(map[string]string)
		for _, id := range []string{a, b} {
			for _, created := range []int64{1, 10, 17} {
				for _, version := range []int64{1, 10, 11} {
					for _, settings := range []int64{0, 1, 10} {
						s := &state{version: version, settings: settings, created: time.UnixMicro(created), originalParts: 2, transformedParts: 2}
						for i, key := range s.partKeys("c", id) {
							what := fmt.Sprint(id, " ", created, " ", version, " ", i)
							if i >= s.originalParts { // an original's part is the same by all settings
								what += fmt.Sprint(" by ", settings)
							}
							if other, there := seen[key.Name]; there && other != what {
								t.Fatalf("%s is a part of %s and of %s", key.Name, what, other)
							}
							seen[key.Name] = what
						}
					}
				}
			}
		}
	})
}

func TestIDsThatAreMadeAreUnguessableAndDoNotCluster(t *testing.T) {
	ids, starts := make(map[string]bool), make(map[string]bool)
	last := ""
	for range 10_000 {
		id := newID()
		if err := CheckID(id); err != nil || ids[id] || id <= last {
			t.Fatalf("id %q after %q: %v; want each new, and after the one before it", id, last, err)
		}
		ids[id], last = true, id
		starts[nameOf(id)[:2]] = true
	}
	if len(starts) != 256 {
		t.Errorf("10,000 names begin in %d ways, want all 256", len(starts))
	}
}

func TestARowOfAnImportHasTheSameIDEachTime(t *testing.T) {
	row := []byte(`{"a":1}`)
	first := ImportedID("key", 1, row)
	if ImportedID("key", 1, []byte(`{"a":1}`)) != first {
		t.Error("the same row of the same import has two ids")
	}
	others := map[string]bool{first: true}
	for _, id := range []string{ImportedID("key", 2, row), ImportedID("key2", 1, row), ImportedID("key", 1, []byte(`{"a":2}`)), ImportedID("", 1, row)} {
		if others[id] {
			t.Errorf("%s is the id of two rows", id)
		}
		others[id] = true
	}
	for id := range others {
		if u, err := uuid.Parse(id); err != nil || u.Version() != 8 || u.Variant() != uuid.RFC4122 || CheckID(id) != nil {
			t.Errorf("%s is no UUID of version 8", id)
		}
	}
}

func TestWhatAnIDMayBe(t *testing.T) {
	for _, id := range []string{"a", "A-Z_0.9~:@", "__proto__", "__", "____", "...", strings.Repeat("x", maxIDBytes), uuid.NewString(), "constructor", "Export"} {
		if err := CheckID(id); err != nil {
			t.Errorf("%q: %v", id, err)
		}
	}
	for _, id := range []string{"", ".", "..", "import", "export", "a/b", "a b", "é", "\U0001f600", "a\x00", "a%2f", "a!b", "a#b", "a?b", "a+b", "a\n", strings.Repeat("x", maxIDBytes+1), "\xff"} {
		if err := CheckID(id); !errors.Is(err, ErrID) {
			t.Errorf("%q: %v, want ErrID", id, err)
		}
	}
	for _, name := range []string{"a", "9", "A_b-9", strings.Repeat("x", maxCollectionBytes)} {
		if err := CheckCollection(name); err != nil {
			t.Errorf("collection %q: %v", name, err)
		}
		if err := (storage.Entity{Key: recordKey(name, "a")}).Check(); err != nil {
			t.Errorf("collection %q has a kind that no store takes: %v", name, err)
		}
	}
	for _, name := range []string{"", "_a", "-a", "a.b", "a/b", "a b", "é", "a\x00", strings.Repeat("x", maxCollectionBytes+1), ".."} {
		if err := CheckCollection(name); !errors.Is(err, ErrCollection) {
			t.Errorf("collection %q: %v, want ErrCollection", name, err)
		}
	}
}

func TestDocumentsOfABody(t *testing.T) {
	for _, tt := range []struct {
		body string
		want []Document
		err  error
		item int // which the error names, -1 for none
	}{
		{` {"a":1} `, []Document{{"", []byte(`{"a":1}`)}}, nil, -1},
		{`{}`, []Document{{"", []byte(`{}`)}}, nil, -1},
		{`[{"a": 1},{}]`, []Document{{"", []byte(`{"a": 1}`)}, {"", []byte(`{}`)}}, nil, -1},
		{`{"records":[{"id":"x","data":{"a":1}},{"data":{}},{"id":null,"data":{}}]}`, []Document{{"x", []byte(`{"a":1}`)}, {"", []byte(`{}`)}, {"", []byte(`{}`)}}, nil, -1},
		{`{"records":[],"more":1}`, []Document{{"", []byte(`{"records":[],"more":1}`)}}, nil, -1},
		{`{"records":{}}`, []Document{{"", []byte(`{"records":{}}`)}}, nil, -1},
		{"", nil, ErrDocument, -1},
		{"[]", nil, ErrDocument, -1},
		{`{"records":[]}`, nil, ErrDocument, -1},
		{`5`, nil, ErrDocument, -1},
		{`[{},5]`, nil, ErrDocument, 1},
		{`{"records":[{"data":{}},5]}`, nil, ErrDocument, 1},
		{`{"records":[{"id":"a"}]}`, nil, ErrDocument, 0},
		{`{"records":[{"data":[]}]}`, nil, ErrDocument, 0},
		{`{"records":[{"data":{},"x":1}]}`, nil, ErrDocument, 0},
		{`{"records":[{"id":5,"data":{}}]}`, nil, ErrID, 0},
		{`{"records":[{"id":"","data":{}}]}`, nil, ErrID, 0},
		{"[" + strings.Repeat("{},", MaxBatch) + "{}]", nil, ErrTooMany, -1},
	} {
		got, err := ParseDocuments([]byte(tt.body))
		if !errors.Is(err, tt.err) || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", tt.want) {
			t.Errorf("%.60s: got %q, %v; want %q, %v", tt.body, got, err, tt.want, tt.err)
		}
		var item *ItemError
		if named := errors.As(err, &item); named != (tt.item >= 0) || named && item.Item != tt.item {
			t.Errorf("%.60s: %v, want it to name item %d", tt.body, err, tt.item)
		}
	}
}

func TestFiltersAsAIP160WritesThem(t *testing.T) {
	for _, tt := range []struct {
		filter string
		want   string // field op kind text, of all terms
	}{
		{``, ``},
		{`a = 1`, `a = n 1`},
		{`a=1 AND b<"x"`, `a = n 1; b < s x`},
		{`(a >= -1.50) AND (b <= true AND c = x)`, ``},
		{`(a >= -1.50) AND (b = true AND c = x)`, `a >= n -1.5; b = b true; c = s x`},
		{`a.b.c > 'it\'s'`, `a.b.c > s it's`},
		{`"a.b" = 1`, `a\.b = n 1`},
		{`"a.b".c = 1`, `a\.b.c = n 1`},
		{`a."b.c" = 1`, `a.b\.c = n 1`},
		{`"a\\b" = 1`, `a\\b = n 1`},
		{`"x y" = "((((((((((((((((((((((((((((((((((((((((NOT"`, `x y = s ((((((((((((((((((((((((((((((((((((((((NOT`},
		{`at < timestamp("2026-11-22T10:00:00Z")`, `at < t 2026-11-22T10:00:00Z`},
	} {
		terms, err := ParseFilter(tt.filter)
		var got []string
		for _, term := range terms {
			text := term.value.text
			if term.value.kind == 't' {
				text = term.value.time.Format(time.RFC3339Nano)
			}
			got = append(got, fmt.Sprintf("%s %s %c %s", term.Field, term.Op, term.value.kind, text))
		}
		if strings.Join(got, "; ") != tt.want || (err != nil) != (tt.want == "" && tt.filter != "") {
			t.Errorf("%s: got %q, %v; want %q", tt.filter, got, err, tt.want)
		}
	}
	for filter, want := range map[string]error{
		`a = 1 OR b = 2`: ErrUnsupported, `NOT a = 1`: ErrUnsupported, `-a = 1`: ErrUnsupported, `a != 1`: ErrUnsupported, `a:1`: ErrUnsupported,
		`red`: ErrUnsupported, `a = 1 b = 2`: ErrUnsupported, `a = null`: ErrUnsupported, `a = f(1)`: ErrUnsupported, `f(a) = 1`: ErrUnsupported,
		`a > true`: ErrUnsupported, `1 = a`: ErrUnsupported, `a = b.c`: ErrUnsupported, `a = timestamp("x")`: ErrUnsupported,
		`a = timestamp("0000-01-01T00:00:00Z")`: ErrUnsupported, `a = timestamp("9999-12-31T23:59:59-01:00")`: ErrUnsupported,
		`a = `: ErrFilter, `a = 1 AND`: ErrFilter, `(a = 1`: ErrFilter, `a = "x`: ErrFilter, "a = \xff": ErrFilter, `a = 1e5`: ErrFilter,
		`a = "` + strings.Repeat("x", maxFilterBytes) + `"`: ErrFilter, `a"` + strings.Repeat("(", 33): ErrFilter, `a = "\"` + strings.Repeat("(", 33) + `" AND b = 1`: nil, strings.Repeat("a = 1 AND ", maxTerms) + "a = 1": ErrUnsupported,
	} {
		if terms, err := ParseFilter(filter); !errors.Is(err, want) {
			t.Errorf("%.60s: %v, %v; want %v", filter, terms, err, want)
		}
	}
}

// A parser that tries again at each depth takes twice as long for each: this test would
// not end.
func TestNoFilterTakesLong(t *testing.T) {
	for _, unit := range []string{"(", "-", "NOT ", "NOT (", "-(", "f(", "f((", "a(b,", "a\"(", "a.", "a = (", "a AND (", "a OR (", "- ", "a ", "a=", `"`, "'", "((a) AND ", ")", "f(g(", "a.b(", "NOT NOT", "not(", "1.", "0x", "timestamp("} {
		for _, n := range []int{20, 31, 32, 100, 1000, maxFilterBytes / len(unit)} {
			filter := strings.Repeat(unit, n)
			for _, end := range []string{"", "a = 1", "a = 1" + strings.Repeat(")", n)} {
				if len(filter)+len(end) > maxFilterBytes {
					continue
				}
				_, err := ParseFilter(filter + end)
				if err != nil && len(err.Error()) > 20_000 {
					t.Errorf("%d times %q: an error of %d bytes", n, unit, len(err.Error()))
				}
			}
		}
	}
}

func FuzzParseFilter(f *testing.F) {
	for _, filter := range []string{`a = 1`, `a.b >= "x" AND (c < timestamp("2026-11-22T10:00:00Z"))`, `NOT -a:"x*" OR f(b, (c))`, `a = 0x1F AND "x".y != '\u00e9\''`} {
		f.Add(filter)
	}
	f.Fuzz(func(t *testing.T, filter string) {
		terms, err := ParseFilter(filter)
		if err != nil && !errors.Is(err, ErrFilter) && !errors.Is(err, ErrUnsupported) {
			t.Fatal(err)
		}
		for _, c := range []*Collection{{Name: "c"}, {Name: "c", Settings: Settings{Indexes: []Index{{"a", Integer}}}}} {
			q, err := c.query(terms, "")
			if err == nil {
				q.Limit = 1
				for _, f := range q.Where {
					if f.Op != storage.Equal && f.Property != q.OrderBy {
						t.Fatalf("%+v is no query of a store", q)
					}
				}
			} else if !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrIndexRequired) {
				t.Fatal(err)
			}
		}
	})
}

func TestConditions(t *testing.T) {
	const tag = `"2-0-5"`
	for _, tt := range []struct {
		cond   Condition
		exists bool
		holds  bool
	}{
		{Condition{}, true, true}, {Condition{}, false, true},
		{Condition{IfMatch: tag}, true, true}, {Condition{IfMatch: tag}, false, false},
		{Condition{IfMatch: `"1-0-5", ` + tag}, true, true}, {Condition{IfMatch: `"1-0-5"`}, true, false},
		{Condition{IfMatch: "*"}, true, true}, {Condition{IfMatch: " * "}, false, false},
		{Condition{IfMatch: "W/" + tag}, true, false}, // which is compared strongly
		{Condition{IfNoneMatch: "*"}, true, false}, {Condition{IfNoneMatch: "*"}, false, true},
		{Condition{IfNoneMatch: tag}, true, false}, {Condition{IfNoneMatch: "W/" + tag}, true, false},
		{Condition{IfNoneMatch: `"1-0-5"`}, true, true}, {Condition{IfNoneMatch: tag}, false, true},
	} {
		if err := tt.cond.check(tag, tt.exists); (err == nil) != tt.holds || err != nil && !errors.Is(err, ErrPrecondition) {
			t.Errorf("%+v where it exists %v: %v, want that it holds: %v", tt.cond, tt.exists, err, tt.holds)
		}
	}
}

// merged is RFC 7396's own pseudocode, on decoded values.
func merged(target, patch any) any {
	changes, ok := patch.(map[string]any)
	if !ok {
		return patch
	}
	object, ok := target.(map[string]any)
	if !ok {
		object = map[string]any{}
	}
	for name, value := range changes {
		if value == nil {
			delete(object, name)
		} else {
			object[name] = merged(object[name], value)
		}
	}
	return object
}

func TestAMergePatchDoesWhatTheRFCSays(t *testing.T) {
	for _, tt := range []struct{ target, patch, want string }{ // appendix A, and then some
		{`{"a":"b"}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":"b"}`, `{"b":"c"}`, `{"a":"b","b":"c"}`},
		{`{"a":"b","b":"c"}`, `{"a":null}`, `{"b":"c"}`},
		{`{"a":["b"]}`, `{"a":"c"}`, `{"a":"c"}`},
		{`{"a":{"b":"c"}}`, `{"a":{"b":"d","c":null}}`, `{"a":{"b":"d"}}`},
		{`{"a":[{"b":"c"}]}`, `{"a":[1]}`, `{"a":[1]}`},
		{`{"e":null}`, `{"a":1}`, `{"e":null,"a":1}`},
		{`{}`, `{"a":{"bb":{"ccc":null}}}`, `{"a":{"bb":{}}}`},
		{`{"a":1}`, `{"b":[null,{"c":null}]}`, `{"a":1,"b":[null,{"c":null}]}`},
		{`{ "z" : 1 , "a" : [ 1.50 , 12345678901234567890 ] }`, `{"y":1e2,"x":"é"}`, `{"z":1,"a":[1.50,12345678901234567890],"y":1e2,"x":"é"}`},
		{`{"a\u0062":1}`, `{"ab":2}`, `{"a\u0062":2}`},
	} {
		got, err := mergePatch([]byte(tt.target), []byte(tt.patch))
		if err != nil || string(got) != tt.want {
			t.Errorf("%s by %s: got %s, %v; want %s", tt.target, tt.patch, got, err, tt.want)
		}
	}
	value := rapid.Deferred(func() *rapid.Generator[any] { return anyJSON(3) })
	rapid.Check(t, func(t *rapid.T) {
		target, patch := encoded(t, anObject(value).Draw(t, "target")), encoded(t, anObject(value).Draw(t, "patch"))
		got, err := mergePatch(target, patch)
		if err != nil {
			t.Fatal(err)
		}
		want := encoded(t, merged(decoded(t, target), decoded(t, patch)))
		if string(encoded(t, decoded(t, got))) != string(want) {
			t.Fatalf("%s by %s: got %s, want %s", target, patch, got, want)
		}
		if regexp.MustCompile(`[ \n]`).Match(got) {
			t.Fatalf("%s has white space", got)
		}
	})
}

func anyJSON(depth int) *rapid.Generator[any] {
	plain := rapid.SampledFrom([]any{nil, true, 1.5, "x", []any{}, map[string]any{}})
	if depth == 0 {
		return plain
	}
	inner := anyJSON(depth - 1)
	return rapid.OneOf(plain, rapid.Map(rapid.SliceOfN(inner, 0, 2), func(s []any) any { return s }), rapid.Map(anObject(inner), func(m map[string]any) any { return m }))
}

func anObject(value *rapid.Generator[any]) *rapid.Generator[map[string]any] {
	return rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c"}), value, 0, 3)
}

func encoded(t *rapid.T, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func decoded(t *rapid.T, b []byte) (v any) {
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	return v
}
