package tallystick

import (
	"bytes"
	"go/parser"
	"go/token"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tallystick/tallystick/internal/buildpack"
	"github.com/tallystick/tallystick/internal/storage/emulator"
)

// framework is what the root package itself has to import: the buildpack looks for
// it there, and without it takes a template that this package does not fit.
const framework = "github.com/GoogleCloudPlatform/functions-framework-go/functions"

// TestDeployedFunctions does on this machine what a deployment does: it takes the
// files that gcloud would upload, builds them as the buildpack does, and calls each
// function.
func TestDeployedFunctions(t *testing.T) {
	app := buildUploaded(t)

	t.Run("Docs serves the description", func(t *testing.T) {
		f := buildpack.Start(t, app, "Docs")
		if status, body := f.Call(t, http.MethodGet, "/openapi.json"); status != http.StatusOK || !strings.HasPrefix(body, "{") {
			t.Errorf("GET /openapi.json: %d %.100s, want 200 and JSON", status, body)
		}
	})

	for _, tt := range []struct {
		name string
		env  []string
		log  string
	}{
		{"Visits says that it has no store", nil, "STORE is empty"},
		{"Visits has no disk when it is deployed", []string{"STORE=sqlite:x.db", "K_SERVICE=visits"}, "a deployed function has no disk"},
		{"Visits has no SQLite linked in", []string{"STORE=sqlite:x.db"}, "is not for this program, which knows datastore"},
		{"Visits says which settings cannot be", []string{"STORE=datastore:test", "SHARDS=0"}, "SHARDS: 0 is not 1 to 100"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := buildpack.Start(t, app, "Visits", tt.env...)
			status, body := f.Call(t, http.MethodPost, "/visits")
			if status != http.StatusServiceUnavailable || !strings.Contains(body, `"NOT_STARTED"`) {
				t.Errorf("POST /visits: %d %s, want 503 NOT_STARTED", status, body)
			}
			if log := f.Stop(); !strings.Contains(log, tt.log) {
				t.Errorf("the log does not say %q:\n%s", tt.log, log)
			}
		})
	}

	t.Run("Visits counts in Datastore", func(t *testing.T) {
		f := buildpack.Start(t, app, "Visits", "STORE=datastore:test-buildpack", "DATASTORE_EMULATOR_HOST="+emulator.Datastore(t))
		status, body := f.Call(t, http.MethodPost, "/visits?page=/about")
		if status != http.StatusOK || !strings.Contains(body, `"visits":1,`) {
			t.Errorf("POST /visits: %d %s, want 200 and the first visit", status, body)
		}
	})
}

// TestRootIsOnePackage: the buildpack parses every file in the root and wants one
// package, tests and files of other platforms among them.
func TestRootIsOnePackage(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	imported := false
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		if got := file.Name.Name; got != "tallystick" {
			t.Errorf("%s is of package %s: the buildpack refuses a second package", name, got)
		}
		for _, i := range file.Imports {
			imported = imported || !strings.HasSuffix(name, "_test.go") && i.Path.Value == `"`+framework+`"`
		}
	}
	if !imported {
		t.Errorf("no file of the root package imports %s", framework)
	}
}

// buildUploaded builds what gcloud would upload, and returns the program.
func buildUploaded(t *testing.T) string {
	t.Helper()
	source := t.TempDir()
	names := uploaded(t)
	for _, name := range names {
		copyFile(t, name, filepath.Join(source, name))
	}
	program := buildpack.Build(t, source, module)
	checkLinked(t, source, names)
	return program
}

// checkLinked wants neither SQLite nor test code in the program, and wants nothing
// uploaded that is not in it.
func checkLinked(t *testing.T, source string, uploaded []string) {
	t.Helper()
	const files = `{{$p := .}}{{.ImportPath}}{{range .GoFiles}}{{"\n"}}{{$p.Dir}}/{{.}}{{end}}{{range .IgnoredGoFiles}}{{"\n"}}{{$p.Dir}}/{{.}}{{end}}{{range .EmbedFiles}}{{"\n"}}{{$p.Dir}}/{{.}}{{end}}`
	out, err := buildpack.Run(source, "go", "list", "-deps", "-f", files, buildpack.Main)
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, out)
	}
	linked := map[string]bool{"go.mod": true, "go.sum": true, "LICENSE": true}
	for line := range strings.Lines(out) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, source+"/"); ok {
			linked[name] = true
		} else if strings.HasPrefix(line, "modernc.org/") || line == "testing" {
			t.Errorf("%s is linked into a deployed function", line)
		}
	}
	for _, name := range uploaded {
		if !linked[name] {
			t.Errorf("%s is uploaded and not in the program: name it in .gcloudignore", name)
		}
	}
}

// uploaded asks gcloud for the files that it would upload, see .gcloudignore.
func uploaded(t *testing.T) []string {
	t.Helper()
	gcloud, err := exec.LookPath("gcloud")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no gcloud on the PATH, and CI=true promises one")
		}
		t.Skip("needs gcloud on the PATH: what is deployed is not built")
	}
	c := exec.Command(gcloud, "meta", "list-files-for-upload", ".")
	c.Env = append(os.Environ(), "CLOUDSDK_CONFIG="+t.TempDir(), "CLOUDSDK_CORE_DISABLE_USAGE_REPORTING=true", "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=true")
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		t.Fatalf("gcloud meta list-files-for-upload: %v\n%s", err, &stderr)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o666); err != nil {
		t.Fatal(err)
	}
}
