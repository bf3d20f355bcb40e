package fetch

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/record"
)

type exportInput struct {
	Collection string `path:"collection" doc:"The collection." example:"products"`
	Format     string `query:"format" enum:"ndjson,csv" default:"ndjson" doc:"ndjson: a line {\"id\":…,\"data\":{…}} with the original for each record. csv: the id and the fields of transformed."`
	Fields     string `query:"fields" maxLength:"16384" doc:"The columns of a CSV, separated by commas. Unless given, all fields that there are; the collection is read twice then."`
}

func (h handlers) registerExport() {
	body := &huma.Schema{Type: "string", Format: "binary"}
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "exportRecords", Method: http.MethodGet, Path: "/records/{collection}/export",
			Summary: "Export a collection",
			Description: "All records, in one reply. The gateway passes 32 MiB, for at most 15 seconds; a reply that is cut off breaks the connection. " +
				"`tallystick export` fetches collections of any size.",
			Responses: map[string]*huma.Response{"200": {
				Description: "The records. One that is changed meanwhile is exported as it was before or after.",
				Content: map[string]*huma.MediaType{
					"application/x-ndjson": {Schema: body, Example: `{"id":"widget","data":{"name":"Widget","color":"red","price":"9.90"}}` + "\n"},
					"text/csv":             {Schema: body, Example: "id,color,name,price\nwidget,red,Widget,9.90\n"},
				},
			}},
			Errors: []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
	}, h.export)
}

// export is GET /records/{collection}/export.
func (h handlers) export(ctx context.Context, in *exportInput) (*huma.StreamResponse, error) {
	if err := record.CheckCollection(in.Collection); err != nil {
		return nil, err
	}
	write, contentType := record.WriteNDJSON, "application/x-ndjson"
	if in.Format == "csv" {
		columns := fieldsOf(in.Fields)
		if len(columns) == 0 {
			var err error
			if columns, err = record.Columns(h.records.All(ctx, in.Collection)); err != nil {
				return nil, err
			}
		}
		contentType = "text/csv; charset=utf-8"
		write = func(w io.Writer, records record.Records) error { return record.WriteCSV(w, columns, records) }
	}
	records, err := edge.Begun(h.records.All(ctx, in.Collection))
	if err != nil {
		return nil, err
	}
	return edge.Download(ctx, contentType, fmt.Sprintf("%s.%s", in.Collection, in.Format), func(w io.Writer) error { return write(w, records) }), nil
}
