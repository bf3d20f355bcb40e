// Package store is the function that stores records: it creates and changes them,
// imports files of them, and keeps the settings of their collections. Each file holds
// operations that belong together, with their wire types; what they mean is in
// internal/record.
//
// The routes with a fixed name take the collection as a parameter, the others in the
// path. They do the same.
package store

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/record"
	"github.com/tallystick/tallystick/internal/recordhttp"
)

// Register declares the function's operations.
func Register(a *edge.API) {
	a.Rules(recordhttp.Rules()...)
	h := handlers{api: a, records: record.New(a.Store, record.Options{Queue: a.Config.MergeQueue, Now: a.Now})}
	if a.Publish != nil {
		a.Publish("store", func() any { return h.records.Stats() })
	}
	h.registerStore()
	h.registerChange()
	h.registerImport()
	h.registerSettings()
	h.registerTry()
}

type handlers struct {
	api     *edge.API
	records *record.Service
}

// StoreInput is what the routes that store have in common. huma wants it exported.
type StoreInput struct {
	edge.JSON
	Upsert         bool   `query:"upsert" doc:"Replace records whose id is there. Without it such an id is 409."`
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" pattern:"^[!-~]+$" doc:"Any text of your own, new for each request: with it the same request may be sent again for 7 days, is done once, and has the same reply."`
}

type storeNamedInput struct {
	StoreInput
	Collection string `query:"collection" default:"default" doc:"The collection: 1 to 63 letters, digits, _ and -. It need not be there." example:"products"`
}

type storePathInput struct {
	StoreInput
	Collection string `path:"collection" doc:"The collection: 1 to 63 letters, digits, _ and -. It need not be there." example:"products"`
}

type storeOutput struct {
	Replayed string `header:"Idempotent-Replayed" doc:"true when it was stored when it was first sent."`
	Body     stored
}

type stored struct {
	Status  bool                `json:"status" doc:"True."`
	Count   int                 `json:"count" doc:"How many records were stored."`
	IDs     []string            `json:"ids" doc:"Their ids, in the order of the documents."`
	Records []recordhttp.Record `json:"records" doc:"The records, in the order of the documents."`
}

// AppendJSON implements edge.JSONAppender.
func (s stored) AppendJSON(b []byte) []byte {
	b = append(b, `{"status":true,"count":`...)
	b = strconv.AppendInt(b, int64(s.Count), 10)
	b = append(b, `,"ids":`...)
	b = recordhttp.AppendStrings(b, s.IDs)
	b = append(b, `,"records":`...)
	b = recordhttp.AppendAll(b, s.Records)
	return append(b, '}')
}

const storeDescription = "Takes a JSON object, an array of them, or `{\"records\":[{\"id\":…,\"data\":{…}}]}` for documents with ids of your own; up to 500 and 1 MiB in all. " +
	"All are stored, or none. An id has 1 to 128 letters, digits and `. _ ~ : @ -`; where none is given one is made, a UUID that sorts by time (version 7)."

func (h handlers) registerStore() {
	op := func(id, path, summary string) edge.Operation {
		return edge.Operation{
			Operation: huma.Operation{
				OperationID: id, Method: http.MethodPost, Path: path,
				Summary: summary, Description: storeDescription,
				DefaultStatus: http.StatusCreated,
				RequestBody:   documentBody("One document, or several.", `{"records":[{"id":"widget","data":`+exampleOriginal+`}]}`),
				Errors:        []int{http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
			},
			Example: exampleStored,
		}
	}
	edge.Register(h.api, op("store", "/store", "Store records"), func(ctx context.Context, in *storeNamedInput) (*storeOutput, error) {
		return h.store(ctx, in.Collection, &in.StoreInput)
	})
	edge.Register(h.api, op("createRecords", "/records/{collection}", "Create records"), func(ctx context.Context, in *storePathInput) (*storeOutput, error) {
		return h.store(ctx, in.Collection, &in.StoreInput)
	})
}

// store is POST /store and POST /records/{collection}.
func (h handlers) store(ctx context.Context, collection string, in *StoreInput) (*storeOutput, error) {
	docs, err := record.ParseDocuments(in.Bytes())
	if err != nil {
		return nil, recordhttp.Problem(err)
	}
	all, replayed, err := h.records.Store(ctx, record.StoreRequest{
		Collection: collection, Documents: docs, Upsert: in.Upsert,
		IdempotencyKey: in.IdempotencyKey, Request: in.Bytes(),
	})
	if err != nil {
		return nil, recordhttp.Problem(err)
	}
	out := &storeOutput{Body: stored{Status: true, Count: len(all)}}
	for _, s := range all {
		out.Body.IDs = append(out.Body.IDs, s.ID)
		out.Body.Records = append(out.Body.Records, recordhttp.Of(s.Record))
	}
	if replayed {
		out.Replayed = "true"
	}
	return out, nil
}
