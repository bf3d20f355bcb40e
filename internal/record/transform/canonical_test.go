package transform

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

func TestCanonical(t *testing.T) {
	long := strings.Repeat("k", 2048)
	for _, tt := range []struct{ name, original, want string }{
		{"an empty object", `{}`, `{}`},
		{"white space between tokens goes", " { \"a\" : 1 ,\n\"b\" : [ 1 , 2 ] } ", `{"a":1,"b":[1,2]}`},
		{"members keep their order", `{"b":1,"a":2}`, `{"b":1,"a":2}`},
		{"a nested object is flattened", `{"a":{"b":{"c":1},"d":2},"e":3}`, `{"a.b.c":1,"a.d":2,"e":3}`},
		{"an empty nested object stays", `{"a":{},"b":{"c":{}}}`, `{"a":{},"b.c":{}}`},
		{"a dot in a name is escaped", `{"a":{"b":1},"a.b":2}`, `{"a.b":1,"a\\.b":2}`},
		{"a backslash in a name is escaped", `{"a\\":{"b":1},"a\\.b":2}`, `{"a\\\\.b":1,"a\\\\\\.b":2}`},
		{"names are left as they are", `{" a ":1,"7":2,"e\u0301":3}`, "{\" a \":1,\"7\":2,\"e\u0301\":3}"},
		{"an escaped name is read", `{"a\u002eb":1,"\u0022":2,"\n":{"x":3}}`, `{"a\\.b":1,"\"":2,"\n.x":3}`},
		{"an empty name", `{"":1,"a":{"":2}}`, `{"":1,"a.":2}`},
		{"an empty name above", `{"":{"a":1}}`, `{".a":1}`},
		{"__proto__", `{"__proto__":{"x":1}}`, `{"__proto__.x":1}`},
		{"a name of 2 KiB", `{"` + long + `":{"a":1}}`, `{"` + long + `.a":1}`},
		{"arrays stay", `{"a":[[1,[]],[" x "]]}`, `{"a":[[1,[]],["x"]]}`},
		{"objects in arrays are flattened in themselves", `{"p":{"a":[{"b":{"c":" 1 "},"d":{}}]}}`, `{"p.a":[{"b.c":1,"d":{}}]}`},
		{"an empty object in an array", `{"a":[{},{}]}`, `{"a":[{},{}]}`},
		{"text is trimmed", "{\"a\":\"\u00a0\\t x y \u3000\"}", `{"a":"x y"}`},
		{"text becomes NFC", "{\"a\":\"e\u0301\"}", `{"a":"é"}`},
		{"text with escapes", `{"a":"\u00e9\n\"x\" \ud83d\ude00 \/"}`, `{"a":"é\n\"x\" 😀 /"}`},
		{"text that is white space", `{"a":"  "}`, `{"a":""}`},
		{"literals stay", `{"a":true,"b":false,"c":null}`, `{"a":true,"b":false,"c":null}`},
		{"numbers stay as they are written", `{"a":9007199254740993,"b":1.50,"c":-0,"d":1E+2,"e":1e-400}`, `{"a":9007199254740993,"b":1.50,"c":-0,"d":1E+2,"e":1e-400}`},
		{"texts that are numbers", `{"a":" 9.90 ","b":"-12","c":"0"}`, `{"a":9.90,"b":-12,"c":0}`},
		{"texts that are not", `{"a":"007","b":"+49 1","c":"1e5","d":"9007199254740993","e":"-0"}`, `{"a":"007","b":"+49 1","c":"1e5","d":"9007199254740993","e":"-0"}`},
		{"date-times", `{"a":"2026-11-22T10:00:00.500+01:00","b":"2026-11-22t10:00:00z"}`, `{"a":"2026-11-22T09:00:00.5Z","b":"2026-11-22T10:00:00Z"}`},
		{"dates", `{"a":"2026-11-22","b":"2026-02-30"}`, `{"a":"2026-11-22","b":"2026-02-30"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Canonical([]byte(tt.original))
			if string(got) != tt.want || err != nil {
				t.Errorf("got  %s, %v\nwant %s", got, err, tt.want)
			}
		})
	}
}

func TestCanonicalRefuses(t *testing.T) {
	big := strings.Repeat("x", 900<<10)
	for _, tt := range []struct {
		name, original string
		want           error
		says           string
	}{
		{"a number that is not finite", `{"a":{"b/c":[1,1e400]}}`, ErrNumber, "/a/b~1c/1"},
		{"a number of 400 digits", `{"a":` + strings.Repeat("9", 400) + `}`, ErrNumber, "/a"},
		{"names that repeat", `{"` + big + `":{"a":1,"b":2,"c":3}}`, ErrTooLarge, ""},
		{"an array", `[1]`, nil, "not a JSON object"},
		{"an object that does not end", `{"a":1`, nil, ""},
		{"nothing", ``, nil, ""},
		{"a name twice", `{"a":1,"a":2}`, nil, ""},
		{"bad UTF-8", "{\"a\":\"\xff\"}", nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Canonical([]byte(tt.original))
			if got != nil || err == nil || tt.want != nil && !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %.40s, error %v; want %v, saying %q", got, err, tt.want, tt.says)
			}
		})
	}
}

func TestCanonicalIsBoundedWhileItBuilds(t *testing.T) {
	var b strings.Builder // each of 60,000 members would repeat a name of 100 KiB
	b.WriteString(`{"` + strings.Repeat("n", 100<<10) + `":{`)
	for i := range 60_000 {
		fmt.Fprintf(&b, `"%d":0,`, i)
	}
	b.WriteString(`"x":0}}`)
	original := []byte(b.String())
	var err error
	peak := peakHeap(func() { _, err = Canonical(original) })
	if !errors.Is(err, ErrTooLarge) || peak > 32<<20 {
		t.Errorf("got %v after %d MiB, want %v within 32", err, peak>>20, ErrTooLarge)
	}
}

// fataler is a *testing.T or a *rapid.T.
type fataler interface {
	Fatal(...any)
	Fatalf(string, ...any)
}

// A leaf is a member of the naive transform: a path of names and array indexes, and the
// value there.
type leaf struct {
	path  []any
	value any
}

// leaves lists what naively stands in a JSON value, in its order.
func leaves(t fataler, d *json.Decoder, path []any) []leaf {
	token, err := d.Token()
	if err != nil {
		t.Fatal(err)
	}
	path = slices.Clip(path)
	switch token {
	case json.Delim('{'):
		var all []leaf
		empty := true
		for ; d.More(); empty = false {
			name, _ := d.Token()
			all = append(all, leaves(t, d, append(path, name))...)
		}
		d.Token()
		if empty {
			return []leaf{{path, struct{}{}}}
		}
		return all
	case json.Delim('['):
		all := []leaf{{path, []any{}}}
		for i := 0; d.More(); i++ {
			all = append(all, leaves(t, d, append(path, i))...)
		}
		d.Token()
		return all
	}
	return []leaf{{path, token}}
}

func leavesOf(t fataler, text []byte) []leaf {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	return leaves(t, d, nil)
}

// dotted joins the names between indexes, as the canonical form names them.
func dotted(path []any) []any {
	var out []any
	for i, p := range path {
		name, ok := p.(string)
		if !ok {
			out = append(out, p)
			continue
		}
		name = strings.NewReplacer(`\`, `\\`, `.`, `\.`).Replace(name)
		if before, ok := last(path[:i]).(string); ok || before != "" {
			out[len(out)-1] = out[len(out)-1].(string) + "." + name
			continue
		}
		out = append(out, name)
	}
	return out
}

func last(path []any) any {
	if len(path) == 0 {
		return nil
	}
	return path[len(path)-1]
}

// checkAgainstNaive compares Canonical with a flattening by encoding/json.
func checkAgainstNaive(t fataler, original []byte) {
	got, err := Canonical(original)
	if err != nil {
		if errors.Is(err, ErrTooLarge) || errors.Is(err, ErrNumber) {
			return
		}
		t.Fatalf("Canonical(%s): %v", original, err)
	}
	var want []leaf
	for _, l := range leavesOf(t, original) {
		if s, ok := l.value.(string); ok {
			l.value = naiveText(s)
		}
		want = append(want, leaf{dotted(l.path), l.value})
	}
	gotLeaves := leavesOf(t, got)
	for i, l := range gotLeaves {
		if len(l.path) == 0 && len(gotLeaves) == 1 {
			gotLeaves[i].path = nil
		}
	}
	if a, b := fmt.Sprintf("%#v", want), fmt.Sprintf("%#v", gotLeaves); a != b {
		t.Fatalf("Canonical(%s) = %s\ngot  leaves %s\nwant leaves %s", original, got, b, a)
	}
	again, err := Canonical(got)
	if errors.Is(err, ErrTooLarge) {
		return
	}
	if escaped := escapeNames(t, got); err != nil || !bytes.Equal(again, escaped) {
		t.Fatalf("Canonical of its own result %s\ngot  %s, %v\nwant %s", got, again, err, escaped)
	}
}

// naiveText is what Text does to a document's text, in other words.
func naiveText(s string) any {
	s = norm.NFC.String(strings.TrimFunc(s, unicode.IsSpace))
	if numberPattern.MatchString(s) && naiveNumber(s) {
		return json.Number(s)
	}
	if at, ok := naiveTime(s); ok {
		return at
	}
	return s
}

// escapeNames escapes each name of a document once more, at every level.
func escapeNames(t fataler, document []byte) []byte {
	d := jsontext.NewDecoder(bytes.NewReader(document))
	var b bytes.Buffer
	e := jsontext.NewEncoder(&b, jsontext.AllowDuplicateNames(true))
	for {
		token, err := d.ReadToken()
		if err != nil {
			return bytes.TrimSpace(b.Bytes())
		}
		kind, length := d.StackIndex(d.StackDepth())
		if token.Kind() == '0' { // with the literal as it is
			if err := e.WriteValue(jsontext.Value(token.String())); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if kind == '{' && length%2 == 1 && token.Kind() == '"' {
			token = jsontext.String(strings.NewReplacer(`\`, `\\`, `.`, `\.`).Replace(token.String()))
		}
		if err := e.WriteToken(token); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCanonicalAgainstANaiveFlattening(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		original, err := json.Marshal(objects(4).Draw(t, "object"))
		if err != nil {
			t.Fatal(err)
		}
		checkAgainstNaive(t, original)
	})
}

// objects generates JSON objects with names and texts that matter here.
func objects(depth int) *rapid.Generator[map[string]any] {
	name := rapid.OneOf(rapid.SampledFrom([]string{"", "a", "b", ".", `\\`, "a.b", `a\.`, "__proto__"}), rapid.String())
	return rapid.MapOfN(name, values(depth-1), 0, 4)
}

func values(depth int) *rapid.Generator[any] {
	all := []*rapid.Generator[any]{
		rapid.SampledFrom([]any{nil, true, false, json.Number("1.50"), json.Number("-0"), json.Number("1e400"), json.Number("9007199254740993")}),
		texts().AsAny(),
	}
	if depth > 0 {
		all = append(all, objects(depth).AsAny(), rapid.SliceOfN(values(depth-1), 0, 3).AsAny())
	}
	return rapid.OneOf(all...)
}

func texts() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.String(),
		rapid.SampledFrom([]string{" x ", "\u2003é", "e\u0301 ", "\n"}),
		rapid.StringMatching(` ?-?[0-9]{1,17}(\.[0-9]{0,17})?([eE][0-9])? ?`),
		rapid.StringMatching(`[0-9]{4}-(0[0-9]|1[0-3])-[0-3][0-9]`),
		rapid.StringMatching(`(0000|2024|2026|9999)-(02-29|12-31|01-01)[Tt ](00|23|24):(00|59):(00|59|60)([.,][0-9]{0,10})?([Zz]|[+-](00|01|23|24):(00|59|60))`),
	)
}

func FuzzCanonical(f *testing.F) {
	for _, seed := range []string{
		`{}`, `{"a":{"b":{"c":" 1 "}},"a.b":[{"x":{"y":"2026-11-22T10:00:00+01:00"}}],"\\":{"":{}}}`,
		`{"a":"\ud83d\ude00","b":[[[]],{}],"c":1e-400,"d":"e\u0301"}`, `{"":{"":{"":"-0.0"}}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, original []byte) {
		if !jsontext.Value(original).IsValid() || jsontext.Value(original).Kind() != '{' {
			if got, err := Canonical(original); err == nil && !jsontext.Value(original).IsValid() && json.Valid(original) {
				t.Skipf("more than one value: %s", got)
			}
			return
		}
		checkAgainstNaive(t, original)
	})
}

func BenchmarkCanonical(b *testing.B) {
	small := `{"id":"ord-2026-000123","customer":{"name":"Zoë van Dam ","email":"zoe@example.com","address":{"street":"Kerkstraat 12","city":"Utrecht","zip":"3511 AB"}},"placed":"2026-11-22T10:00:00+01:00","total":"129.90","currency":"EUR","paid":true,"lines":[{"sku":"A-1","qty":2},{"sku":"B-7","qty":1}],"note":null}`
	var large bytes.Buffer
	large.WriteString(`{"orders":[`)
	for large.Len() < 100<<10 {
		large.WriteString(small + ",")
	}
	large.WriteString(`{}]}`)
	for _, bb := range []struct {
		name     string
		document []byte
	}{{"300B", []byte(small)}, {"100KB", large.Bytes()}} {
		b.Run(bb.name, func(b *testing.B) {
			b.SetBytes(int64(len(bb.document)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Canonical(bb.document); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
