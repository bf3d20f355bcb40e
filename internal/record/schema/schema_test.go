package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"
)

func compiled(t testing.TB, text string) *Schema {
	t.Helper()
	s, err := Compile([]byte(text))
	if err != nil {
		t.Fatalf("Compile(%s): %v", text, err)
	}
	return s
}

func TestCheckSaysWhereAndWhy(t *testing.T) {
	for _, tt := range []struct {
		name, schema, document string
		want                   []Fault
	}{
		{"what fits", `{"type":"object"}`, `{}`, nil},
		{"true", `true`, `{"a":1}`, nil},
		{"false", `false`, `{}`, []Fault{{"", "is not allowed"}}},
		{"a type", `{"properties":{"a":{"type":"string"}}}`, `{"a":1}`, []Fault{{"/a", "must be a string, not a number"}}},
		{"several types", `{"type":["string","null"]}`, `[]`, []Fault{{"", "must be null or a string, not an array"}}},
		{"an integer", `{"items":{"type":"integer"}}`, `[1,1.0,1.5,1e2]`, []Fault{{"/2", "must be a whole number, not a number"}}},
		{"what is required", `{"required":["name","price"]}`, `{"name":""}`, []Fault{{"/price", "is required"}}},
		{"what another requires", `{"dependentRequired":{"card":["address"]}}`, `{"card":1}`, []Fault{{"/address", `is required, because "card" is there`}}},
		{"what is too much", `{"properties":{"a":true},"additionalProperties":false}`, `{"a":1,"z":1,"b":2}`, []Fault{{"/b", "is not allowed"}, {"/z", "is not allowed"}}},
		{"what nothing evaluated", `{"allOf":[{"properties":{"a":true}}],"unevaluatedProperties":false}`, `{"a":1,"b":2}`, []Fault{{"/b", "is not allowed"}}},
		{"a pointer is escaped", `{"additionalProperties":false}`, `{"a/b~c":1}`, []Fault{{"/a~1b~0c", "is not allowed"}}},
		{"nested", `{"properties":{"a":{"items":{"properties":{"b":{"minimum":3}}}}}}`, `{"a":[{"b":3},{"b":2.5}]}`, []Fault{{"/a/1/b", "must be at least 3"}}},
		{"limits", `{"exclusiveMinimum":1,"maximum":2,"multipleOf":0.01}`, `0.005`, []Fault{{"", "must be more than 1"}, {"", "must be a multiple of 0.01"}}},
		{"decimals are exact", `{"multipleOf":0.01}`, `19.99`, nil},
		{"lengths", `{"items":{"minLength":2,"maxLength":3}}`, `["é","ééé","abcd"]`, []Fault{{"/0", "must have at least 2 characters, and has 1"}, {"/2", "must have at most 3 characters, and has 4"}}},
		{"a pattern", `{"pattern":"^[a-z]+$"}`, `"A"`, []Fault{{"", "must match the pattern ^[a-z]+$"}}},
		{"a format", `{"format":"date-time"}`, `"yesterday"`, []Fault{{"", "is not a valid date-time"}}},
		{"a format that is a note", `{"format":"colour"}`, `"yesterday"`, nil},
		{"a constant", `{"const":{"a":[1.0]}}`, `{"a":[1]}`, nil},
		{"another than the constant", `{"const":"x"}`, `"y"`, []Fault{{"", `must be "x"`}}},
		{"an enum", `{"enum":["a",1,null]}`, `"b"`, []Fault{{"", `must be one of "a", 1, null`}}},
		{"few items", `{"minItems":1}`, `[]`, []Fault{{"", "must have at least 1 item, and has 0"}}},
		{"equal items", `{"uniqueItems":true}`, `[1,{"a":1,"b":2},{"b":2,"a":1.0}]`, []Fault{{"/2", "is the same as item 1, and items must differ"}}},
		{"contains", `{"contains":{"type":"string"}}`, `[1]`, []Fault{{"", "must have at least 1 item that matches the schema under contains"}}},
		{"anyOf", `{"anyOf":[{"type":"string"},{"type":"null"}]}`, `1`, []Fault{{"", "must match one of the 2 schemas under anyOf"}}},
		{"oneOf", `{"oneOf":[{"minimum":1},{"minimum":2}]}`, `3`, []Fault{{"", "must match only one of the schemas under oneOf, not both 0 and 1"}}},
		{"not", `{"not":{"type":"null"}}`, `null`, []Fault{{"", "must not match the schema under not"}}},
		{"if and then", `{"if":{"required":["a"]},"then":{"required":["b"]}}`, `{"a":1}`, []Fault{{"/b", "is required"}}},
		{"names", `{"propertyNames":{"maxLength":1}}`, `{"ab":1}`, []Fault{{"/ab", "has a name that is not allowed"}}},
		{"a reference", `{"$defs":{"n":{"type":"number"}},"additionalProperties":{"$ref":"#/$defs/n"}}`, `{"a":1,"b":""}`, []Fault{{"/b", "must be a number, not a string"}}},
		{"a tree of itself", `{"type":"object","additionalProperties":{"$ref":"#"}}`, `{"a":{"b":1}}`, []Fault{{"/a/b", "must be an object, not a number"}}},
		{"the same fault twice", `{"allOf":[{"type":"string"},{"type":"string"}]}`, `1`, []Fault{{"", "must be a string, not a number"}}},
		{"draft 7", `{"$schema":"http://json-schema.org/draft-07/schema#","items":[{"type":"string"}],"additionalItems":false}`, `["a",1]`, []Fault{{"/1", "is not allowed"}}},
		{"a number beyond float64's small ones", `{"exclusiveMinimum":0}`, `1e-400000000`, []Fault{{"", "must be more than 0"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := compiled(t, tt.schema).Check([]byte(tt.document))
			if diff := cmp.Diff(tt.want, got); diff != "" || err != nil {
				t.Errorf("error %v, faults (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestCheckReturnsTheFirstFaultsInOneOrder(t *testing.T) {
	s := compiled(t, `{"additionalProperties":{"type":"string"},"patternProperties":{"1":{"minimum":5},"2":{"minimum":5}}}`)
	var b strings.Builder
	for i := range 500 {
		fmt.Fprintf(&b, `,"p%d":%d`, i, i%7)
	}
	document := []byte("{" + b.String()[1:] + "}")
	want, err := s.Check(document)
	if err != nil || len(want) != MaxFaults {
		t.Fatalf("got %d faults, %v; want %d", len(want), err, MaxFaults)
	}
	for range 20 {
		if got, _ := s.Check(document); !slices.Equal(got, want) {
			t.Fatalf("got %v, then %v", want, got)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	for _, tt := range []struct {
		name, schema string
		want         error
		says         []string
	}{
		{"what is no JSON", `{"type":`, ErrSchema, []string{"not JSON"}},
		{"a name twice", `{"type":"string","type":"null"}`, ErrSchema, []string{"not JSON"}},
		{"a number", `1`, ErrSchema, []string{"got number"}},
		{"a wrong keyword, with its place", `{"properties":{"a":{"type":"text"}}}`, ErrSchema, []string{"/properties/a/type", "string"}},
		{"two wrong keywords", `{"minLength":-1,"required":"a"}`, ErrSchema, []string{"/minLength", "/required"}},
		{"a file", `{"$ref":"file:///etc/passwd"}`, ErrSchema, []string{"file:///etc/passwd", "another document"}},
		{"a relative reference", `{"$ref":"other.json"}`, ErrSchema, []string{"other.json", "another document"}},
		{"a remote reference", `{"items":{"$ref":"https://example.com/x#/a"}}`, ErrSchema, []string{"https://example.com/x", "another document"}},
		{"the meta-schema", `{"$ref":"https://json-schema.org/draft/2020-12/schema"}`, ErrSchema, []string{"another document"}},
		{"a dialect of its own", `{"$schema":"https://example.com/dialect"}`, ErrSchema, []string{"another document"}},
		{"a reference to nothing", `{"$ref":"#/$defs/no"}`, ErrSchema, []string{"$defs/no"}},
		{"a look-ahead", `{"pattern":"a(?=b)"}`, ErrSchema, []string{"/pattern", "(?="}},
		{"a look-ahead in a name", `{"patternProperties":{"a(?!b)":true}}`, ErrSchema, []string{"patternProperties", "(?!"}},
		{"an expression that is too large", `{"pattern":"((abcdefghij){30}){30}"}`, ErrSchema, []string{"pattern", "too large"}},
		{"expressions that are too large together", `{"allOf":[` + strings.Repeat(`{"pattern":"(abcdefghi){500}"},`, 9) + `{}]}`, ErrSchema, []string{"too large: all together"}},
		{"a dynamic reference", `{"$dynamicAnchor":"a","items":{"$dynamicRef":"#a"}}`, ErrSchema, []string{"/items", "$dynamicRef"}},
		{"a reference to itself", `{"$ref":"#"}`, ErrTooComplex, []string{"itself"}},
		{"references to each other", `{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"allOf":[{"$ref":"#/$defs/a"}]}},"items":{"$ref":"#/$defs/a"}}`, ErrTooComplex, []string{"/$defs/a", "itself"}},
		{"a reference to itself in a condition", `{"if":{"anyOf":[{"type":"null"},{"not":{"$ref":"#"}}]}}`, ErrTooComplex, []string{"itself"}},
		{"too much text", `{"title":"` + strings.Repeat("a", MaxBytes) + `"}`, ErrSchema, []string{"65536"}},
		{"too many parts", `{"anyOf":[` + strings.Repeat(`{},`, maxParts) + `{}]}`, ErrTooComplex, []string{"parts"}},
		{"too deep", strings.Repeat(`{"not":`, maxDepth) + `{}` + strings.Repeat(`}`, maxDepth), ErrSchema, []string{"deeper"}},
		{"a number that is not finite", `{"maximum":1e400}`, ErrSchema, []string{"/maximum", "too large"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Compile([]byte(tt.schema))
			if !errors.Is(err, tt.want) {
				t.Fatalf("got error %v, want %v", err, tt.want)
			}
			for _, says := range tt.says {
				if !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "schema.invalid") {
					t.Errorf("got %q, want it to say %q, and not where it is from", err, says)
				}
			}
		})
	}
}

func TestASchemaIsUsedByManyAtOnce(t *testing.T) {
	s := compiled(t, `{"additionalProperties":{"type":"string"},"unevaluatedProperties":false,"uniqueItems":true}`)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 200 {
				if got, err := s.Check([]byte(`{"a":1}`)); len(got) != 1 || err != nil {
					t.Errorf("got %v, %v", got, err)
				}
			}
		})
	}
	all.Wait()
}

func TestExpressionsAsValuesAreNotTheSchemas(t *testing.T) {
	s := compiled(t, `{"format":"regex"}`)
	for range 100 { // together they are larger than a schema's may be
		if got, err := s.Check([]byte(`"(abcdefghi){500}"`)); len(got) != 0 || err != nil {
			t.Fatalf("got %v, %v", got, err)
		}
	}
}

func TestCheckRefusesWhatIsNoDocument(t *testing.T) {
	s := compiled(t, `{}`)
	for _, document := range []string{``, `{`, `{} {}`, `{"a":1,"a":2}`, "\"\xff\"", `1e400`, strings.Repeat("[", 200) + strings.Repeat("]", 200)} {
		if _, err := s.Check([]byte(document)); err == nil || errors.Is(err, ErrTooComplex) {
			t.Errorf("%.20s: got %v, want an error that says what is wrong", document, err)
		}
	}
}

// TestCheckAgreesWithTheLibrary holds the evaluation against that of the library, which
// passes the official suite, on small schemas and values.
func TestCheckAgreesWithTheLibrary(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, _ := json.Marshal(anySchema(3).Draw(t, "schema"))
		document, _ := json.Marshal(anyValue(3).Draw(t, "document"))
		s, err := Compile(text)
		if errors.Is(err, ErrTooComplex) {
			t.Skip("refers to itself")
		}
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Check(document)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := decode(text)
		if err != nil {
			t.Fatal(err)
		}
		library, err := newCompiler(raw).Compile(location)
		if err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(string(document)))
		if err != nil {
			t.Fatal(err)
		}
		if err := library.Validate(v); (err == nil) != (len(got) == 0) {
			t.Fatalf("schema %s, document %s: got %v, the library %v", text, document, got, err)
		}
	})
}

func anyValue(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		most := 5
		if depth == 0 {
			most = 3
		}
		switch rapid.IntRange(0, most).Draw(t, "kind") {
		case 0:
			return nil
		case 1:
			return rapid.SampledFrom([]float64{0, 1, 2, 2.5}).Draw(t, "number")
		case 2:
			return rapid.SampledFrom([]string{"", "a", "ab", "2026-01-01"}).Draw(t, "text")
		case 3:
			return rapid.Bool().Draw(t, "bool")
		case 4:
			return rapid.SliceOfN(anyValue(depth-1), 0, 3).Draw(t, "array")
		}
		return rapid.MapOfN(rapid.SampledFrom([]string{"a", "b", "c"}), anyValue(depth-1), 0, 3).Draw(t, "object")
	})
}

