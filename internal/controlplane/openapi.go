package controlplane

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/oasdiff/yaml"
)

var operationMethods = []string{"get", "put", "post", "delete", "options", "head", "patch"}

// checkOpenAPI refuses documents that API Gateway cannot make a config of: those
// that are not Swagger 2.0, and operations without an id or a backend.
func checkOpenAPI(document []byte) error {
	asJSON, err := yaml.YAMLToJSON(document)
	if err != nil {
		return fmt.Errorf("it is not YAML: %w", err)
	}
	var d doc
	if err := json.Unmarshal(asJSON, &d); err != nil {
		return fmt.Errorf("it is not an object: %w", err)
	}
	switch {
	case d.text("swagger") != "2.0":
		return fmt.Errorf("swagger is %v, want \"2.0\"", d["swagger"])
	case d.text("info", "title") == "" || d.text("info", "version") == "":
		return fmt.Errorf("info: title and version must be there, as text")
	case len(d.sub("paths")) == 0:
		return fmt.Errorf("paths: there is none")
	case strings.Contains(string(document), "${"):
		return fmt.Errorf("it has a placeholder that was not filled in: ${")
	}
	return checkOperations(d)
}

func checkOperations(d doc) error {
	seen := make(map[string]string)
	for _, path := range slices.Sorted(maps.Keys(d.sub("paths"))) {
		for _, method := range operationMethods {
			operation := d.sub("paths", path, method)
			if operation == nil {
				continue
			}
			where := strings.ToUpper(method) + " " + path
			if err := checkOperation(d, operation); err != nil {
				return fmt.Errorf("%s: %w", where, err)
			}
			id := operation.text("operationId")
			if other, taken := seen[id]; taken {
				return fmt.Errorf("%s and %s have the same operationId %q", other, where, id)
			}
			seen[id] = where
		}
	}
	return nil
}

func checkOperation(d, operation doc) error {
	if operation.text("operationId") == "" {
		return fmt.Errorf("operationId is missing")
	}
	if len(operation.sub("responses")) == 0 {
		return fmt.Errorf("responses are missing")
	}
	backend := operation.sub("x-google-backend")
	if backend == nil {
		backend = d.sub("x-google-backend")
	}
	address := backend.text("address")
	if u, err := url.Parse(address); err != nil || u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("x-google-backend.address %q is no https URL", address)
	}
	return checkSecurity(d, operation)
}

// checkSecurity wants every scheme that is asked for to be defined.
func checkSecurity(d, operation doc) error {
	for _, r := range append(slices.Clone(d.list("security")), operation.list("security")...) {
		requirement := asDoc(r)
		for name := range requirement {
			if d.sub("securityDefinitions", name) == nil {
				return fmt.Errorf("security: %q is not one of securityDefinitions", name)
			}
		}
	}
	return nil
}
