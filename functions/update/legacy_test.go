package update_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/storage"
)

// startOld starts the function with the old scheme on, up to a day long after the tests'.
func startOld(t *testing.T) *server {
	t.Helper()
	return start(t, func(c *edge.Config) { c.LegacyUpdates = "2127-06-30" })
}

// old makes an update of the old scheme: a parameter, and the key of its text.
func old(param, text, token string) message {
	key := fmt.Sprintf("%x", sha256.Sum256([]byte(text+token)))
	keepSecret(key)
	return oldBody(fmt.Sprintf(`{"datas":[%s,{"key":%q}]}`, param, key))
}

func oldBody(body string) message {
	return message{"/update", http.Header{"Content-Type": {"application/json"}}, body}
}

// oldOf makes one of a partner, of the parameter's bytes as they are.
func oldOf(partner, param string) message { return old(param, param, tokenOf(partner)) }

// acceptOld posts what has to be accepted, and returns its id.
func (s *server) acceptOld(m message) (id string) {
	s.Helper()
	s.pass(time.Second) // there are 5 a second
	r := s.accept(m)
	var got struct {
		Status  bool
		Msg, ID string
	}
	if err := json.Unmarshal([]byte(r.body), &got); err != nil || !got.Status || got.Msg != "success" || !strings.HasPrefix(r.body, `{"status":true,"msg":"success",`) {
		s.Errorf("%s: %s, %v, want status true and success", m.body, r.body, err)
	}
	s.wantSunset(r, "Tue, 01 Jul 2127 00:00:00 GMT")
	return got.ID
}

// wantSunset wants a reply to say once when the old scheme ends.
func (s *server) wantSunset(r reply, want ...string) {
	s.Helper()
	if got := r.header.Values("Sunset"); !slices.Equal(got, want) {
		s.Errorf("%d %s: Sunset %q, want %q", r.status, r.body, got, want)
	}
}

// refuseOld posts what has to be refused in the old scheme's own form, and wants nothing
// stored.
func (s *server) refuseOld(m message, status int, msg string) reply {
	s.Helper()
	s.pass(time.Second)
	before := s.dump()
	r := s.post(m)
	s.wantOldRefusal(r, status, msg)
	if s.dump() != before {
		s.Errorf("%.200s: it was refused (%d), and something is stored", m.body, r.status)
	}
	return r
}

func (s *server) wantOldRefusal(r reply, status int, msg string) {
	s.Helper()
	d := json.NewDecoder(strings.NewReader(r.body))
	d.DisallowUnknownFields()
	var got struct {
		Status *bool   `json:"status"`
		Msg    *string `json:"msg"`
	}
	if err := d.Decode(&got); err != nil || got.Status == nil || *got.Status || got.Msg == nil || !strings.Contains(*got.Msg, msg) || *got.Msg == "" {
		s.Errorf("%s, %v, want {\"status\":false,\"msg\":%q}", r.body, err, msg)
	}
	if r.status != status || r.header.Get("Content-Type") != "application/json" {
		s.Errorf("%d %q %s, want %d application/json", r.status, r.header.Get("Content-Type"), r.body, status)
	}
}

func TestTheOldSchemeTakesThreeTexts(t *testing.T) {
	s := startOld(t)
	const (
		raw     = "{ \"n\": \"caf\\u00E9 é\",\n\t\"qty\":1.50 }"
		compact = "{\"n\":\"caf\\u00E9 é\",\"qty\":1.50}"
		python  = `{"n": "caf\u00e9 \u00e9", "qty": 1.5}`
	)
	for _, text := range []string{raw, compact, python} {
		id := s.acceptOld(old(raw, text, tokenOf("acme")))
		if r := s.rows("acme")[0]; r.ID != id || r.Scheme != "legacy" || r.Type != "" || !r.ReceivedTime.Equal(s.clock()) {
			t.Errorf("row %+v, want a legacy one of id %s", r, id)
		}
	}
	s.acceptOld(old(raw, raw, tokenOf("beta")))
	for _, text := range []string{compact, python} { // which beta may not
		s.refuseOld(old(raw, text, tokenOf("beta")), http.StatusUnauthorized, "Param tidak diketahui")
	}
	if got := len(s.rows("beta")); got != 1 {
		t.Errorf("%d rows of beta, whose token tells that it is, want 1", got)
	}
}

