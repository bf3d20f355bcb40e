package update_test

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

// take takes one of ACME-1, of which there are 10.
const take = `{"sku":"ACME-1","delta":-1}`

// TestAnUpdateThatWasTamperedWithIsRefused, and changes nothing. The reply is the same for
// all of them, and the same as for no signature and no such partner.
func TestAnUpdateThatWasTamperedWithIsRefused(t *testing.T) {
	s := start(t, nil)
	s.stock(10, "ACME-1")
	s.write("other.json", `{"id":"other","keys":[{"secret":"`+secretOf("other")+`"}],"types":["*"],"skus":["*"]}`)
	s.pass(time.Minute)
	var first reply
	for _, tt := range []struct {
		name   string
		change func(m *message)
	}{
		{"a byte of the body", func(m *message) { m.body = strings.Replace(m.body, "-1", "-2", 1) }},
		{"a byte of white space", func(m *message) { m.body += "\n" }},
		{"a byte of the id", func(m *message) { m.header.Set("webhook-id", "msg_2") }},
		{"a second", func(m *message) { m.header.Set("webhook-timestamp", strconv.FormatInt(s.clock().Unix()+1, 10)) }},
		{"another partner's key", func(m *message) { *m = s.signAt("acme", "beta", "msg_1", m.body, s.clock()) }},
		{"another partner's update", func(m *message) { m.path = "/partners/other/updates" }},
		{"a partner that is not there", func(m *message) { m.path = "/partners/nobody/updates" }},
		{"a partner whose name cannot be", func(m *message) { m.path = "/partners/" + strings.Repeat("x", 1000) + "/updates" }},
		{"another case of the name", func(m *message) { m.path = "/partners/ACME/updates" }},
		{"no headers", func(m *message) { m.header = http.Header{} }},
		{"no id", func(m *message) { m.header.Del("webhook-id") }},
		{"no timestamp", func(m *message) { m.header.Del("webhook-timestamp") }},
		{"no signature", func(m *message) { m.header.Del("webhook-signature") }},
		{"an empty header", func(m *message) { m.header.Set("webhook-signature", "") }},
		{"an empty signature", func(m *message) { m.header.Set("webhook-signature", "v1,") }},
		{"version none", func(m *message) { m.header.Set("webhook-signature", "none") }},
		{"version v1a", func(m *message) {
			m.header.Set("webhook-signature", strings.Replace(m.header.Get("webhook-signature"), "v1,", "v1a,", 1))
		}},
		{"no version", func(m *message) {
			m.header.Set("webhook-signature", strings.TrimPrefix(m.header.Get("webhook-signature"), "v1,"))
		}},
		{"a signature cut short", func(m *message) {
			m.header.Set("webhook-signature", m.header.Get("webhook-signature")[:20])
		}},
		{"five that do not fit", func(m *message) { m.header.Set("webhook-signature", "v1,a v1,b v1,c v2,d e") }},
		{"stale, and not signed", func(m *message) {
			m.header.Set("webhook-timestamp", strconv.FormatInt(s.clock().Unix()-1000, 10))
		}},
		{"signed, with no JSON, by another", func(m *message) { *m = s.signAt("acme", "beta", "msg_1", "{", s.clock()) }},
		{"what belongs to the body, in the time", func(m *message) {
			*m = s.signAt("acme", "acme", "msg_1", m.body, time.Unix(s.clock().Unix()*10+1, 0)) // 11 digits
			digits := m.header.Get("webhook-timestamp")
			m.header.Set("webhook-timestamp", digits[:10])
			m.body = digits[10:] + "." + m.body
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.T = t
			m := s.sign("acme", "msg_1", adjusted(take))
			tt.change(&m)
			r := s.refuse(m, http.StatusUnauthorized, "SIGNATURE_INVALID", "The signature is missing, or is not this partner's")
			r.header.Del("Date")
			if first.status == 0 {
				first = r
			}
			if fmt.Sprint(r) != fmt.Sprint(first) {
				t.Errorf("the reply is\n%v, want the same as the others\n%v", r, first)
			}
		})
	}
	s.T = t
	s.accept(s.sign("acme", "msg_1", adjusted(take))) // so it was not for another reason
	s.onHand(map[string]int64{"ACME-1": 9})
}

