package main

import (
	"testing"
	"os"
	"strconv"
	"slices"
)

func TestZZCut(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("CUTS"))
	for i := range n {
		t.Run("c", func(t *testing.T) {
			d := newDisk(t)
			s := startServer(t, d.mount, "RATE_LIMIT=0")
			c := &crowd{T: t, failing: true}
			c.come(s.url)
			c.until(200 + int64(i%7)*100)
			before := c.acked.Load()
			d.cut()
			after := c.acked.Load()
			begun := c.visits.Load()
			c.until(0)
			for c.visits.Load() < begun+300 { }
			c.leave()
			late := c.acked.Load()
			s.kill()
			d.restart()
			stored := startServer(t, d.mount, "RATE_LIMIT=0").stored()
			mark := ""
			if stored < late { mark = "LOST AFTER" }
			if stored < before { mark = "LOST BEFORE !!!" }
			slices.Sort(c.numbers)
			t.Logf("before %d, after ioctl %d, end %d, stored %d max number %d %s", before, after, late, stored, c.numbers[len(c.numbers)-1], mark)
		})
	}
}
