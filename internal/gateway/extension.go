package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// checkFields refuses what is neither Swagger's nor an extension: mostly a slip of the pen.
func checkFields(where string, extensions map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(extensions)) {
		if !strings.HasPrefix(name, "x-") && name != "$ref" {
			return fmt.Errorf("%s: unknown field %q", where, name)
		}
	}
	return nil
}

// decodeExtension is false if the extension is not there. It knows every field that Google documents.
func decodeExtension(extensions map[string]any, name string, into any) (bool, error) {
	value, ok := extensions[name]
	if !ok {
		return false, nil
	}
	raw, err := json.Marshal(value)
	if err == nil {
		dec := json.NewDecoder(bytes.NewReader(raw))
		dec.DisallowUnknownFields()
		err = dec.Decode(into)
	}
	if err != nil {
		return true, fmt.Errorf("%s: %w", name, err)
	}
	return true, nil
}

func parseAllowCORS(extensions map[string]any, host string) (bool, error) {
	var endpoints []struct {
		Name      string `json:"name"`
		Target    string `json:"target"`
		AllowCORS bool   `json:"allowCors"`
	}
	if _, err := decodeExtension(extensions, "x-google-endpoints", &endpoints); err != nil {
		return false, err
	}
	for _, endpoint := range endpoints {
		if endpoint.Name == host && endpoint.AllowCORS {
			return true, nil
		}
	}
	return false, nil
}
