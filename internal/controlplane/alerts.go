package controlplane

import (
	"encoding/json"
	"fmt"
	"regexp"
)

func (s *state) alertRoutes() []route {
	const policies = "v3/projects/{project}/alertPolicies"
	return []route{
		{"GET " + policies, s.listAlerts},
		{"POST " + policies, s.createAlert},
		{"GET " + policies + "/{policy}", s.describeAlert},
		{"PATCH " + policies + "/{policy}", s.updateAlert},
		{"DELETE " + policies + "/{policy}", s.deleteAlert},
	}
}

func (s *state) listAlerts(in *call) (doc, error) {
	list, err := filtered(sorted(s.alerts), in.query.Get("filter"))
	if err != nil {
		return nil, err
	}
	return doc{"alertPolicies": list}, nil
}

// createAlert accepts a second policy of the same name, as the real one does.
func (s *state) createAlert(in *call) (doc, error) {
	s.made++
	return s.keepAlert(in.body.with(doc{"name": fmt.Sprintf("projects/%s/alertPolicies/%d", s.project.ID, 1000+s.made)}))
}

func (s *state) describeAlert(in *call) (doc, error) {
	name := "projects/" + s.project.ID + "/alertPolicies/" + in.vars["policy"]
	if a := s.alerts[name]; a != nil {
		return a, nil
	}
	return nil, notFound("Cannot find alert policy with name='%s'.", name)
}

func (s *state) updateAlert(in *call) (doc, error) {
	old, err := s.describeAlert(in)
	if err != nil {
		return nil, err
	}
	name := doc{"name": old["name"]}
	if mask := in.query.Get("updateMask"); mask != "" {
		return s.keepAlert(old.patch(in.body, mask).with(name))
	}
	return s.keepAlert(in.body.with(name))
}

func (s *state) deleteAlert(in *call) (doc, error) {
	a, err := s.describeAlert(in)
	if err != nil {
		return nil, err
	}
	delete(s.alerts, a.text("name"))
	return nil, nil
}

var userMetric = regexp.MustCompile(`logging\.googleapis\.com/user/([\w.-]+)`)

// keepAlert refuses policies of metrics that do not exist.
func (s *state) keepAlert(alert doc) (doc, error) {
	switch {
	case alert.text("displayName") == "":
		return nil, invalid("Field alert_policy.display_name had an invalid value: it must be set.")
	case len(alert.list("conditions")) == 0:
		return nil, invalid("Field alert_policy.conditions had an invalid value: at least one must be specified.")
	case alert.text("combiner") == "":
		return nil, invalid("Field alert_policy.combiner had an invalid value: it must be set.")
	}
	conditions, err := json.Marshal(alert["conditions"])
	if err != nil {
		return nil, err
	}
	for _, m := range userMetric.FindAllStringSubmatch(string(conditions), -1) {
		if s.metrics[m[1]] == nil {
			return nil, notFound("Cannot find metric that matches type = \"%s\". If a metric was created recently, it could take up to 10 minutes to become available. Please try again soon.", m[0])
		}
	}
	s.alerts[alert.text("name")] = alert
	return alert, nil
}