func anySchema(depth int) *rapid.Generator[any] {
	return rapid.Custom(func(t *rapid.T) any {
		if depth == 0 || rapid.IntRange(0, 9).Draw(t, "bool?") == 0 {
			return rapid.Bool().Draw(t, "bool")
		}
		sub := anySchema(depth - 1)
		one := func() any { return sub.Draw(t, "schema") }
		list := func() any { return rapid.SliceOfN(sub, 1, 3).Draw(t, "schemas") }
		name := rapid.SampledFrom([]string{"a", "b", "c"})
		byName := func() any { return rapid.MapOfN(name, sub, 1, 2).Draw(t, "members") }
		small := func() any { return rapid.IntRange(0, 2).Draw(t, "n") }
		keywords := map[string]func() any{
			"type": func() any {
				return rapid.SampledFrom([]string{"null", "number", "integer", "string", "array", "object"}).Draw(t, "type")
			},
			"const": func() any { return anyValue(1).Draw(t, "const") },
			"enum":  func() any { return rapid.SliceOfN(anyValue(1), 0, 3).Draw(t, "enum") },
			"not":   one, "if": one, "then": one, "else": one, "items": one, "contains": one, "propertyNames": one,
			"additionalProperties": one, "unevaluatedProperties": one, "unevaluatedItems": one,
			"allOf": list, "anyOf": list, "oneOf": list, "prefixItems": list,
			"properties": byName, "dependentSchemas": byName, "patternProperties": byName, "$defs": byName,
			"required":  func() any { return rapid.SliceOfNDistinct(name, 0, 2, rapid.ID).Draw(t, "required") },
			"minLength": small, "maxLength": small, "minItems": small, "maxItems": small, "minimum": small, "exclusiveMaximum": small,
			"minProperties": small, "maxProperties": small, "minContains": small, "maxContains": small,
			"uniqueItems": func() any { return true },
			"pattern":     func() any { return "^a" },
			"format":      func() any { return "date" },
			"$ref":        func() any { return "#" },
			"dependentRequired": func() any {
				return rapid.MapOfN(name, rapid.SliceOfNDistinct(name, 1, 2, rapid.ID), 1, 2).Draw(t, "dependentRequired")
			},
		}
		schema := map[string]any{}
		for _, k := range rapid.SliceOfN(rapid.SampledFrom(sortedNames(keywords)), 1, 4).Draw(t, "keywords") {
			schema[k] = keywords[k]()
		}
		return schema
	})
}

