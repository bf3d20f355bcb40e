package main

import (
	"encoding/json"

	"github.com/tallystick/tallystick/internal/record"
)

// batch is rows as the lines of a request.
type batch struct {
	body  []byte
	ends  []int // of each row in body
	lines []int // of each row in the file
}

func (b *batch) len() int { return len(b.ends) }

// fits says whether a row of so many bytes may be added.
func (b *batch) fits(size int, atomic bool) bool {
	if atomic {
		return b.len() < atomicRows && len(b.body)+size <= atomicBytes
	}
	return b.len() < requestRows && (b.len() == 0 || len(b.body)+size <= requestBytes)
}

func (b *batch) add(id string, row record.Row) {
	quoted, _ := json.Marshal(id) // never fails for a text
	b.body = append(b.body, `{"id":`...)
	b.body = append(b.body, quoted...)
	b.body = append(b.body, `,"data":`...)
	b.body = append(b.body, row.Data...)
	b.body = append(b.body, "}\n"...)
	b.ends, b.lines = append(b.ends, len(b.body)), append(b.lines, row.Line)
}

// part is n rows.
func (b *batch) part(from, n int) []byte {
	start := 0
	if from > 0 {
		start = b.ends[from-1]
	}
	return b.body[start:b.ends[from+n-1]]
}
