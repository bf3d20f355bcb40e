package record

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"go.einride.tech/aip/filtering"
	expr "google.golang.org/genproto/googleapis/api/expr/v1alpha1"

	"github.com/tallystick/tallystick/internal/storage"
)

const (
	maxFilterBytes = 4096
	maxTerms       = 20 // comparisons in one filter
)

var (
	// ErrFilter is a filter that is none.
	ErrFilter = errors.New("filter")

	// ErrUnsupported is a filter that no index can answer.
	ErrUnsupported = errors.New("no index answers this filter")
)

// Term is one comparison of a filter: all terms have to hold.
type Term struct {
	Field string
	Op    storage.Op
	plain string // Field without the escapes of the canonical form
	value scalar
	text  bool // value came as text: it is treated as text in a document is
}

// ParseFilter reads a filter as AIP-160 writes it (https://google.aip.dev/160):
// comparisons of a field with a value by = < <= > >=, joined by AND. A field's name
// that has other characters than letters, digits and _ is quoted; nested fields have
// dots.
func ParseFilter(filter string) ([]Term, error) {
	if len(filter) > maxFilterBytes {
		return nil, fmt.Errorf("%w: it has over %d bytes", ErrFilter, maxFilterBytes)
	}
	if strings.TrimSpace(filter) == "" {
		return nil, nil
	}
	if !utf8.ValidString(filter) {
		return nil, fmt.Errorf("%w: it is not UTF-8", ErrFilter)
	}
	if depth(filter) > 32 {
		return nil, fmt.Errorf("%w: brackets nested deeper than 32", ErrFilter)
	}
	var p filtering.Parser
	p.Init(filter)
	parsed, err := p.Parse()
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrFilter, whatIsWrong(err))
	}
	terms, err := conjunction(nil, parsed.GetExpr())
	if err == nil && len(terms) > maxTerms {
		err = fmt.Errorf("%w: it has over %d comparisons", ErrUnsupported, maxTerms)
	}
	return terms, err
}

// depth is how deep brackets, which the parser reads by recursion, can nest: how many
// there are outside of quotes. A quote within a word is a part of the word.
func depth(filter string) int {
	n, quote := 0, byte(0)
	for i := 0; i < len(filter); i++ {
		switch c := filter[i]; {
		case quote != 0 && c == '\\':
			i++
		case quote != 0 && c == quote:
			quote = 0
		case quote != 0:
		case c == '(':
			n++
		case (c == '"' || c == '\'') && (i == 0 || strings.IndexByte(" ()-.=:<>!,", filter[i-1]) >= 0):
			quote = c
		}
	}
	return n
}

// placed is a parser's error that knows where it is.
type placed interface {
	Position() filtering.Position
	Message() string
}

// whatIsWrong says in one line where the parser stopped, and why.
func whatIsWrong(err error) string {
	if errors.Is(err, io.EOF) {
		return "it ends too early"
	}
	text := err.Error()
	for ; err != nil; err = errors.Unwrap(err) {
		if p, ok := err.(placed); ok {
			text = fmt.Sprintf("at character %d: %s", p.Position().Column, p.Message())
		}
	}
	return text
}

func conjunction(terms []Term, e *expr.Expr) ([]Term, error) {
	call := e.GetCallExpr()
	if call == nil {
		return nil, fmt.Errorf("%w: compare a field with a value, such as color = \"red\"; text alone searches nothing", ErrUnsupported)
	}
	args := call.GetArgs()
	switch f := call.GetFunction(); f {
	case filtering.FunctionAnd:
		for _, arg := range args {
			var err error
			if terms, err = conjunction(terms, arg); err != nil {
				return nil, err
			}
		}
		return terms, nil
	case filtering.FunctionFuzzyAnd:
		return nil, fmt.Errorf("%w: several comparisons are joined by AND, and each is made by = < <= > or >=", ErrUnsupported)
	case filtering.FunctionEquals, filtering.FunctionLessThan, filtering.FunctionLessEquals,
		filtering.FunctionGreaterThan, filtering.FunctionGreaterEquals:
		t, err := comparison(storage.Op(f), args[0], args[1])
		return append(terms, t), err
	case filtering.FunctionOr, filtering.FunctionNot, filtering.FunctionNotEquals, filtering.FunctionHas:
		return nil, fmt.Errorf("%w: %s; an index answers = < <= > >= joined by AND", ErrUnsupported, strings.Replace(f, ":", ": (has)", 1))
	default:
		return nil, fmt.Errorf("%w: %s() is no function of filters", ErrUnsupported, f)
	}
}

