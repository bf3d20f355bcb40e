package controlplane

import (
	"fmt"
	"regexp"
	"strings"
)

func (s *state) accountRoutes() []route {
	const account = "v1/projects/{project}/serviceAccounts/{account}"
	return []route{
		{"GET v1/projects/{project}/serviceAccounts", s.listAccounts},
		{"POST v1/projects/{project}/serviceAccounts", s.createAccount},
		{"GET " + account, s.describeAccount},
		{"DELETE " + account, s.deleteAccount},
		{"POST " + account + ":getIamPolicy", s.getPolicy("projects/%s/serviceAccounts/%s", "project", "account")},
		{"POST " + account + ":setIamPolicy", s.setPolicy("projects/%s/serviceAccounts/%s", "project", "account")},
	}
}

var accountID = regexp.MustCompile(`^[a-z][a-z0-9-]{4,28}[a-z0-9]$`)

func (s *state) listAccounts(*call) (doc, error) {
	return doc{"accounts": sorted(s.accounts)}, nil
}

func (s *state) createAccount(in *call) (doc, error) {
	id := in.body.text("accountId")
	if !accountID.MatchString(id) {
		return nil, invalid("%q is not a valid account id: 6 to 30 lowercase letters, digits and dashes, of which the first is a letter.", id)
	}
	email := id + s.accountDomain()
	if s.accounts[email] != nil {
		return nil, exists("Service account %s already exists within project projects/%s.", id, s.project.ID)
	}
	s.made++
	a := in.body.sub("serviceAccount").with(doc{
		"name":      "projects/" + s.project.ID + "/serviceAccounts/" + email,
		"projectId": s.project.ID,
		"email":     email,
		"uniqueId":  fmt.Sprintf("1%020d", s.made),
	})
	s.accounts[email] = a
	return a, nil
}

func (s *state) describeAccount(in *call) (doc, error) {
	a := s.accounts[in.vars["account"]]
	if a == nil {
		return nil, notFound("Unknown service account")
	}
	return a, nil
}

// deleteAccount also changes the policies: what was given to an account is not given
// to a later one of the same name.
func (s *state) deleteAccount(in *call) (doc, error) {
	a, err := s.describeAccount(in)
	if err != nil {
		return nil, err
	}
	email := in.vars["account"]
	delete(s.accounts, email)
	delete(s.policies, a.text("name"))
	s.forgetMember(email, a.text("uniqueId"))
	return nil, nil
}

// hasAccount knows the project's own accounts, and those that Google makes: for the
// project, and its own in other projects.
func (s *state) hasAccount(email string) bool {
	if strings.HasSuffix(email, s.accountDomain()) {
		return s.accounts[email] != nil
	}
	return strings.Contains(email, s.project.Number) && strings.HasSuffix(email, ".gserviceaccount.com")
}

func (s *state) accountDomain() string { return "@" + s.project.ID + ".iam.gserviceaccount.com" }
