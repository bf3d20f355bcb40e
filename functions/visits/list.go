package visits

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/visit"
)

type topInput struct{ edge.List }

type topOutput struct{ Body top }

type top struct {
	Pages         []tally `json:"pages" doc:"The busiest first. From one list to the next, the order goes by the first three digits of visits."`
	NextPageToken string  `json:"nextPageToken" doc:"For the next list; empty at the end."`
}

type historyInput struct {
	Page string `query:"page" default:"/" doc:"The page's path, such as /about." example:"/about"`
	From string `query:"from" format:"date" doc:"The first day, in UTC; 29 days before to unless told." example:"2026-11-20"`
	To   string `query:"to" format:"date" doc:"The last day, in UTC; today unless told. At most 731 days in all." example:"2026-11-21"`
}

type historyOutput struct{ Body history }

type history struct {
	Page string     `json:"page" doc:"The page's canonical name."`
	From string     `json:"from" format:"date" doc:"The first day, in UTC."`
	To   string     `json:"to" format:"date" doc:"The last day, in UTC."`
	Days []dayTally `json:"days" doc:"Every day from the first to the last, those without a visit too."`
}

type dayTally struct {
	Day     string `json:"day" format:"date" doc:"The day, in UTC."`
	Visits  int64  `json:"visits" doc:"The visits on that day."`
	Uniques int64  `json:"uniques" doc:"The unique visitors of that day; an estimate with a standard error of 0.8 %."`
}

func (h handlers) registerList() {
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "topPages", Method: http.MethodGet, Path: "/visits/top",
			Summary: "List the busiest pages",
			Errors:  []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Example: top{Pages: []tally{{"/", 1024, 700}, {"/about", 42, 30}}},
	}, h.top)
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "visitsHistory", Method: http.MethodGet, Path: "/visits/history",
			Summary:     "Read a page's visits by day",
			Description: "A history reaches back two years. The last 30 days unless told.",
			Errors:      []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Example: history{Page: "/about", From: "2026-11-20", To: "2026-11-21", Days: []dayTally{{"2026-11-20", 39, 28}, {"2026-11-21", 3, 2}}},
	}, h.history)
}

// top is GET /visits/top.
func (h handlers) top(ctx context.Context, in *topInput) (*topOutput, error) {
	views, next, err := h.visits.Top(ctx, in.Size(), in.PageToken)
	if err != nil {
		return nil, err
	}
	pages := make([]tally, len(views))
	for i, v := range views {
		pages[i] = tally{string(v.Page), v.Visits, v.Uniques}
	}
	return &topOutput{top{Pages: pages, NextPageToken: next}}, nil
}

// history is GET /visits/history.
func (h handlers) history(ctx context.Context, in *historyInput) (*historyOutput, error) {
	p, err := visit.ParsePage(in.Page)
	if err != nil {
		return nil, err
	}
	from, to, err := h.days(in.From, in.To)
	if err != nil {
		return nil, err
	}
	days, err := h.visits.History(ctx, p, from, to)
	if err != nil {
		return nil, err
	}
	return &historyOutput{history{Page: string(p), From: from.String(), To: to.String(), Days: dayTallies(days)}}, nil
}

// days reads which days are asked for: the last 30 unless told.
func (h handlers) days(first, last string) (from, to visit.Day, err error) {
	to = visit.DayOf(h.api.Now())
	if last != "" {
		if to, err = visit.ParseDay(last); err != nil {
			return 0, 0, err
		}
	}
	from = to - 29
	if first != "" {
		from, err = visit.ParseDay(first)
	}
	return from, to, err
}

func dayTallies(days []visit.DayTally) []dayTally {
	all := make([]dayTally, len(days))
	for i, d := range days {
		all[i] = dayTally{d.Day.String(), d.Visits, d.Uniques}
	}
	return all
}
