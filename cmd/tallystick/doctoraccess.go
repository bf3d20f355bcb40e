package main

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// keys says whether a key opens what needs one, and nothing else does.
func (d *doctor) keys(ctx context.Context) {
	const what = "key"
	q := topPages
	a := d.ask(ctx, q)
	if a.broken() {
		d.warn(what, "it is not known what a key opens: "+a.said(), "Mend the function visits first.")
		return
	}
	d.shut(a, "without one, a route with a key", "without a key", "Whoever comes can change all data. Does a proxy add a key? Take it out, and make a new one.")
	q.key = nobody
	d.shut(d.ask(ctx, q), "a wrong one", "with a wrong key", "Any key opens it: deploy the gateway anew, from gateway-config.yaml.")
	if d.client.key == "" {
		d.warn(what, "none is given, so lists and databases behind a key are not checked", "Give it with --key, or API_KEY; serve keeps one in the folder that it runs in.")
		return
	}
	switch a := d.ask(ctx, d.with(q)); {
	case a.good():
		d.well(what, "the one given opens it")
	case !refusesKey(a):
		d.unknown("whether the one given opens it", a)
	case a.header.Get("WWW-Authenticate") != "":
		d.fail(what, "the one given is not enough: "+a.said(), "BASIC_AUTH is set: give --user USER:PASSWORD too.")
	default:
		d.fail(what, "the one given is refused: "+a.said(), "Look it up: on Google gcloud services api-keys list, for serve in API_KEYS or beside its database.")
	}
}

// topPages is a question that needs a key.
var topPages = about("/visits/top", "pageSize", "1").wants("pages")

// shut wants a question to have been refused for its key. Only who has got what he asked for
// has found it open: whatever else a proxy answers tells nothing of keys.
func (d *doctor) shut(a answer, refused, how, mend string) {
	const what = "key"
	switch {
	case refusesKey(a):
		d.well(what, "%s is refused (%d)", refused, a.status)
	case a.good():
		d.fail(what, fmt.Sprintf("GET %s %s: %s", topPages.path, how, a.said()), mend)
	default:
		d.unknown("whether "+refused+" is refused", a)
	}
}

// unknown warns that an answer does not tell something about keys.
func (d *doctor) unknown(whether string, a answer) {
	found := fmt.Sprintf("it is not known %s: GET %s: %s", whether, topPages.path, a.said())
	switch {
	case a.foreign:
		d.warn("key", found, anotherProgram)
	case a.undefined():
		d.warn("key", found, "This route is not forwarded. Without it lists and the dashboard do not work from here; docs/self-hosting.md has all routes.")
	case a.status == http.StatusTooManyRequests:
		d.warn("key", found, tryLater)
	default:
		d.warn("key", found, "Look at what stands between here and the function, and at its log.")
	}
}

// refusesKey says whether a gateway or a function wants another key, or a user. A wrong key is
// 400 at API Gateway.
func refusesKey(a answer) bool {
	return slices.Contains([]int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden}, a.status)
}

// origins says whether pages of the site that is named may call, function by function: each
// has settings of its own.
func (d *doctor) origins(ctx context.Context) {
	origin := d.options.origin
	if origin == "" {
		return
	}
	for _, c := range []struct {
		what, method string
		route        question
	}{
		{"pages, visits", http.MethodPost, about("/visits", "page", "/")},
		{"pages, stock", http.MethodGet, about("/stock", "skus", nobody)},
	} {
		d.mayCall(ctx, c.what, c.method, c.route)
	}
	const what = "pages, key"
	a := d.preflight(ctx, http.MethodGet, "/visits/top", "x-api-key")
	switch {
	case a.broken():
		d.fail(what, a.said(), "Mend the function visits first.")
	case d.allows(a, http.MethodGet):
		d.well(what, "pages of %s may use a key, such as the dashboard's", origin)
	default:
		d.well(what, "pages of %s may use no key; for a dashboard there, name it in ALLOWED_ORIGINS", origin)
	}
}

// mayCall asks as a browser does: first whether it may, then the request itself. That only
// reads, for the question before it has told whether method is allowed.
func (d *doctor) mayCall(ctx context.Context, what, method string, route question) {
	origin := d.options.origin
	mend := fmt.Sprintf("Name %s in ALLOWED_ORIGINS of every function (deploy.sh --allowed-origins, or the environment of serve).", origin)
	before := d.preflight(ctx, method, route.path, "idempotency-key")
	route.headers = []string{"Origin", origin}
	a := d.ask(ctx, route)
	switch {
	case before.broken() || a.broken():
		d.fail(what, fmt.Sprintf("%s %s and OPTIONS: %s, %s", route.method, route.path, a.said(), before.said()), "Mend the function first.")
	case a.refusal != nil && a.refusal.code == "ORIGIN_NOT_ALLOWED":
		d.fail(what, "pages of "+origin+" are refused", mend)
	case !d.allows(before, method):
		d.fail(what, fmt.Sprintf("a browser that asks whether a page of %s may %s %s is not told so", origin, method, route.path),
			mend+" If it is there, a proxy answers OPTIONS, or takes headers away: let it pass all.")
	case a.refusal != nil || !d.allows(a, ""):
		d.fail(what, fmt.Sprintf("%s %s for a page of %s: %s, and Access-Control-Allow-Origin is %q", route.method, route.path, origin, a.said(), a.header.Get("Access-Control-Allow-Origin")), mend)
	default:
		d.well(what, "pages of %s may %s %s", origin, method, route.path)
	}
}

func (d *doctor) preflight(ctx context.Context, method, path, header string) answer {
	q := preflight(path)
	q.headers = []string{"Origin", d.options.origin, "Access-Control-Request-Method", method, "Access-Control-Request-Headers", header}
	return d.ask(ctx, q)
}

// allows says whether a browser would let the page go on; method is empty for a reply that
// is no preflight's.
func (d *doctor) allows(a answer, method string) bool {
	allowed := a.header.Get("Access-Control-Allow-Origin")
	return a.status/100 == 2 && (allowed == "*" || allowed == d.options.origin) &&
		strings.Contains(a.header.Get("Access-Control-Allow-Methods"), method)
}
