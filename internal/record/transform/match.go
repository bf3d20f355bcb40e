package transform

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/itchyny/gojq"

	"github.com/tallystick/tallystick/internal/record/transform/pattern"
)

// matching are the functions that the prelude's match, test, sub and others are made of.
// gojq's own keep every expression for as long as the program lives, and count the
// characters before each match anew.
func (m *machine) matching() []gojq.CompilerOption {
	return []gojq.CompilerOption{
		gojq.WithFunction("__match", 2, 2, func(v any, args []any) any { return m.search(v, args, m.matches) }),
		gojq.WithFunction("__test", 2, 2, func(v any, args []any) any {
			return m.search(v, args, func(s string, re *pattern.Pattern, _ bool) any { return re.MatchString(s) })
		}),
		gojq.WithFunction("__pieces", 2, 2, func(v any, args []any) any { return m.search(v, args, m.pieces) }),
	}
}

// search compiles the expression and looks for it, both charged for.
func (m *machine) search(v any, args []any, f func(s string, re *pattern.Pattern, all bool) any) any {
	s, ok1 := v.(string)
	text, ok2 := args[0].(string)
	flags, ok3 := args[1].(string)
	if !ok1 {
		return fmt.Errorf("a regular expression cannot be applied to %s", describe(v))
	}
	if !ok2 || !ok3 && args[1] != nil {
		return fmt.Errorf("a regular expression and its flags must be texts, not %s", describe(args[0]))
	}
	re, err := m.pattern(text, flags)
	if err != nil {
		return err
	}
	if !m.charge(re.Cost(len(s))) {
		return m.err
	}
	return f(s, re, strings.Contains(flags, "g"))
}

// expressions are those that a machine keeps compiled from run to run.
type expressions struct {
	compiled map[[2]string]*pattern.Pattern
	size     int
}

// maxExpressions is how large they may be in all, in instructions: about 4 MiB. Then
// all are forgotten.
const maxExpressions = 2 * pattern.MaxSize

// pattern charges the same whether it finds the expression compiled or not, so that a run
// does not depend on those before. Compiling takes milliseconds at worst.
func (m *machine) pattern(text, flags string) (*pattern.Pattern, error) {
	if !m.charge(boxSize + len(text)) {
		return nil, m.err
	}
	key := [2]string{text, flags}
	if re, ok := m.compiled[key]; ok {
		return re, nil
	}
	if bad := strings.Trim(flags, "gims"); bad != "" {
		return nil, fmt.Errorf("regular expression flags are g, i, m and s, not %q", bad)
	}
	var prefix string
	if strings.Contains(flags, "i") {
		prefix = "(?i)"
	}
	if strings.ContainsAny(flags, "ms") {
		prefix += "(?s)"
	}
	re, err := pattern.Compile(prefix + text)
	if err != nil {
		return nil, fmt.Errorf("invalid regular expression: %w", err)
	}
	m.size += re.Size() + 100
	if m.compiled == nil || m.size > maxExpressions {
		m.compiled, m.size = map[[2]string]*pattern.Pattern{}, re.Size()+100
	}
	m.compiled[key] = re
	return re, nil
}

// found are the places of the matches, the first or all, by pairs as regexp has them.
func (m *machine) found(s string, re *pattern.Pattern, all bool) ([][]int, error) {
	n := 1
	if all {
		n = -1
		// An array of places for each match, and there may be one at each character.
		if !m.charge((len(s) + 1) * 8) {
			return nil, m.err
		}
		if len(s) > quick {
			if err := m.rehearse(s, re); err != nil {
				return nil, err
			}
		}
	}
	places := re.FindAllStringSubmatchIndex(s, n)
	if !m.charge(len(places) * (boxSize + 16*(re.NumSubexp()+1))) {
		return nil, m.err
	}
	return places, nil
}

// quick is how long a text may be whose matches are all looked for at once, in bytes.
const quick = 1000

// rehearse looks for four times as many matches each time, until it has seen all or the
// time that it takes foretells that they take too long. regexp cannot be interrupted.
func (m *machine) rehearse(s string, re *pattern.Pattern) error {
	start := time.Now()
	for n := 1; len(re.FindAllStringIndex(s, n)) == n && n < len(s)/4; n *= 4 {
		if time.Since(start) > TimeLimit/4 {
			m.err = fmt.Errorf("%w: a regular expression has too many matches", ErrTime)
			return m.err
		}
		if !m.charge(24 * n) {
			return m.err
		}
	}
	return nil
}

func (m *machine) matches(s string, re *pattern.Pattern, all bool) any {
	places, err := m.found(s, re, all)
	if err != nil {
		return err
	}
	if !m.charge(len(places) * (1 + re.NumSubexp()) * objectSize(4)) {
		return m.err
	}
	at := &runes{s: s}
	matches := make([]any, len(places))
	for i, place := range places {
		match := at.capture(place[0], place[1])
		captures := make([]any, 0, re.NumSubexp())
		for j, name := range re.SubexpNames()[1:] {
			c := at.capture(place[2*j+2], place[2*j+3])
			if c["name"] = nil; name != "" {
				c["name"] = name
			}
			captures = append(captures, c)
		}
		match["captures"] = captures
		matches[i] = match
	}
	return matches
}

// runes counts characters up to a byte, from the last one that it was asked for.
type runes struct {
	s            string
	bytes, count int
}

func (r *runes) before(i int) int {
	if i < r.bytes {
		r.count -= utf8.RuneCountInString(r.s[i:r.bytes])
	} else {
		r.count += utf8.RuneCountInString(r.s[r.bytes:i])
	}
	r.bytes = i
	return r.count
}

func (r *runes) capture(start, end int) map[string]any {
	if start < 0 {
		return map[string]any{"offset": -1, "length": 0, "string": nil}
	}
	offset := r.before(start)
	return map[string]any{"offset": offset, "length": r.before(end) - offset, "string": r.s[start:end]}
}

// pieces cuts a text at the matches: [[[text before, {named captures}], …], text after].
func (m *machine) pieces(s string, re *pattern.Pattern, all bool) any {
	places, err := m.found(s, re, all)
	if err != nil {
		return err
	}
	names := re.SubexpNames()[1:]
	if !m.charge(len(places) * (2*boxSize + 2*itemSize + objectSize(len(names)))) {
		return m.err
	}
	pieces := make([]any, len(places))
	from := 0
	for i, place := range places {
		captures := map[string]any{}
		for j, name := range names {
			if name == "" {
				continue
			}
			if captures[name] = nil; place[2*j+2] >= 0 {
				captures[name] = s[place[2*j+2]:place[2*j+3]]
			}
		}
		pieces[i] = []any{s[from:place[0]], captures}
		from = place[1]
	}
	return []any{pieces, s[from:]}
}
