package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// deployment is a function in a process of its own, with the settings and the log that it
// has where it is deployed.
type deployment struct {
	*caller
	process *server
	log     string // its file
}

func deploy(b *testing.B, program, function, project, store string) *deployment {
	b.Helper()
	log := filepath.Join(b.TempDir(), function+".log")
	file, err := os.Create(log)
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close() // the process has its own
	addr := freeAddr(b)
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		b.Fatal(err)
	}
	c := exec.Command(program)
	c.Stderr = file
	c.Env = append(os.Environ(), "FUNCTION_TARGET="+function, "PORT="+port, "K_SERVICE="+strings.ToLower(function), "GOMAXPROCS=1",
		"RATE_LIMIT=0", "STORE=datastore:"+project, "DATASTORE_EMULATOR_HOST="+store)
	return &deployment{newCaller(b, "http://"+addr), start(b, addr, c), log}
}

// spent is what the function has used since it started.
func (d *deployment) spent(b *testing.B) spending {
	b.Helper()
	want := int(d.asked.Load())
	for range 1000 {
		if s := d.read(b); len(s.lines) >= want {
			s.replies, s.cpu = d.received.Load(), d.process.cpu(b)
			return s
		}
		time.Sleep(10 * time.Millisecond) // a line may come after its reply
	}
	b.Fatalf("%s has not a line for each of %d requests", d.log, want)
	return spending{}
}

// read reads the log.
func (d *deployment) read(b *testing.B) (s spending) {
	b.Helper()
	text, err := os.ReadFile(d.log)
	if err != nil {
		b.Fatal(err)
	}
	for text := range bytes.Lines(text) {
		var l line
		if err := json.Unmarshal(text, &l); err == nil && l.Request.Status > 0 {
			s.lines = append(s.lines, l)
			s.logged += len(text)
		}
	}
	return s
}

// line is a request's line of the log, as far as it is billed.
type line struct {
	Time    time.Time
	Request struct {
		Status  int
		Latency string
	} `json:"httpRequest"`
	EntityReads   int
	EntityWrites  int
	EntityDeletes int
	Retries       int
}

// spending is what requests have used.
type spending struct {
	lines   []line
	logged  int   // bytes
	replies int64 // bytes, as they were on the wire
	cpu     time.Duration
}

// minus leaves what came after t.
func (s spending) minus(t spending) spending {
	return spending{s.lines[len(t.lines):], s.logged - t.logged, s.replies - t.replies, s.cpu - t.cpu}
}

// report reports it for so many thousands of units.
func (s spending) report(b *testing.B, thousands float64) {
	var sum line
	var at spans
	for _, l := range s.lines {
		sum.EntityReads += l.EntityReads
		sum.EntityWrites += l.EntityWrites
		sum.EntityDeletes += l.EntityDeletes
		sum.Retries += l.Retries
		took, err := time.ParseDuration(l.Request.Latency)
		if err != nil {
			b.Fatal(err)
		}
		at.all = append(at.all, span{l.Time.Add(-took), l.Time})
	}
	requests := float64(len(s.lines))
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(requests/thousands, "requests")
	b.ReportMetric(float64(sum.EntityReads)/thousands, "reads")
	b.ReportMetric(float64(sum.EntityWrites)/thousands, "writes")
	b.ReportMetric(float64(sum.EntityDeletes)/thousands, "deletes")
	b.ReportMetric(float64(sum.Retries)/thousands, "retries")
	b.ReportMetric(s.cpu.Seconds()/thousands, "cpu-s")
	b.ReportMetric(at.billed()/thousands, "instance-s")
	b.ReportMetric(float64(s.replies)/requests, "reply-B")
	b.ReportMetric(float64(s.logged)/requests, "log-B")
}

// cpu is what the process has had of a CPU, of all its threads.
func (s *server) cpu(b *testing.B) time.Duration {
	b.Helper()
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", s.Process.Pid))
	if err != nil || len(files) == 0 {
		b.Skipf("CPU time is read from /proc: %v", err)
	}
	var sum time.Duration
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // the thread has ended
		}
		var ran time.Duration
		if _, err := fmt.Sscan(string(text), &ran); err != nil {
			b.Fatalf("%s: %v", name, err)
		}
		sum += ran
	}
	return sum
}

// span is from when to when a request was in progress.
type span struct{ from, to time.Time }

// spans are those of all requests that an instance has.
type spans struct {
	mu  sync.Mutex
	all []span
}

func (s *spans) add(from time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, span{from, time.Now()})
}

// billed is for how many seconds an instance is billed that has these requests: those in
// which one at least is in progress, each such time rounded up to 100 ms by itself, but
// never more than went by. https://cloud.google.com/run/pricing
func (s *spans) billed() float64 {
	const step = 100 * time.Millisecond
	if len(s.all) == 0 {
		return 0
	}
	all := slices.SortedFunc(slices.Values(s.all), func(a, b span) int { return a.from.Compare(b.from) })
	busy, sum := all[0], time.Duration(0)
	add := func() { sum += (busy.to.Sub(busy.from) + step - 1) / step * step }
	for _, next := range all[1:] {
		if next.from.After(busy.to) {
			add()
			busy = next
		} else if next.to.After(busy.to) {
			busy.to = next.to
		}
	}
	add()
	return min(sum, (busy.to.Sub(all[0].from)+step-1)/step*step).Seconds()
}

func TestAnInstanceIsBilledWhileItHasRequests(t *testing.T) {
	begin := time.Unix(0, 0)
	at := func(from, to int) span {
		return span{begin.Add(time.Duration(from) * time.Millisecond), begin.Add(time.Duration(to) * time.Millisecond)}
	}
	for _, tt := range []struct {
		name     string
		requests []span
		want     float64
	}{
		{"none", nil, 0},
		{"a short one", []span{at(0, 3)}, 0.1},
		{"two at a time", []span{at(0, 80), at(50, 130)}, 0.2},
		{"one within another", []span{at(0, 190), at(50, 60)}, 0.2},
		{"in no order", []span{at(5000, 5010), at(0, 10)}, 0.2},
		{"many close to each other are not more than the time that went by", []span{at(0, 10), at(20, 30), at(40, 50), at(60, 70)}, 0.1},
	} {
		if got := (&spans{all: tt.requests}).billed(); got != tt.want {
			t.Errorf("%s: billed %v s, want %v", tt.name, got, tt.want)
		}
	}
}
