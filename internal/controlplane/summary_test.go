package controlplane

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestStateIsAGoldenFile: it is the same whatever the order of things, and has
// neither a secret's payload nor a key's text nor a time.
func TestStateIsAGoldenFile(t *testing.T) {
	c := furnished(t)
	steps := []string{
		"POST iam/v1/projects/tally-test/roles", `{"roleId":"tally","role":{"title":"Reads","includedPermissions":["datastore.entities.get"]}}`,
		"POST iam/v1/projects/tally-test/serviceAccounts/" + account + ":setIamPolicy", `{"policy":{"bindings":[{"role":"roles/iam.serviceAccountUser","members":["user:b@example.com","user:a@example.com"]}]}}`,
		"PATCH secretmanager/v1/projects/tally-test/secrets/acme?updateMask=labels", `{"labels":{"hash":"abc"}}`,
		"POST secretmanager/v1/projects/tally-test/secrets/acme:setIamPolicy", `{"policy":{"bindings":[{"role":"roles/secretmanager.secretAccessor","members":["serviceAccount:` + account + `"]}]}}`,
		"POST firestore/" + groupPath + "/indexes", `{"apiScope":"DATASTORE_MODE_API","queryScope":"COLLECTION_GROUP","fields":[{"fieldPath":"a","order":"ASCENDING"},{"fieldPath":"b","order":"DESCENDING"}]}`,
		"PATCH firestore/" + groupPath + "/fields/expires?updateMask=ttlConfig", `{"ttlConfig":{}}`,
		"PATCH firestore/" + groupPath + "/fields/data?updateMask=indexConfig", `{"indexConfig":{}}`,
		"POST cloudfunctions/" + regionPath + "?functionId=fetch", `{"labels":{"hash":"abc"},"buildConfig":{"entryPoint":"Fetch","runtime":"go126","serviceAccount":"projects/tally-test/serviceAccounts/` + builder + `","source":{"storageSource":` + c.uploaded(t) + `}},` +
			`"serviceConfig":{"serviceAccountEmail":"` + account + `","availableCpu":"1","availableMemory":"256Mi","maxInstanceRequestConcurrency":80,"maxInstanceCount":5,"ingressSettings":"ALLOW_ALL","timeoutSeconds":30,` +
			`"environmentVariables":{"STORE":"datastore:tally-test"},"secretVolumes":[{"mountPath":"/partners/acme","secret":"acme","versions":[{"path":"key","version":"latest"}]}]}}`,
		"POST run/v1/projects/tally-test/locations/us-central1/services/fetch:setIamPolicy", `{"policy":{"bindings":[{"role":"roles/run.invoker","members":["serviceAccount:` + account + `"]}]}}`,
		"POST apigateway/" + apiPath + "/tally/configs?apiConfigId=one", apiConfig(document, account),
		"POST apigateway/" + gatewayPath + "?gatewayId=tally", `{"apiConfig":"projects/tally-test/locations/global/apis/tally/configs/one"}`,
		"POST apikeys/" + keyPath + "?keyId=web", `{"displayName":"Web","restrictions":{"apiTargets":[{"service":"run.googleapis.com"}]}}`,
		"POST logging/v2/projects/tally-test/metrics", `{"name":"errors","filter":"severity>=ERROR"}`,
		"POST monitoring/v3/projects/tally-test/alertPolicies", `{"displayName":"Errors","combiner":"OR","conditions":[{"displayName":"many"}]}`,
	}
	for i := 0; i < len(steps); i += 2 {
		c.must(t, steps[i], steps[i+1])
	}
	got := c.State()
	want, err := os.ReadFile("testdata/state.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the state is not testdata/state.yaml (-file +state)\n%s", diff)
	}
	for _, s := range []string{"sesame", "c2VzYW1l", "AIza", "2026-"} {
		if strings.Contains(got, s) {
			t.Errorf("the state has %q", s)
		}
	}
}
