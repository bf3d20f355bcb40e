package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// errorCode is what an error says to programs, and what they, or people, do about it.
type errorCode struct {
	code   string
	status int
	of     string // the operations that may answer it, as an expression on METHOD path; empty: any
	do     string
}

// changesOfStock are operations that write the ledger, or reserve.
const changesOfStock = `^(POST|PUT) /(stock|reservations)`

// errorCodes are all that functions answer; a test compares them with the code.
var errorCodes = []errorCode{
	{"PAGE_INVALID", 422, `/visits($|/badge|/pixel|/history|/summary)`, "Give the page's path: it starts with a slash and has at most 512 bytes."},
	{"TOO_MANY_PAGES", 422, `^GET /visits$`, "Ask for at most 100 pages at once."},
	{"DAY_INVALID", 422, `/visits/(history|summary)`, "Write days as 2026-11-21, `from` not behind `to`, and no more of them than the operation reads."},
	{"NUMBER_INVALID", 422, `^PUT /visits$`, "Keep the number within what the reply says."},
	{"COLOR_INVALID", 422, `/visits/badge`, "Name a colour as the parameter says."},
	{"IMPORT_INVALID", 422, `/import$`, "Mend the row that the reply names, and send the file again: what is in already is not doubled, if rows have ids."},
	{"IMPORT_STOPPED", 422, `/records/.*/import$`, "More rows were bad than `maxErrors`; the reply says which, and what is stored. Mend them, or allow more."},
	{"REMOVAL_INCOMPLETE", 503, `/delete$`, "Some are removed. Send it again to remove the rest."},
	{"IMPORT_INCOMPLETE", 503, `/import$`, "A part is in. Send the same file again to complete it."},

	{"COLLECTION_INVALID", 422, `collection|/(store|filter|fetch\w+|delete)$`, "The reply says what a collection's name may be."},
	{"COLLECTION_NOT_FOUND", 404, `/collections/`, "Store a record in it, or make its settings."},
	{"SETTINGS_INVALID", 422, `^(PUT|POST) /collections/[^/]+(/try)?$`, "The reply says what is wrong in the schema, the program or the indexes; try settings before you save them."},
	{"RECORD_NOT_FOUND", 404, `/records/`, "It was never stored, was removed or has expired."},
	{"RECORD_EXISTS", 409, `^POST /(store|records)`, "Take another id, or `upsert`."},
	{"PRECONDITION_FAILED", 412, `.`, "Somebody changed it. Fetch it, do your change to what is there now, and send that `ETag`."},
	{"DOCUMENT_INVALID", 422, `^(POST /(store|records/[^/]+)|(PUT|PATCH) /records/.*)$`, "The reply says where the document does not keep the collection's schema, or its transform fails on it."},
	{"RECORDS_TOO_LARGE", 413, `/(store|fetchMany|records/[^/]+(/\{id\})?)$`, "Send, or ask for, fewer at once. A record has at most 1 MiB."},
	{"TOO_MANY_RECORDS", 422, `/(store|fetchMany|delete)$|^POST /records/|/records/.*/export$`, "At most 500 at once. Of an export as CSV: name the columns."},
	{"ID_INVALID", 422, `/records/\{collection\}/\{id\}|^POST /(store|records/[^/]+)$|/(fetchMany|delete)$`, "1 to 128 letters, digits and `. _ ~ : @ -`."},
	{"ID_TWICE", 422, `^POST /(store|records/[^/]+)$|/delete$`, "Name each record once in a call."},
	{"FILTER_INVALID", 422, `^POST /filter$|^GET /records/\{collection\}(/export)?$`, "The reply says where the filter cannot be read."},
	{"FILTER_UNSUPPORTED", 422, `^POST /filter$|^GET /records/\{collection\}(/export)?$`, "No index answers it: compare by `=`, one field by a range, joined by AND, and choose among the records yourself."},
	{"INDEX_REQUIRED", 422, `^POST /filter$|^GET /records/\{collection\}(/export)?$|/fetch(All|Keys)$`, "Do what the reply says: name the field in the settings' indexes and `tallystick retransform`, or add the composite index that it shows."},
	{"ORDER_INVALID", 422, `^POST /filter$|^GET /records/\{collection\}(/export)?$|/fetch(All|Keys)$`, "A field, or a field and `desc`; with a range, the field of the range."},

	{"ITEM_NOT_FOUND", 404, `/stock|/reservations$|^POST /partners`, "Count it: an item's first count makes it."},
	{"SKU_INVALID", 422, `\{sku\}|^GET /stock$|/stock/batch$|^(GET|POST) /reservations$`, "1 to 64 letters, digits and `. _ ~ : @ -`, and no name that a route has."},
	{"QUANTITY_INVALID", 422, changesOfStock, "An integer below 2⁵³ either way, and so is what comes of it."},
	{"LINES_INVALID", 422, `/stock/batch$|^GET /stock$|/stock/[^/]+/(adjust|count)$|^POST /reservations$|/commit$`, "1 to 100 lines that change something; of a commit, no more than the reservation holds."},
	{"TEXT_INVALID", 422, `^POST /(stock|reservations)`, "Shorten `reason` or `reference`, or leave control characters out."},
	{"TTL_INVALID", 422, `^POST /reservations$|/extend$`, "10 seconds to 24 hours."},
	{"INSUFFICIENT_STOCK", 409, `^PUT /stock|/(adjust|count|batch)$|^POST /reservations$|^POST /partners`, "So many there are not; `errors` says how many there are. Nothing was done, and the same `Idempotency-Key` may be used again."},
	{"STALE_COUNT", 409, `/stock/\{sku\}/count$|^POST /partners`, "It was not `expected` that was on hand; `errors` has what was. Count again."},
	{"STALE_SETTINGS", 409, `^PUT /stock`, "They were not `expected`; the reply says what they are. Decide again, and expect those."},
	{"RESERVATION_NOT_FOUND", 404, `/reservations/\{id\}`, "The id is mistyped, or 30 days have passed since it ended."},
	{"RESERVATION_COMMITTED", 409, `/reservations/\{id\}/`, "It is sold already, perhaps by another try of yours."},
	{"RESERVATION_RELEASED", 409, `/reservations/\{id\}/`, "It was given back. Reserve anew."},
	{"RESERVATION_EXPIRED", 409, `/reservations/\{id\}/`, "Its time is over. Reserve anew, if there is stock; give the money back if not."},

	{"WEBHOOK_HEADERS_INVALID", 400, `^POST /partners`, "Mend the header that the reply names."},
	{"SIGNATURE_INVALID", 401, `^POST /partners`, "Compare with `tallystick sign`. One reply for no signature, a wrong one and no such partner."},
	{"TIMESTAMP_OUT_OF_RANGE", 401, `^POST /partners`, "Set your clock by the reply's `Date`, and sign each try anew."},
	{"NOT_ALLOWED", 403, `^POST /partners`, "Ask the shop for this type, item or delivery."},
	{"UPDATE_INVALID", 422, `^POST /partners`, "The reply says where it is not an update."},
	{"UPDATE_TOO_LARGE", 422, `^POST /partners`, "Send fewer deliveries at once."},
	{"UPDATE_IN_FLIGHT", 409, `^POST /partners`, "The first try is still under way: wait a second, and send it again for its reply."},
	{"WEBHOOK_ID_REUSED", 422, `^POST /partners`, "A new `webhook-id` for each update, the same only for the same body."},
	{"DELIVERY_FULL", 422, `^POST /partners`, "Begin a new delivery with another id."},
	{"DELIVERY_NOT_FOUND", 404, `/deliveries/`, "No partner has told of it yet."},
	{"PARTNERS_UNAVAILABLE", 503, `/partners`, "Try again; the operator looks at the folder `PARTNERS`."},
	{"LEGACY_OFF", 410, `^POST /update$`, "Send signed updates."},

	{"MALFORMED_REQUEST", 400, ``, "The body is not JSON as we read it (a name twice, broken UTF-8, over 32 levels deep), or broke off."},
	{"QUERY_MALFORMED", 400, ``, "Percent-encode the query."},
	{"PAGE_TOKEN_INVALID", 400, ``, "Begin again without `pageToken`; it fits only the query that gave it."},
	{"CREDENTIALS_REQUIRED", 401, ``, "Send a user and a password beside the key, as HTTP Basic authentication."},
	{"CREDENTIALS_INVALID", 401, ``, "There is no such user with this password."},
	{"ORIGIN_NOT_ALLOWED", 403, ``, "The operator names the page's origin in `ALLOWED_ORIGINS`."},
	{"NOT_FOUND", 404, ``, "There is nothing at this path."},
	{"METHOD_NOT_ALLOWED", 405, ``, "Another method is meant; `Allow` has them."},
	{"BODY_TOO_LARGE", 413, ``, "Send less at once; the reply says how much may be."},
	{"UNSUPPORTED_MEDIA_TYPE", 415, ``, "Send the type that the operation names."},
	{"CONTENT_ENCODING_UNSUPPORTED", 415, ``, "Send the body as it is, not packed."},
	{"VALIDATION_FAILED", 422, ``, "`errors` says what is wrong where."},
	{"IDEMPOTENCY_KEY_REUSED", 422, ``, "A new key for each request, the same only for the same request."},
	{"TRANSACTION_TOO_LARGE", 422, ``, "Nothing was done. Send less at once."},
	{"RATE_LIMITED", 429, ``, "Wait as long as `Retry-After` says."},
	{"INTERNAL", 500, ``, "A fault of ours: the log has it. Please report it."},
	{"OUTCOME_UNKNOWN", 503, ``, "It may be done. Send it again with the same key, and it is done once; without one, look first."},
	{"OVERLOADED", 503, ``, "Nothing was done. Try again as `Retry-After` says."},
	{"CONTENTION", 503, ``, "Nothing was done. Try again as `Retry-After` says."},
	{"STORAGE_UNAVAILABLE", 503, ``, "Nothing was done. Try again as `Retry-After` says."},
	{"NOT_STARTED", 503, ``, "A setting is wrong; the function's log says which."},
	{"DEADLINE_EXCEEDED", 504, ``, "Nothing was done. Try again, with less at once."},
}

