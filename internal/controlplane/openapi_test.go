package controlplane

import (
	"strings"
	"testing"
)

const document = `swagger: "2.0"
info: {title: Tally, version: "1"}
securityDefinitions:
  key: {type: apiKey, in: header, name: x-api-key}
security: [{key: []}]
paths:
  /a:
    get: {operationId: read, x-google-backend: {address: "https://a.run.app"}, responses: {default: {description: Reply}}}
    post: {operationId: write, x-google-backend: {address: "https://a.run.app"}, responses: {default: {description: Reply}}}
`

func TestOpenAPIDocuments(t *testing.T) {
	for _, tt := range []struct {
		name, old, new string
		refused        string // empty: it is accepted
	}{
		{"as it is", "", "", ""},
		{"no backend", `get: {operationId: read, x-google-backend: {address: "https://a.run.app"}`, `get: {operationId: read`, "GET /a: x-google-backend.address \"\" is no https URL"},
		{"a backend for all of them", "paths:\n  /a:\n    get: {operationId: read, x-google-backend: {address: \"https://a.run.app\"},", "x-google-backend: {address: \"https://b.run.app\"}\npaths:\n  /a:\n    get: {operationId: read,", ""},
		{"no YAML", "paths:", "paths: [", "it is not YAML"},
		{"another version", `swagger: "2.0"`, `openapi: "3.0.0"`, `swagger is <nil>, want "2.0"`},
		{"no title", "title: Tally, ", "", "info"},
		{"no operation id", "operationId: read, ", "", "GET /a: operationId is missing"},
		{"one operation id twice", "operationId: write", "operationId: read", `GET /a and POST /a have the same operationId "read"`},
		{"a backend without TLS", `"https://a.run.app"`, `"http://a.run.app"`, "is no https URL"},
		{"a path for a backend", `"https://a.run.app"`, `"/a"`, "is no https URL"},
		{"a placeholder", `"https://a.run.app"`, `"https://${FETCH_URL}"`, "placeholder"},
		{"no responses", ", responses: {default: {description: Reply}}", "", "responses are missing"},
		{"an unknown scheme", "security: [{key: []}]", "security: [{lock: []}]", `"lock" is not one of securityDefinitions`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.old != "" && !strings.Contains(document, tt.old) {
				t.Fatalf("the document has no %q", tt.old)
			}
			err := checkOpenAPI([]byte(strings.Replace(document, tt.old, tt.new, 1)))
			switch {
			case tt.refused == "" && err != nil:
				t.Errorf("refused with %q, want it accepted", err)
			case tt.refused != "" && (err == nil || !strings.Contains(err.Error(), tt.refused)):
				t.Errorf("refused with %v, want %q", err, tt.refused)
			}
		})
	}
}
