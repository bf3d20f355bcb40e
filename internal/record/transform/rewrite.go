package transform

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/itchyny/gojq"
)

// reserved begins the names that we put into a program, so its own may not begin so.
const reserved = "__"

// rewrite makes of a parsed program one that charges for what it does: operators
// become calls of our functions, and before gojq's functions stand our guards. What is not
// known to be bounded is not there at all: a name that is neither the program's nor in
// natives or the prelude is an error.
func rewrite(q *gojq.Query) (*gojq.Query, error) {
	if q.Meta != nil || len(q.Imports) > 0 {
		return nil, errors.New("a transform has no modules, and cannot import or include")
	}
	w := &rewriter{prelude: prelude(), used: map[string]bool{}}
	q = w.query(q, nil)
	if w.err != nil {
		return nil, w.err
	}
	q.FuncDefs = slices.Concat(w.prelude.definitions(w.used), q.FuncDefs)
	return q, nil
}

// A rewriter keeps the first error, so that the walk reads as the grammar does.
type rewriter struct {
	prelude *library        // nil if this is the prelude, which may use our names
	used    map[string]bool // functions of the prelude that are called
	err     error
}

// A scope is the functions that are defined where a query stands, the last first.
type scope struct {
	name string // with its number of arguments, as map/1
	up   *scope
}

func (s *scope) has(name string) bool {
	for ; s != nil; s = s.up {
		if s.name == name {
			return true
		}
	}
	return false
}

func (w *rewriter) fail(format string, args ...any) {
	if w.err == nil {
		w.err = fmt.Errorf(format, args...)
	}
}

// checkName refuses a name that the program gives to something.
func (w *rewriter) checkName(name string) {
	if w.prelude != nil && strings.HasPrefix(strings.TrimPrefix(name, "$"), reserved) {
		w.fail("%s: names that begin with two underscores are reserved", name)
	}
}

func (w *rewriter) query(q *gojq.Query, s *scope) *gojq.Query {
	if q == nil || w.err != nil {
		return q
	}
	out := &gojq.Query{Op: q.Op}
	for _, d := range q.FuncDefs {
		s = &scope{signature(d.Name, len(d.Args)), s}
		out.FuncDefs = append(out.FuncDefs, w.define(d, s))
	}
	switch {
	case q.Term != nil:
		out.Term = w.term(q.Term, s)
		return out
	case q.Left == nil || q.Right == nil:
		w.fail(`there is nothing to do (try ".")`)
		return q
	}
	q = w.operation(q, s)
	q.FuncDefs = out.FuncDefs
	return q
}

func (w *rewriter) define(d *gojq.FuncDef, s *scope) *gojq.FuncDef {
	w.checkName(d.Name)
	for _, arg := range d.Args {
		w.checkName(arg)
		s = &scope{signature(strings.TrimPrefix(arg, "$"), 0), s}
	}
	return &gojq.FuncDef{Name: d.Name, Args: d.Args, Body: w.query(d.Body, s)}
}

// operators are the names of our functions for them. They take the left and the right
// operand.
var operators = map[gojq.Operator]string{
	gojq.OpAdd: "__add", gojq.OpSub: "__subtract", gojq.OpMul: "__multiply", gojq.OpDiv: "__divide", gojq.OpMod: "__modulo",
	gojq.OpEq: "__equal", gojq.OpNe: "__unequal", gojq.OpLt: "__less", gojq.OpLe: "__lesseq", gojq.OpGt: "__greater", gojq.OpGe: "__greatereq",
}

// updates are the operators within the updating ones.
var updates = map[gojq.Operator]gojq.Operator{
	gojq.OpUpdateAdd: gojq.OpAdd, gojq.OpUpdateSub: gojq.OpSub, gojq.OpUpdateMul: gojq.OpMul,
	gojq.OpUpdateDiv: gojq.OpDiv, gojq.OpUpdateMod: gojq.OpMod, gojq.OpUpdateAlt: gojq.OpAlt,
}

func (w *rewriter) operation(q *gojq.Query, s *scope) *gojq.Query {
	left, right := w.query(q.Left, s), w.query(q.Right, s)
	if w.err != nil {
		return q
	}
	if name, ok := operators[q.Op]; ok {
		return call(name, left, right)
	}
	if op, ok := updates[q.Op]; ok {
		operand := call("$__operand")
		change := &gojq.Query{Left: identity(), Op: op, Right: operand}
		if name, ok := operators[op]; ok {
			change = call(name, identity(), operand)
		}
		return bind(right, "$__operand", w.modify(left, change))
	}
	switch q.Op {
	case gojq.OpAssign:
		return bind(right, "$__value", w.assign(left))
	case gojq.OpModify:
		return w.modify(left, right)
	}
	return &gojq.Query{Left: left, Op: q.Op, Right: right, Patterns: w.patterns(q.Patterns, s)}
}

