package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
)

// template is a path of the document: literal segments, {name} for one segment, {name=**} for any number.
type template struct {
	text     string // as in the document, with the base path
	segments []segment
	tail     string // "/literals" after the {name=**}, or ""
}

type segment struct {
	literal  string
	variable string // its name; empty for a literal
	many     bool
}

func parseTemplate(text string) (template, error) {
	t := template{text: text}
	if !strings.HasPrefix(text, "/") {
		return t, fmt.Errorf("path %q must begin with /", text)
	}
	if text == "/" {
		return t, nil
	}
	many := false
	for part := range strings.SplitSeq(text[1:], "/") {
		s, err := parseSegment(part)
		if err != nil {
			return t, fmt.Errorf("path %q: %w", text, err)
		}
		if many && s.variable != "" {
			return t, fmt.Errorf("path %q: only literal segments may follow {name=**}", text)
		}
		if many {
			t.tail += "/" + s.literal
		}
		many = many || s.many
		t.segments = append(t.segments, s)
	}
	return t, nil
}

func parseSegment(part string) (segment, error) {
	if part == "" {
		return segment{}, errors.New("it has an empty segment or ends in /; a request's trailing / is accepted without")
	}
	if !strings.ContainsAny(part, "{}*") {
		if !isCanonical("/" + part) {
			return segment{}, fmt.Errorf("segment %q can never be matched: requests are normalised first", part)
		}
		return segment{literal: part}, nil
	}
	name, isVariable := strings.CutPrefix(part, "{")
	name, isClosed := strings.CutSuffix(name, "}")
	if !isVariable || !isClosed {
		return segment{}, fmt.Errorf("segment %q: a parameter must fill its whole segment", part)
	}
	name, pattern, hasPattern := strings.Cut(name, "=")
	if name == "" || strings.ContainsAny(name, "{}*") || hasPattern && pattern != "*" && pattern != "**" {
		return segment{}, fmt.Errorf("segment %q: a parameter is {name}, {name=*} or {name=**}", part)
	}
	return segment{variable: name, many: pattern == "**"}, nil
}

// isExact says that the template has no variables.
func (t *template) isExact() bool {
	for _, s := range t.segments {
		if s.variable != "" {
			return false
		}
	}
	return true
}

// match accepts one trailing slash, as the regular expressions that ESPv2 makes of templates do.
func (t *template) match(path string) bool {
	rest := path
	for _, s := range t.segments {
		if rest == "" || rest[0] != '/' {
			return false
		}
		rest = rest[1:]
		if s.many {
			return strings.HasSuffix(strings.TrimSuffix(rest, "/"), t.tail)
		}
		end := strings.IndexByte(rest, '/')
		if end < 0 {
			end = len(rest)
		}
		if s.variable == "" && rest[:end] != s.literal || end == 0 {
			return false
		}
		rest = rest[end:]
	}
	return rest == "" || rest == "/"
}

// bindings gives the variables of a path that matches as a query, values escaped as they were sent.
func (t *template) bindings(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	var out []string
	for i, s := range t.segments {
		switch {
		case s.many:
			end := len(parts) - strings.Count(t.tail, "/")
			out = append(out, s.variable+"="+strings.Join(parts[min(i, end):end], "/"))
		case s.variable != "":
			out = append(out, s.variable+"="+parts[i])
		}
	}
	return strings.Join(out, "&")
}

// compareTemplates puts the more specific first: at each segment a literal, then {name}, then {name=**}. It
// is 0 for templates that match the same paths.
func compareTemplates(a, b template) int {
	for i := 0; i < len(a.segments) && i < len(b.segments); i++ {
		s, t := a.segments[i], b.segments[i]
		if c := cmp.Or(cmp.Compare(s.rank(), t.rank()), cmp.Compare(s.literal, t.literal)); c != 0 {
			return c
		}
	}
	shorter, c := a, cmp.Compare(len(a.segments), len(b.segments))
	if c > 0 {
		shorter = b
	}
	if n := len(shorter.segments); n > 0 && shorter.segments[n-1].many {
		return -c // {name=**}/literal is narrower than {name=**}
	}
	return c
}

func (s segment) rank() int {
	switch {
	case s.many:
		return 2
	case s.variable != "":
		return 1
	}
	return 0
}
