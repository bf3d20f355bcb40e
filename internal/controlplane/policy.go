package controlplane

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// policy is who may do what with a resource.
type policy struct {
	bindings []doc // role, members, and perhaps a condition
	version  int   // grows with each change; the etag is made of it
}

// knownRoles are predefined roles that a deployment may want to give. Others do not
// exist here, so that a misspelt one is seen.
var knownRoles = []string{
	"roles/apigateway.viewer", "roles/artifactregistry.writer", "roles/cloudbuild.builds.builder", "roles/cloudfunctions.developer",
	"roles/cloudfunctions.invoker", "roles/cloudtrace.agent", "roles/datastore.importExportAdmin", "roles/datastore.owner",
	"roles/datastore.user", "roles/datastore.viewer", "roles/editor", "roles/iam.serviceAccountTokenCreator", "roles/iam.serviceAccountUser",
	"roles/logging.logWriter", "roles/monitoring.metricWriter", "roles/owner", "roles/run.admin", "roles/run.invoker",
	"roles/secretmanager.secretAccessor", "roles/secretmanager.viewer", "roles/storage.objectAdmin", "roles/storage.objectViewer",
	"roles/viewer",
}

// getPolicy is a handler for resources whose names are what format makes of vars.
func (s *state) getPolicy(format string, vars ...string) func(*call) (doc, error) {
	return func(in *call) (doc, error) {
		name, err := s.policyName(in, format, vars)
		if err != nil {
			return nil, err
		}
		return s.policyOf(name).reply(), nil
	}
}

func (s *state) setPolicy(format string, vars ...string) func(*call) (doc, error) {
	return func(in *call) (doc, error) {
		name, err := s.policyName(in, format, vars)
		if err != nil {
			return nil, err
		}
		old, sent := s.policyOf(name), in.body.sub("policy")
		if etag := sent.text("etag"); etag != "" && etag != old.etag() {
			return nil, aborted("There were concurrent policy changes. Please retry the whole read-modify-write with exponential backoff. The request's ETag '%s' did not match the current policy's ETag '%s'.", etag, old.etag())
		}
		var bindings []doc
		for _, b := range sent.list("bindings") {
			binding := asDoc(b)
			if err := s.checkBinding(binding, old); err != nil {
				return nil, err
			}
			if len(binding.list("members")) > 0 {
				bindings = append(bindings, binding.only("role", "members", "condition"))
			}
		}
		s.policies[name] = &policy{bindings: bindings, version: old.version + 1}
		return s.policies[name].reply(), nil
	}
}

// policyName is the name of the resource, which has to exist.
func (s *state) policyName(in *call, format string, vars []string) (string, error) {
	var args []any
	for _, v := range vars {
		value := in.vars[v]
		if v == "project" {
			value = s.project.ID
		}
		args = append(args, value)
	}
	name := fmt.Sprintf(format, args...)
	if !s.hasResource(name) {
		return "", notFound("Resource '%s' was not found.", name)
	}
	return name, nil
}

// hasResource knows those resources that have a policy.
func (s *state) hasResource(name string) bool {
	id := lastPart(name)
	switch {
	case strings.Contains(name, "/serviceAccounts/"):
		return s.accounts[id] != nil
	case strings.Contains(name, "/secrets/"):
		return s.secrets[id] != nil
	case strings.Contains(name, "/services/"):
		return s.functions[strings.Replace(name, "/services/", "/functions/", 1)] != nil
	}
	return true
}

func (s *state) policyOf(name string) *policy {
	if p := s.policies[name]; p != nil {
		return p
	}
	return &policy{}
}

// checkBinding refuses roles and members that do not exist. Those that were deleted
// since the old policy got them may stand.
func (s *state) checkBinding(b doc, old *policy) error {
	if err := s.checkRole(b.text("role"), old); err != nil {
		return err
	}
	for _, m := range b.list("members") {
		member, _ := m.(string)
		if err := s.checkMember(member, old); err != nil {
			return err
		}
	}
	return nil
}

var customRole = regexp.MustCompile(`^projects/([^/]+)/roles/([^/]+)$`)

func (s *state) checkRole(role string, old *policy) error {
	if m := customRole.FindStringSubmatch(role); m != nil {
		if r := s.roles[m[2]]; m[1] == s.project.ID && r != nil && (r["deleted"] != true || old.gives(role)) {
			return nil
		}
		return invalid("Role (%s) does not exist in the resource's hierarchy.", role)
	}
	if !slices.Contains(knownRoles, role) {
		return invalid("Role %s is not supported for this resource.", role)
	}
	return nil
}

func (s *state) checkMember(member string, old *policy) error {
	kind, email, ok := strings.Cut(member, ":")
	switch {
	case member == "allUsers" || member == "allAuthenticatedUsers":
		return nil
	case kind == "deleted" && old.names(member):
		return nil
	case !ok || !slices.Contains([]string{"user", "group", "domain", "serviceAccount"}, kind):
		return invalid("Invalid member %q: it is user:, group:, domain: or serviceAccount: and a name.", member)
	case kind == "serviceAccount" && !s.hasAccount(email):
		return invalid("Service account %s does not exist.", email)
	}
	return nil
}

// forgetMember does to the policies what the deletion of an account does.
func (s *state) forgetMember(email, uid string) {
	for _, p := range s.policies {
		for i, b := range p.bindings {
			members := slices.Clone(b.list("members"))
			for j, m := range members {
				if m == "serviceAccount:"+email {
					members[j] = "deleted:serviceAccount:" + email + "?uid=" + uid
					p.version++
				}
			}
			p.bindings[i] = b.with(doc{"members": members})
		}
	}
}

// grants says whether the policy gives one of the roles to an account.
func (p *policy) grants(email string, roles ...string) bool {
	return slices.ContainsFunc(p.bindings, func(b doc) bool {
		return slices.Contains(roles, b.text("role")) && slices.Contains(b.list("members"), any("serviceAccount:"+email))
	})
}

func (p *policy) gives(role string) bool {
	return slices.ContainsFunc(p.bindings, func(b doc) bool { return b.text("role") == role })
}

func (p *policy) names(member string) bool {
	return slices.ContainsFunc(p.bindings, func(b doc) bool { return slices.Contains(b.list("members"), any(member)) })
}

func (p *policy) etag() string { return etag(p.version) }

func etag(version int) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "version-%04d", version))
}

func (p *policy) reply() doc {
	reply := doc{"version": 1, "etag": p.etag()}
	if len(p.bindings) > 0 {
		reply["bindings"] = p.bindings
	}
	return reply
}