// assign is
//
//	reduce path(left) as $__path (__edit; __set($__path; $__value)) | __edited
//
// where __edit makes a copy on write of its input. gojq's own = and |= would set
// whatever index a path has.
func (w *rewriter) assign(left *gojq.Query) *gojq.Query {
	return pipe(reducePaths(left, call("__set", call("$__path"), call("$__value"))), call("__edited"))
}

// modify is
//
//	reduce path(left) as $__path (__edit; . as $__edit | label $__done |
//	  ((__get($__path) | change) as $__value | $__edit | __set($__path; $__value) | ., break $__done),
//	  ($__edit | __unset($__path))) | __edited
//
// so the first value of the change counts, and if there is none the path is deleted.
func (w *rewriter) modify(left, change *gojq.Query) *gojq.Query {
	set := pipe(pipe(call("$__edit"), call("__set", call("$__path"), call("$__value"))),
		&gojq.Query{Left: identity(), Op: gojq.OpComma, Right: term(&gojq.Term{Type: gojq.TermTypeBreak, Break: "$__done"})})
	changed := bind(pipe(call("__get", call("$__path")), change), "$__value", set)
	unset := pipe(call("$__edit"), call("__unset", call("$__path")))
	first := term(&gojq.Term{Type: gojq.TermTypeLabel, Label: &gojq.Label{Ident: "$__done",
		Body: &gojq.Query{Left: changed, Op: gojq.OpComma, Right: unset}}})
	return pipe(reducePaths(left, bind(identity(), "$__edit", first)), call("__edited"))
}

func reducePaths(left, update *gojq.Query) *gojq.Query {
	paths := pipe(term(&gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: "path", Args: []*gojq.Query{left}}}), call("__shallow"))
	return term(&gojq.Term{Type: gojq.TermTypeReduce, Reduce: &gojq.Reduce{
		Query: paths, Patterns: []*gojq.Pattern{{Name: "$__path"}}, Start: call("__edit"), Update: update}})
}

func (w *rewriter) patterns(all []*gojq.Pattern, s *scope) []*gojq.Pattern {
	var out []*gojq.Pattern
	for _, p := range all {
		out = append(out, w.pattern(p, s))
	}
	return out
}

func (w *rewriter) pattern(p *gojq.Pattern, s *scope) *gojq.Pattern {
	w.checkName(p.Name)
	out := &gojq.Pattern{Name: p.Name, Array: w.patterns(p.Array, s)}
	for _, o := range p.Object {
		w.checkName(o.Key)
		c := &gojq.PatternObject{Key: o.Key, KeyString: o.KeyString}
		if o.KeyString != nil && o.KeyString.Queries != nil {
			c.KeyString, c.KeyQuery = nil, w.text(o.KeyString, "", s)
		} else if o.KeyQuery != nil {
			c.KeyQuery = pipe(w.query(o.KeyQuery, s), call("__key"))
		}
		if o.Val != nil {
			c.Val = w.pattern(o.Val, s)
		}
		out.Object = append(out.Object, c)
	}
	return out
}

func (w *rewriter) term(t *gojq.Term, s *scope) *gojq.Term {
	out := w.bare(t, s)
	for _, suffix := range t.SuffixList {
		switch {
		case w.err != nil:
			return t
		case suffix.Iter: // .[] copies what it iterates over
			out = &gojq.Term{Type: gojq.TermTypeQuery, Query: pipe(term(out), call("__iterate")), SuffixList: []*gojq.Suffix{suffix}}
		case suffix.Index != nil:
			out.SuffixList = append(out.SuffixList, &gojq.Suffix{Index: w.index(suffix.Index, s)})
		default:
			out.SuffixList = append(out.SuffixList, suffix)
		}
	}
	return out
}

