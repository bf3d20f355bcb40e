package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/oasdiff/yaml"

	"github.com/tallystick/tallystick/openapi"
)

func TestGeneratedFilesAreCurrent(t *testing.T) {
	for name, want := range files() {
		got, err := os.ReadFile(filepath.Join("..", "..", name))
		if err != nil {
			t.Error(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the functions' operations say. Run go generate in the module's root. (-file +operations)\n%s",
				name, cmp.Diff(string(got), string(want)))
		}
	}
}

func TestYAMLAndJSONSayTheSame(t *testing.T) {
	fromYAML, err := yaml.YAMLToJSON(openapi.YAML)
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := json.Unmarshal(fromYAML, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(openapi.JSON, &b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("openapi.yaml and openapi.json differ (-yaml +json)\n%s", diff)
	}
}
