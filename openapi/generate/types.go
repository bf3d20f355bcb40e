package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// types writes schemas as TypeScript. An integer is a number: the API keeps to those that
// are safe.
type types struct {
	schemas map[string]*huma.Schema
	met     map[string]bool // those that are referred to
}

// interfaces writes the schemas that were met, and those they refer to.
func (t *types) interfaces(b *bytes.Buffer) {
	written := make(map[string]string)
	for len(written) < len(t.met) {
		for _, name := range slices.Sorted(maps.Keys(t.met)) {
			if written[name] == "" {
				written[name] = t.of(t.schemas[name], "")
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(written)) {
		fmt.Fprintf(b, "\nexport interface %s %s\n", name, written[name])
	}
}

const refPrefix = "#/components/schemas/"

// of is a schema's type, written where the line is indented so far.
func (t *types) of(s *huma.Schema, indent string) string {
	var is string
	switch {
	case s.Ref != "":
		is = strings.TrimPrefix(s.Ref, refPrefix)
		t.meet(is)
	case len(s.OneOf) > 0:
		var all []string
		for _, one := range s.OneOf {
			all = append(all, t.of(one, indent))
		}
		is = strings.Join(all, " | ")
	case len(s.Enum) > 0:
		var all []string
		for _, value := range s.Enum {
			b, err := json.Marshal(value)
			if err != nil {
				panic(err)
			}
			all = append(all, string(b))
		}
		is = strings.Join(all, " | ")
	case s.Type == huma.TypeArray:
		is = t.of(s.Items, indent)
		if strings.Contains(is, " | ") && !strings.HasPrefix(is, "{") {
			is = "(" + is + ")"
		}
		is += "[]"
	case s.Type == huma.TypeObject && len(s.Properties) == 0:
		is = "Document"
	case s.Type == huma.TypeObject:
		is = t.object(s, indent)
	case s.Type == huma.TypeInteger || s.Type == huma.TypeNumber:
		is = "number"
	case s.Type == "":
		is = "unknown"
	default:
		is = s.Type
	}
	if s.Nullable {
		is += " | null"
	}
	return is
}

func (t *types) object(s *huma.Schema, indent string) string {
	var b strings.Builder
	b.WriteString("{\n")
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		t.member(&b, indent+"    ", name, p, p.Description, slices.Contains(s.Required, name))
	}
	return b.String() + indent + "}"
}

func (t *types) member(b *strings.Builder, indent, name string, s *huma.Schema, description string, required bool) {
	if description == "" {
		description = s.Description
	}
	comment(b, indent, description)
	optional := "?"
	if required {
		optional = ""
	}
	fmt.Fprintf(b, "%s%s%s: %s;\n", indent, name, optional, t.of(s, indent))
}

func (t *types) resolve(s *huma.Schema) *huma.Schema {
	if s.Ref != "" {
		return t.schemas[strings.TrimPrefix(s.Ref, refPrefix)]
	}
	return s
}

func (t *types) meet(name string) { t.met[name] = true }

var word = regexp.MustCompile(`\w+`)

// meetAll meets the schemas that a type names.
func (t *types) meetAll(typ string) {
	for _, name := range word.FindAllString(typ, -1) {
		if t.schemas[name] != nil {
			t.meet(name)
		}
	}
}

func comment(w io.Writer, indent, text string) {
	if text != "" {
		fmt.Fprintf(w, "%s/** %s */\n", indent, strings.ReplaceAll(text, "*/", "* /"))
	}
}
