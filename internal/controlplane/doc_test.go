package controlplane

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPatchTakesOverWhatTheMaskNames(t *testing.T) {
	old := doc{"labels": doc{"a": "1"}, "config": doc{"cpu": "1", "maxCount": 5.0}}
	sent := doc{"labels": doc{"b": "2"}, "config": doc{"cpu": "2", "memory": "x"}, "name": "n"}
	for _, tt := range []struct {
		mask string
		want doc
	}{
		{"labels", doc{"labels": doc{"b": "2"}, "config": doc{"cpu": "1", "maxCount": 5.0}}},
		{"config.cpu", doc{"labels": doc{"a": "1"}, "config": doc{"cpu": "2", "maxCount": 5.0}}},
		{"config.max_count,name", doc{"labels": doc{"a": "1"}, "config": doc{"cpu": "1"}, "name": "n"}},
		{"config.maxCount", doc{"labels": doc{"a": "1"}, "config": doc{"cpu": "1"}}},
		{"event_trigger", doc{"labels": doc{"a": "1"}, "config": doc{"cpu": "1", "maxCount": 5.0}}},
	} {
		if diff := cmp.Diff(tt.want, old.patch(sent, tt.mask)); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.mask, diff)
		}
	}
}

func TestFilters(t *testing.T) {
	list := []doc{
		{"name": "projects/p/secrets/acme", "state": "ENABLED", "labels": doc{"hash": "abc"}},
		{"name": "projects/p/secrets/bolt", "state": "DESTROYED"},
	}
	for _, tt := range []struct {
		filter string
		want   []doc
	}{
		{"", list},
		{"state=enabled", list[:1]},
		{"state:ENABLED", list[:1]},
		{"labels.hash:*", list[:1]},
		{`name="projects/p/secrets/bolt"`, list[1:]},
		{"name:secrets", list},
		{"name=secrets", nil},
	} {
		got, err := filtered(list, tt.filter)
		if err != nil {
			t.Errorf("%s: %v", tt.filter, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", tt.filter, diff)
		}
	}
}

func TestRoutesMatchWholeSegmentsAndVerbs(t *testing.T) {
	for _, tt := range []struct {
		pattern, path string
		want          map[string]string // nil: no match
	}{
		{"v1/projects/{project}", "v1/projects/p", map[string]string{"project": "p"}},
		{"v1/projects/{project}", "v1/projects/p/secrets", nil},
		{"v1/projects/{project}", "v1/projects/", nil},
		{"v1/projects/{project}", "v1/projects/p:getIamPolicy", nil},
		{"v1/projects/{project}:getIamPolicy", "v1/projects/p:getIamPolicy", map[string]string{"project": "p"}},
		{"v1/projects/{project}:getIamPolicy", "v1/projects/p%3AgetIamPolicy", map[string]string{"project": "p"}},
		{"v1/databases/{database}", "v1/databases/%28default%29", map[string]string{"database": "(default)"}},
		{"v2/metrics/{metric}", "v2/metrics/a%2Fb", map[string]string{"metric": "a/b"}},
	} {
		got, ok := match(tt.pattern, tt.path)
		if ok != (tt.want != nil) {
			t.Errorf("%s, %s: match is %v", tt.pattern, tt.path, ok)
		} else if diff := cmp.Diff(tt.want, got); ok && diff != "" {
			t.Errorf("%s, %s: -want +got\n%s", tt.pattern, tt.path, diff)
		}
	}
}