func TestAKeyOfTheOldSchemeThatDoesNotFitIsRefused(t *testing.T) {
	s := startOld(t)
	good := oldOf("acme", `{"id":"D-1","status":"shipped"}`)
	for name, m := range map[string]message{
		"another token":      old(`{"a":1}`, `{"a":1}`, tokenOf("nobody")),
		"no token":           old(`{"a":1}`, `{"a":1}`, ""),
		"another parameter":  oldBody(strings.Replace(good.body, "D-1", "D-2", 1)),
		"a space more":       oldBody(strings.Replace(good.body, `"D-1",`, `"D-1" ,`, 1)), // as raw; as compact it would fit
		"a key cut short":    oldBody(good.body[:len(good.body)-5] + `"}]}`),
		"upper case":         oldBody(good.body[:len(good.body)-69] + strings.ToUpper(good.body[len(good.body)-69:])),
		"an empty key":       oldBody(`{"datas":[{"a":1},{"key":""}]}`),
		"no key":             oldBody(`{"datas":[{"a":1},{}]}`),
		"the token as key":   oldBody(fmt.Sprintf(`{"datas":[{"a":1},{"key":%q}]}`, tokenOf("acme"))),
		"a secret as token":  old(`{"a":1}`, `{"a":1}`, secretOf("acme")),
		"a key of a text of": old(`{"a":1}`, `{"a":2}`, tokenOf("acme")),
	} {
		t.Run(name, func(t *testing.T) {
			s.T = t
			if name == "a space more" {
				m = oldBody(strings.Replace(oldOf("beta", `{"id":"D-1","status":"shipped"}`).body, `"D-1",`, `"D-1" ,`, 1))
			}
			if name == "upper case" && m.body == good.body {
				t.Fatal("it is as it was")
			}
			r := s.refuseOld(m, http.StatusUnauthorized, "Param tidak diketahui")
			if got, want := r.body, "{\"status\":false,\"msg\":\"Param tidak diketahui\"}\n"; got != want {
				t.Errorf("%q, want %q", got, want)
			}
		})
	}
}

// TestByTheOldSchemeTooNobodyIsRefusedForGoodWhileADocumentCannotBeRead.
func TestByTheOldSchemeTooNobodyIsRefusedForGoodWhileADocumentCannotBeRead(t *testing.T) {
	s := startOld(t)
	s.write("beta.json", "{")
	s.pass(11 * time.Minute)
	for _, m := range []message{oldOf("beta", `{"a":1}`), old(`{"a":1}`, `{"a":1}`, tokenOf("nobody"))} {
		r := s.refuseOld(m, http.StatusServiceUnavailable, "Nothing was done")
		if r.header.Get("Retry-After") != "30" {
			t.Errorf("%v, want Retry-After 30", r.header)
		}
	}
	s.acceptOld(oldOf("acme", `{"a":1}`))
}

