package main

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// A method is one of the JavaScript client's. What its options and its reply are follows
// from the operation: every parameter, header and property of the body that args does not
// name is an option.
type method struct {
	name      string // group.method; one that comes again is an overload
	operation string // METHOD path
	args      string // those before the options
	returns   string // where it is not what the operation replies
}

// clientMethods are those of web/tallystick.js, in its order.
var clientMethods = []method{
	{"visits.count", "POST /visits", "page: string", ""},
	{"visits.read", "GET /visits", "page: string", "Tally"},
	{"visits.read", "GET /visits", "page: string[]", "Tally[]"},
	{"visits.top", "GET /visits/top", "", ""},
	{"visits.history", "GET /visits/history", "page: string", ""},
	{"visits.summary", "GET /visits/summary", "", ""},
	{"visits.set", "PUT /visits", "page: string", ""},
	{"visits.remove", "DELETE /visits", "page: string", ""},

	{"stock.read", "GET /stock/{sku}", "sku: string", ""},
	{"stock.read", "GET /stock", "skus: string[]", ""},
	{"stock.items", "GET /items", "", ""},
	{"stock.adjust", "POST /stock/{sku}/adjust", "sku: string", ""},
	{"stock.count", "POST /stock/{sku}/count", "sku: string", ""},
	{"stock.batch", "POST /stock/batch", "lines: BatchLine[]", ""},
	{"stock.configure", "PUT /stock/{sku}", "sku: string", ""},
	{"stock.movements", "GET /stock/{sku}/movements", "sku: string", ""},
	{"stock.alerts", "GET /stock/alerts", "", ""},

	{"reservations.create", "POST /reservations", "lines: StockLine[]", ""},
	{"reservations.read", "GET /reservations/{id}", "id: string", ""},
	{"reservations.list", "GET /reservations", "", ""},
	{"reservations.commit", "POST /reservations/{id}/commit", "id: string", ""},
	{"reservations.release", "POST /reservations/{id}/release", "id: string", ""},
	{"reservations.extend", "POST /reservations/{id}/extend", "id: string", ""},

	{"records.store", "POST /records/{collection}", "collection: string, documents: object", ""},
	{"records.put", "PUT /records/{collection}/{id}", "collection: string, id: string, document: object", ""},
	{"records.patch", "PATCH /records/{collection}/{id}", "collection: string, id: string, change: object", ""},
	{"records.get", "GET /records/{collection}/{id}", "collection: string, id: string", ""},
	{"records.list", "GET /records/{collection}", "collection: string", ""},
	{"records.all", "GET /records/{collection}", "collection: string", "AsyncGenerator<Record, void, void>"},
	{"records.filter", "POST /filter", "collection: string, where: object | string", ""},
	{"records.keys", "GET /fetchKeys", "collection: string", ""},
	{"records.many", "GET /fetchMany", "collection: string, ids: string[]", ""},
	{"records.remove", "DELETE /records/{collection}/{id}", "collection: string, id: string", ""},
	{"records.remove", "DELETE /delete", "collection: string, ids: string[]", ""},
	{"records.revisions", "GET /records/{collection}/{id}/revisions", "collection: string, id: string", ""},

	{"collections.list", "GET /collections", "", ""},
	{"collections.get", "GET /collections/{collection}", "collection: string", ""},
	{"collections.put", "PUT /collections/{collection}", "collection: string, settings: Settings", ""},
	{"collections.try", "POST /collections/{collection}/try", "collection: string", ""},
	{"collections.retransform", "POST /collections/{collection}/retransform", "collection: string", ""},

	{"partners.list", "GET /partners", "", ""},
	{"partners.updates", "GET /partners/{partner}/updates", "partner: string", ""},

	{"deliveries.read", "GET /deliveries/{id}", "id: string", ""},
}

// clientTypes returns web/tallystick.d.ts.
func clientTypes(doc *huma.OpenAPI) []byte {
	t := types{schemas: doc.Components.Schemas.Map(), met: make(map[string]bool)}
	class := t.class(doc)

	var b bytes.Buffer
	b.WriteString(strings.Replace(generatedBy, "#", "//", 1) + clientHead)
	t.interfaces(&b)
	b.WriteString(class)
	return b.Bytes()
}

