package tallystick

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/tallystick/tallystick"

// room says what packages may import of the module's others. In patterns, * is a
// part of a path, and ** the rest of it; packages of one ** may import each other.
type room struct {
	from string
	to   []string
}

// house is the rooms. The first whose from matches a package is its own.
var house = []room{
	{".", []string{"functions/*", "internal/edge", "internal/storage", "internal/storage/datastore", "internal/storage/firestore"}},
	{"cmd/*", []string{".", "web", "internal/archive", "internal/edge", "internal/gateway", "internal/inventory", "internal/load", "internal/partner", "internal/record", "internal/storage", "internal/storage/sqlite", "openapi"}},
	{"bench/**", []string{".", "internal/**"}},
	{"examples/**", nil},
	{"functions/*", []string{"internal/edge", "internal/recordhttp", "internal/stockhttp", "internal/visit/**", "internal/record/**", "internal/inventory/**", "internal/partner/**", "openapi", "web/scripts"}},
	{"openapi/generate", []string{".", "internal/edge"}},
	{"deploy/generate", []string{".", "internal/archive", "internal/edge", "internal/storage", "internal/storage/datastore"}},
	{"openapi", nil},
	{"web", nil},
	{"web/scripts", nil},
	{"internal/edge", []string{"internal/merge", "internal/storage", "internal/strictjson"}},
	{"internal/strictjson", nil},
	{"internal/recordhttp", []string{"internal/edge", "internal/record/**"}},
	{"internal/stockhttp", []string{"internal/edge", "internal/inventory"}},
	{"internal/gateway", nil},
	{"internal/visit/**", []string{"internal/merge", "internal/storage"}},
	{"internal/record/**", []string{"internal/merge", "internal/storage", "internal/strictjson"}},
	{"internal/inventory/**", []string{"internal/merge", "internal/storage"}},
	{"internal/partner/**", []string{"internal/inventory", "internal/merge", "internal/storage", "internal/strictjson"}},
	{"internal/load", []string{"internal/visit", "internal/storage"}},
	{"internal/archive", []string{"internal/visit", "internal/record", "internal/inventory", "internal/partner", "internal/merge", "internal/storage"}},
	{"internal/merge", []string{"internal/storage"}},
	{"internal/storage", nil},
	{"internal/storage/emulator", nil},
	{"internal/storage/datastore", []string{"internal/storage", "internal/storage/google"}},
	{"internal/storage/firestore", []string{"internal/storage", "internal/storage/google"}},
	{"internal/browser", nil},
	{"internal/buildpack", nil},
	{"internal/controlplane", nil},
	{"internal/storage/*", []string{"internal/storage"}},
}

// kept says which of the module's packages alone may import a package of others.
var kept = []struct {
	library string // and what lies below it
	by      []string
}{
	{"net/http", []string{".", "cmd/*", "bench/**", "examples/**", "functions/*", "openapi/generate", "internal/edge", "internal/recordhttp", "internal/stockhttp", "internal/gateway", "internal/storage/emulator", "internal/buildpack", "internal/controlplane"}},
	{"github.com/danielgtaylor/huma", []string{"functions/*", "openapi/generate", "internal/edge", "internal/recordhttp"}},
	{"github.com/GoogleCloudPlatform/functions-framework-go", []string{".", "cmd/*", "bench/**"}},
	{"modernc.org", []string{"internal/storage/sqlite", "bench/**"}},
	{"go.opentelemetry.io/otel/sdk", []string{"internal/edge"}},
	{"go.opentelemetry.io/otel/exporters", []string{"internal/edge"}},
	{"cloud.google.com/go/datastore", []string{"internal/storage/datastore", "bench/**"}},
	{"cloud.google.com/go/firestore", []string{"internal/storage/firestore", "bench/**"}},
	{"testing", []string{"internal/storage/storagetest", "internal/storage/emulator", "internal/browser", "internal/buildpack", "internal/controlplane"}},
}

// TestImportsRunOneWay holds the arrows of DESIGN.md §2. Tests may import what they
// need.
func TestImportsRunOneWay(t *testing.T) {
	imports := readImports(t)
	if len(imports) < 10 {
		t.Fatalf("found %d packages, want the module's", len(imports))
	}
	for from, all := range imports {
		for _, to := range all {
			if why := refuseArrow(from, to); why != "" {
				t.Errorf("%s imports %s: %s", from, to, why)
			}
		}
	}
}

