package controlplane

import (
	"strings"
	"testing"
)

func TestRefusalsOfSecrets(t *testing.T) {
	checkRefusals(t, []refused{
		{"a second secret", nil, "POST secretmanager/v1/projects/tally-test/secrets?secretId=acme", automatic, 409, "ALREADY_EXISTS", "already exists"},
		{"a secret without a place", nil, "POST secretmanager/v1/projects/tally-test/secrets?secretId=nix", `{}`, 400, "INVALID_ARGUMENT", "replication"},
		{"a label as long as a SHA-256", nil, "PATCH secretmanager/v1/projects/tally-test/secrets/acme?updateMask=labels", `{"labels":{"hash":"` + strings.Repeat("a", 64) + `"}}`, 400, "INVALID_ARGUMENT", "at most 63"},
		{"a payload with another checksum", nil, "POST secretmanager/v1/projects/tally-test/secrets/acme:addVersion", `{"payload":{"data":"c2VzYW1l","dataCrc32c":"1"}}`, 400, "INVALID_ARGUMENT", "checksum"},
		{"a version that is destroyed already", granted("POST secretmanager/v1/projects/tally-test/secrets/acme/versions/1:destroy", "{}"), "POST secretmanager/v1/projects/tally-test/secrets/acme/versions/1:destroy", "{}", 400, "FAILED_PRECONDITION", "DESTROYED"},
		{"a filter of two terms", nil, "GET secretmanager/v1/projects/tally-test/secrets?filter=a:b+AND+c:d", "", 400, "INVALID_ARGUMENT", "one term"},
		{"a secret's name with a dot", nil, "POST secretmanager/v1/projects/tally-test/secrets?secretId=a.b", automatic, 400, "INVALID_ARGUMENT", "Secret ID [a.b]"},
		{"a secret that is not there", nil, "GET secretmanager/v1/projects/tally-test/secrets/nix", "", 404, "NOT_FOUND", "secrets/nix] not found"},
		{"an empty payload", nil, "POST secretmanager/v1/projects/tally-test/secrets/acme:addVersion", `{"payload":{"data":""}}`, 400, "INVALID_ARGUMENT", "1 to 65536 bytes"},
		{"a version that is not there", nil, "POST secretmanager/v1/projects/tally-test/secrets/acme/versions/2:destroy", "{}", 404, "NOT_FOUND", "versions/2] not found"},
	})
}
