package transform

import (
	_ "embed"
	"sync"

	"github.com/itchyny/gojq"
)

//go:embed prelude.jq
var preludeText string

// A library is the prelude: rewritten definitions in their order, and which others each
// of them calls.
type library struct {
	defs  []*gojq.FuncDef
	calls map[string]map[string]bool
}

// prelude is rewritten when the first program is compiled.
var prelude = sync.OnceValue(func() *library {
	q, err := gojq.Parse(preludeText + "\n.")
	if err != nil {
		panic("prelude.jq: " + syntaxError(preludeText, err))
	}
	l := &library{calls: map[string]map[string]bool{}}
	var s *scope
	for _, d := range q.FuncDefs {
		w := &rewriter{used: map[string]bool{}}
		name := signature(d.Name, len(d.Args))
		s = &scope{name, s}
		def := w.define(d, s)
		if w.err != nil {
			panic("prelude.jq: " + name + ": " + w.err.Error())
		}
		l.defs = append(l.defs, def)
		l.calls[name] = w.used
	}
	return l
})

func (l *library) has(name string) bool {
	_, ok := l.calls[name]
	return ok
}

// definitions returns those that a program uses, and those that they use, in order.
func (l *library) definitions(used map[string]bool) []*gojq.FuncDef {
	wanted := map[string]bool{}
	var want func(name string)
	want = func(name string) {
		if wanted[name] {
			return
		}
		wanted[name] = true
		for other := range l.calls[name] {
			want(other)
		}
	}
	for name := range used {
		want(name)
	}
	var defs []*gojq.FuncDef
	for _, d := range l.defs {
		if wanted[signature(d.Name, len(d.Args))] {
			defs = append(defs, d)
		}
	}
	return defs
}
