package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/tallystick/tallystick/internal/record"
)

// maxListed is how many of the bad rows, or failed records, are listed.
const maxListed = 100

// importReport is what an import has done so far, by the answers.
type importReport struct {
	rows, inserted, updated, unchanged, bad int

	line   int // of the last row that was read
	again  int // requests that were sent again
	listed []record.RowError
}

func (r *importReport) read(line int) { r.rows, r.line = r.rows+1, line }

// stored is how many rows are in.
func (r *importReport) stored() int { return r.inserted + r.updated + r.unchanged }

// wrong counts a bad row. Those of a request are known after later ones that cannot
// even be read, so twice as many are kept as are listed.
func (r *importReport) wrong(e record.RowError) {
	r.bad++
	r.listed = append(r.listed, e)
	if len(r.listed) > 2*maxListed {
		r.sort()
		r.listed = r.listed[:maxListed]
	}
}

func (r *importReport) sort() {
	slices.SortStableFunc(r.listed, func(a, b record.RowError) int { return cmp.Compare(a.Line, b.Line) })
}

func (r *importReport) printBad(w io.Writer) {
	r.sort()
	for _, e := range r.listed[:min(len(r.listed), maxListed)] {
		fmt.Fprintln(w, e.Error())
	}
	if more := r.bad - min(len(r.listed), maxListed); more > 0 {
		fmt.Fprintf(w, "and %s more\n", grouped(more))
	}
}

func (r *importReport) summary(validateOnly bool, took time.Duration) string {
	what := "imported"
	if validateOnly {
		what = "checked, nothing stored"
	}
	text := fmt.Sprintf("%s: %s, %s inserted, %s updated, %s unchanged, %s bad, in %.1f s (%s rows/s)", what,
		counted(r.rows, "row"), grouped(r.inserted), grouped(r.updated), grouped(r.unchanged), grouped(r.bad),
		took.Seconds(), grouped(int64(float64(r.rows)/max(took.Seconds(), 0.001))))
	if r.again > 0 {
		text += fmt.Sprintf("; sent again: %s, of which what was stored before counts as unchanged", counted(r.again, "request"))
	}
	return text
}
