package partner

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/tallystick/tallystick/internal/strictjson"
)

// document is how a partner is written down, in a JSON file of its own. Errors about it
// say where in it something is wrong and never what stands there: it may be a secret.
type document struct {
	ID     string          `json:"id"`
	Keys   []documentKey   `json:"keys,omitzero"`
	Types  []string        `json:"types,omitzero"`
	SKUs   []string        `json:"skus,omitzero"`
	Legacy *documentLegacy `json:"legacy,omitzero"`
}

type documentKey struct {
	Secret   string `json:"secret"`
	Created  string `json:"created,omitzero"`
	NotAfter string `json:"notAfter,omitzero"`
}

type documentLegacy struct {
	Token string `json:"token"`
	Text  []Text `json:"text"`
}

func parseDocument(data []byte) (d document, err error) {
	switch err := strictjson.Check(data); {
	case err == io.EOF:
		return d, errors.New("it is empty")
	case err != nil:
		return d, err
	}
	err = json.Unmarshal(data, &d, json.RejectUnknownMembers(true))
	var wrong *json.SemanticError
	switch {
	case !errors.As(err, &wrong):
		return d, err
	case errors.Is(err, json.ErrUnknownName):
		return d, fmt.Errorf("%sat byte %d: there is no such field; the fields are id, keys (secret, created, notAfter), types, skus and legacy (token, text)",
			place(wrong.JSONPointer.Parent()), wrong.ByteOffset)
	}
	return d, fmt.Errorf("%sit has to be %s", place(wrong.JSONPointer), shapes[wrong.GoType.Kind()])
}

// shapes names in JSON's words what a document is made of.
var shapes = map[reflect.Kind]string{reflect.String: "a string", reflect.Slice: "a list", reflect.Struct: "an object"}

func place(p jsontext.Pointer) string {
	if p == "" {
		return ""
	}
	return string(p) + ": "
}

func (d document) encode() ([]byte, error) {
	b, err := json.Marshal(d, jsontext.WithIndent("  "))
	return append(b, '\n'), err
}

// partner returns the partner, as far as it can be, and all faults.
func (d document) partner(now time.Time) (*Partner, []error) {
	f := new(faults)
	p := &Partner{ID: d.ID, Types: d.Types, SKUs: d.SKUs}
	if d.Legacy != nil {
		p.token, p.Texts = []byte(d.Legacy.Token), d.Legacy.Text
		f.unless(len(p.token) >= MinToken && len(p.token) <= MaxToken, "/legacy/token", fmt.Sprintf("it has %d to %d bytes", MinToken, MaxToken))
		f.unless(len(p.Texts) > 0, "/legacy/text", textsForm)
	}
	p.check(f)
	p.keys = d.keys(f, now)
	f.unless(len(d.Keys) > 0 || d.Legacy != nil, "/keys", "there is neither a key nor a token of the old scheme, so nobody could prove to be this partner")
	return p, *f
}

func (d document) keys(f *faults, now time.Time) (keys []key) {
	active := 0
	for i, from := range d.Keys {
		where := fmt.Sprint("/keys/", i)
		var k key
		var ok bool
		var err error
		k.Created, _ = f.time(from.Created, where+"/created")
		if k.NotAfter, ok = f.time(from.NotAfter, where+"/notAfter"); ok && k.Active(now) {
			active++
		}
		if k.secret, err = parseSecret(from.Secret); err != nil {
			f.unless(false, where+"/secret", err.Error())
			continue
		}
		keys = append(keys, k)
	}
	f.unless(active <= MaxActiveKeys, "/keys", fmt.Sprintf("%d keys are active, %d may be: give the older ones a notAfter", active, MaxActiveKeys))
	f.unless(len(d.Keys) <= MaxKeys, "/keys", fmt.Sprintf("there are over %d: remove those that have ended", MaxKeys))
	return keys
}

// isID says whether a partner may have this id. It is a part of a URL and of a file's
// name.
func isID(id string) bool {
	alien := func(r rune) bool { return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-') }
	return id != "" && len(id) <= 63 && id[0] != '-' && strings.IndexFunc(id, alien) < 0
}

func isTypePattern(pattern string) bool {
	return slices.ContainsFunc(updateTypes, func(t string) bool { return sends(pattern, t) })
}

// faults is all that is wrong with a document.
type faults []error

func (f *faults) unless(ok bool, where, why string) {
	if !ok {
		*f = append(*f, fmt.Errorf("%s: %s", where, why))
	}
}

// time reads a time, where there is one, and says whether it can be.
func (f *faults) time(text, where string) (at time.Time, ok bool) {
	if text == "" {
		return at, true
	}
	at, err := time.Parse(time.RFC3339, text)
	f.unless(err == nil, where, "it is not a time such as 2027-01-01T00:00:00Z")
	return at, err == nil
}
