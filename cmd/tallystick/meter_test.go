package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestALogHasALineNowAndThen(t *testing.T) {
	var out bytes.Buffer
	now := time.Unix(0, 0)
	m := newLines(&out, func() time.Time { return now })
	for i := range 12 { // one second each
		m.at(int64(i), 100, counted(i*1000, "row"))
		now = now.Add(time.Second)
	}
	m.note("trying again")
	m.end()
	if got, want := out.String(), "5,000 rows\n10,000 rows\ntrying again\n"; got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
}

func TestATerminalHasABar(t *testing.T) {
	for _, tt := range []struct {
		name  string
		unit  unit
		total int64
		want  []string
	}{
		{"records", things, 4000, []string{"exported 1,000 records", "25%"}},
		{"bytes", bytesOfAll, 4000, []string{"exported 1,000 records", "25%", "(1.0/4.0 kB"}},
		{"no known end", things, -1, []string{"exported 1,000 records"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			now := time.Unix(0, 0)
			m := &bar{out: &out, unit: tt.unit, now: func() time.Time { return now }}
			for _, n := range []int64{0, 1000, 4000, 5000} { // more than were counted
				m.at(n, tt.total, "exported "+counted(n, "record"))
				now = now.Add(barEvery)
			}
			m.at(2000, tt.total, "once more")
			m.note("trying again")
			m.end()
			for _, want := range append(tt.want, "once more", "trying again\n") {
				if !strings.Contains(out.String(), want) {
					t.Errorf("it does not show %q, but %q", want, out.String())
				}
			}
			line := out.String()[strings.LastIndexAny(strings.TrimRight(out.String(), "\r "), "\r\n")+1:]
			if strings.TrimSpace(line) != "" {
				t.Errorf("it leaves %q on the terminal", line)
			}
		})
	}
}

func TestABarThatNeverBeganLeavesNothing(t *testing.T) {
	var out bytes.Buffer
	(&bar{out: &out}).end()
	if out.Len() > 0 {
		t.Errorf("it writes %q", out.String())
	}
}

func TestNumbersAreGrouped(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567", 100000: "100,000"} {
		if got := grouped(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
	if got := counted(1, "row") + counted(2, "row"); got != "1 row2 rows" {
		t.Errorf("one and two rows are %q", got)
	}
}
