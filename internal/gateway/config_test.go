package gateway

import (
	"net/http"
	"strings"
	"testing"
)

func TestNewRefusesWhatTheRealGatewayRefuses(t *testing.T) {
	const visits = `{operationId: read, responses: {"200": {description: OK}}}`
	rows := []struct {
		name     string
		old, new string // a change to a configuration that is good
		want     string
	}{
		{"not YAML", "swagger:", "\t", "not YAML"},
		{"a key twice", "host: api.test", "host: api.test\nhost: api.test", "host"},
		{"OpenAPI 3", `swagger: "2.0"`, `openapi: "3.0.4"`, `swagger is "", want "2.0"`},
		{"no version", `, version: "1"`, "", "info needs a title and a version"},
		{"no paths", "paths:", "definitions:", "there are no paths"},
		{"port in host", "host: api.test", "host: api.test:8080", `host "api.test:8080" must be a name without`},
		{"scheme in host", "host: api.test", "host: https://api.test", "must be a name without"},
		{"unknown field", "host: api.test", "host: api.test\nconsume: [text/plain]", `unknown field "consume"`},
		{"unknown method", "    post: {operationId: count", "    pots: {operationId: count", `/visits: unknown field "pots"`},
		{"external $ref", visits, `{operationId: read, responses: {"200": {$ref: "other.yaml#/responses/OK"}}}`, `$ref "other.yaml#/responses/OK" is external`},
		{"external $ref to a URL", visits, `{operationId: read, responses: {"200": {$ref: "https://a.test/x.json"}}}`, "is external"},
		{"path that is a $ref", "  /visits:\n", "  /elsewhere: {$ref: \"#/definitions/x\"}\n  /visits:\n", "/elsewhere: a path cannot be a $ref"},
		{"empty path", "  /visits:\n", "  /empty:\n  /visits:\n", "/empty: it is empty"},
		{"no operationId", "{operationId: read,", "{", "GET /visits: operationId is missing"},
		{"operationId twice", "operationId: count", "operationId: read", `POST /visits: operationId "read" is also that of GET /visits`},
		{"no leading slash", "  /visits:\n", "  visits:\n", `path "visits" must begin with /`},
		{"trailing slash", "  /visits:\n", "  /visits/:\n", `path "/visits/": it has an empty segment or ends in /`},
		{"parameter with a verb", "{collection}/{id}:", "{collection}/{id}:undo:", `segment "{id}:undo": a parameter must fill its whole segment`},
		{"parameter with a prefix", "{collection}/{id}:", "{collection}/no-{id}:", `segment "no-{id}": a parameter must fill its whole segment`},
		{"two parameters in a segment", "{collection}/{id}:", "{collection}/{id}{x}:", "a parameter is {name}"},
		{"parameter with a pattern", "/files/{name=**}:", "/files/{name=a/*}:", "a parameter must fill its whole segment"},
		{"parameter without a name", "{collection}/{id}:", "{collection}/{}:", "a parameter is {name}"},
		{"variable after {x=**}", "/files/{name=**}/raw:", "/files/{name=**}/{x}:", "only literal segments may follow {name=**}"},
		{"path that no request can have", "  /visits:\n", "  /visits/../x:\n", `segment ".." can never be matched`},
		{"two templates for the same requests", "/records/{collection}/all:\n    delete:", "/records/{a}/{b}:\n    get:", "GET /records/{collection}/{id}: GET /records/{a}/{b} matches the same requests"},
		{"no x-google-backend", "x-google-backend:\n  address: ${BACKEND}", "x-other:\n  address: ${BACKEND}", "GET /visits: x-google-backend is missing"},
		{"no path_translation", "${BACKEND}\n  path_translation: APPEND_PATH_TO_ADDRESS", "${BACKEND}", `GET /visits: x-google-backend: path_translation is "", want APPEND_PATH_TO_ADDRESS or CONSTANT_ADDRESS`},
		{"slip in x-google-backend", "disable_auth: true", "disableAuth: true", `GET /no-auth: x-google-backend: json: unknown field "disableAuth"`},
		{"deadline that is no number", "deadline: 0.05", "deadline: 50ms", "GET /slow: x-google-backend"},
		{"jwt_audience and disable_auth", "disable_auth: true", "disable_auth: true, jwt_audience: x", "jwt_audience and disable_auth exclude each other"},
		{"protocol", "disable_auth: true", "protocol: grpc", `protocol is "grpc", want http/1.1 or h2`},
		{"address not filled in", "address: ${BACKEND}\n", "address: $${VISITS_URL}\n", `address "${VISITS_URL}" is not filled in`},
		{"address without scheme", "address: ${BACKEND}\n", "address: backend.test\n", `address "backend.test" must be http:// or https:// and a host`},
		{"address with a query", "address: ${BACKEND}\n", "address: https://backend.test?a=1\n", "must have no query"},
		{"security that is not defined", "security: [{headerKey: []}, {otherQuery", "security: [{headrKey: []}, {otherQuery", `GET /two-queries: security "headrKey" is not defined`},
		{"JWT, which is not reproduced", "otherQuery: {type: apiKey, in: query, name: token}", "otherQuery: {type: oauth2, flow: implicit}", `securityDefinitions otherQuery: type "oauth2"; only apiKey is reproduced`},
		{"key in a cookie", "in: query, name: token", "in: cookie, name: token", "an apiKey needs a name and is in header or query"},
		{"cost of a metric without a limit", "metricCosts: {reads: 2}", "metricCosts: {writes: 2}", `GET /metered: x-google-quota: metric "writes" has no limit`},
		{"cost of nothing", "metricCosts: {reads: 2}", "metricCosts: {reads: 0}", `the cost of "reads" must be above 0`},
		{"limit on a metric that is not defined", "metric: reads,", "metric: writes,", `x-google-management: limit "reads-per-minute": metric "writes" is not defined`},
		{"limit by the hour", "1/min/{project}", "1/hour/{project}", `unit "1/hour/{project}" must be 1/min/{project}`},
		{"limit without a value", "{STANDARD: 5}", "{PREMIUM: 5}", `unknown field "PREMIUM"`},
		{"limit of nothing", "{STANDARD: 5}", "{STANDARD: 0}", "needs a name and a value STANDARD above 0"},
		{"metric of another kind", "metricKind: DELTA", "metricKind: GAUGE", `metric "reads" must have valueType INT64 and metricKind DELTA`},
		{"x-google-endpoints of another form", "host: api.test", "host: api.test\nx-google-endpoints: {allowCors: true}", "x-google-endpoints"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			good := testConfig(t)
			bad := strings.Replace(good, row.old, row.new, 1)
			if bad == good {
				t.Fatalf("the test changes nothing: %q is not in the configuration", row.old)
			}
			bad = strings.NewReplacer("$${", "${", "${BACKEND}", "https://backend.test").Replace(bad)
			_, err := New([]byte(bad), Options{})
			if err == nil || !strings.Contains(err.Error(), row.want) {
				t.Errorf("got  %v\nwant %s", err, row.want)
			}
		})
	}
}

