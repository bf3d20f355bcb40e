package record

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"slices"

	"github.com/tallystick/tallystick/internal/storage"
)

// Records are records one after the other; an error is the last.
type Records = iter.Seq2[Record, error]

// exportPage is how many records an export reads at a time.
const exportPage = 200

// All returns all records of a collection, in the order of List. A record that does
// not change meanwhile comes once.
func (r *Reader) All(ctx context.Context, collection string) Records {
	return func(yield func(Record, error) bool) {
		req := ListRequest{Collection: collection, Size: min(exportPage, storage.MaxQueryLimit)}
		for {
			page, err := r.List(ctx, req)
			if err != nil {
				yield(Record{}, err)
				return
			}
			for _, rec := range page.Records {
				if !yield(rec, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			req.Token = page.Next
		}
	}
}

// WriteNDJSON writes a line {"id":…,"data":{…}} for each record, with its original as it
// is, or, where it has several lines, without the white space between its parts.
func WriteNDJSON(w io.Writer, records Records) error {
	var line []byte
	for r, err := range records {
		if err != nil {
			return err
		}
		original := r.Original
		if bytes.ContainsAny(original, "\n\r") {
			original = compact(original)
		}
		line = append(append(line[:0], `{"id":"`...), r.ID...) // of which nothing has to be escaped
		line = append(append(append(line, `","data":`...), original...), "}\n"...)
		if _, err := w.Write(line); err != nil {
			return fmt.Errorf("record: write: %w", err)
		}
	}
	return nil
}

// Columns returns the fields that the records' transformed have, in order of name.
func Columns(records Records) ([]string, error) {
	seen := make(map[string]bool)
	for r, err := range records {
		if err != nil {
			return nil, err
		}
		m, err := members(r.Transformed)
		if err != nil {
			return nil, err
		}
		for name := range m {
			seen[name] = true
		}
		if len(seen) >= maxColumns {
			return nil, fmt.Errorf("%w: the records have over %d fields; name those that you want as columns", ErrTooMany, maxColumns-1)
		}
	}
	columns := make([]string, 0, len(seen))
	for name := range seen {
		columns = append(columns, name)
	}
	slices.Sort(columns)
	return columns, nil
}

// WriteCSV writes a table (RFC 4180) with the id and these fields of transformed:
// texts as they are, all else as JSON, and nothing where a record has not the field.
func WriteCSV(w io.Writer, columns []string, records Records) error {
	table := csv.NewWriter(w)
	header := []string{"id"}
	for _, field := range columns {
		header = append(header, columnOf(field))
	}
	if err := table.Write(header); err != nil {
		return fmt.Errorf("record: write: %w", err)
	}
	for r, err := range records {
		if err != nil {
			return err
		}
		cells, err := cellsOf(r, columns)
		if err != nil {
			return err
		}
		if err := table.Write(cells); err != nil {
			return fmt.Errorf("record: write: %w", err)
		}
	}
	table.Flush()
	return table.Error()
}

func cellsOf(r Record, columns []string) ([]string, error) {
	m, err := members(r.Transformed)
	if err != nil {
		return nil, err
	}
	cells := []string{r.ID}
	for _, name := range columns {
		value := m[name]
		cell := string(value)
		switch {
		case len(value) == 0 || cell == "null":
			cell = ""
		case value[0] == '"':
			if err := json.Unmarshal(value, &cell); err != nil {
				return nil, fmt.Errorf("record: field %q: %w", name, err)
			}
		}
		cells = append(cells, cell)
	}
	return cells, nil
}

// Project returns an object with these fields of transformed only.
func Project(transformed []byte, fields []string) ([]byte, error) {
	m, err := members(transformed)
	if err != nil {
		return nil, err
	}
	b := []byte{'{'}
	for _, name := range fields {
		value, ok := m[name]
		if !ok {
			continue
		}
		delete(m, name) // who names it twice has it once
		if len(b) > 1 {
			b = append(b, ',')
		}
		quoted, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, quoted...), ':'), value...)
	}
	return append(b, '}'), nil
}
