package transform

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"unicode"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/itchyny/gojq"
)

const (
	maxDigits = 400     // of a number in a text or a program
	maxIndex  = 1 << 20 // that a path may have
)

var (
	errIndexArray = errors.New("an array cannot be indexed with an array; use indices")
	errIndex      = fmt.Errorf("an array index must be under %d", maxIndex)
)

// functions are what rewrite puts into a program. Those named in natives return their
// input after charging for what follows them. An error of a function can be caught in the
// program, but not the end of the run.
func (m *machine) functions() []gojq.CompilerOption {
	guard := func(name string, least, most int, cost func(v any, args []any) (int, error)) gojq.CompilerOption {
		return gojq.WithFunction(name, least, most, func(v any, args []any) any {
			units, err := cost(v, args)
			if err != nil {
				return err
			}
			if !m.charge(units) {
				return m.err
			}
			return v
		})
	}
	all := []gojq.CompilerOption{
		guard("__iterate", 0, 0, m.iterateCost),
		guard("__item", 0, 0, m.itemCost),
		guard("__object", 0, 0, m.shallowCost),
		guard("__key", 0, 0, keyCost),
		guard("__several", 0, 0, severalCost),
		guard("__shallow", 0, 0, m.shallowCost),
		guard("__split", 0, 1, m.splitCost),
		guard("__tree", 0, 1, m.treeCost),
		guard("__sort", 0, 1, m.sortCost),
		guard("__encode", 0, 1, m.encodeCost),
		guard("__contains", 1, 1, m.containsCost),
		guard("__search", 1, 1, m.searchCost),
		guard("__join", 1, 1, m.joinCost),
		guard("__transpose", 0, 0, m.transposeCost),
		guard("__digits", 0, 0, digitsCost),
		guard("__place", 1, 1, m.placeCost),
		guard("__timetext", 1, 1, timeTextCost),
		gojq.WithFunction("__fromjson", 0, 0, m.fromJSON),
	}
	all = append(all, m.arithmetic()...)
	all = append(all, m.editing()...)
	return append(all, m.matching()...)
}

// iterateCost is that of .[], which makes a list of what it goes over.
func (m *machine) iterateCost(v any, _ []any) (int, error) {
	switch v := v.(type) {
	case []any:
		return 2 * itemSize * len(v), nil
	case map[string]any:
		return memberSize * len(v), nil
	}
	return 0, nil
}

// itemCost is that of an item that joins an array under construction. What the item holds
// has been charged for where it was made, but a text that a catch made was not.
func (m *machine) itemCost(v any, _ []any) (int, error) {
	if s, ok := v.(string); ok {
		return itemSize + boxSize + len(s), nil
	}
	return itemSize + boxSize, nil
}

// severalCost is that of an array of numbers, at most the eight of a broken-down time.
func severalCost(any, []any) (int, error) { return boxSize + 8*itemSize, nil }

// shallowCost is that of a value, or of another one with as many items or members.
func (m *machine) shallowCost(v any, _ []any) (int, error) { return shallow(v), nil }

// keyCost refuses what would search, and is free.
func keyCost(v any, _ []any) (int, error) {
	if _, ok := v.([]any); ok {
		return 0, errIndexArray
	}
	return 0, nil
}

// splitCost is that of a text that becomes an array of its characters.
func (m *machine) splitCost(v any, _ []any) (int, error) {
	if s, ok := v.(string); ok {
		return boxSize + (itemSize+16)*len(s), nil
	}
	return 0, nil
}

// treeCost is that of making one array or object of all that the input and the argument
// hold.
func (m *machine) treeCost(v any, args []any) (int, error) {
	e := m.extent(append(args[:len(args):len(args)], v)...)
	return groupSize + boxSize*e.parts + 2*e.text, m.err
}

// sortCost is that of comparing each item, or what it is sorted by, with some others. A
// comparison goes through both.
func (m *machine) sortCost(v any, args []any) (int, error) {
	keys := v
	if len(args) > 0 {
		keys = args[0]
	}
	e, rounds := m.extent(keys), 1
	if items, ok := v.([]any); ok {
		rounds = bits.Len(uint(len(items)))
	}
	return boxSize + 2*shallow(v) + rounds*(stepCost*e.parts+e.text/16), m.err
}

