package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/storage"
)

var root = filepath.Join("..", "..")

func TestGeneratedTablesAreCurrent(t *testing.T) {
	all, err := files(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range all {
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(string(got), want); diff != "" {
			t.Errorf("%s is not what the code says. Run go generate in the module's root. (-file +code)\n%s", name, diff)
		}
	}
}

func TestARoleHasWhatItsAccessNeeds(t *testing.T) {
	for _, tt := range []struct {
		access storage.Access
		want   string
	}{
		{0, ""},
		{storage.Reads, "datastore.entities.get"},
		{storage.Lists, "datastore.entities.get,datastore.entities.list"},
		{storage.Reads | storage.Deletes, "datastore.databases.get,datastore.entities.get,datastore.entities.delete"},
		{storage.Writes, "datastore.databases.get,datastore.entities.create,datastore.entities.update"},
	} {
		if got := granted(tt.access); got != tt.want {
			t.Errorf("%b is granted %q, want %q", tt.access, got, tt.want)
		}
	}
}

// TestAFunctionIsMadeOfItsOwnFolders: a change in another function's folders does not
// deploy it anew, one in its own or in what all share does.
func TestAFunctionIsMadeOfItsOwnFolders(t *testing.T) {
	table, err := functionsTable(root)
	if err != nil {
		t.Fatal(err)
	}
	made := make(map[string]string)
	for row := range strings.Lines(table) {
		if columns := strings.Split(strings.TrimSpace(row), "\t"); len(columns) == 5 {
			made[columns[0]] = " " + columns[4] + " "
		}
	}
	for _, tt := range []struct {
		function, folder string
		want             bool
	}{
		{"visits", "functions/visits/", true},
		{"visits", "internal/visit/", true},
		{"visits", "internal/edge/", true},
		{"visits", "tallystick.go", true},
		{"visits", "functions/stock/", false},
		{"visits", "internal/inventory/", false},
		{"visits", "openapi/", false},
		{"docs", "openapi/", true},
		{"update", "internal/inventory/", true},
	} {
		if got := strings.Contains(made[tt.function], " "+tt.folder+" "); got != tt.want {
			t.Errorf("%s is made of %s: %v, want %v", tt.function, tt.folder, got, tt.want)
		}
	}
}

func TestOnlyWhoReadsPartnersIsMarked(t *testing.T) {
	if got := partners(edge.Function{Partners: true}); got != "partners" {
		t.Errorf("got %q, want partners", got)
	}
	if got := partners(edge.Function{}); got != "-" {
		t.Errorf("got %q, want -", got)
	}
}
