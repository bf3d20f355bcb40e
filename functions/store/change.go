package store

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/record"
	"github.com/tallystick/tallystick/internal/recordhttp"
)

type changeInput struct {
	edge.JSON
	Collection  string `path:"collection" doc:"The collection." example:"products"`
	ID          string `path:"id" doc:"The record's id: 1 to 128 letters, digits and . _ ~ : @ -" example:"widget"`
	IfMatch     string `header:"If-Match" maxLength:"1000" doc:"Only if the record still has this ETag; *: only if it is there."`
	IfNoneMatch string `header:"If-None-Match" maxLength:"1000" doc:"*: only if the record is not there."`
}

func (in *changeInput) document() record.Document {
	return record.Document{ID: in.ID, Data: bytes.TrimSpace(in.Bytes())}
}

func (in *changeInput) condition() record.Condition {
	return record.Condition{IfMatch: in.IfMatch, IfNoneMatch: in.IfNoneMatch}
}

type changeOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"For If-Match."`
	Body   recordhttp.Record
}

var changeErrors = []int{
	http.StatusPreconditionFailed, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusServiceUnavailable,
}

func (h handlers) registerChange() {
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "putRecord", Method: http.MethodPut, Path: "/records/{collection}/{id}",
			Summary: "Create or replace a record",
			Description: "Makes the document the record of this id: 201 if it is new, 200 if it replaces one. A document that is there already, byte for byte, changes nothing. " +
				"Each change keeps the version before it, the newest 100.",
			RequestBody: documentBody("The document.", exampleOriginal),
			Errors:      changeErrors,
		},
		Example: exampleChanged,
	}, h.put)
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "patchRecord", Method: http.MethodPatch, Path: "/records/{collection}/{id}",
			Summary:     "Change parts of a record",
			Description: "Applies a JSON merge patch (RFC 7396) to the original: members of the patch replace those of the record, null removes them. The result is kept without white space, with new members behind the old ones.",
			RequestBody: documentBody("The merge patch.", `{"color":"blue"}`),
			Errors:      append([]int{http.StatusNotFound}, changeErrors...),
		},
		Example: examplePatched,
	}, h.patch)
}

// put is PUT /records/{collection}/{id}.
func (h handlers) put(ctx context.Context, in *changeInput) (*changeOutput, error) {
	return changed(h.records.Put(ctx, in.Collection, in.document(), in.condition()))
}

// patch is PATCH /records/{collection}/{id}.
func (h handlers) patch(ctx context.Context, in *changeInput) (*changeOutput, error) {
	return changed(h.records.Patch(ctx, in.Collection, in.document(), in.condition()))
}

func changed(s record.Stored, err error) (*changeOutput, error) {
	if err != nil {
		return nil, recordhttp.Problem(err)
	}
	out := &changeOutput{Status: http.StatusOK, ETag: s.ETag(), Body: recordhttp.Of(s.Record)}
	if s.Verdict == record.Inserted {
		out.Status = http.StatusCreated
	}
	return out, nil
}

// documentBody declares a body that is JSON, and what it may look like.
func documentBody(description, example string) *huma.RequestBody {
	var value any
	if err := json.Unmarshal([]byte(example), &value); err != nil {
		panic(err)
	}
	return &huma.RequestBody{Required: true, Description: description, Content: map[string]*huma.MediaType{
		"application/json": {Schema: &huma.Schema{}, Example: value},
	}}
}
