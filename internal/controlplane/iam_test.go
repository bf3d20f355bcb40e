package controlplane

import (
	"fmt"
	"strings"
	"testing"
)

func TestRefusalsOfIAM(t *testing.T) {
	const (
		createRole = "POST iam/v1/projects/tally-test/roles"
		roleTally  = "iam/v1/projects/tally-test/roles/tally"
		role       = `{"roleId":"tally","role":{"title":"T","includedPermissions":["datastore.entities.get"]}}`
		setPolicy  = "POST cloudresourcemanager/v1/projects/tally-test:setIamPolicy"
	)
	binding := func(role, member string) string {
		return fmt.Sprintf(`{"policy":{"bindings":[{"role":%q,"members":[%q]}]}}`, role, member)
	}
	checkRefusals(t, []refused{
		{"a second account", nil, "POST iam/v1/projects/tally-test/serviceAccounts", `{"accountId":"fetch1"}`, 409, "ALREADY_EXISTS", "fetch1 already exists"},
		{"an account's id that is too long", nil, "POST iam/v1/projects/tally-test/serviceAccounts", `{"accountId":"a23456789012345678901234567890x"}`, 400, "INVALID_ARGUMENT", "6 to 30"},
		{"an account that is not there", nil, "DELETE iam/v1/projects/-/serviceAccounts/x@tally-test.iam.gserviceaccount.com", "", 404, "NOT_FOUND", "Unknown service account"},
		{"a second role", granted(createRole, role), createRole, role, 409, "ALREADY_EXISTS", "named tally"},
		{"a role with the id of a deleted one", granted(createRole, role, "DELETE "+roleTally, ""), createRole, role, 400, "FAILED_PRECONDITION", "deleted state"},
		{"a change of a deleted role", granted(createRole, role, "DELETE "+roleTally, ""), "PATCH " + roleTally, "{}", 400, "FAILED_PRECONDITION", "deleted state"},
		{"a role of an unknown permission", nil, createRole, strings.Replace(role, "entities.get", "entities.eat", 1), 400, "INVALID_ARGUMENT", "Permission datastore.entities.eat is not valid."},
		{"a role's stale etag", granted(createRole, role), "PATCH " + roleTally, `{"etag":"old"}`, 409, "ABORTED", "concurrent"},
		{"a policy's stale etag", nil, setPolicy, `{"policy":{"etag":"` + etag(0) + `"}}`, 409, "ABORTED", "concurrent policy changes"},
		{"a member who is not there", nil, setPolicy, binding("roles/run.invoker", "serviceAccount:x@tally-test.iam.gserviceaccount.com"), 400, "INVALID_ARGUMENT", "does not exist"},
		{"a member who was deleted", granted("DELETE iam/v1/projects/tally-test/serviceAccounts/"+account, ""), setPolicy, binding("roles/run.invoker", "serviceAccount:"+account), 400, "INVALID_ARGUMENT", "does not exist"},
		{"a member of no kind", nil, setPolicy, binding("roles/run.invoker", "fetch1"), 400, "INVALID_ARGUMENT", "Invalid member"},
		{"a misspelt role", nil, setPolicy, binding("roles/run.invokers", "serviceAccount:"+account), 400, "INVALID_ARGUMENT", "roles/run.invokers is not supported"},
		{"a deleted role", granted(createRole, role, "DELETE "+roleTally, ""), setPolicy, binding("projects/tally-test/roles/tally", "serviceAccount:"+account), 400, "INVALID_ARGUMENT", "does not exist"},
		{"a custom role that is not there", nil, setPolicy, binding("projects/tally-test/roles/nix", "serviceAccount:"+account), 400, "INVALID_ARGUMENT", "does not exist"},
		{"a policy of a secret that is not there", nil, "GET secretmanager/v1/projects/tally-test/secrets/nix:getIamPolicy", "", 404, "NOT_FOUND", "nix"},
		{"a policy of a service that is not there", nil, "GET run/v1/projects/tally-test/locations/us-central1/services/nix:getIamPolicy", "", 404, "NOT_FOUND", "nix"},
		{"a role's id with a dash", nil, createRole, strings.Replace(role, `"tally"`, `"tally-stick"`, 1), 400, "INVALID_ARGUMENT", "letters, digits, underscores"},
		{"a role that is not there", nil, "GET iam/v1/projects/tally-test/roles/nix", "", 404, "NOT_FOUND", "roles/nix was not found"},
		{"a second end of a role", granted(createRole, role, "DELETE "+roleTally, ""), "DELETE " + roleTally, "", 400, "FAILED_PRECONDITION", "already in a deleted state"},
		{"a role brought back that is there", granted(createRole, role), "POST " + roleTally + ":undelete", "{}", 400, "FAILED_PRECONDITION", "not in a deleted state"},
	})
}

