package controlplane

func (s *state) projectRoutes() []route {
	return []route{
		{"GET v1/projects/{project}", s.describeProject},
		{"POST v1/projects/{project}:getIamPolicy", s.getPolicy("projects/%s", "project")},
		{"POST v1/projects/{project}:setIamPolicy", s.setPolicy("projects/%s", "project")},
	}
}

func (s *state) billingRoutes() []route {
	return []route{{"GET v1/projects/{project}/billingInfo", s.describeBilling}}
}

func (s *state) describeProject(*call) (doc, error) {
	return doc{"projectId": s.project.ID, "projectNumber": s.project.Number, "name": s.project.ID, "lifecycleState": "ACTIVE"}, nil
}

func (s *state) describeBilling(*call) (doc, error) {
	info := doc{"name": "projects/" + s.project.ID + "/billingInfo", "projectId": s.project.ID}
	if s.project.Billing {
		info["billingEnabled"] = true
		info["billingAccountName"] = "billingAccounts/000000-000000-000000"
	}
	return info, nil
}

func (s *state) isProject(id string) bool { return id == s.project.ID || id == s.project.Number }

// noProject is the same for a project that does not exist and one of somebody else.
func (s *state) noProject(id string) error {
	return &refusal{
		status:  403,
		message: "Permission denied on resource project " + id + ".",
		details: []any{errorInfo("CONSUMER_INVALID", doc{"consumer": "projects/" + id})},
	}
}

func errorInfo(reason string, metadata doc) doc {
	return doc{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": reason, "domain": "googleapis.com", "metadata": metadata}
}
