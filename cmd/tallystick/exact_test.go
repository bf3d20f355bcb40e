//go:build unix

package main

import "testing"

// TestEveryVisitHasItsOwnNumber: 20,000 visits over 64 connections are answered with the
// numbers 1 to 20,000, each of them once.
func TestEveryVisitHasItsOwnNumber(t *testing.T) {
	for _, tt := range []struct {
		name    string
		servers int
		args    []string
	}{
		{"one process", 1, nil},
		{"a process for each function", 1, []string{"--processes"}},
		{"two servers on one database", 2, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			const visits = 20_000
			folder := t.TempDir()
			var servers []*server
			var urls []string
			for range tt.servers {
				s := startServer(t, folder, append(tt.args, "RATE_LIMIT=0")...)
				servers = append(servers, s)
				urls = append(urls, s.url)
			}
			c := &crowd{T: t, limit: visits}
			c.come(urls...)
			c.all.Wait()

			if got := c.acked.Load(); got != visits {
				t.Fatalf("%d of %d visits were counted", got, visits)
			}
			c.wantEachOnce(true)
			for _, s := range servers {
				if got := s.stored(); got != visits {
					t.Errorf("the total is %d, want %d", got, visits)
				}
				s.stop()
			}
		})
	}
}
