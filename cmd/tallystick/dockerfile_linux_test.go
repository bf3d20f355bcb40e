package main

import (
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// nonroot is the user of the image.
const nonroot = "65532:65532"

// TestTheImageRuns does what docker would do with the Dockerfile, as far as that goes without docker: it
// builds as the build stage does, and starts what is copied as the image says.
func TestTheImageRuns(t *testing.T) {
	stages := dockerStages(t, "../../Dockerfile")
	if len(stages) != 2 {
		t.Fatalf("the Dockerfile has %d stages, want 2", len(stages))
	}
	build, image := stages[0], stages[1]
	wantSources(t, build)

	out := t.TempDir() // /out of the build stage
	command := build.only(t, "RUN", "go build")
	c := exec.Command("sh", "-c", strings.ReplaceAll(command, "/out/", out+"/"))
	c.Dir = "../.."
	if said, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, said)
	}

	program := strings.Fields(image.only(t, "COPY", "/out/tallystick"))
	entry := words(image.only(t, "ENTRYPOINT", ""))
	switch {
	case image.only(t, "USER", "") != nonroot || !strings.Contains(image.only(t, "COPY", "/out/data"), "--chown="+nonroot+" "):
		t.Errorf("the image runs as %s, want %s, whose the volume is", image.only(t, "USER", ""), nonroot)
	case entry[0] != path.Base(program[2]) || path.Dir(program[2]) != "/usr/local/bin":
		t.Errorf("the image starts %q, and %q is what is copied to the PATH", entry[0], program[2])
	case image.only(t, "WORKDIR", "") != image.only(t, "VOLUME", ""):
		t.Errorf("the database would be in %s, want it in the volume", image.only(t, "WORKDIR", ""))
	case image.only(t, "ENV", "") != "ADDR=0.0.0.0:"+image.only(t, "EXPOSE", ""):
		t.Errorf("the image listens with %s and exposes %s", image.only(t, "ENV", ""), image.only(t, "EXPOSE", ""))
	}
	s := startImage(t, filepath.Join(out, "tallystick"), entry[1:])
	s.want(http.StatusOK, http.MethodPost, "/visits", "")
	s.want(http.StatusNotFound, http.MethodPost, "/demo/shop/open", "") // which needs no key
	wantPrivate(t, s.cmd.Dir, "tallystick.db", "tallystick.db-shm", "tallystick.db-wal", "tallystick.db.key")
	s.stop()
}

// startImage starts a program in an empty folder as the image's user, if this one may, and with the image's
// environment but for the port, which may be taken here.
func startImage(t *testing.T, program string, args []string) *server {
	t.Helper()
	data, err := os.MkdirTemp("", "tallystick-image-*") // t.TempDir is closed to other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(data) })
	c := exec.Command(filepath.Join(data, "bin"), args...)
	if err := os.Link(program, c.Path); err != nil {
		t.Fatal(err)
	}
	c.Dir = filepath.Join(data, "data")
	if err := os.Mkdir(c.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(freeAddr(t))
	if err != nil {
		t.Fatal(err)
	}
	c.Env = []string{"ADDR=0.0.0.0:" + port, "PATH=/usr/local/bin"}
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() == 0 {
		c.SysProcAttr.Credential = &syscall.Credential{Uid: 65532, Gid: 65532}
		err := errors.Join(os.Chmod(data, 0o755), os.Chmod(c.Path, 0o755), os.Chown(c.Dir, 65532, 65532))
		if err != nil {
			t.Fatal(err)
		}
	}
	s := &server{T: t, url: "http://127.0.0.1:" + port, cmd: c, ended: make(chan struct{})}
	if s.stderr, err = os.Create(filepath.Join(t.TempDir(), "stderr")); err != nil {
		t.Fatal(err)
	}
	c.Stderr = s.stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); <-s.ended; s.stderr.Close() })
	go func() { c.Wait(); close(s.ended) }()
	eventually(t, "the image listens", func() bool {
		select {
		case <-s.ended:
			t.Fatalf("the image does not start: %s", s.said())
		default:
		}
		conn, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	return s
}

// stage is a Dockerfile's from one FROM to the next.
type stage []instruction

type instruction struct{ name, rest string }

func dockerStages(t *testing.T, file string) (stages []stage) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case name == "" || strings.HasPrefix(name, "#"):
		case name == "FROM":
			stages = append(stages, stage{{name, rest}})
		case len(stages) == 0 || strings.HasSuffix(rest, `\`):
			t.Fatalf("%s: this test cannot read %q", file, line)
		default:
			stages[len(stages)-1] = append(stages[len(stages)-1], instruction{name, rest})
		}
	}
	return stages
}

// only is the rest of the one instruction of a name that has a text.
func (s stage) only(t *testing.T, name, text string) string {
	t.Helper()
	var found []string
	for _, i := range s {
		if i.name == name && strings.Contains(i.rest, text) {
			found = append(found, i.rest)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%s … %s is there %d times, want once", name, text, len(found))
	}
	return found[0]
}

// words are those of the form ["a", "b"], the only one that an image without a shell can run.
func words(list string) (all []string) {
	for word := range strings.SplitSeq(strings.Trim(list, "[]"), ",") {
		all = append(all, strings.Trim(word, ` "`))
	}
	return all
}

// wantSources wants what is copied from here to be here, and to be sent to docker; and wants
// what is nobody's business not to be.
func wantSources(t *testing.T, s stage) {
	t.Helper()
	ignored := dockerIgnores(t)
	for _, i := range s {
		from := strings.Fields(i.rest)
		if i.name != "COPY" || strings.HasPrefix(from[0], "--from") {
			continue
		}
		for _, name := range from[:len(from)-1] {
			if _, err := os.Stat(filepath.Join("../..", name)); err != nil || ignored(name) {
				t.Errorf("COPY %s: %v, left out of what docker gets: %v", name, err, ignored(name))
			}
		}
	}
	for _, name := range []string{"partners/acme.json", "tallystick.db", "shop/tallystick.db-wal", "tallystick.db.key", "backup-Mon.tallystick.gz", ".git/config"} {
		if !ignored(name) {
			t.Errorf(".dockerignore does not leave out %s", name)
		}
	}
	out, err := exec.Command("go", "list", "-deps", "-f", `{{if and .Module .Module.Main}}{{$d := .Dir}}{{range .GoFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{range .EmbedFiles}}{{$d}}/{{.}}{{"\n"}}{{end}}{{end}}`, ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for file := range strings.FieldsSeq(string(out)) {
		if name, err := filepath.Rel(root, file); err != nil || ignored(name) {
			t.Errorf(".dockerignore leaves out %s, which the program is built from (%v)", name, err)
		}
	}
}

// dockerIgnores says what .dockerignore leaves out. It knows as much of its patterns as ours need.
func dockerIgnores(t *testing.T) func(name string) bool {
	t.Helper()
	text, err := os.ReadFile("../../.dockerignore")
	if err != nil {
		t.Fatal(err)
	}
	var patterns []string
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			patterns = append(patterns, line)
		}
	}
	return func(name string) bool {
		return slices.ContainsFunc(patterns, func(pattern string) bool {
			tail, anywhere := strings.CutPrefix(pattern, "**/")
			parts := strings.Split(name, "/")
			for i := range parts {
				from := 0
				if anywhere {
					from = i
				}
				if ok, _ := path.Match(tail, strings.Join(parts[from:i+1], "/")); ok {
					return true
				}
			}
			return false
		})
	}
}