// TestADeletedAccountKeepsNoRights: what was given to it stays as a trace in the
// policy, and does not pass to a new account of that name.
func TestADeletedAccountKeepsNoRights(t *testing.T) {
	c := furnished(t)
	c.must(t, "DELETE iam/v1/projects/tally-test/serviceAccounts/"+builder, "")
	c.must(t, "POST iam/v1/projects/tally-test/serviceAccounts", `{"accountId":"builds"}`)
	policy := c.must(t, "POST cloudresourcemanager/v1/projects/tally-test:getIamPolicy", "{}")
	binding := asDoc(policy.list("bindings")[0])
	if got := fmt.Sprint(binding["members"]); !strings.HasPrefix(got, "[deleted:serviceAccount:"+builder+"?uid=") {
		t.Errorf("the members are %s, want the deleted account", got)
	}
	again := fmt.Sprintf(`{"policy":{"etag":%q,"bindings":[{"role":"roles/run.invoker","members":[%q]}]}}`, policy["etag"], binding.list("members")[0])
	c.must(t, "POST cloudresourcemanager/v1/projects/tally-test:setIamPolicy", again)
}

// TestAPolicyEndsWithWhatItIsFor: what is created anew under the same name begins
// with none.
func TestAPolicyEndsWithWhatItIsFor(t *testing.T) {
	const region = "projects/tally-test/locations/us-central1/"
	for _, tt := range []struct{ policy, end, again string }{
		{"secretmanager/v1/projects/tally-test/secrets/acme", "DELETE secretmanager/v1/projects/tally-test/secrets/acme", "POST secretmanager/v1/projects/tally-test/secrets?secretId=acme"},
		{"iam/v1/projects/tally-test/serviceAccounts/" + builder, "DELETE iam/v1/projects/tally-test/serviceAccounts/" + builder, "POST iam/v1/projects/tally-test/serviceAccounts"},
		{"run/v1/" + region + "services/fetch", "DELETE cloudfunctions/v2/" + region + "functions/fetch", "POST cloudfunctions/v2/" + region + "functions?functionId=fetch"},
	} {
		c := furnished(t)
		bodies := map[string]string{"secretmanager": automatic, "iam": `{"accountId":"builds"}`, "run": c.wellFunction(t)}
		api, _, _ := strings.Cut(tt.policy, "/")
		c.ask(t, tt.again, bodies[api]) // which only the function needs
		c.must(t, "POST "+tt.policy+":setIamPolicy", `{"policy":{"bindings":[{"role":"roles/run.invoker","members":["user:a@example.com"]}]}}`)
		c.must(t, tt.end, "")
		c.must(t, tt.again, bodies[api])
		if state := c.State(); strings.Contains(state, "a@example.com") {
			t.Errorf("%s: the old policy is still there:\n%s", tt.again, state)
		}
	}
}

// TestADeletedRoleStaysInAPolicy: it gives nothing, and does not stand in the way of
// other changes of the policy.
func TestADeletedRoleStaysInAPolicy(t *testing.T) {
	const setPolicy = "POST cloudresourcemanager/v1/projects/tally-test:setIamPolicy"
	const given = `{"role":"projects/tally-test/roles/tally","members":["serviceAccount:` + account + `"]}`
	c := furnished(t)
	c.must(t, "POST iam/v1/projects/tally-test/roles", `{"roleId":"tally","role":{"title":"T"}}`)
	c.must(t, setPolicy, `{"policy":{"bindings":[`+given+`]}}`)
	c.must(t, "DELETE iam/v1/projects/tally-test/roles/tally", "")
	c.must(t, setPolicy, `{"policy":{"bindings":[`+given+`,{"role":"roles/viewer","members":["user:a@example.com"]}]}}`)
}
