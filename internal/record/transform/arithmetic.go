package transform

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/itchyny/gojq"
)

// maxBits keeps integers finite as float64s, and their product quick.
const maxBits = 1023

var errBits = fmt.Errorf("the integer has more than %d bits", maxBits)

// arithmetic are the operators, with the meaning that they have in jq.
func (m *machine) arithmetic() []gojq.CompilerOption {
	operator := func(name string, f func(l, r any) any) gojq.CompilerOption {
		return gojq.WithFunction(name, 2, 2, func(_ any, args []any) any { return f(args[0], args[1]) })
	}
	compared := func(name string, f func(order int) bool) gojq.CompilerOption {
		return operator(name, func(l, r any) any {
			order, err := m.compare(l, r)
			if err != nil {
				return err
			}
			return f(order)
		})
	}
	return []gojq.CompilerOption{
		operator("__add", m.add), operator("__subtract", m.subtract), operator("__multiply", m.multiply),
		operator("__divide", m.divide), operator("__modulo", modulo),
		compared("__equal", func(o int) bool { return o == 0 }), compared("__unequal", func(o int) bool { return o != 0 }),
		compared("__less", func(o int) bool { return o < 0 }), compared("__lesseq", func(o int) bool { return o <= 0 }),
		compared("__greater", func(o int) bool { return o > 0 }), compared("__greatereq", func(o int) bool { return o >= 0 }),
	}
}

// compare walks both values first if both have parts.
func (m *machine) compare(l, r any) (int, error) {
	if container(l) && container(r) {
		e := m.extent(l, r)
		if !m.charge(stepCost*e.parts + e.text/16) {
			return 0, m.err
		}
	}
	return gojq.Compare(l, r), nil
}

func container(v any) bool {
	switch v.(type) {
	case []any, map[string]any:
		return true
	}
	return false
}

func mismatch(verb string, l, r any) error {
	return fmt.Errorf("cannot %s: %s and %s", verb, described(l), described(r))
}

func described(v any) string {
	if v == nil {
		return "null"
	}
	return gojq.TypeOf(v) + " (" + gojq.Preview(v) + ")"
}

func (m *machine) add(l, r any) any {
	switch {
	case l == nil:
		return r
	case r == nil:
		return l
	}
	switch a := l.(type) {
	case string:
		if b, ok := r.(string); ok {
			if !m.charge(boxSize + len(a) + len(b)) {
				return m.err
			}
			return a + b
		}
	case []any:
		if b, ok := r.([]any); ok {
			return m.concat(a, b)
		}
	case map[string]any:
		if b, ok := r.(map[string]any); ok {
			return m.merge(a, b)
		}
	}
	return m.calculate("add", l, r, addInts, func(a, b float64) (any, error) { return a + b, nil },
		func(a, b *big.Int) (any, error) { return a.Add(a, b), nil })
}

func (m *machine) concat(a, b []any) any {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	case !m.charge(boxSize + itemSize*(len(a)+len(b))):
		return m.err
	}
	return append(append(make([]any, 0, len(a)+len(b)), a...), b...)
}

func (m *machine) merge(a, b map[string]any) any {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	case !m.charge(objectSize(len(a) + len(b))):
		return m.err
	}
	c := make(map[string]any, len(a)+len(b))
	maps.Copy(c, a)
	maps.Copy(c, b)
	return c
}

func (m *machine) subtract(l, r any) any {
	a, ok1 := l.([]any)
	b, ok2 := r.([]any)
	if !ok1 || !ok2 {
		return m.calculate("subtract", l, r, subtractInts, func(a, b float64) (any, error) { return a - b, nil },
			func(a, b *big.Int) (any, error) { return a.Sub(a, b), nil })
	}
	if !m.charge(boxSize + itemSize*len(a)) {
		return m.err
	}
	rest := make([]any, 0, len(a))
items:
	for _, x := range a {
		for _, y := range b {
			if !m.charge(10) {
				return m.err
			}
			if order, err := m.compare(x, y); err != nil {
				return err
			} else if order == 0 {
				continue items
			}
		}
		rest = append(rest, x)
	}
	return rest
}

func (m *machine) multiply(l, r any) any {
	if a, ok := l.(map[string]any); ok {
		if b, ok := r.(map[string]any); ok {
			return m.mergeDeep(a, b, 0)
		}
	}
	if s, ok := l.(string); ok {
		if n, ok := gojq.ToFloat64(r); ok {
			return m.repeat(s, n)
		}
	}
	if s, ok := r.(string); ok {
		if n, ok := gojq.ToFloat64(l); ok {
			return m.repeat(s, n)
		}
	}
	return m.calculate("multiply", l, r, multiplyInts, func(a, b float64) (any, error) { return a * b, nil },
		func(a, b *big.Int) (any, error) { return a.Mul(a, b), nil })
}

func (m *machine) mergeDeep(a, b map[string]any, depth int) any {
	if depth == maxDepth {
		m.tooDeep()
	}
	if !m.charge(objectSize(len(a) + len(b))) {
		return m.err
	}
	c := make(map[string]any, len(a)+len(b))
	maps.Copy(c, a)
	for name, v := range b {
		if x, ok := c[name].(map[string]any); ok {
			if y, ok := v.(map[string]any); ok {
				v = m.mergeDeep(x, y, depth+1)
			}
		}
		c[name] = v
	}
	if m.err != nil {
		return m.err
	}
	return c
}

