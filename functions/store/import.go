package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/record"
)

type importInput struct {
	edge.Stream
	Collection     string `path:"collection" doc:"The collection. It need not be there." example:"products"`
	ContentType    string `header:"Content-Type" hidden:"true"`
	Mode           string `query:"mode" enum:"insert,upsert" default:"insert" doc:"insert: a row whose record is there is bad, unless it is the same. upsert: it replaces the record."`
	IDField        string `query:"idField" maxLength:"2048" doc:"The field, or column, that is the id. Unless told, a row has its id beside its data, or in the column id, or gets one."`
	ValidateOnly   bool   `query:"validateOnly" doc:"Read the file, say what importing it would do, and store nothing. Rows are held against what is stored, not against each other."`
	MaxErrors      int    `query:"maxErrors" default:"100" minimum:"0" doc:"How many bad rows may be left out. Past them the import stops; what it has stored stays."`
	Atomic         bool   `query:"atomic" doc:"Store all rows or none, in one transaction: at most 500 rows, and 3 MiB with what is made of them."`
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" pattern:"^[!-~]+$" doc:"Any text of your own for this file. It makes ids, and no more: with it a row without an id gets the same one each time, so the file can be sent again and no record is doubled."`
}

type importOutput struct{ Body imported }

type imported struct {
	Status    bool     `json:"status" doc:"True: the file was read to its end."`
	Validated bool     `json:"validateOnly" doc:"Whether nothing was stored because of validateOnly."`
	Rows      int      `json:"rows" doc:"Rows read."`
	Inserted  int      `json:"inserted" doc:"New records."`
	Updated   int      `json:"updated" doc:"Records that were replaced."`
	Unchanged int      `json:"unchanged" doc:"Rows that were there already."`
	Bad       int      `json:"bad" doc:"Bad rows, left out."`
	Errors    []badRow `json:"errors,omitempty" doc:"What is wrong with the bad rows, the first hundred."`
}

type badRow struct {
	Line   int    `json:"line" doc:"The row's line in the file; 1 is the first."`
	Field  string `json:"field,omitempty" doc:"The field that is wrong, or its place as a JSON pointer."`
	Reason string `json:"reason" doc:"What is wrong with it."`
}

func (h handlers) registerImport() {
	body := &huma.Schema{Type: "string", Format: "binary"}
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "importRecords", Method: http.MethodPost, Path: "/records/{collection}/import",
			Summary: "Import a file of records",
			Description: "Takes NDJSON, each line a document or `{\"id\":…,\"data\":{…}}` as the export gives it, or CSV, whose first row names the columns: `a.b` is the field b of the object a. An empty line is no row, nor is a row of a CSV whose cells are all empty. " +
				"Rows are stored as they come, some hundreds in a transaction: what is good is in, and the reply says which rows are bad and why. An import that broke off is completed by sending it again: with ids in the rows, or an Idempotency-Key, no record is doubled. " +
				"At most 32 MiB; `tallystick import` sends files of any size.",
			RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
				"application/x-ndjson": {Schema: body, Example: `{"id":"widget","data":{"name":"Widget","price":"9.90"}}` + "\n"},
				"text/csv":             {Schema: body, Example: "id,name,price\nwidget,Widget,9.90\n"},
			}},
			Errors: []int{http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Example: imported{Status: true, Rows: 1, Inserted: 1},
	}, h.importFile)
}

// importFile is POST /records/{collection}/import.
func (h handlers) importFile(ctx context.Context, in *importInput) (*importOutput, error) {
	rows, err := in.rows()
	if err != nil {
		return nil, err
	}
	r, err := h.records.Import(ctx, record.ImportRequest{
		Collection: in.Collection, Rows: rows, Upsert: in.Mode == "upsert", Key: in.IdempotencyKey,
		ValidateOnly: in.ValidateOnly, MaxErrors: in.MaxErrors, Atomic: in.Atomic,
	})
	switch {
	case errors.Is(err, record.ErrAtomic):
		return nil, faulty(r, "Nothing was imported: with atomic=true all rows have to be good")
	case err != nil && r.Inserted+r.Updated > 0 && !in.ValidateOnly:
		return nil, brokenOff(r, err)
	case err != nil:
		return nil, err
	case r.Stopped:
		return nil, faulty(r, fmt.Sprintf("Over %d bad rows: the import stopped at line %d, with %d records stored and %d rows that were there already",
			in.MaxErrors, r.Line, r.Inserted+r.Updated, r.Unchanged))
	}
	out := &importOutput{imported{
		Status: true, Validated: in.ValidateOnly,
		Rows: r.Rows, Inserted: r.Inserted, Updated: r.Updated, Unchanged: r.Unchanged, Bad: r.Bad,
	}}
	for _, e := range r.Errors {
		out.Body.Errors = append(out.Body.Errors, badRow(e))
	}
	return out, nil
}

func (in *importInput) rows() (iter.Seq2[record.Row, error], error) {
	switch bare, _, _ := mime.ParseMediaType(in.ContentType); bare {
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/json",
		"application/octet-stream", "application/x-www-form-urlencoded", "":
		return record.ReadNDJSON(&in.Stream, in.IDField), nil
	case "text/csv":
		return record.ReadCSV(&in.Stream, in.IDField), nil
	}
	return nil, edge.NewProblem(http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "Send application/x-ndjson or text/csv.")
}

// faulty names the bad rows of an import that stopped.
func faulty(r record.Report, detail string) error {
	p := edge.NewProblem(http.StatusUnprocessableEntity, "IMPORT_STOPPED", detail+".")
	for _, e := range r.Errors {
		p.Errors = append(p.Errors, edge.RowFault(e.Line, e.Field, e.Reason))
	}
	return p
}

// brokenOff says that a part is in.
func brokenOff(r record.Report, err error) error {
	stored := r.Inserted + r.Updated
	var over *http.MaxBytesError
	switch {
	case errors.As(err, &over):
		return edge.NewProblem(http.StatusRequestEntityTooLarge, "BODY_TOO_LARGE", fmt.Sprintf("The body has over %d bytes. %d records of it are stored.", over.Limit, stored))
	case errors.Is(err, io.ErrUnexpectedEOF):
		return edge.NewProblem(http.StatusBadRequest, "MALFORMED_REQUEST", fmt.Sprintf("The body ended before its end. %d records of it are stored.", stored))
	}
	if errors.Is(err, record.ErrFile) {
		return edge.NewProblem(http.StatusUnprocessableEntity, "IMPORT_INVALID", fmt.Sprintf("%v. %d records before that are stored.", err, stored))
	}
	return fmt.Errorf("%w: after %d records: %w", record.ErrIncomplete, stored, err)
}
