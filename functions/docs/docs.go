// Package docs is the function that shows the API's description: as Swagger UI for
// people, as OpenAPI for programs.
package docs

import (
	"context"
	_ "embed"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/openapi"
)

//go:embed page.html
var page []byte

// Register declares the function's operations.
func Register(a *edge.API) {
	edge.Register(a, operation("docs", "/docs", "Swagger UI", "<!doctype html>\n<html lang=\"en\">…", "text/html"),
		func(context.Context, *struct{}) (*huma.StreamResponse, error) {
			return reply("text/html; charset=utf-8", "", page), nil
		})
	edge.Register(a, operation("docsAsset", "/docs/{asset}", "What Swagger UI is made of", nil, "text/css", "text/javascript", "image/png"),
		asset)
	edge.Register(a, operation("openapiJSON", "/openapi.json", "This description as JSON",
		map[string]any{"openapi": "3.1.0", "info": map[string]any{"title": "Tallystick", "version": "1"}}, "application/json"),
		func(context.Context, *struct{}) (*huma.StreamResponse, error) {
			return reply("application/json", "", openapi.JSON), nil
		})
	edge.Register(a, operation("openapiYAML", "/openapi.yaml", "This description as YAML", "…openapi: 3.1.0…", "application/yaml"),
		func(context.Context, *struct{}) (*huma.StreamResponse, error) {
			return reply("application/yaml", "", openapi.YAML), nil
		})
}

// operation declares a file. Of an example in text, … stands for what is left out.
func operation(id, path, summary string, example any, contentTypes ...string) edge.Operation {
	schema := &huma.Schema{Type: huma.TypeString}
	if _, text := example.(string); example != nil && !text {
		schema = &huma.Schema{Type: huma.TypeObject}
	}
	content := make(map[string]*huma.MediaType)
	for _, t := range contentTypes {
		content[t] = &huma.MediaType{Schema: schema}
	}
	return edge.Operation{
		Operation: huma.Operation{
			OperationID: id, Method: http.MethodGet, Path: path, Summary: summary,
			Responses: map[string]*huma.Response{"200": {Description: summary + ".", Content: content}},
		},
		Public:  true,
		Example: example,
	}
}
