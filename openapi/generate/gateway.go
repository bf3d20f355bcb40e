package main

import (
	"bytes"
	"strings"
	"text/template"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
)

// gatewayTemplate is as lean as the gateway allows: it routes and asks for keys.
// What a request may hold is the functions' to check, for the gateway would not.
// A line holds an operation, and begins with what it has of its own.
var gatewayTemplate = template.Must(template.New("gateway-config.yaml").Parse(generatedBy + `# The routing table of API Gateway (OpenAPI 2.0): a line for each operation. All ask
# for a key but those with "security: []". VISITS_URL and its like are the functions'
# addresses, filled in when it is deployed, and by the local gateway.
swagger: "2.0"
info: {title: Tallystick, version: "1"}
schemes: [https]
securityDefinitions:
  key_header: {type: apiKey, in: header, name: x-api-key}
  key_query: {type: apiKey, in: query, name: key}
security: [{key_header: []}, {key_query: []}]
paths:
{{- range .}}
  {{.Path}}:
{{- range .Operations}}
    {{.Method}}: {operationId: {{.ID}}
{{- if not .Keyed}}, security: []{{end -}}
, x-google-backend: {address: "${{"{"}}{{.Backend}}_URL}", path_translation: APPEND_PATH_TO_ADDRESS}
{{- if .Parameters}}, parameters: [
{{- range $i, $name := .Parameters}}{{if $i}}, {{end}}{name: {{$name}}, in: path, required: true, type: string}{{end}}]
{{- end -}}
, responses: {default: {description: Reply}}}
{{- end}}
{{- end}}
`))

type gatewayPath struct {
	Path       string
	Operations []gatewayOperation
}

type gatewayOperation struct {
	Method, ID, Backend string
	Parameters          []string
	Keyed               bool
}

func gatewayConfig(doc *huma.OpenAPI) []byte {
	var paths []gatewayPath
	for _, path := range sortedPaths(doc) {
		p := gatewayPath{Path: path}
		for _, o := range operations(doc.Paths[path]) {
			g := gatewayOperation{
				Method:  strings.ToLower(o.method),
				ID:      o.op.OperationID,
				Backend: strings.ToUpper(o.op.Extensions[edge.FunctionExtension].(string)),
				Keyed:   len(o.op.Security) > 0,
			}
			for _, param := range pathParameters(o.op) {
				g.Parameters = append(g.Parameters, param.Name)
			}
			p.Operations = append(p.Operations, g)
		}
		paths = append(paths, p)
	}
	var b bytes.Buffer
	if err := gatewayTemplate.Execute(&b, paths); err != nil {
		panic(err)
	}
	return b.Bytes()
}
