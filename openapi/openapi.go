// Package openapi holds the API's description (OpenAPI 3.1), generated from the
// functions' operations by generate/.
package openapi

import _ "embed"

// YAML is the description as YAML.
//
//go:embed openapi.yaml
var YAML []byte

// JSON is the same as JSON.
//
//go:embed openapi.json
var JSON []byte
