package controlplane

import (
	"strings"
	"testing"
)

func TestRefusalsOfFunctions(t *testing.T) {
	checkRefusals(t, []refused{
		{"an archive that is no zip file", nil, "PUT upload/archives/1.zip", "tar", 400, "INVALID_ARGUMENT", "no zip file"},
		{"a function's name with capitals", nil, "POST cloudfunctions/" + regionPath + "?functionId=Fetch", `{"buildConfig":{"runtime":"go126"}}`, 400, "INVALID_ARGUMENT", "function_id"},
		{"a function on Mars", nil, "POST cloudfunctions/v2/projects/tally-test/locations/mars-east1/functions?functionId=fetch", "{}", 403, "PERMISSION_DENIED", "locations/mars-east1"},
		{"a function that is not there", nil, "DELETE cloudfunctions/" + regionPath + "/nix", "", 404, "NOT_FOUND", "functions/nix"},
	})
}

// TestFunctionsAreChecked: some of what is wrong with a function is refused at once,
// and some only when it was built: then there is a function that has failed.
func TestFunctionsAreChecked(t *testing.T) {
	for _, tt := range []struct {
		name     string
		old, new string // a change of a function that is well
		mayRead  bool   // its account, the secret
		status   int    // of the request
		code     float64
		message  string
	}{
		{"as it is", "", "", true, 200, 0, ""},
		{"an unknown runtime", "go126", "go99", true, 400, 0, `Runtime "go99" is not supported`},
		{"no entry point", `"Fetch"`, `""`, true, 400, 0, "entry point is empty"},
		{"no archive", `"object":"`, `"object":"x`, true, 400, 0, "not uploaded"},
		{"an account that is not there", `"serviceAccountEmail":"fetch1`, `"serviceAccountEmail":"x`, true, 404, 0, "Service account projects/-/serviceAccounts/x@tally-test.iam.gserviceaccount.com was not found."},
		{"a builder that is not there", "serviceAccounts/builds", "serviceAccounts/x", true, 404, 0, "x@tally-test.iam.gserviceaccount.com was not found"},
		{"a builder that may not build", "serviceAccounts/builds", "serviceAccounts/fetch1", true, 200, 3, "missing permission on the build service account"},
		{"a secret that is not there", `"secret":"acme"`, `"secret":"nix"`, true, 200, 5, "Secret projects/123456789012/secrets/nix/versions/latest was not found"},
		{"too many requests at once", `"maxInstanceRequestConcurrency":80`, `"maxInstanceRequestConcurrency":1001`, true, 400, 0, "1001 is not 1 to 1000"},
		{"a secret that its account may not read", "", "", false, 200, 7, "Permission denied on secret: projects/123456789012/secrets/acme/versions/latest for Revision service account " + account},
		{"two secrets in one folder", volumes, volumes + `,{"mountPath":"/acme/","secret":"other","versions":[]}`, true, 400, 0, `Mount path "/acme" is used by the secrets acme and other`},
		{"many requests at once and half a CPU", `"availableCpu":"1"`, `"availableCpu":"0.5"`, true, 400, 0, "CPU < 1"},
		{"a variable that Cloud Run sets", `"STORE"`, `"K_SERVICE"`, true, 400, 0, "reserved env names were provided: K_SERVICE"},
		{"a label that is too long", `"abc"`, `"` + strings.Repeat("a", 64) + `"`, true, 400, 0, "at most 63"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := furnished(t)
			if tt.mayRead {
				c.must(t, mayRead, accessor)
			}
			f := c.wellFunction(t)
			if !strings.Contains(f, tt.old) {
				t.Fatalf("the function has no %s", tt.old)
			}
			status, reply := c.ask(t, "POST cloudfunctions/"+regionPath+"?functionId=fetch", strings.Replace(f, tt.old, tt.new, 1))
			message, state := reply.text("error", "message"), ""
			if status == 200 {
				operation := c.finish(t, reply)
				if code, _ := operation.at("error", "code").(float64); code != tt.code {
					t.Errorf("the operation ends with %v, want code %v", operation, tt.code)
				}
				message = operation.text("error", "message")
				state = c.must(t, "GET cloudfunctions/"+regionPath+"/fetch", "").text("state")
			} else if status, _ := c.ask(t, "GET cloudfunctions/"+regionPath+"/fetch", ""); status != 404 {
				t.Errorf("after a refusal GET answers %d, want no function", status)
			}
			if status != tt.status || !strings.Contains(message, tt.message) {
				t.Errorf("%d %q, want %d %q", status, message, tt.status, tt.message)
			}
			if want := map[bool]string{true: "FAILED", false: "ACTIVE"}[tt.code != 0]; status == 200 && state != want {
				t.Errorf("the function is %s, want %s", state, want)
			}
		})
	}
}

