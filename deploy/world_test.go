package deploy

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/oasdiff/yaml"

	"github.com/tallystick/tallystick/internal/controlplane"
)

const project = "tally-test"

// world is a copy of the repository, and a cloud for it.
type world struct {
	t     *testing.T
	dir   string
	shell string
	plane *controlplane.ControlPlane
	env   []string // besides

	answer   string // to what deploy.sh asks
	partners string // a folder of documents
}

func newWorld(t *testing.T) *world {
	t.Helper()
	if _, err := exec.LookPath("gcloud"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no gcloud on the PATH, and CI=true promises one")
		}
		t.Skip("needs gcloud on the PATH: deploy.sh is not tested")
	}
	w := &world{
		t:        t,
		dir:      t.TempDir(),
		partners: t.TempDir(),
		shell:    shell(),
		plane:    controlplane.New(t, controlplane.Project{ID: project, Number: "123456789012", Billing: true}),
	}
	w.copyRepository()
	return w
}

// shell runs deploy.sh. DEPLOY_SHELL names another one, such as a bash of version 3.2.
func shell() string {
	if other := os.Getenv("DEPLOY_SHELL"); other != "" {
		return other
	}
	return "bash"
}

// copyRepository copies what deploy.sh needs and what is uploaded.
func (w *world) copyRepository() {
	w.t.Helper()
	skip := []string{".git", "bench", "docs", "examples", "cmd", "testdata", "node_modules", "tools"}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains(skip, d.Name()) && path != filepath.Join("..", "functions", "docs"):
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(w.dir, strings.TrimPrefix(path, "..")), 0o777)
		case strings.HasSuffix(path, "_test.go") || !d.Type().IsRegular():
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(w.dir, strings.TrimPrefix(path, "..")), b, 0o666)
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// command is deploy.sh with arguments, for this project. It has a process group of its
// own, which dies with the test.
func (w *world) command(arguments ...string) (*exec.Cmd, *bytes.Buffer) {
	ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Minute)
	w.t.Cleanup(cancel)
	c := exec.CommandContext(ctx, w.shell, append([]string{"deploy.sh", "--project", project}, arguments...)...)
	c.Dir = w.dir
	c.Env = slices.Concat([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + w.t.TempDir(), "LC_ALL=C"}, w.plane.Env(), w.env)
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	c.WaitDelay = 10 * time.Second
	var out bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = strings.NewReader(w.answer), &out, &out
	return c, &out
}

// deploy runs deploy.sh and wants it to succeed.
func (w *world) deploy(arguments ...string) string {
	w.t.Helper()
	w.plane.Forget()
	c, out := w.command(arguments...)
	if err := c.Run(); err != nil {
		w.t.Fatalf("deploy.sh %v: %v\n%s", arguments, err, out)
	}
	return out.String()
}

// fail runs deploy.sh and wants it to end with a status.
func (w *world) fail(status int, arguments ...string) string {
	w.t.Helper()
	w.plane.Forget()
	c, out := w.command(arguments...)
	c.Run()
	if got := c.ProcessState.ExitCode(); got != status {
		w.t.Errorf("deploy.sh %v ended with %d, want %d\n%s", arguments, got, status, out)
	}
	return out.String()
}

// config is the API config that the gateway has, as JSON.
func (w *world) config() []byte {
	w.t.Helper()
	id := regexp.MustCompile(`\bconfig: (tallystick-[0-9a-f]{12})`).FindStringSubmatch(w.plane.State())
	if id == nil {
		w.t.Fatalf("no gateway has a config:\n%s", w.plane.State())
	}
	b, err := yaml.YAMLToJSON(w.plane.APIConfig(id[1]))
	if err != nil {
		w.t.Fatal(err)
	}
	return b
}

// partner writes a partner's document.
func (w *world) partner(id, secret string) {
	w.t.Helper()
	if err := os.WriteFile(filepath.Join(w.partners, id+".json"), []byte(`{"id":"`+id+`","keys":[{"secret":"`+secret+`"}]}`), 0o600); err != nil {
		w.t.Fatal(err)
	}
}

// edit replaces a text in a file of the copy.
func (w *world) edit(name, old, new string) {
	w.t.Helper()
	path := filepath.Join(w.dir, name)
	b, err := os.ReadFile(path)
	if err != nil {
		w.t.Fatal(err)
	}
	if !bytes.Contains(b, []byte(old)) {
		w.t.Fatalf("%s has no %q", name, old)
	}
	if err := os.WriteFile(path, bytes.Replace(b, []byte(old), []byte(new), 1), 0o666); err != nil {
		w.t.Fatal(err)
	}
}