func sortedNames(m map[string]func() any) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func FuzzSchema(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"properties":{"a":{"$ref":"#/$defs/x"}},"$defs":{"x":{"type":["string","null"],"pattern":"^a"}}}`, `{"a":"b"}`},
		{`{"anyOf":[{"const":1},{"enum":[[],{}]}],"unevaluatedProperties":false}`, `{"a":1.0}`},
		{`{"$ref":"#/a~1b","a/b":{"uniqueItems":true,"contains":{"multipleOf":0.1}}}`, `[0.3,0.30]`},
		{`{"$id":"x","$anchor":"y","items":{"$ref":"x#y"},"minItems":1}`, `[[[]]]`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, text, document string) {
		s, err := Compile([]byte(text))
		if err != nil {
			if !errors.Is(err, ErrSchema) && !errors.Is(err, ErrTooComplex) {
				t.Fatalf("Compile(%q): %v", text, err)
			}
			return
		}
		faults, err := s.Check([]byte(document))
		if err == nil && len(faults) > MaxFaults {
			t.Errorf("%q on %q: %d faults", text, document, len(faults))
		}
		for _, fault := range faults {
			if fault.Message == "" || fault.Pointer != "" && fault.Pointer[0] != '/' {
				t.Errorf("%q on %q: %+v", text, document, fault)
			}
		}
	})
}
