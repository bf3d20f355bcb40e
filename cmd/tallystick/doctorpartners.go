package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/tallystick/tallystick/internal/partner"
)

// partners says which documents of partners cannot be read, where their folder is on this
// machine, and whether some cannot where it is on another.
func (d *doctor) partners(ctx context.Context) {
	const what = "partners"
	const mend = "Mend them. Until then such a partner is none, or the one that it was, and who cannot prove to be a partner is told to try again (503)."
	read, err := d.documents()
	switch {
	case errors.Is(err, fs.ErrPermission):
		d.warn(what, err.Error(), "Ask as the user of serve, who may read them.")
		return
	case err != nil:
		d.fail(what, err.Error(), mend)
		return
	}
	switch known, stale := d.known(ctx); {
	case stale:
		d.fail(what, "the server cannot read all of their documents", "Which, the log of the function update says, and `tallystick partner list` where their folder is. "+mend)
	case known, read:
		d.well(what, "all of their documents can be read")
	}
}

// documents reads those of the folder that serve has, where it is on this machine and there
// is one.
func (d *doctor) documents() (read bool, err error) {
	folder := envOr("PARTNERS", partnersFolder)
	if _, err := os.Stat(folder); err != nil || !isThisMachine(d.client.base.Hostname()) {
		return false, nil
	}
	set, err := partner.Read(folder, time.Now())
	if err != nil {
		return false, err
	}
	return true, set.Wrong
}

// known asks the server whether it could read the documents.
func (d *doctor) known(ctx context.Context) (known, stale bool) {
	if d.client.key == "" || !d.client.answered {
		return false, false
	}
	a := d.ask(ctx, d.with(about("/partners").wants("stale")))
	var list struct{ Stale bool }
	return a.good() && json.Unmarshal(a.body, &list) == nil, list.Stale
}
