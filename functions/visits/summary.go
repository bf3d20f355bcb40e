package visits

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/visit"
)

type summaryInput struct {
	Page string `query:"page" doc:"The page's path, for a summary of this page alone." example:"/about"`
	From string `query:"from" format:"date" doc:"The first day, in UTC; 29 days before to unless told." example:"2026-11-21"`
	To   string `query:"to" format:"date" doc:"The last day, in UTC; today unless told. At most 365 days in all." example:"2026-11-21"`
}

type summaryOutput struct{ Body summary }

type summary struct {
	From           string       `json:"from" format:"date" doc:"The first day, in UTC."`
	To             string       `json:"to" format:"date" doc:"The last day, in UTC."`
	Visits         int64        `json:"visits" doc:"The visits in these days."`
	Uniques        int64        `json:"uniques" doc:"The unique visitors of each page and day, added up: who visits two pages, or comes on two days, counts twice."`
	Before         periodTally  `json:"before" doc:"As many days before."`
	Days           []dayTally   `json:"days" doc:"Every day from the first to the last, those without a visit too."`
	Pages          []pagePeriod `json:"pages" doc:"The pages that had visits, the busiest first, at most 100."`
	PagesRead      int          `json:"pagesRead" doc:"How many pages were read: the busiest of all time, at most 1,000."`
	Complete       bool         `json:"complete" doc:"Whether those were all. Otherwise the visits to the others are missing in all sums."`
	Referrers      []nameTally  `json:"referrers" doc:"The hosts that brought the most visits, at most 100. They are what browsers say, and can be made up. Of each page the hundred of its last day with visits are known, and ten of each day before, for a year."`
	OtherReferrers int64        `json:"otherReferrers" doc:"Visits that other hosts brought. The rest came from nowhere that is known."`
	Sources        []nameTally  `json:"sources" doc:"The campaigns (utm_source) that brought the most visits, as with referrers."`
	OtherSources   int64        `json:"otherSources" doc:"Visits that other campaigns brought."`
}

type periodTally struct {
	From    string `json:"from" format:"date" doc:"The first day, in UTC."`
	To      string `json:"to" format:"date" doc:"The last day, in UTC."`
	Visits  int64  `json:"visits" doc:"The visits in those days."`
	Uniques int64  `json:"uniques" doc:"The unique visitors of each page and day, added up."`
}

type pagePeriod struct {
	Page    string `json:"page" doc:"The page's canonical name."`
	Visits  int64  `json:"visits" doc:"The visits in these days."`
	Uniques int64  `json:"uniques" doc:"The unique visitors of each day, added up."`
	Before  int64  `json:"before" doc:"The visits in as many days before."`
}

type nameTally struct {
	Name   string `json:"name" doc:"The host, or the campaign."`
	Visits int64  `json:"visits" doc:"The visits that it brought."`
}

func (h handlers) registerSummary() {
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "visitsSummary", Method: http.MethodGet, Path: "/visits/summary",
			Summary:     "Sum up all pages over some days",
			Description: "Visits by day and by page, what brought them, and the period before. The last 30 days unless told. It reads each page: up to 1,000 entities, times `SHARDS`.",
			Errors:      []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Example: summary{
			From: "2026-11-21", To: "2026-11-21", Visits: 42, Uniques: 30,
			Before: periodTally{From: "2026-11-20", To: "2026-11-20", Visits: 39, Uniques: 28},
			Days:   []dayTally{{"2026-11-21", 42, 30}}, Pages: []pagePeriod{{"/about", 42, 30, 39}}, PagesRead: 1, Complete: true,
			Referrers: []nameTally{{"news.ycombinator.com", 12}}, Sources: []nameTally{{"newsletter", 3}},
		},
	}, h.summary)
}

// summary is GET /visits/summary.
func (h handlers) summary(ctx context.Context, in *summaryInput) (*summaryOutput, error) {
	from, to, err := h.days(in.From, in.To)
	if err != nil {
		return nil, err
	}
	var pages []visit.Page
	if in.Page != "" {
		p, err := visit.ParsePage(in.Page)
		if err != nil {
			return nil, err
		}
		pages = []visit.Page{p}
	}
	s, err := h.visits.Summary(ctx, from, to, pages...)
	if err != nil {
		return nil, err
	}
	before := from - (to - from + 1)
	body := summary{
		From: from.String(), To: to.String(), Visits: s.Visits, Uniques: s.Uniques,
		Before: periodTally{From: before.String(), To: (from - 1).String(), Visits: s.Before.Visits, Uniques: s.Before.Uniques},
		Days:   dayTallies(s.Days), Pages: make([]pagePeriod, len(s.Pages)), PagesRead: s.PagesRead, Complete: s.Complete,
		Referrers: nameTallies(s.Referrers), OtherReferrers: s.OtherReferrers,
		Sources: nameTallies(s.Sources), OtherSources: s.OtherSources,
	}
	for i, p := range s.Pages {
		body.Pages[i] = pagePeriod{string(p.Page), p.Visits, p.Uniques, p.Before}
	}
	return &summaryOutput{body}, nil
}

func nameTallies(names []visit.NameTally) []nameTally {
	all := make([]nameTally, len(names))
	for i, n := range names {
		all[i] = nameTally(n)
	}
	return all
}
