package partner

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestADocumentSaysWhoThePartnerIs(t *testing.T) {
	text := fmt.Sprintf(`{"id":"acme","keys":[{"secret":%q,"notAfter":"2027-01-01T01:00:00+01:00"},{"secret":%q}],
		"types":["stock.*","delivery.updated"],"skus":["ACME-*"],"legacy":{"token":%q,"text":["raw","python","compact"]}}`,
		secretOf("one"), secretOf("two"), tokenOf("acme"))
	d, err := parseDocument([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	p, faults := d.partner(noon)
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	got := fmt.Sprint(p.ID, p.Types, p.SKUs, p.Texts, p.ActiveKeys(noon), string(p.token))
	want := fmt.Sprint("acme", []string{"stock.*", "delivery.updated"}, []string{"ACME-*"}, []Text{Raw, Python, Compact},
		[]time.Time{time.Date(2027, 1, 1, 1, 0, 0, 0, time.FixedZone("", 3600)), {}}, tokenOf("acme"))
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestWhatADocumentMayBe(t *testing.T) {
	keys := func(n int, format string) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(format, secretOf(fmt.Sprint(i))))
		}
		return `"keys":[` + strings.Join(all, ",") + `]`
	}
	const active, ended = `{"secret":%q}`, `{"secret":%q,"notAfter":"2026-11-22T11:59:59Z"}`
	secret := func(bytes int) string {
		return fmt.Sprintf(`"keys":[{"secret":"whsec_%s"}]`, base64.StdEncoding.EncodeToString(make([]byte, bytes)))
	}
	token := func(bytes int) string {
		return fmt.Sprintf(`"legacy":{"token":%q,"text":["raw"]}`, strings.Repeat("x", bytes))
	}
	one := keys(1, active)
	for _, tt := range []struct {
		name, text string
		want       string // in the error; empty: none
	}{
		{"the least", `{"id":"a",` + one + `}`, ""},
		{"nulls for what is not there", `{"id":"a",` + one + `,"types":null,"skus":null,"legacy":null}`, ""},
		{"two keys", `{"id":"a",` + keys(2, active) + `}`, ""},
		{"three keys", `{"id":"a",` + keys(3, active) + `}`, "/keys: 3 keys are active, 2 may be"},
		{"a key that ends now", `{"id":"a",` + keys(3, `{"secret":%q,"notAfter":"2026-11-22T12:00:00Z"}`) + `}`, "/keys: 3 keys are active, 2 may be"},
		{"ten keys that have ended", `{"id":"a",` + keys(10, ended) + `}`, ""},
		{"eleven keys", `{"id":"a",` + keys(11, ended) + `}`, "/keys: there are over 10"},
		{"no key but a token", `{"id":"a",` + token(16) + `}`, ""},
		{"neither", `{"id":"a"}`, "/keys: there is neither a key nor a token"},
		{"neither, in words", `{"id":"a","keys":[]}`, "/keys: there is neither a key nor a token"},

		{"a long id", `{"id":"` + strings.Repeat("a", 63) + `",` + one + `}`, ""},
		{"an id too long", `{"id":"` + strings.Repeat("a", 64) + `",` + one + `}`, "/id: it has 1 to 63"},
		{"an id that begins with a digit", `{"id":"0-a",` + one + `}`, ""},
		{"an id that begins with a dash", `{"id":"-a",` + one + `}`, "/id: it has 1 to 63"},
		{"capitals in an id", `{"id":"Acme",` + one + `}`, "/id: it has 1 to 63"},
		{"a path as id", `{"id":"a/b",` + one + `}`, "/id: it has 1 to 63"},
		{"a dot in an id", `{"id":"a.b",` + one + `}`, "/id: it has 1 to 63"},
		{"no id", `{` + one + `}`, "/id: it has 1 to 63"},
		{"null", `null`, "/id: it has 1 to 63"},

		{"23 bytes", `{"id":"a",` + secret(23) + `}`, "/keys/0/secret: a secret is whsec_"},
		{"24 bytes", `{"id":"a",` + secret(24) + `}`, ""},
		{"64 bytes", `{"id":"a",` + secret(64) + `}`, ""},
		{"65 bytes", `{"id":"a",` + secret(65) + `}`, "/keys/0/secret: a secret is whsec_"},
		{"no secret", `{"id":"a","keys":[{}]}`, "/keys/0/secret: a secret is whsec_"},
		{"no prefix", `{"id":"a","keys":[{"secret":"` + strings.Repeat("A", 32) + `"}]}`, "/keys/0/secret: a secret is whsec_"},
		{"base64 for URLs", `{"id":"a","keys":[{"secret":"whsec_` + strings.Repeat("-_", 16) + `"}]}`, "/keys/0/secret: a secret is whsec_"},
		{"base64 without its padding", `{"id":"a","keys":[{"secret":"whsec_` + strings.Repeat("A", 34) + `"}]}`, "/keys/0/secret: a secret is whsec_"},
		{"base64 with bits to spare", `{"id":"a","keys":[{"secret":"whsec_` + strings.Repeat("A", 33) + `B=="}]}`, "/keys/0/secret: a secret is whsec_"},
		{"base64 in two lines", `{"id":"a","keys":[{"secret":"whsec_` + strings.Repeat("A", 16) + `\n` + strings.Repeat("A", 16) + `"}]}`, "/keys/0/secret: a secret is whsec_"},
		{"a day as an end", `{"id":"a",` + keys(2, `{"secret":%q,"notAfter":"2027-01-01"}`) + `}`, "/keys/1/notAfter: it is not a time such as"},

		{"when a key was made", `{"id":"a",` + keys(2, `{"secret":%q,"created":"2026-01-01T00:00:00+01:00"}`) + `}`, ""},
		{"a day on which a key was made", `{"id":"a",` + keys(1, `{"secret":%q,"created":"2026-01-01"}`) + `}`, "/keys/0/created: it is not a time such as"},
		{"types", `{"id":"a",` + one + `,"types":["stock.*","delivery.updated","*","stock.adj*"]}`, ""},
		{"a type that is not there", `{"id":"a",` + one + `,"types":["stock.*","stock.sold"]}`, "/types/1: it is none of stock.adjusted, stock.counted, delivery.updated"},
		{"a pattern of none", `{"id":"a",` + one + `,"types":["order.*"]}`, "/types/0: it is none of"},
		{"a * within a type", `{"id":"a",` + one + `,"types":["*.adjusted"]}`, "/types/0: it is none of"},
		{"an empty type", `{"id":"a",` + one + `,"types":[""]}`, "/types/0: it is none of"},
		{"SKUs", `{"id":"a",` + one + `,"skus":["*","A*-*B","ACME-1"]}`, ""},
		{"a SKU that cannot be", `{"id":"a",` + one + `,"skus":["ACME-*","ACME *"]}`, "/skus/1: no item can have such a SKU"},
		{"an empty SKU", `{"id":"a",` + one + `,"skus":[""]}`, "/skus/0: no item can have such a SKU"},

		{"a token of 15 bytes", `{"id":"a",` + token(15) + `}`, "/legacy/token: it has 16 to 256 bytes"},
		{"a token of 256 bytes", `{"id":"a",` + token(256) + `}`, ""},
		{"a token of 257 bytes", `{"id":"a",` + token(257) + `}`, "/legacy/token: it has 16 to 256 bytes"},
		{"no text", `{"id":"a","legacy":{"token":"0123456789abcdef","text":[]}}`, "/legacy/text: it is a list of some of raw"},
		{"a text that is not there", `{"id":"a","legacy":{"token":"0123456789abcdef","text":["raw","Python"]}}`, "/legacy/text: it is a list of some of raw"},
		{"a text twice", `{"id":"a","legacy":{"token":"0123456789abcdef","text":["raw","raw"]}}`, "/legacy/text: it is a list of some of raw"},

		{"nothing", " \n", "it is empty"},
		{"half of it", `{"id":"a"`, "not JSON"},
		{"two of it", `{"id":"a",` + one + `}{}`, "something follows"},
		{"a name twice", `{"id":"a","id":"b",` + one + `}`, "not JSON at byte 10: duplicate object member name"},
		{"no UTF-8", "{\"id\":\"a\xff\"}", "not JSON"},
		{"a list", `[]`, "it has to be an object"},
		{"a number as id", `{"id":1}`, "/id: it has to be a string"},
		{"an object as keys", `{"keys":{"x":1}}`, "/keys: it has to be a list"},
		{"a string as a key", `{"keys":["whsec_x"]}`, "/keys/0: it has to be an object"},
		{"a string as the old scheme", `{"legacy":"token"}`, "/legacy: it has to be an object"},
		{"another field", `{"id":"a","note":1}`, "at byte 10: there is no such field; the fields are id"},
		{"another field of a key", `{"id":"a","keys":[{"Secret":1}]}`, "/keys/0: at byte 19: there is no such field"},
		{"another case", `{"ID":"a"}`, "at byte 1: there is no such field"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := parseDocument([]byte(tt.text))
			if err == nil {
				_, faults := d.partner(noon)
				err = errors.Join(faults...)
			}
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s\ngot error %v, want %q", tt.text, err, tt.want)
			}
			if err != nil {
				wantNoSecret(t, err.Error(), "0", "1", "2")
			}
		})
	}
}

