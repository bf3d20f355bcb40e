//go:build unix

package main

import (
	"math/rand/v2"
	"testing"
)

// crashes is how often a server is killed.
func crashes() int {
	if soak {
		return 20
	}
	return 5
}

// TestVisitorsWhoTryAgainAreCountedOnce: a server is killed again and again under load.
// Visitors repeat a visit, with its Idempotency-Key, until they have the reply.
func TestVisitorsWhoTryAgainAreCountedOnce(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			c, s := crashUnderLoad(t, true, mode.args...)
			stored, acked := s.stored(), c.acked.Load()
			t.Logf("%d crashes: %d acknowledged, %d stored", crashes(), acked, stored)
			if stored != acked {
				t.Errorf("%d visits are stored, %d acknowledged, want as many", stored, acked)
			}
			c.wantEachOnce(true)
		})
	}
}

// TestAcknowledgedVisitsSurviveACrash: without a key, nobody knows of a visit that had
// no reply.
func TestAcknowledgedVisitsSurviveACrash(t *testing.T) {
	c, s := crashUnderLoad(t, false)
	stored, acked, sent := s.stored(), c.acked.Load(), c.sent.Load()
	t.Logf("%d crashes: %d acknowledged, %d stored, %d attempted", crashes(), acked, stored, sent)
	if stored < acked || stored > sent {
		t.Errorf("%d visits are stored, want at least the %d acknowledged and at most the %d attempted", stored, acked, sent)
	}
	c.wantEachOnce(false)
}

// modes are the ways in which serve runs the functions.
var modes = []struct {
	name string
	args []string
}{
	{"one process", nil},
	{"a process for each function", []string{"--processes"}},
}

// crashUnderLoad kills the server under load and starts it again on the same database,
// several times.
func crashUnderLoad(t *testing.T, keyed bool, args ...string) (*crowd, *server) {
	folder := t.TempDir()
	args = append(args, "RATE_LIMIT=0")
	random := rand.New(rand.NewPCG(1, 2))
	s := startServer(t, folder, args...)
	c := &crowd{T: t, keyed: keyed}
	c.come(s.url)
	for range crashes() {
		c.until(c.acked.Load() + 200 + random.Int64N(800))
		s.kill()
		s = startServer(t, folder, args...)
		c.move(s.url)
	}
	c.until(c.acked.Load() + 200)
	c.leave()
	return c, s
}
