package controlplane

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestRefusalsOfAPIsAndGateways(t *testing.T) {
	const (
		createConfig = "POST apigateway/" + apiPath + "/tally/configs?apiConfigId=one"
		gateway      = `{"apiConfig":"projects/tally-test/locations/global/apis/tally/configs/one"}`
	)
	config := apiConfig(document, account)
	checkRefusals(t, []refused{
		{"a second API", nil, "POST apigateway/" + apiPath + "?apiId=tally", "{}", 409, "ALREADY_EXISTS", "already exists"},
		{"a config of a document that is none", nil, createConfig, apiConfig("swagger: 1", account), 400, "INVALID_ARGUMENT", "Cannot convert to service config"},
		{"a config of an account that is not there", nil, createConfig, apiConfig(document, "x@tally-test.iam.gserviceaccount.com"), 400, "INVALID_ARGUMENT", "does not exist"},
		{"a second config", granted(createConfig, config), createConfig, config, 409, "ALREADY_EXISTS", "already exists"},
		{"a gateway of a config that is not there", nil, "POST apigateway/" + gatewayPath + "?gatewayId=tally", gateway, 404, "NOT_FOUND", "configs/one"},
		{"a gateway where there are none", granted(createConfig, config), "POST apigateway/" + strings.Replace(gatewayPath, "us-central1", "europe-west3", 1) + "?gatewayId=tally", gateway, 403, "PERMISSION_DENIED", "europe-west3"},
		{"a second gateway", granted(createConfig, config, "POST apigateway/"+gatewayPath+"?gatewayId=tally", gateway), "POST apigateway/" + gatewayPath + "?gatewayId=tally", gateway, 409, "ALREADY_EXISTS", "already exists"},
		{"the end of a config that is used", granted(createConfig, config, "POST apigateway/"+gatewayPath+"?gatewayId=tally", gateway), "DELETE apigateway/" + apiPath + "/tally/configs/one", "", 400, "FAILED_PRECONDITION", "in use by the gateway"},
		{"the end of an API with configs", granted(createConfig, config), "DELETE apigateway/" + apiPath + "/tally", "", 400, "FAILED_PRECONDITION", "nested resources"},
		{"an API's id with capitals", nil, "POST apigateway/" + apiPath + "?apiId=Tally", "{}", 400, "INVALID_ARGUMENT", "Invalid API id"},
		{"a config's id with capitals", nil, "POST apigateway/" + apiPath + "/tally/configs?apiConfigId=One", config, 400, "INVALID_ARGUMENT", "Invalid API config id"},
		{"a config of no API", nil, "POST apigateway/" + apiPath + "/nix/configs?apiConfigId=one", config, 404, "NOT_FOUND", "apis/nix"},
		{"a config that is not there", nil, "GET apigateway/" + apiPath + "/tally/configs/nix", "", 404, "NOT_FOUND", "configs/nix"},
		{"a config of no document", nil, createConfig, "{}", 400, "INVALID_ARGUMENT", "0 OpenAPI documents"},
		{"a config of a document that is not encoded", nil, createConfig, `{"openapiDocuments":[{"document":{"contents":"%"}}]}`, 400, "INVALID_ARGUMENT", "base64"},
		{"a gateway's id with capitals", granted(createConfig, config), "POST apigateway/" + gatewayPath + "?gatewayId=Tally", gateway, 400, "INVALID_ARGUMENT", "Invalid gateway id"},
		{"a gateway that is not there", nil, "GET apigateway/" + gatewayPath + "/nix", "", 404, "NOT_FOUND", "gateways/nix"},
	})
}

func TestADocumentIsKeptAsItWasSent(t *testing.T) {
	c := furnished(t)
	c.must(t, "POST apigateway/"+apiPath+"/tally/configs?apiConfigId=one", apiConfig(document, account))
	full := c.must(t, "GET apigateway/"+apiPath+"/tally/configs/one?view=FULL", "")
	first := asDoc(full.list("openapiDocuments")[0])
	if got, _ := base64.StdEncoding.DecodeString(first.text("document", "contents")); string(got) != document {
		t.Errorf("the full view has %q, want %q", got, document)
	}
	if basic := c.must(t, "GET apigateway/"+apiPath+"/tally/configs/one", ""); basic["openapiDocuments"] != nil {
		t.Error("the basic view has the document too")
	}
}
