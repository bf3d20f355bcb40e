package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/internal/record"
)

// retransformSize is how many records a request makes anew, each in a transaction.
const retransformSize = 100

func retransformCommand() *cobra.Command {
	var o clientCommand
	c := &cobra.Command{
		Use:   "retransform COLLECTION",
		Short: "Make a collection's records anew by its settings",
		Long: `Make what is derived of a collection's records anew, and their indexes, after its settings
were changed. It may be interrupted: the same command goes on with those that are left.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := record.CheckCollection(args[0]); err != nil {
				return err
			}
			ctx, cl, m, err := o.begin(c, things)
			if err != nil {
				return err
			}
			r := &retransformer{collection: args[0], client: cl, meter: m}
			err = r.run(ctx)
			m.end()
			r.printFailed(c.ErrOrStderr())
			if r.answered {
				fmt.Fprintf(c.OutOrStdout(), "%s made anew, %s left\n", counted(r.done, "record"), grouped(r.left))
			}
			return r.verdict(ctx, err)
		},
	}
	o.flags(c)
	return c
}

// retransformer makes records anew, some at a time.
type retransformer struct {
	collection string
	client     *client
	meter      meter

	answered           bool // once at least
	done, left, failed int64
	listed             []failedRecord
}

// failedRecord is one that cannot be made by the settings as they are.
type failedRecord struct{ ID, Reason string }

func (r *retransformer) run(ctx context.Context) error {
	q := query()
	for size := retransformSize; ; {
		var a struct {
			Count         int64
			Left          *int64 // of the first reply and the last
			Failed        []failedRecord
			NextPageToken string
		}
		var err error
		if size, err = r.client.page(ctx, http.MethodPost, "/collections/"+r.collection+"/retransform", q, size, &a); err != nil {
			return err
		}
		r.answered = true
		r.done, r.left, r.failed = r.done+a.Count, max(0, r.left-a.Count), r.failed+int64(len(a.Failed))
		if a.Left != nil {
			r.left = *a.Left
		}
		r.listed = append(r.listed, a.Failed[:min(len(a.Failed), maxListed-len(r.listed))]...)
		// Failed ones are among those left.
		r.meter.at(r.done+r.failed, r.done+r.left, fmt.Sprintf("%s made anew, %s left", counted(r.done, "record"), grouped(r.left)))
		if a.NextPageToken == "" {
			return nil
		}
		q.Set("pageToken", a.NextPageToken)
	}
}

func (r *retransformer) printFailed(w io.Writer) {
	for _, f := range r.listed {
		fmt.Fprintf(w, "%s: %s\n", f.ID, f.Reason)
	}
	if more := r.failed - int64(len(r.listed)); more > 0 {
		fmt.Fprintf(w, "and %s more\n", grouped(more))
	}
}

func (r *retransformer) verdict(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted; the same command goes on with those that are left")
	case err != nil:
		return fmt.Errorf("retransform %s: %w", r.collection, err)
	case r.failed > 0:
		return fmt.Errorf("retransform %s: %s cannot be made by the settings as they are, so stay as they were", r.collection, counted(r.failed, "record"))
	case r.left > 0:
		return fmt.Errorf("retransform %s: %s left that changed meanwhile: run it again", r.collection, counted(r.left, "record"))
	}
	return nil
}
