package controlplane

import "regexp"

func (s *state) metricRoutes() []route {
	return []route{
		{"GET v2/projects/{project}/metrics", s.listMetrics},
		{"POST v2/projects/{project}/metrics", s.createMetric},
		{"GET v2/projects/{project}/metrics/{metric}", s.describeMetric},
		{"PUT v2/projects/{project}/metrics/{metric}", s.updateMetric},
		{"DELETE v2/projects/{project}/metrics/{metric}", s.deleteMetric},
	}
}

var metricID = regexp.MustCompile(`^[A-Za-z0-9_.,+!*',()%/-]{1,100}$`)

func (s *state) listMetrics(in *call) (doc, error) {
	list, err := filtered(sorted(s.metrics), in.query.Get("filter"))
	if err != nil {
		return nil, err
	}
	return doc{"metrics": list}, nil
}

func (s *state) createMetric(in *call) (doc, error) {
	id := in.body.text("name")
	if s.metrics[id] != nil {
		return nil, exists("Metric %s already exists.", id)
	}
	return s.keepMetric(id, in.body)
}

func (s *state) describeMetric(in *call) (doc, error) {
	if m := s.metrics[in.vars["metric"]]; m != nil {
		return m, nil
	}
	return nil, notFound("Metric %s does not exist.", in.vars["metric"])
}

func (s *state) updateMetric(in *call) (doc, error) {
	return s.keepMetric(in.vars["metric"], in.body)
}

func (s *state) deleteMetric(in *call) (doc, error) {
	if _, err := s.describeMetric(in); err != nil {
		return nil, err
	}
	delete(s.metrics, in.vars["metric"])
	return nil, nil
}

func (s *state) keepMetric(id string, metric doc) (doc, error) {
	switch {
	case !metricID.MatchString(id):
		return nil, invalid("The metric's name %q is not valid.", id)
	case metric.text("filter") == "":
		return nil, invalid("The metric %s has no filter.", id)
	}
	s.metrics[id] = metric.with(doc{"name": id})
	return s.metrics[id], nil
}