// clientHead is what the operations do not say.
const clientHead = `
/** A JSON object. */
export interface Document {
    [name: string]: unknown;
}

/** What stands for one state of a record or of settings, for ifMatch. */
export interface Tagged {
    etag: string;
}

/** What went wrong. Where signal ended a call, its promise rejects with the signal's reason instead. */
export class TallystickError extends Error {
    /** The HTTP status; 0 where no reply came: unreachable, or this page's origin is not allowed. */
    readonly status: number;
    /** What is wrong, for programs: of the function that answered, NETWORK where status is 0, or GATEWAY where another server answered. */
    readonly code: string;
    /** What is wrong and how to mend it, for people. */
    readonly detail: string;
    /** Each fault of the request, where there are several. */
    readonly errors: Fault[];
    /** After how many seconds to try again, where the reply says so. */
    readonly retryAfter?: number;
}

export interface Options {
    /** Opens the keyed operations. It is sent in a header, never in a URL. */
    key?: string;
    /** With password, where the operator set BASIC_AUTH. */
    user?: string;
    password?: string;
    /** How often a call is tried in all: 5 unless told. */
    attempts?: number;
    /** In place of the global fetch. */
    fetch?: typeof fetch;
    /** In place of JSON.parse, for replies: one that keeps numbers as they were written. */
    parse?: (text: string) => any;
}
`

// class writes the class, and meets the schemas that it needs.
func (t *types) class(doc *huma.OpenAPI) string {
	all := make(map[string]*huma.Operation)
	for path, item := range doc.Paths {
		for _, o := range operations(item) {
			all[o.method+" "+path] = o.op
		}
	}
	t.meet("Fault")
	var b strings.Builder
	b.WriteString("\nexport class Tallystick {\n    /** url is where the gateway is; '' is a page's own origin. */\n    constructor(url: string, options?: Options);\n")
	group := ""
	for _, m := range clientMethods {
		op := all[m.operation]
		if op == nil {
			panic(fmt.Sprintf("the client's %s calls %s, which no function has", m.name, m.operation))
		}
		g, name, _ := strings.Cut(m.name, ".")
		if g != group {
			if group != "" {
				b.WriteString("    };\n")
			}
			group = g
			fmt.Fprintf(&b, "\n    readonly %s: {\n", g)
		}
		t.method(&b, name, m, op)
	}
	b.WriteString("    };\n}\n")
	return b.String()
}

func (t *types) method(b *strings.Builder, name string, m method, op *huma.Operation) {
	about := op.Summary + " (" + m.operation + ")."
	if op.Description != "" {
		about += " " + op.Description
	}
	comment(b, "        ", about)
	fmt.Fprintf(b, "        %s(", name)
	if m.args != "" {
		b.WriteString(m.args + ", ")
	}
	options, required := t.options(op, m.args)
	if required {
		b.WriteString("options: {\n")
	} else {
		b.WriteString("options?: {\n")
	}
	b.WriteString(options)
	comment(b, "            ", "Ends the call.")
	b.WriteString("            signal?: AbortSignal;\n        }): ")
	if m.returns == "" {
		m.returns = t.reply(op)
	} else {
		t.meetAll(m.returns)
	}
	t.meetAll(m.args)
	if !strings.HasPrefix(m.returns, "Async") {
		m.returns = "Promise<" + m.returns + ">"
	}
	b.WriteString(m.returns + ";\n")
}

// optionNames are parameters that the client calls otherwise, and all headers that it has.
var optionNames = map[string]string{
	"utm_source": "source", "Idempotency-Key": "idempotencyKey", "If-Match": "ifMatch", "If-None-Match": "ifNoneMatch",
}

// options writes what args does not name, and says whether any of it has to be there.
func (t *types) options(op *huma.Operation, args string) (members string, required bool) {
	named := argNames(args)
	var b strings.Builder
	add := func(name string, s *huma.Schema, description string, needed bool) {
		if named[name] {
			return
		}
		required = required || needed
		t.member(&b, "            ", name, s, description, needed)
	}
	for _, p := range op.Parameters {
		switch option := optionNames[p.Name]; {
		case p.In == "query":
			add(cmp.Or(option, p.Name), p.Schema, p.Description, p.Required)
		case p.In == "header" && option != "" && op.Method != http.MethodGet: // the client keeps no replies
			add(option, p.Schema, p.Description, p.Required)
		}
	}
	if op.RequestBody != nil {
		body := t.resolve(op.RequestBody.Content["application/json"].Schema)
		if !named["documents"] && !named["document"] && !named["settings"] {
			for _, name := range slices.Sorted(maps.Keys(body.Properties)) {
				add(name, body.Properties[name], body.Properties[name].Description, slices.Contains(body.Required, name))
			}
		}
	}
	return b.String(), required
}

func argNames(args string) map[string]bool {
	named := make(map[string]bool)
	for arg := range strings.SplitSeq(args, ", ") {
		name, _, _ := strings.Cut(arg, ":")
		named[name] = true
	}
	return named
}

// reply is the type of what a call is answered with.
func (t *types) reply(op *huma.Operation) string {
	for status, r := range op.Responses {
		if status[0] != '2' {
			continue
		}
		reply := t.of(r.Content["application/json"].Schema, "        ")
		if r.Headers["ETag"] != nil {
			reply += " & Tagged"
		}
		return reply
	}
	panic(op.OperationID + " has no reply")
}
