package emulator

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// program is one emulator.
type program struct {
	component string   // its folder in the Cloud SDK
	jar       string   // in that folder
	class     string   // its main class
	args      []string // of the class, besides host and port
	folder    bool     // it wants a folder for its files
	gcloud    []string // starts it where the jar is not where it was
}

const startTimeout = 60 * time.Second

// start runs the program until this process ends, and returns its address.
func start(p program) (host string, err error) {
	for range 3 { // another process may take the port before the emulator does
		if host, err = p.start(); err == nil || errors.Is(err, errMissing) {
			return host, err
		}
	}
	return "", err
}

var errMissing = errors.New("is missing")

func (p program) start() (host string, err error) {
	port, err := freePort()
	if err != nil {
		return "", err
	}
	folder, err := os.MkdirTemp("", "emulator")
	if err != nil {
		return "", err
	}
	command, err := p.command(port, folder)
	if err != nil {
		os.RemoveAll(folder)
		return "", err
	}
	running, err := runUntilWeEnd(folder, command)
	if err != nil {
		os.RemoveAll(folder)
		return "", err
	}
	host = "127.0.0.1:" + port
	for deadline := time.Now().Add(startTimeout); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if answers(host) {
			return host, nil
		}
		if running.ended() {
			break
		}
	}
	return "", fmt.Errorf("%s did not start:\n%s", p.component, running.stop())
}

// command is the emulator's own program. gcloud would start the same, with two
// processes between us and it.
func (p program) command(port, folder string) ([]string, error) {
	gcloud, err := exec.LookPath("gcloud")
	if err != nil {
		return nil, fmt.Errorf("gcloud %w: install the Google Cloud CLI with its emulators", errMissing)
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, fmt.Errorf("java %w: install a Java runtime, 17 or newer", errMissing)
	}
	jar := ""
	if real, err := filepath.EvalSymlinks(gcloud); err == nil {
		jar = filepath.Join(filepath.Dir(real), "..", "platform", p.component, p.jar)
	}
	if _, err := os.Stat(jar); err != nil {
		return append(append([]string{gcloud, "--quiet"}, p.gcloud...), "--host-port=127.0.0.1:"+port), nil
	}
	// Little memory, one thread for garbage, and no optimizing compiler: it costs
	// more than it brings in the short life of a test.
	command := []string{java, "-Xmx768m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Duser.language=en",
		"-cp", jar, p.class, "start", "--host=127.0.0.1", "--port=" + port}
	command = append(command, p.args...)
	if p.folder {
		command = append(command, filepath.Join(folder, "data"))
	}
	return command, nil
}

func answers(host string) bool {
	client := http.Client{Timeout: time.Second}
	reply, err := client.Get("http://" + host + "/")
	if err != nil {
		return false
	}
	defer reply.Body.Close()
	_, _ = io.Copy(io.Discard, reply.Body)
	return reply.StatusCode == http.StatusOK
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}
