package visits

import (
	"context"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/visit"
	"github.com/tallystick/tallystick/internal/visit/badge"
	"github.com/tallystick/tallystick/web/scripts"
)

type readInput struct {
	Page []string `query:"page,explode" maxItems:"100" doc:"The page's path, such as /about. Repeat it to read several pages at once." example:"/about"`
}

type readOutput struct{ Body readBody }

// readBody is a page, or pages where several were asked for.
type readBody struct {
	*tally
	Pages []tally `json:"pages,omitempty"`
}

type tally struct {
	Page    string `json:"page" doc:"The page's canonical name."`
	Visits  int64  `json:"visits" doc:"The visits so far, 0 where there was none."`
	Uniques int64  `json:"uniques" doc:"The unique visitors of each day, added up."`
}

// Schema declares the two forms of the reply.
func (readBody) Schema(r huma.Registry) *huma.Schema {
	one := r.Schema(reflect.TypeFor[tally](), true, "")
	return &huma.Schema{OneOf: []*huma.Schema{one, {
		Type:       huma.TypeObject,
		Properties: map[string]*huma.Schema{"pages": {Type: huma.TypeArray, Items: one, Description: "Where several pages were asked for: each of them, in that order."}},
		Required:   []string{"pages"},
	}}}
}

// String is the reply to Accept: text/plain, a number a line.
func (b readBody) String() string {
	if b.tally != nil {
		return strconv.FormatInt(b.Visits, 10)
	}
	lines := make([]string, len(b.Pages))
	for i, p := range b.Pages {
		lines[i] = strconv.FormatInt(p.Visits, 10)
	}
	return strings.Join(lines, "\n")
}

func (h handlers) registerRead() {
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "readVisits", Method: http.MethodGet, Path: "/visits",
			Summary:     "Read without counting",
			Description: "Answers with the page's numbers, or with those of several pages as `{\"pages\":[…]}`. With `Accept: text/plain` the reply is the bare numbers, one a line.",
			Errors:      []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Public:  true,
		Example: tally{Page: "/about", Visits: 42, Uniques: 30},
	}, h.read)
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "visitsBadge", Method: http.MethodGet, Path: "/visits/badge.svg",
			Summary:   "Show the number as a badge",
			Responses: fileResponses("image/svg+xml", "The badge. Reading it does not count."),
			Errors:    []int{http.StatusUnprocessableEntity, http.StatusServiceUnavailable},
		},
		Public:  true,
		Example: `<svg xmlns="http://www.w3.org/2000/svg"…><title>visitors: 42</title>…</svg>`,
	}, h.badge)
	edge.Register(h.api, edge.Operation{
		Operation: huma.Operation{
			OperationID: "visitsScript", Method: http.MethodGet, Path: "/visits/count.js",
			Summary:   "The script that a page pastes in",
			Responses: fileResponses("text/javascript", "`<script src=\"…/visits/count.js\" defer></script>` counts the page once and fills every `<visit-count>` element."),
		},
		Public:  true,
		Example: `…customElements.define("visit-count",…`,
	}, h.script)
}

// read is GET /visits.
func (h handlers) read(ctx context.Context, in *readInput) (*readOutput, error) {
	names := in.Page
	if len(names) == 0 {
		names = []string{"/"}
	}
	pages := make([]visit.Page, len(names))
	for i, name := range names {
		p, err := visit.ParsePage(name)
		if err != nil {
			return nil, err
		}
		pages[i] = p
	}
	views, err := h.visits.Read(ctx, pages...)
	if err != nil {
		return nil, err
	}
	tallies := make([]tally, len(views))
	for i, v := range views {
		tallies[i] = tally{string(v.Page), v.Visits, v.Uniques}
	}
	if len(tallies) == 1 {
		return &readOutput{readBody{tally: &tallies[0]}}, nil
	}
	return &readOutput{readBody{Pages: tallies}}, nil
}

type badgeInput struct {
	Page   string `query:"page" default:"/" doc:"The page's path, such as /about." example:"/about"`
	Label  string `query:"label" maxLength:"64" doc:"The left half's text; \"visits\" unless told, or \"visitors\" of uniques." example:"visitors"`
	Color  string `query:"color" maxLength:"32" doc:"The right half's colour: a name such as brightgreen, green, yellow, orange, red, blue or gray, or three or six hexadecimal digits." example:"blue"`
	Format string `query:"format" enum:"grouped,short" default:"grouped" doc:"grouped: 1,234. short: 1.2k."`
	Of     string `query:"of" enum:"visits,uniques" default:"visits" doc:"Which number to show."`
}

// badge is GET /visits/badge.svg.
func (h handlers) badge(ctx context.Context, in *badgeInput) (*fileOutput, error) {
	p, err := visit.ParsePage(in.Page)
	if err != nil {
		return nil, err
	}
	color, err := badge.ParseColor(in.Color)
	if err != nil {
		return nil, err
	}
	views, err := h.visits.Read(ctx, p)
	if err != nil {
		return nil, err
	}
	n := views[0].Visits
	if in.Of == "uniques" {
		n = views[0].Uniques
	}
	label := in.Label
	if label == "" {
		label = map[string]string{"visits": "visits", "uniques": "visitors"}[in.Of]
	}
	svg := badge.SVG(badge.Options{Label: label, Value: n, Style: badge.Style(in.Format), Color: color})
	return &fileOutput{ContentType: "image/svg+xml", Body: svg}, nil
}

// scriptMaxAge is for how many seconds a browser keeps count.js: a new version is
// everywhere within the hour.
const scriptMaxAge = "public, max-age=3600"

// script is GET /visits/count.js.
func (h handlers) script(context.Context, *struct{}) (*fileOutput, error) {
	return &fileOutput{ContentType: "text/javascript; charset=utf-8", CacheControl: scriptMaxAge, Body: scripts.CountJS}, nil
}
