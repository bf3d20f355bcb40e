package controlplane

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const (
	account = "fetch1@tally-test.iam.gserviceaccount.com"
	builder = "builds@tally-test.iam.gserviceaccount.com"
)

// allServices are those that a deployment enables.
var allServices = []string{
	"apigateway", "apikeys", "artifactregistry", "cloudbuild", "cloudfunctions", "datastore", "firestore", "iam", "logging", "monitoring",
	"run", "secretmanager",
}

// start is a control plane whose project has nothing but a billing account.
func start(t *testing.T) *ControlPlane {
	t.Helper()
	return New(t, Project{ID: "tally-test", Number: "123456789012", Billing: true})
}

// enabled is one with all services enabled.
func enabled(t *testing.T) *ControlPlane {
	t.Helper()
	c := start(t)
	var ids []string
	for _, s := range allServices {
		ids = append(ids, `"`+s+`.googleapis.com"`)
	}
	c.must(t, "POST serviceusage/v1/projects/tally-test/services:batchEnable", `{"serviceIds":[`+strings.Join(ids, ",")+`]}`)
	return c
}

// furnished is one with what a function, an API and a gateway need beside them.
func furnished(t *testing.T) *ControlPlane {
	t.Helper()
	c := enabled(t)
	const iam, resources = "POST iam/v1/projects/tally-test/", "POST cloudresourcemanager/v1/projects/tally-test"
	c.must(t, iam+"serviceAccounts", `{"accountId":"fetch1","serviceAccount":{"displayName":"Reads"}}`)
	c.must(t, iam+"serviceAccounts", `{"accountId":"builds","serviceAccount":{}}`)
	c.must(t, resources+":setIamPolicy", `{"policy":{"bindings":[{"role":"roles/cloudbuild.builds.builder","members":["serviceAccount:`+builder+`"]}]}}`)
	c.must(t, "POST secretmanager/v1/projects/tally-test/secrets?secretId=acme", automatic)
	c.must(t, "POST secretmanager/v1/projects/tally-test/secrets/acme:addVersion", `{"payload":{"data":"c2VzYW1l"}}`)
	c.must(t, "POST firestore/v1/projects/tally-test/databases?databaseId=(default)", `{"type":"DATASTORE_MODE","locationId":"us-central1"}`)
	c.must(t, "POST apigateway/v1/projects/tally-test/locations/global/apis?apiId=tally", `{}`)
	return c
}

// must makes a request that has to be granted. What it begins at API Gateway it waits for,
// as gcloud does.
func (c *ControlPlane) must(t *testing.T, request, body string) doc {
	t.Helper()
	status, reply := c.ask(t, request, body)
	if status != http.StatusOK {
		t.Fatalf("%s: %d %v, want 200", request, status, reply)
	}
	if name := reply.text("name"); strings.Contains(request, " apigateway/") && strings.Contains(name, "/operations/") {
		for done := reply["done"]; done != true; {
			done = c.must(t, "GET apigateway/v1/"+name, "")["done"]
		}
	}
	return reply
}

// ask makes a request: method, and path with the API's name before it.
func (c *ControlPlane) ask(t *testing.T, request, body string) (status int, reply doc) {
	t.Helper()
	method, path, _ := strings.Cut(request, " ")
	r, err := http.NewRequest(method, c.server.URL+"/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &reply); err != nil {
		t.Fatalf("%s: %v in %s", request, err, b)
	}
	return answer.StatusCode, reply
}

// uploaded sends an archive, and returns a function's source.
func (c *ControlPlane) uploaded(t *testing.T) string {
	t.Helper()
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	if _, err := z.Create("go.mod"); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	place := c.must(t, "POST cloudfunctions/v2/projects/tally-test/locations/us-central1/functions:generateUploadUrl", `{}`)
	c.must(t, "PUT "+strings.TrimPrefix(place.text("uploadUrl"), c.server.URL+"/"), archive.String())
	source, err := json.Marshal(place["storageSource"])
	if err != nil {
		t.Fatal(err)
	}
	return string(source)
}

// apiConfig is the body of a request that creates an API config.
func apiConfig(document, account string) string {
	return `{"gatewayServiceAccount":"` + account + `","openapiDocuments":[{"document":{"path":"a.yaml","contents":"` +
		base64.StdEncoding.EncodeToString([]byte(document)) + `"}}]}`
}

// gcloud is the real one, with an environment that has nothing of this machine's.
type gcloud struct {
	program string
	folder  string
	env     []string
}

// installed skips the test where gcloud is missing; with CI=true it fails.
func (c *ControlPlane) installed(t *testing.T) *gcloud {
	t.Helper()
	program, err := exec.LookPath("gcloud")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no gcloud on the PATH, and CI=true promises one")
		}
		t.Skip("needs gcloud on the PATH: whether it understands the control plane's replies is not tested")
	}
	home := t.TempDir()
	return &gcloud{program, t.TempDir(), append(c.Env(), "PATH="+os.Getenv("PATH"), "HOME="+home)}
}

// run returns what gcloud writes to its output; it has to succeed.
func (g *gcloud) run(t *testing.T, command string) string {
	t.Helper()
	out, errors, err := g.try(command)
	if err != nil {
		t.Fatalf("gcloud %s: %v\n%s%s", command, err, out, errors)
	}
	return strings.TrimSpace(out)
}

// refused wants gcloud to fail with words.
func (g *gcloud) refused(t *testing.T, command, words string) {
	t.Helper()
	out, errors, err := g.try(command)
	if err == nil || !strings.Contains(errors, words) {
		t.Errorf("gcloud %s: %v\n%s%s\nwant it to fail with %q", command, err, out, errors, words)
	}
}

func (g *gcloud) try(command string) (out, errors string, err error) {
	c := exec.Command(g.program, append([]string{"--project=tally-test", "--quiet"}, strings.Fields(command)...)...)
	c.Dir, c.Env = g.folder, g.env
	var stdout, stderr strings.Builder
	c.Stdout, c.Stderr = &stdout, &stderr
	err = c.Run()
	return stdout.String(), stderr.String(), err
}

// file writes a file into the folder in which gcloud runs.
func (g *gcloud) file(t *testing.T, name, text string) {
	t.Helper()
	name = filepath.Join(g.folder, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}
