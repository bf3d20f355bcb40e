package stock_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// wrong is a request that is refused, and how.
type wrong struct {
	name, method, path, body string
	status                   int
	code, says               string
	headers                  []string
}

var (
	tooLong = strings.Repeat("x", 200_000)
	nested  = strings.Repeat(`{"a":`, 32) + "{}" + strings.Repeat("}", 32)
)

// badBodies are no JSON, or not ours, on every route that takes a body.
func badBodies() (all []wrong) {
	for _, route := range routes {
		if !route.writes {
			continue
		}
		add := func(name, body string, status int, code, says string, headers ...string) {
			all = append(all, wrong{route.method + " " + route.path + ": " + name, route.method, route.path, body, status, code, says, headers})
		}
		if route.body != "" && !strings.HasSuffix(route.path, "/extend") {
			add("no body", "", 400, "MALFORMED_REQUEST", "body is required")
		}
		add("white space", "  \n ", 400, "MALFORMED_REQUEST", "body")
		add("half", `{"delta":`, 400, "MALFORMED_REQUEST", "not JSON")
		add("a name twice", `{"a":1,"a":1}`, 400, "MALFORMED_REQUEST", "duplicate")
		add("trailing data", `{} {}`, 400, "MALFORMED_REQUEST", "follows")
		add("invalid UTF-8", "{\"reason\":\"\xff\"}", 400, "MALFORMED_REQUEST", "UTF-8")
		add("half a surrogate pair", `{"reason":"\ud800"}`, 400, "MALFORMED_REQUEST", "body")
		add("depth 33", nested, 400, "MALFORMED_REQUEST", "32")
		add("NaN", `{"delta":NaN}`, 400, "MALFORMED_REQUEST", "body")
		add("null", `null`, 422, "VALIDATION_FAILED", "body: expected object")
		add("an array", `[]`, 422, "VALIDATION_FAILED", "body: expected object")
		add("a text", `"{}"`, 422, "VALIDATION_FAILED", "body: expected object")
		add("an unknown field", `{"dryRun":true}`, 422, "VALIDATION_FAILED", "body.dryRun")
		add("a field with a long name", `{"`+strings.Repeat("x", 1000)+`":1}`, 422, "VALIDATION_FAILED", "unexpected property")
		add("over 1 MiB", `{"reason":"`+strings.Repeat("x", 1<<20)+`"}`, 413, "BODY_TOO_LARGE", "1048576")
		add("gzip", "\x1f\x8b", 415, "CONTENT_ENCODING_UNSUPPORTED", "Content-Encoding", "Content-Encoding", "gzip")
		add("XML", `<a/>`, 415, "UNSUPPORTED_MEDIA_TYPE", "xml", "Content-Type", "application/xml")
		add("a key with a space", route.body, 422, "VALIDATION_FAILED", "header.Idempotency-Key", "Idempotency-Key", "a b")
		add("a key that is no ASCII", route.body, 422, "VALIDATION_FAILED", "header.Idempotency-Key", "Idempotency-Key", "schlüssel")
		add("a long key", route.body, 422, "VALIDATION_FAILED", "header.Idempotency-Key", "Idempotency-Key", strings.Repeat("k", 256))
	}
	return all
}