// codesOf are those that only some operations answer, of which this is one. An operation
// whose errors have another form has none.
func codesOf(where string, op *huma.Operation) (all []errorCode) {
	for _, c := range errorCodes {
		reply := op.Responses[strconv.Itoa(c.status)]
		if c.of != "" && reply != nil && reply.Content["application/problem+json"] != nil && regexp.MustCompile(c.of).MatchString(where) {
			all = append(all, c)
		}
	}
	slices.SortStableFunc(all, func(a, b errorCode) int { return cmp.Compare(a.status, b.status) })
	return all
}

// someHeading is that of the codes that an operation names.
const someHeading = "What some refuse with"

// codes is the section on errors.
func (r *referrer) codes() {
	r.b.WriteString("\n## Errors\n\nAn error is `application/problem+json` (RFC 9457). `code` is for programs and stays as it is; `detail` is for people and may change.\n" +
		"What may be tried again has `Retry-After`, in seconds.\n")
	for _, name := range problemTypes {
		r.object(name)
	}
	r.b.WriteString("\n#### What any operation may refuse with\n")
	r.table(func(c errorCode) bool { return c.of == "" })
	fmt.Fprintf(&r.b, "\n#### %s\n", someHeading)
	r.table(func(c errorCode) bool { return c.of != "" })
	r.b.WriteString(gatewaysErrors)
}

const gatewaysErrors = `
#### What the gateway says itself

It answers before a function does, with ` + "`{\"code\":401,\"message\":\"…\"}`" + ` and without CORS headers, so a page's script sees a network error.

| status | why |
|---|---|
| 400 | the key is not one of this gateway's |
| 401 | no key, where one is needed |
| 404 | no such route |
| 413, 431 | the request is over 32 MiB; its headers are too long |
| 503, 504 | the function cannot be reached; it took more than 15 seconds |
`

func (r *referrer) table(of func(errorCode) bool) {
	var rows []string
	for _, c := range errorCodes {
		if of(c) {
			rows = append(rows, fmt.Sprintf("| `%s` | %d | %s |\n", c.code, c.status, cell(c.do)))
		}
	}
	slices.Sort(rows)
	r.b.WriteString("\n| code | status | what to do |\n|---|---|---|\n" + strings.Join(rows, ""))
}
