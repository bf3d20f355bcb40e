package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/tallystick/tallystick"
	"github.com/tallystick/tallystick/internal/archive"
)

// imported says whether a database holds part of an archive. serve does not start on one, but
// functions that are deployed go on, and so does a serve that ran before the import.
func (d *doctor) imported(ctx context.Context, url string) {
	const what = "import"
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	store, err := tallystick.OpenStore(ctx, url)
	if err == nil {
		err = archive.Unfinished(ctx, store)
		defer store.Close()
	}
	switch {
	case errors.Is(err, archive.ErrUnfinished):
		d.fail(what, fmt.Sprintf("%s: %v", url, err), "Whoever serves it meanwhile answers from half of the data: docs/backup.md says how to stop functions that are deployed.")
	case err != nil:
		d.warn(what, "it is not known whether an import is unfinished: "+err.Error(), "Ask as a user who may read "+url+".")
	default:
		d.well(what, "%s has no import that is unfinished", url)
	}
}
