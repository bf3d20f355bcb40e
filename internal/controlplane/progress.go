package controlplane

// progress is a resource of API Gateway's for which Google takes minutes: until its
// operation was polled to the end, or, where whoever began it is gone, until it is listed a
// second time.
type progress struct {
	state  string // CREATING or UPDATING
	listed bool
}

// beginOn begins an operation by which a resource comes to be as it is kept.
func (s *state) beginOn(prefix, state string, resource doc) doc {
	o := s.begin(prefix, nil, resource)
	o.makes = resource.text("name")
	s.underWay[o.makes] = &progress{state: state}
	return o.start()
}

// shown is a resource as one sees it: while it is created it has none of what only Google
// gives it.
func (s *state) shown(resource doc) doc {
	p := s.underWay[resource.text("name")]
	if p == nil {
		return resource
	}
	resource = resource.with(doc{"state": p.state})
	if p.state == "CREATING" {
		delete(resource, "managedService")
		delete(resource, "defaultHostname")
	}
	return resource
}

// listed is a resource as one sees it in a list.
func (s *state) listed(resource doc) doc {
	if p := s.underWay[resource.text("name")]; p != nil {
		if p.listed {
			delete(s.underWay, resource.text("name"))
		}
		p.listed = true
	}
	return s.shown(resource)
}

// checkReady refuses to build on what is under way.
func (s *state) checkReady(name string) error {
	if p := s.underWay[name]; p != nil {
		return precondition("Resource '%s' is not ready: it is %s.", name, p.state)
	}
	return nil
}
