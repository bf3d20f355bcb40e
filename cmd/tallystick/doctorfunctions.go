package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

	"github.com/tallystick/tallystick"
)

// nobody is an item, a collection, a partner and a delivery that there is not.
const nobody = "tallystick-doctor"

// sign of life of a function: a question that it answers itself.
type signOfLife struct {
	public  question
	keyed   question // where a key is given; empty: public
	refusal string   // the code of the reply to keyed; empty: it is a good one
	reads   bool     // whether public goes down to the database
}

// signsOfLife are the functions', by name. Those that only write are asked what a browser
// asks before it calls them: they answer that when they have started, which takes their
// settings and their database's address, but not the database.
var signsOfLife = map[string]signOfLife{
	"visits": {public: about("/visits", "page", "/").wants("visits"), reads: true},
	"store":  {public: preflight("/store")},
	"fetch":  {public: preflight("/collections"), keyed: about("/collections").wants("collections")},
	"remove": {public: preflight("/delete")},
	"stock":  {public: about("/stock", "skus", nobody).wants("items"), reads: true},
	"update": {public: preflight("/deliveries/" + nobody), keyed: about("/deliveries/" + nobody).wants("events"), refusal: "DELIVERY_NOT_FOUND"},
	"docs":   {public: swaggerUI()},
}

func preflight(path string) question {
	return question{method: http.MethodOptions, path: path, known: func(a answer) bool { return a.status == http.StatusNoContent }}
}

// swaggerUI asks for a page, so it is known by what it loads.
func swaggerUI() question {
	q := about("/docs")
	q.known = func(a answer) bool { return bytes.Contains(a.body, []byte("/openapi.json")) }
	return q
}

// functions asks each function for a sign of life.
func (d *doctor) functions(ctx context.Context) {
	for _, f := range tallystick.Functions {
		sign := signsOfLife[f.Name]
		q, a, keyed := d.askForLife(ctx, sign)
		route := q.method + " " + q.path
		switch {
		case a.broken():
			d.fail(f.Name, fmt.Sprintf("%s: %s", route, a.said()), "The function "+f.Name+" is down, or cannot reach its database; its log says why. Other functions go on.")
		case a.undefined():
			d.fail(f.Name, fmt.Sprintf("%s: %s", route, a.said()), "The gateway, or a proxy before it, does not forward this route: deploy the gateway anew, or forward it (docs/self-hosting.md).")
		case a.foreign:
			d.fail(f.Name, fmt.Sprintf("%s: %s", route, a.said()), anotherProgram)
		case a.good(), keyed && sign.refusal != "" && a.refusal.code == sign.refusal:
			d.well(f.Name, "%s", aliveAs(sign, keyed, route))
		case a.status == http.StatusTooManyRequests:
			d.warn(f.Name, fmt.Sprintf("%s: %s", route, a.said()), tryLater)
		default:
			d.fail(f.Name, fmt.Sprintf("%s: %s", route, a.said()), "Look at what stands between here and the function, and at its log.")
		}
	}
}

const tryLater = "It is there, but refuses this address for now: try again in a minute."

// anotherProgram says what is done about a reply that is not Tallystick's.
const anotherProgram = "Another program answers this route, such as a web server with a page for all that it does not know: forward the route (docs/self-hosting.md)."

// askForLife asks the question with a key where one is given, and the public one where that is
// refused: a gateway refuses keys by itself, so the function may not have been asked.
func (d *doctor) askForLife(ctx context.Context, sign signOfLife) (q question, a answer, keyed bool) {
	if sign.keyed.path != "" && d.client.key != "" {
		q = d.with(sign.keyed)
		if a = d.ask(ctx, q); !refusesKey(a) {
			return q, a, true
		}
	}
	return sign.public, d.ask(ctx, sign.public), false
}

func aliveAs(sign signOfLife, keyed bool, route string) string {
	if keyed || sign.reads {
		return route + " is answered, from its database"
	}
	return route + " is answered; its database was not asked"
}

// lists are those that are read by an index.
var lists = []question{
	topPages,
	about("/items", "pageSize", "1").wants("items"),
	about("/reservations", "pageSize", "1").wants("reservations"),
	about("/stock/alerts", "pageSize", "1").wants("alerts"),
	about("/partners/"+nobody+"/updates", "pageSize", "1").wants("updates"),
	about("/fetchAll", "collection", nobody, "limit", "1").wants("records"),
}

// lists asks for the first row of each list, which without an index is refused.
func (d *doctor) lists(ctx context.Context) {
	if d.client.key == "" {
		return // which keys warns of
	}
	for _, q := range lists {
		switch a := d.ask(ctx, d.with(q)); {
		case a.good():
			d.well("list", "GET %s", q.path)
		case refusesKey(a): // which keys tells
		case a.foreign:
			d.fail("list", fmt.Sprintf("GET %s: %s", q.path, a.said()), anotherProgram)
		case a.status == http.StatusTooManyRequests:
			d.warn("list", fmt.Sprintf("GET %s: %s", q.path, a.said()), tryLater)
		case a.refusal != nil && a.refusal.code == "INDEX_REQUIRED":
			d.fail("list", fmt.Sprintf("GET %s: %s", q.path, a.said()), "Make the indexes: run ./deploy.sh again, or gcloud datastore indexes create deploy/index.yaml, and wait until they are ready.")
		case a.undefined():
			d.warn("list", fmt.Sprintf("GET %s: there is no such route", q.path), "It is of an older Tallystick: deploy it anew.")
		default:
			d.fail("list", fmt.Sprintf("GET %s: %s", q.path, a.said()), "Look at the function's log. On Datastore and Firestore an index may be missing or still being made: gcloud datastore indexes list.")
		}
	}
}

// bodyBytes is more than nginx lets through unless it is told to.
const bodyBytes = 2 << 20

// proxies says what can be seen of what stands before the gateway.
func (d *doctor) proxies(ctx context.Context) {
	const what = "proxy"
	a := d.ask(ctx, about("/visits", "page", "/"))
	if a.header.Get("Age") != "" {
		d.fail(what, "replies come out of a cache: they have an Age", "Let nothing between pages and Tallystick cache: its replies say Cache-Control: no-store.")
	}
	if a := d.ask(ctx, about("/demo/history").wants("days")); a.good() && !isThisMachine(d.client.base.Hostname()) {
		d.warn(what, "the demo site of serve is open to the world", "Forward only the API's routes (docs/self-hosting.md).")
	}
	if d.client.key == "" {
		return
	}
	// Empty lines: an import that would do nothing if it did anything.
	empty := question{
		method: http.MethodPost, path: "/visits/import", query: query("validateOnly", "true"), body: bytes.Repeat([]byte("\n"), bodyBytes),
		headers: []string{"Content-Type", "application/octet-stream"},
	}
	a = d.ask(ctx, d.with(empty.wants("imported")))
	switch {
	case a.status == http.StatusRequestEntityTooLarge:
		d.fail(what, "a body of 2 MiB is refused", "Let the proxy take 32 MiB: client_max_body_size 32m in nginx. Else imports of any size fail.")
	case a.good():
		d.well(what, "a body of 2 MiB comes through")
	}
}