// TestEveryRefusalOfTheOldSchemeHasItsForm, also those that the edge makes.
func TestEveryRefusalOfTheOldSchemeHasItsForm(t *testing.T) {
	s := startOld(t)
	with := func(m message, name, value string) message {
		m.header = m.header.Clone()
		m.header.Set(name, value)
		return m
	}
	good := oldOf("acme", `{"a":1}`)
	for _, tt := range []struct {
		name   string
		m      message
		status int
		msg    string
	}{
		{"no JSON", oldBody("datas=1"), 400, "not JSON"},
		{"nothing", oldBody(""), 400, "required"},
		{"a name twice", oldOf("acme", `{"a":1,"a":2}`), 400, "duplicate"},
		{"33 deep", oldOf("acme", `{"a":`+strings.Repeat("[", 31)+strings.Repeat("]", 31)+`}`), 400, "nested"},
		{"a query that cannot be", message{"/update?%zz", good.header, good.body}, 400, "percent-encoded"},
		{"too long", oldBody(good.body + strings.Repeat(" ", 65_537)), 413, "65536"},
		{"encoded", with(good, "Content-Encoding", "gzip"), 415, "Content-Encoding"},
		{"not said to be JSON", with(good, "Content-Type", "text/plain"), 415, "text/plain"},
		{"a list", oldBody("[]"), 422, "an object"},
		{"no datas", oldBody("{}"), 422, "/datas"},
		{"one part", oldBody(`{"datas":[{"a":1}]}`), 422, "two parts"},
		{"three parts", oldBody(`{"datas":[{"a":1},{"key":"x"},{}]}`), 422, "two parts"},
		{"a parameter that is no object", oldOf("acme", `[1]`), 422, "two parts"},
		{"a key that is none", oldBody(`{"datas":[{"a":1},{"key":1}]}`), 422, "/datas/1/key"},
		{"a key that is no object", oldBody(`{"datas":[{"a":1},"x"]}`), 422, "/datas/1"},
		{"another field", oldBody(`{"datas":[{"a":1},{"key":"x"}],"x":1}`), 422, "/x"},
		{"another case", oldBody(`{"Datas":[{"a":1},{"key":"x"}]}`), 422, "/Datas"},
		{"a known type that is not one", oldOf("acme", adjusted(`{"sku":"ACME-1"}`)), 422, "/data/delta"},
		{"a status of nothing", oldOf("acme", `{"status":"shipped"}`), 422, "/datas/0: it has a status, and does not say of which delivery"},
		{"a status of an empty id", oldOf("acme", `{"id":"","delivery":null,"status":"shipped"}`), 422, "/datas/0: it has a status"},
		{"a status of what is no delivery", oldOf("acme", `{"id":"a/b","order":"O-1","status":"x"}`), 422, "/datas/0/id: with a status it is the id of a delivery"},
		{"a status that is too long", oldOf("acme", `{"id":"D-1","status":"`+strings.Repeat("x", 65)+`"}`), 422, "/datas/0/status: it has at most 64 bytes"},
		{"an item that is not there", oldOf("acme", adjusted(`{"sku":"ACME-1","delta":1}`)), 404, "ACME-1"},
		{"another's item", oldOf("acme", adjusted(`{"sku":"BETA-1","delta":1}`)), 403, "the stock of BETA-1"},
		{"a type that is not the partner's", oldOf("beta", adjusted(`{"sku":"BETA-1","delta":1}`)), 403, "stock.adjusted"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.T = t
			s.refuseOld(tt.m, tt.status, tt.msg)
		})
	}
	s.T = t
	for _, tt := range []struct {
		fault  error
		status int
		msg    string
		after  string // Retry-After
	}{
		{errors.New("a fault"), 500, "Internal Server Error", ""},
		{storage.ErrUnavailable, 503, "Nothing was done", "5"},
		{storage.ErrUnknown, 503, "it would be done twice", ""},
	} {
		s.store.fail(func() error { return tt.fault })
		r := s.refuseOld(good, tt.status, tt.msg)
		if got := r.header.Get("Retry-After"); got != tt.after {
			t.Errorf("%v: Retry-After %q, want %q", tt.fault, got, tt.after)
		}
		s.store.fail(func() error { panic(tt.fault) })
		s.refuseOld(good, 500, "Internal Server Error")
		s.store.fail(nil)
	}
	s.pass(time.Minute)
	for range 10 {
		s.accept(good)
	}
	r := s.post(good)
	s.wantOldRefusal(r, http.StatusTooManyRequests, "At most 5 requests a second")
	if r.header.Get("Retry-After") != "1" {
		t.Errorf("%v, want Retry-After 1", r.header)
	}
	s.accept(s.sign("acme", "msg_1", counted(`{"sku":"ACME-1","quantity":1}`))) // the rate is the old scheme's own
}

