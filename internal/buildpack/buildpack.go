// Package buildpack does on this machine, for tests, what Cloud Functions does with an
// uploaded folder: it builds the program and starts it for one function.
package buildpack

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// mainFile is what the buildpack puts beside the functions (GoogleCloudPlatform/
// buildpacks, cmd/go/functions_framework/lib): it imports the root package, whose
// init registers the functions, and starts the one that FUNCTION_TARGET names.
const mainFile = `package main

import (
	"log"
	"net/http"
	"os"

	_ "%s"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
)

func main() {
	http.HandleFunc("/robots.txt", http.NotFound)
	http.HandleFunc("/favicon.ico", http.NotFound)
	log.Fatal(funcframework.StartHostPort("127.0.0.1", os.Getenv("PORT")))
}
`

// Main is the package of the program, below the folder that was built.
const Main = "./functions.local/app"

// Build builds a folder, whose root package is module, and returns the program. What it
// needs beside the folder is put into it. Where no modules can be had the test is skipped.
func Build(t testing.TB, folder, module string) (program string) {
	t.Helper()
	// The buildpack's own main package, within the function's module.
	app := filepath.Join(folder, Main)
	if err := os.MkdirAll(app, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(app, "main.go"), fmt.Appendf(nil, mainFile, module), 0o666); err != nil {
		t.Fatal(err)
	}
	if out, err := Run(folder, "go", "mod", "tidy"); err != nil {
		if os.Getenv("CI") != "true" && unreachable(out) {
			t.Skipf("needs the modules that go mod tidy asks for, from the network or the module cache: what is deployed is not built\n%s", out)
		}
		t.Fatalf("go mod tidy: %v\n%s", err, out)
	}
	if out, err := Run(folder, "go", "build", "-buildvcs=false", "-o", "app", Main); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return filepath.Join(folder, "app")
}

// Run runs a command in a folder that was built.
func Run(folder string, command ...string) (output string, err error) {
	c := exec.Command(command[0], command[1:]...)
	c.Dir = folder
	c.Env = append(os.Environ(), "GOWORK=off")
	out, err := c.CombinedOutput()
	return string(out), err
}

// unreachable says whether the go command failed for want of a network.
func unreachable(out string) bool {
	for _, s := range []string{"dial tcp", "module lookup disabled by GOPROXY=off", "no such host", "i/o timeout"} {
		if strings.Contains(out, s) {
			return true
		}
	}
	return false
}

// Function is a running one.
type Function struct {
	URL string

	// Stop ends it and returns what it logged. It ends with the test, too.
	Stop func() (log string)
}

// Start runs the program with nothing of this machine's settings, and waits
// until it listens.
func Start(t testing.TB, program, target string, env ...string) *Function {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	l.Close()
	_, port, _ := net.SplitHostPort(address)

	var log bytes.Buffer
	c := exec.Command(program)
	c.Env = append([]string{"PORT=" + port, "FUNCTION_TARGET=" + target}, env...)
	c.Stdout, c.Stderr = &log, &log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	f := &Function{URL: "http://" + address, Stop: sync.OnceValue(func() string {
		c.Process.Kill()
		c.Wait()
		return log.String()
	})}
	t.Cleanup(func() { f.Stop() })

	for until := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			return f
		}
		if time.Now().After(until) {
			t.Fatalf("%s does not listen: %v\n%s", target, err, f.Stop())
		}
	}
}

// Call sends a request and returns the reply.
func (f *Function) Call(t testing.TB, method, path string) (status int, body string) {
	t.Helper()
	r, err := http.NewRequest(method, f.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatalf("%v\n%s", err, f.Stop())
	}
	defer reply.Body.Close()
	b, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply.StatusCode, string(b)
}
