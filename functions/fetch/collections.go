package fetch

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/recordhttp"
)

type collectionsInput struct{ edge.List }

type collectionsOutput struct{ Body collections }

type collections struct {
	Status        bool                    `json:"status" doc:"True."`
	Count         int                     `json:"count" doc:"How many there are in this reply."`
	Collections   []recordhttp.Collection `json:"collections" doc:"In order of name."`
	NextPageToken string                  `json:"nextPageToken" doc:"For the next page; empty at the end."`
}

type collectionInput struct {
	Collection string `path:"collection" doc:"The collection." example:"products"`
}

type collectionOutput struct {
	ETag string `header:"ETag" doc:"For If-Match."`
	Body recordhttp.Collection
}

func (h handlers) registerCollections() {
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "listCollections", Method: http.MethodGet, Path: "/collections",
			Summary: "List the collections",
			Errors:  []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Example: collections{Status: true, Count: 1, Collections: []recordhttp.Collection{exampleCollection}},
	}, h.collections)
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "getCollection", Method: http.MethodGet, Path: "/collections/{collection}",
			Summary: "Fetch a collection's settings",
			Errors:  []int{http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Example: exampleCollection,
	}, h.collection)
}

// collections is GET /collections.
func (h handlers) collections(ctx context.Context, in *collectionsInput) (*collectionsOutput, error) {
	all, next, err := h.records.Collections(ctx, in.Size(), in.PageToken)
	if err != nil {
		return nil, err
	}
	out := &collectionsOutput{collections{Status: true, Count: len(all), Collections: make([]recordhttp.Collection, len(all)), NextPageToken: next}}
	for i, c := range all {
		out.Body.Collections[i] = recordhttp.CollectionOf(c)
	}
	return out, nil
}

// collection is GET /collections/{collection}.
func (h handlers) collection(ctx context.Context, in *collectionInput) (*collectionOutput, error) {
	c, err := h.records.Collection(ctx, in.Collection)
	if err != nil {
		return nil, err
	}
	return &collectionOutput{ETag: c.ETag(), Body: recordhttp.CollectionOf(c)}, nil
}
