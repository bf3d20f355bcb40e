package controlplane

import (
	"testing"
)

func TestRefusalsOfKeys(t *testing.T) {
	checkRefusals(t, []refused{
		{"a key for a service of nobody", nil, "POST apikeys/" + keyPath + "?keyId=web", `{"restrictions":{"apiTargets":[{"service":"nix.cloud.goog"}]}}`, 400, "INVALID_ARGUMENT", "nix.cloud.goog"},
		{"a key with the id of a deleted one", granted("POST apikeys/"+keyPath+"?keyId=web", "{}", "DELETE apikeys/"+keyPath+"/web", ""), "POST apikeys/" + keyPath + "?keyId=web", "{}", 409, "ALREADY_EXISTS", "web already exists"},
		{"a deleted key's text", granted("POST apikeys/"+keyPath+"?keyId=web", "{}", "DELETE apikeys/"+keyPath+"/web", ""), "GET apikeys/" + keyPath + "/web/keyString", "", 404, "NOT_FOUND", "web"},
		{"a key's id with capitals", nil, "POST apikeys/" + keyPath + "?keyId=Web", "{}", 400, "INVALID_ARGUMENT", "not valid"},
		{"a key that is not there", nil, "GET apikeys/" + keyPath + "/nix", "", 404, "NOT_FOUND", "nix"},
		{"an operation that is not there", nil, "GET apikeys/v2/operations/nix", "", 404, "NOT_FOUND", "operations/nix"},
	})
}
