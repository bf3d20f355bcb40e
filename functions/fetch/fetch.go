// Package fetch is the function that reads records. Nothing in it writes, so it runs
// with a role that may only read. Each file holds operations that belong together,
// with their wire types; what they mean is in internal/record.
package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/record"
	"github.com/tallystick/tallystick/internal/recordhttp"
)

// Register declares the function's operations.
func Register(a *edge.API) {
	a.Rules(recordhttp.Rules()...)
	h := handlers{api: a, records: record.NewReader(a.Store, a.Now)}
	h.registerList()
	h.registerFilter()
	h.registerOne()
	h.registerExport()
	h.registerCollections()
}

type handlers struct {
	api     *edge.API
	records *record.Reader
}

type manyInput struct {
	recordhttp.IDs
	Collection string `query:"collection" default:"default" doc:"The collection." example:"products"`
	Fields     string `query:"fields" maxLength:"4096" doc:"Fields of transformed, separated by commas: only these, and no original."`
}

type manyOutput struct{ Body many }

type many struct {
	Status  bool                `json:"status" doc:"True."`
	Count   int                 `json:"count" doc:"How many were found."`
	Records []recordhttp.Record `json:"records" doc:"Those found, in the order asked."`
	Missing []string            `json:"missing" doc:"The ids of those that are not there."`
}

// AppendJSON implements edge.JSONAppender.
func (m many) AppendJSON(b []byte) []byte {
	b = append(b, `{"status":true,"count":`...)
	b = strconv.AppendInt(b, int64(len(m.Records)), 10)
	b = append(b, `,"records":`...)
	b = recordhttp.AppendAll(b, m.Records)
	b = append(b, `,"missing":`...)
	b = recordhttp.AppendStrings(b, m.Missing)
	return append(b, '}')
}

type oneInput struct {
	Collection  string `path:"collection" doc:"The collection." example:"products"`
	ID          string `path:"id" doc:"The record's id." example:"widget"`
	IfNoneMatch string `header:"If-None-Match" maxLength:"1000" doc:"An ETag: 304 while the record still has it."`
}

type oneOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"For If-Match and If-None-Match."`
	Body   *recordhttp.Record
}

type revisionsInput struct {
	edge.List
	Collection string `path:"collection" doc:"The collection." example:"products"`
	ID         string `path:"id" doc:"The record's id." example:"widget"`
}

type listOutput struct{ Body recordhttp.List }

func (h handlers) registerOne() {
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "fetchMany", Method: http.MethodGet, Path: "/fetchMany",
			Summary: "Fetch records by their ids",
			Errors:  []int{http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Example: many{Status: true, Count: 1, Records: []recordhttp.Record{exampleRecord}, Missing: []string{"gadget"}},
	}, h.fetchMany)
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "getRecord", Method: http.MethodGet, Path: "/records/{collection}/{id}",
			Summary: "Fetch a record",
			Errors:  []int{http.StatusNotModified, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Example: exampleRecord,
	}, h.get)
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "listRevisions", Method: http.MethodGet, Path: "/records/{collection}/{id}/revisions",
			Summary:     "List a record's earlier versions",
			Description: "The latest first, the newest 100. They go when the record is removed.",
			Errors:      []int{http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Example: recordhttp.List{Status: true, Count: 1, Records: []recordhttp.Record{exampleRecord}},
	}, h.revisions)
}

// fetchMany is GET /fetchMany.
func (h handlers) fetchMany(ctx context.Context, in *manyInput) (*manyOutput, error) {
	found, missing, err := h.records.GetMany(ctx, in.Collection, in.IDs.IDs)
	if err != nil {
		return nil, err
	}
	out := &manyOutput{many{Status: true, Count: len(found), Missing: missing}}
	fields := fieldsOf(in.Fields)
	for _, r := range found {
		w, err := projected(recordhttp.Of(r), fields)
		if err != nil {
			return nil, err
		}
		out.Body.Records = append(out.Body.Records, w)
	}
	return out, nil
}

// get is GET /records/{collection}/{id}.
func (h handlers) get(ctx context.Context, in *oneInput) (*oneOutput, error) {
	r, err := h.records.Get(ctx, in.Collection, in.ID)
	if err != nil {
		return nil, err
	}
	out := &oneOutput{Status: http.StatusOK, ETag: r.ETag()}
	if record.NoneMatch(in.IfNoneMatch, out.ETag) {
		out.Status = http.StatusNotModified
		return out, nil
	}
	body := recordhttp.Of(r)
	out.Body = &body
	return out, nil
}

// revisions is GET /records/{collection}/{id}/revisions.
func (h handlers) revisions(ctx context.Context, in *revisionsInput) (*listOutput, error) {
	before, err := in.before()
	if err != nil {
		return nil, err
	}
	all, next, err := h.records.Revisions(ctx, in.Collection, in.ID, in.Size(), before)
	if err != nil {
		return nil, err
	}
	return &listOutput{recordhttp.ListOf(record.Page{Records: all, Next: in.token(next)}, false)}, nil
}

// token is the page token that goes on before a version, sealed to the record as the
// store seals its cursors; 0 is the end.
func (in *revisionsInput) token(before int64) string {
	if before == 0 {
		return ""
	}
	version := strconv.FormatInt(before, 10)
	sum := sha256.Sum256([]byte(in.Collection + "/" + in.ID + "@" + version))
	return base64.RawURLEncoding.EncodeToString(sum[:8]) + version
}

// before reads the page token.
func (in *revisionsInput) before() (int64, error) {
	if in.PageToken == "" {
		return 0, nil
	}
	version, err := strconv.ParseInt(in.PageToken[min(11, len(in.PageToken)):], 10, 64)
	if err != nil || version < 1 || in.token(version) != in.PageToken {
		return 0, edge.NewProblem(http.StatusBadRequest, "PAGE_TOKEN_INVALID", "pageToken is not one that this query gave. Start again without it.")
	}
	return version, nil
}

// fieldsOf are the names in a list separated by commas.
func fieldsOf(list string) []string {
	var names []string
	for _, name := range strings.Split(list, ",") {
		if name = strings.TrimSpace(name); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// projected leaves of a record the fields of transformed that are named.
func projected(r recordhttp.Record, fields []string) (recordhttp.Record, error) {
	if len(fields) == 0 {
		return r, nil
	}
	transformed, err := record.Project(r.Transformed, fields)
	r.Original, r.Transformed = nil, transformed
	return r, err
}