// badNumbers stand for each quantity that there is: with its field, its body and bounds.
func badNumbers() (all []wrong) {
	for _, q := range []struct {
		method, path, field, body string // body with a %s for the number
		min, max                  int64
	}{
		{"PUT", "/stock/WIDGET", "oversellLimit", `{"oversellLimit":%s}`, 0, 1<<53 - 1},
		{"PUT", "/stock/WIDGET", "lowStockThreshold", `{"lowStockThreshold":%s}`, 1 - 1<<53, 1<<53 - 1},
		{"POST", "/stock/WIDGET/adjust", "delta", `{"delta":%s}`, 1 - 1<<53, 1<<53 - 1},
		{"POST", "/stock/WIDGET/count", "quantity", `{"quantity":%s}`, 0, 1<<53 - 1},
		{"POST", "/stock/WIDGET/count", "expected", `{"quantity":1,"expected":%s}`, 1 - 1<<53, 1<<53 - 1},
		{"POST", "/stock/batch", "lines[0].delta", `{"lines":[{"sku":"WIDGET","delta":%s}]}`, 1 - 1<<53, 1<<53 - 1},
		{"POST", "/reservations", "lines[0].quantity", `{"lines":[{"sku":"WIDGET","quantity":%s}]}`, 1, 1<<53 - 1},
		{"POST", "/reservations", "ttlSeconds", `{"lines":[{"sku":"WIDGET","quantity":1}],"ttlSeconds":%s}`, 10, 86400},
		{"POST", "/reservations/{id}/extend", "ttlSeconds", `{"ttlSeconds":%s}`, 10, 86400},
		{"POST", "/reservations/{id}/commit", "lines[0].quantity", `{"lines":[{"sku":"WIDGET","quantity":%s}]}`, 0, 1<<53 - 1},
	} {
		add := func(number, says string) {
			all = append(all, wrong{q.path + " " + q.field + " " + number, q.method, q.path, fmt.Sprintf(q.body, number), 422, "VALIDATION_FAILED", says, nil})
		}
		where := "body." + q.field
		add(fmt.Sprint(q.min-1), where+": expected number >=")
		add(fmt.Sprint(q.max+1), where+": expected number <=")
		add("9223372036854775808", where+": expected number <=")
		add("-9223372036854775809", where+": expected number >=")
		add(strings.Repeat("9", 100), where+": expected number <=")
		add(`"20"`, where+": expected integer")
		add("true", where+": expected integer")
		add("[20]", where+": expected integer")
		add("20.5", where+": expected integer")
		// An integer, but written as no integer is: what is read of it would be a guess.
		add("20.0", "a number 20.0 cannot stand here")
		add("2e1", "a number 2e1 cannot stand here")
	}
	return all
}

// badNames stand for an item, in each place that an item is named in.
func badNames() (all []wrong) {
	names := []struct{ name, sku, says string }{
		{"a space", "a b", "letters, digits"},
		{"a slash", "a/b", "letters, digits"},
		{"a percent sign", "a%b", "letters, digits"},
		{"a letter that is no ASCII", "ü", "letters, digits"},
		{"an emoji", "😀", "letters, digits"},
		{"a line break", "a\n", "letters, digits"},
		{"NUL", "a\x00b", "letters, digits"},
		{"65 letters", strings.Repeat("x", 65), "1 to 64"},
		{"a dot", ".", "taken"},
		{"two dots", "..", "taken"},
		{"a route: alerts", "alerts", "taken by a route"},
		{"a route: batch", "batch", "taken by a route"},
		{"a route: count.js", "count.js", "taken by a route"},
		{"a name of databases", "__x__", "__x__"},
	}
	for _, n := range names {
		in, encoded := jsonOf(n.sku), pathEscape(n.sku)
		all = append(all,
			wrong{"PUT: " + n.name, "PUT", "/stock/" + encoded, `{}`, 422, "SKU_INVALID", n.says, nil},
			wrong{"adjust: " + n.name, "POST", "/stock/" + encoded + "/adjust", `{"delta":1}`, 422, "SKU_INVALID", n.says, nil},
			wrong{"count: " + n.name, "POST", "/stock/" + encoded + "/count", `{"quantity":1}`, 422, "SKU_INVALID", n.says, nil},
			wrong{"movements: " + n.name, "GET", "/stock/" + encoded + "/movements", "", 422, "SKU_INVALID", n.says, nil},
			wrong{"several: " + n.name, "GET", "/stock?skus=WIDGET," + encoded, "", 422, "SKU_INVALID", n.says, nil},
			wrong{"batch: " + n.name, "POST", "/stock/batch", `{"lines":[{"sku":"WIDGET","delta":1},{"sku":` + in + `,"delta":1}]}`, 422, "SKU_INVALID", n.says, nil},
			wrong{"reserve: " + n.name, "POST", "/reservations", `{"lines":[{"sku":"WIDGET","quantity":1},{"sku":` + in + `,"quantity":1}]}`, 422, "SKU_INVALID", n.says, nil},
			wrong{"commit: " + n.name, "POST", "/reservations/{id}/commit", `{"lines":[{"sku":"WIDGET","quantity":1},{"sku":` + in + `,"quantity":1}]}`, 422, "SKU_INVALID", n.says, nil},
		)
		if n.sku != "alerts" && n.sku != "count.js" { // which are other routes' to answer
			all = append(all, wrong{"GET: " + n.name, "GET", "/stock/" + encoded, "", 422, "SKU_INVALID", n.says, nil})
		}
	}
	return all
}

