package bench

import (
	"fmt"
	"testing"
)

// BenchmarkVisits compares POST /visits, durable on SQLite and through the local
// gateway, with a bare net/http handler that adds in memory.
func BenchmarkVisits(b *testing.B) {
	const rounds = 5
	for _, connections := range []int{1, 64, 256} {
		b.Run(fmt.Sprintf("connections=%d", connections), func(b *testing.B) {
			ours, base := startServe(b), startBare(b)
			var counted, added, ratios []float64
			for range rounds {
				a := wrk(b, connections, "http://"+base.addr+"/visits?page=/")
				c := wrk(b, connections, "http://"+ours.addr+"/visits?page=/")
				added, counted, ratios = append(added, a), append(counted, c), append(ratios, c/a)
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(median(counted), "visits/s")
			b.ReportMetric(median(added), "bare/s")
			b.ReportMetric(median(ratios), "ratio")
			b.ReportMetric(ours.memory(b), "MiB")
		})
	}
}
