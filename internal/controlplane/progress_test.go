package controlplane

import "testing"

// TestWhatNobodyPollsIsUnderWayUntilItIsListedAgain: as after the end of whoever began it.
// Nothing can be built on it before.
func TestWhatNobodyPollsIsUnderWayUntilItIsListedAgain(t *testing.T) {
	c := furnished(t)
	const apis, tally = "apigateway/" + apiPath, "apigateway/" + apiPath + "/tally"
	gateway := func(config string) string {
		return `{"apiConfig":"projects/tally-test/locations/global/apis/tally/configs/` + config + `"}`
	}
	c.must(t, "POST "+tally+"/configs?apiConfigId=two", apiConfig(document, account))
	for _, tt := range []struct {
		begin, body      string
		list, listed     string
		id               string
		state, lacks     string // what the first list shows, and what it does not
		builds, withBody string // what is refused meanwhile
	}{
		{"POST " + apis + "?apiId=other", "{}", apis, "apis", "other", "CREATING", "managedService",
			"POST " + apis + "/other/configs?apiConfigId=one", apiConfig(document, account)},
		{"POST " + tally + "/configs?apiConfigId=one", apiConfig(document, account), tally + "/configs", "apiConfigs", "one", "CREATING", "",
			"POST apigateway/" + gatewayPath + "?gatewayId=tally", gateway("one")},
		{"POST apigateway/" + gatewayPath + "?gatewayId=tally", gateway("two"), "apigateway/" + gatewayPath, "gateways", "tally", "CREATING", "defaultHostname",
			"PATCH apigateway/" + gatewayPath + "/tally?updateMask=apiConfig", gateway("one")},
		{"PATCH apigateway/" + gatewayPath + "/tally?updateMask=apiConfig", gateway("one"), "apigateway/" + gatewayPath, "gateways", "tally", "UPDATING", "",
			"PATCH apigateway/" + gatewayPath + "/tally?updateMask=apiConfig", gateway("two")},
	} {
		if status, reply := c.ask(t, tt.begin, tt.body); status != 200 {
			t.Fatalf("%s: %d %v", tt.begin, status, reply)
		}
		first := c.listed(t, tt.list, tt.listed, tt.id)
		if got := first.text("state"); got != tt.state || tt.lacks != "" && first.text(tt.lacks) != "" {
			t.Errorf("%s: in the first list %s is %s and %q, want %s and none", tt.begin, tt.id, got, first.text(tt.lacks), tt.state)
		}
		c.must(t, "GET "+tt.list+"/"+tt.id, "") // which it does not end by
		if status, reply := c.ask(t, tt.builds, tt.withBody); status != 400 || reply.text("error", "status") != "FAILED_PRECONDITION" {
			t.Errorf("%s while it is %s: %d %v, want it to be refused", tt.builds, tt.state, status, reply)
		}
		second := c.listed(t, tt.list, tt.listed, tt.id)
		if got := second.text("state"); got != "ACTIVE" || tt.lacks != "" && second.text(tt.lacks) == "" {
			t.Errorf("%s: in the second list %s is %s and %q, want ACTIVE and one", tt.begin, tt.id, got, second.text(tt.lacks))
		}
	}
}

// TestWhatWasPolledIsReady in the first list.
func TestWhatWasPolledIsReady(t *testing.T) {
	c := furnished(t)
	if got := c.listed(t, "apigateway/"+apiPath, "apis", "tally"); got.text("state") != "ACTIVE" || got.text("managedService") == "" {
		t.Errorf("got %v, want it to be ACTIVE and to have its service", got)
	}
}

// listed is the resource with an id in a list.
func (c *ControlPlane) listed(t *testing.T, path, field, id string) doc {
	t.Helper()
	for _, r := range c.must(t, "GET "+path, "").list(field) {
		if lastPart(asDoc(r).text("name")) == id {
			return asDoc(r)
		}
	}
	t.Fatalf("%s has no %s", path, id)
	return nil
}
