package controlplane

import (
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

//go:embed warm.py
var warmScript []byte

// warm returns the program that stands for gcloud's Python and does not load all modules
// for each command, which is most of what one takes. It is empty where gcloud is not laid
// out as we know it, or Python is missing: then each command loads its own.
func (c *ControlPlane) warm() string {
	program, err := exec.LookPath("gcloud")
	if err != nil {
		return ""
	}
	if program, err = filepath.EvalSymlinks(program); err != nil {
		return ""
	}
	lib := filepath.Join(filepath.Dir(filepath.Dir(program)), "lib")
	if _, err := os.Stat(filepath.Join(lib, "gcloud.py")); err != nil {
		return ""
	}
	python, err := exec.LookPath("python3")
	if err != nil {
		return ""
	}
	folder := c.t.TempDir()
	script, address, stand := filepath.Join(folder, "warm.py"), filepath.Join(folder, "warm"), filepath.Join(folder, "python")
	if err := os.WriteFile(script, warmScript, 0o666); err != nil {
		c.t.Fatal(err)
	}
	if err := os.WriteFile(stand, fmt.Appendf(nil, "#!/bin/sh\nexec '%s' -ISE '%s' '%s' \"$@\"\n", python, script, address), 0o777); err != nil {
		c.t.Fatal(err)
	}
	if err := c.startWarm(exec.Command(python, "-S", script, "serve", address, lib), address); err != nil {
		c.t.Log(err)
		return ""
	}
	return stand
}

// startWarm starts the process, which ends with the test, and waits until it listens.
func (c *ControlPlane) startWarm(server *exec.Cmd, address string) error {
	server.Env = append(c.env(), "PATH="+os.Getenv("PATH"), "HOME="+c.config)
	server.Stderr = os.Stderr
	input, err := server.StdinPipe()
	if err != nil {
		return err
	}
	if err := server.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Wait() }()
	c.t.Cleanup(func() { input.Close() })
	for {
		select {
		case err := <-ended:
			return fmt.Errorf("gcloud's modules cannot be loaded: %w", err)
		case <-time.After(20 * time.Millisecond):
			if _, err := os.Stat(address); err == nil {
				return nil
			}
		}
	}
}
