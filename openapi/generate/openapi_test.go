package main

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/tallystick/tallystick"
	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/openapi"
)

func TestDescriptionIsValidOpenAPI(t *testing.T) {
	doc := load(t)
	if !doc.IsOpenAPI31OrLater() {
		t.Errorf("openapi is %q, want 3.1", doc.OpenAPI)
	}
	if err := doc.Validate(context.Background(), openapi3.EnableMultiError()); err != nil {
		t.Error(err)
	}
}

func TestEveryOperationIsDescribed(t *testing.T) {
	var functions []any
	for _, f := range tallystick.Functions {
		functions = append(functions, f.Name)
	}
	ids := make(map[string]string)
	for where, op := range documented(load(t)) {
		wrong := func(bad bool, format string, args ...any) {
			if bad {
				t.Errorf("%s: %s", where, fmt.Sprintf(format, args...))
			}
		}
		wrong(op.OperationID == "", "it has no operationId")
		wrong(ids[op.OperationID] != "", "operationId %s is also that of %s", op.OperationID, ids[op.OperationID])
		ids[op.OperationID] = where
		wrong(op.Summary == "", "it has no summary")
		wrong(!slices.Contains(functions, op.Extensions[edge.FunctionExtension]),
			"%s is %v, want one of %v", edge.FunctionExtension, op.Extensions[edge.FunctionExtension], functions)
		wrong(op.Security == nil, "it does not say whether it needs a key")
		for _, p := range op.Parameters {
			wrong(p.Value.Description == "", "parameter %s has no description", p.Value.Name)
		}
		for status, r := range op.Responses.Map() {
			for name, h := range r.Value.Headers {
				wrong(h.Value.Description == "" && h.Value.Schema.Value.Description == "", "header %s of %s has no description", name, status)
			}
		}
		if strings.HasPrefix(where, http.MethodOptions) {
			wrong(keyed(op), "a preflight carries no key")
			continue
		}
		wrong(!hasExample(op), "it has no example, of a request or of a reply")
		wrong(!describesErrors(op), "it describes no error as application/problem+json, or as JSON of a form of its own")
	}
}

func TestEveryPathAnswersPreflights(t *testing.T) {
	for path, item := range load(t).Paths.Map() {
		if item.Options == nil {
			t.Errorf("%s has no OPTIONS operation: the gateway would answer a preflight with 405", path)
		}
	}
}

func TestEverySchemaPropertyHasADescription(t *testing.T) {
	doc := load(t)
	for name, s := range doc.Components.Schemas {
		checkProperties(t, name, s)
	}
	for where, op := range documented(doc) {
		if op.RequestBody != nil {
			checkContent(t, where+" request", op.RequestBody.Value.Content)
		}
		for status, r := range op.Responses.Map() {
			checkContent(t, where+" "+status, r.Value.Content)
		}
	}
}

func checkContent(t *testing.T, where string, content openapi3.Content) {
	for _, media := range content {
		checkProperties(t, where, media.Schema)
	}
}

// checkProperties leaves out what is only referred to: it is checked in its place.
func checkProperties(t *testing.T, where string, s *openapi3.SchemaRef) {
	if s == nil || s.Ref != "" {
		return
	}
	for name, p := range s.Value.Properties {
		if p.Value.Description == "" {
			t.Errorf("%s: property %s has no description", where, name)
		}
		checkProperties(t, where+"."+name, p)
	}
	checkProperties(t, where+"[]", s.Value.Items)
	for _, alternative := range s.Value.OneOf {
		checkProperties(t, where, alternative)
	}
}

func hasExample(op *openapi3.Operation) bool {
	for _, p := range op.Parameters {
		if len(p.Value.Schema.Value.Examples) > 0 {
			return true
		}
	}
	for _, r := range op.Responses.Map() {
		for _, media := range r.Value.Content {
			if media.Example != nil {
				return true
			}
		}
	}
	return false
}

func describesErrors(op *openapi3.Operation) bool {
	for status, r := range op.Responses.Map() {
		if content := r.Value.Content; status[0] != '2' && (content["application/problem+json"] != nil || content["application/json"] != nil) {
			return true
		}
	}
	return false
}

func keyed(op *openapi3.Operation) bool { return op.Security != nil && len(*op.Security) > 0 }

// load reads the description as it is served.
func load(t *testing.T) *openapi3.T {
	t.Helper()
	doc, err := openapi3.NewLoader().LoadFromData(openapi.YAML)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// documented returns the operations by "METHOD path".
func documented(doc *openapi3.T) map[string]*openapi3.Operation {
	all := make(map[string]*openapi3.Operation)
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			all[method+" "+path] = op
		}
	}
	return all
}

// inOrder is for a test whose cases come from a document.
func inOrder[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
