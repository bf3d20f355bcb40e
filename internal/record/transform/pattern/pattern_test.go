package pattern

import (
	"errors"
	"regexp/syntax"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestCompile(t *testing.T) {
	for _, text := range []string{``, `^[a-z]+$`, `(?i)é\p{L}*`, `(a|b){0,100}`, `a{1000}`, `\d{4}-\d{2}-\d{2}`} {
		p, err := Compile(text)
		if err != nil {
			t.Errorf("Compile(%q): %v", text, err)
		} else if p.String() != text {
			t.Errorf("got %q, want %q", p, text)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	var e *syntax.Error
	for _, text := range []string{`(`, `a(?=b)`, `(a)\1`, `[[:x:]]`, `a**`} {
		if _, err := Compile(text); !errors.As(err, &e) {
			t.Errorf("Compile(%q): got %v, want a syntax error", text, err)
		}
	}
	for _, text := range []string{`(` + strings.Repeat("a", 100) + `){1000}`, `((abcdefghij){30}){30}`, strings.Repeat("a", maxText+1), strings.Repeat(`(\pL{100}|b)`, 200)} {
		if _, err := Compile(text); !errors.Is(err, ErrTooLarge) {
			t.Errorf("Compile(%.30q): got %v, want %v", text, err, ErrTooLarge)
		}
	}
}

// TestSizeIsNotLess compares the estimate with what regexp makes of an expression.
func TestSizeIsNotLess(t *testing.T) {
	atom := rapid.SampledFrom([]string{`a`, `abc`, `.`, `[a-z0-9]`, `\pL`, `^`, `\b`, `(?i)k`, `é`, `(?:ab|cd|a)`, `(x)`})
	expression := rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		for range rapid.IntRange(1, 4).Draw(t, "parts") {
			part := `(?:` + atom.Draw(t, "atom") + rapid.SampledFrom([]string{``, `*`, `+?`, `{3}`, `{2,7}`, `{2,}`, `|z`}).Draw(t, "times") + `)`
			b.WriteString(part + rapid.SampledFrom([]string{``, `?`, `{4}`, `{0,5}`, `{3,}`}).Draw(t, "again"))
		}
		return b.String()
	})
	rapid.Check(t, func(t *rapid.T) {
		text := expression.Draw(t, "expression")
		p, err := Compile(text)
		if err != nil {
			t.Skip(err)
		}
		tree, _ := syntax.Parse(text, syntax.Perl)
		prog, err := syntax.Compile(tree.Simplify())
		if err != nil {
			t.Fatal(err)
		}
		if p.Size()+2 < len(prog.Inst) { // two begin and end each program
			t.Fatalf("%s: estimated %d, has %d instructions", text, p.Size(), len(prog.Inst))
		}
	})
}

func TestCostIsAboutNanoseconds(t *testing.T) {
	info, _ := debug.ReadBuildInfo()
	if info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("the race detector makes matching twenty times as slow")
	}
	text := strings.Repeat("a", 20_000)
	for _, expression := range []string{`a*b`, `(a|b)*c`, `(a?){400}b`, `(\pL{2}){20}é`, `((a+)(a+))+b`} {
		p, err := Compile(expression)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		p.FindStringSubmatchIndex(text)
		if took, cost := time.Since(start), time.Duration(p.Cost(len(text))); took > 20*cost+20*time.Millisecond {
			t.Errorf("%s took %v, and its cost is %v", expression, took, cost)
		}
	}
}