// bare rewrites a term without its suffixes. The term that it returns is a new one.
func (w *rewriter) bare(t *gojq.Term, s *scope) *gojq.Term {
	out := &gojq.Term{Type: t.Type}
	switch t.Type {
	case gojq.TermTypeRecurse:
		return wrap(w.call(&gojq.Func{Name: "recurse"}, s))
	case gojq.TermTypeIndex:
		out.Index = w.index(t.Index, s)
	case gojq.TermTypeFunc:
		return wrap(w.call(t.Func, s))
	case gojq.TermTypeObject:
		return wrap(w.object(t.Object, s))
	case gojq.TermTypeArray:
		out.Array = w.array(t.Array, s)
	case gojq.TermTypeNumber:
		if out.Number = t.Number; len(t.Number) > maxDigits {
			w.fail("a number has more than %d digits", maxDigits)
		}
	case gojq.TermTypeUnary:
		out.Unary = &gojq.Unary{Op: t.Unary.Op, Term: w.term(t.Unary.Term, s)}
	case gojq.TermTypeFormat:
		if !slices.Contains(formats, t.Format) {
			w.fail("%s: no such format", t.Format)
			return t
		}
		if t.Str == nil {
			return wrap(formatted(t.Format))
		}
		return wrap(w.text(t.Str, t.Format, s))
	case gojq.TermTypeString:
		return wrap(w.text(t.Str, "", s))
	case gojq.TermTypeIf:
		out.If = &gojq.If{Cond: w.query(t.If.Cond, s), Then: w.query(t.If.Then, s), Else: w.query(t.If.Else, s)}
		for _, e := range t.If.Elif {
			out.If.Elif = append(out.If.Elif, &gojq.IfElif{Cond: w.query(e.Cond, s), Then: w.query(e.Then, s)})
		}
	case gojq.TermTypeTry:
		out.Try = &gojq.Try{Body: w.query(t.Try.Body, s), Catch: w.query(t.Try.Catch, s)}
	case gojq.TermTypeReduce:
		r := t.Reduce
		out.Reduce = &gojq.Reduce{Query: w.query(r.Query, s), Patterns: w.patterns(r.Patterns, s), Start: w.query(r.Start, s), Update: w.query(r.Update, s)}
	case gojq.TermTypeForeach:
		f := t.Foreach
		out.Foreach = &gojq.Foreach{Query: w.query(f.Query, s), Patterns: w.patterns(f.Patterns, s), Start: w.query(f.Start, s),
			Update: w.query(f.Update, s), Extract: w.query(f.Extract, s)}
	case gojq.TermTypeLabel:
		w.checkName(t.Label.Ident)
		out.Label = &gojq.Label{Ident: t.Label.Ident, Body: w.query(t.Label.Body, s)}
	case gojq.TermTypeBreak:
		w.checkName(t.Break)
		out.Break = t.Break
	case gojq.TermTypeQuery:
		out.Query = w.query(t.Query, s)
	}
	return out
}

// index guards what an array or object is indexed with: an array there would search.
func (w *rewriter) index(x *gojq.Index, s *scope) *gojq.Index {
	out := &gojq.Index{Name: x.Name, Str: x.Str, IsSlice: x.IsSlice, Start: w.query(x.Start, s), End: w.query(x.End, s)}
	switch {
	case x.Str != nil && x.Str.Queries != nil:
		out.Str, out.Start = nil, w.text(x.Str, "", s)
	case x.Start != nil && !x.IsSlice && !constant(x.Start):
		out.Start = pipe(out.Start, call("__key"))
	}
	return out
}

// array charges for each item as it comes, unless the items stand in the program.
func (w *rewriter) array(a *gojq.Array, s *scope) *gojq.Array {
	if a.Query == nil || constant(a.Query) {
		return a
	}
	return &gojq.Array{Query: pipe(w.query(a.Query, s), call("__item"))}
}

// constant says whether a query is literals only.
func constant(q *gojq.Query) bool {
	if q.Op == gojq.OpComma && len(q.FuncDefs) == 0 {
		return constant(q.Left) && constant(q.Right)
	}
	if q.Term == nil || len(q.FuncDefs) > 0 || len(q.Term.SuffixList) > 0 {
		return false
	}
	switch q.Term.Type {
	case gojq.TermTypeNull, gojq.TermTypeTrue, gojq.TermTypeFalse:
		return true
	case gojq.TermTypeNumber:
		return len(q.Term.Number) <= maxDigits
	case gojq.TermTypeString:
		return q.Term.Str.Queries == nil
	}
	return false
}

func (w *rewriter) object(o *gojq.Object, s *scope) *gojq.Query {
	out := &gojq.Object{}
	for _, kv := range o.KeyVals {
		c := &gojq.ObjectKeyVal{Key: kv.Key, KeyString: kv.KeyString, KeyQuery: w.query(kv.KeyQuery, s), Val: w.query(kv.Val, s)}
		if strings.HasPrefix(kv.Key, "$") {
			w.variable(kv.Key)
		}
		if kv.KeyString != nil && kv.KeyString.Queries != nil {
			if kv.Val == nil {
				w.fail("%s: a name with \\(…) in it needs a value, {name: value}", kv.KeyString)
			}
			c.KeyString, c.KeyQuery = nil, w.text(kv.KeyString, "", s)
		}
		out.KeyVals = append(out.KeyVals, c)
	}
	made := term(&gojq.Term{Type: gojq.TermTypeObject, Object: out})
	if len(out.KeyVals) == 0 {
		return made
	}
	return pipe(made, call("__object"))
}

