package visits

import (
	"context"
	"net/http"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/visit"
)

type countInput struct {
	CameFrom
	Page           string `query:"page" default:"/" doc:"The page's path, such as /about. A query, a fragment, index.html and a trailing slash do not count; nor does the way in which it is percent-encoded." example:"/about"`
	IdempotencyKey string `header:"Idempotency-Key" maxLength:"255" pattern:"^[!-~]+$" doc:"Any text of your own, new for each visit: with it the same visit may be sent again for 7 days and counts once."`
}

// CameFrom is what brought the visitor.
type CameFrom struct {
	Referrer string `query:"referrer" doc:"The page before: its address, or its host, which alone is kept. The site's own does not count, nor does what is no public host." example:"news.ycombinator.com"`
	Source   string `query:"utm_source" doc:"The campaign that brought the visitor, as the page's own address names it. What is longer than 64 bytes or has an @ is not kept." example:"newsletter"`
}

type countOutput struct {
	Replayed string `header:"Idempotent-Replayed" doc:"true when the visit was counted when it was first sent."`
	Body     count
}

type count struct {
	Page    string       `json:"page" doc:"The page's canonical name."`
	Visits  int64        `json:"visits" doc:"The visits so far. When counted and exact: this visit's own number, which no other has until the page is set or deleted."`
	Uniques int64        `json:"uniques" doc:"The unique visitors of each day, added up; an estimate with a standard error of 0.8 %."`
	Counted bool         `json:"counted" doc:"Whether this visit was counted."`
	Reason  visit.Reason `json:"reason,omitempty" enum:"bot,prefetch,spam" doc:"Why it was not. spam: its referrer is known to send visits only to be seen among the referrers."`
	Exact   bool         `json:"exact" doc:"Whether visits is this visit's own number. False where a page is spread over several entities (SHARDS): totals are exact all the same."`
}

// String is the reply to Accept: text/plain.
func (c count) String() string { return strconv.FormatInt(c.Visits, 10) }

func (h handlers) registerCount() {
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "countVisit", Method: http.MethodPost, Path: "/visits",
			Summary:     "Count a visit",
			Description: "Counts one visit to a page and answers with its number, which is stored before the reply is sent. Bots and prefetches are not counted; the reply says so. With `Accept: text/plain` the reply is the bare number.",
			Errors:      []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Public:  true,
		Example: count{Page: "/about", Visits: 42, Uniques: 30, Counted: true, Exact: true},
	}, h.count)
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "countVisitByPixel", Method: http.MethodGet, Path: "/visits/pixel.gif",
			Summary:     "Count a visit by an image",
			Description: "Counts one visit and answers with a transparent image of one pixel, for browsers without JavaScript: `<noscript><img src=\"…/visits/pixel.gif?page=/about\" alt=\"\"></noscript>`.",
			Responses:   fileResponses("image/gif", "A transparent GIF of 1 × 1 pixel."),
			Errors:      []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Public:  true,
		Example: "GIF89a…",
	}, h.pixel)
}

// count is POST /visits.
func (h handlers) count(ctx context.Context, in *countInput) (*countOutput, error) {
	c, err := h.countOne(ctx, in.Page, in.CameFrom, in.IdempotencyKey)
	if err != nil {
		return nil, err
	}
	out := &countOutput{Body: count{
		Page: string(c.Page), Visits: c.Visits, Uniques: c.Uniques,
		Counted: c.Reason == "", Reason: c.Reason, Exact: c.Exact,
	}}
	if c.Replayed {
		out.Replayed = "true"
	}
	return out, nil
}

func (h handlers) countOne(ctx context.Context, page string, from CameFrom, idempotencyKey string) (visit.Count, error) {
	p, err := visit.ParsePage(page)
	if err != nil {
		return visit.Count{}, err
	}
	client := edge.ClientOf(ctx)
	return h.visits.Count(ctx, visit.Request{
		Page: p,
		Visitor: visit.Visitor{
			Addr: client.Addr, UserAgent: client.UserAgent, Private: client.Private, Prefetch: client.Prefetch,
		},
		Referral:       visit.ParseReferral(from.Referrer, from.Source, client.Origin),
		IdempotencyKey: idempotencyKey,
	})
}

// pixelGIF is one transparent pixel.
const pixelGIF = "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff" + // 1 × 1, two colours
	"!\xf9\x04\x01\x00\x00\x00\x00" + // the first is transparent
	",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x01D\x00;"

type pixelInput struct {
	CameFrom
	Page string `query:"page" default:"/" doc:"The page's path, such as /about." example:"/about"`
}

// pixel is GET /visits/pixel.gif.
func (h handlers) pixel(ctx context.Context, in *pixelInput) (*fileOutput, error) {
	if _, err := h.countOne(ctx, in.Page, in.CameFrom, ""); err != nil {
		return nil, err
	}
	return &fileOutput{ContentType: "image/gif", Body: []byte(pixelGIF)}, nil
}

// fileOutput is a reply that is not JSON.
type fileOutput struct {
	ContentType  string `header:"Content-Type" hidden:"true"`
	CacheControl string `header:"Cache-Control" doc:"For how long a browser may keep it."`
	Body         []byte
}

// fileResponses declares such a reply.
func fileResponses(contentType, description string) map[string]*huma.Response {
	return map[string]*huma.Response{"200": {
		Description: description,
		Content:     map[string]*huma.MediaType{contentType: {Schema: &huma.Schema{Type: "string", Format: "binary"}}},
	}}
}
