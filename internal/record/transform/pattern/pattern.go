// Package pattern compiles regular expressions of others, in Go's syntax (RE2, so there
// are no look-aheads and no back-references), whose size and time are bounded.
//
// RE2's time is linear in the text, but its factor is the size of the compiled
// expression, and a short expression can be large: (…){1000} is a thousand times what it
// repeats.
package pattern

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
)

// MaxSize is how large an expression may be, in instructions of regexp's machine.
const MaxSize = 10_000

// maxText is how long an expression may be, in bytes.
const maxText = 16 << 10

// ErrTooLarge is an expression over MaxSize.
var ErrTooLarge = errors.New("the regular expression is too large")

// A Pattern is a compiled expression.
type Pattern struct {
	*regexp.Regexp
	size int
}

// Compile compiles an expression. Its errors are those of regexp, and ErrTooLarge.
func Compile(text string) (*Pattern, error) {
	if len(text) > maxText {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, len(text), maxText)
	}
	tree, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return nil, err
	}
	n := size(tree)
	if n > MaxSize {
		return nil, fmt.Errorf("%w: its repetitions make %d instructions, at most %d", ErrTooLarge, n, MaxSize)
	}
	re, err := regexp.Compile(text)
	if err != nil {
		return nil, err
	}
	return &Pattern{re, n}, nil
}

// Cost is about the most nanoseconds that one match over a text of so many bytes takes.
// All matches of a text can take that each: after a match, a*b|a looks for the b again.
func (p *Pattern) Cost(bytes int) int {
	return 100 + bytes*(20+3*p.size)
}

// Size is the number of instructions, about 200 bytes of memory each.
func (p *Pattern) Size() int { return p.size }

// size estimates the instructions that an expression compiles to, from above. It is at
// most twice MaxSize or so, so it cannot overflow.
func size(re *syntax.Regexp) int {
	n := 1 + len(re.Rune)
	if re.Op == syntax.OpCharClass {
		n = 1 + len(re.Rune)/16 // one instruction, whose ranges are searched by halves
	}
	for _, sub := range re.Sub {
		n = min(n+size(sub)+2, 1<<24)
	}
	if re.Op == syntax.OpRepeat {
		times := re.Max
		if times < 0 {
			times = re.Min + 1
		}
		n = min(n*max(times, 1), 1<<24)
	}
	return n
}