// TestEveryReplyOfTheOldSchemeSaysWhenItEnds, but for those that the edge gives before it.
func TestEveryReplyOfTheOldSchemeSaysWhenItEnds(t *testing.T) {
	s := startOld(t)
	const end = "Tue, 01 Jul 2127 00:00:00 GMT"
	for _, tt := range []struct {
		m      message
		status int
	}{
		{oldBody(""), 400},
		{oldBody("datas=1"), 400},
		{old(`{"a":1}`, `{"a":1}`, "wrong"), 401},
		{oldOf("acme", adjusted(`{"sku":"BETA-1","delta":1}`)), 403},
		{oldOf("acme", adjusted(`{"sku":"ACME-1","delta":1}`)), 404},
		{oldBody(strings.Repeat(" ", 65_537)), 413},
		{oldBody("[]"), 422},
		{oldOf("acme", `{"status":"shipped"}`), 422},
	} {
		s.wantSunset(s.refuseOld(tt.m, tt.status, ""), end)
	}
	for _, fault := range []error{errors.New("a fault"), storage.ErrUnavailable, storage.ErrUnknown} {
		s.store.fail(func() error { return fault })
		s.wantSunset(s.post(oldOf("acme", `{"a":1}`)), end)
	}
	s.store.fail(func() error { panic("a panic") })
	s.wantSunset(s.post(oldOf("acme", `{"a":1}`)), end)
}

func TestAParameterOfAKnownTypeIsDoneLikeASignedUpdate(t *testing.T) {
	s := startOld(t)
	s.acceptOld(oldOf("acme", counted(`{"sku":"ACME-1","quantity":5}`)))
	id := s.acceptOld(oldOf("acme", adjusted(`{"sku":"ACME-1","delta":-1}`)))
	s.onHand(map[string]int64{"ACME-1": 4})
	found := false
	for _, r := range s.rows("acme") {
		if r.ID == id {
			found = r.Type == "stock.adjusted" && r.Scheme == "legacy" && string(r.Body) == adjusted(`{"sku":"ACME-1","delta":-1}`)
		}
	}
	if !found {
		t.Errorf("rows %+v, want one of %s", s.rows("acme"), id)
	}
	if other := s.acceptOld(oldOf("acme", adjusted(`{"sku":"ACME-1","delta":-1}`))); other == id { // what is sent again is done again
		t.Error("it has the id of the one before")
	}
	s.onHand(map[string]int64{"ACME-1": 3})
	s.acceptOld(oldOf("beta", delivered(`{"id":"D-1","status":"packed"}`)))
	s.refuseOld(oldOf("acme", delivered(`{"id":"D-1","status":"lost"}`)), http.StatusForbidden, "the delivery D-1")
	s.refuseOld(oldOf("acme", adjusted(`{"sku":"ACME-1","delta":-9}`)), http.StatusConflict, "9 wanted, 3 available")
}

func TestAParameterWithAStatusIsAnUpdateOfADelivery(t *testing.T) {
	s := startOld(t)
	for _, tt := range []struct{ param, delivery, status, order string }{
		{`{"id":"D-1","status":"shipped"}`, "D-1", "shipped", ""},
		{`{"id":17,"status":"shipped","order":"O-1"}`, "17", "shipped", "O-1"},
		{`{"delivery":"D-2","status":"shipped"}`, "D-2", "shipped", ""},
		{`{"order":"O-2","status":"shipped"}`, "O-2", "shipped", "O-2"},
		{`{"type":"other","id":"D-3","status":"shipped"}`, "D-3", "shipped", ""},
		{`{"id":"D-4","status":"shipped","order":"a\nb"}`, "D-4", "shipped", ""},
	} {
		id := s.acceptOld(oldOf("acme", tt.param))
		d := s.delivery(tt.delivery)
		if d.Status != tt.status || d.Order != tt.order || d.Partner != "acme" || len(d.Events) != 1 || d.Events[0].Update != id || !d.Events[0].Time.Equal(s.clock()) {
			t.Errorf("%s: %+v, want status %s, order %q", tt.param, d, tt.status, tt.order)
		}
		if r := s.rows("acme")[0]; r.ID != id || r.Type != "delivery.updated" {
			t.Errorf("%s: row %+v, want one of a delivery", tt.param, r)
		}
	}
	s.write("gamma.json", fmt.Sprintf(`{"id":"gamma","types":["stock.*"],"skus":["*"],"legacy":{"token":%q,"text":["raw"]}}`, tokenOf("gamma")))
	s.pass(time.Minute)
	s.refuseOld(oldOf("gamma", `{"id":"D-9","status":"shipped"}`), http.StatusForbidden, "delivery.updated")
	s.refuseOld(oldOf("beta", `{"id":"D-1","status":"shipped"}`), http.StatusForbidden, "the delivery D-1")
}

