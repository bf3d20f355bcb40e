package firestore

import (
	"slices"
	"testing"

	"github.com/tallystick/tallystick/internal/storage"
)

func TestWhatTheServerIsAskedToOrderBy(t *testing.T) {
	equal := storage.Filter{Property: "x", Op: storage.Equal, Value: int64(1)}
	above := storage.Filter{Property: "x", Op: storage.Greater, Value: int64(0)}
	other := storage.Filter{Property: "y", Op: storage.Equal, Value: int64(1)}
	for _, c := range []struct {
		name  string
		query storage.Query
		want  []string
	}{
		{"nothing", storage.Query{}, []string{nameField}},
		{"a property", storage.Query{OrderBy: "x"}, []string{"x", nameField}},
		{"a property with a range", storage.Query{OrderBy: "x", Where: []storage.Filter{above}}, []string{"x", nameField}},
		{"a property, and another has a value", storage.Query{OrderBy: "x", Where: []storage.Filter{other}}, []string{"x", nameField}},
		{"a property that has one value", storage.Query{OrderBy: "x", Where: []storage.Filter{other, equal}}, []string{nameField}},
		{"a property with one value and a range", storage.Query{OrderBy: "x", Where: []storage.Filter{equal, above}}, []string{"x", nameField}},
		{"a property that needs quotes", storage.Query{OrderBy: "x.y"}, []string{"`x-2Ey`", nameField}},
	} {
		s := &store{database: "projects/p/databases/d"}
		query, err := s.encodeQuery(c.query)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range query.GetOrderBy() {
			got = append(got, o.GetField().GetFieldPath())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}