func TestAHeaderOfAnotherFormIsNamed(t *testing.T) {
	s := start(t, nil)
	s.stock(10, "ACME-1")
	for _, tt := range []struct {
		name, header string
		values       []string
		says         string
	}{
		{"a dot in the id", "webhook-id", []string{"msg.1"}, "webhook-id has 1 to 64 letters"},
		{"an id of 65 letters", "webhook-id", []string{strings.Repeat("x", 65)}, "webhook-id has 1 to 64 letters"},
		{"ids in one header", "webhook-id", []string{"msg_1, msg_1"}, "webhook-id has 1 to 64 letters"},
		{"two ids", "webhook-id", []string{"msg_1", "msg_2"}, "webhook-id is there more than once"},
		{"an id twice", "webhook-id", []string{"msg_1", "msg_1"}, "webhook-id is there more than once"},
		{"an id, and an empty one", "webhook-id", []string{"msg_1", ""}, "webhook-id is there more than once"},
		{"nine digits", "webhook-timestamp", []string{"999999999"}, "webhook-timestamp is the seconds since 1970"},
		{"a zero before it", "webhook-timestamp", []string{"04950000000"}, "webhook-timestamp is the seconds since 1970"},
		{"a sign", "webhook-timestamp", []string{"+4950000000"}, "webhook-timestamp is the seconds since 1970"},
		{"milliseconds", "webhook-timestamp", []string{"4950000000000"}, "webhook-timestamp is the seconds since 1970"},
		{"a date", "webhook-timestamp", []string{"2126-11-21T12:00:00Z"}, "webhook-timestamp is the seconds since 1970"},
		{"two times", "webhook-timestamp", []string{"4950000000", "4950000001"}, "webhook-timestamp is there more than once"},
		{"six signatures", "webhook-signature", []string{"v1,a v1,b v1,c v1,d v1,e v1,f"}, "webhook-signature has at most 1024 bytes and 5 signatures"},
		{"1,025 bytes", "webhook-signature", []string{"v1," + strings.Repeat("a", 1022)}, "webhook-signature has at most 1024 bytes and 5 signatures"},
		{"two headers", "webhook-signature", []string{"v1,a", "v1,b"}, "webhook-signature is there more than once"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s.T = t
			for _, partner := range []string{"acme", "nobody"} {
				m := s.sign("acme", "msg_1", adjusted(take))
				m.path = "/partners/" + partner + "/updates"
				m.header[http.CanonicalHeaderKey(tt.header)] = tt.values
				r := s.refuse(m, http.StatusBadRequest, "WEBHOOK_HEADERS_INVALID", tt.says)
				if strings.Contains(r.body, tt.values[0]) {
					t.Errorf("it quotes the header: %s", r.body)
				}
			}
		})
	}
	s.T = t
	m := s.sign("acme", "msg_1", adjusted(take)) // the right one of five, in 1,024 bytes
	signature := m.header.Get("webhook-signature")
	m.header.Set("webhook-signature", "v1,x v1,y v1a,z "+signature+" "+strings.Repeat("x", 1024-17-len(signature)))
	if got := len(m.header.Get("webhook-signature")); got != 1024 {
		t.Fatalf("the header has %d bytes, want 1024", got)
	}
	s.accept(m)
}

func TestAnUpdateIsGoodFor300SecondsEitherWay(t *testing.T) {
	s := start(t, nil)
	s.stock(10, "ACME-1")
	for i, tt := range []struct {
		off  int
		good bool
	}{
		{-301, false}, {-300, true}, {-299, true}, {299, true}, {300, true}, {301, false}, {-86_400, false}, {86_400 * 365, false},
	} {
		m := s.signAt("acme", "acme", fmt.Sprint("msg_", i), adjusted(take), s.clock().Add(time.Duration(tt.off)*time.Second))
		if tt.good {
			s.accept(m)
			continue
		}
		r := s.refuse(m, http.StatusUnauthorized, "TIMESTAMP_OUT_OF_RANGE", "over 300 seconds from the time it is here")
		if got, want := r.header.Get("Date"), "Thu, 21 Nov 2126 12:00:00 GMT"; got != want {
			t.Errorf("Date %q, want %q, by which a partner sets its clock", got, want)
		}
	}
	s.onHand(map[string]int64{"ACME-1": 6})
}

// TestWhatWasOverheardIsWorthNothingLater: after the window it is stale, and within it
// it is known.
func TestWhatWasOverheardIsWorthNothingLater(t *testing.T) {
	s := start(t, nil)
	s.stock(10, "ACME-1")
	m := s.sign("acme", "msg_1", adjusted(take))
	s.accept(m)
	s.pass(300 * time.Second)
	s.accept(m)
	s.pass(time.Second)
	s.refuse(m, http.StatusUnauthorized, "TIMESTAMP_OUT_OF_RANGE", "")
	s.onHand(map[string]int64{"ACME-1": 9})
	if got := len(s.rows("acme")); got != 2 {
		t.Errorf("%d rows, want that of the count and one", got)
	}
}

func TestAKeyThatHasEndedIsNoKey(t *testing.T) {
	s := start(t, nil)
	s.write("acme.json", fmt.Sprintf(`{"id":"acme","keys":[{"secret":%q,"notAfter":%q},{"secret":%q}],"types":["*"],"skus":["*"]}`,
		secretOf("old"), noon.Add(2*time.Minute).Format(time.RFC3339), secretOf("acme")))
	s.pass(time.Minute)
	s.stock(10, "ACME-1")
	s.pass(time.Minute)
	s.accept(s.signAt("acme", "old", "msg_1", adjusted(take), s.clock()))
	s.pass(time.Second)
	s.refuse(s.signAt("acme", "old", "msg_2", adjusted(take), s.clock()), http.StatusUnauthorized, "SIGNATURE_INVALID", "")
	s.accept(s.signAt("acme", "acme", "msg_2", adjusted(take), s.clock()))
}