// formats are the names of @-formats.
var formats = []string{"@text", "@json", "@html", "@uri", "@urid", "@csv", "@tsv", "@sh", "@base64", "@base64d"}

func formatted(format string) *gojq.Query {
	return pipe(call("__encode"), term(&gojq.Term{Type: gojq.TermTypeFormat, Format: format}))
}

// text rewrites a string: its parts, those in \(…) formatted, are added up.
func (w *rewriter) text(t *gojq.String, format string, s *scope) *gojq.Query {
	if t.Queries == nil {
		return term(&gojq.Term{Type: gojq.TermTypeString, Str: t})
	}
	if format == "" {
		format = "@text"
	}
	all := term(&gojq.Term{Type: gojq.TermTypeString, Str: &gojq.String{}})
	for i, part := range t.Queries {
		if part.Term.Str == nil {
			part = pipe(w.query(part, s), formatted(format))
		}
		if i == 0 {
			all = part
		} else {
			all = call("__add", all, part)
		}
	}
	return all
}

// call rewrites a call of a function or a variable.
func (w *rewriter) call(f *gojq.Func, s *scope) *gojq.Query {
	if strings.HasPrefix(f.Name, "$") {
		w.variable(f.Name)
		return term(&gojq.Term{Type: gojq.TermTypeFunc, Func: f})
	}
	name := signature(f.Name, len(f.Args))
	args := make([]*gojq.Query, len(f.Args))
	for i, a := range f.Args {
		args[i] = w.query(a, s)
	}
	plain := term(&gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: f.Name, Args: args}})
	n, isNative := natives[name]
	switch {
	case s.has(name):
		if w.prelude == nil {
			w.used[name] = true
		}
		return plain
	case w.prelude == nil && strings.HasPrefix(f.Name, reserved):
		return call(f.Name, args...)
	case w.prelude != nil && strings.HasPrefix(f.Name, "_"):
		w.fail("%s is not defined", name)
	case w.prelude != nil && w.prelude.has(name):
		w.used[name] = true
		return plain
	case refused[f.Name] != "":
		w.fail("%s cannot be used in a transform: %s", f.Name, refused[f.Name])
	case !isNative:
		w.fail("%s is not defined", name)
	case n.guard == "":
		return plain
	case n.late:
		return pipe(plain, call(n.guard))
	}
	return guarded(n.guard, f.Name, args)
}

// guarded calls a guard and then the function with the same arguments, for each
// combination of their values, the last argument's outermost, as gojq itself does.
func guarded(guard, name string, args []*gojq.Query) *gojq.Query {
	vars := make([]*gojq.Query, len(args))
	for i := range args {
		vars[i] = call("$__arg" + strconv.Itoa(i))
	}
	q := pipe(call(guard, vars...), term(&gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: name, Args: vars}}))
	for i, a := range args {
		q = bind(a, "$__arg"+strconv.Itoa(i), q)
	}
	return q
}

// variable refuses variables that are ours or the process's.
func (w *rewriter) variable(name string) {
	if refused[name] != "" {
		w.fail("%s cannot be used in a transform: %s", name, refused[name])
	}
	w.checkName(name)
}

func signature(name string, args int) string { return name + "/" + strconv.Itoa(args) }

// call is a call of one of our functions, or a variable of ours.
func call(name string, args ...*gojq.Query) *gojq.Query {
	return term(&gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: name, Args: args}})
}

func term(t *gojq.Term) *gojq.Query { return &gojq.Query{Term: t} }

func identity() *gojq.Query { return term(&gojq.Term{Type: gojq.TermTypeIdentity}) }

func pipe(left, right *gojq.Query) *gojq.Query {
	return &gojq.Query{Left: left, Op: gojq.OpPipe, Right: right}
}

func bind(value *gojq.Query, name string, in *gojq.Query) *gojq.Query {
	return &gojq.Query{Left: value, Patterns: []*gojq.Pattern{{Name: name}}, Op: gojq.OpPipe, Right: in}
}

// wrap makes a term of a query, to which suffixes can be added.
func wrap(q *gojq.Query) *gojq.Term {
	if q.Term != nil && len(q.FuncDefs) == 0 {
		t := *q.Term
		return &t
	}
	return &gojq.Term{Type: gojq.TermTypeQuery, Query: q}
}
