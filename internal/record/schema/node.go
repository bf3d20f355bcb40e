package schema

import (
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/tallystick/tallystick/internal/record/transform/pattern"
)

// A node is one schema as it is evaluated. What the library keeps in maps stands in the
// order of its names here, so that faults always come in the same order.
type node struct {
	where  string // its pointer in the schema
	always *bool  // true and false are schemas

	types    []string
	constant *constant
	enum     []constant
	format   *jsonschema.Format

	// Applied to the same value.
	ref             *node
	allOf           []*node
	anyOf           []*node
	oneOf           []*node
	not             *node
	cond            *node
	then, otherwise *node
	dependent       []named[*node]

	// Objects.
	minProperties, maxProperties *int
	required                     []string
	requires                     []named[[]string] // dependentRequired
	names                        *node
	properties                   map[string]*node
	patterns                     []named[*node]
	additional                   *node
	unevaluatedProperties        *node

	// Arrays.
	minItems, maxItems       *int
	unique                   bool
	prefix                   []*node
	items                    *node // those after the prefix
	contains                 *node
	minContains, maxContains *int
	containsEvaluates        bool // from 2020-12 on
	unevaluatedItems         *node

	// Texts and numbers.
	minLength, maxLength *int
	pattern              *pattern.Pattern
	bounds               []bound
	multipleOf           *big.Rat
}

// regex is the format of that name. The library's would use Compile's engine, which
// counts the expressions of a schema.
var regex = &jsonschema.Format{Name: "regex", Validate: func(v any) error {
	_, err := pattern.Compile(v.(string))
	return err
}}

type named[T any] struct {
	name    string
	pattern *pattern.Pattern // of patternProperties
	value   T
}

// A bound is a minimum or maximum, exclusive or not.
type bound struct {
	limit *big.Rat
	words string
	holds func(order int) bool
}

// A builder makes nodes of the library's schemas, each once.
type builder struct {
	nodes map[*jsonschema.Schema]*node
	err   error
}

func newBuilder() *builder { return &builder{nodes: map[*jsonschema.Schema]*node{}} }

func (b *builder) build(s *jsonschema.Schema) (*node, error) {
	root := b.node(s)
	if b.err != nil {
		return nil, b.err
	}
	paths := map[*node]bool{}
	for _, n := range b.ordered() {
		if err := endless(n, paths); err != nil {
			return nil, err
		}
	}
	return root, nil
}

func (b *builder) ordered() []*node {
	return slices.SortedFunc(maps.Values(b.nodes), func(x, y *node) int { return strings.Compare(x.where, y.where) })
}

// endless finds schemas that apply themselves to the same value again. A schema that
// applies itself to a part of the value is fine, for documents end. Visited is false for
// nodes on the way to n, and true for those that are known to end.
func endless(n *node, visited map[*node]bool) error {
	ends, seen := visited[n]
	switch {
	case ends:
		return nil
	case seen:
		return fmt.Errorf("%w: %s refers to itself without an end", ErrTooComplex, quoteWhere(n.where))
	}
	visited[n] = false
	for _, next := range n.inPlace() {
		if err := endless(next, visited); err != nil {
			return err
		}
	}
	visited[n] = true
	return nil
}

func quoteWhere(where string) string {
	if where == "" {
		return "the schema"
	}
	return where
}

// inPlace are the schemas that a schema applies to the value that it is applied to.
func (n *node) inPlace() []*node {
	all := slices.Concat(n.allOf, n.anyOf, n.oneOf)
	for _, next := range []*node{n.ref, n.not, n.cond, n.then, n.otherwise} {
		if next != nil {
			all = append(all, next)
		}
	}
	for _, d := range n.dependent {
		all = append(all, d.value)
	}
	return all
}

// node makes a node and those that it refers to. The recursion is bounded by maxParts.
func (b *builder) node(s *jsonschema.Schema) *node {
	if s == nil || b.err != nil {
		return nil
	}
	if n, ok := b.nodes[s]; ok {
		return n
	}
	document, where, _ := strings.Cut(s.Location, "#")
	n := &node{where: where, always: s.Bool}
	b.nodes[s] = n
	switch {
	case document != location:
		b.err = fmt.Errorf("%w: %s refers to another document, and only #… within this one can be referred to", ErrSchema, clip(document))
	case s.DynamicRef != nil:
		b.err = fmt.Errorf("%w: %s: $dynamicRef is not supported, use $ref", ErrSchema, where)
	case s.RecursiveRef != nil:
		b.err = fmt.Errorf("%w: %s: $recursiveRef is not supported, use $ref", ErrSchema, where)
	}
	if s.Types != nil {
		n.types = s.Types.ToStrings()
	}
	if s.Const != nil {
		c := newConstant(*s.Const)
		n.constant = &c
	}
	if s.Enum != nil {
		n.enum = []constant{} // an empty enum fits nothing
		for _, v := range s.Enum.Values {
			n.enum = append(n.enum, newConstant(v))
		}
	}
	if n.format = s.Format; n.format != nil && n.format.Name == "regex" {
		n.format = regex
	}
	b.applicators(n, s)
	b.object(n, s)
	b.array(n, s)
	scalar(n, s)
	return n
}