// pathEscape encodes every byte, dots too, that a name cannot have.
func pathEscape(name string) string {
	var b strings.Builder
	for _, c := range []byte(name) {
		if 'a' <= c && c <= 'z' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

func many(n int, one string) string { return strings.TrimSuffix(strings.Repeat(one+",", n), ",") }

const max = "9007199254740991"

var badRequests = []wrong{
	// fields
	{"no delta", "POST", "/stock/WIDGET/adjust", `{}`, 422, "VALIDATION_FAILED", "property delta", nil},
	{"null as delta", "POST", "/stock/WIDGET/adjust", `{"delta":null}`, 422, "VALIDATION_FAILED", "body.delta: expected integer", nil},
	{"DELTA", "POST", "/stock/WIDGET/adjust", `{"delta":1,"DELTA":1}`, 422, "VALIDATION_FAILED", "body.DELTA: unexpected property", nil},
	{"a delta of no adjustment", "POST", "/stock/WIDGET/adjust", `{"quantity":1}`, 422, "VALIDATION_FAILED", `"location":"body.quantity","message":"unexpected property"`, nil},
	{"no quantity", "POST", "/stock/WIDGET/count", `{}`, 422, "VALIDATION_FAILED", "property quantity", nil},
	{"QUANTITY", "POST", "/stock/WIDGET/count", `{"QUANTITY":1}`, 422, "VALIDATION_FAILED", `"location":"body.QUANTITY","message":"unexpected property"`, nil},
	{"null as quantity", "POST", "/stock/WIDGET/count", `{"quantity":null}`, 422, "VALIDATION_FAILED", "body.quantity: expected integer", nil},
	{"an item's name in the body", "PUT", "/stock/WIDGET", `{"sku":"GADGET"}`, 422, "VALIDATION_FAILED", "body.sku: unexpected property", nil},
	{"onHand as a setting", "PUT", "/stock/WIDGET", `{"onHand":3}`, 422, "VALIDATION_FAILED", "body.onHand: unexpected property", nil},
	{"onHand as an expected setting", "PUT", "/stock/WIDGET", `{"expected":{"onHand":3}}`, 422, "VALIDATION_FAILED", "body.expected.onHand: unexpected property", nil},
	{"settings that expect what was expected", "PUT", "/stock/WIDGET", `{"expected":{"expected":{}}}`, 422, "VALIDATION_FAILED", "body.expected.expected: unexpected property", nil},
	{"an expected oversell limit below zero", "PUT", "/stock/WIDGET", `{"expected":{"oversellLimit":-1}}`, 422, "VALIDATION_FAILED", "body.expected.oversellLimit: expected number >= 0", nil},
	{"who as a field", "POST", "/stock/WIDGET/adjust", `{"delta":1,"who":"user anna"}`, 422, "VALIDATION_FAILED", "body.who: unexpected property", nil},

	// lines
	{"no lines to adjust", "POST", "/stock/batch", `{}`, 422, "VALIDATION_FAILED", "property lines", nil},
	{"empty lines to adjust", "POST", "/stock/batch", `{"lines":[]}`, 422, "VALIDATION_FAILED", "body.lines: expected array length >= 1", nil},
	{"null as lines to adjust", "POST", "/stock/batch", `{"lines":null}`, 422, "VALIDATION_FAILED", "body.lines: expected array", nil},
	{"101 lines to adjust", "POST", "/stock/batch", `{"lines":[` + many(101, `{"sku":"WIDGET","delta":1}`) + `]}`, 422, "VALIDATION_FAILED", "body.lines: expected array length <= 100", nil},
	{"lines alone", "POST", "/stock/batch", `[{"sku":"WIDGET","delta":1}]`, 422, "VALIDATION_FAILED", "body: expected object", nil},
	{"an object as lines", "POST", "/stock/batch", `{"lines":{"WIDGET":1}}`, 422, "VALIDATION_FAILED", "body.lines: expected array", nil},
	{"null as a line", "POST", "/stock/batch", `{"lines":[null]}`, 422, "VALIDATION_FAILED", "body.lines[0]: expected object", nil},
	{"a line without sku", "POST", "/stock/batch", `{"lines":[{"sku":"WIDGET","delta":1},{"delta":1}]}`, 422, "VALIDATION_FAILED", "body.lines[1]: expected required property sku", nil},
	{"a number as sku", "POST", "/stock/batch", `{"lines":[{"sku":7,"delta":1}]}`, 422, "VALIDATION_FAILED", "body.lines[0].sku: expected string", nil},
	{"an empty sku", "POST", "/stock/batch", `{"lines":[{"sku":"","delta":1}]}`, 422, "SKU_INVALID", "1 to 64", nil},
	{"SKU", "POST", "/stock/batch", `{"lines":[{"SKU":"WIDGET","delta":1}]}`, 422, "VALIDATION_FAILED", `"location":"body.lines[0].SKU","message":"unexpected property"`, nil},
	{"a line of a reservation to adjust", "POST", "/stock/batch", `{"lines":[{"sku":"WIDGET","quantity":1}]}`, 422, "VALIDATION_FAILED", `"location":"body.lines[0].quantity","message":"unexpected property"`, nil},
	{"a line that changes nothing", "POST", "/stock/batch", `{"lines":[{"sku":"GADGET","delta":1},{"sku":"WIDGET","delta":0}]}`, 422, "LINES_INVALID", "WIDGET: 0 changes nothing", nil},
	{"no lines to reserve", "POST", "/reservations", `{"ttlSeconds":600}`, 422, "VALIDATION_FAILED", "property lines", nil},
	{"empty lines to reserve", "POST", "/reservations", `{"lines":[]}`, 422, "VALIDATION_FAILED", "body.lines: expected array length >= 1", nil},
	{"101 lines to reserve", "POST", "/reservations", `{"lines":[` + many(101, `{"sku":"WIDGET","quantity":1}`) + `]}`, 422, "VALIDATION_FAILED", "body.lines: expected array length <= 100", nil},
	{"a line to adjust in a reservation", "POST", "/reservations", `{"lines":[{"sku":"WIDGET","delta":1}]}`, 422, "VALIDATION_FAILED", `"location":"body.lines[0].delta","message":"unexpected property"`, nil},
	{"empty lines to commit", "POST", "/reservations/{id}/commit", `{"lines":[]}`, 422, "VALIDATION_FAILED", "body.lines: expected array length >= 1", nil},
	{"101 lines to commit", "POST", "/reservations/{id}/commit", `{"lines":[` + many(101, `{"sku":"WIDGET","quantity":0}`) + `]}`, 422, "VALIDATION_FAILED", "body.lines: expected array length <= 100", nil},
	{"lines to release", "POST", "/reservations/{id}/release", `{"lines":[{"sku":"WIDGET","quantity":1}]}`, 422, "VALIDATION_FAILED", "body.lines: unexpected property", nil},
	{"lines to extend", "POST", "/reservations/{id}/extend", `{"lines":[{"sku":"WIDGET","quantity":1}]}`, 422, "VALIDATION_FAILED", "body.lines: unexpected property", nil},

	// sums
	{"an overflow of what is on hand", "POST", "/stock/FULL/adjust", `{"delta":1}`, 422, "QUANTITY_INVALID", "FULL: quantity out of range", nil},
	{"an overflow of what is on hand, in a batch", "POST", "/stock/batch", `{"lines":[{"sku":"WIDGET","delta":1},{"sku":"FULL","delta":1}]}`, 422, "QUANTITY_INVALID", "FULL: quantity out of range", nil},
	{"an overflow of a batch's sum", "POST", "/stock/batch", `{"lines":[{"sku":"WIDGET","delta":` + max + `},{"sku":"WIDGET","delta":1}]}`, 422, "QUANTITY_INVALID", "WIDGET: quantity out of range", nil},
	{"an underflow of a batch's sum", "POST", "/stock/batch", `{"lines":[{"sku":"WIDGET","delta":-` + max + `},{"sku":"WIDGET","delta":-1}]}`, 422, "QUANTITY_INVALID", "WIDGET: quantity out of range", nil},
	{"an overflow of an int64", "POST", "/stock/batch", `{"lines":[` + many(100, `{"sku":"WIDGET","delta":`+max+`}`) + `]}`, 422, "QUANTITY_INVALID", "WIDGET: quantity out of range", nil},
	{"an overflow of a reservation's sum", "POST", "/reservations", `{"lines":[` + many(2, `{"sku":"FULL","quantity":`+max+`}`) + `]}`, 422, "QUANTITY_INVALID", "FULL: quantity out of range", nil},

	// texts
	{"a reason with a line break", "POST", "/stock/WIDGET/adjust", `{"delta":1,"reason":"a\nb"}`, 422, "TEXT_INVALID", "reason has control characters", nil},
	{"a reason with NUL", "POST", "/stock/WIDGET/count", `{"quantity":1,"reason":"\u0000"}`, 422, "TEXT_INVALID", "reason has control characters", nil},
	{"a reference with DEL", "POST", "/stock/batch", `{"lines":[{"sku":"WIDGET","delta":1}],"reference":"\u007f"}`, 422, "TEXT_INVALID", "reference has control characters", nil},
	{"a reservation's reference with an escape", "POST", "/reservations", `{"lines":[{"sku":"WIDGET","quantity":1}],"reference":"\u001b[31m"}`, 422, "TEXT_INVALID", "reference has control characters", nil},
	{"a commit's reference with a tab", "POST", "/reservations/{id}/commit", `{"reference":"\t"}`, 422, "TEXT_INVALID", "reference has control characters", nil},
	{"a reason of 101 letters", "POST", "/stock/WIDGET/adjust", `{"delta":1,"reason":"` + strings.Repeat("x", 101) + `"}`, 422, "VALIDATION_FAILED", "body.reason: expected length <= 100", nil},
	{"a reason of 102 bytes in 51 letters", "POST", "/stock/WIDGET/adjust", `{"delta":1,"reason":"` + strings.Repeat("ü", 51) + `"}`, 422, "TEXT_INVALID", "reason has over 100 bytes", nil},
	{"a reference of 201 letters", "POST", "/reservations", `{"lines":[{"sku":"WIDGET","quantity":1}],"reference":"` + strings.Repeat("x", 201) + `"}`, 422, "VALIDATION_FAILED", "body.reference: expected length <= 200", nil},
	{"a long reason", "POST", "/stock/WIDGET/adjust", `{"delta":1,"reason":"` + tooLong + `"}`, 422, "VALIDATION_FAILED", "body.reason: expected length <= 100", nil},
	{"a number as reason", "POST", "/stock/WIDGET/adjust", `{"delta":1,"reason":7}`, 422, "VALIDATION_FAILED", "body.reason: expected string", nil},

	// reservations
	{"a reservation's id with a slash", "GET", "/reservations/a%2Fb", "", 404, "RESERVATION_NOT_FOUND", "a/b", nil},
	{"a reservation's id with NUL", "POST", "/reservations/%00/commit", "", 404, "RESERVATION_NOT_FOUND", "no such reservation", nil},
	{"a reservation's id that is too long", "GET", "/reservations/" + strings.Repeat("0", 65), "", 422, "VALIDATION_FAILED", "path.id: expected length <= 64", nil},
	{"a reservation's id in capitals", "POST", "/reservations/{ID}/commit", "", 404, "RESERVATION_NOT_FOUND", "no such reservation", nil},
	{"a reservation's id with its last letter changed", "POST", "/reservations/{id}0/commit", "", 404, "RESERVATION_NOT_FOUND", "no such reservation", nil},

	// parameters
	{"no skus", "GET", "/stock", "", 422, "VALIDATION_FAILED", "query.skus: required", nil},
	{"empty skus", "GET", "/stock?skus=", "", 422, "VALIDATION_FAILED", "query.skus: required", nil},
	{"sku for skus", "GET", "/stock?sku=WIDGET", "", 422, "VALIDATION_FAILED", "query.skus: required", nil},
	{"an empty one of the skus", "GET", "/stock?skus=WIDGET,", "", 422, "SKU_INVALID", "1 to 64", nil},
	{"an empty second skus", "GET", "/stock?skus=WIDGET&skus=", "", 422, "SKU_INVALID", "1 to 64", nil},
	{"101 skus", "GET", "/stock?skus=" + many(101, "WIDGET"), "", 422, "VALIDATION_FAILED", "query.skus: expected array length <= 100", nil},
	{"101 times skus", "GET", "/stock?" + strings.Repeat("skus=WIDGET&", 101), "", 422, "VALIDATION_FAILED", "query.skus: expected array length <= 100", nil},
	{"a query that is not encoded", "GET", "/stock?skus=%zz", "", 400, "QUERY_MALFORMED", "percent-encoded", nil},
	{"pageSize=-1", "GET", "/items?pageSize=-1", "", 422, "VALIDATION_FAILED", "query.pageSize: expected number >= 0", nil},
	{"pageSize=many", "GET", "/stock/WIDGET/movements?pageSize=many", "", 422, "VALIDATION_FAILED", "query.pageSize: invalid integer", nil},
	{"pageSize=1e3", "GET", "/stock/alerts?pageSize=1e3", "", 422, "VALIDATION_FAILED", "query.pageSize: invalid integer", nil},
	{"a long pageToken", "GET", "/items?pageToken=" + strings.Repeat("A", 4097), "", 422, "VALIDATION_FAILED", "query.pageToken", nil},
	{"a pageToken of nobody's, of items", "GET", "/items?pageToken=AAAA", "", 400, "PAGE_TOKEN_INVALID", "pageToken is not one", nil},
	{"a pageToken of nobody's, of movements", "GET", "/stock/WIDGET/movements?pageToken=AAAA", "", 400, "PAGE_TOKEN_INVALID", "pageToken is not one", nil},
	{"a pageToken of nobody's, of reservations", "GET", "/reservations?pageToken=AAAA", "", 400, "PAGE_TOKEN_INVALID", "pageToken is not one", nil},
	{"reservations of an item that cannot be", "GET", "/reservations?sku=a%20b", "", 422, "SKU_INVALID", "1 to 64", nil},
	{"a pageToken of nobody's, of alerts", "GET", "/stock/alerts?pageToken=%00", "", 400, "PAGE_TOKEN_INVALID", "pageToken is not one", nil},

	// paths
	{"an empty item", "PUT", "/stock//", `{}`, 404, "NOT_FOUND", "nothing at this path", nil},
	{"an empty item to adjust", "POST", "/stock//adjust", `{"delta":1}`, 307, "", "", nil}, // to the path without the empty part
	{"an item of dots that are not encoded", "PUT", "/stock/..", `{}`, 307, "", "", nil},
	{"more than there is", "GET", "/stock/WIDGET/movements/1", "", 404, "NOT_FOUND", "nothing at this path", nil},
	{"nothing of reservations", "POST", "/reservations/{id}/cancel", "", 404, "NOT_FOUND", "nothing at this path", nil},
}

func TestBadInputIsRefusedAndChangesNothing(t *testing.T) {
	all := slices.Concat(badBodies(), badNumbers(), badNames(), badRequests)
	s := start(t, nil)
	id := seed(s)
	s.ok("POST", "/stock/FULL/count", `{"quantity":`+max+`}`)
	names, before := make(map[string]bool), s.everything()
	for _, b := range all {
		if names[b.name] {
			t.Errorf("there are two cases of the name %s", b.name)
		}
		names[b.name] = true
		t.Run(b.name, func(t *testing.T) {
			here := &server{T: t, url: s.url, store: s.store}
			path := strings.NewReplacer("{id}", id, "{ID}", strings.ToUpper(id)).Replace(b.path)
			r := here.send(b.method, path, b.body, b.headers...)
			if b.code == "" {
				if r.status != b.status {
					t.Errorf("%d %s, want %d", r.status, r.body, b.status)
				}
			} else {
				here.wantProblem(r, b.status, b.code, b.says)
			}
			here.wantSame(before)
		})
	}
	t.Logf("%d requests", len(all))
}

// TestPageTokensOfOtherListsAreRefused, and changed ones.
func TestPageTokensOfOtherListsAreRefused(t *testing.T) {
	s := start(t, nil)
	for _, sku := range []string{"A", "B"} {
		s.ok("PUT", "/stock/"+sku, `{"lowStockThreshold":5}`)
		for range 2 {
			s.ok("POST", "/stock/"+sku+"/count", `{"quantity":10}`)
			s.ok("POST", "/stock/"+sku+"/count", `{"quantity":1}`)
		}
	}
	lists := []string{"/items", "/stock/A/movements", "/stock/B/movements", "/stock/alerts"}
	for _, from := range lists {
		token := decoded[struct{ NextPageToken string }](s, "GET", from+"?pageSize=1", "").NextPageToken
		if token == "" {
			t.Fatalf("%s has no second page", from)
		}
		s.ok("GET", from+"?pageToken="+token, "")
		for _, to := range lists {
			if to != from {
				s.wantProblem(s.send("GET", to+"?pageToken="+token, ""), 400, "PAGE_TOKEN_INVALID", "pageToken is not one")
			}
		}
		for i := range token {
			changed := []byte(token)
			if changed[i] = 'A'; token[i] == 'A' {
				changed[i] = 'B'
			}
			s.wantProblem(s.send("GET", from+"?pageToken="+string(changed), ""), 400, "PAGE_TOKEN_INVALID", "pageToken is not one")
		}
		s.wantProblem(s.send("GET", from+"?pageToken="+token+"%0A", ""), 400, "PAGE_TOKEN_INVALID", "pageToken is not one")
	}
}
