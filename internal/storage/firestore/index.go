package firestore

import (
	"path"
	"slices"
	"strings"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/google"
)

// index is the command that makes the composite index which the query needs: what
// must be equal, then the order. Names follow by themselves, in the direction of
// the last field. It is empty for a query that the index of one field serves.
func (s *store) index(q storage.Query) string {
	var properties []string
	for _, f := range q.Where {
		if f.Op == storage.Equal && !slices.Contains(properties, f.Property) {
			properties = append(properties, f.Property)
		}
	}
	if q.OrderBy != "" && !slices.Contains(properties, q.OrderBy) {
		properties = append(properties, q.OrderBy)
	}
	if len(properties) < 2 {
		return ""
	}
	var b strings.Builder
	b.WriteString("gcloud firestore indexes composite create")
	if id := path.Base(s.database); id != defaultDatabase {
		b.WriteString(" --database=" + id)
	}
	b.WriteString(" --collection-group=" + q.Kind + " --query-scope=collection")
	for i, p := range properties {
		order := "ascending"
		if q.Descending && i == len(properties)-1 {
			order = "descending"
		}
		// A quoted path has backticks, which a shell must not see.
		b.WriteString(" --field-config='field-path=" + quoted(google.Escape(p)) + ",order=" + order + "'")
	}
	return b.String()
}

// quoted is a field's name as a path has it. Escape leaves no letter that would
// have to be escaped again.
func quoted(field string) string {
	if strings.Contains(field, "-") {
		return "`" + field + "`"
	}
	return field
}
