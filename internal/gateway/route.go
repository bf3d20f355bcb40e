package gateway

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// route is an operation, ready to be called.
type route struct {
	operation     string
	template      template
	key           *keyLocations // nil: no key is asked for
	charges       []charge
	constant      bool   // CONSTANT_ADDRESS: the backend's path is addressPath alone
	addressPath   string // without its trailing slash
	host          string
	authorization string // for the backend; empty: the client's own is kept
	deadline      time.Duration
	backend       http.Handler
}

// resource is a path template and its operations.
type resource struct {
	template   template
	methods    map[string]*route
	preflight  *route // what allowCors adds; nil without it
	notAllowed *refusal
}

// routes finds the operation of a request. Paths without variables are looked up, with and without a trailing
// slash; the others are tried by their first segment, the more specific first.
type routes struct {
	exact   map[string]*resource
	byFirst map[string][]*resource
	others  []*resource // the first segment is a variable
	all     []*resource
}

func newRoutes() *routes {
	return &routes{exact: map[string]*resource{}, byFirst: map[string][]*resource{}}
}

func (rs *routes) add(op operation, rt *route) {
	for _, res := range rs.all {
		if compareTemplates(res.template, op.template) == 0 {
			res.methods[op.method] = rt
			return
		}
	}
	res := &resource{
		template: op.template,
		methods:  map[string]*route{op.method: rt},
		notAllowed: newRefusal(http.StatusMethodNotAllowed, fmt.Sprintf(
			"The current request is matched to the defined url template %q but its http method is not allowed", op.template.text)),
	}
	rs.all = append(rs.all, res)
	switch text := op.template.text; {
	case text == "/":
		rs.exact[text] = res
	case op.template.isExact():
		rs.exact[text] = res
		rs.exact[text+"/"] = res
	case op.template.segments[0].variable == "":
		first := op.template.segments[0].literal
		rs.byFirst[first] = append(rs.byFirst[first], res)
	default:
		rs.others = append(rs.others, res)
	}
}

func (rs *routes) sort() {
	specificFirst := func(a, b *resource) int { return compareTemplates(a.template, b.template) }
	for _, list := range rs.byFirst {
		slices.SortFunc(list, specificFirst)
	}
	slices.SortFunc(rs.others, specificFirst)
}

// allowCORS gives each template one OPTIONS route to its own backend, without key and quota. The backend
// answers the preflight. An OPTIONS operation of the document goes before it.
func (rs *routes) allowCORS() {
	for _, res := range rs.all {
		first := slices.Min(slices.Collect(maps.Keys(res.methods)))
		preflight := *res.methods[first]
		preflight.key, preflight.charges = nil, nil
		res.preflight = &preflight
	}
}

// find returns the route. Without one it returns the 405 of the most specific template that has the path,
// or nil.
func (rs *routes) find(method, path string) (*route, *refusal) {
	var notAllowed *refusal
	var preflight *route
	miss := func(res *resource) {
		if notAllowed == nil {
			notAllowed = res.notAllowed
		}
		if preflight == nil && method == http.MethodOptions {
			preflight = res.preflight
		}
	}
	if res := rs.exact[path]; res != nil {
		if rt := res.methods[method]; rt != nil {
			return rt, nil
		}
		miss(res)
	}
	for _, list := range [...][]*resource{rs.byFirst[firstSegment(path)], rs.others} {
		for _, res := range list {
			if !res.template.match(path) {
				continue
			}
			if rt := res.methods[method]; rt != nil {
				return rt, nil
			}
			miss(res)
		}
	}
	return preflight, notAllowed
}

func firstSegment(path string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return first
}
