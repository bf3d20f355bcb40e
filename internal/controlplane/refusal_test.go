package controlplane

import (
	"strings"
	"testing"
)

const (
	regionPath  = "v2/projects/tally-test/locations/us-central1/functions"
	gatewayPath = "v1/projects/tally-test/locations/us-central1/gateways"
	apiPath     = "v1/projects/tally-test/locations/global/apis"
	keyPath     = "v2/projects/tally-test/locations/global/keys"
	dataPath    = "v1/projects/tally-test/databases"
	groupPath   = dataPath + "/(default)/collectionGroups/Mark"
	automatic   = `{"replication":{"automatic":{}}}`
)

// refused is a request that is not granted in a furnished project.
type refused struct {
	name          string
	before        []string // requests that are granted, each with its body
	request, body string
	status        int
	code, message string
}

// checkRefusals wants each to be refused and to change nothing.
func checkRefusals(t *testing.T, table []refused) {
	for _, tt := range table {
		t.Run(tt.name, func(t *testing.T) {
			c := furnished(t)
			for i := 0; i < len(tt.before); i += 2 {
				c.must(t, tt.before[i], tt.before[i+1])
			}
			before := c.State()
			status, reply := c.ask(t, tt.request, tt.body)
			if code, message := reply.text("error", "status"), reply.text("error", "message"); status != tt.status || code != tt.code || !strings.Contains(message, tt.message) {
				t.Errorf("%s: %d %s %q, want %d %s %q", tt.request, status, code, message, tt.status, tt.code, tt.message)
			}
			if after := c.State(); after != before {
				t.Errorf("the refused request changed the state to\n%s", after)
			}
		})
	}
}

func granted(requestsAndBodies ...string) []string { return requestsAndBodies }
