package main

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/tallystick/tallystick"
	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/storage"
)

// permissions are what a function's own role holds, by what it does with the store
// (https://cloud.google.com/datastore/docs/access/iam). To put an entity is an upsert,
// which needs two; datastore.databases.get begins a transaction, and is not to read.
var permissions = []struct {
	access storage.Access
	names  []string
}{
	{storage.Writes | storage.Deletes, []string{"datastore.databases.get"}},
	{storage.Reads | storage.Lists, []string{"datastore.entities.get"}},
	{storage.Lists, []string{"datastore.entities.list"}},
	{storage.Writes, []string{"datastore.entities.create", "datastore.entities.update"}},
	{storage.Deletes, []string{"datastore.entities.delete"}},
}

func functionsTable(root string) (string, error) {
	shared, err := sharedSources(root)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString(generatedBy + `# What deploy.sh deploys: name, entry point, permissions of its role, whether it reads
# the partners' documents, and what it is made of: when that changes it is deployed anew.
`)
	for _, f := range tallystick.Functions {
		own, err := sources(root, "./functions/"+f.Name)
		if err != nil {
			return "", err
		}
		all := slices.Concat(shared, own)
		slices.Sort(all)
		fmt.Fprintf(&b, "%s\t%s\t%s\t%s\t%s\n", f.Name, f.EntryPoint, orNone(granted(f.Access)), partners(f),
			strings.Join(slices.Compact(all), " "))
	}
	return b.String(), nil
}

func granted(a storage.Access) string {
	var names []string
	for _, p := range permissions {
		if a&p.access != 0 {
			names = append(names, p.names...)
		}
	}
	return strings.Join(names, ",")
}

func partners(f edge.Function) string {
	if f.Partners {
		return "partners"
	}
	return orNone("")
}

// orNone keeps a column from being empty, which a shell would skip.
func orNone(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

const module = "github.com/tallystick/tallystick"

// sharedSources is what every function is made of: the root package, but for the folders
// of the functions, and what both rest on.
func sharedSources(root string) ([]string, error) {
	list, err := goList(root, "-f", `{{range .GoFiles}}{{.}}{{"\n"}}{{end}}{{range .Imports}}import {{.}}{{"\n"}}{{end}}`, ".")
	if err != nil {
		return nil, err
	}
	all := []string{"go.mod", "go.sum"}
	var packages []string
	for _, line := range list {
		path, imported := strings.CutPrefix(line, "import ")
		switch {
		case !imported:
			all = append(all, line)
		case strings.HasPrefix(path, module+"/") && !strings.HasPrefix(path, module+"/functions/"):
			packages = append(packages, path)
		}
	}
	below, err := sources(root, packages...)
	return append(all, below...), err
}

// sources is the folders of packages, and of what they import of the module's.
func sources(root string, packages ...string) ([]string, error) {
	list, err := goList(root, append([]string{"-deps"}, packages...)...)
	if err != nil {
		return nil, err
	}
	var folders []string
	for _, path := range list {
		if folder, ours := strings.CutPrefix(path, module+"/"); ours {
			folders = append(folders, folder+"/")
		}
	}
	return folders, nil
}

// goList lists for the platform that the functions run on.
func goList(root string, arguments ...string) ([]string, error) {
	c := exec.Command("go", append([]string{"list"}, arguments...)...)
	c.Dir = root
	c.Env = append(c.Environ(), "GOOS=linux", "GOARCH=amd64")
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("go list %s: %w", strings.Join(arguments, " "), err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n"), nil
}
