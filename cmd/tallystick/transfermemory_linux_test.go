package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// maxClientMemory bounds what a client has in memory, whatever the size of its file.
const maxClientMemory = 100 << 20

// TestAnImportOfAnySizeFitsIntoMemory, and so does its export.
func TestAnImportOfAnySizeFitsIntoMemory(t *testing.T) {
	s := startServer(t, t.TempDir())
	size := 32 << 20
	if soak {
		size = 200 << 20
	}
	// Rows of 2 kB with a large one now and then: a batch of rows, or a page, has both.
	c := withoutDetector(t, s.client("", s.url, "import", "records", "c"))
	c.Stdin = nil
	input, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	written := make(chan struct{})
	go func() {
		defer close(written)
		defer input.Close()
		for sent := 0; sent < size; rows++ {
			length := 2000
			if rows%1000 == 999 {
				length = 900_000
			}
			n, err := fmt.Fprintf(input, `{"id":"r%d","data":{"text":"%s"}}`+"\n", rows, strings.Repeat("x", length))
			if err != nil {
				t.Error(err)
				return
			}
			sent += n
		}
	}()
	got, peak := endedWithPeak(t, c)
	<-written
	got.wants(0, fmt.Sprintf("%s rows, %s inserted", grouped(rows), grouped(rows)))
	wantMemory(t, "the import", peak)

	got, peak = endedWithPeak(t, withoutDetector(t, s.client("", s.url, "export", "records", "c", "-o", "out.csv")))
	got.wants(0, "exported "+grouped(rows))
	wantMemory(t, "the export", peak)
}

// endedWithPeak is ended with the most memory that was seen. What wait4 tells of it has
// that of the process that started it, too.
func endedWithPeak(t *testing.T, c *exec.Cmd) (outcome, int) {
	t.Helper()
	pid, wait := begun(t, c)
	var peak int
	done, watched := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(watched)
		for {
			peak = max(peak, peakMemory(pid))
			select {
			case <-done:
				return
			case <-time.After(10 * time.Millisecond):
			}
		}
	}()
	got := wait()
	close(done)
	<-watched
	return got, peak
}

// withoutDetector is a command of a program without the race detector, which takes
// several times the memory.
func withoutDetector(t *testing.T, c *exec.Cmd) *exec.Cmd {
	t.Helper()
	if !soak {
		return c
	}
	c.Path = filepath.Join(programFolder, "plain")
	if out, err := exec.Command("go", "build", "-o", c.Path, ".").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return c
}

// peakMemory is the most that a process has had in memory; 0 when it has ended.
func peakMemory(pid int) int {
	status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	var kilobytes int
	fmt.Sscan(after, &kilobytes)
	return kilobytes << 10
}

func wantMemory(t *testing.T, what string, peak int) {
	t.Helper()
	t.Logf("%s had %d MiB at its peak", what, peak>>20)
	if peak == 0 || peak > maxClientMemory {
		t.Errorf("%s had %d MiB in memory, want at most %d", what, peak>>20, maxClientMemory>>20)
	}
}
