package controlplane

import "strings"

func (s *state) runRoutes() []route {
	const service = "v1/projects/{project}/locations/{location}/services/{service}"
	policyOf := []string{"project", "location", "service"}
	return []route{
		{"GET " + service + ":getIamPolicy", s.getPolicy("projects/%s/locations/%s/services/%s", policyOf...)},
		{"POST " + service + ":setIamPolicy", s.setPolicy("projects/%s/locations/%s/services/%s", policyOf...)},
	}
}

func (s *state) buildRoutes() []route {
	return []route{{"GET v1/projects/{project}/locations/{location}/defaultServiceAccount", s.describeBuildAccount}}
}

func (s *state) describeBuildAccount(in *call) (doc, error) {
	return doc{
		"name":                s.regionName(in) + "/defaultServiceAccount",
		"serviceAccountEmail": "projects/" + s.project.Number + "/serviceAccounts/" + s.defaultAccount(),
	}, nil
}

// defaultAccount builds and runs what names no account of its own.
func (s *state) defaultAccount() string {
	return s.project.Number + "-compute@developer.gserviceaccount.com"
}

// runURL is the address of a service, with the parts that look random.
func (s *state) runURL(region, service string) string {
	return "https://" + service + "-" + stable(s.project.ID) + "-" + regionCode(region) + ".a.run.app"
}

// regionCode is what addresses call a region, such as uc for us-central1.
func regionCode(region string) string {
	place, direction, _ := strings.Cut(region, "-")
	return place[:1] + strings.TrimRight(direction, "0123456789")[:1]
}
