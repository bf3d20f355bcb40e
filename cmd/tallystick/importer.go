package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/tallystick/tallystick/internal/record"
)

// A request has this much at most, so that it is answered well within the gateway's 15
// seconds by any database.
const (
	requestRows  = 2000
	requestBytes = 2 << 20 // unless one row has more
)

// Limits of an atomic import, see record.ImportRequest. The other end knows what the
// documents become, and has the last word.
const (
	atomicRows  = record.MaxBatch
	atomicBytes = 4 << 20
)

// quick is how fast a request is answered that might as well have been larger.
const quick = 4 * time.Second

// importer sends a file's rows, some thousand at a time.
type importer struct {
	options *importRecordsOptions
	client  *client
	file    *input
	meter   meter
	ids     *rowIDs
	now     func() time.Time

	gathered batch
	limit    int // rows of a request: fewer after one took too long
	report   importReport
}

func newImporter(o *importRecordsOptions, c *client, file *input, m meter) *importer {
	return &importer{
		options: o, client: c, file: file, meter: m, now: time.Now, limit: requestRows,
		ids: &rowIDs{collection: o.collection, repeatAs: o.repeatAs, file: file, warn: m.note},
	}
}

// errTooManyBad says that the import stopped.
var errTooManyBad = errors.New("too many bad rows")

// run imports the file. What was answered is in the report whatever the error.
func (in *importer) run(ctx context.Context) error {
	in.meter.at(0, in.file.size, "importing")
	for row, err := range in.options.rows(in.file) {
		if err != nil {
			return in.last(ctx, err)
		}
		if err := in.add(ctx, row); err != nil {
			return err
		}
		if in.tooManyBad() {
			break
		}
	}
	return in.last(ctx, nil)
}

// last sends the rest of what can be read. A file that breaks off does so behind it.
func (in *importer) last(ctx context.Context, why error) error {
	if in.options.atomic && (why != nil || in.report.bad > 0) {
		return errors.Join(why, errors.New("nothing was imported: with --atomic all rows have to be good"))
	}
	if err := in.send(ctx); err != nil {
		return err
	}
	if in.tooManyBad() {
		return fmt.Errorf("%w, over %d: it stopped at line %s", errTooManyBad, in.options.maxErrors, grouped(in.report.line))
	}
	return why
}

func (in *importer) tooManyBad() bool {
	return !in.options.atomic && in.report.bad > in.options.maxErrors
}

func (in *importer) add(ctx context.Context, row record.Row) error {
	if row.Err != nil {
		in.report.read(row.Line)
		in.report.wrong(*row.Err)
		return nil
	}
	id := row.ID
	if id == "" {
		var err error
		if id, err = in.ids.of(row); err != nil {
			return err
		}
	}
	if !in.gathered.fits(len(row.Data), in.options.atomic) {
		if in.options.atomic {
			return fmt.Errorf("nothing was imported: with --atomic there are at most %d rows and %d bytes", atomicRows, atomicBytes)
		}
		if err := in.send(ctx); err != nil {
			return err
		}
		if in.tooManyBad() {
			return in.last(ctx, nil)
		}
	}
	in.report.read(row.Line)
	in.gathered.add(id, row)
	return nil
}

// send sends what was gathered, in as many requests as it takes.
func (in *importer) send(ctx context.Context) error {
	b := in.gathered
	in.gathered = batch{}
	p := in.client.retries()
	for from := 0; from < b.len(); {
		n := min(in.limit, b.len()-from)
		began := in.now()
		answer, err := in.post(ctx, b.part(from, n), n)
		if err == nil {
			in.count(answer, b.lines[from:from+n])
			if from += n; in.now().Sub(began) < quick {
				in.limit = min(2*in.limit, requestRows)
			}
			p = in.client.retries()
			continue
		}
		shrink := n > 1 && !in.options.atomic && p.tookTooLong(err)
		if err := p.wait(ctx, err); err != nil {
			return located(err, b.lines[from:from+n])
		}
		in.report.again++
		if shrink {
			in.limit = n / 2
			p = in.client.retries()
		}
	}
	return nil
}

// importAnswer is the good answer to an import.
type importAnswer struct {
	Inserted, Updated, Unchanged, Bad int
	Errors                            []record.RowError
}

func (in *importer) post(ctx context.Context, rows []byte, n int) (importAnswer, error) {
	var a importAnswer
	body, err := in.client.try(ctx, in.options.request(rows, n))
	if err != nil {
		return a, err
	}
	if err := json.Unmarshal(body, &a); err != nil {
		return a, &finalError{fmt.Errorf("its answer is not Tallystick's: %w", err)}
	}
	return a, nil
}

// count adds an answer to the report. Its lines are those of the request.
func (in *importer) count(a importAnswer, lines []int) {
	r := &in.report
	r.inserted, r.updated, r.unchanged = r.inserted+a.Inserted, r.updated+a.Updated, r.unchanged+a.Unchanged
	for _, e := range a.Errors {
		if i := e.Line - 1; i >= 0 && i < len(lines) {
			e.Line = lines[i]
		}
		r.wrong(e)
	}
	r.bad += a.Bad - len(a.Errors) // it names the first hundred
	verb := "imported"
	if in.options.validateOnly {
		verb = "checked"
	}
	in.meter.at(in.file.read, in.file.size, verb+" "+counted(r.stored()+r.bad, "row"))
}

var faultLine = regexp.MustCompile(`^line ([0-9]+)`)

// located gives a refusal's faults the lines of the file.
func located(err error, lines []int) error {
	var no *refusal
	if !errors.As(err, &no) {
		return err
	}
	for i, f := range no.faults {
		no.faults[i].Location = faultLine.ReplaceAllStringFunc(f.Location, func(text string) string {
			n, _ := strconv.Atoi(faultLine.FindStringSubmatch(text)[1])
			if n < 1 || n > len(lines) {
				return text
			}
			return fmt.Sprintf("line %d", lines[n-1])
		})
	}
	return err
}