// finish asks for an operation until it is done.
func (c *ControlPlane) finish(t *testing.T, operation doc) doc {
	t.Helper()
	for range 2 {
		if operation = c.must(t, "GET cloudfunctions/v2/"+operation.text("name"), ""); operation["done"] == true {
			return operation
		}
	}
	t.Fatalf("the operation is still not done: %v", operation)
	return nil
}

// TestAFunctionThatIsThere is not created again, and is changed as the mask says.
func TestAFunctionThatIsThere(t *testing.T) {
	c := furnished(t)
	c.must(t, mayRead, accessor)
	f := c.wellFunction(t)
	c.must(t, "POST cloudfunctions/"+regionPath+"?functionId=fetch", f)
	if status, reply := c.ask(t, "POST cloudfunctions/"+regionPath+"?functionId=fetch", f); status != 409 || reply.text("error", "status") != "ALREADY_EXISTS" {
		t.Errorf("a second one: %d %v, want 409 ALREADY_EXISTS", status, reply)
	}
	c.must(t, "PATCH cloudfunctions/"+regionPath+"/fetch?updateMask=labels,service_config.secret_volumes", `{"labels":{"hash":"abd"},"buildConfig":{"entryPoint":"Other"}}`)
	got := c.must(t, "GET cloudfunctions/"+regionPath+"/fetch", "")
	if got.text("labels", "hash") != "abd" || got.text("buildConfig", "entryPoint") != "Fetch" || got.list("serviceConfig", "secretVolumes") != nil || got.text("serviceConfig", "availableCpu") != "1" {
		t.Errorf("after the change it is %v, want another label, no secret and the rest", got)
	}
}

// TestASecretWithoutAVersionIsNotMounted: also if all it had were destroyed.
func TestASecretWithoutAVersionIsNotMounted(t *testing.T) {
	c := furnished(t)
	c.must(t, mayRead, accessor)
	c.must(t, "POST secretmanager/v1/projects/tally-test/secrets/acme/versions/1:destroy", "{}")
	operation := c.finish(t, c.must(t, "POST cloudfunctions/"+regionPath+"?functionId=fetch", c.wellFunction(t)))
	if message := operation.text("error", "message"); !strings.Contains(message, "no version that is enabled") {
		t.Errorf("the operation ends with %q, want it to miss a version", message)
	}
}

const (
	mayRead  = "POST secretmanager/v1/projects/tally-test/secrets/acme:setIamPolicy"
	accessor = `{"policy":{"bindings":[{"role":"roles/secretmanager.secretAccessor","members":["serviceAccount:` + account + `"]}]}}`
	volumes  = `"secretVolumes":[{"mountPath":"/acme","secret":"acme","versions":[{"path":"key","version":"latest"}]}`
)

// wellFunction is one that is deployed once its account may read the secret.
func (c *ControlPlane) wellFunction(t *testing.T) string {
	t.Helper()
	return `{"labels":{"hash":"abc"},"buildConfig":{"entryPoint":"Fetch","runtime":"go126","serviceAccount":"projects/tally-test/serviceAccounts/` + builder + `",` +
		`"source":{"storageSource":` + c.uploaded(t) + `}},"serviceConfig":{"serviceAccountEmail":"` + account + `","availableCpu":"1",` +
		`"maxInstanceRequestConcurrency":80,"environmentVariables":{"STORE":"x"},` + volumes + `]}}`
}
