package bench

import (
	"net"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/storage/emulator"
)

// BenchmarkColdStart measures from the start of a function's process to its first
// reply of 200, against a function that says hello.
func BenchmarkColdStart(b *testing.B) {
	function := build(b, "github.com/tallystick/tallystick/bench/function")
	hello := build(b, "github.com/tallystick/tallystick/bench/hello")
	host := emulator.Datastore(b)
	for _, c := range []struct{ name, target, method, path string }{
		{"count", "Visits", http.MethodPost, "/visits"},
		{"script", "Visits", http.MethodGet, "/visits/count.js"},
		{"docs", "Docs", http.MethodGet, "/openapi.json"},
	} {
		b.Run(c.name, func(b *testing.B) {
			var ours, base, ratios []float64
			for range 15 {
				h := coldStart(b, hello, http.MethodGet, "/", "FUNCTION_TARGET=Hello")
				f := coldStart(b, function, c.method, c.path, "FUNCTION_TARGET="+c.target,
					"STORE=datastore:cold", "DATASTORE_EMULATOR_HOST="+host)
				ours, base, ratios = append(ours, f), append(base, h), append(ratios, f/h)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(ours), "ms")
			b.ReportMetric(median(base), "hello-ms")
			b.ReportMetric(median(ratios), "ratio")
		})
	}
}

// BenchmarkMemory measures the most that a function's process has resident while 256
// connections count.
func BenchmarkMemory(b *testing.B) {
	addr := freeAddr(b)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		b.Fatal(err)
	}
	c := exec.Command(build(b, "github.com/tallystick/tallystick/bench/function"))
	c.Env = append(os.Environ(), "FUNCTION_TARGET=Visits", "PORT="+port, "RATE_LIMIT=0", "LOG_LEVEL=warn",
		"STORE=datastore:memory", "DATASTORE_EMULATOR_HOST="+emulator.Datastore(b))
	function := start(b, addr, c)
	perSecond := wrk(b, 256, "http://"+addr+"/visits?page=/")
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(perSecond, "visits/s")
	b.ReportMetric(function.memory(b), "MiB")
}

// coldStart returns the milliseconds to the first 200.
func coldStart(b *testing.B, program, method, path string, env ...string) float64 {
	b.Helper()
	addr := freeAddr(b)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		b.Fatal(err)
	}
	c := exec.Command(program)
	c.Env = append(append(os.Environ(), env...), "PORT="+port)
	begin := time.Now()
	if err := c.Start(); err != nil {
		b.Fatal(err)
	}
	defer c.Wait()
	defer c.Process.Kill()
	for time.Since(begin) < 30*time.Second {
		r, err := http.NewRequest(method, "http://"+addr+path, nil)
		if err != nil {
			b.Fatal(err)
		}
		reply, err := http.DefaultClient.Do(r)
		if err != nil {
			time.Sleep(100 * time.Microsecond)
			continue
		}
		took := time.Since(begin)
		reply.Body.Close()
		if reply.StatusCode != http.StatusOK {
			b.Fatalf("%s %s: %s", method, path, reply.Status)
		}
		return float64(took.Microseconds()) / 1000
	}
	b.Fatal("it never answered")
	return 0
}
