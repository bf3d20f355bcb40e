package datastore

import (
	"fmt"
	"strings"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/google"
)

// Index is the composite index that the query needs, as index.yaml has it: what
// must be equal, then the order, then the key where it is in descending order. It
// is empty for a query that the database's own indexes serve, which are one of each
// property, and the names.
func Index(q storage.Query) string {
	var names []string
	parts := make(map[string]string)
	part := func(name, direction string) {
		if parts[name] == "" {
			names = append(names, name)
			parts[name] = "  - name: " + scalar(name) + "\n" + direction
		}
	}
	direction := ""
	if q.Descending {
		direction = "    direction: desc\n"
	}
	for _, f := range q.Where {
		if f.Op == storage.Equal {
			part(google.Escape(f.Property), "")
		}
	}
	if q.OrderBy != "" {
		part(google.Escape(q.OrderBy), direction)
	}
	if q.Descending {
		part(keyProperty, direction)
	}
	if len(names) < 2 && !q.Descending {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "indexes:\n- kind: %s\n  properties:\n", scalar(q.Kind))
	for _, name := range names {
		b.WriteString(parts[name])
	}
	return b.String()
}

// scalar keeps YAML from reading a name as a number or a truth.
func scalar(name string) string {
	switch strings.ToLower(name) {
	case "y", "n", "yes", "no", "on", "off", "true", "false", "null":
		return `"` + name + `"`
	}
	if strings.HasPrefix(name, "-") {
		return `"` + name + `"`
	}
	return name
}
