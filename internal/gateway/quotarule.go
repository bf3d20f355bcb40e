package gateway

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// limitRule is a limit of x-google-management, in calls' costs a minute.
type limitRule struct {
	Name        string `json:"name"`
	DisplayName string `json:"displayName"`
	Metric      string `json:"metric"`
	Unit        string `json:"unit"`
	Values      struct {
		Standard int64 `json:"STANDARD"`
	} `json:"values"`
}

func parseLimits(extensions map[string]any) ([]limitRule, error) {
	var management struct {
		Metrics []struct {
			Name        string `json:"name"`
			DisplayName string `json:"displayName"`
			ValueType   string `json:"valueType"`
			MetricKind  string `json:"metricKind"`
		} `json:"metrics"`
		Quota struct {
			Limits []limitRule `json:"limits"`
		} `json:"quota"`
	}
	const name = "x-google-management"
	if _, err := decodeExtension(extensions, name, &management); err != nil {
		return nil, err
	}
	defined := map[string]bool{}
	var errs []error
	for _, metric := range management.Metrics {
		defined[metric.Name] = true
		if metric.ValueType != "INT64" || metric.MetricKind != "DELTA" {
			errs = append(errs, fmt.Errorf("%s: metric %q must have valueType INT64 and metricKind DELTA", name, metric.Name))
		}
	}
	for _, limit := range management.Quota.Limits {
		where := fmt.Sprintf("%s: limit %q", name, cmp.Or(limit.Name, "(no name)"))
		if !defined[limit.Metric] {
			errs = append(errs, fmt.Errorf("%s: metric %q is not defined", where, limit.Metric))
		}
		if limit.Unit != "1/min/{project}" {
			errs = append(errs, fmt.Errorf("%s: unit %q must be 1/min/{project}", where, limit.Unit))
		}
		if limit.Name == "" || limit.Values.Standard <= 0 {
			errs = append(errs, fmt.Errorf("%s: needs a name and a value STANDARD above 0", where))
		}
	}
	return management.Quota.Limits, errors.Join(errs...)
}

func parseCosts(extensions map[string]any) (map[string]int64, error) {
	var costs struct {
		MetricCosts map[string]int64 `json:"metricCosts"`
	}
	const name = "x-google-quota"
	_, err := decodeExtension(extensions, name, &costs)
	for _, metric := range slices.Sorted(maps.Keys(costs.MetricCosts)) {
		if costs.MetricCosts[metric] <= 0 {
			err = errors.Join(err, fmt.Errorf("%s: the cost of %q must be above 0", name, metric))
		}
	}
	return costs.MetricCosts, err
}
