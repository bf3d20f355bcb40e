package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick"
	"github.com/tallystick/tallystick/internal/archive"
	"github.com/tallystick/tallystick/internal/partner"
)

type importAllOptions struct{ archiveOptions }

func (o *importAllOptions) flags(c *cobra.Command) {
	c.Flags().BoolVar(&o.all, "all", false, "FILE is an archive of all there is")
	o.archiveOptions.flags(c)
}

const importAllHelp = `Import a file of visits, or of records of any number. With --all it is an archive, as
export --all makes it, which goes into an empty database.

The archive is checked to its end before anything is written. An import that broke off,
or was interrupted, is completed by the same command. Until then nothing may serve the
database. Secrets of partners are in no archive: for each partner that is missing it
prints the command that adds it.`

func (o *importAllOptions) run(c *cobra.Command, args []string) (err error) {
	switch {
	case !o.all && len(args) == 0:
		return c.Help()
	case !o.all:
		return fmt.Errorf("there is no `import %s`: it is visits, records, or --all with an archive", args[0])
	case len(args) == 0 || args[0] == stdio:
		return errors.New("name the archive's FILE: it is read more than once, so it is not standard input")
	}
	known, err := o.known()
	if err != nil {
		return err
	}
	if known.Wrong != nil { // and so not which partners are missing
		return fmt.Errorf("--partners: %w", known.Wrong)
	}
	ctx := untilInterrupted(c)
	err = o.read(ctx, c, args[0], known.All())
	switch {
	case err != nil && ctx.Err() != nil:
		return errors.New("interrupted; the same command goes on")
	case err != nil:
		return fmt.Errorf("import --all %s: %w", args[0], err)
	}
	return nil
}

// read checks the archive, and only then opens the database, which would be made. What is
// missing it tells before the import is over: afterwards the same command would not.
func (o *importAllOptions) read(ctx context.Context, c *cobra.Command, name string, known []*partner.Partner) (err error) {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	m := newMeter(c, o.quiet, things)
	defer m.end()
	contents, err := archive.Verify(ctx, file, func(n int64) {
		if n%1000 == 0 {
			m.at(n, 0, "checked "+entities(n))
		}
	})
	if err != nil {
		return err
	}
	store, err := tallystick.OpenStore(ctx, o.store)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	all := contents.Entities
	arrived := func() error {
		m.end()
		fmt.Fprintf(c.ErrOrStderr(), "imported %s of %s; all are counted\n", entities(all), contents.Time.Format(time.RFC3339))
		return o.tellMissing(c, contents.Partners, known)
	}
	return archive.Read(ctx, file, contents, archive.Target{Store: store, Now: time.Now, Arrived: arrived}, func(n int64) {
		m.at(n, all, fmt.Sprintf("imported %s of %s entities", grouped(n), grouped(all)))
	})
}

// tellMissing prints what makes the partners that the folder has not.
func (o *importAllOptions) tellMissing(c *cobra.Command, archived []archive.Partner, known []*partner.Partner) error {
	var commands []string
	for _, p := range archived {
		if slices.ContainsFunc(known, func(k *partner.Partner) bool { return k.ID == p.ID }) {
			continue
		}
		commands = append(commands, o.addCommand(p))
		if len(p.Texts) > 0 {
			fmt.Fprintf(c.ErrOrStderr(), "%s shares a token with us in the old scheme: first put it into the file %s\n", p.ID, tokenFile(p))
		}
	}
	if len(commands) == 0 {
		return nil
	}
	fmt.Fprintf(c.ErrOrStderr(), "%s of the archive not in %s. With new secrets, and what they may do, these commands add them:\n",
		map[bool]string{true: "1 partner is", false: grouped(len(commands)) + " partners are"}[len(commands) == 1], o.partners)
	_, err := fmt.Fprintln(c.OutOrStdout(), strings.Join(commands, "\n"))
	return err
}

func tokenFile(p archive.Partner) string { return p.ID + ".token" }

// addCommand is the command that adds a partner, for a shell.
func (o *importAllOptions) addCommand(p archive.Partner) string {
	words := []string{"tallystick", "partner", "add", quoted(p.ID)}
	flag := func(name, value string) {
		if value != "" {
			words = append(words, name, quoted(value))
		}
	}
	flag("--types", strings.Join(p.Types, ","))
	flag("--skus", strings.Join(p.SKUs, ","))
	if len(p.Texts) > 0 {
		flag("--legacy-token-file", tokenFile(p))
		flag("--legacy-text", listed(p.Texts))
	}
	flag("--partners", o.partners)
	return strings.Join(words, " ")
}

// quoted is a word that a shell takes as it is.
func quoted(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
