package schema

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strconv"
	"unicode/utf8"
)

func (e *evaluation) object(object map[string]any) {
	n := e.n
	e.count(len(object), n.minProperties, n.maxProperties, "property", "properties")
	for _, name := range n.required {
		if _, there := object[name]; !there {
			e.fail("is required", name)
		}
	}
	for _, r := range n.requires {
		if _, there := object[r.name]; !there {
			continue
		}
		for _, name := range r.value {
			if _, there := object[name]; !there {
				e.fail(fmt.Sprintf("is required, because %s is there", show(r.name)), name)
			}
		}
	}
	e.pay(memberCost * (len(n.required) + len(n.requires)))
	if e.done() || n.names == nil && n.properties == nil && n.patterns == nil && n.additional == nil {
		return
	}
	e.pay(4 * memberCost * len(object)) // to sort the names
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if e.member(name, object[name]); e.done() {
			return
		}
	}
}

func (e *evaluation) member(name string, v any) {
	n, known := e.n, false
	if n.names != nil {
		e.memberName(name)
	}
	apply := func(s *node) {
		known = true
		e.seen.name(name)
		if !e.done() {
			e.and(e.within(s, v, name, e.report))
		}
	}
	if s, ok := n.properties[name]; ok {
		apply(s)
	}
	for _, p := range n.patterns {
		e.pay(p.pattern.Cost(len(name)))
		if p.pattern.MatchString(name) {
			apply(p.value)
		}
	}
	if !known && n.additional != nil {
		apply(n.additional)
	}
}

// memberName reports at the member, since a name has no place of its own.
func (e *evaluation) memberName(name string) {
	if !e.evaluate(e.n.names, name, false, nil) {
		e.fail("has a name that is not allowed", name)
	}
}

// restOfObject is what no schema on the same object has evaluated.
func (e *evaluation) restOfObject(object map[string]any) {
	rest := e.n.unevaluatedProperties
	if rest == nil {
		return
	}
	e.pay(4 * memberCost * len(object))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if e.seen.names[name] {
			continue
		}
		if e.seen.name(name); !e.and(e.within(rest, object[name], name, e.report)) {
			return
		}
	}
}

func (e *evaluation) array(array []any) {
	n := e.n
	e.count(len(array), n.minItems, n.maxItems, "item", "items")
	if n.unique {
		e.distinct(array)
	}
	for i, v := range array {
		s := n.items
		if i < len(n.prefix) {
			s = n.prefix[i]
		}
		if s == nil || e.done() {
			break
		}
		e.seen.item(i)
		e.and(e.item(s, v, i, e.report))
	}
	if n.contains != nil && !e.done() {
		e.contained(array)
	}
}

// distinct compares by key: comparing each with each would take a square of the items.
func (e *evaluation) distinct(array []any) {
	first := make(map[string]int, len(array))
	for i, v := range array {
		e.pay(size(v) + 4*memberCost)
		key := newConstant(v).key
		if j, twice := first[key]; twice {
			e.fail(fmt.Sprintf("is the same as item %d, and items must differ", j), strconv.Itoa(i))
			return
		}
		first[key] = i
	}
}

func (e *evaluation) contained(array []any) {
	n, matches := e.n, 0
	for i, v := range array {
		if e.item(n.contains, v, i, false) {
			if matches++; n.containsEvaluates {
				e.seen.item(i)
			}
		}
	}
	least := 1
	if n.minContains != nil {
		least = *n.minContains
	}
	if matches < least {
		e.fail(fmt.Sprintf("must have at least %s that matches the schema under contains", counted(least, "item", "items")))
	}
	if n.maxContains != nil && matches > *n.maxContains {
		e.fail(fmt.Sprintf("must have at most %s that matches the schema under contains", counted(*n.maxContains, "item", "items")))
	}
}

func (e *evaluation) restOfArray(array []any) {
	rest := e.n.unevaluatedItems
	if rest == nil {
		return
	}
	e.pay(memberCost * len(array))
	for i, v := range array {
		if e.seen.items[i] {
			continue
		}
		if e.seen.item(i); !e.and(e.item(rest, v, i, e.report)) {
			return
		}
	}
}

func (e *evaluation) text(s string) {
	n := e.n
	if n.minLength != nil || n.maxLength != nil {
		e.pay(len(s))
		e.count(utf8.RuneCountInString(s), n.minLength, n.maxLength, "character", "characters")
	}
	if n.pattern == nil {
		return
	}
	if e.pay(n.pattern.Cost(len(s))); !n.pattern.MatchString(s) {
		e.fail("must match the pattern " + clip(n.pattern.String()))
	}
}

func (e *evaluation) number(literal json.Number) {
	n := e.n
	if n.bounds == nil && n.multipleOf == nil {
		return
	}
	e.pay(3 * size(literal))
	r := rational(literal)
	for _, b := range n.bounds {
		if !b.holds(r.Cmp(b.limit)) {
			e.fail("must be " + b.words + " " + showRational(b.limit))
		}
	}
	if n.multipleOf != nil && !new(big.Rat).Quo(r, n.multipleOf).IsInt() {
		e.fail("must be a multiple of " + showRational(n.multipleOf))
	}
}

// count checks a number of parts against its limits.
func (e *evaluation) count(got int, least, most *int, one, many string) {
	if least != nil && got < *least {
		e.fail(fmt.Sprintf("must have at least %s, and has %d", counted(*least, one, many), got))
	}
	if most != nil && got > *most {
		e.fail(fmt.Sprintf("must have at most %s, and has %d", counted(*most, one, many), got))
	}
}
