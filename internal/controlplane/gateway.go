package controlplane

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// gatewayRegions are those of API Gateway. https://cloud.google.com/api-gateway/docs/deployment-model
var gatewayRegions = []string{
	"asia-northeast1", "australia-southeast1", "europe-west1", "europe-west2", "us-central1", "us-east1", "us-east4", "us-west2",
	"us-west3", "us-west4",
}

func (s *state) gatewayRoutes() []route {
	const region = "v1/projects/{project}/locations/{location}"
	return []route{
		{"GET " + region + "/gateways", s.listGateways},
		{"POST " + region + "/gateways", s.createGateway},
		{"GET " + region + "/gateways/{gateway}", s.describeGateway},
		{"PATCH " + region + "/gateways/{gateway}", s.updateGateway},
		{"DELETE " + region + "/gateways/{gateway}", s.deleteGateway},
		{"GET " + region + "/operations/{operation}", s.poll("projects/%s/locations/%s/operations/%s", "project", "location", "operation")},
	}
}

// apiGatewayID is what APIs, their configs and gateways are called.
var apiGatewayID = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,47}[a-z0-9])?$`)

func (s *state) listGateways(in *call) (doc, error) {
	var list []doc
	for _, g := range sorted(s.gateways) {
		if in.vars["location"] == "-" || strings.HasPrefix(g.text("name"), s.regionName(in)+"/") {
			list = append(list, s.listed(g))
		}
	}
	return doc{"gateways": list}, nil
}

func (s *state) createGateway(in *call) (doc, error) {
	id, region := in.query.Get("gatewayId"), in.vars["location"]
	name := s.regionName(in) + "/gateways/" + id
	switch {
	case !slices.Contains(gatewayRegions, region):
		return nil, &refusal{status: 403, message: fmt.Sprintf("Location %s is not found or access is unauthorized.", region)}
	case !apiGatewayID.MatchString(id):
		return nil, invalid("Invalid gateway id %q.", id)
	case s.gateways[name] != nil:
		return nil, exists("Resource '%s' already exists", name)
	}
	return s.keepGateway(in, "CREATING", in.body.with(doc{
		"name":            name,
		"state":           "ACTIVE",
		"createTime":      aTime,
		"defaultHostname": id + "-" + stable(s.project.ID, region) + "." + regionCode(region) + ".gateway.dev",
	}))
}

func (s *state) describeGateway(in *call) (doc, error) {
	g, err := s.gateway(in)
	return s.shown(g), err
}

func (s *state) gateway(in *call) (doc, error) {
	name := s.regionName(in) + "/gateways/" + in.vars["gateway"]
	if g := s.gateways[name]; g != nil {
		return g, nil
	}
	return nil, notFound("Resource '%s' was not found", name)
}

func (s *state) updateGateway(in *call) (doc, error) {
	old, err := s.gateway(in)
	if err != nil {
		return nil, err
	}
	if err := s.checkReady(old.text("name")); err != nil {
		return nil, err
	}
	return s.keepGateway(in, "UPDATING", old.patch(in.body, in.query.Get("updateMask")))
}

func (s *state) deleteGateway(in *call) (doc, error) {
	g, err := s.gateway(in)
	if err != nil {
		return nil, err
	}
	delete(s.gateways, g.text("name"))
	delete(s.underWay, g.text("name"))
	return s.begin(s.regionName(in)+"/operations/", nil, doc{}).start(), nil
}

func (s *state) keepGateway(in *call, state string, g doc) (doc, error) {
	config := s.ownName(g.text("apiConfig"))
	if s.configs[config] == nil {
		return nil, notFound("Resource '%s' was not found", g.text("apiConfig"))
	}
	if err := errors.Join(s.checkReady(config), checkLabels(g)); err != nil {
		return nil, err
	}
	s.gateways[g.text("name")] = g
	return s.beginOn(s.regionName(in)+"/operations/", state, g), nil
}

// ownName is a name with the project's id, where it may have the number.
func (s *state) ownName(name string) string {
	if rest, ok := strings.CutPrefix(name, "projects/"+s.project.Number+"/"); ok {
		return "projects/" + s.project.ID + "/" + rest
	}
	return name
}
