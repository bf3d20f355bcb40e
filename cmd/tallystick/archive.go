package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/internal/partner"
)

// archiveOptions are what `export --all` and `import --all` have in common. Unlike their
// subcommands these work on the database itself: all there is, is more than the functions
// show to anybody.
type archiveOptions struct {
	all      bool
	store    string
	partners string
	quiet    bool
}

func (o *archiveOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&o.store, "store", envOr("STORE", defaultStore), "sqlite:PATH, datastore:PROJECT or firestore:PROJECT (STORE)")
	f.StringVar(&o.partners, "partners", envOr("PARTNERS", partnersFolder), "the folder of the partners' documents (PARTNERS)")
	f.BoolVar(&o.quiet, "quiet", false, "no progress")
}

// untilInterrupted is a context that ends with Ctrl-C; a second one ends the process.
func untilInterrupted(c *cobra.Command) context.Context {
	ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx
}

// known are the partners of the folder. The folder that is looked for when none is named
// need not be there.
func (o *archiveOptions) known() (*partner.Set, error) {
	folder := o.partners
	if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) && folder == partnersFolder {
		folder = ""
	}
	set, err := partner.Read(folder, time.Now())
	if err != nil {
		return nil, fmt.Errorf("--partners: %w", err)
	}
	return set, nil
}

// wantFile fails for a SQLite file that is not there: to open it would make it.
func wantFile(store string) error {
	path, ok := strings.CutPrefix(store, "sqlite:")
	if !ok {
		return nil
	}
	_, err := os.Stat(path)
	return err
}

func entities(n int64) string {
	if n == 1 {
		return "1 entity"
	}
	return grouped(n) + " entities"
}