func TestAllThatIsWrongIsSaidAtOnce(t *testing.T) {
	d := document{ID: "A", Keys: []documentKey{{Secret: "x", NotAfter: "y"}}, Types: []string{"z"}, SKUs: []string{""}, Legacy: &documentLegacy{}}
	_, faults := d.partner(noon)
	got := errors.Join(faults...).Error()
	for _, want := range []string{"/id", "/keys/0/secret", "/keys/0/notAfter", "/types/0", "/skus/0", "/legacy/token", "/legacy/text"} {
		if !strings.Contains(got, want+": ") {
			t.Errorf("it does not name %s, want all:\n%s", want, got)
		}
	}
}

// TestNoFaultQuotesASecret puts secrets where they do not belong.
func TestNoFaultQuotesASecret(t *testing.T) {
	for _, format := range []string{
		`{"id":%q}`, `{%q:1}`, `{"keys":{%q:1}}`, `{"keys":[%q]}`, `{"keys":%q}`, `{"keys":[{%q:1}]}`, `{"keys":[{"notAfter":%q}]}`, `{"types":[%q]}`,
		`{"skus":["/",%q]}`, `{"legacy":%q}`, `{"legacy":{%q:1}}`, `{"legacy":{"token":"short","text":[%q]}}`, `{"id":1,%[1]q:1,%[1]q:2}`, `%q`, `{"id" %q}`, `{"id":%q "}`,
		`{"keys":[{"secret":%q "x"}]}`, `{"legacy":{"text":%q}}`, `{"keys":[{"secret":[%q]}]}`, `{"types":{%q:[]}}`,
	} {
		for _, secret := range []string{secretOf("x"), tokenOf("x"), secretOf("x") + "="} {
			text := fmt.Sprintf(format, secret)
			d, err := parseDocument([]byte(text))
			if err == nil {
				_, faults := d.partner(noon)
				err = errors.Join(faults...)
			}
			if err == nil {
				t.Errorf("%s is taken, want a fault", text)
				continue
			}
			wantNoSecret(t, err.Error(), "x")
		}
	}
}
