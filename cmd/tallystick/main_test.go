//go:build unix

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The tests drive the real program as a process. main_test.go starts and stops it;
// crowd_test.go is the load.

// soak asks for the long forms of the tests.
var soak = os.Getenv("SOAK") == "1"

// browserAgent is what a person's browser calls itself; without it a visit is a bot's.
const browserAgent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"

var programFolder string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if programFolder, err = os.MkdirTemp("", "tallystick-program-*"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(programFolder)
	return m.Run()
}

// program builds the command, once for all tests. In their long forms it has the race
// detector, if they have it: it is ten times slower then.
var program = sync.OnceValues(func() (string, error) {
	path := filepath.Join(programFolder, "tallystick")
	args := []string{"build", "-o", path}
	info, _ := debug.ReadBuildInfo()
	if soak && info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, ".")...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// patience is for what takes a moment; it decides only how late a test fails.
const patience = 5 * time.Minute

// server is one `tallystick serve`, in a process group of its own.
type server struct {
	*testing.T
	url      string
	greeting string // what it printed, down to "listening on"
	cmd      *exec.Cmd
	stderr   *os.File
	ended    chan struct{}
}

// startServer starts `tallystick serve` in a folder, on a free port unless args say
// another, and waits until it listens. Of args, those of the form NAME=value are its environment. It ends with the
// test.
func startServer(t *testing.T, folder string, args ...string) *server {
	t.Helper()
	s := launch(t, folder, append([]string{"--addr", "127.0.0.1:0"}, args...)...)
	if s.url == "" {
		<-s.ended
		t.Fatalf("serve ended before it listened: %s", s.said())
	}
	return s
}

// launch is startServer for a server that may not start: then url is empty.
func launch(t *testing.T, folder string, args ...string) *server {
	t.Helper()
	s := &server{T: t, cmd: command(t, folder, append([]string{"serve"}, args...)...), ended: make(chan struct{})}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	stdout, output, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	// A file and no buffer: to wait for one is to wait for all processes that write.
	if s.stderr, err = os.Create(filepath.Join(t.TempDir(), "stderr")); err != nil {
		t.Fatal(err)
	}
	s.cmd.Stdout, s.cmd.Stderr = output, s.stderr
	err = s.cmd.Start()
	output.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL)
		<-s.ended
		stdout.Close()
		s.stderr.Close()
	})
	go func() {
		s.cmd.Wait() // ProcessState says how it ended
		close(s.ended)
	}()

	late := time.AfterFunc(patience, func() { syscall.Kill(-s.cmd.Process.Pid, syscall.SIGKILL) })
	defer late.Stop()
	lines := bufio.NewReader(stdout)
	for s.url == "" {
		line, err := lines.ReadString('\n')
		s.greeting += line
		if err != nil {
			return s
		}
		if url, ok := strings.CutPrefix(line, "listening on "); ok {
			s.url = strings.TrimSpace(url)
		}
	}
	go io.Copy(io.Discard, lines)
	return s
}

// command is the program with no settings of this machine's environment.
func command(t *testing.T, folder string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(path)
	c.Dir = folder
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + folder, "TMPDIR=" + os.TempDir()}
	for _, arg := range args {
		if name, _, ok := strings.Cut(arg, "="); ok && name == strings.ToUpper(name) {
			c.Env = append(c.Env, arg)
		} else {
			c.Args = append(c.Args, arg)
		}
	}
	return c
}

// said is what it has written to stderr.
func (s *server) said() string {
	s.Helper()
	b, err := os.ReadFile(s.stderr.Name())
	if err != nil {
		s.Fatal(err)
	}
	return string(b)
}

// signal sends a signal to the server itself, as kill does.
func (s *server) signal(sig syscall.Signal) {
	s.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.Fatal(err)
	}
}

// interrupt sends SIGINT to all of its processes, as Ctrl-C in a terminal does.
func (s *server) interrupt() {
	s.Helper()
	if err := syscall.Kill(-s.cmd.Process.Pid, syscall.SIGINT); err != nil {
		s.Fatal(err)
	}
}

// kill ends it by SIGKILL.
func (s *server) kill() {
	s.Helper()
	s.signal(syscall.SIGKILL)
	<-s.ended
}

// stop ends it by SIGTERM, which it has to survive in good order.
func (s *server) stop() {
	s.Helper()
	s.signal(syscall.SIGTERM)
	s.wantExit(0)
}

// wantExit waits until it ends with this exit code, which is -1 after a signal.
func (s *server) wantExit(code int) {
	s.Helper()
	select {
	case <-s.ended:
	case <-time.After(patience):
		s.Fatal("serve does not end")
	}
	if got := s.cmd.ProcessState.ExitCode(); got != code {
		s.Fatalf("serve ended with %v, want exit code %d; it said: %s", s.cmd.ProcessState, code, s.said())
	}
}

// do sends a request with headers in pairs and returns the reply, its body read.
func (s *server) do(method, path, body string, headers ...string) (*http.Response, string) {
	s.Helper()
	r, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("User-Agent", browserAgent)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer reply.Body.Close()
	b, err := io.ReadAll(reply.Body)
	if err != nil {
		s.Fatalf("%s %s: %v", method, path, err)
	}
	return reply, string(b)
}

// want is do for a request that has to be answered with this status.
func (s *server) want(status int, method, path, body string, headers ...string) string {
	s.Helper()
	reply, got := s.do(method, path, body, headers...)
	if reply.StatusCode != status {
		s.Fatalf("%s %s: status %d, want %d: %s", method, path, reply.StatusCode, status, got)
	}
	return got
}

// wantNeeded skips a test that needs something which is not here, except where CI=true
// promises that it is.
func wantNeeded(t *testing.T, program, forWhat string) {
	t.Helper()
	_, err := exec.LookPath(program)
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatalf("no %s on the PATH, and CI=true promises one", program)
	default:
		t.Skipf("needs %s on the PATH: %s is not tested", program, forWhat)
	}
}

// eventually waits for what comes by itself.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for until := time.Now().Add(patience); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatalf("%s: not after %v", what, patience)
		}
	}
}

// refused says whether nobody listens.
func refused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
