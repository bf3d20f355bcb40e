package controlplane

import (
	"strings"
)

func (s *state) functionRoutes() []route {
	const region = "v2/projects/{project}/locations/{location}"
	return []route{
		{"GET v1/projects/{project}/locations", s.listLocations},
		{"GET v1/projects/{project}/locations/{location}/functions", s.listFirstGeneration},
		{"GET " + region + "/functions", s.listFunctions},
		{"POST " + region + "/functions", s.createFunction},
		{"POST " + region + "/functions:generateUploadUrl", s.generateUploadURL},
		{"GET " + region + "/functions/{function}", s.describeFunction},
		{"PATCH " + region + "/functions/{function}", s.updateFunction},
		{"DELETE " + region + "/functions/{function}", s.deleteFunction},
		{"GET " + region + "/runtimes", s.listRuntimes},
		{"GET " + region + "/operations/{operation}", s.poll("projects/%s/locations/%s/operations/%s", "project", "location", "operation")},
	}
}

// listFunctions has those of all regions for the region "-".
func (s *state) listFunctions(in *call) (doc, error) {
	var all []doc
	for _, f := range sorted(s.functions) {
		if in.vars["location"] == "-" || strings.HasPrefix(f.text("name"), s.regionName(in)+"/") {
			all = append(all, f)
		}
	}
	list, err := filtered(all, in.query.Get("filter"))
	if err != nil {
		return nil, err
	}
	return doc{"functions": list}, nil
}

// listLocations and listFirstGeneration are what gcloud also asks for when it lists
// functions.
func (s *state) listLocations(*call) (doc, error) {
	var list []doc
	for _, r := range functionRegions {
		list = append(list, doc{"name": "projects/" + s.project.ID + "/locations/" + r, "locationId": r})
	}
	return doc{"locations": list}, nil
}

func (s *state) listFirstGeneration(*call) (doc, error) { return doc{}, nil }

func (s *state) createFunction(in *call) (doc, error) {
	id := in.query.Get("functionId")
	name := s.regionName(in) + "/functions/" + id
	if s.functions[name] != nil {
		return nil, exists("Could not create Cloud Run service %s. A Cloud Function with this name already exists.", id)
	}
	return s.deploy(in, name, in.body.with(doc{"name": name}))
}

func (s *state) describeFunction(in *call) (doc, error) {
	name := s.functionName(in)
	f := s.functions[name]
	if f == nil {
		return nil, notFound("Resource '%s' was not found", name)
	}
	return f, nil
}

func (s *state) updateFunction(in *call) (doc, error) {
	old, err := s.describeFunction(in)
	if err != nil {
		return nil, err
	}
	return s.deploy(in, s.functionName(in), old.patch(in.body, in.query.Get("updateMask")))
}

func (s *state) deleteFunction(in *call) (doc, error) {
	if _, err := s.describeFunction(in); err != nil {
		return nil, err
	}
	name := s.functionName(in)
	delete(s.functions, name)
	delete(s.policies, serviceOf(name))
	return s.begin(s.regionName(in)+"/operations/", nil, doc{}).start(), nil
}

// deploy keeps a function as it is to be. What is refused at once leaves nothing
// behind; what fails later, in the build or at the start, leaves a function that has
// failed.
func (s *state) deploy(in *call, name string, f doc) (doc, error) {
	if err := s.checkFunction(in.vars["location"], f); err != nil {
		return nil, err
	}
	id := lastPart(name)
	url := s.runURL(in.vars["location"], id)
	f = f.with(doc{
		"state":       "ACTIVE",
		"environment": "GEN_2",
		"updateTime":  aTime,
		"url":         "https://" + in.vars["location"] + "-" + s.project.ID + ".cloudfunctions.net/" + id,
		"serviceConfig": doc{"timeoutSeconds": 60, "ingressSettings": "ALLOW_ALL", "maxInstanceRequestConcurrency": 1, "availableMemory": "256M"}.
			with(f.sub("serviceConfig")).with(doc{"service": serviceOf(name), "uri": url, "revision": id + "-00001", "allTrafficOnLatestRevision": true}),
	})
	delete(f, "stateMessages")
	failed := s.checkStart(f)
	if failed != nil {
		f["state"] = "FAILED"
		f["stateMessages"] = []any{doc{"severity": "ERROR", "type": "CloudRunServiceNotFound", "message": failed.message}}
	}
	s.functions[name] = f
	stages := doc{"stages": []any{doc{"name": "BUILD", "state": "COMPLETE"}, doc{"name": "SERVICE", "state": "COMPLETE"}}}
	o := s.begin(s.regionName(in)+"/operations/", stages, f)
	o.err = failed
	return o.start(), nil
}

func (s *state) listRuntimes(in *call) (doc, error) {
	if err := s.checkRegion(in.vars["location"]); err != nil {
		return nil, err
	}
	var list []doc
	for _, r := range runtimes {
		list = append(list, doc{"name": r, "displayName": r, "stage": "GA", "environment": "GEN_2"})
	}
	return doc{"runtimes": list}, nil
}

func (s *state) functionName(in *call) string {
	return s.regionName(in) + "/functions/" + in.vars["function"]
}

func (s *state) regionName(in *call) string {
	return "projects/" + s.project.ID + "/locations/" + in.vars["location"]
}

// serviceOf is the name of the Cloud Run service that a function is.
func serviceOf(function string) string {
	return strings.Replace(function, "/functions/", "/services/", 1)
}