func TestArrows(t *testing.T) {
	for _, tt := range []struct {
		from, to string
		allowed  bool
	}{
		{".", module + "/functions/visits", true},
		{".", module + "/internal/storage/datastore", true},
		{".", module + "/internal/storage/sqlite", false},
		{".", module + "/internal/visit", false},
		{".", module + "/internal/gateway", false},
		{"cmd/tallystick", module, true},
		{"cmd/tallystick", module + "/internal/storage/sqlite", true},
		{"cmd/tallystick", module + "/internal/storage/storagetest", false},
		{"functions/visits", module + "/internal/visit/badge", true},
		{"functions/visits", module + "/functions/docs", false},
		{"functions/visits", module + "/internal/storage", false},
		{"functions/visits", module, false},
		{"internal/edge", module + "/internal/merge", true},
		{"internal/edge", module + "/internal/visit", false},
		{"internal/visit", module + "/internal/visit/badge", true},
		{"internal/visit", module + "/internal/storage", true},
		{"internal/visit", module + "/internal/storage/datastore", false},
		{"internal/visit", module + "/internal/inventory", false},
		{"internal/visit", module + "/internal/edge", false},
		{"internal/visit", module + "/functions/visits", false},
		{"internal/visit", "net/http", false},
		{"internal/visit", "net/http/httputil", false},
		{"internal/visit", "net/netip", true},
		{"cmd/tallystick", module + "/internal/archive", true},
		{"functions/visits", module + "/internal/archive", false},
		{"internal/archive", module + "/internal/storage/sqlite", false},
		{"internal/merge", module + "/internal/visit", false},
		{"internal/gateway", "net/http", true},
		{"internal/gateway", module + "/internal/edge", false},
		{"internal/storage/sqlite", module + "/internal/storage", true},
		{"internal/storage/sqlite", module + "/internal/merge", false},
		{"internal/storage/sqlite", module + "/internal/storage/datastore", false},
		{"internal/storage/datastore", "cloud.google.com/go/datastore/apiv1", true},
		{"internal/storage/datastore", module + "/internal/storage/google", true},
		{"internal/storage/datastore", module + "/internal/storage/firestore", false},
		{"internal/storage/firestore", "cloud.google.com/go/firestore/apiv1/firestorepb", true},
		{"internal/storage/firestore", module + "/internal/storage/google", true},
		{"internal/storage/sqlite", module + "/internal/storage/google", false},
		{"internal/storage/google", module + "/internal/storage", true},
		{"internal/storage/google", module + "/internal/storage/datastore", false},
		{"internal/visit", module + "/internal/storage/google", false},
		{".", module + "/internal/storage/google", false},
		{"internal/storage", module + "/internal/storage/sqlite", false},
		{"web", module + "/internal/visit", false},
		{"cmd/tallystick", "modernc.org/sqlite", false},
		{"internal/unheard", "fmt", false},
	} {
		if why := refuseArrow(tt.from, tt.to); (why == "") != tt.allowed {
			t.Errorf("%s imports %s: refused with %q, want allowed %v", tt.from, tt.to, why, tt.allowed)
		}
	}
}

// refuseArrow says why a package may not import another one; empty if it may.
func refuseArrow(from, to string) string {
	i := slices.IndexFunc(house, func(r room) bool { return lies(from, r.from) })
	if i < 0 {
		return "the importing package has no room in the house, see imports_test.go"
	}
	own := house[i]
	for _, k := range kept {
		if lies(to, k.library+"/**") && !slices.ContainsFunc(k.by, func(p string) bool { return lies(from, p) }) {
			return "only " + strings.Join(k.by, ", ") + " may"
		}
	}
	ours, ok := strings.CutPrefix(to, module)
	if !ok {
		return ""
	}
	ours = strings.TrimPrefix(ours, "/")
	if ours == "" {
		ours = "."
	}
	allowed := own.to
	if strings.HasSuffix(own.from, "/**") {
		allowed = append(slices.Clone(allowed), own.from)
	}
	if slices.ContainsFunc(allowed, func(p string) bool { return lies(ours, p) }) {
		return ""
	}
	return "of ours it may import " + strings.Join(allowed, ", ")
}

// lies says whether a package is one of those that a pattern names; "a/**" is a and
// all below it.
func lies(pkg, pattern string) bool {
	if root, all := strings.CutSuffix(pattern, "/**"); all {
		return pkg == root || strings.HasPrefix(pkg, root+"/")
	}
	ok, _ := path.Match(pattern, pkg)
	return ok
}

// readImports returns what each package of the module imports, by its folder. It
// reads the files of all platforms.
func readImports(t *testing.T) map[string][]string {
	t.Helper()
	imports := make(map[string][]string)
	err := filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || isModule(name)):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go"):
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		folder := filepath.ToSlash(filepath.Dir(name))
		for _, i := range file.Imports {
			to, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			imports[folder] = append(imports[folder], to)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return imports
}

func isModule(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil
}
