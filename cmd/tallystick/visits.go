package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/internal/record"
)

// Visits come and go in one request, for which the gateway allows 32 MiB and 15 s: some
// 100,000 pages.

// maxVisitsBytes is the largest file of visits that the other end takes.
const maxVisitsBytes = 32 << 20

type importVisitsOptions struct {
	clientCommand
	validateOnly bool
	maxErrors    int
	site         string
	file         string
}

func importVisitsCommand() *cobra.Command {
	var o importVisitsOptions
	c := &cobra.Command{
		Use:   "visits [FILE]",
		Short: "Import visits, or GoatCounter's",
		Long: `Import visits: what the export writes, or GoatCounter's CSV, up to 32 MiB. Without FILE,
or with -, it is standard input.

For each page and day the larger number stands, so importing a file twice changes nothing.
GoatCounter's referrers come along, but for those of the site itself: name it with --site.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.file = argument(args, 0)
			return o.run(c)
		},
	}
	f := c.Flags()
	o.flags(c)
	f.BoolVar(&o.validateOnly, "validate-only", false, "say what is in the file, and import nothing")
	f.IntVar(&o.maxErrors, "max-errors", 0, "how many bad rows may be left out; with more of them nothing is imported")
	f.StringVar(&o.site, "site", "", "the site's own `host`, which is no referrer: shop.example")
	return c
}

func (o *importVisitsOptions) run(c *cobra.Command) error {
	ctx, cl, m, err := o.begin(c, bytesOfAll)
	if err != nil {
		return err
	}
	file, err := openInput(ctx, o.file)
	if err != nil {
		return err
	}
	defer file.close()
	body, err := io.ReadAll(io.LimitReader(file, maxVisitsBytes+1))
	if err == nil && len(body) > maxVisitsBytes {
		err = fmt.Errorf("it has over %d MiB; add it up by page and day first, as docs/migrating.md shows, or import its parts, each with whole days, from the oldest on", maxVisitsBytes>>20)
	}
	var answer struct {
		Pages, Rows, Skipped, Bad int
		Errors                    []record.RowError
	}
	if err == nil {
		m.at(0, 0, "importing visits")
		body, err = cl.do(ctx, request{
			method: http.MethodPost, path: "/visits/import", contentType: "application/octet-stream", body: body,
			query: query("maxErrors", fmt.Sprint(o.maxErrors), "validateOnly", fmt.Sprint(o.validateOnly), "site", o.site),
		})
		if err == nil {
			err = json.Unmarshal(body, &answer)
		}
	}
	m.end()
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case err != nil:
		return fmt.Errorf("import %s: %w", file.name, err)
	}
	report := importReport{bad: answer.Bad, listed: answer.Errors}
	report.printBad(c.ErrOrStderr())
	what := "imported"
	if o.validateOnly {
		what = "checked, nothing imported"
	}
	fmt.Fprintf(c.OutOrStdout(), "%s: %s, %s, %s skipped, %s bad\n", what,
		counted(answer.Pages, "page"), counted(answer.Rows, "row"), grouped(answer.Skipped), grouped(answer.Bad))
	if answer.Bad > 0 { // as with records
		return fmt.Errorf("import %s: %s left out", file.name, counted(answer.Bad, "bad row"))
	}
	return nil
}

func exportVisitsCommand() *cobra.Command {
	var o exportOptions
	c := &cobra.Command{
		Use:   "visits",
		Short: "Export the visits of all pages",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return o.runVisits(c) },
	}
	o.flags(c)
	return c
}

func (o *exportOptions) runVisits(c *cobra.Command) error {
	if err := o.check(); err != nil {
		return err
	}
	ctx, cl, m, err := o.begin(c, bytesOfAll)
	if err != nil {
		return err
	}
	err = writeWhole(o.file, c.OutOrStdout(), func(w io.Writer) error {
		return cl.download(ctx, request{method: http.MethodGet, path: "/visits/export", query: query("format", o.format)}, w, m)
	})
	m.end()
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case err != nil:
		return fmt.Errorf("export visits: %w", err)
	}
	return nil
}

// download copies a reply. It tries again as long as none has begun.
func (c *client) download(ctx context.Context, r request, w io.Writer, m meter) error {
	p := c.retries()
	for {
		reply, err := c.open(ctx, r)
		if err == nil {
			defer reply.Close()
			_, err := io.Copy(&metered{w: w, meter: m}, reply)
			return err
		}
		if err := p.wait(ctx, err); err != nil {
			return err
		}
	}
}

// metered shows how much was written.
type metered struct {
	w     io.Writer
	meter meter
	n     int64
}

func (w *metered) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	w.n += int64(n)
	w.meter.at(w.n, -1, fmt.Sprintf("exported %s bytes", grouped(w.n)))
	return n, err
}
