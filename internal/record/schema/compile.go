package schema

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"github.com/tallystick/tallystick/internal/record/transform/pattern"
)

// location is where the library believes that a schema is from.
const (
	base     = "https://schema.invalid/"
	location = base + "schema"
)

// Compile reads a schema. The error is ErrSchema or ErrTooComplex.
func Compile(document []byte) (*Schema, error) {
	if len(document) > MaxBytes {
		return nil, fmt.Errorf("%w: it has %d bytes, at most %d", ErrSchema, len(document), MaxBytes)
	}
	raw, err := decode(document)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSchema, err)
	}
	if n := parts(raw); n > maxParts {
		return nil, fmt.Errorf("%w: it has %d parts, at most %d", ErrTooComplex, n, maxParts)
	}
	compiled, err := newCompiler(raw).Compile(location)
	if err != nil {
		return nil, compileError(err)
	}
	root, err := newBuilder().build(compiled)
	if err != nil {
		return nil, err
	}
	return &Schema{root}, nil
}

func newCompiler(raw any) *jsonschema.Compiler {
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.RegisterFormat(&jsonschema.Format{Name: "uri-template", Validate: func(any) error { return nil }})
	c.UseLoader(nothing{})
	size := 0
	c.UseRegexpEngine(func(text string) (jsonschema.Regexp, error) {
		p, err := pattern.Compile(text)
		if err != nil {
			return nil, err
		}
		if size += p.Size(); size > maxPatterns {
			return nil, fmt.Errorf("%w: all together", pattern.ErrTooLarge)
		}
		return p, nil
	})
	if err := c.AddResource(location, raw); err != nil {
		panic(err) // the location is ours, and is added once
	}
	return c
}

// maxPatterns is how large a schema's expressions may be together, in instructions.
const maxPatterns = 4 * pattern.MaxSize

// nothing loads no other documents, from no file and no network.
type nothing struct{}

var errOther = errors.New("it is in another document")

func (nothing) Load(string) (any, error) { return nil, errOther }

// parts counts what may be a schema.
func parts(v any) int {
	n := 0
	switch v := v.(type) {
	case bool:
		n = 1
	case []any:
		for _, item := range v {
			n += parts(item)
		}
	case map[string]any:
		n = 1
		for _, member := range v {
			n += parts(member)
		}
	}
	return n
}

// compileError puts the library's errors in words of ours.
func compileError(err error) error {
	var (
		load    *jsonschema.LoadURLError
		invalid *jsonschema.SchemaValidationError
		regex   *jsonschema.InvalidRegexError
	)
	switch {
	case errors.As(err, &load):
		return fmt.Errorf("%w: %s refers to another document, and only #… within this one can be referred to", ErrSchema, shortened(load.URL))
	case errors.As(err, &invalid):
		return fmt.Errorf("%w: %s", ErrSchema, metaFaults(invalid.Err))
	case errors.As(err, &regex):
		return fmt.Errorf("%w: %s: the regular expression %q: %w", ErrSchema, shortened(regex.URL), clip(regex.Regex), regex.Err)
	}
	return fmt.Errorf("%w: %s", ErrSchema, clip(strings.ReplaceAll(strings.ReplaceAll(err.Error(), location, ""), base, "")))
}

// shortened is a URL without our location, as it may stand in the schema.
func shortened(url string) string {
	for _, ours := range []string{location + "#", location, base} {
		url = strings.TrimPrefix(url, ours)
	}
	return clip(url)
}

const maxMetaFaults = 5

// metaFaults says where a schema does not fit its meta-schema: the innermost causes.
func metaFaults(err error) string {
	var top *jsonschema.ValidationError
	if !errors.As(err, &top) {
		return clip(err.Error())
	}
	var faults []string
	english := message.NewPrinter(language.English)
	var leaves func(e *jsonschema.ValidationError, within []string)
	leaves = func(e *jsonschema.ValidationError, within []string) {
		if name, ok := e.ErrorKind.(*kind.PropertyNames); ok { // its causes' places begin anew
			within = append(slices.Clone(e.InstanceLocation), name.Property)
		}
		for _, cause := range e.Causes {
			leaves(cause, within)
		}
		if len(e.Causes) == 0 {
			place := pointer(append(slices.Clone(within), e.InstanceLocation...))
			faults = append(faults, strings.TrimPrefix(place+": "+clip(e.ErrorKind.LocalizedString(english)), ": "))
		}
	}
	leaves(top, nil)
	slices.Sort(faults)
	faults = slices.Compact(faults)
	if len(faults) > maxMetaFaults {
		faults = append(faults[:maxMetaFaults], fmt.Sprintf("and %d more", len(faults)-maxMetaFaults))
	}
	return strings.Join(faults, "; ")
}

func pointer(tokens []string) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteByte('/')
		b.WriteString(escaper.Replace(t))
	}
	return b.String()
}

var escaper = strings.NewReplacer("~", "~0", "/", "~1")

const maxMessage = 200

// clip shortens a text of the schema's or the document's that is repeated to people.
func clip(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	return strings.ToValidUTF8(s[:maxMessage], "") + "…"
}
