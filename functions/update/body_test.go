package update_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestABodyThatIsNoStrictJSONIsRefused, signed as it may be.
func TestABodyThatIsNoStrictJSONIsRefused(t *testing.T) {
	s := start(t, nil)
	s.stock(10, "ACME-1")
	good := adjusted(take)
	for _, tt := range []struct{ name, body, says string }{
		{"no JSON", "delta=1", "not JSON at byte 0"},
		{"cut off", good[:len(good)-1], "not JSON"},
		{"a name twice", adjusted(`{"sku":"ACME-1","delta":1,"delta":-1}`), "duplicate"},
		{"a name twice, written otherwise", adjusted(`{"sku":"ACME-1","delta":1,"d\u0065lta":-1}`), "duplicate"},
		{"the type twice", strings.Replace(good, "{", `{"type":"stock.counted",`, 1), "duplicate"},
		{"something behind it", good + good, "something follows"},
		{"bad UTF-8", strings.Replace(good, "ACME-1", "ACME-\xff", 1), "UTF-8"},
		{"half a surrogate pair", strings.Replace(good, "ACME-1", `ACME-\ud800`, 1), "not JSON"},
		{"a byte order mark", "\ufeff" + good, "not JSON at byte 0"},
		{"33 deep", adjusted(`{"lines":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + `}`), "nested deeper than 32"},
		{"NaN", adjusted(`{"sku":"ACME-1","delta":NaN}`), "not JSON"},
		{"a comment", good + "// and so on", "something follows"},
		{"white space alone", " ", "JSON"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.T = t
			r := s.refuse(s.sign("acme", "msg_1", tt.body), http.StatusBadRequest, "MALFORMED_REQUEST", tt.says)
			wantPlain(t, r)
		})
	}
	s.T = t
	s.refuse(s.sign("acme", "msg_1", ""), http.StatusBadRequest, "MALFORMED_REQUEST", "request body is required")
}

// wantPlain wants a text that is for people: without the names that things have inside.
func wantPlain(t *testing.T, r reply) {
	t.Helper()
	var p struct{ Detail string }
	if err := json.Unmarshal([]byte(r.body), &p); err != nil {
		t.Fatalf("%s: %v", r.body, err)
	}
	for _, inside := range []string{"malformed:", "bad lines", "bad SKU", "bad text", "partner:", "inventory:", "json:", "jsontext", "int64"} {
		if strings.Contains(p.Detail, inside) || p.Detail == "" {
			t.Errorf("it says %q, with %q, want words for people", p.Detail, inside)
		}
	}
}

// TestWhatIsNoUpdateIsRefusedWithItsPlace.
func TestWhatIsNoUpdateIsRefusedWithItsPlace(t *testing.T) {
	s := start(t, nil)
	s.stock(10, "ACME-1")
	lines := func(n int) string {
		return `{"lines":[` + strings.TrimSuffix(strings.Repeat(take+",", n), ",") + `]}`
	}
	for _, tt := range []struct{ name, body, location, says string }{
		{"a list", "[]", "", "an object"},
		{"null", "null", "", "an object"},
		{"nothing in it", "{}", "/type", "stock.adjusted, stock.counted, delivery.updated"},
		{"another type", updateOf("stock.set", take), "/type", "stock.adjusted, stock.counted, delivery.updated"},
		{"another case of the type", updateOf("Stock.Adjusted", take), "/type", ""},
		{"a type that is a number", `{"type":1,"timestamp":"2126-11-21T11:00:00Z","data":{}}`, "/type", "a string"},
		{"no timestamp", `{"type":"stock.adjusted","data":` + take + `}`, "/timestamp", "2026-11-21T12:00:00Z"},
		{"a timestamp that is a number", `{"type":"stock.adjusted","timestamp":4950000000,"data":` + take + `}`, "/timestamp", "a time such as"},
		{"another field", strings.Replace(adjusted(take), "{", `{"sent":"today",`, 1), "/sent", "no such field"},
		{"a day and a second ahead", `{"type":"delivery.updated","timestamp":"2126-11-22T12:00:01Z","data":{"id":"D-1","status":"x"}}`, "/timestamp", "over a day ahead"},
		{"a thousand years ahead", `{"type":"stock.adjusted","timestamp":"3126-11-21T12:00:00Z","data":` + take + `}`, "/timestamp", "over a day ahead"},
		{"no data", `{"type":"stock.adjusted","timestamp":"2126-11-21T11:00:00Z"}`, "/data", "missing"},
		{"data that is null", adjusted("null"), "/data", ""},
		{"data that is a list", adjusted("[" + take + "]"), "/data", "an object"},
		{"data with nothing in it", adjusted("{}"), "/data/sku", "missing"},

		{"SKU for sku", adjusted(`{"SKU":"ACME-1","delta":-1}`), "/data/SKU", "no such field"},
		{"QTY for qty", adjusted(`{"sku":"ACME-1","QTY":1}`), "/data/QTY", "no such field"},
		{"Delta for delta", adjusted(`{"sku":"ACME-1","Delta":1}`), "/data/Delta", "no such field"},
		{"a field of another type of update", adjusted(`{"sku":"ACME-1","delta":1,"quantity":1}`), "/data/quantity", "stock.adjusted has no such field"},
		{"expected without a count", adjusted(`{"sku":"ACME-1","delta":1,"expected":1}`), "/data/expected", "stock.adjusted has no such field"},
		{"a delta in a count", counted(`{"sku":"ACME-1","quantity":1,"delta":1}`), "/data/delta", "stock.counted has no such field"},
		{"a status of stock", adjusted(`{"sku":"ACME-1","delta":1,"status":"x"}`), "/data/status", "no such field"},

		{"no lines", adjusted(`{"lines":[]}`), "/data/lines", "1 to 100"},
		{"101 lines", adjusted(lines(101)), "/data/lines", "1 to 100, not 101"},
		{"lines and a line", adjusted(`{"lines":[` + take + `],"sku":"ACME-1"}`), "/data", "not both"},
		{"a line that is a number", adjusted(`{"lines":[` + take + `,1]}`), "/data/lines/1", "an object"},
		{"a line in a line", adjusted(`{"lines":[{"lines":[]}]}`), "/data/lines/0/lines", "no such field"},
		{"a fault of the second line", adjusted(`{"lines":[` + take + `,{"sku":"ACME-1"}]}`), "/data/lines/1/delta", "missing"},
		{"lines that are an object", adjusted(`{"lines":{}}`), "/data/lines", "a list"},

		{"a SKU with a slash", adjusted(`{"sku":"ACME/1","delta":1}`), "/data/sku", "1 to 64 letters"},
		{"a SKU of 65 letters", adjusted(`{"sku":"` + strings.Repeat("x", 65) + `","delta":1}`), "/data/sku", "1 to 64 letters"},
		{"a SKU that is a number", adjusted(`{"sku":1,"delta":1}`), "/data/sku", "a string"},
		{"a SKU that routes have", adjusted(`{"sku":"batch","delta":1}`), "/data/sku", "taken by a route"},
		{"an item counted twice", counted(`{"lines":[{"sku":"ACME-1","quantity":1},{"sku":"ACME-1","quantity":1}]}`), "/data/lines/1/sku", "counted twice"},
		{"a reason of 101 bytes", adjusted(`{"sku":"ACME-1","delta":1,"reason":"` + strings.Repeat("x", 101) + `"}`), "/data/reason", "100 bytes"},
		{"a reason of two lines", adjusted(`{"sku":"ACME-1","delta":1,"reason":"a\nb"}`), "/data/reason", "no control"},
		{"a reference of 201 bytes", counted(`{"sku":"ACME-1","quantity":1,"reference":"` + strings.Repeat("x", 201) + `"}`), "/data/reference", "200 bytes"},

		{"a delivery without a status", delivered(`{"id":"D-1"}`), "/data/status", "missing"},
		{"a delivery without an id", delivered(`{"status":"x"}`), "/data/id", "1 to 64 letters"},
		{"a delivery with a slash", delivered(`{"id":"D/1","status":"x"}`), "/data/id", "1 to 64 letters"},
		{"a delivery of points", delivered(`{"id":"..","status":"x"}`), "/data/id", "not of points only"},
		{"a delivery that databases have", delivered(`{"id":"__D__","status":"x"}`), "/data/id", "not of the form __x__"},
		{"a delivery of 65 bytes", delivered(`{"id":"` + strings.Repeat("D", 65) + `","status":"x"}`), "/data/id", "1 to 64 letters"},
		{"a status of 65 bytes", delivered(`{"id":"D-1","status":"` + strings.Repeat("x", 65) + `"}`), "/data/status", "64 bytes"},
		{"an order of 201 bytes", delivered(`{"id":"D-1","status":"x","order":"` + strings.Repeat("x", 201) + `"}`), "/data/order", "200 bytes"},
		{"a note with a tab", delivered(`{"id":"D-1","status":"x","note":"\t"}`), "/data/note", "no control"},
		{"a reason of a delivery", delivered(`{"id":"D-1","status":"x","reason":"x"}`), "/data/reason", "no such field"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.T = t
			s.wantFault(s.sign("acme", "msg_1", tt.body), tt.location, tt.says)
		})
	}
}

// wantFault wants an update to be refused for one fault.
func (s *server) wantFault(m message, location, says string) {
	s.Helper()
	r := s.refuse(m, http.StatusUnprocessableEntity, "UPDATE_INVALID", "")
	wantPlain(s.T, r)
	var p struct {
		Errors []struct{ Location, Message string }
	}
	if err := json.Unmarshal([]byte(r.body), &p); err != nil || len(p.Errors) != 1 {
		s.Fatalf("%s: %v, want one fault", r.body, err)
	}
	if got := p.Errors[0]; got.Location != location || !strings.Contains(got.Message, says) {
		s.Errorf("fault %+v, want it at %q and to say %q", got, location, says)
	}
}

// TestAQuantityOutOfBoundsIsRefused, for each of the three quantities that there are, and
// those at the bounds are taken.
func TestAQuantityOutOfBoundsIsRefused(t *testing.T) {
	s := start(t, nil)
	s.stock(0, "ACME-1", "ACME-2")
	id := 0
	for _, field := range []struct {
		name       string
		body       func(value string) string
		null, zero bool // whether it may be
	}{
		{name: "delta", body: func(v string) string { return adjusted(`{"sku":"ACME-1","delta":` + v + `}`) }},
		{name: "quantity", body: func(v string) string { return counted(`{"sku":"ACME-1","quantity":` + v + `}`) }, zero: true},
		{name: "expected", body: func(v string) string {
			return counted(`{"sku":"ACME-2","quantity":0,"expected":` + v + `}`)
		}, null: true, zero: true},
	} {
		for _, tt := range []struct {
			value string
			good  bool
		}{
			{"0", field.zero}, {"-0", field.zero}, {"null", field.null},
			{"1.0", false}, {"0.0", false}, {"1e3", false}, {"1E0", false}, {"1.5", false}, {`"1"`, false}, {"true", false}, {"[1]", false}, {"{}", false},
			{"9007199254740992", false}, {"9007199254740993", false},
			{"-9007199254740992", false}, {"9223372036854775807", false}, {"9223372036854775808", false}, {"-9223372036854775808", false},
			{"-9223372036854775809", false}, {"18446744073709551616", false}, {"1" + strings.Repeat("0", 400), false}, {"1e400", false},
		} {
			t.Run(field.name+" "+tt.value[:min(len(tt.value), 20)], func(t *testing.T) {
				s.T = t
				id++
				m := s.sign("acme", fmt.Sprint("msg_", id), field.body(tt.value))
				if tt.good {
					s.accept(m)
					return
				}
				s.wantFault(m, "/data/"+field.name, "")
			})
		}
		t.Run(field.name+" -1", func(t *testing.T) {
			s.T = t
			m := s.sign("acme", "minus-"+field.name, field.body("-1"))
			switch field.name {
			case "quantity":
				s.wantFault(m, "/data/quantity", "0 to 9007199254740991")
			case "delta":
				s.refuse(m, http.StatusConflict, "INSUFFICIENT_STOCK", "")
			case "expected":
				s.refuse(m, http.StatusConflict, "STALE_COUNT", "")
			}
		})
	}
	s.T = t
	s.accept(s.sign("acme", "most", counted(`{"sku":"ACME-1","quantity":9007199254740991}`)))
	s.accept(s.sign("acme", "none", adjusted(`{"sku":"ACME-1","delta":-9007199254740991}`)))
	s.accept(s.sign("acme", "all", adjusted(`{"sku":"ACME-1","delta":9007199254740991}`)))
	s.accept(s.sign("acme", "again", counted(`{"sku":"ACME-1","quantity":5,"expected":9007199254740991}`)))
	s.onHand(map[string]int64{"ACME-1": 5, "ACME-2": 0})
}

func TestASumOutOfBoundsIsRefused(t *testing.T) {
	s := start(t, nil)
	s.stock(1, "ACME-1")
	s.refuse(s.sign("acme", "msg_1", adjusted(`{"sku":"ACME-1","delta":9007199254740991}`)),
		http.StatusUnprocessableEntity, "QUANTITY_INVALID", "ACME-1")
	const most = `{"sku":"ACME-1","delta":9007199254740991}`
	s.refuse(s.sign("acme", "msg_1", adjusted(`{"lines":[`+most+`,`+most+`]}`)),
		http.StatusUnprocessableEntity, "QUANTITY_INVALID", "ACME-1")
	hundred := strings.TrimSuffix(strings.Repeat(most+",", 100), ",") // far over what an int64 has, were it summed carelessly
	s.refuse(s.sign("acme", "msg_1", adjusted(`{"lines":[`+hundred+`]}`)), http.StatusUnprocessableEntity, "QUANTITY_INVALID", "ACME-1")
	s.onHand(map[string]int64{"ACME-1": 1})
}

// TestATimeIsThatOfRFC3339, which what is stored and shown can have.
func TestATimeIsThatOfRFC3339(t *testing.T) {
	s := start(t, nil)
	for i, tt := range []struct {
		time string
		want string // shown; empty: refused
	}{
		{"2126-11-21T11:00:00Z", "2126-11-21T11:00:00Z"},
		{"2126-11-21T11:00:00.123456789Z", "2126-11-21T11:00:00.123456789Z"},
		{"2126-11-21T11:00:00+01:00", "2126-11-21T10:00:00Z"},
		{"2126-11-21T11:00:00-23:59", "2126-11-22T10:59:00Z"},
		{"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
		{"2126-11-22T12:59:59.999999+01:00", "2126-11-22T11:59:59.999999Z"},
		{"2126-11-21T11:00:00+24:00", ""},
		{"2126-11-21T11:00:00+23:60", ""},
		{"0000-01-01T00:00:00+01:00", ""}, // the year before, which has no four digits
		{"9999-12-31T23:59:59-01:00", ""},
		{"2126-11-21T11:00:00,5Z", ""},
		{"2126-11-21T1:00:00Z", ""},
		{"2126-11-21 11:00:00Z", ""},
		{"2126-11-21T11:00:00", ""},
		{"2126-02-29T11:00:00Z", ""},
		{"2126-11-21", ""},
		{"", ""},
	} {
		t.Run(tt.time, func(t *testing.T) {
			s.T = t
			id := fmt.Sprint("D-", i)
			m := s.sign("acme", id, strings.Replace(delivered(`{"id":"`+id+`","status":"x"}`), "2126-11-21T11:00:00Z", tt.time, 1))
			if tt.want == "" {
				s.wantFault(m, "/timestamp", "2026-11-21T12:00:00Z")
				return
			}
			s.accept(m)
			if got := s.delivery(id).Events[0].Time.Format(time.RFC3339Nano); got != tt.want {
				t.Errorf("its time is shown as %s, want %s", got, tt.want)
			}
		})
	}
}

// TestABodyIsTakenUpTo64KiB, and never an encoded one.
func TestABodyIsTakenUpTo64KiB(t *testing.T) {
	s := start(t, nil)
	s.stock(10, "ACME-1")
	full := adjusted(take)
	full += strings.Repeat(" ", 65_536-len(full))
	s.accept(s.sign("acme", "msg_1", full))
	over := s.sign("acme", "msg_2", full+" ")
	s.refuse(over, http.StatusRequestEntityTooLarge, "BODY_TOO_LARGE", "65536 bytes")
	for _, encoding := range []string{"gzip", "br", "x", "gzip, gzip"} {
		over.header = http.Header{"Content-Encoding": {encoding}} // and nothing else is right
		s.refuse(over, http.StatusUnsupportedMediaType, "CONTENT_ENCODING_UNSUPPORTED", "without Content-Encoding")
	}
	text := s.sign("acme", "msg_2", adjusted(take))
	text.header.Set("Content-Type", "text/plain")
	s.refuse(text, http.StatusUnsupportedMediaType, "UNSUPPORTED_MEDIA_TYPE", "text/plain")
	s.onHand(map[string]int64{"ACME-1": 9})
}
