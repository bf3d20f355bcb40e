package controlplane

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"strings"
)

func (s *state) apiRoutes() []route {
	const api = "v1/projects/{project}/locations/global/apis"
	return []route{
		{"GET " + api, s.listAPIs},
		{"POST " + api, s.createAPI},
		{"GET " + api + "/{api}", s.describeAPI},
		{"DELETE " + api + "/{api}", s.deleteAPI},
		{"GET " + api + "/{api}/configs", s.listConfigs},
		{"POST " + api + "/{api}/configs", s.createConfig},
		{"GET " + api + "/{api}/configs/{config}", s.describeConfig},
		{"DELETE " + api + "/{api}/configs/{config}", s.deleteConfig},
	}
}

func (s *state) listAPIs(*call) (doc, error) {
	var list []doc
	for _, a := range sorted(s.apis) {
		list = append(list, s.listed(a))
	}
	return doc{"apis": list}, nil
}

// createAPI also makes the API's own service, which has to be enabled before a key
// opens it.
func (s *state) createAPI(in *call) (doc, error) {
	id := in.query.Get("apiId")
	name := s.apiName(id)
	switch {
	case !apiGatewayID.MatchString(id):
		return nil, invalid("Invalid API id %q.", id)
	case s.apis[id] != nil:
		return nil, exists("Resource '%s' already exists", name)
	}
	service := in.body.text("managedService")
	if service == "" {
		service = fmt.Sprintf("%s-%s.apigateway.%s.cloud.goog", id, stable(s.project.ID, id), s.project.ID)
	}
	s.apis[id] = in.body.with(doc{"name": name, "state": "ACTIVE", "createTime": aTime, "managedService": service})
	return s.beginOn(s.globalOperations(), "CREATING", s.apis[id]), nil
}

func (s *state) describeAPI(in *call) (doc, error) {
	a, err := s.api(in)
	return s.shown(a), err
}

func (s *state) api(in *call) (doc, error) {
	if a := s.apis[in.vars["api"]]; a != nil {
		return a, nil
	}
	return nil, notFound("Resource '%s' was not found", s.apiName(in.vars["api"]))
}

func (s *state) deleteAPI(in *call) (doc, error) {
	a, err := s.api(in)
	if err != nil {
		return nil, err
	}
	name := a.text("name")
	for config := range s.configs {
		if strings.HasPrefix(config, name+"/configs/") {
			return nil, precondition("Resource '%s' has nested resources. If the API supports cascading delete, set 'force' to true to delete it and its nested resources.", name)
		}
	}
	delete(s.apis, in.vars["api"])
	delete(s.underWay, name)
	delete(s.services, a.text("managedService"))
	return s.begin(s.globalOperations(), nil, doc{}).start(), nil
}

func (s *state) listConfigs(in *call) (doc, error) {
	if _, err := s.api(in); err != nil {
		return nil, err
	}
	var list []doc
	for name, c := range s.configs {
		if strings.HasPrefix(name, s.apiName(in.vars["api"])+"/configs/") {
			list = append(list, s.listed(withoutDocument(c)))
		}
	}
	return doc{"apiConfigs": byName(list)}, nil
}

func (s *state) createConfig(in *call) (doc, error) {
	api, err := s.api(in)
	if err != nil {
		return nil, err
	}
	if err := s.checkReady(api.text("name")); err != nil {
		return nil, err
	}
	id := in.query.Get("apiConfigId")
	name := api.text("name") + "/configs/" + id
	account := lastPart(in.body.text("gatewayServiceAccount"))
	switch {
	case !apiGatewayID.MatchString(id):
		return nil, invalid("Invalid API config id %q.", id)
	case s.configs[name] != nil:
		return nil, exists("Resource '%s' already exists", name)
	case account != "" && !s.hasAccount(account):
		return nil, invalid("Service account %s does not exist, or the caller may not act as it.", account)
	}
	document, err := sentDocument(in.body)
	if err := errors.Join(err, checkLabels(in.body)); err != nil {
		return nil, err
	}
	if err := checkOpenAPI(document); err != nil {
		return nil, invalid("Cannot convert to service config. %v", err)
	}
	s.made++
	s.configs[name] = in.body.with(doc{
		"name":            name,
		"state":           "ACTIVE",
		"createTime":      fmt.Sprintf("2026-01-01T00:%02d:%02dZ", s.made/60%60, s.made%60),
		"serviceConfigId": id + "-" + stable(name),
	})
	return s.beginOn(s.globalOperations(), "CREATING", withoutDocument(s.configs[name])), nil
}

// describeConfig shows the document only to those who ask for the full view.
func (s *state) describeConfig(in *call) (doc, error) {
	c, err := s.config(in)
	if err != nil || in.query.Get("view") == "FULL" {
		return c, err
	}
	return s.shown(withoutDocument(c)), nil
}

func (s *state) config(in *call) (doc, error) {
	name := s.apiName(in.vars["api"]) + "/configs/" + in.vars["config"]
	if c := s.configs[name]; c != nil {
		return c, nil
	}
	return nil, notFound("Resource '%s' was not found", name)
}

func (s *state) deleteConfig(in *call) (doc, error) {
	c, err := s.config(in)
	if err != nil {
		return nil, err
	}
	name := c.text("name")
	for _, g := range s.gateways {
		if s.ownName(g.text("apiConfig")) == name {
			return nil, precondition("Resource '%s' is in use by the gateway '%s'.", name, g.text("name"))
		}
	}
	delete(s.configs, name)
	delete(s.underWay, name)
	return s.begin(s.globalOperations(), nil, doc{}).start(), nil
}

func (s *state) apiName(id string) string {
	return "projects/" + s.project.ID + "/locations/global/apis/" + id
}

func (s *state) globalOperations() string {
	return "projects/" + s.project.ID + "/locations/global/operations/"
}

// isManagedService says whether a service is that of one of the project's APIs.
func (s *state) isManagedService(name string) bool {
	for _, a := range s.apis {
		if a.text("managedService") == name {
			return true
		}
	}
	return false
}

// document is the OpenAPI document of the config with an id.
func (s *state) document(id string) []byte {
	for name, c := range s.configs {
		if lastPart(name) == id {
			document, _ := sentDocument(c)
			return document
		}
	}
	return nil
}

func sentDocument(config doc) ([]byte, error) {
	documents := config.list("openapiDocuments")
	if len(documents) != 1 {
		return nil, invalid("The config has %d OpenAPI documents, want one.", len(documents))
	}
	first := asDoc(documents[0])
	document, err := base64.StdEncoding.DecodeString(first.text("document", "contents"))
	if err != nil {
		return nil, invalid("The OpenAPI document is not encoded as base64: %v.", err)
	}
	return document, nil
}

func withoutDocument(config doc) doc {
	c := maps.Clone(config)
	delete(c, "openapiDocuments")
	return c
}
