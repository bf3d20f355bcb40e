// Package controlplane stands for Google Cloud's control plane, on a free port of
// this machine, so that the real gcloud creates, changes and deletes there what a
// deployment needs. It keeps state, records every request, and refuses what the
// real one refuses: a test runs a script against it and then reads what is there.
//
// It is not an emulator: nothing that is deployed runs, it knows one project, and
// only the calls that the commands of deploy.sh make. What takes minutes in the
// cloud is done at once, and what takes effect there some seconds later does so
// here at once. The one who calls may do everything: whether a person's own
// permissions suffice is not asked.
//
// Read controlplane.go (what a test holds), request.go and fault.go (what it sees
// and may spoil), serve.go and route.go (how a call finds its place), state.go (what
// is kept), and then a file for each API; summary.go writes it down for a golden
// file.
package controlplane

import (
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Project is the one project that exists.
type Project struct {
	ID      string
	Number  string
	Billing bool // a billing account is linked to it
}

// ControlPlane is the recorder. Its methods may be called at any time, while gcloud
// runs too.
type ControlPlane struct {
	t      testing.TB
	server *httptest.Server
	config string // gcloud's own folder
	python func() string

	mu       sync.Mutex
	state    *state
	routes   map[string][]route // by API
	requests []Request
	changes  int
	faults   []*fault
	onChange func(n int, r Request)

	telling sync.Mutex // one call of onChange at a time
}

// New starts a control plane that stops with the test.
func New(t testing.TB, p Project) *ControlPlane {
	t.Helper()
	c := &ControlPlane{t: t, config: t.TempDir(), state: newState(p)}
	c.python = sync.OnceValue(c.warm)
	c.routes = c.state.routes()
	c.server = httptest.NewServer(c)
	c.state.uploads = c.server.URL + "/upload/"
	t.Cleanup(c.server.Close)
	if err := os.WriteFile(c.token(), []byte("no-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return c
}

// Env is the environment in which gcloud, which also wants PATH and HOME, speaks to
// this control plane alone and asks nothing of its user. It names no project: a
// command that forgets to is to fail.
func (c *ControlPlane) Env() []string {
	env := c.env()
	if python := c.python(); python != "" {
		env = append(env, "CLOUDSDK_PYTHON="+python)
	}
	return env
}

func (c *ControlPlane) env() []string {
	env := []string{
		"CLOUDSDK_CONFIG=" + c.config,
		"CLOUDSDK_AUTH_ACCESS_TOKEN_FILE=" + c.token(),
		"CLOUDSDK_CORE_DISABLE_PROMPTS=1",
		"CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=true",
		"CLOUDSDK_CORE_DISABLE_FILE_LOGGING=true",
		"CLOUDSDK_CORE_CHECK_GCE_METADATA=false",
		"CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=true",
		"CLOUDSDK_SURVEY_DISABLE_PROMPTS=true",
		"NO_PROXY=*", "no_proxy=*",
	}
	for _, api := range slices.Sorted(maps.Keys(c.routes)) {
		if api == uploadAPI {
			continue
		}
		env = append(env, fmt.Sprintf("CLOUDSDK_API_ENDPOINT_OVERRIDES_%s=%s/%s/", strings.ToUpper(api), c.server.URL, api))
	}
	return env
}

// State is all that is there, as YAML in an order that does not change, without
// times and secrets.
func (c *ControlPlane) State() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	text, err := c.state.summary()
	if err != nil {
		c.t.Error(err)
	}
	return text
}

// Archive is the zip file that a function's present version was built from; nil if
// there is no such function.
func (c *ControlPlane) Archive(function string) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.archive(function)
}

// APIConfig is the OpenAPI document of an API config; nil if there is no such one.
func (c *ControlPlane) APIConfig(id string) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.document(id)
}

func (c *ControlPlane) token() string { return filepath.Join(c.config, "token") }
