//go:build unix

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTwoMinutes runs docs/two-minutes.sh on a clone of what is committed here, and logs
// its times.
func TestTwoMinutes(t *testing.T) {
	for _, program := range []string{"bash", "git", "go", "chromium"} {
		wantNeeded(t, program, "the way from a clone to a number on a page")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, ".git")); err != nil {
		t.Skip("needs a repository of git to clone, and these files are in none")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	c := exec.CommandContext(ctx, "bash", filepath.Join(root, "docs/two-minutes.sh"), "file://"+root)
	c.Dir = t.TempDir()
	c.Env = append(os.Environ(), "ADDR=127.0.0.1:0")
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return c.Process.Signal(syscall.SIGTERM) } // it ends what it started
	c.WaitDelay = time.Minute
	out, err := c.CombinedOutput()
	t.Logf("\n%s", out)
	if err != nil || !strings.HasSuffix(string(out), "\nYou are visitor no. 1.\n") {
		t.Errorf("it ended with %v, and its last line is not that the page shows visit 1", err)
	}
}

// TestTheScriptOfTwoMinutesIsClean: of what shellcheck knows to go wrong.
func TestTheScriptOfTwoMinutesIsClean(t *testing.T) {
	wantNeeded(t, "shellcheck", "docs/two-minutes.sh")
	if out, err := exec.Command("shellcheck", "../../docs/two-minutes.sh").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
