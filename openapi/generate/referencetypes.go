package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// problemTypes are those of errors, which have their own section.
var problemTypes = []string{"Problem", "Fault"}

// placeTypes finds out where each type is described: with the function that alone has it,
// or with those that are shared.
func (r *referrer) placeTypes() {
	r.places = make(map[string]string)
	for _, tag := range r.doc.Tags {
		met := make(map[string]bool)
		for _, o := range r.of(tag.Name) {
			if o.op.RequestBody != nil {
				for _, media := range o.op.RequestBody.Content {
					r.meet(met, media.Schema)
				}
			}
			for _, reply := range o.op.Responses {
				for _, media := range reply.Content {
					r.meet(met, media.Schema)
				}
			}
		}
		for name := range met {
			if _, also := r.places[name]; also || slices.Contains(problemTypes, name) {
				r.places[name] = ""
			} else {
				r.places[name] = tag.Name
			}
		}
	}
}

// meet adds the types that a schema names, and those that they name.
func (r *referrer) meet(met map[string]bool, s *huma.Schema) {
	if s == nil {
		return
	}
	if s.Ref != "" {
		name := strings.TrimPrefix(s.Ref, refPrefix)
		if !met[name] {
			met[name] = true
			r.meet(met, r.schemas[name])
		}
		return
	}
	r.meet(met, s.Items)
	for _, one := range s.OneOf {
		r.meet(met, one)
	}
	for _, p := range s.Properties {
		r.meet(met, p)
	}
}

// types describes those of a place.
func (r *referrer) types(place string) {
	for _, name := range slices.Sorted(maps.Keys(r.places)) {
		if r.places[name] == place && !slices.Contains(problemTypes, name) {
			r.object(name)
		}
	}
}

func (r *referrer) object(name string) {
	fmt.Fprintf(&r.b, "\n#### %s\n", name)
	r.fields(r.schemas[name])
}

func (r *referrer) fields(s *huma.Schema) {
	r.b.WriteString("\n| field | type | |\n|---|---|---|\n")
	for _, name := range fieldNames(s) {
		p := s.Properties[name]
		fmt.Fprintf(&r.b, "| `%s`%s | %s | %s |\n", name, needed(slices.Contains(s.Required, name)), r.typ(p), cell(p.Description))
	}
}

// fieldNames has those that are always there first, in the order in which they are sent.
func fieldNames(s *huma.Schema) []string {
	names := slices.Clone(s.Required)
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

// typ is a schema's type in words, with its bounds.
func (r *referrer) typ(s *huma.Schema) string {
	var is string
	switch {
	case s.Ref != "":
		is = linked(strings.TrimPrefix(s.Ref, refPrefix))
	case len(s.OneOf) > 0:
		var all []string
		for _, one := range s.OneOf {
			all = append(all, r.typ(one))
		}
		is = strings.Join(all, " or ")
	case len(s.Enum) > 0:
		var all []string
		for _, one := range s.Enum {
			all = append(all, fmt.Sprintf("`%v`", one))
		}
		is = strings.Join(all, " or ")
	case s.Type == huma.TypeArray:
		is = "list of " + r.typ(s.Items)
	case s.Type == huma.TypeString:
		is = formats[s.Format]
	case len(s.Properties) > 0:
		var all []string
		for _, name := range fieldNames(s) {
			all = append(all, "`"+name+"`: "+r.typ(s.Properties[name]))
		}
		is = "{" + strings.Join(all, ", ") + "}"
	case s.Type == "":
		is = "anything"
	default:
		is = s.Type
	}
	if s.Nullable {
		is += " or null"
	}
	return strings.Join(append([]string{is}, bounds(s)...), ", ")
}

// formats are kinds of text.
var formats = map[string]string{"": "text", "date": "day", "date-time": "time", "binary": "bytes"}

// maxSafe is the greatest number that JavaScript has exactly.
const maxSafe = 1<<53 - 1

func bounds(s *huma.Schema) (all []string) {
	if s.Minimum != nil && *s.Minimum > -maxSafe {
		all = append(all, fmt.Sprintf("from %.0f", *s.Minimum))
	}
	if s.Maximum != nil && *s.Maximum < maxSafe {
		all = append(all, fmt.Sprintf("to %.0f", *s.Maximum))
	}
	if s.MaxLength != nil {
		all = append(all, fmt.Sprintf("at most %d characters", *s.MaxLength))
	}
	if s.MaxItems != nil {
		all = append(all, fmt.Sprintf("at most %d", *s.MaxItems))
	}
	if s.Default != nil {
		all = append(all, fmt.Sprintf("`%v` unless given", s.Default))
	}
	return all
}

// linked is a link to the heading of this text.
func linked(heading string) string { return fmt.Sprintf("[%s](#%s)", heading, anchor(heading)) }

// anchor is what GitHub calls a heading's place.
func anchor(heading string) string {
	keep := func(c rune) rune {
		switch {
		case c == ' ':
			return '-'
		case c == '-', c == '_', 'a' <= c && c <= 'z', '0' <= c && c <= '9':
			return c
		}
		return -1
	}
	return strings.Map(keep, strings.ToLower(heading))
}

// cell is a text as a table's cell takes it.
func cell(text string) string {
	return strings.ReplaceAll(strings.ReplaceAll(text, "|", "\\|"), "\n", " ")
}
