package transform

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/itchyny/gojq"
)

// heavy is held by the one run that may use more than lightWork or lightStack.
var heavy = make(chan struct{}, 1)

// A meter counts what one run takes, and ends it when it is too much. It is the context
// of the run: the interpreter calls Done before each of its instructions, in the run's
// own goroutine, so there is nothing to lock and no watchdog to be late.
type meter struct {
	context.Context
	deadline time.Time
	steps    int
	work     int
	stacks   []stack
	holds    bool // heavy
	turned   bool // one of turns
	err      error
}

// A stack is one of the interpreter's growing slices.
type stack struct {
	slice reflect.Value
	item  int // bytes
}

var ended = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

func newMeter(ctx context.Context) *meter {
	return &meter{Context: ctx, deadline: time.Now().Add(TimeLimit)}
}

func (m *meter) close() {
	m.leave(heavy, &m.holds)
	m.leave(turns, &m.turned)
}

// take waits for a place. The wait is not the program's time.
func (m *meter) take(places chan struct{}, has *bool) bool {
	start := time.Now()
	select {
	case places <- struct{}{}:
		*has = true
		m.deadline = m.deadline.Add(time.Since(start))
	case <-m.Context.Done():
		m.err = fmt.Errorf("transform: %w", context.Cause(m.Context))
	}
	return *has
}

func (m *meter) leave(places chan struct{}, has *bool) {
	if *has {
		<-places
		*has = false
	}
}

// watch has the interpreter's stacks looked at. Nothing else tells how deep a program
// recurses. They are unexported: if a version of gojq has others, watch panics, every run
// fails, and TestTheMeterSeesTheInterpretersStacks tells.
func (m *meter) watch(values gojq.Iter) {
	env := reflect.ValueOf(values).Elem()
	for _, s := range []reflect.Value{
		env.FieldByName("stack").Elem().FieldByName("data"),
		env.FieldByName("paths").Elem().FieldByName("data"),
		env.FieldByName("scopes").Elem().FieldByName("data"),
		env.FieldByName("values"),
		env.FieldByName("forks"),
	} {
		m.stacks = append(m.stacks, stack{s, int(s.Type().Elem().Size())})
	}
}

// stepsBetween is how many instructions pass between two looks at the clock and the stacks,
// some microseconds.
const stepsBetween = 64

// Done is asked before each instruction.
func (m *meter) Done() <-chan struct{} {
	m.steps++
	if m.steps%stepsBetween == 0 {
		m.look()
	}
	if m.err != nil {
		return ended
	}
	return nil
}

// Err is what the interpreter yields when the run is ended.
func (m *meter) Err() error { return m.err }

func (m *meter) look() {
	switch {
	case m.err != nil:
		return
	case m.Context.Err() != nil:
		m.err = fmt.Errorf("transform: %w", context.Cause(m.Context))
		return
	case time.Now().After(m.deadline):
		m.err = fmt.Errorf("%w: more than %v for one document", ErrTime, TimeLimit)
		return
	}
	size := 0
	for _, s := range m.stacks {
		size += s.slice.Cap() * s.item
	}
	if size > MaxStack {
		m.err = fmt.Errorf("%w: it calls itself too deep", ErrWork)
	} else if size > lightStack {
		m.alone()
	}
}

// charge pays for work that is about to be done, and says whether it may be. A charge
// that is refused ends the run: the program cannot catch it.
func (m *meter) charge(units int) bool {
	if m.err != nil {
		return false
	}
	if units < 0 || units > MaxWork-m.work {
		m.err = fmt.Errorf("%w: over %d MiB of values and work for one document", ErrWork, MaxWork>>20)
		return false
	}
	m.work += units
	if m.work > lightWork {
		m.alone()
	}
	return m.err == nil
}

// alone waits until no other run is heavy. Others take its turn meanwhile.
func (m *meter) alone() {
	if m.holds {
		return
	}
	turned := m.turned
	m.leave(turns, &m.turned)
	if m.take(heavy, &m.holds) && turned {
		m.take(turns, &m.turned)
	}
}

// tooDeep ends the run.
func (m *meter) tooDeep() {
	if m.err == nil {
		m.err = fmt.Errorf("%w: a value is nested deeper than %d", ErrWork, maxDepth)
	}
}

// explain makes of what the interpreter yielded an error of ours. The messages of
// gojq's errors are short, but those with a value of the program's would print all of it.
func (m *meter) explain(err error) error {
	if m.err != nil {
		return m.err
	}
	var raised gojq.ValueError
	if errors.As(err, &raised) {
		if s, ok := raised.Value().(string); ok {
			return fmt.Errorf("%w: %s", ErrRun, clip(s))
		}
		return fmt.Errorf("%w: error(%s)", ErrRun, gojq.Preview(raised.Value()))
	}
	return fmt.Errorf("%w: %s", ErrRun, clip(err.Error()))
}
