package controlplane

import (
	"testing"
)

func TestRefusalsOfMetricsAndAlerts(t *testing.T) {
	const metric = `{"name":"errors","filter":"severity>=ERROR"}`
	checkRefusals(t, []refused{
		{"a second metric", granted("POST logging/v2/projects/tally-test/metrics", metric), "POST logging/v2/projects/tally-test/metrics", metric, 409, "ALREADY_EXISTS", "errors already exists"},
		{"a metric without a filter", nil, "POST logging/v2/projects/tally-test/metrics", `{"name":"errors"}`, 400, "INVALID_ARGUMENT", "no filter"},
		{"an alert of no metric", nil, "POST monitoring/v3/projects/tally-test/alertPolicies", `{"displayName":"A","combiner":"OR","conditions":[{"conditionThreshold":{"filter":"metric.type=\"logging.googleapis.com/user/errors\""}}]}`, 404, "NOT_FOUND", "Cannot find metric"},
		{"an alert of nothing", nil, "POST monitoring/v3/projects/tally-test/alertPolicies", `{"displayName":"A","combiner":"OR"}`, 400, "INVALID_ARGUMENT", "conditions"},
		{"a metric's name with a blank", nil, "POST logging/v2/projects/tally-test/metrics", `{"name":"two words","filter":"x"}`, 400, "INVALID_ARGUMENT", "not valid"},
		{"a metric that is not there", nil, "GET logging/v2/projects/tally-test/metrics/nix", "", 404, "NOT_FOUND", "nix"},
		{"an alert without a name", nil, "POST monitoring/v3/projects/tally-test/alertPolicies", `{"combiner":"OR","conditions":[{}]}`, 400, "INVALID_ARGUMENT", "display_name"},
		{"an alert that combines nothing", nil, "POST monitoring/v3/projects/tally-test/alertPolicies", `{"displayName":"A","conditions":[{}]}`, 400, "INVALID_ARGUMENT", "combiner"},
		{"an alert that is not there", nil, "GET monitoring/v3/projects/tally-test/alertPolicies/1", "", 404, "NOT_FOUND", "alertPolicies/1"},
	})
}
