package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// decode reads strict JSON: any value, no deeper than maxDepth.
func decode(document []byte) (any, error) {
	d := jsontext.NewDecoder(bytes.NewBuffer(document))
	v, err := read(d)
	if err != nil {
		return nil, err
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return nil, errors.New("something follows the JSON value")
	}
	return v, nil
}

func read(d *jsontext.Decoder) (any, error) {
	t, err := d.ReadToken()
	var syntax *jsontext.SyntacticError
	switch {
	case errors.As(err, &syntax):
		return nil, fmt.Errorf("not JSON at byte %d: %w", syntax.ByteOffset, syntax.Err)
	case err != nil:
		return nil, fmt.Errorf("not JSON: %w", err)
	case d.StackDepth() > maxDepth:
		return nil, fmt.Errorf("nested deeper than %d", maxDepth)
	}
	switch t.Kind() {
	case '{':
		members := map[string]any{}
		for d.PeekKind() != '}' {
			name, err := read(d)
			if err != nil {
				return nil, err
			}
			if members[name.(string)], err = read(d); err != nil {
				return nil, err
			}
		}
		_, err := d.ReadToken()
		return members, err
	case '[':
		items := []any{}
		for d.PeekKind() != ']' {
			item, err := read(d)
			if err != nil {
				return nil, err
			}
			items = append(items, item)
		}
		_, err := d.ReadToken()
		return items, err
	case '"':
		return t.String(), nil
	case '0':
		return readNumber(t.String(), d)
	case 't', 'f':
		return t.Bool(), nil
	}
	return nil, nil
}

func readNumber(literal string, d *jsontext.Decoder) (any, error) {
	if _, err := strconv.ParseFloat(literal, 64); err != nil {
		return nil, fmt.Errorf("%s: the number is too large", d.StackPointer())
	}
	if len(literal) <= maxLiteral && exponent(literal) >= -maxLiteral {
		return json.Number(literal), nil
	}
	f, _ := strconv.ParseFloat(literal, 64)
	return json.Number(strconv.FormatFloat(f, 'g', -1, 64)), nil
}

// maxLiteral bounds the digits that a number is compared by. One with more, or with a
// smaller exponent, is what a float64 makes of it: 1e-400 is 0.
const maxLiteral = 400

func exponent(literal string) int {
	i := strings.IndexAny(literal, "eE")
	if i < 0 {
		return 0
	}
	n, err := strconv.Atoi(literal[i+1:])
	if err != nil {
		return -maxLiteral - 1 // it is finite, so not large
	}
	return n
}

// rational is a number's exact value.
func rational(n json.Number) *big.Rat {
	r, ok := new(big.Rat).SetString(string(n))
	if !ok {
		return new(big.Rat)
	}
	return r
}

// typeOf is a value's type as JSON Schema names it, and its article.
func typeOf(v any) (name, article string) {
	switch v.(type) {
	case nil:
		return "null", ""
	case bool:
		return "boolean", "a "
	case json.Number:
		return "number", "a "
	case string:
		return "string", "a "
	case []any:
		return "array", "an "
	}
	return "object", "an "
}

// A constant is a value of the schema's that others are compared with.
type constant struct {
	value any
	key   string
}

func newConstant(v any) constant { return constant{v, string(appendKey(nil, v))} }

// appendKey appends a text that two values share if and only if they are equal as JSON
// Schema has it: numbers by their value, objects whatever their order.
func appendKey(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, 'n')
	case bool:
		return strconv.AppendBool(b, v)
	case json.Number:
		return append(b, rational(v).RatString()...)
	case string:
		return strconv.AppendQuote(b, v)
	case []any:
		b = append(b, '[')
		for _, item := range v {
			b = append(appendKey(b, item), ',')
		}
		return append(b, ']')
	case map[string]any:
		b = append(b, '{')
		for _, name := range slices.Sorted(maps.Keys(v)) {
			b = append(strconv.AppendQuote(b, name), ':')
			b = append(appendKey(b, v[name]), ',')
		}
		return append(b, '}')
	}
	return b
}

// size is about how many nanoseconds appendKey takes.
func size(v any) int {
	switch v := v.(type) {
	case json.Number:
		return 500 + 20*len(v)
	case string:
		return 50 + 10*len(v)
	case []any:
		n := 50
		for _, item := range v {
			n += size(item)
		}
		return n
	case map[string]any:
		n := 50
		for name, member := range v {
			n += 300 + 10*len(name) + size(member)
		}
		return n
	}
	return 20
}
