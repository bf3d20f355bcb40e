package bench

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// BenchmarkLog compares POST /visits with a line for each request in a file, and without.
func BenchmarkLog(b *testing.B) {
	const rounds, connections = 5, 256
	start := func(level, log string) *server {
		file, err := os.Create(log)
		if err != nil {
			b.Fatal(err)
		}
		defer file.Close() // the process has its own
		addr := freeAddr(b)
		c := serveCommand(b, addr, "--log-level", level)
		c.Stderr = file
		return start(b, addr, c)
	}
	log := filepath.Join(b.TempDir(), "log")
	lines, none := start("info", log), start("warn", os.DevNull)
	var with, without, ratios []float64
	for range rounds {
		n := wrk(b, connections, "http://"+none.addr+"/visits?page=/")
		l := wrk(b, connections, "http://"+lines.addr+"/visits?page=/")
		without, with, ratios = append(without, n), append(with, l), append(ratios, l/n)
	}
	written, err := os.ReadFile(log)
	if got := bytes.Count(written, []byte("\n")); err != nil || float64(got) < median(with)*rounds { // of 5 s each
		b.Errorf("the log has %d lines, %v; want one for each request", got, err)
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(with), "visits/s")
	b.ReportMetric(median(without), "unlogged/s")
	b.ReportMetric(median(ratios), "ratio")
}
