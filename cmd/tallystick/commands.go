package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// The commands beside serve are clients of a Tallystick that runs, here or elsewhere.
// What they have in common is here, in client.go (requests), retries.go (trying
// again), refusal.go (errors in words) and meter.go (progress).

// clientCommand is a command that is a client.
type clientCommand struct {
	clientOptions
	quiet bool
}

func (o *clientCommand) flags(c *cobra.Command) {
	f := c.Flags()
	f.SortFlags = false
	f.BoolVar(&o.quiet, "quiet", false, "no progress")
	o.clientOptions.flags(c)
}

// begin returns what the command works with. Its context ends with Ctrl-C, and a second
// one ends the process.
func (o *clientCommand) begin(c *cobra.Command, u unit) (context.Context, *client, meter, error) {
	cl, err := o.client()
	if err != nil {
		return nil, nil, nil, err
	}
	ctx, stop := signal.NotifyContext(c.Context(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	m := newMeter(c, o.quiet, u)
	cl.waits = func(why error) { m.note("trying again: " + why.Error()) }
	return ctx, cl, m, nil
}

// stdio is the FILE that stands for standard input, or output.
const stdio = "-"

// argument is the i-th argument, or stdio.
func argument(args []string, i int) string {
	if i < len(args) {
		return args[i]
	}
	return stdio
}
