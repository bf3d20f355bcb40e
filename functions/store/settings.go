package store

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/record"
	"github.com/tallystick/tallystick/internal/recordhttp"
)

type settingsInput struct {
	Collection  string `path:"collection" doc:"The collection. It need not be there." example:"products"`
	IfMatch     string `header:"If-Match" maxLength:"1000" doc:"Only if the settings still have this ETag; *: only if there are some."`
	IfNoneMatch string `header:"If-None-Match" maxLength:"1000" doc:"*: only if nobody has made settings."`
	Body        settings
}

type settings struct {
	Schema     recordhttp.Object  `json:"schema,omitempty" doc:"JSON Schema (2020-12) that an original has to keep. It refers to nothing outside of itself."`
	Transform  string             `json:"transform,omitempty" maxLength:"16384" doc:"A jq program that makes transformed, one object, of the original. Unless given, transformed is the canonical form: nested objects flattened to names with dots, texts trimmed and in Unicode NFC, numbers and times in texts recognised."`
	Indexes    []recordhttp.Index `json:"indexes,omitempty" maxItems:"50" doc:"The fields to filter and order by, with their types. Unless given, the first 20 scalar fields of transformed are indexed by themselves, and _createTime."`
	TTLSeconds int64              `json:"ttlSeconds,omitempty" minimum:"0" maximum:"315360000" doc:"How long after its last change a record expires; 0: never."`
}

func (s settings) domain() record.Settings {
	all := record.Settings{Schema: json.RawMessage(s.Schema), Transform: s.Transform, TTL: time.Duration(s.TTLSeconds) * time.Second}
	if s.Indexes != nil {
		all.Indexes = make([]record.Index, len(s.Indexes))
		for i, x := range s.Indexes {
			all.Indexes[i] = record.Index{Field: x.Field, Type: record.Type(x.Type)}
		}
	}
	return all
}

type settingsOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"For If-Match."`
	Body   recordhttp.Collection
}

type retransformInput struct {
	edge.List
	Collection string `path:"collection" doc:"The collection." example:"products"`
}

type retransformOutput struct{ Body retransformed }

type retransformed struct {
	Status        bool           `json:"status" doc:"True."`
	Count         int            `json:"count" doc:"Records made anew by this call."`
	Failed        []failedRecord `json:"failed,omitempty" doc:"Records that cannot be made by the settings as they are. They stay as they were."`
	Left          *int64         `json:"left,omitempty" doc:"Of the first call and the last: records that are still as other settings made them, the failed ones among them. With 0 the indexes are complete."`
	NextPageToken string         `json:"nextPageToken" doc:"For the next call; empty at the end."`
}

type failedRecord struct {
	ID     string `json:"id" doc:"The record's id."`
	Reason string `json:"reason" doc:"Why."`
}

func (h handlers) registerSettings() {
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "putCollection", Method: http.MethodPut, Path: "/collections/{collection}",
			Summary: "Make a collection's settings",
			Description: "Replaces the collection's settings: schema, transform, indexes, expiry. They hold for what is stored from now on. " +
				"What is there keeps its transformed and its indexes until `POST /collections/{collection}/retransform`, or `tallystick retransform`; filters on new indexes are refused until then.",
			RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Example: exampleSettings}}},
			Errors:      []int{http.StatusPreconditionFailed, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Example: exampleCollection,
	}, h.configure)
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "retransform", Method: http.MethodPost, Path: "/collections/{collection}/retransform",
			Summary: "Make records anew by the settings",
			Description: "Makes transformed, and the indexes, of some records anew that were made by other settings. Call it with the nextPageToken of the call before until there is none; who begins again goes on with those that are left. " +
				"`tallystick retransform` does so. A record's version stays, for its original does.",
			Errors: []int{http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Example: retransformed{Status: true, Count: 1, Left: new(int64)},
	}, h.retransform)
}

// configure is PUT /collections/{collection}.
func (h handlers) configure(ctx context.Context, in *settingsInput) (*settingsOutput, error) {
	c, created, err := h.records.Configure(ctx, in.Collection, in.Body.domain(), record.Condition{IfMatch: in.IfMatch, IfNoneMatch: in.IfNoneMatch})
	if err != nil {
		return nil, err
	}
	out := &settingsOutput{Status: http.StatusOK, ETag: c.ETag(), Body: recordhttp.CollectionOf(c)}
	if created {
		out.Status = http.StatusCreated
	}
	return out, nil
}

// retransform is POST /collections/{collection}/retransform.
func (h handlers) retransform(ctx context.Context, in *retransformInput) (*retransformOutput, error) {
	r, err := h.records.Retransform(ctx, in.Collection, in.Size(), in.PageToken)
	if err != nil {
		return nil, err
	}
	out := &retransformOutput{retransformed{Status: true, Count: r.Done, Left: r.Left, NextPageToken: r.Next}}
	for _, f := range r.Failed {
		out.Body.Failed = append(out.Body.Failed, failedRecord(f))
	}
	return out, nil
}
