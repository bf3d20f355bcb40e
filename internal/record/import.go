package record

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/tallystick/tallystick/internal/storage"
)

var (
	// ErrAtomic says that nothing was imported, because not all rows could be.
	ErrAtomic = errors.New("nothing was imported")

	// ErrIncomplete says that an import broke off after a part of it was stored.
	ErrIncomplete = errors.New("the import is not complete")
)

const (
	importRows  = MaxBatch // in one transaction
	importBytes = 1 << 20  // of documents in one transaction, unless one has more
	maxReported = 100      // bad rows that a Report names
)

// ImportRequest asks for rows to be stored.
type ImportRequest struct {
	Collection string
	Rows       iter.Seq2[Row, error]

	// Upsert replaces records that are there. Without it a row whose record is there
	// is bad, unless it is the same row: so an import that broke off is completed by
	// running it again.
	Upsert bool

	// Key makes the ids of rows that have none, the same ones each time, so that such
	// an import can be run again too. Without it they are new each time.
	Key string

	// ValidateOnly stores nothing. Rows are held against what is stored, not against
	// each other: an id that is in the file twice is found by importing it.
	ValidateOnly bool

	MaxErrors int  // bad rows; past them the import stops
	Atomic    bool // store all rows or none: at most MaxBatch
}

// Report is what an import did.
type Report struct {
	Rows, Inserted, Updated, Unchanged, Bad int
	Errors                                  []RowError // of the bad rows, the first ones

	Stopped bool // there were too many bad rows, or Atomic: what follows Line was not read
	Line    int  // of the last row that was read
}

func (r *Report) bad(e RowError) {
	r.Bad++
	if len(r.Errors) < maxReported {
		r.Errors = append(r.Errors, e)
	}
}

// Import stores rows as they come. What is good is in when it returns, whatever
// happens later; an error leaves what is in, and the report says what that is. With
// Atomic nothing is in unless all is.
func (s *Service) Import(ctx context.Context, req ImportRequest) (Report, error) {
	if err := CheckCollection(req.Collection); err != nil {
		return Report{}, err
	}
	in := &importer{service: s, req: req}
	for row, err := range req.Rows {
		if err != nil {
			if flushed := in.flushGood(ctx); flushed != nil {
				err = flushed
			}
			return in.report, err
		}
		if err := in.add(ctx, row); err != nil {
			return in.report, err
		}
		if in.report.Stopped {
			break
		}
	}
	if !in.atomicFails() {
		if err := in.flush(ctx); err != nil {
			return in.report, err
		}
	}
	if in.atomicFails() {
		return in.report, ErrAtomic
	}
	return in.report, nil
}

// flushGood stores what was read before a file broke off, as it does when who sent it
// has gone.
func (in *importer) flushGood(ctx context.Context) error {
	if in.req.Atomic {
		return nil
	}
	return in.flush(context.WithoutCancel(ctx))
}

// importer gathers rows for one transaction after the other.
type importer struct {
	service *Service
	req     ImportRequest
	report  Report

	rows  []Row
	ids   map[string]bool // of rows
	bytes int
}

func (in *importer) atomicFails() bool { return in.req.Atomic && in.report.Bad > 0 }

func (in *importer) add(ctx context.Context, row Row) error {
	in.report.Rows++
	in.report.Line = row.Line
	if row.Err != nil {
		in.bad(*row.Err)
		return nil
	}
	switch {
	case row.ID != "":
	case in.req.Key != "":
		row.ID = ImportedID(in.req.Key, row.Line, row.Data)
	default:
		row.ID = newID()
	}
	switch {
	case in.req.Atomic && in.ids[row.ID]:
		in.bad(RowError{row.Line, "id", "it is in the file twice"})
		return nil
	case in.req.Atomic && (len(in.rows) == MaxBatch || in.bytes+len(row.Data) > maxContentBytes):
		return fmt.Errorf("%w: atomic imports are one transaction, so have at most %d rows, and %d bytes with what is made of them", ErrTooMany, MaxBatch, maxContentBytes)
	case in.req.Atomic:
	case in.ids[row.ID], len(in.rows) == importRows, len(in.rows) > 0 && in.bytes+len(row.Data) > importBytes:
		if err := in.flush(ctx); err != nil {
			return err
		}
	}
	if in.ids == nil {
		in.ids = make(map[string]bool)
	}
	in.rows, in.bytes, in.ids[row.ID] = append(in.rows, row), in.bytes+len(row.Data), true
	return nil
}

func (in *importer) bad(e RowError) {
	in.report.bad(e)
	if in.report.Bad > in.req.MaxErrors {
		in.report.Stopped = true
	}
}

// storeRows stores rows in one transaction, or says what would be.
type storeRows func(ctx context.Context, rows []Row) (verdicts []Verdict, bad []RowError, err error)

