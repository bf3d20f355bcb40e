package controlplane

import (
	"strings"
	"testing"
)

func TestRefusalsOfProjectsAndServices(t *testing.T) {
	const createRole = "POST iam/v1/projects/tally-test/roles"
	checkRefusals(t, []refused{
		{"another project", nil, "GET cloudresourcemanager/v1/projects/other", "", 403, "PERMISSION_DENIED", "resource project other"},
		{"another project's secrets", nil, "GET secretmanager/v1/projects/other/secrets", "", 403, "PERMISSION_DENIED", "resource project other"},
		{"a service of nobody", nil, "POST serviceusage/v1/projects/tally-test/services/nix.googleapis.com:enable", "{}", 403, "PERMISSION_DENIED", "nix.googleapis.com"},
		{"a body that is no JSON", nil, createRole, "{", 400, "INVALID_ARGUMENT", "Invalid JSON"},
		{"no service at all", nil, "POST serviceusage/v1/projects/tally-test/services:batchEnable", `{"serviceIds":[]}`, 400, "INVALID_ARGUMENT", "want 1 to 20"},
	})
}

func TestAnAPIThatIsNotEnabledRefusesAll(t *testing.T) {
	c := start(t)
	for api := range c.routes {
		free := map[string]bool{"serviceusage": true, "cloudresourcemanager": true, "cloudbilling": true, uploadAPI: true}[api]
		if free {
			continue
		}
		method, pattern, _ := strings.Cut(c.routes[api][0].pattern, " ")
		path := strings.NewReplacer("{project}", "tally-test", "{location}", "us-central1", "{database}", "d", "{service}", "s").Replace(pattern)
		status, reply := c.ask(t, method+" "+api+"/"+path, "{}")
		details := reply.list("error", "details")
		if status != 403 || len(details) != 1 {
			t.Errorf("%s: %d %v, want 403 with details", api, status, reply)
			continue
		}
		info := asDoc(details[0])
		if got := info.text("reason") + " " + info.text("metadata", "service"); got != "SERVICE_DISABLED "+api+".googleapis.com" {
			t.Errorf("%s: the reason is %s", api, got)
		}
	}
}

func TestWithoutBillingNothingIsEnabledThatCosts(t *testing.T) {
	c := New(t, Project{ID: "tally-test", Number: "123456789012"})
	if info := c.must(t, "GET cloudbilling/v1/projects/tally-test/billingInfo", ""); info["billingEnabled"] != nil {
		t.Errorf("billing is %v, want none", info)
	}
	status, reply := c.ask(t, "POST serviceusage/v1/projects/tally-test/services:batchEnable", `{"serviceIds":["iam.googleapis.com","run.googleapis.com"]}`)
	if message := reply.text("error", "message"); status != 400 || !strings.Contains(message, "Billing must be enabled for activation of service(s) 'run.googleapis.com'") {
		t.Errorf("%d %s, want 400 that names the service", status, message)
	}
	if got := c.State(); strings.Contains(got, "iam.googleapis.com") {
		t.Errorf("a batch is enabled in part:\n%s", got)
	}
}
