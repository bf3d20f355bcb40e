package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/oasdiff/yaml"
)

// document is what the gateway takes from its configuration.
type document struct {
	service    string // the host, which is the name that quotas and x-google-endpoints go by
	operations []operation
	allowCORS  bool
	limits     []limitRule
}

type operation struct {
	id       string
	method   string
	template template
	backend  backendRule
	key      *keyLocations // nil: no key is asked for
	costs    map[string]int64
}

// parseConfig checks what the real gateway checks when a configuration is uploaded. The error joins all
// that is wrong.
func parseConfig(config []byte) (*document, error) {
	asJSON, err := yaml.YAMLToJSON(config)
	if err != nil {
		return nil, fmt.Errorf("not YAML: %w", err)
	}
	var swagger openapi2.T
	if err := json.Unmarshal(asJSON, &swagger); err != nil {
		return nil, fmt.Errorf("not an OpenAPI document: %w", err)
	}
	if swagger.Swagger != "2.0" {
		return nil, fmt.Errorf("swagger is %q, want %q", swagger.Swagger, "2.0")
	}

	doc := &document{service: swagger.Host}
	errs := []error{checkHead(&swagger), checkRefs(asJSON)}
	doc.limits, err = parseLimits(swagger.Extensions)
	errs = append(errs, err)
	doc.allowCORS, err = parseAllowCORS(swagger.Extensions, swagger.Host)
	errs = append(errs, err)
	for _, path := range slices.Sorted(maps.Keys(swagger.Paths)) {
		if !strings.HasPrefix(path, "x-") {
			ops, err := parsePath(&swagger, path)
			doc.operations = append(doc.operations, ops...)
			errs = append(errs, err)
		}
	}
	errs = append(errs, checkTogether(doc))
	return doc, errors.Join(errs...)
}

func checkHead(swagger *openapi2.T) error {
	var errs []error
	if swagger.Info.Title == "" || swagger.Info.Version == "" {
		errs = append(errs, errors.New("info needs a title and a version"))
	}
	if strings.ContainsAny(swagger.Host, ":/") {
		errs = append(errs, fmt.Errorf("host %q must be a name without scheme, port and path", swagger.Host))
	}
	if len(swagger.Paths) == 0 {
		errs = append(errs, errors.New("there are no paths"))
	}
	for _, name := range slices.Sorted(maps.Keys(swagger.SecurityDefinitions)) {
		// An oauth2 scheme stands for a JWT in API Gateway. To let its operations pass unchecked would be worse
		// than not to start.
		if def := swagger.SecurityDefinitions[name]; def.Type != "apiKey" {
			errs = append(errs, fmt.Errorf("securityDefinitions %s: type %q; only apiKey is reproduced", name, def.Type))
		} else if def.Name == "" || def.In != "header" && def.In != "query" {
			errs = append(errs, fmt.Errorf("securityDefinitions %s: an apiKey needs a name and is in header or query", name))
		}
	}
	return errors.Join(append(errs, checkFields("the document", swagger.Extensions))...)
}

// checkRefs finds references that leave the document. The uploaded document is all that the gateway has.
func checkRefs(asJSON []byte) error {
	var tree any
	if err := json.Unmarshal(asJSON, &tree); err != nil {
		return err
	}
	var errs []error
	var walk func(node any)
	walk = func(node any) {
		switch node := node.(type) {
		case []any:
			for _, item := range node {
				walk(item)
			}
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(node)) {
				if ref, ok := node[name].(string); ok && name == "$ref" && !strings.HasPrefix(ref, "#/") {
					errs = append(errs, fmt.Errorf("$ref %q is external", ref))
				}
				walk(node[name])
			}
		}
	}
	walk(tree)
	return errors.Join(errs...)
}

func parsePath(swagger *openapi2.T, path string) ([]operation, error) {
	item := swagger.Paths[path]
	if item == nil {
		return nil, fmt.Errorf("%s: it is empty", path)
	}
	tmpl, err := parseTemplate(strings.TrimSuffix(swagger.BasePath, "/") + path)
	errs := []error{err, checkFields(path, item.Extensions)}
	if item.Ref != "" {
		errs = append(errs, fmt.Errorf("%s: a path cannot be a $ref", path))
	}
	var ops []operation
	methods := item.Operations()
	for _, method := range slices.Sorted(maps.Keys(methods)) {
		op, err := parseOperation(swagger, methods[method])
		if err != nil {
			errs = append(errs, fmt.Errorf("%s %s: %w", method, path, err))
		}
		op.method, op.template = method, tmpl
		ops = append(ops, op)
	}
	return ops, errors.Join(errs...)
}

func parseOperation(swagger *openapi2.T, in *openapi2.Operation) (operation, error) {
	op := operation{id: in.OperationID}
	errs := []error{checkFields("the operation", in.Extensions)}
	if op.id == "" {
		errs = append(errs, errors.New("operationId is missing"))
	}
	var err error
	op.backend, err = parseBackend(in.Extensions, swagger.Extensions)
	errs = append(errs, err)
	op.key, err = parseSecurity(swagger, in)
	errs = append(errs, err)
	op.costs, err = parseCosts(in.Extensions)
	return op, errors.Join(append(errs, err)...)
}

// checkTogether finds operations that cannot be in one document.
func checkTogether(doc *document) error {
	var errs []error
	where := func(op operation) string { return op.method + " " + op.template.text }
	metrics := map[string]bool{}
	for _, rule := range doc.limits {
		metrics[rule.Metric] = true
	}
	byID := map[string]operation{}
	for i, op := range doc.operations {
		if other, ok := byID[op.id]; ok && op.id != "" {
			errs = append(errs, fmt.Errorf("%s: operationId %q is also that of %s", where(op), op.id, where(other)))
		}
		byID[op.id] = op
		for _, other := range doc.operations[:i] {
			if op.method == other.method && compareTemplates(op.template, other.template) == 0 {
				errs = append(errs, fmt.Errorf("%s: %s matches the same requests", where(op), where(other)))
			}
		}
		for _, metric := range slices.Sorted(maps.Keys(op.costs)) {
			if !metrics[metric] {
				errs = append(errs, fmt.Errorf("%s: x-google-quota: metric %q has no limit in x-google-management", where(op), metric))
			}
		}
	}
	return errors.Join(errs...)
}
