package main

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
)

// reference returns docs/api.md: the description for those who read, function by function.
// Read on in referencetypes.go (what is sent and answered), examples.go (how it looks) and
// codes.go (what is refused).
func reference(doc *huma.OpenAPI) []byte {
	r := referrer{doc: doc, schemas: doc.Components.Schemas.Map()}
	r.placeTypes()

	r.b.WriteString("<!-- " + strings.TrimSpace(strings.TrimPrefix(generatedBy, "# ")) + " -->\n" + referenceHead)
	r.routes()
	for _, tag := range doc.Tags {
		r.function(tag.Name)
	}
	r.b.WriteString("\n## Shared types\n")
	r.types("")
	r.codes()
	return r.b.Bytes()
}

// referenceHead stands before the routes; ~ stands for a backquote.
var referenceHead = strings.ReplaceAll(`
# The API

Every operation by the function that answers it, with what it takes, what it replies and what it may refuse. The same for programs is at
~/openapi.yaml~, to try out at ~/docs~, and as a JavaScript class in [web/README.md](../web/README.md#tallystickjs).

- **Who may call.** *anyone*: no key, from the pages of the sites that ~ALLOWED_ORIGINS~ names, as often a second as ~RATE_LIMIT~ says. *key*: the API key in the header ~x-api-key~,
  or in the query as ~key~; where the operator set ~BASIC_AUTH~, a user and a password too. *signature*: the request proves itself.
- **Once.** What has an ~Idempotency-Key~ is done once for each key, for 7 days. Sent again with the same key, the same request has the same reply, with
  ~Idempotent-Replayed: true~. (With an import it only makes ids.)
- **Pages of a list.** ~nextPageToken~ of one reply is the ~pageToken~ of the next request, with all else as it was; it is empty after the last page.
- **Forms.** Times are RFC 3339 in UTC, days are days of UTC. Numbers of things lie within 2⁵³ either way, so every language reads them exactly. A JSON body needs no ~Content-Type~.
  What is not listed here is refused, in a body and, behind the key, in a query.
- **Tables.** \* stands beside what a request has to have, and what a reply always has.
- **Errors** are [Problem](#problem)s with a ~code~ that does not change: [all of them](#errors), with what to do.

The words in capitals are [settings](settings.md). In the examples ~https://HOST~ is your gateway, such as ~http://127.0.0.1:8080~, and ~$KEY~ the API key.
`, "~", "`")

// referrer writes the reference.
type referrer struct {
	doc     *huma.OpenAPI
	schemas map[string]*huma.Schema
	places  map[string]string // the function that alone has a type, or empty where several have it
	b       bytes.Buffer
}

// about says what the functions are for.
var about = map[string]string{
	"visits": "Counts visits and shows them.",
	"store":  "Writes JSON records and their collections' settings.",
	"fetch":  "Reads JSON records: it never writes.",
	"remove": "Removes JSON records.",
	"stock":  "Keeps what is on hand, what is reserved, and a ledger of every change.",
	"update": "Takes what partners sign, and shows it.",
	"docs":   "Serves the description of all this.",
}

// routes is the table of contents.
func (r *referrer) routes() {
	r.b.WriteString("\n## Routes\n\n| route | who | what |\n|---|---|---|\n")
	for _, tag := range r.doc.Tags {
		for _, o := range r.of(tag.Name) {
			fmt.Fprintf(&r.b, "| `%s %s` | %s | %s |\n", o.method, o.path+queryNames(o.op), who(o.op), linked(o.op.Summary))
		}
	}
}

func queryNames(op *huma.Operation) string {
	var names []string
	for _, p := range op.Parameters {
		if p.In == "query" {
			names = append(names, p.Name+"=")
		}
	}
	if len(names) == 0 {
		return ""
	}
	return "?" + strings.Join(names, "&")
}

func who(op *huma.Operation) string {
	switch {
	case len(op.Security) > 0:
		return "key"
	case op.Responses["401"] != nil: // an operation without a key that refuses it has another proof
		return "signature"
	}
	return "anyone"
}

type routed struct {
	path string
	operation
}