func (b *builder) list(all []*jsonschema.Schema) []*node {
	var out []*node
	for _, s := range all {
		out = append(out, b.node(s))
	}
	return out
}

func (b *builder) applicators(n *node, s *jsonschema.Schema) {
	n.ref, n.not = b.node(s.Ref), b.node(s.Not)
	n.allOf, n.anyOf, n.oneOf = b.list(s.AllOf), b.list(s.AnyOf), b.list(s.OneOf)
	n.cond, n.then, n.otherwise = b.node(s.If), b.node(s.Then), b.node(s.Else)
	for _, name := range slices.Sorted(maps.Keys(s.DependentSchemas)) {
		n.dependent = append(n.dependent, named[*node]{name: name, value: b.node(s.DependentSchemas[name])})
	}
	for _, name := range slices.Sorted(maps.Keys(s.DependentRequired)) {
		n.requires = append(n.requires, named[[]string]{name: name, value: s.DependentRequired[name]})
	}
	for _, name := range slices.Sorted(maps.Keys(s.Dependencies)) { // before 2019-09
		switch d := s.Dependencies[name].(type) {
		case *jsonschema.Schema:
			n.dependent = append(n.dependent, named[*node]{name: name, value: b.node(d)})
		case []string:
			n.requires = append(n.requires, named[[]string]{name: name, value: d})
		}
	}
}

func (b *builder) object(n *node, s *jsonschema.Schema) {
	n.minProperties, n.maxProperties, n.required = s.MinProperties, s.MaxProperties, s.Required
	n.names = b.node(s.PropertyNames)
	if len(s.Properties) > 0 {
		n.properties = make(map[string]*node, len(s.Properties))
	}
	for name, p := range s.Properties {
		n.properties[name] = b.node(p)
	}
	for re, p := range s.PatternProperties {
		re := re.(*pattern.Pattern)
		n.patterns = append(n.patterns, named[*node]{name: re.String(), pattern: re, value: b.node(p)})
	}
	slices.SortFunc(n.patterns, func(x, y named[*node]) int { return strings.Compare(x.name, y.name) })
	n.additional = b.either(s.AdditionalProperties)
	n.unevaluatedProperties = b.node(s.UnevaluatedProperties)
}

// either is a schema that the library keeps as a bool or as itself.
func (b *builder) either(v any) *node {
	switch v := v.(type) {
	case bool:
		return &node{always: &v}
	case *jsonschema.Schema:
		return b.node(v)
	}
	return nil
}

func (b *builder) array(n *node, s *jsonschema.Schema) {
	n.minItems, n.maxItems, n.unique = s.MinItems, s.MaxItems, s.UniqueItems
	n.contains, n.minContains, n.maxContains = b.node(s.Contains), s.MinContains, s.MaxContains
	n.containsEvaluates = s.DraftVersion >= 2020
	n.unevaluatedItems = b.node(s.UnevaluatedItems)
	n.prefix, n.items = b.list(s.PrefixItems), b.node(s.Items2020)
	switch items := s.Items.(type) { // before 2020-12
	case *jsonschema.Schema:
		n.items = b.node(items)
	case []*jsonschema.Schema:
		n.prefix, n.items = b.list(items), b.either(s.AdditionalItems)
	}
}

func scalar(n *node, s *jsonschema.Schema) {
	n.minLength, n.maxLength = s.MinLength, s.MaxLength
	n.pattern, _ = s.Pattern.(*pattern.Pattern)
	n.multipleOf = s.MultipleOf
	for _, b := range []bound{
		{s.Minimum, "at least", func(o int) bool { return o >= 0 }},
		{s.ExclusiveMinimum, "more than", func(o int) bool { return o > 0 }},
		{s.Maximum, "at most", func(o int) bool { return o <= 0 }},
		{s.ExclusiveMaximum, "less than", func(o int) bool { return o < 0 }},
	} {
		if b.limit != nil {
			n.bounds = append(n.bounds, b)
		}
	}
}