func comparison(op storage.Op, left, right *expr.Expr) (t Term, err error) {
	field, ok := nameOfField(left)
	if !ok {
		return t, fmt.Errorf("%w: on the left of %s stands a field's name", ErrUnsupported, op)
	}
	t = Term{Field: field, Op: op, plain: strings.Join(splitName(field), ".")}
	t.value, t.text, err = valueOf(right)
	if err != nil {
		return t, fmt.Errorf("%w: %s %s: %w", ErrUnsupported, field, op, err)
	}
	if t.value.kind == 'b' && op != storage.Equal {
		return t, fmt.Errorf("%w: %s %s %s: true and false are compared by =", ErrUnsupported, field, op, t.value.text)
	}
	return t, nil
}

// nameOfField is a field's name as transformed has it: a.b is the field b of the
// object a, "a.b" the field of that name.
func nameOfField(e *expr.Expr) (string, bool) {
	switch k := e.GetExprKind().(type) {
	case *expr.Expr_IdentExpr:
		return escapeName(k.IdentExpr.GetName()), true
	case *expr.Expr_ConstExpr:
		s, ok := k.ConstExpr.GetConstantKind().(*expr.Constant_StringValue)
		if !ok {
			return "", false
		}
		return escapeName(s.StringValue), true
	case *expr.Expr_SelectExpr:
		operand, ok := nameOfField(k.SelectExpr.GetOperand())
		return operand + "." + escapeName(k.SelectExpr.GetField()), ok
	}
	return "", false
}

var nameEscaper = strings.NewReplacer(`\`, `\\`, `.`, `\.`)

// escapeName is how transformed writes a name of the original.
func escapeName(name string) string { return nameEscaper.Replace(name) }

func valueOf(e *expr.Expr) (v scalar, text bool, err error) {
	switch k := e.GetExprKind().(type) {
	case *expr.Expr_IdentExpr:
		switch name := k.IdentExpr.GetName(); name {
		case "true", "false":
			return scalar{kind: 'b', text: name}, false, nil
		case "null":
			return v, false, errors.New("a field that is null or missing is in no index")
		default:
			return scalar{kind: 's', text: name}, true, nil
		}
	case *expr.Expr_ConstExpr:
		switch c := k.ConstExpr.GetConstantKind().(type) {
		case *expr.Constant_StringValue:
			return scalar{kind: 's', text: c.StringValue}, true, nil
		case *expr.Constant_Int64Value:
			return scalar{kind: 'n', text: strconv.FormatInt(c.Int64Value, 10), reread: true}, false, nil
		case *expr.Constant_DoubleValue:
			return scalar{kind: 'n', text: strconv.FormatFloat(c.DoubleValue, 'g', -1, 64), reread: true}, false, nil
		}
	case *expr.Expr_CallExpr:
		if args := k.CallExpr.GetArgs(); k.CallExpr.GetFunction() == filtering.FunctionTimestamp && len(args) == 1 {
			return timestamp(args[0])
		}
		return v, false, fmt.Errorf("%s() is no value; timestamp(\"2026-11-22T10:00:00Z\") is one", k.CallExpr.GetFunction())
	}
	return v, false, errors.New("on the right stands a text, a number, true, false or timestamp(\"…\")")
}

func timestamp(e *expr.Expr) (v scalar, text bool, err error) {
	s := e.GetConstExpr().GetStringValue()
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return v, false, fmt.Errorf("timestamp(%q) is not RFC 3339", s)
	}
	if y := at.UTC().Year(); y < 1 || y > 9999 {
		return v, false, fmt.Errorf("timestamp(%q) is outside the years 1 to 9999", s)
	}
	return scalar{kind: 't', time: at, text: s}, false, nil
}

// EqualTo returns the term that a field has this value: a string, a json.Number, a
// bool.
func EqualTo(field string, value any) (Term, error) {
	t := Term{Field: field, Op: storage.Equal, plain: field}
	switch v := value.(type) {
	case string:
		t.value, t.text = scalar{kind: 's', text: v}, true
	case json.Number:
		t.value = scalar{kind: 'n', text: v.String()}
	case bool:
		t.value = scalar{kind: 'b', text: strconv.FormatBool(v)}
	case nil:
		return t, fmt.Errorf("%w: %s: a field that is null or missing is in no index", ErrUnsupported, field)
	default:
		return t, fmt.Errorf("%w: %s: compare with a text, a number, true or false", ErrUnsupported, field)
	}
	return t, nil
}

// EqualToAll returns the terms of an object of fields and values, in order of name.
func EqualToAll(fields map[string]any) ([]Term, error) {
	if len(fields) > maxTerms {
		return nil, fmt.Errorf("%w: it has over %d fields", ErrUnsupported, maxTerms)
	}
	var terms []Term
	for _, field := range slices.Sorted(maps.Keys(fields)) { // so that the same one is refused each time
		t, err := EqualTo(field, fields[field])
		if err != nil {
			return nil, err
		}
		terms = append(terms, t)
	}
	return terms, nil
}
