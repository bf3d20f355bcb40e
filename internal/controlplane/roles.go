package controlplane

import (
	"maps"
	"regexp"
	"slices"
)

func (s *state) roleRoutes() []route {
	const role = "v1/projects/{project}/roles/{role}"
	return []route{
		{"GET v1/projects/{project}/roles", s.listRoles},
		{"POST v1/projects/{project}/roles", s.createRole},
		{"POST v1/permissions:queryTestablePermissions", s.listPermissions},
		{"GET " + role, s.describeRole},
		{"PATCH " + role, s.updateRole},
		{"DELETE " + role, s.deleteRole},
		{"POST " + role + ":undelete", s.undeleteRole},
	}
}

var roleID = regexp.MustCompile(`^[a-zA-Z0-9_.]{3,64}$`)

func (s *state) listRoles(in *call) (doc, error) {
	var list []doc
	for _, r := range sorted(s.roles) {
		if r["deleted"] != true || in.query.Get("showDeleted") == "true" {
			list = append(list, r)
		}
	}
	return doc{"roles": list}, nil
}

// listPermissions is what gcloud asks for before it creates a role.
func (s *state) listPermissions(*call) (doc, error) {
	var list []doc
	for _, p := range knownPermissions {
		list = append(list, doc{"name": p, "stage": "GA"})
	}
	return doc{"permissions": list}, nil
}

// createRole refuses the id of a deleted role too: it is kept for weeks, and only
// undelete brings it back.
func (s *state) createRole(in *call) (doc, error) {
	id := in.body.text("roleId")
	old := s.roles[id]
	switch {
	case !roleID.MatchString(id):
		return nil, invalid("The role_id %q is invalid: it is 3 to 64 letters, digits, underscores and periods.", id)
	case old != nil && old["deleted"] == true:
		return nil, precondition("You can't create a role with role_id (%s) where there is an existing role with that role_id in a deleted state.", id)
	case old != nil:
		return nil, exists("A role named %s in projects/%s already exists.", id, s.project.ID)
	}
	role := in.body.sub("role").with(doc{"name": "projects/" + s.project.ID + "/roles/" + id})
	return s.keepRole(id, role)
}

func (s *state) describeRole(in *call) (doc, error) {
	r := s.roles[in.vars["role"]]
	if r == nil {
		return nil, notFound("The role named projects/%s/roles/%s was not found.", s.project.ID, in.vars["role"])
	}
	return r, nil
}

func (s *state) updateRole(in *call) (doc, error) {
	old := s.roles[in.vars["role"]]
	switch etag := in.body.text("etag"); {
	case old == nil:
		return s.describeRole(in)
	case old["deleted"] == true:
		return nil, precondition("You can't update the role (%s): it is in a deleted state.", old.text("name"))
	case etag != "" && etag != old.text("etag"):
		return nil, aborted("There were concurrent changes to the role (%s). Please retry the whole read-modify-write with exponential backoff.", old.text("name"))
	}
	return s.keepRole(in.vars["role"], old.patch(in.body, roleMask(in)))
}

func roleMask(in *call) string {
	if mask := in.query.Get("updateMask"); mask != "" {
		return mask
	}
	return "title,description,includedPermissions,stage"
}

func (s *state) deleteRole(in *call) (doc, error) {
	old := s.roles[in.vars["role"]]
	switch {
	case old == nil:
		return s.describeRole(in)
	case old["deleted"] == true:
		return nil, precondition("You can't delete the role (%s): it is already in a deleted state.", old.text("name"))
	}
	return s.keepRole(in.vars["role"], old.with(doc{"deleted": true}))
}

func (s *state) undeleteRole(in *call) (doc, error) {
	old := s.roles[in.vars["role"]]
	switch {
	case old == nil:
		return s.describeRole(in)
	case old["deleted"] != true:
		return nil, precondition("You can't undelete the role (%s): it is not in a deleted state.", old.text("name"))
	}
	role := maps.Clone(old)
	delete(role, "deleted")
	return s.keepRole(in.vars["role"], role)
}

func (s *state) keepRole(id string, role doc) (doc, error) {
	for _, p := range role.list("includedPermissions") {
		if name, _ := p.(string); !slices.Contains(knownPermissions, name) {
			return nil, invalid("Permission %s is not valid.", name)
		}
	}
	s.made++
	role["etag"] = etag(s.made)
	s.roles[id] = role
	return role, nil
}
