package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/tallystick/tallystick"
	"github.com/tallystick/tallystick/internal/archive"
	"github.com/tallystick/tallystick/internal/storage"
)

type exportAllOptions struct {
	archiveOptions
	file string
}

func (o *exportAllOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&o.all, "all", false, "all there is, as one archive")
	f.StringVarP(&o.file, "output", "o", stdio, "the file; it gets its name when it is complete; - is standard output")
	o.archiveOptions.flags(c)
}

const exportAllHelp = `Export the visits, or a collection of records of any size. With --all it is all there
is, as one archive: visits, records, stock with its ledger, updates and deliveries, and
what the partners may do, without their secrets.

The archive is of the moment when the command begins, while others go on to write. It is
read from the database itself, so it needs no key, and a SQLite file may be served
meanwhile. A partner whose document cannot be read is left out of it: the archive is written
all the same, and the command says whose it is and ends with 1. docs/backup.md describes
what is in it.`

func (o *exportAllOptions) run(c *cobra.Command) (err error) {
	if !o.all {
		return c.Help()
	}
	if o.file == stdio && c.OutOrStdout() == os.Stdout && term.IsTerminal(int(os.Stdout.Fd())) {
		return errors.New("an archive is nothing to look at: name a file with -o, such as -o shop.tallystick.gz")
	}
	known, err := o.known()
	if err != nil {
		return err
	}
	partners := known.All()
	if err := wantFile(o.store); err != nil {
		return err
	}
	ctx := untilInterrupted(c)
	store, err := tallystick.OpenStore(ctx, o.store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	from := archive.Source{Time: time.Now(), Partners: partners, Program: version()}
	if from.Snapshot, err = store.Snapshot(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, from.Snapshot.Close()) }()

	m := newMeter(c, o.quiet, things)
	var written archive.Contents
	err = writePrivate(o.file, c.OutOrStdout(), func(w io.Writer) (err error) {
		written, err = archive.Write(ctx, w, from, func(n int64) { m.at(n, 0, "exported "+entities(n)) })
		return err
	})
	m.end()
	switch {
	case err != nil && ctx.Err() != nil:
		return errors.New("interrupted")
	case errors.Is(err, storage.ErrTooOld):
		return fmt.Errorf("the export took longer than the database remembers what was there: %w\nExport from nearer to it, or use Google's own export: docs/backup.md says more", err)
	case err != nil:
		return fmt.Errorf("export --all: %w", err)
	case !o.quiet:
		o.warn(c, len(partners)-len(written.Partners))
		fmt.Fprintf(c.ErrOrStderr(), "exported %s, and %s without secrets\nSHA-256 of the lines: %s\n",
			entities(written.Entities), counted(len(written.Partners), "partner"), written.SHA256)
	}
	if known.Wrong != nil {
		return fmt.Errorf("export --all: the archive is written, without the partners whose documents cannot be read. Mend them, and what they may do is in the next one:\n%w", known.Wrong)
	}
	return nil
}

// warn says what is not in the archive, or not as one might think.
func (o *exportAllOptions) warn(c *cobra.Command, revoked int) {
	if revoked > 0 {
		fmt.Fprintf(c.ErrOrStderr(), "left out: %s with no key that is good, and no token\n", counted(revoked, "partner"))
	}
	if strings.HasPrefix(o.store, "datastore:") && os.Getenv("DATASTORE_EMULATOR_HOST") != "" {
		fmt.Fprintln(c.ErrOrStderr(), "the Datastore emulator knows no time but now: if somebody wrote meanwhile, the archive is not of one moment")
	}
}

// writePrivate is writeWhole, but a new file is for its owner only, as the database is.
func writePrivate(name string, stdout io.Writer, write func(io.Writer) error) error {
	if name != stdio {
		if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
			return besides(name, 0o600, write)
		}
	}
	return writeWhole(name, stdout, write)
}
