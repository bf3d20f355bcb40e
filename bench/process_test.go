package bench

import (
	"bufio"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestMain makes this program the bare server too, see startBare.
func TestMain(m *testing.M) {
	if addr := os.Getenv("BENCH_BARE_ADDR"); addr != "" {
		bare(addr)
	}
	slog.SetLogLoggerLevel(slog.LevelWarn) // what runs in this process logs no requests either
	os.Exit(m.Run())
}

// bare counts in memory with an atomic add: the most that net/http does here.
func bare(addr string) {
	var n atomic.Int64
	err := http.ListenAndServe(addr, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, "{\"visits\":%d}\n", n.Add(1))
	}))
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// build builds a command of the module and returns its path.
func build(b *testing.B, pkg string) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), filepath.Base(pkg))
	if out, err := exec.Command("go", "build", "-o", path, pkg).CombinedOutput(); err != nil {
		b.Fatalf("go build %s: %v\n%s", pkg, err, out)
	}
	return path
}

func freeAddr(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// server is a running process that listens on addr.
type server struct {
	*exec.Cmd
	addr string
}

// start starts a server and waits until it listens. It is stopped at the end.
func start(b *testing.B, addr string, c *exec.Cmd) *server {
	b.Helper()
	if c.Stderr == nil {
		c.Stderr = os.Stderr
	}
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
	})
	for range 3000 {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			return &server{c, addr}
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.Fatalf("%s does not listen on %s", c.Path, addr)
	return nil
}

func startBare(b *testing.B) *server {
	b.Helper()
	addr := freeAddr(b)
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), "BENCH_BARE_ADDR="+addr)
	return start(b, addr, c)
}

// startServe starts tallystick serve with a database of its own. It logs no requests
// unless the flags ask for it.
func startServe(b *testing.B, flags ...string) *server {
	b.Helper()
	addr := freeAddr(b)
	return start(b, addr, serveCommand(b, addr, flags...))
}

func serveCommand(b *testing.B, addr string, flags ...string) *exec.Cmd {
	b.Helper()
	store := "sqlite:" + filepath.Join(b.TempDir(), "bench.db")
	c := exec.Command(build(b, "github.com/tallystick/tallystick/cmd/tallystick"),
		append([]string{"serve", "--addr", addr, "--store", store, "--api-key", "bench"}, flags...)...)
	c.Env = append(os.Environ(), "RATE_LIMIT=0", "LOG_LEVEL=warn")
	return c
}

// memory is the most that the process had resident so far, in MiB.
func (s *server) memory(b *testing.B) float64 {
	b.Helper()
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", s.Process.Pid))
	if err != nil {
		b.Skipf("memory is read from /proc: %v", err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if kib, ok := strings.CutPrefix(lines.Text(), "VmHWM:"); ok {
			n, _ := strconv.ParseFloat(strings.TrimSpace(strings.TrimSuffix(kib, "kB")), 64)
			return n / 1024
		}
	}
	return 0
}

var requestsPerSecond = regexp.MustCompile(`Requests/sec:\s+([0-9.]+)`)

// wrk posts to url over so many connections and returns the replies a second.
func wrk(b *testing.B, connections int, url string) float64 {
	b.Helper()
	script := filepath.Join(b.TempDir(), "post.lua")
	if err := os.WriteFile(script, []byte("wrk.method = 'POST'\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	out, err := exec.Command("wrk", "-t", strconv.Itoa(min(connections, 2)), "-c", strconv.Itoa(connections),
		"-d", "5s", "-s", script, url).CombinedOutput()
	if err != nil {
		b.Skipf("wrk is needed (apt-get install wrk): %v\n%s", err, out)
	}
	if strings.Contains(string(out), "Non-2xx") || strings.Contains(string(out), "Socket errors") {
		b.Errorf("not every request succeeded:\n%s", out)
	}
	found := requestsPerSecond.FindSubmatch(out)
	if found == nil {
		b.Fatalf("wrk said:\n%s", out)
	}
	n, err := strconv.ParseFloat(string(found[1]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return n
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
