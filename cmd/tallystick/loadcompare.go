package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick"
	"github.com/tallystick/tallystick/internal/load"
)

// compare counts visits in this process as Tallystick does, and then by a transaction for
// each, on the same store.
func (o *loadOptions) compare(c *cobra.Command) (err error) {
	url, remove, err := o.scratch()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	ctx := untilInterrupted(c)
	store, err := tallystick.OpenStore(ctx, url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	m := newMeter(c, o.quiet, things)
	scheme, _, _ := strings.Cut(url, ":")
	ways, err := load.Compare(ctx, store, scheme == "sqlite", o.plan(m, "visits"))
	m.end()
	if err != nil {
		return err
	}
	if err := o.printWays(c, scheme, ways); err != nil {
		return err
	}
	return waysVerdict(ctx, ways)
}

// scratch is a store that may be filled with what nobody needs.
func (o *loadOptions) scratch() (url string, remove func() error, err error) {
	scheme, _, _ := strings.Cut(o.store, ":")
	emulator := map[string]string{"datastore": "DATASTORE_EMULATOR_HOST", "firestore": "FIRESTORE_EMULATOR_HOST"}[scheme]
	switch {
	case o.store == "":
		folder, err := os.MkdirTemp("", "tallystick-load-*")
		return "sqlite:" + filepath.Join(folder, "load.db"), func() error { return os.RemoveAll(folder) }, err
	case emulator == "":
		return "", nil, fmt.Errorf("--store: %q is neither datastore:PROJECT nor firestore:PROJECT; without --store it is a SQLite file in TMPDIR", o.store)
	case os.Getenv(emulator) == "":
		return "", nil, fmt.Errorf("--store: %s is not set, and a load on Google's own database would leave its counts there, and a bill", emulator)
	}
	return o.store, func() error { return nil }, nil
}

func (o *loadOptions) printWays(c *cobra.Command, scheme string, ways []load.Way) error {
	ours := ways[0].PerSecond()
	out := c.OutOrStdout()
	encode := json.NewEncoder(out)
	if !o.json {
		fmt.Fprintf(out, "%s on one page, on %s, in this process and without HTTP\n", counted(o.connections, "caller"), scheme)
	}
	for i, w := range ways {
		r := loadReport{o: o, work: w.Name, result: w.Result, check: w.Check, checked: true}
		if o.json { // a line each
			if err := encode.Encode(r.figures()); err != nil {
				return err
			}
			continue
		}
		fmt.Fprintf(out, "\n%s\n", w.Name)
		printResult(out, w.Result, "visit")
		fmt.Fprintf(out, "check     %s\n", r.checkText())
		if i > 0 && w.Done > 0 {
			fmt.Fprintf(out, "ratio     merged does %.2f times as many a second\n", ours/w.PerSecond())
		}
	}
	if scheme == "sqlite" && !o.json {
		fmt.Fprintln(out, "\nOn SQLite our store lets transactions that wait share a flush, so the second way gains from that too.\n"+
			"On Datastore they conflict: --store datastore:test shows it, with DATASTORE_EMULATOR_HOST set.")
	}
	return nil
}

func waysVerdict(ctx context.Context, ways []load.Way) error {
	ours := ways[0]
	switch err := ours.Check.Err(); {
	case err != nil:
		return fmt.Errorf("the check failed: %w", err)
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case ours.Done == 0:
		return errors.New("no visit was counted")
	}
	return nil
}
