package main

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/internal/record"
)

func importCommand() *cobra.Command {
	var o importAllOptions
	c := &cobra.Command{
		Use:     "import [--all FILE]",
		Short:   "Import a file of visits, of records of any number, or an archive of all there is",
		Long:    importAllHelp,
		Example: "  tallystick import --all shop.tallystick.gz --store datastore:my-project",
		Args:    cobra.MaximumNArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return o.run(c, args) },
	}
	o.flags(c)
	c.AddCommand(importVisitsCommand(), importRecordsCommand())
	return c
}

type importRecordsOptions struct {
	clientCommand
	format, mode, idField string
	repeatAs              string
	validateOnly, atomic  bool
	maxErrors             int
	collection, file      string
}

func importRecordsCommand() *cobra.Command {
	var o importRecordsOptions
	c := &cobra.Command{
		Use:   "records COLLECTION [FILE]",
		Short: "Import a file of records of any number",
		Long: `Import a file of records of any number. Without FILE, or with -, it is standard input.

NDJSON has a document in each line, or {"id":…,"data":{…}} as the export writes it.
A CSV's first row names the columns; a.b is the field b of the object a.

An import that broke off, or was interrupted, is completed by the same command: no
record is doubled. A row without an id gets one made of the file's content and the
row's line. If the file has changed since, or is standard input, it is the same import
only with the same --repeat-as, and its rows the same as long as they keep their lines.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(c *cobra.Command, args []string) error {
			o.collection, o.file = args[0], argument(args, 1)
			return o.run(c)
		},
	}
	f := c.Flags()
	o.flags(c)
	f.StringVar(&o.format, "format", "", formatUsage)
	f.StringVar(&o.mode, "mode", "insert", "insert: where a record is there it has to be the same; upsert: replace it")
	f.StringVar(&o.idField, "id-field", "", "the field, or column, that is the id")
	f.StringVar(&o.repeatAs, "repeat-as", "", "a text of your own that names this import, see above")
	f.BoolVar(&o.validateOnly, "validate-only", false, "say what importing each row would do, and store nothing")
	f.IntVar(&o.maxErrors, "max-errors", 100, "how many bad rows may be left out; past them the import stops")
	f.BoolVar(&o.atomic, "atomic", false, "store all rows or none: at most 500 rows and 3 MiB")
	return c
}

// check finds what the flags cannot be before anything is read.
func (o *importRecordsOptions) check() (err error) {
	if o.format, err = formatOf(o.format, o.file); err != nil {
		return err
	}
	switch {
	case o.mode != "insert" && o.mode != "upsert":
		return fmt.Errorf("--mode: %q is neither insert nor upsert", o.mode)
	case o.maxErrors < 0:
		return errors.New("--max-errors: it is not below 0")
	}
	return record.CheckCollection(o.collection)
}

func (o *importRecordsOptions) rows(r io.Reader) iter.Seq2[record.Row, error] {
	if o.format == "csv" {
		return record.ReadCSV(r, o.idField)
	}
	return record.ReadNDJSON(r, o.idField)
}

func (o *importRecordsOptions) run(c *cobra.Command) error {
	if err := o.check(); err != nil {
		return err
	}
	ctx, cl, m, err := o.begin(c, bytesOfAll)
	if err != nil {
		return err
	}
	file, err := openInput(ctx, o.file)
	if err != nil {
		return err
	}
	defer file.close()
	in := newImporter(o, cl, file, m)
	began := time.Now()
	err = in.run(ctx)
	m.end()
	in.report.printBad(c.ErrOrStderr())
	if err == nil || in.report.stored()+in.report.bad > 0 {
		fmt.Fprintln(c.OutOrStdout(), in.report.summary(o.validateOnly, time.Since(began)))
	}
	if hint := in.hint(err); hint != "" {
		fmt.Fprintln(c.ErrOrStderr(), hint)
	}
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted")
	case err != nil:
		return fmt.Errorf("import %s: %w", file.name, err)
	case in.report.bad > 0: // a script has to learn that something was left out
		return fmt.Errorf("import %s: %s left out", file.name, counted(in.report.bad, "bad row"))
	}
	return nil
}

// hint says how to go on with an import that did not store everything.
func (in *importer) hint(err error) string {
	r, o := &in.report, in.options
	if o.validateOnly || o.atomic || r.stored() == 0 || err == nil && r.bad == 0 {
		return ""
	}
	var hints []string
	switch {
	case err == nil:
	case !in.ids.repeatable():
		hints = append(hints, fmt.Sprintf("%s stored. To import those without ids again would double them: --repeat-as keeps from that.", counted(r.stored(), "row")))
	case errors.Is(err, errTooManyBad):
		hints = append(hints, fmt.Sprintf("%s stored. Mend the bad ones, or allow more with --max-errors.", counted(r.stored(), "row")))
	default:
		hints = append(hints, fmt.Sprintf("%s stored. The same command goes on from there.", counted(r.stored(), "row")))
	}
	if r.bad > 0 && in.ids.sum != "" {
		hints = append(hints, "A file that was mended is another one: so that its rows without ids are not doubled, import it with --repeat-as "+in.ids.sum)
	}
	return strings.Join(hints, "\n")
}

func (o *importRecordsOptions) request(body []byte, rows int) request {
	// All bad rows of a request are left out: how many may be is a matter of the file.
	return request{
		method: http.MethodPost, path: "/records/" + o.collection + "/import", contentType: "application/x-ndjson", body: body,
		query: query("mode", o.mode, "maxErrors", fmt.Sprint(rows), "validateOnly", fmt.Sprint(o.validateOnly), "atomic", fmt.Sprint(o.atomic)),
	}
}
