package fetch

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/record"
	"github.com/tallystick/tallystick/internal/recordhttp"
)

// ListOptions are what the lists of records have in common. huma wants them exported.
type ListOptions struct {
	edge.List
	OrderBy string `query:"orderBy" maxLength:"200" doc:"A field, or a field and desc: price desc. Records without the field are left out. Unless given, the order is fixed and means nothing."`
	Fields  string `query:"fields" maxLength:"4096" doc:"Fields of transformed, separated by commas: only these, and no original."`
	Count   bool   `query:"count" doc:"Count all that is selected, as total."`
}

type allInput struct {
	Collection string `query:"collection" default:"default" doc:"The collection." example:"products"`
	ListOptions
	Limit int `query:"limit" minimum:"0" doc:"The same as pageSize."`
}

type listInput struct {
	Collection string `path:"collection" doc:"The collection." example:"products"`
	ListOptions
	Filter string `query:"filter" maxLength:"4096" doc:"A filter as AIP-160 writes it: comparisons by = < <= > >=, joined by AND. Several fields may be compared by =, and one by a range." example:"color = \"red\" AND price < 10"`
}

type keysOutput struct{ Body keys }

type keys struct {
	Status        bool     `json:"status" doc:"True."`
	Count         int      `json:"count" doc:"How many there are in this reply."`
	IDs           []string `json:"ids" doc:"The ids."`
	NextPageToken string   `json:"nextPageToken" doc:"For the next page; empty at the end."`
	Total         *int64   `json:"total,omitempty" doc:"How many there are in all, where count=true asked for it."`
}

func (h handlers) registerList() {
	errors := []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable}
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "fetchAll", Method: http.MethodGet, Path: "/fetchAll",
			Summary: "Fetch all records, page by page", Errors: errors,
		},
		Example: exampleList,
	}, func(ctx context.Context, in *allInput) (*listOutput, error) {
		in.limit()
		return h.list(ctx, in.Collection, "", &in.ListOptions)
	})
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "fetchKeys", Method: http.MethodGet, Path: "/fetchKeys",
			Summary: "Fetch the ids of all records, page by page", Description: "It costs the database less than to fetch the records.", Errors: errors,
		},
		Example: keys{Status: true, Count: 1, IDs: []string{"widget"}},
	}, h.fetchKeys)
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "listRecords", Method: http.MethodGet, Path: "/records/{collection}",
			Summary:     "List records, page by page",
			Description: filterDescription, Errors: errors,
		},
		Example: exampleList,
	}, func(ctx context.Context, in *listInput) (*listOutput, error) {
		return h.list(ctx, in.Collection, in.Filter, &in.ListOptions)
	})
}

func (in *allInput) limit() {
	if in.Limit > 0 {
		in.PageSize = in.Limit
	}
}

// list is GET /fetchAll and GET /records/{collection}.
func (h handlers) list(ctx context.Context, collection, filter string, o *ListOptions) (*listOutput, error) {
	terms, err := record.ParseFilter(filter)
	if err != nil {
		return nil, err
	}
	return h.page(ctx, collection, terms, o)
}

// page answers a page of the records that the terms select.
func (h handlers) page(ctx context.Context, collection string, terms []record.Term, o *ListOptions) (*listOutput, error) {
	page, err := h.records.List(ctx, o.request(collection, terms))
	if err != nil {
		return nil, err
	}
	list := recordhttp.ListOf(page, o.Count)
	fields := fieldsOf(o.Fields)
	for i := range list.Records {
		if list.Records[i], err = projected(list.Records[i], fields); err != nil {
			return nil, err
		}
	}
	return &listOutput{list}, nil
}

// fetchKeys is GET /fetchKeys.
func (h handlers) fetchKeys(ctx context.Context, in *allInput) (*keysOutput, error) {
	in.limit()
	page, err := h.records.Keys(ctx, in.request(in.Collection, nil))
	if err != nil {
		return nil, err
	}
	out := &keysOutput{keys{Status: true, Count: len(page.IDs), IDs: page.IDs, NextPageToken: page.Next}}
	if in.Count {
		out.Body.Total = &page.Total
	}
	return out, nil
}

func (o *ListOptions) request(collection string, terms []record.Term) record.ListRequest {
	return record.ListRequest{
		Collection: collection, Terms: terms, OrderBy: o.OrderBy, Size: o.Size(), Token: o.PageToken, Count: o.Count,
	}
}