// of returns a function's operations, without preflights.
func (r *referrer) of(function string) (all []routed) {
	for _, path := range sortedPaths(r.doc) {
		for _, o := range operations(r.doc.Paths[path]) {
			if o.op.Extensions[edge.FunctionExtension] == function && o.op != r.doc.Paths[path].Options {
				all = append(all, routed{path, o})
			}
		}
	}
	return all
}

func (r *referrer) function(name string) {
	if about[name] == "" {
		panic("say in about what the function " + name + " is for")
	}
	fmt.Fprintf(&r.b, "\n## %s\n\n%s\n", name, about[name])
	for _, o := range r.of(name) {
		r.operation(o)
	}
	r.types(name)
}

func (r *referrer) operation(o routed) {
	op := o.op
	fmt.Fprintf(&r.b, "\n### %s\n\n`%s %s` · %s", op.Summary, o.method, o.path, who(op))
	if op.Deprecated {
		r.b.WriteString(" · deprecated")
	}
	r.b.WriteString("\n")
	if op.Description != "" {
		fmt.Fprintf(&r.b, "\n%s\n", op.Description)
	}
	r.parameters(op)
	r.body(op)
	r.reply(op)
	r.refusals(o)
	r.example(o)
}

func (r *referrer) parameters(op *huma.Operation) {
	if len(op.Parameters) == 0 {
		return
	}
	r.b.WriteString("\n| parameter | in | type | |\n|---|---|---|---|\n")
	for _, p := range op.Parameters {
		fmt.Fprintf(&r.b, "| `%s`%s | %s | %s | %s |\n", p.Name, needed(p.Required), p.In, r.typ(p.Schema), cell(p.Description))
	}
}

// needed marks what a request has to have.
func needed(required bool) string {
	if required {
		return " \\*"
	}
	return ""
}

func (r *referrer) body(op *huma.Operation) {
	body := op.RequestBody
	if body == nil {
		return
	}
	types := slices.Sorted(maps.Keys(body.Content))
	fmt.Fprintf(&r.b, "\n**Body**%s, `%s`: %s\n", needed(body.Required), strings.Join(types, "` or `"), r.content(body.Content[types[0]].Schema, body.Description))
	if s := body.Content[types[0]].Schema; len(s.Properties) > 0 {
		r.fields(s)
	}
}

func (r *referrer) reply(op *huma.Operation) {
	status, reply := good(op)
	types := slices.Sorted(maps.Keys(reply.Content))
	says := reply.Description
	if says == "OK" || says == "Created" {
		says = ""
	}
	fmt.Fprintf(&r.b, "\n**Reply** %s, `%s`: %s\n", status, strings.Join(types, "` or `"), r.content(reply.Content[types[0]].Schema, says))
	for _, name := range slices.Sorted(maps.Keys(reply.Headers)) {
		h := reply.Headers[name]
		text := h.Description
		if text == "" {
			text = h.Schema.Description
		}
		fmt.Fprintf(&r.b, "- header `%s`: %s\n", name, text)
	}
}

// refusals names the errors that are this operation's.
func (r *referrer) refusals(o routed) {
	if form := o.op.Responses["400"].Content["application/json"]; form != nil {
		fmt.Fprintf(&r.b, "\nErrors have a form of their own, with the status alone to tell them: %s.\n", r.typ(form.Schema))
		return
	}
	var said []string
	status := 0
	for _, c := range codesOf(o.method+" "+o.path, o.op) {
		if code := "`" + c.code + "`"; c.status == status {
			said[len(said)-1] += ", " + code
		} else {
			said = append(said, fmt.Sprintf("%d %s", c.status, code))
		}
		status = c.status
	}
	if len(said) > 0 {
		fmt.Fprintf(&r.b, "\n**[Refuses](#%s) with** %s.\n", anchor(someHeading), strings.Join(said, "; "))
	}
}

// content is what a body is: its type, where it has one, or else in words.
func (r *referrer) content(s *huma.Schema, words string) string {
	typ := ""
	if s.Format == "binary" && words == "" {
		words = "The file."
	}
	if s.Ref != "" || len(s.OneOf) > 0 {
		typ = r.typ(s)
	}
	return strings.TrimSpace(typ + " " + words)
}

func good(op *huma.Operation) (status string, reply *huma.Response) {
	for status, reply := range op.Responses {
		if status[0] == '2' {
			return status, reply
		}
	}
	panic(op.OperationID + " has no reply")
}
