package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// What things cost, in nanoseconds.
const (
	evaluationCost = 100
	memberCost     = 50
)

// evaluate says whether a value fits a schema, and reports why not if that is wanted;
// else it stops at the first reason. What was evaluated is added to seen, which is nil
// where nobody asks.
func (c *check) evaluate(n *node, v any, report bool, seen *evaluated) bool {
	c.pay(evaluationCost)
	if n.always != nil {
		if !*n.always && report {
			c.fault("is not allowed")
		}
		return *n.always
	}
	if c.depth++; c.depth > maxStack {
		panic(stop{fmt.Errorf("%w: its references are nested too deep", ErrTooComplex)})
	}
	e := &evaluation{check: c, n: n, v: v, report: report, ok: true}
	if seen != nil || n.unevaluatedProperties != nil || n.unevaluatedItems != nil {
		e.seen = newEvaluated() // its own: a schema that fails has evaluated nothing
	}
	e.all()
	c.depth--
	if e.ok && seen != nil {
		c.pay(memberCost * (len(e.seen.names) + len(e.seen.items)))
		maps.Copy(seen.names, e.seen.names)
		maps.Copy(seen.items, e.seen.items)
	}
	return e.ok
}

// evaluated is what of an object or array was evaluated, for unevaluatedProperties and
// unevaluatedItems.
type evaluated struct {
	names map[string]bool
	items map[int]bool
}

func newEvaluated() *evaluated { return &evaluated{map[string]bool{}, map[int]bool{}} }

func (e *evaluated) name(name string) {
	if e != nil {
		e.names[name] = true
	}
}

func (e *evaluated) item(i int) {
	if e != nil {
		e.items[i] = true
	}
}

// An evaluation is of one schema on one value.
type evaluation struct {
	*check
	n      *node
	v      any
	report bool
	seen   *evaluated
	ok     bool
}

// fail notes that the value does not fit.
func (e *evaluation) fail(message string, part ...string) {
	e.ok = false
	if e.report {
		e.fault(message, part...)
	}
}

// done says that nothing more is to be found out.
func (e *evaluation) done() bool { return !e.ok && !e.report }

// and adds the outcome of a part. It is false if the evaluation may end.
func (e *evaluation) and(ok bool) bool {
	e.ok = e.ok && ok
	return !e.done()
}

func (e *evaluation) all() {
	if !e.basic() {
		return // of another type, the rest says nothing that helps
	}
	if e.n.ref != nil && !e.and(e.evaluate(e.n.ref, e.v, e.report, e.seen)) {
		return
	}
	switch v := e.v.(type) {
	case map[string]any:
		e.object(v)
	case []any:
		e.array(v)
	case string:
		e.text(v)
	case json.Number:
		e.number(v)
	}
	if e.done() {
		return
	}
	if e.combined(); e.done() {
		return
	}
	switch v := e.v.(type) {
	case map[string]any:
		e.restOfObject(v)
	case []any:
		e.restOfArray(v)
	}
}

// basic is type, const, enum and format.
func (e *evaluation) basic() bool {
	n := e.n
	switch {
	case len(n.types) > 0 && !e.hasType():
		e.fail(typeMessage(n.types, e.v))
	case n.constant != nil && !e.isOneOf([]constant{*n.constant}):
		e.fail("must be " + show(n.constant.value))
	case n.enum != nil && !e.isOneOf(n.enum):
		e.fail(enumMessage(n.enum))
	case n.format != nil && !e.hasFormat():
		e.fail("is not a valid " + n.format.Name)
	}
	return e.ok
}

func (e *evaluation) hasType() bool {
	t, _ := typeOf(e.v)
	if slices.Contains(e.n.types, t) {
		return true
	}
	number, ok := e.v.(json.Number)
	if !ok || !slices.Contains(e.n.types, "integer") {
		return false
	}
	e.pay(size(number))
	return rational(number).IsInt()
}

func (e *evaluation) isOneOf(all []constant) bool {
	e.pay(size(e.v) + memberCost*len(all))
	key := newConstant(e.v).key
	return slices.ContainsFunc(all, func(c constant) bool { return c.key == key })
}

// hasFormat charges much for a regex, which is compiled.
func (e *evaluation) hasFormat() bool {
	s, ok := e.v.(string)
	if !ok {
		return true
	}
	if e.n.format == regex {
		e.pay(1_000_000)
	}
	e.pay(200 + 50*len(s))
	return e.n.format.Validate(s) == nil
}

// combined is what applies other schemas to the same value.
func (e *evaluation) combined() {
	n := e.n
	if n.not != nil && e.evaluate(n.not, e.v, false, nil) {
		e.fail("must not match the schema under not")
	}
	for _, s := range n.allOf {
		if !e.and(e.evaluate(s, e.v, e.report, e.seen)) {
			return
		}
	}
	if len(n.anyOf) > 0 && !e.any(n.anyOf) {
		e.fail(fmt.Sprintf("must match one of the %d schemas under anyOf", len(n.anyOf)))
	}
	if len(n.oneOf) > 0 {
		e.one(n.oneOf)
	}
	if n.cond != nil && !e.done() {
		if e.evaluate(n.cond, e.v, false, e.seen) {
			e.branch(n.then)
		} else {
			e.branch(n.otherwise)
		}
	}
	if object, ok := e.v.(map[string]any); ok {
		for _, d := range n.dependent {
			if _, there := object[d.name]; there {
				e.branch(d.value)
			}
		}
	}
}

func (e *evaluation) branch(n *node) {
	if n != nil && !e.done() {
		e.and(e.evaluate(n, e.v, e.report, e.seen))
	}
}

// any evaluates all schemas if somebody asks what was evaluated.
func (e *evaluation) any(all []*node) bool {
	matched := false
	for _, s := range all {
		if e.evaluate(s, e.v, false, e.seen) {
			if matched = true; e.seen == nil {
				return true
			}
		}
	}
	return matched
}

func (e *evaluation) one(all []*node) {
	matched := -1
	for i, s := range all {
		if !e.evaluate(s, e.v, false, e.seen) {
			continue
		}
		if matched >= 0 {
			e.fail(fmt.Sprintf("must match only one of the schemas under oneOf, not both %d and %d", matched, i))
			return
		}
		matched = i
	}
	if matched < 0 {
		e.fail(fmt.Sprintf("must match one of the %d schemas under oneOf", len(all)))
	}
}
