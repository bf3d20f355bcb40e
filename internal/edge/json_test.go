package edge

import (
	"bytes"
	"strings"
	"testing"
)

func TestReadJSONIsStrict(t *testing.T) {
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for _, tt := range []struct{ name, in, says string }{
		{"an object", `{"a":[1,"x",null,true,{"b":-1.5e3}]}`, ""},
		{"a scalar", ` 7 `, ""},
		{"white space around", "\r\n\t {} \n", ""},
		{"names that differ in case", `{"a":1,"A":2}`, ""},
		{"a name in two objects", `[{"a":1},{"a":2}]`, ""},
		{"32 deep", nested(32), ""},

		{"nothing", "", "EOF"},
		{"white space", "  ", "EOF"},
		{"33 deep", nested(33), "nested deeper than 32"},
		{"33 deep and not closed", strings.Repeat("[", 33), "nested deeper than 32"},
		{"33 deep in objects", strings.Repeat(`{"a":`, 33) + "1" + strings.Repeat("}", 33), "nested deeper than 32"},
		{"a million deep", nested(1_000_000), "nested deeper than 32"},
		{"cut off", `{"a":`, "not JSON at byte 5"},
		{"a trailing comma", `{"a":1,}`, "not JSON at byte 6"},
		{"single quotes", `{'a':1}`, "not JSON at byte 1"},
		{"a comment", `{} // x`, "something follows"},
		{"a second value", `{}{}`, "something follows"},
		{"garbage after the value", `{} x`, "something follows"},
		{"NaN", `{"a":NaN}`, "not JSON at byte 5"},
		{"a leading zero", `{"a":01}`, "not JSON at byte 6"},
		{"a control character in text", "{\"a\":\"\x01\"}", "not JSON at byte 6"},
		{"bad UTF-8 in text", "{\"a\":\"\xff\"}", "invalid UTF-8"},
		{"bad UTF-8 in a name", "{\"\xff\":1}", "invalid UTF-8"},
		{"half a surrogate pair", `{"a":"\ud800"}`, "invalid surrogate pair"},
		{"a name twice", `{"a":1,"b":2,"a":3}`, "duplicate"},
		{"a name twice, once escaped", `{"a":1,"\u0061":3}`, "duplicate"},
		{"a name twice deep down", `{"x":[{"a":1,"a":3}]}`, "duplicate"},
		{"a BOM", "\ufeff{}", "not JSON at byte 0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var v any
			err := readJSON([]byte(tt.in), &v)
			switch {
			case tt.says == "" && err != nil:
				t.Errorf("readJSON(%.60q): %v, want no error", tt.in, err)
			case tt.says != "" && (err == nil || !strings.Contains(err.Error(), tt.says)):
				t.Errorf("readJSON(%.60q): %v, want an error that says %q", tt.in, err, tt.says)
			}
		})
	}
}

func FuzzReadJSON(f *testing.F) {
	for _, s := range []string{`{"a":[1,"x"]}`, `{"a":1,"a":2}`, "[[[", `"\ud800"`, "{} {}", "\xff", "1e999"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var v any
		if readJSON(data, &v) != nil {
			return
		}
		var b bytes.Buffer
		if err := writeJSON(&b, v); err != nil {
			t.Fatalf("%q was read and cannot be written: %v", data, err)
		}
		if err := readJSON(b.Bytes(), &v); err != nil {
			t.Fatalf("%q was written and cannot be read: %v", b.Bytes(), err)
		}
	})
}

type text struct{ s string }

func (t text) String() string { return t.s }

func TestWriters(t *testing.T) {
	for _, tt := range []struct {
		name  string
		write func(*bytes.Buffer) error
		want  string
	}{
		{"JSON without HTML's escapes", func(b *bytes.Buffer) error { return writeJSON(b, map[string]string{"a": "<b>&"}) }, "{\"a\":\"<b>&\"}\n"},
		{"text of what has a text", func(b *bytes.Buffer) error { return writeText(b, text{"42"}) }, "42\n"},
		{"text of what has none", func(b *bytes.Buffer) error { return writeText(b, map[string]int{"a": 1}) }, "{\"a\":1}\n"},
	} {
		var b bytes.Buffer
		if err := tt.write(&b); err != nil || b.String() != tt.want {
			t.Errorf("%s: %q, %v; want %q", tt.name, b.String(), err, tt.want)
		}
	}
	var b bytes.Buffer
	if err := writeJSON(&b, func() {}); err == nil || b.Len() > 0 {
		t.Errorf("what cannot be JSON: %v after %q, want an error and nothing written", err, b.String())
	}
}
