// Package remove is the function that removes records, with their revisions.
package remove

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/record"
	"github.com/tallystick/tallystick/internal/recordhttp"
)

// Register declares the function's operations.
func Register(a *edge.API) {
	a.Rules(recordhttp.Rules()...)
	h := handlers{records: record.New(a.Store, record.Options{Queue: a.Config.MergeQueue, Now: a.Now})}
	if a.Publish != nil {
		a.Publish("remove", func() any { return h.records.Stats() })
	}
	edge.Register(a, edge.Operation{
		Operation: huma.Operation{
			OperationID: "delete", Method: http.MethodDelete, Path: "/delete",
			Summary:     "Remove records",
			Description: "Removes the records with all their revisions, each whole. Should it fail with `REMOVAL_INCOMPLETE`, some are removed: sent again it removes the rest, and lists as missing what is gone.",
			Errors:      []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Example: removed{Status: true, Deleted: []string{"widget"}, Missing: []string{"gadget"}},
	}, h.removeMany)
	edge.Register(a, edge.Operation{
		Operation: huma.Operation{
			OperationID: "deleteRecord", Method: http.MethodDelete, Path: "/records/{collection}/{id}",
			Summary:     "Remove a record",
			Description: "Removes the record with all its revisions.",
			Errors:      []int{http.StatusNotFound, http.StatusPreconditionFailed, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Example: removed{Status: true, Deleted: []string{"widget"}, Missing: []string{}},
	}, h.remove)
}

type handlers struct{ records *record.Service }

type manyInput struct {
	recordhttp.IDs
	Collection string `query:"collection" default:"default" doc:"The collection." example:"products"`
}

type oneInput struct {
	Collection string `path:"collection" doc:"The collection." example:"products"`
	ID         string `path:"id" doc:"The record's id." example:"widget"`
	IfMatch    string `header:"If-Match" maxLength:"1000" doc:"Only if the record still has this ETag."`
}

type removeOutput struct{ Body removed }

type removed struct {
	Status  bool     `json:"status" doc:"True."`
	Deleted []string `json:"deleted" doc:"The ids of those that were there, in the order asked."`
	Missing []string `json:"missing" doc:"The ids of those that were not."`
}

// removeMany is DELETE /delete.
func (h handlers) removeMany(ctx context.Context, in *manyInput) (*removeOutput, error) {
	deleted, missing, err := h.records.Remove(ctx, in.Collection, in.IDs.IDs)
	if err != nil {
		return nil, err
	}
	return &removeOutput{removed{Status: true, Deleted: append([]string{}, deleted...), Missing: append([]string{}, missing...)}}, nil
}

// remove is DELETE /records/{collection}/{id}.
func (h handlers) remove(ctx context.Context, in *oneInput) (*removeOutput, error) {
	if err := h.records.RemoveOne(ctx, in.Collection, in.ID, record.Condition{IfMatch: in.IfMatch}); err != nil {
		return nil, err
	}
	return &removeOutput{removed{Status: true, Deleted: []string{in.ID}, Missing: []string{}}}, nil
}
