package partner

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/go-json-experiment/json/jsontext"
)

// pythonText returns what json.dumps(json.loads(data)) is in Python 3, with default
// arguments: https://docs.python.org/3/library/json.html.
func pythonText(data []byte) ([]byte, error) {
	return appendPython(nil, jsontext.NewDecoder(bytes.NewReader(data)))
}

// appendPython appends the next value. strictjson has held its depth in bounds.
func appendPython(b []byte, d *jsontext.Decoder) ([]byte, error) {
	t, err := d.ReadToken()
	if err != nil {
		return nil, err
	}
	switch t.Kind() {
	case '"':
		return appendPythonString(b, t.String()), nil
	case '0':
		return append(b, pythonNumber(t.String())...), nil
	case '[', '{':
		return appendPythonParts(append(b, t.String()...), d)
	}
	return append(b, t.String()...), nil // null, true, false
}

// appendPythonParts appends what is in an array, or an object, and its end.
func appendPythonParts(b []byte, d *jsontext.Decoder) ([]byte, error) {
	for d.PeekKind() != ']' && d.PeekKind() != '}' {
		switch kind, n := d.StackIndex(d.StackDepth()); {
		case n == 0:
		case kind == '{' && n%2 == 1: // after a name
			b = append(b, ": "...)
		default:
			b = append(b, ", "...)
		}
		var err error
		if b, err = appendPython(b, d); err != nil {
			return nil, err
		}
	}
	end, err := d.ReadToken()
	return append(b, end.String()...), err
}

// appendPythonString escapes all but printable ASCII.
func appendPythonString(b []byte, s string) []byte {
	b = append(b, '"')
	for _, r := range s {
		switch i := strings.IndexRune("\"\\\n\r\t\f\b", r); {
		case i >= 0:
			b = append(b, '\\', `"\nrtfb`[i])
		case r >= ' ' && r <= '~':
			b = append(b, byte(r))
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			b = fmt.Appendf(b, `\u%04x\u%04x`, high, low)
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
	}
	return append(b, '"')
}

// pythonNumber is an int of any size, or what repr makes of a float.
func pythonNumber(text string) string {
	if !strings.ContainsAny(text, ".eE") {
		if text == "-0" {
			return "0"
		}
		return text
	}
	f, _ := strconv.ParseFloat(text, 64) // out of range it is an infinity, as in Python
	switch {
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	scientific := strconv.FormatFloat(f, 'e', -1, 64)
	_, exponent, _ := strings.Cut(scientific, "e")
	if e, _ := strconv.Atoi(exponent); e < -4 || e >= 16 {
		return scientific
	}
	plain := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(plain, ".") {
		plain += ".0"
	}
	return plain
}
