package store

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/record"
	"github.com/tallystick/tallystick/internal/recordhttp"
)

type tryInput struct {
	Collection string `path:"collection" doc:"The collection. It need not be there." example:"products"`
	Body       try
}

type try struct {
	Settings *settings         `json:"settings,omitempty" doc:"The settings to try, all of them. Unless given, those that the collection has."`
	Data     recordhttp.Object `json:"data" doc:"The document."`
}

type tryOutput struct{ Body tried }

type tried struct {
	Valid       bool              `json:"valid" doc:"Whether the document can be stored by these settings."`
	Transformed recordhttp.Object `json:"transformed,omitempty" doc:"What transformed would be, byte for byte. Not there unless valid."`
	Indexed     []indexedField    `json:"indexed" doc:"The fields of transformed that would be indexed; besides, _createTime is, or what the settings say of the record's times."`
	Errors      []documentFault   `json:"errors" doc:"What is wrong with the document; empty if it is valid."`
}

type indexedField struct {
	recordhttp.Index
	Value any `json:"value" doc:"What a filter compares it by."`
}

type documentFault struct {
	Location string `json:"location" doc:"Where in data, as a JSON pointer; empty: the whole of it, or what the transform made."`
	Message  string `json:"message" doc:"What is wrong there."`
}

func (h handlers) registerTry() {
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "tryCollection", Method: http.MethodPost, Path: "/collections/{collection}/try",
			Summary: "Try settings on a document",
			Description: "Says what storing the document would make of it, by these settings or by those that the collection has, and changes nothing. " +
				"A document that they refuse is a reply with valid: false; settings that cannot be are the error that `PUT /collections/{collection}` gives.",
			RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Example: exampleTry}}},
			Errors:      []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Example: exampleTried,
	}, h.try)
}

// try is POST /collections/{collection}/try.
func (h handlers) try(ctx context.Context, in *tryInput) (*tryOutput, error) {
	var s *record.Settings
	if in.Body.Settings != nil {
		given := in.Body.Settings.domain()
		s = &given
	}
	t, err := h.records.Try(ctx, in.Collection, s, in.Body.Data)
	out := &tryOutput{tried{Valid: err == nil, Transformed: t.Transformed, Indexed: []indexedField{}, Errors: []documentFault{}}}
	var invalid *record.InvalidError
	switch {
	case errors.As(err, &invalid):
		out.Body.Errors = faultsOf(invalid)
	case err != nil:
		return nil, err
	}
	for _, x := range t.Indexed {
		out.Body.Indexed = append(out.Body.Indexed, indexedField{recordhttp.Index{Field: x.Field, Type: string(x.Type)}, x.Value})
	}
	return out, nil
}

func faultsOf(invalid *record.InvalidError) (all []documentFault) {
	for _, f := range invalid.Faults {
		all = append(all, documentFault{f.Pointer, f.Message})
	}
	if len(all) == 0 {
		all = append(all, documentFault{Message: invalid.Reason})
	}
	return all
}
