package schema

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// Check holds a document, strict JSON, against the schema. It returns the faults, none if
// it fits, always in the same order, the first MaxFaults of them. The error is
// ErrTooComplex, or says that the document is no JSON.
func (s *Schema) Check(document []byte) ([]Fault, error) {
	v, err := decode(document)
	if err != nil {
		return nil, fmt.Errorf("check: %w", err)
	}
	c := &check{}
	err = c.run(s.root, v)
	switch {
	case errors.Is(err, errEnough):
		err = nil
	case err != nil:
		return nil, err
	}
	return c.faults, nil
}

// errEnough ends a check that has found MaxFaults.
var errEnough = errors.New("enough faults")

// A check is one document's.
type check struct {
	work   int
	depth  int
	path   []string // of the value that is evaluated
	faults []Fault
}

// stop is what pay panics with: evaluations nest deep, and none of them has anything to
// add to the reason.
type stop struct{ err error }

func (c *check) run(root *node, v any) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case stop:
			err = r.err
		default:
			panic(r)
		}
	}()
	c.evaluate(root, v, true, nil)
	return nil
}

// pay counts work that is about to be done.
func (c *check) pay(units int) {
	if c.work += units; c.work > MaxWork {
		panic(stop{fmt.Errorf("%w: checking this document takes too long", ErrTooComplex)})
	}
}

// fault notes a fault at the value, or at a part of it. The same fault may be found by
// several parts of a schema.
func (c *check) fault(message string, part ...string) {
	c.pay(1000)
	f := Fault{pointer(append(slices.Clip(c.path), part...)), message}
	if slices.Contains(c.faults, f) {
		return
	}
	if c.faults = append(c.faults, f); len(c.faults) == MaxFaults {
		panic(stop{errEnough})
	}
}

// within evaluates a part of the value.
func (c *check) within(n *node, v any, part string, report bool) bool {
	c.path = append(c.path, part)
	ok := c.evaluate(n, v, report, nil)
	c.path = c.path[:len(c.path)-1]
	return ok
}

func (c *check) item(n *node, v any, i int, report bool) bool {
	return c.within(n, v, strconv.Itoa(i), report)
}