func TestNewNamesAllFaultsAtOnce(t *testing.T) {
	bad := strings.NewReplacer("${BACKEND}", "https://backend.test", "{operationId: read,", "{", "host: api.test", "host: api.test:1").Replace(testConfig(t))
	_, err := New([]byte(bad), Options{})
	if err == nil || !strings.Contains(err.Error(), "operationId") || !strings.Contains(err.Error(), "host") {
		t.Errorf("got %v", err)
	}
}

func TestNewRefusesAHandlerThatNoOperationCalls(t *testing.T) {
	config := strings.ReplaceAll(testConfig(t), "${BACKEND}", "https://backend.test")
	_, err := New([]byte(config), Options{Backends: map[string]http.Handler{"https://backend.test": echo, "https://bakcend.test": echo}})
	if err == nil || !strings.Contains(err.Error(), `"https://bakcend.test"`) {
		t.Errorf("got %v", err)
	}
}

// Operations without security of their own have the document's, and [] takes it away.
func TestSecurityOfTheDocument(t *testing.T) {
	g := start(t, inProcess, echo, Options{}, "host: api.test", "host: api.test\nsecurity: [{headerKey: []}]")
	wantRefusal(t, call(g, "GET", "/visits"), 401, noKey)
	wantForwarded(t, call(g, "GET", "/visits", "X-Api-Key", "first-key"))
	wantForwarded(t, call(g, "OPTIONS", "/visits"))
}
