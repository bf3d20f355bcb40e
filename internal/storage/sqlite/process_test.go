package sqlite_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/tallystick/tallystick/internal/storage"
)

// childFile, in the environment of this test's own program, makes it a process
// that counts in that file.
const (
	childFile  = "SQLITE_TEST_CHILD_FILE"
	childCount = "SQLITE_TEST_CHILD_COUNT"
)

// TestChild is no test but what the child processes run.
func TestChild(t *testing.T) {
	path := os.Getenv(childFile)
	if path == "" {
		t.Skip("it is started by the other tests")
	}
	count, err := strconv.Atoi(os.Getenv(childCount))
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, path)
	const callers = 4
	done := make(chan error, callers)
	for range callers {
		go func() {
			for range count / callers {
				n, err := increment(t, s)
				if err != nil {
					done <- err
					return
				}
				fmt.Printf("acknowledged %d\n", n)
			}
			done <- nil
		}()
	}
	for range callers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

func increment(t *testing.T, s storage.Store) (n int, err error) {
	err = s.Update(t.Context(), func(tx storage.Tx) error {
		got, err := tx.Get(key("counter"))
		if err != nil {
			return err
		}
		n, _ = strconv.Atoi(string(got[0].Data))
		n++
		return tx.Put(storage.Entity{Key: key("counter"), Data: []byte(strconv.Itoa(n))})
	})
	return n, err
}

func TestProcessesOnOneFileLoseNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tally.db") // which they all try to make
	const processes, count = 3, 200
	var running []*exec.Cmd
	var output [processes]strings.Builder
	for i := range processes {
		c := child(t, path, count)
		c.Stdout, c.Stderr = &output[i], &output[i]
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		running = append(running, c)
	}
	for i, c := range running {
		if err := c.Wait(); err != nil {
			t.Errorf("process %d: %v\n%s", i, err, output[i].String())
		}
	}
	wantData(t, open(t, path), "counter", strconv.Itoa(processes*count))
	seen := map[string]bool{}
	for i := range output {
		for line := range strings.Lines(output[i].String()) {
			if strings.HasPrefix(line, "acknowledged") && seen[line] {
				t.Errorf("%s twice", strings.TrimSpace(line))
			}
			seen[line] = true
		}
	}
}

func TestWhatWasAcknowledgedSurvivesKill9(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tally.db")
	for round := range 3 {
		c := child(t, path, 1_000_000)
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		acknowledged := 0
		lines := bufio.NewScanner(out)
		for seen := 0; seen < 100 && lines.Scan(); {
			var n int
			if _, err := fmt.Sscanf(lines.Text(), "acknowledged %d", &n); err == nil {
				acknowledged = max(acknowledged, n)
				seen++
			}
		}
		if err := c.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, out)
		_ = c.Wait()
		s := open(t, path)
		stored, err := increment(t, s)
		if err != nil {
			t.Fatal(err)
		}
		if acknowledged == 0 || stored <= acknowledged {
			t.Errorf("round %d: %d were acknowledged, %d is the next number", round, acknowledged, stored)
		}
		s.Close()
	}
}

func child(t *testing.T, path string, count int) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), program, "-test.run=^TestChild$")
	c.Env = append(os.Environ(), childFile+"="+path, childCount+"="+strconv.Itoa(count))
	return c
}
