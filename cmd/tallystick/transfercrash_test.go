//go:build unix

package main

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// kills is how often a client, or a server, is killed in the midst of an import.
func kills() int {
	if soak {
		return 100
	}
	return 10
}

// crashRows is a file of rows without ids, of which each tenth is as another one.
func crashRows(n int) (file string, docs []string) {
	for i := range n {
		docs = append(docs, fmt.Sprintf(`{"n":%d,"text":"%s"}`, i-i%10/9, strings.Repeat("x", i%100)))
	}
	return strings.Join(docs, "\n"), docs
}

// TestAnImportThatWasKilledIsCompletedByRunningItAgain: what was acknowledged is there,
// and nothing is doubled.
func TestAnImportThatWasKilledIsCompletedByRunningItAgain(t *testing.T) {
	s := startServer(t, t.TempDir())
	file, docs := crashRows(12_000)
	s.file("rows.ndjson", file)
	random := rand.New(rand.NewPCG(5, 6))
	broken := 0
	for i := range kills() {
		// Each is killed somewhat later in the file than the one before.
		requests, now := atomic.Int64{}, make(chan struct{}, 1)
		at := int64(1 + i*6/kills())
		relay := startRelay(t, s.url, func(*http.Request) {
			if requests.Add(1) == at {
				now <- struct{}{}
			}
		})
		c := s.client("", relay.url, "import", "records", "c", "rows.ndjson")
		pid, wait := begun(t, c)
		<-now
		time.Sleep(time.Duration(random.IntN(100)) * time.Millisecond)
		syscall.Kill(pid, syscall.SIGKILL)
		got := wait()
		if got.code != 0 {
			broken++
		}
		relay.wantAcknowledged(s, "c")
	}
	if broken < kills()/2 {
		t.Errorf("%d of %d imports were killed before they ended, want most", broken, kills())
	}
	s.tool("", "import", "records", "c", "rows.ndjson").wants(0, "12,000 rows", " 0 bad")
	s.wantData("c", docs)
}

// TestAnImportSurvivesItsServersCrashes: one run of the command stores each row once,
// however often the server is killed and started again.
func TestAnImportSurvivesItsServersCrashes(t *testing.T) {
	folder := t.TempDir()
	s := startServer(t, folder)
	file, docs := crashRows(4000 * kills())
	s.file("rows.ndjson", file)
	// The server dies at a moment of each second request.
	requests, next := atomic.Int64{}, make(chan struct{}, 1)
	relay := startRelay(t, s.url, func(*http.Request) {
		if requests.Add(1)%2 == 0 {
			select {
			case next <- struct{}{}:
			default:
			}
		}
	})
	c := s.client("", relay.url, "import", "records", "c", "rows.ndjson")
	_, wait := begun(t, c)
	done := make(chan outcome, 1)
	go func() { done <- wait() }()
	random := rand.New(rand.NewPCG(7, 8))
	crashed := 0
	for crashed < kills() {
		select {
		case <-next:
		case got := <-done:
			t.Fatalf("the import ended with %d after %d crashes: %s%s", got.code, crashed, got.stdout, got.stderr)
		}
		time.Sleep(time.Duration(random.IntN(150)) * time.Millisecond)
		s.kill()
		crashed++
		s = startServer(t, folder)
		relay.target.Store(&s.url)
	}
	got := (<-done).wants(0, " 0 bad")
	t.Logf("%d crashes: %s", crashed, got.stdout)
	if !strings.Contains(got.stdout, "; sent again: ") {
		t.Errorf("the server was killed and no request was sent again: %s", got.stdout)
	}
	relay.wantAcknowledged(s, "c")
	s.wantData("c", docs)
}