func (m *machine) repeat(s string, n float64) any {
	if n < 0 || math.IsNaN(n) {
		return nil
	}
	if n*float64(len(s)) > MaxWork {
		m.charge(MaxWork + 1)
		return m.err
	}
	times := int(min(n, MaxWork)) // more only of an empty text
	if !m.charge(boxSize + len(s)*times) {
		return m.err
	}
	return strings.Repeat(s, times)
}

var errZero = errors.New("cannot divide by zero")

func (m *machine) divide(l, r any) any {
	a, ok1 := l.(string)
	b, ok2 := r.(string)
	if !ok1 || !ok2 {
		return m.calculate("divide", l, r, divideInts, divideFloats, divideBigs)
	}
	if a == "" {
		return []any{}
	}
	if !m.charge(boxSize + (itemSize+16)*len(a)) {
		return m.err
	}
	var parts []any
	for part := range strings.SplitSeq(a, b) {
		parts = append(parts, part)
	}
	return parts
}

func modulo(l, r any) any {
	l, r = number(l), number(r)
	a, ok1 := gojq.ToInt(l)
	b, ok2 := gojq.ToInt(r)
	switch {
	case !ok1 || !ok2:
		return mismatch("modulo", l, r)
	case isNaN(l) || isNaN(r):
		return math.NaN()
	}
	x, big1 := l.(*big.Int)
	y, big2 := r.(*big.Int)
	if (big1 || big2) && !isFloat(l) && !isFloat(r) {
		if !big1 {
			x = big.NewInt(int64(a))
		}
		if !big2 {
			y = big.NewInt(int64(b))
		}
		if y.Sign() == 0 {
			return errZero
		}
		return new(big.Int).Rem(x, y)
	}
	switch b {
	case 0:
		return errZero
	case -1:
		return 0
	}
	return a % b
}

func isFloat(v any) bool { _, ok := v.(float64); return ok }

func isNaN(v any) bool { f, ok := v.(float64); return ok && math.IsNaN(f) }

// calculate applies an operation to two numbers: as floats if one is, as big integers if
// one is or an int's result does not fit (then ints returns nil).
func (m *machine) calculate(verb string, l, r any, ints func(a, b int) (any, error),
	floats func(a, b float64) (any, error), bigs func(a, b *big.Int) (any, error)) any {
	x, y := number(l), number(r)
	if !isNumeric(x) || !isNumeric(y) {
		return mismatch(verb, l, r)
	}
	var v any
	var err error
	a, ok1 := x.(int)
	b, ok2 := y.(int)
	switch {
	case isFloat(x) || isFloat(y):
		p, _ := gojq.ToFloat64(x)
		q, _ := gojq.ToFloat64(y)
		v, err = floats(p, q)
	case ok1 && ok2:
		if v, err = ints(a, b); v == nil && err == nil {
			v, err = bigs(toBig(x), toBig(y))
		}
	default:
		v, err = bigs(toBig(x), toBig(y))
	}
	if n, ok := v.(*big.Int); ok {
		if n.BitLen() > maxBits {
			return errBits
		}
		m.charge(boxSize + n.BitLen()/8)
	}
	if err != nil {
		return err
	}
	return v
}

func isNumeric(v any) bool {
	switch v.(type) {
	case int, float64, *big.Int:
		return true
	}
	return false
}

// toBig copies an integer, so that the result can be made in it.
func toBig(v any) *big.Int {
	if n, ok := v.(*big.Int); ok {
		return new(big.Int).Set(n)
	}
	return big.NewInt(int64(v.(int)))
}

func addInts(a, b int) (any, error) {
	if c := a + b; (c >= a) == (b >= 0) {
		return c, nil
	}
	return nil, nil
}

func subtractInts(a, b int) (any, error) {
	if c := a - b; (c <= a) == (b >= 0) {
		return c, nil
	}
	return nil, nil
}

func multiplyInts(a, b int) (any, error) {
	if a == 0 || b == 0 {
		return 0, nil
	}
	if a != math.MinInt && b != math.MinInt {
		if c := a * b; c/b == a {
			return c, nil
		}
	}
	return nil, nil
}

func divideInts(a, b int) (any, error) {
	switch {
	case b == 0:
		return nil, errZero
	case a == math.MinInt && b == -1:
		return nil, nil
	case a%b == 0:
		return a / b, nil
	}
	return float64(a) / float64(b), nil
}

func divideFloats(a, b float64) (any, error) {
	if b == 0 {
		return nil, errZero
	}
	return a / b, nil
}

func divideBigs(a, b *big.Int) (any, error) {
	if b.Sign() == 0 {
		return nil, errZero
	}
	quotient, rest := new(big.Int).QuoRem(a, b, new(big.Int))
	if rest.Sign() == 0 {
		return quotient, nil
	}
	p, _ := gojq.ToFloat64(a)
	q, _ := gojq.ToFloat64(b)
	return p / q, nil
}

// parseNumber reads a JSON number that is finite: an int or a big.Int if it is written
// as an integer, else a float64.
func parseNumber(literal string) any {
	if n, err := strconv.Atoi(literal); err == nil {
		return n
	}
	if !strings.ContainsAny(literal, ".eE") && len(literal) <= maxDigits {
		if n, ok := new(big.Int).SetString(literal, 10); ok {
			return n
		}
	}
	f, _ := strconv.ParseFloat(literal, 64)
	return f
}
