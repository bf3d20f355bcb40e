package controlplane

import (
	"fmt"
	"hash/fnv"
)

// aTime is when everything happened.
const aTime = "2026-01-01T00:00:00Z"

// state is all that the project has. Its methods are the APIs' handlers; they are
// called one at a time.
type state struct {
	project    Project
	made       int // resources and versions so far, for what has to differ
	operations map[string]*operation
	underWay   map[string]*progress // of API Gateway's, by name
	uploads    string               // where archives are sent

	services  map[string]bool      // enabled
	accounts  map[string]doc       // by email
	roles     map[string]doc       // custom ones, by id
	policies  map[string]*policy   // by the name of what they are for
	databases map[string]*database // by id
	secrets   map[string]*secret   // by id
	archives  map[string][]byte    // by the object's name
	functions map[string]doc       // by name
	apis      map[string]doc       // by id
	configs   map[string]doc       // of APIs, by name
	gateways  map[string]doc       // by name
	keys      map[string]doc       // by id
	metrics   map[string]doc       // by id
	alerts    map[string]doc       // by name
}

func newState(p Project) *state {
	return &state{
		project:    p,
		operations: make(map[string]*operation),
		underWay:   make(map[string]*progress),
		services:   make(map[string]bool),
		accounts:   make(map[string]doc),
		roles:      make(map[string]doc),
		policies:   make(map[string]*policy),
		databases:  make(map[string]*database),
		secrets:    make(map[string]*secret),
		archives:   make(map[string][]byte),
		functions:  make(map[string]doc),
		apis:       make(map[string]doc),
		configs:    make(map[string]doc),
		gateways:   make(map[string]doc),
		keys:       make(map[string]doc),
		metrics:    make(map[string]doc),
		alerts:     make(map[string]doc),
	}
}

// routes are those of each API, under the name that gcloud's settings give it.
func (s *state) routes() map[string][]route {
	return map[string][]route{
		"cloudresourcemanager": s.projectRoutes(),
		"cloudbilling":         s.billingRoutes(),
		"serviceusage":         s.serviceRoutes(),
		"iam":                  append(s.accountRoutes(), s.roleRoutes()...),
		"firestore":            append(s.databaseRoutes(), s.indexRoutes()...),
		"datastore":            s.datastoreRoutes(),
		"secretmanager":        s.secretRoutes(),
		"cloudfunctions":       s.functionRoutes(),
		"run":                  s.runRoutes(),
		"cloudbuild":           s.buildRoutes(),
		"apigateway":           append(s.apiRoutes(), s.gatewayRoutes()...),
		"apikeys":              s.keyRoutes(),
		"logging":              s.metricRoutes(),
		"monitoring":           s.alertRoutes(),
		uploadAPI:              s.uploadRoutes(),
	}
}

// stable is a short text that looks random, and is the same for the same parts.
func stable(parts ...string) string {
	h := fnv.New32a()
	for _, p := range parts {
		fmt.Fprintf(h, "%s\n", p)
	}
	return fmt.Sprintf("%08x", h.Sum32())
}