func TestAnyOtherParameterIsKeptAsItIs(t *testing.T) {
	s := startOld(t)
	for _, param := range []string{
		`{}`, `{ "a" : 1.50 , "b":"\u00e9" }`, `{"id":"D-1"}`, `{"id":"a/b"}`,
		`{"id":"D-1","status":""}`, `{"id":"D-1","status":["x"]}`, `{"id":"D-1","status":3}`, `{"id":"D-1","status":true}`, `{"status":null}`, `{"type":7}`, `{"TYPE":"stock.adjusted"}`, `{"type":"stock.set","data":{}}`,
	} {
		id := s.acceptOld(oldOf("acme", param))
		got := s.rows("acme")[0]
		var want bytes.Buffer
		if err := json.Compact(&want, []byte(param)); err != nil {
			t.Fatal(err)
		}
		if got.ID != id || got.Type != "" || got.Scheme != "legacy" || string(got.Body) != want.String() && string(got.Body) != param {
			t.Errorf("%s: row %s, want it as it is", param, got)
		}
	}
	if r := s.get("/deliveries/D-1"); r.status != http.StatusNotFound {
		t.Errorf("%d %s, want no delivery", r.status, r.body)
	}
}

func TestTheOldSchemeIsOffUnlessItIsAskedForAndHasAnEnd(t *testing.T) {
	for _, setting := range []string{"", "false", "2126-11-20", "true"} { // true is up to 2027-12-31
		t.Run(setting, func(t *testing.T) {
			s := start(t, func(c *edge.Config) { c.LegacyUpdates = setting })
			s.wantSunset(s.refuseOld(oldOf("acme", `{"a":1}`), http.StatusGone, "The old scheme is off"))
			s.refuseOld(old(`{"a":1}`, `{"a":1}`, "wrong"), http.StatusGone, "The old scheme is off")
		})
	}
	s := start(t, func(c *edge.Config) { c.LegacyUpdates = "2126-11-21" })
	s.pass(12*time.Hour - time.Second)
	s.accept(oldOf("acme", `{"a":1}`))
	s.refuseOld(oldOf("acme", `{"a":1}`), http.StatusGone, "The old scheme is off")
}

// TestNeitherSchemeFallsThroughToTheOther: what one would take the other refuses.
func TestNeitherSchemeFallsThroughToTheOther(t *testing.T) {
	s := startOld(t)
	signed := s.sign("acme", "msg_1", counted(`{"sku":"ACME-1","quantity":1}`))
	signed.path = "/update"
	s.refuseOld(signed, http.StatusUnprocessableEntity, "")
	m := oldOf("acme", `{"id":"D-1","status":"shipped"}`)
	m.path = "/partners/acme/updates"
	s.refuse(m, http.StatusUnauthorized, "SIGNATURE_INVALID", "")
	both := s.sign("acme", "msg_1", m.body) // rightly signed, and still no update
	s.refuse(both, http.StatusUnprocessableEntity, "UPDATE_INVALID", "/datas")
	both.path = "/update"
	both.body = `{"datas":[{"id":"D-1","status":"shipped"},{"key":"x"}]}`
	s.refuseOld(both, http.StatusUnauthorized, "Param tidak diketahui")
}
