package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/internal/load"
)

// loadReport is what is said in the end.
type loadReport struct {
	o         *loadOptions
	url, work string
	result    load.Result
	check     load.Check
	checked   bool
}

func (r *loadReport) print(c *cobra.Command) error {
	if r.o.json {
		return json.NewEncoder(c.OutOrStdout()).Encode(r.figures())
	}
	out := c.OutOrStdout()
	fmt.Fprintf(out, "%s at %s, %s\n", r.work, r.url, counted(r.o.connections, "connection"))
	printResult(out, r.result, "request")
	if r.checked {
		fmt.Fprintf(out, "check     %s\n", r.checkText())
	}
	for _, text := range r.advice() {
		fmt.Fprintln(out, text)
	}
	return nil
}

// printResult prints what came of calls of a thing.
func printResult(out io.Writer, r load.Result, thing string) {
	fmt.Fprintf(out, "%-10s%s in %.1f s, of which %s done: %s/s\n", thing+"s", grouped(r.Attempted), r.Took.Seconds(), grouped(r.Done), grouped(int64(r.PerSecond())))
	for _, why := range slices.Sorted(maps.Keys(r.Failed)) {
		fmt.Fprintf(out, "%-10s%s: %s\n", "not done", grouped(r.Failed[why]), why)
	}
	if r.Done > 0 {
		fmt.Fprintf(out, "latency   p50 %s, p90 %s, p99 %s, p99.9 %s, max %s", ms(r.Latency(50)), ms(r.Latency(90)), ms(r.Latency(99)), ms(r.Latency(99.9)), ms(r.Latency(100)))
		if r.Done < r.Attempted {
			fmt.Fprint(out, " (of those done)")
		}
		fmt.Fprintln(out)
	}
}

// ms writes a latency to about three digits, which is what is known of it.
func ms(d time.Duration) string {
	switch n := milliseconds(d); {
	case n >= 1000:
		return fmt.Sprintf("%.2f s", n/1000)
	case n >= 100:
		return fmt.Sprintf("%.0f ms", n)
	case n >= 10:
		return fmt.Sprintf("%.1f ms", n)
	default:
		return fmt.Sprintf("%.2f ms", n)
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// checkText is for who doubts.
func (r *loadReport) checkText() string {
	if err := r.check.Err(); err != nil {
		return "FAILED: " + err.Error()
	}
	text := fmt.Sprintf("%s acknowledged ≤ %s stored ≤ %s attempted", grouped(r.check.Acknowledged), grouped(r.check.Stored()), grouped(r.check.Attempted))
	switch n := len(r.check.Numbers); {
	case n == 0:
	case r.check.Gapless():
		text += fmt.Sprintf("; their numbers are %s to %s, each once and none left out", grouped(r.check.Before+1), grouped(r.check.After))
	default:
		text += "; no number was given twice"
	}
	return text
}

// advice is what to do about what was seen.
func (r *loadReport) advice() (all []string) {
	say := func(when bool, text string) {
		if when {
			all = append(all, text)
		}
	}
	f := r.result.Failed
	say(f["429 RATE_LIMITED"] > 0, "429: the server limits each address, and all of this comes from one. Start it with RATE_LIMIT=0 to measure it.")
	say(f["429"] > 0, "429: a proxy or the gateway's quota refuses so many requests from one address or with one key.")
	say(f["409 INSUFFICIENT_STOCK"] > 0, "409: there was none left, as is right; count more of it to measure reservations alone.")
	say(f["503 OVERLOADED"] > 0, "503: more waited than MERGE_QUEUE allows.")
	say(r.result.Unsent > 0, fmt.Sprintf("%s were due and never sent, for all connections were busy: %v a second is more than this takes. Their wait is in no latency.",
		grouped(r.result.Unsent), r.o.rate))
	say(r.o.kind == "visits" && r.checked && len(r.check.Numbers) == 0 && r.result.Done > 0,
		"The server spreads a page over SHARDS, so a visit has no number of its own: only the sums are compared.")
	return all
}

// verdict is what the command fails with.
func (r *loadReport) verdict(ctx context.Context) error {
	switch {
	case r.checked && r.check.Err() != nil:
		return fmt.Errorf("the check failed: %w", r.check.Err())
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case r.result.Done == 0:
		return fmt.Errorf("none of the requests was done: %s", strings.Join(slices.Sorted(maps.Keys(r.result.Failed)), ", "))
	}
	return nil
}

// loadFigures is --json.
type loadFigures struct {
	Work        string           `json:"work"`
	URL         string           `json:"url,omitempty"`
	Connections int              `json:"connections"`
	Rate        float64          `json:"rate"` // 0: no clock
	Seconds     float64          `json:"seconds"`
	Attempted   int64            `json:"attempted"`
	Done        int64            `json:"done"`
	PerSecond   float64          `json:"perSecond"`
	Failed      map[string]int64 `json:"failed"`
	Unsent      int64            `json:"unsent"`
	Latency     loadLatency      `json:"latencyMilliseconds"`
	Check       *loadCheck       `json:"check,omitempty"`
}

type loadLatency struct {
	P50  float64 `json:"p50"`
	P90  float64 `json:"p90"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p99.9"`
	Max  float64 `json:"max"`
}

type loadCheck struct {
	Acknowledged int64  `json:"acknowledged"`
	Stored       int64  `json:"stored"`
	Attempted    int64  `json:"attempted"`
	Gapless      bool   `json:"gapless"`
	Error        string `json:"error"`
}

func (r *loadReport) figures() loadFigures {
	l := func(percent float64) float64 { return milliseconds(r.result.Latency(percent)) }
	f := loadFigures{
		Work: r.work, URL: r.url, Connections: r.o.connections, Rate: r.o.rate,
		Seconds: r.result.Took.Seconds(), Attempted: r.result.Attempted, Done: r.result.Done, PerSecond: r.result.PerSecond(),
		Failed: r.result.Failed, Unsent: r.result.Unsent, Latency: loadLatency{l(50), l(90), l(99), l(99.9), l(100)},
	}
	if r.checked {
		f.Check = &loadCheck{Acknowledged: r.check.Acknowledged, Stored: r.check.Stored(), Attempted: r.check.Attempted, Gapless: r.check.Gapless()}
		if err := r.check.Err(); err != nil {
			f.Check.Error = err.Error()
		}
	}
	return f
}
