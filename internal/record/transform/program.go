package transform

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/itchyny/gojq"
)

// Limits of a Program.
const (
	MaxProgram  = 16 << 10    // bytes of its text
	TimeLimit   = time.Second // for one document
	MaxWork     = 128 << 20   // units for one document, see the package's comment
	MaxStack    = 16 << 20    // bytes of the interpreter's stacks
	lightWork   = 8 << 20     // units that a run may use while others run
	lightStack  = 1 << 20     // and bytes of stack
	maxDepth    = 1000        // of values while a program runs
	resultDepth = 32          // of what it yields, as of every document
)

// What can be wrong with a program, and with its run on a document. They are wrapped
// with words for the program's author.
var (
	// ErrProgram is a program that does not compile: its syntax, a name that is not
	// defined, or a function that a transform may not use.
	ErrProgram = errors.New("the transform is not valid")
	// ErrRun is an error that the program raised on this document.
	ErrRun = errors.New("the transform failed")
	// ErrResult is a program that yields something other than one object.
	ErrResult = errors.New("the transform must yield exactly one object")
	// ErrTime is a run that took longer than TimeLimit.
	ErrTime = errors.New("the transform took too long")
	// ErrWork is a run that took more than MaxWork or MaxStack, or made a value that
	// is nested too deep.
	ErrWork = errors.New("the transform takes too much memory")
)

// turns are those of the runs under way in the process. More of them than there are CPUs
// would only share those, and find that their time is over; to wait is not a run's time.
var turns = make(chan struct{}, runtime.GOMAXPROCS(0))

// A Program is a compiled jq program. Several goroutines may run it.
type Program struct {
	machines sync.Pool // of *machine
}

// A machine is a program's code, and the meter that the functions in it charge. A run
// has one to itself.
type machine struct {
	code *gojq.Code
	*meter
	expressions
}

// Compile compiles a jq program: the language and the functions of gojq, but for those
// that depend on the clock, the process or other files, which are refused here, as are
// names that begin with two underscores. Regular expressions are Go's (RE2). sub and gsub
// take the first value of their replacement. The error is ErrProgram.
func Compile(program string) (*Program, error) {
	if len(program) > MaxProgram {
		return nil, fmt.Errorf("%w: it has %d bytes, at most %d", ErrProgram, len(program), MaxProgram)
	}
	query, err := gojq.Parse(program)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrProgram, syntaxError(program, err))
	}
	if query, err = rewrite(query); err != nil {
		return nil, fmt.Errorf("%w: %s", ErrProgram, err)
	}
	first, err := assemble(query)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", ErrProgram, clip(err.Error()))
	}
	p := &Program{}
	p.machines.New = func() any {
		m, err := assemble(query)
		if err != nil {
			panic(err) // it was assembled once
		}
		return m
	}
	p.machines.Put(first)
	return p, nil
}

func assemble(query *gojq.Query) (m *machine, err error) {
	m = &machine{}
	m.code, err = gojq.Compile(query, m.functions()...)
	return m, err
}

// syntaxError says where a program is wrong: lines and columns from 1, columns in
// characters.
func syntaxError(program string, err error) string {
	var e *gojq.ParseError
	if !errors.As(err, &e) {
		return clip(err.Error())
	}
	at := min(max(e.Offset-len(e.Token), 0), len(program))
	line, column := 1, 1
	for _, r := range program[:at] {
		column++
		if r == '\n' {
			line, column = line+1, 1
		}
	}
	return fmt.Sprintf("line %d, column %d: %s", line, column, clip(err.Error()))
}

// Run makes the transformed document of an original, which must be one strict JSON
// object. Names are in the order of their bytes.
//
// A number that the program only moves keeps its literal, 1.50 stays 1.50. Calculating
// makes of it an integer, exact up to 1,023 bits, or a float64: 9007199254740993+1 is
// exact, 1.50+0 is 1.5. As jq has it, NaN becomes null and infinity the largest float64.
//
// Its errors are ErrRun, ErrResult, ErrTooLarge, ErrNumber, ErrTime, ErrWork, and the
// context's, when that ends first.
func (p *Program) Run(ctx context.Context, original []byte) ([]byte, error) {
	meter := newMeter(ctx)
	if !meter.take(turns, &meter.turned) {
		return nil, meter.err
	}
	m := p.machines.Get().(*machine)
	m.meter = meter
	defer func() {
		m.close()
		m.meter = nil // it holds what the run made
		p.machines.Put(m)
	}()
	in, err := m.decode(original)
	if err != nil {
		return nil, err
	}
	v, err := m.one(in)
	if err != nil {
		return nil, err
	}
	if _, ok := v.(map[string]any); !ok {
		return nil, fmt.Errorf("%w, and not %s", ErrResult, describe(v))
	}
	return m.encode(v)
}

// one runs the program to its end, and returns the only value that it yields.
func (m *machine) one(in any) (v any, err error) {
	defer func() {
		if r := recover(); r != nil { // a fault of the interpreter's is this run's own
			err = fmt.Errorf("%w: the interpreter: %v", ErrRun, r)
		}
	}()
	values := m.code.RunWithContext(m.meter, in)
	m.watch(values)
	v, ok := values.Next()
	switch err, failed := v.(error); {
	case failed:
		return nil, m.explain(err)
	case !ok:
		return nil, fmt.Errorf("%w, and it yields nothing", ErrResult)
	}
	second, more := values.Next()
	switch err, failed := second.(error); {
	case failed:
		return nil, m.explain(err)
	case more:
		return nil, fmt.Errorf("%w, and it yields several: first %s, then %s", ErrResult, describe(v), describe(second))
	}
	return v, nil
}

func describe(v any) string {
	if v == nil {
		return "null"
	}
	article := "a "
	switch gojq.TypeOf(v) {
	case "array", "object":
		article = "an "
	}
	return article + gojq.TypeOf(v) + ", " + gojq.Preview(v)
}

const maxMessage = 300

// clip shortens a message that repeats a document's text.
func clip(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	r := []rune(s[:maxMessage])
	return string(r[:len(r)-1]) + "…"
}