// encodeCost is that of writing a value as JSON, or in a format: a byte can become six.
func (m *machine) encodeCost(v any, _ []any) (int, error) {
	e := m.extent(v)
	return boxSize + memberSize*e.parts + 8*e.text, m.err
}

// containsCost is that of looking for each part of the argument in each of the input; a
// text is gone through once.
func (m *machine) containsCost(v any, args []any) (int, error) {
	if !container(v) || !container(args[0]) {
		return shallow(v) + shallow(args[0]), nil
	}
	return m.product(m.parts(v), m.parts(args[0]))
}

// searchCost is that of comparing the argument with what stands at each place of the
// input. gojq makes arrays of texts' characters for it.
func (m *machine) searchCost(v any, args []any) (int, error) {
	return m.product(m.parts(v), m.parts(args[0]))
}

func (m *machine) product(l, r int) (int, error) {
	if l > MaxWork || r > MaxWork {
		return MaxWork + 1, m.err
	}
	return 64*(l+r) + l*r, m.err // both are at most 2^27
}

// parts is how many parts a value has that are compared with others: a text's bytes.
func (m *machine) parts(v any) int {
	e := m.extent(v)
	return e.parts + e.text
}

func (m *machine) joinCost(v any, args []any) (int, error) {
	e, items := m.extent(v), 0
	switch v := v.(type) {
	case []any:
		items = len(v)
	case map[string]any:
		items = len(v)
	}
	return memberSize*e.parts + 3*(e.text+items*shallow(args[0])), m.err
}

func (m *machine) transposeCost(v any, _ []any) (int, error) {
	rows, ok := v.([]any)
	if !ok {
		return 0, nil
	}
	columns := 0
	for _, r := range rows {
		if r, ok := r.([]any); ok {
			columns = max(columns, len(r))
		}
	}
	return 2*boxSize*columns + itemSize*len(rows) + 16*columns*len(rows), nil
}

// digitsCost keeps a text with a million digits from becoming a number.
func digitsCost(v any, _ []any) (int, error) {
	if s, ok := v.(string); ok && len(s) > maxDigits {
		return 0, fmt.Errorf("tonumber: the text has %d bytes, at most %d", len(s), maxDigits)
	}
	return boxSize, nil
}

func (m *machine) placeCost(_ any, args []any) (int, error) {
	path, _ := args[0].([]any)
	for _, p := range path {
		if _, ok := p.([]any); ok {
			return 0, errIndexArray
		}
	}
	return itemSize * len(path), nil
}

// timeTextCost is that of strftime and strptime. A directive's width can be 1,024, and
// the name of a time zone means what the machine's tables say.
func timeTextCost(v any, args []any) (int, error) {
	format, _ := args[0].(string)
	if _, isText := v.(string); isText && strings.Contains(format, "%Z") {
		return 0, errors.New("strptime: %Z depends on the machine; use %z")
	}
	widths := 0
	for _, c := range format {
		if unicode.IsDigit(c) {
			widths++
		}
	}
	return boxSize + 8*itemSize + 16*len(format) + 1024*widths + shallow(v), nil
}

// fromJSON is gojq's, but for its numbers: they are finite.
func (m *machine) fromJSON(v any, _ []any) any {
	s, ok := v.(string)
	if !ok {
		return fmt.Errorf("fromjson cannot be applied to %s", describe(v))
	}
	if !m.charge(boxSize + len(s)) {
		return m.err
	}
	w, err := m.decode([]byte(s))
	var syntax *jsontext.SyntacticError
	switch {
	case m.err != nil:
		return m.err
	case errors.As(err, &syntax):
		return fmt.Errorf("fromjson: the text is not JSON: %w", syntax.Err)
	case errors.Is(err, ErrNumber):
		return fmt.Errorf("fromjson: %w", ErrNumber)
	case err != nil:
		return fmt.Errorf("fromjson: %w", err)
	}
	return w
}

// number makes of a literal the integer or float64 that it is calculated with.
func number(v any) any {
	literal, ok := v.(json.Number)
	if !ok {
		return v
	}
	return parseNumber(string(literal))
}
