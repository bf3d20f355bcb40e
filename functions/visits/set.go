package visits

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/visit"
)

type setInput struct {
	Page string `query:"page" default:"/" doc:"The page's path, such as /about." example:"/about"`
	Body struct {
		Visits  int64 `json:"visits" minimum:"0" maximum:"9007199254740991" doc:"What the page's visits are from now on." example:"1000"`
		Uniques int64 `json:"uniques,omitempty" minimum:"0" maximum:"9007199254740991" doc:"The same of its unique visitors; 0 unless told." example:"700"`
	}
}

type setOutput struct{ Body tally }

type deleteInput struct {
	Page string `query:"page" required:"true" doc:"The page's path, such as /about. It has to be named: there is no default to delete." example:"/about"`
}

type deleteOutput struct {
	Body struct {
		Page    string `json:"page" doc:"The page's canonical name."`
		Deleted bool   `json:"deleted" doc:"Whether there was anything to delete."`
	}
}

func (h handlers) registerSet() {
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "setVisits", Method: http.MethodPut, Path: "/visits",
			Summary:     "Set a page's numbers",
			Description: "The next visit has the number after. The history by day stays as it is.",
			Errors:      []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Example: tally{Page: "/about", Visits: 1000, Uniques: 700},
	}, h.set)
	var deleted deleteOutput
	deleted.Body.Page, deleted.Body.Deleted = "/about", true
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "deleteVisits", Method: http.MethodDelete, Path: "/visits",
			Summary:     "Forget a page",
			Description: "Deletes the page's numbers and its history. Its next visit is number 1.",
			Errors:      []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Example: deleted.Body,
	}, h.delete)
}

// set is PUT /visits.
func (h handlers) set(ctx context.Context, in *setInput) (*setOutput, error) {
	p, err := visit.ParsePage(in.Page)
	if err != nil {
		return nil, err
	}
	t := visit.Tally{Visits: in.Body.Visits, Uniques: in.Body.Uniques}
	if err := h.visits.Set(ctx, p, t); err != nil {
		return nil, err
	}
	return &setOutput{tally{string(p), t.Visits, t.Uniques}}, nil
}

// delete is DELETE /visits.
func (h handlers) delete(ctx context.Context, in *deleteInput) (*deleteOutput, error) {
	p, err := visit.ParsePage(in.Page)
	if err != nil {
		return nil, err
	}
	var out deleteOutput
	out.Body.Page = string(p)
	out.Body.Deleted, err = h.visits.Delete(ctx, p)
	return &out, err
}
