package visits

import (
	"context"
	"errors"
	"io"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/visit"
)

type exportInput struct {
	Format string `query:"format" enum:"ndjson,csv" default:"ndjson" doc:"ndjson: a line for each page with its days, and what brought their visits. csv: page,day,visits,uniques."`
}

type importInput struct {
	edge.Stream
	MaxErrors    int    `query:"maxErrors" default:"0" minimum:"0" doc:"How many bad rows may be left out. With more of them nothing is imported."`
	ValidateOnly bool   `query:"validateOnly" doc:"Read the file, say what is in it, and import nothing."`
	Site         string `query:"site" doc:"The site's own host. GoatCounter's export has links within the site among the referrers: these are left out." example:"shop.example"`
}

type importOutput struct{ Body report }

type report struct {
	Imported bool       `json:"imported" doc:"False where it was only validated."`
	Pages    int        `json:"pages" doc:"Pages in the file."`
	Rows     int        `json:"rows" doc:"Rows read."`
	Skipped  int        `json:"skipped" doc:"Rows that are no visits to pages: GoatCounter's events and bots."`
	Bad      int        `json:"bad" doc:"Bad rows, left out."`
	Errors   []rowError `json:"errors,omitempty" doc:"What is wrong with the bad rows, the first hundred."`
}

type rowError struct {
	Line   int    `json:"line" doc:"The row's line in the file; 1 is the first."`
	Field  string `json:"field,omitempty" doc:"The field that is wrong."`
	Reason string `json:"reason" doc:"What is wrong with it."`
}

func (h handlers) registerTransfer() {
	body := &huma.Schema{Type: "string", Format: "binary"}
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "exportVisits", Method: http.MethodGet, Path: "/visits/export",
			Summary: "Export all pages",
			Responses: map[string]*huma.Response{"200": {
				Description: "Every page with its days. A page that is counted meanwhile is exported as it was before or after.",
				Content: map[string]*huma.MediaType{
					"application/x-ndjson": {Schema: body, Example: `{"page":"/about","visits":42,"uniques":30,"days":[{"day":"2026-11-21","visits":3,"uniques":2,"referrers":{"news.ycombinator.com":2},"otherReferrers":1,"sources":{"newsletter":1}}]}` + "\n"},
					"text/csv":             {Schema: body, Example: "page,day,visits,uniques\n/about,,39,28\n/about,2026-11-21,3,2\n"},
				},
			}},
			Errors: []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
	}, h.export)
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "importVisits", Method: http.MethodPost, Path: "/visits/import",
			Summary: "Import pages",
			Description: "Takes what the export gives, NDJSON or CSV, and GoatCounter's CSV export. For each page and day, and for each referrer and campaign of a day, the larger number stands, what is here or what is imported: importing a file twice changes nothing, " +
				"and an import that broke off is completed by sending it again. Rows of one page add up within a file. At most 32 MiB.",
			RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
				"application/x-ndjson": {Schema: body, Example: `{"page":"/about","visits":42,"uniques":30}` + "\n"},
				"text/csv":             {Schema: body, Example: "page,day,visits,uniques\n/about,2026-11-21,3,2\n"},
			}},
			Errors: []int{http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Example: report{Imported: true, Pages: 1, Rows: 1},
	}, h.importFile)
}

// export is GET /visits/export.
func (h handlers) export(ctx context.Context, in *exportInput) (*huma.StreamResponse, error) {
	write, contentType := visit.WriteNDJSON, "application/x-ndjson"
	if in.Format == "csv" {
		write, contentType = visit.WriteCSV, "text/csv; charset=utf-8"
	}
	pages, err := edge.Begun(h.visits.All(ctx))
	if err != nil {
		return nil, err
	}
	return edge.Download(ctx, contentType, "visits."+in.Format, func(w io.Writer) error { return write(w, pages) }), nil
}

// importFile is POST /visits/import.
func (h handlers) importFile(ctx context.Context, in *importInput) (*importOutput, error) {
	file, err := visit.ParseFile(&in.Stream, visit.DayOf(h.api.Now()), in.MaxErrors, in.Site)
	if err != nil {
		return nil, importProblem(file, err)
	}
	if !in.ValidateOnly {
		if err := h.visits.Import(ctx, file.Views); err != nil {
			return nil, err
		}
	}
	r := report{Imported: !in.ValidateOnly, Pages: len(file.Views), Rows: file.Rows, Skipped: file.Skipped, Bad: file.Bad}
	for _, e := range file.Errors {
		r.Errors = append(r.Errors, rowError(e))
	}
	return &importOutput{r}, nil
}

// importProblem names the bad rows of a file that was refused.
func importProblem(file *visit.File, err error) error {
	if !errors.Is(err, visit.ErrFile) || file == nil {
		return err
	}
	p := edge.NewProblem(http.StatusUnprocessableEntity, "IMPORT_INVALID", err.Error()+"; nothing was imported")
	for _, e := range file.Errors {
		p.Errors = append(p.Errors, edge.RowFault(e.Line, e.Field, e.Reason))
	}
	return p
}
