package main

import (
	"crypto/rand"

	"github.com/tallystick/tallystick/internal/record"
)

// rowIDs makes the ids of rows that have none: of what names the import, the row's line
// and its bytes. So the same import makes the same ids each time, whatever requests its
// rows travel in, and can be run again.
type rowIDs struct {
	collection string
	repeatAs   string // names the import; empty: its file's content does
	file       *input
	warn       func(text string)

	key string // empty before the first row without an id
	sum string // of the file's content, where that names it
	new bool   // nothing names it: the ids are other ones each time
}

func (r *rowIDs) of(row record.Row) (string, error) {
	if r.key == "" {
		name, err := r.name()
		if err != nil {
			return "", err
		}
		r.key = r.collection + "\x00" + name
	}
	return record.ImportedID(r.key, row.Line, row.Data), nil
}

// name is what names the import. A file's content is read for it when a first row has
// no id, so most files are read once only.
func (r *rowIDs) name() (name string, err error) {
	switch {
	case r.repeatAs != "":
		return r.repeatAs, nil
	case r.file.canBeReadAgain():
		r.sum, err = r.file.sum()
		return r.sum, err
	}
	r.new = true
	r.warn("rows of standard input without ids: without --repeat-as this import cannot be repeated without doubling them")
	return rand.Text(), nil
}

// repeatable says whether running the import again doubles nothing.
func (r *rowIDs) repeatable() bool { return !r.new }
