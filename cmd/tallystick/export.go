package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/internal/record"
)

func exportCommand() *cobra.Command {
	var o exportAllOptions
	c := &cobra.Command{
		Use:     "export",
		Short:   "Export the visits, a collection of records of any size, or all there is",
		Long:    exportAllHelp,
		Example: "  tallystick export --all -o shop.tallystick.gz",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return o.run(c) },
	}
	o.flags(c)
	c.AddCommand(exportVisitsCommand(), exportRecordsCommand())
	return c
}

// exportOptions are what the exports have in common.
type exportOptions struct {
	clientCommand
	file, format string
}

const formatUsage = "ndjson or csv (default: csv for a file that ends in .csv, else ndjson)"

func (o *exportOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.SortFlags = false
	f.StringVarP(&o.file, "output", "o", stdio, "the file; it gets its name when it is complete; - is standard output")
	f.StringVar(&o.format, "format", "", formatUsage)
	o.clientCommand.flags(c)
}

func (o *exportOptions) check() (err error) {
	o.format, err = formatOf(o.format, o.file)
	return err
}

// formatOf is the format that is given, else that of a file's ending.
func formatOf(given, file string) (string, error) {
	switch {
	case given == "" && strings.EqualFold(filepath.Ext(file), ".csv"):
		return "csv", nil
	case given == "":
		return "ndjson", nil
	case given != "ndjson" && given != "csv":
		return "", fmt.Errorf("--format: %q is neither ndjson nor csv", given)
	}
	return given, nil
}

type exportRecordsOptions struct {
	exportOptions
	collection              string
	fields, filter, orderBy string
}

func exportRecordsCommand() *cobra.Command {
	var o exportRecordsOptions
	c := &cobra.Command{
		Use:   "records COLLECTION",
		Short: "Export a collection of any size",
		Long: `Export a collection of any size, as NDJSON or CSV.

NDJSON has the originals, {"id":…,"data":{…}} in each line. CSV has the id and the
fields of transformed; without --fields all that there are, and the collection is read
twice. A record that is changed meanwhile is exported as it was before or after.`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			o.collection = args[0]
			return o.run(c)
		},
	}
	f := c.Flags()
	o.flags(c)
	f.StringVar(&o.fields, "fields", "", "the columns of a CSV, separated by commas")
	f.StringVar(&o.filter, "filter", "", `only these, such as 'color = "red" AND price < 10'`)
	f.StringVar(&o.orderBy, "order-by", "", "a field, or a field and desc: 'price desc'; records without it are left out")
	return c
}

func (o *exportRecordsOptions) run(c *cobra.Command) error {
	if err := cmp.Or(o.check(), record.CheckCollection(o.collection)); err != nil {
		return err
	}
	if o.fields != "" && o.format != "csv" {
		return errors.New("--fields names the columns of a CSV: give --format csv too")
	}
	ctx, cl, m, err := o.begin(c, things)
	if err != nil {
		return err
	}
	ex := &exporter{options: o, client: cl, meter: m}
	err = writeWhole(o.file, c.OutOrStdout(), func(w io.Writer) error { return ex.write(ctx, w) })
	m.end()
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case err != nil:
		return fmt.Errorf("export %s: %w", o.collection, err)
	case !o.quiet:
		fmt.Fprintf(c.ErrOrStderr(), "exported %s\n", counted(ex.done, "record"))
	}
	return nil
}

// exporter reads a collection page by page.
type exporter struct {
	options *exportRecordsOptions
	client  *client
	meter   meter
	done    int64 // records written
}

func (ex *exporter) write(ctx context.Context, w io.Writer) error {
	o := ex.options
	if err := ex.find(ctx); err != nil {
		return err
	}
	if o.format == "ndjson" {
		return record.WriteNDJSON(w, ex.all(ctx, "exported"))
	}
	columns := strings.FieldsFunc(o.fields, func(r rune) bool { return r == ',' })
	for i := range columns {
		columns[i] = strings.TrimSpace(columns[i])
	}
	if len(columns) == 0 {
		var err error
		if columns, err = record.Columns(ex.all(ctx, "looked for columns in")); err != nil {
			return err
		}
	}
	return record.WriteCSV(w, columns, ex.all(ctx, "exported"))
}

// find finds out whether there is such a collection: a list of none is empty too.
func (ex *exporter) find(ctx context.Context) error {
	_, err := ex.client.do(ctx, request{method: http.MethodGet, path: "/collections/" + ex.options.collection})
	if no := (*refusal)(nil); errors.As(err, &no) && no.code == "COLLECTION_NOT_FOUND" {
		return errors.New("there is no such collection; GET /collections lists those that there are")
	}
	return err
}

// recordsPage is what of a page of a list is used.
type recordsPage struct {
	Records []struct {
		ID          string
		Original    json.RawMessage
		Transformed json.RawMessage
	}
	NextPageToken string
	Total         *int64 // at first
}

// all returns the records, and shows how many there have been.
func (ex *exporter) all(ctx context.Context, verb string) record.Records {
	return func(yield func(record.Record, error) bool) {
		o := ex.options
		q := query("filter", o.filter, "orderBy", o.orderBy, "fields", o.fields, "count", "true")
		total := int64(-1)
		ex.done = 0
		for size := maxPageSize; ; {
			var p recordsPage
			var err error
			if size, err = ex.client.page(ctx, http.MethodGet, "/records/"+o.collection, q, size, &p); err != nil {
				yield(record.Record{}, err)
				return
			}
			if p.Total != nil {
				total = *p.Total
				q.Del("count") // which is work
			}
			for _, r := range p.Records {
				if !yield(record.Record{ID: r.ID, Original: r.Original, Transformed: r.Transformed}, nil) {
					return
				}
				ex.done++
			}
			text := verb + " " + counted(ex.done, "record")
			if total >= ex.done {
				text = fmt.Sprintf("%s %s of %s records", verb, grouped(ex.done), grouped(total))
			}
			ex.meter.at(ex.done, total, text)
			if p.NextPageToken == "" {
				return
			}
			q.Set("pageToken", p.NextPageToken)
		}
	}
}

// maxPageSize is the most that a page of a list has.
const maxPageSize = 1000

// page asks for a page of at most size, of fewer when that takes too long, and returns
// how many it asked for.
func (c *client) page(ctx context.Context, method, path string, q url.Values, size int, into any) (int, error) {
	p := c.retries()
	for {
		q.Set("pageSize", fmt.Sprint(size))
		body, err := c.try(ctx, request{method: method, path: path, query: q})
		if err == nil {
			if err := json.Unmarshal(body, into); err != nil {
				return size, fmt.Errorf("its answer is not Tallystick's: %w", err)
			}
			return size, nil
		}
		shrink := size > 1 && p.tookTooLong(err)
		if err := p.wait(ctx, err); err != nil {
			return size, err
		}
		if shrink {
			size /= 2
			q.Del("count") // which may be what takes long
			p = c.retries()
		}
	}
}
