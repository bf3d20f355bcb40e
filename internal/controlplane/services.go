package controlplane

import (
	"fmt"
	"slices"
	"strings"
)

// apiTitles are the services that can be enabled, with the names that messages use.
var apiTitles = map[string]string{
	"apigateway.googleapis.com":           "API Gateway API",
	"apikeys.googleapis.com":              "API Keys API",
	"artifactregistry.googleapis.com":     "Artifact Registry API",
	"cloudbilling.googleapis.com":         "Cloud Billing API",
	"cloudbuild.googleapis.com":           "Cloud Build API",
	"cloudfunctions.googleapis.com":       "Cloud Functions API",
	"cloudresourcemanager.googleapis.com": "Cloud Resource Manager API",
	"cloudtrace.googleapis.com":           "Cloud Trace API",
	"datastore.googleapis.com":            "Cloud Datastore API",
	"firestore.googleapis.com":            "Cloud Firestore API",
	"iam.googleapis.com":                  "Identity and Access Management (IAM) API",
	"iamcredentials.googleapis.com":       "IAM Service Account Credentials API",
	"logging.googleapis.com":              "Cloud Logging API",
	"monitoring.googleapis.com":           "Cloud Monitoring API",
	"run.googleapis.com":                  "Cloud Run Admin API",
	"secretmanager.googleapis.com":        "Secret Manager API",
	"servicecontrol.googleapis.com":       "Service Control API",
	"servicemanagement.googleapis.com":    "Service Management API",
	"serviceusage.googleapis.com":         "Service Usage API",
	"storage.googleapis.com":              "Cloud Storage API",
}

// needBilling are those that are not enabled in a project without a billing account.
var needBilling = []string{
	"artifactregistry.googleapis.com", "cloudbuild.googleapis.com", "run.googleapis.com", "secretmanager.googleapis.com",
}

func (s *state) serviceRoutes() []route {
	return []route{
		{"GET v1/projects/{project}/services", s.listServices},
		{"GET v1/projects/{project}/services/{service}", s.describeService},
		{"POST v1/projects/{project}/services/{service}:enable", s.enableService},
		{"POST v1/projects/{project}/services:batchEnable", s.enableServices},
		{"GET v1/operations/{operation}", s.poll("operations/%s", "operation")},
	}
}

// checkEnabled refuses calls to an API that is not enabled. Those by which one
// enables others, and sees that billing is there, answer always.
func (s *state) checkEnabled(api string) error {
	switch api {
	case "serviceusage", "cloudresourcemanager", "cloudbilling", uploadAPI:
		return nil
	}
	service := api + ".googleapis.com"
	if s.services[service] {
		return nil
	}
	return &refusal{
		status: 403,
		message: fmt.Sprintf("%s has not been used in project %s before or it is disabled. Enable it by visiting https://console.developers.google.com/apis/api/%s/overview?project=%s then retry. If you enabled this API recently, wait a few minutes for the action to propagate to our systems and retry.",
			apiTitles[service], s.project.ID, service, s.project.ID),
		details: []any{errorInfo("SERVICE_DISABLED", doc{"consumer": "projects/" + s.project.ID, "service": service, "serviceTitle": apiTitles[service]})},
	}
}

func (s *state) listServices(in *call) (doc, error) {
	var list []doc
	for name := range apiTitles {
		if in.query.Get("filter") != "state:ENABLED" || s.services[name] {
			list = append(list, s.service(name))
		}
	}
	for name := range s.services {
		if _, googles := apiTitles[name]; !googles {
			list = append(list, s.service(name))
		}
	}
	return doc{"services": byName(list)}, nil
}

func (s *state) describeService(in *call) (doc, error) {
	name := in.vars["service"]
	if err := s.checkServices(name); err != nil {
		return nil, err
	}
	return s.service(name), nil
}

func (s *state) enableService(in *call) (doc, error) { return s.enable(in.vars["service"]) }

func (s *state) enableServices(in *call) (doc, error) {
	var names []string
	for _, n := range in.body.list("serviceIds") {
		name, _ := n.(string)
		names = append(names, name)
	}
	if len(names) == 0 || len(names) > 20 {
		return nil, invalid("service_ids: %d services, want 1 to 20.", len(names))
	}
	return s.enable(names...)
}

// enable does all or nothing.
func (s *state) enable(names ...string) (doc, error) {
	if err := s.checkServices(names...); err != nil {
		return nil, err
	}
	var unpaid []string
	changed := false
	for _, n := range names {
		if !s.project.Billing && slices.Contains(needBilling, n) {
			unpaid = append(unpaid, n)
		}
		changed = changed || !s.services[n]
	}
	if len(unpaid) > 0 {
		return nil, precondition("Billing account for project '%s' is not found. Billing must be enabled for activation of service(s) '%s' to proceed.",
			s.project.Number, strings.Join(unpaid, ","))
	}
	for _, n := range names {
		s.services[n] = true
	}
	if !changed {
		return doc{"name": "operations/noop.DONE_OPERATION", "done": true, "response": doc{}}, nil
	}
	return s.begin("operations/", nil, doc{}).start(), nil
}

// checkServices refuses names of no service: Google's, and those that API Gateway
// makes for the project's APIs.
func (s *state) checkServices(names ...string) error {
	for _, n := range names {
		if _, googles := apiTitles[n]; !googles && !s.isManagedService(n) {
			return &refusal{status: 403, message: fmt.Sprintf("Not found or permission denied for service(s): %s.", n)}
		}
	}
	return nil
}

func (s *state) service(name string) doc {
	state := "DISABLED"
	if s.services[name] {
		state = "ENABLED"
	}
	return doc{
		"name":   "projects/" + s.project.Number + "/services/" + name,
		"parent": "projects/" + s.project.Number,
		"config": doc{"name": name, "title": apiTitles[name]},
		"state":  state,
	}
}
