package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi2"
	"github.com/getkin/kin-openapi/openapi2conv"
	"github.com/google/go-cmp/cmp"
	"github.com/oasdiff/yaml"

	"github.com/tallystick/tallystick"
	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/gateway"
)

func TestGatewayConfigIsValidSwagger(t *testing.T) {
	doc, err := openapi2conv.ToV3(loadGateway(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(context.Background()); err != nil {
		t.Error(err)
	}
}

// TestGatewayAcceptsItsConfig: the local gateway refuses what the real one does.
func TestGatewayAcceptsItsConfig(t *testing.T) {
	if _, err := gateway.New(renderGateway(t), gateway.Options{}); err != nil {
		t.Error(err)
	}
}

// route is what the gateway decides of an operation.
type route struct {
	ID, Function string
	Keyed        bool
}

// TestGatewayRoutesWhatIsDescribed: both documents have the same operations, in the
// same functions, with the same need of a key.
func TestGatewayRoutesWhatIsDescribed(t *testing.T) {
	want := make(map[string]route)
	for where, op := range documented(load(t)) {
		want[where] = route{op.OperationID, op.Extensions[edge.FunctionExtension].(string), keyed(op)}
	}
	got := make(map[string]route)
	doc := loadGateway(t)
	for path, item := range doc.Paths {
		for method, op := range item.Operations() {
			backend := op.Extensions["x-google-backend"].(map[string]any)
			if backend["path_translation"] != "APPEND_PATH_TO_ADDRESS" {
				t.Errorf("%s %s: path_translation is %v: the function would not see the path", method, path, backend["path_translation"])
			}
			name := strings.TrimSuffix(strings.TrimPrefix(backend["address"].(string), "https://"), ".test")
			security := doc.Security
			if op.Security != nil {
				security = *op.Security
			}
			got[method+" "+path] = route{op.OperationID, name, len(security) > 0}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("gateway-config.yaml does not route as openapi.yaml says (-described +routed)\n%s", diff)
	}
}

func loadGateway(t *testing.T) *openapi2.T {
	t.Helper()
	asJSON, err := yaml.YAMLToJSON(renderGateway(t))
	if err != nil {
		t.Fatal(err)
	}
	var doc openapi2.T
	if err := json.Unmarshal(asJSON, &doc); err != nil {
		t.Fatal(err)
	}
	return &doc
}

// renderGateway fills in the functions' addresses.
func renderGateway(t *testing.T) []byte {
	t.Helper()
	addresses := make(map[string]string)
	for _, f := range tallystick.Functions {
		addresses[strings.ToUpper(f.Name)+"_URL"] = "https://" + f.Name + ".test"
	}
	rendered, err := gateway.Render(tallystick.GatewayConfig, addresses)
	if err != nil {
		t.Fatal(err)
	}
	return rendered
}
