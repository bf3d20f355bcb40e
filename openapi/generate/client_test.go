package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
)

// notTheClients are operations that the JavaScript client leaves to others.
var notTheClients = map[string]string{
	"GET /visits/count.js":              "a page loads it",
	"GET /stock/count.js":               "a page loads it",
	"GET /visits/pixel.gif":             "a page shows it",
	"GET /visits/badge.svg":             "a page shows it",
	"GET /docs":                         "a person reads it",
	"GET /docs/{asset}":                 "a person reads it",
	"GET /openapi.json":                 "a generator reads it",
	"GET /openapi.yaml":                 "a generator reads it",
	"GET /visits/export":                "tallystick export streams it",
	"POST /visits/import":               "tallystick import reports on it",
	"GET /records/{collection}/export":  "tallystick export streams it",
	"POST /records/{collection}/import": "tallystick import reports on it",
	"POST /partners/{partner}/updates":  "partners sign it",
	"POST /update":                      "partners of old send it",
	"POST /store":                       "records.store is POST /records/{collection}",
	"GET /fetchAll":                     "records.list is GET /records/{collection}",
}

func TestTheClientHasEveryOperation(t *testing.T) {
	for where := range documented(load(t)) {
		left := notTheClients[where] != "" || strings.HasPrefix(where, "OPTIONS ")
		has := slices.ContainsFunc(clientMethods, func(m method) bool { return m.operation == where })
		if has == left {
			t.Errorf("%s: the client has it: %v, and it is left to others: %v. Add it to clientMethods and web/tallystick.js, or to notTheClients with a reason", where, has, left)
		}
	}
}

func TestTypes(t *testing.T) {
	text := &huma.Schema{Type: huma.TypeString}
	for _, tt := range []struct {
		name   string
		schema *huma.Schema
		want   string
	}{
		{"an integer is a number", &huma.Schema{Type: huma.TypeInteger, Format: "int64"}, "number"},
		{"null where it may be", &huma.Schema{Type: huma.TypeInteger, Nullable: true}, "number | null"},
		{"the values of an enum", &huma.Schema{Type: huma.TypeString, Enum: []any{"held", "expired"}}, `"held" | "expired"`},
		{"an array of values", &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString, Enum: []any{"a", "b"}}}, `("a" | "b")[]`},
		{"any object", &huma.Schema{Type: huma.TypeObject}, "Document"},
		{"anything", &huma.Schema{}, "unknown"},
		{"one of several", &huma.Schema{OneOf: []*huma.Schema{text, {Type: huma.TypeBoolean}}}, "string | boolean"},
		{"another schema", &huma.Schema{Ref: refPrefix + "Item"}, "Item"},
		{"members with their descriptions", &huma.Schema{Type: huma.TypeObject, Required: []string{"b"}, Properties: map[string]*huma.Schema{
			"b": {Type: huma.TypeString, Description: "Ends a comment: */"}, "a": text,
		}}, "{\n    a?: string;\n    /** Ends a comment: * / */\n    b: string;\n}"},
	} {
		ts := types{met: make(map[string]bool)}
		if got := ts.of(tt.schema, ""); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}