// flush stores the rows that were gathered.
func (in *importer) flush(ctx context.Context) error {
	rows := in.rows
	in.rows, in.bytes = nil, 0
	clear(in.ids)
	if len(rows) == 0 {
		return nil
	}
	store := storeRows(in.store)
	if in.req.ValidateOnly {
		store = in.validate
	}
	return in.flushRows(ctx, store, rows)
}

// flushRows stores rows, in two transactions where what is made of them, or what is
// there already, is too much for one.
func (in *importer) flushRows(ctx context.Context, store storeRows, rows []Row) error {
	verdicts, bad, err := store(ctx, rows)
	switch {
	case in.req.Atomic && errors.Is(err, ErrExists):
		item := &ItemError{} // a single row's error is not of one of several
		errors.As(err, &item)
		in.bad(RowError{rows[item.Item].Line, "id", "a record of this id is there already"})
		return nil
	case !in.req.Atomic && len(rows) > 1 && errors.Is(err, errTooMuch):
		half := len(rows) / 2
		if err := in.flushRows(ctx, store, rows[:half]); err != nil {
			return err
		}
		return in.flushRows(ctx, store, rows[half:])
	case err != nil:
		return err
	}
	for _, e := range bad {
		in.bad(e)
	}
	for i, v := range verdicts {
		switch v {
		case Inserted:
			in.report.Inserted++
		case Updated:
			in.report.Updated++
		case Unchanged:
			in.report.Unchanged++
		case Existing:
			in.bad(RowError{rows[i].Line, "id", "a record of this id is there already, and is another; mode=upsert replaces it"})
		}
	}
	return nil
}

// store stores rows in one transaction. A row that cannot be a record has no verdict.
func (in *importer) store(ctx context.Context, rows []Row) (verdicts []Verdict, bad []RowError, err error) {
	var at []int
	prepare := func(r *recipe) (items []item, err error) {
		items, at, bad, err = in.prepare(ctx, r, rows)
		switch {
		case err != nil:
			return nil, err
		case len(items) == 0, in.req.Atomic && len(bad) > 0:
			return nil, errNoItems
		}
		return items, nil
	}
	stamps, _, _, err := in.service.write(ctx, change{collection: in.req.Collection, repeat: true, skip: !in.req.Atomic}, nil, prepare)
	if errors.Is(err, errNoItems) {
		return nil, bad, nil
	}
	verdicts = make([]Verdict, len(rows))
	for i, st := range stamps {
		verdicts[at[i]] = st.Verdict
	}
	return verdicts, bad, err
}

var errNoItems = errors.New("record: no row is good")

// validate says what store would do.
func (in *importer) validate(ctx context.Context, rows []Row) (verdicts []Verdict, bad []RowError, err error) {
	r, err := in.service.recipe(ctx, in.req.Collection)
	if err != nil {
		return nil, nil, err
	}
	items, at, bad, err := in.prepare(ctx, r, rows)
	if err != nil {
		return nil, nil, err
	}
	keys := make([]storage.Key, len(items))
	for i := range items {
		keys[i] = recordKey(in.req.Collection, items[i].id)
	}
	entities, err := in.service.source.Get(ctx, keys...)
	if err != nil {
		return nil, nil, err
	}
	verdicts = make([]Verdict, len(rows))
	c := &change{service: in.service, collection: in.req.Collection, recipe: r, items: items, repeat: true, skip: true}
	for i := range items {
		old, err := decodeState(entities[i])
		if err != nil {
			return nil, nil, err
		}
		if verdicts[at[i]], err = c.decide(&items[i], old, in.service.now()); err != nil && !errors.Is(err, errRevision) {
			return nil, nil, err
		}
	}
	return verdicts, bad, nil
}

// prepare makes items of the good rows; at says which row each is of.
func (in *importer) prepare(ctx context.Context, r *recipe, rows []Row) (items []item, at []int, bad []RowError, err error) {
	size := 0
	for i, row := range rows {
		content, err := r.prepare(ctx, row.Data)
		var fault *InvalidError
		switch {
		case err == nil:
			if size += content.size(); size > maxContentBytes && len(rows) > 1 {
				return nil, nil, nil, errTooMuch
			}
			items, at = append(items, item{id: row.ID, content: content, replace: in.req.Upsert}), append(at, i)
		case errors.As(err, &fault) && len(fault.Faults) > 0:
			bad = append(bad, RowError{row.Line, fault.Faults[0].Pointer, fault.Faults[0].Message})
		case errors.As(err, &fault), errors.Is(err, ErrTooLarge):
			bad = append(bad, RowError{row.Line, "", reasonOf(err)})
		default:
			return nil, nil, nil, err
		}
	}
	return items, at, bad, nil
}
