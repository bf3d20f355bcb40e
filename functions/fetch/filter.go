package fetch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/record"
)

type filterInput struct {
	edge.JSON
	Collection string `query:"collection" default:"default" doc:"The collection." example:"products"`
	ListOptions
}

const filterDescription = "A filter is answered by indexes alone: several fields may be compared by `=`, and one by a range, in the order of which the records then come. " +
	"What no index answers is 422 with the code INDEX_REQUIRED or FILTER_UNSUPPORTED and what to do about it. " +
	"Unless the collection's settings name indexes, the first 20 scalar fields of transformed are indexed by themselves."

func (h handlers) registerFilter() {
	var example any
	if err := json.Unmarshal([]byte(`{"color":"red"}`), &example); err != nil {
		panic(err)
	}
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "filter", Method: http.MethodPost, Path: "/filter",
			Summary: "Filter records",
			Description: "Takes `{\"field\":value,…}`, fields of transformed that have to have these values, or `{\"filter\":\"price > 10 AND sold = false\"}` as AIP-160 writes it, which may have orderBy, pageSize, pageToken, fields and count beside it as the query may. " +
				filterDescription,
			RequestBody: &huma.RequestBody{Required: true, Description: "The filter.", Content: map[string]*huma.MediaType{
				"application/json": {Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}, Example: example},
			}},
			Errors: []int{http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Example: exampleList,
	}, h.filter)
}

// written is the body of a filter as AIP-160 writes it. What it says holds before
// what the query says.
type written struct {
	Filter    string  `json:"filter"`
	OrderBy   *string `json:"orderBy"`
	PageSize  *int    `json:"pageSize"`
	PageToken *string `json:"pageToken"`
	Fields    *string `json:"fields"`
	Count     *bool   `json:"count"`
}

// filter is POST /filter.
func (h handlers) filter(ctx context.Context, in *filterInput) (*listOutput, error) {
	terms, err := in.terms()
	if err != nil {
		return nil, err
	}
	return h.page(ctx, in.Collection, terms, &in.ListOptions)
}

func (in *filterInput) terms() ([]record.Term, error) {
	d := json.NewDecoder(bytes.NewReader(in.Bytes()))
	d.UseNumber()
	var fields map[string]any
	if err := d.Decode(&fields); err != nil || fields == nil {
		return nil, fmt.Errorf("%w: send a JSON object", record.ErrFilter)
	}
	if _, text := fields["filter"].(string); !text {
		return record.EqualToAll(fields)
	}
	var w written
	strict := json.NewDecoder(bytes.NewReader(in.Bytes()))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&w); err != nil {
		var wrong *json.UnmarshalTypeError
		if errors.As(err, &wrong) {
			return nil, fmt.Errorf("%w: %s cannot be a %s", record.ErrFilter, wrong.Field, wrong.Value)
		}
		return nil, fmt.Errorf("%w: beside filter there are orderBy, pageSize, pageToken, fields and count", record.ErrFilter)
	}
	in.override(w)
	for _, bad := range []struct {
		is   bool
		says string
	}{ // as the query's are bounded
		{in.PageSize < 0, "pageSize: expected number >= 0"},
		{len(in.OrderBy) > 200, "orderBy: expected length <= 200"},
		{len(in.Fields) > 4096, "fields: expected length <= 4096"},
		{len(in.PageToken) > 4096, "pageToken: expected length <= 4096"},
	} {
		if bad.is {
			return nil, edge.NewProblem(http.StatusUnprocessableEntity, "VALIDATION_FAILED", "body."+bad.says)
		}
	}
	return record.ParseFilter(w.Filter)
}

func (in *filterInput) override(w written) {
	if w.OrderBy != nil {
		in.OrderBy = *w.OrderBy
	}
	if w.PageSize != nil {
		in.PageSize = *w.PageSize
	}
	if w.PageToken != nil {
		in.PageToken = *w.PageToken
	}
	if w.Fields != nil {
		in.Fields = *w.Fields
	}
	if w.Count != nil {
		in.Count = *w.Count
	}
}
