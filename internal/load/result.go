package load

import (
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Result is what came of calls.
type Result struct {
	Attempted int64 // calls that were made
	Done      int64 // those without an error
	Failed    map[string]int64

	// Unsent is how many calls were due and never made, for all callers were busy until
	// the end: the Rate was not kept, and what these would have waited is in no latency.
	Unsent int64

	Took time.Duration

	latency *hdrhistogram.Histogram // of the calls that are Done, in µs
}

// Latencies go into an HDR histogram: each to three digits, whatever its size, up to
// maxLatency.
const (
	latencyDigits = 3
	maxLatency    = time.Hour
)

func newResult() Result {
	return Result{
		Failed:  make(map[string]int64),
		latency: hdrhistogram.New(1, maxLatency.Microseconds(), latencyDigits),
	}
}

func (r *Result) add(took time.Duration, err error) {
	r.Attempted++
	if err != nil {
		r.Failed[err.Error()]++
		return
	}
	r.Done++
	_ = r.latency.RecordValue(min(took, maxLatency).Microseconds()) // which fits
}

// PerSecond is how many calls were done in a second.
func (r Result) PerSecond() float64 { return float64(r.Done) / r.Took.Seconds() }

// Latency is what so many percent of the calls that are done did not exceed; 100 is the
// longest. It is zero if none is done.
func (r Result) Latency(percent float64) time.Duration {
	return time.Duration(r.latency.ValueAtPercentile(percent)) * time.Microsecond
}
