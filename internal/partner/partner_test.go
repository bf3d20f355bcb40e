package partner

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// With SOAK=1 in the environment the tests of this package take minutes.
var soak = os.Getenv("SOAK") == "1"

// pick returns what is meant for this run: short, or with SOAK=1 long.
func pick(short, long int) int {
	if soak {
		return long
	}
	return short
}

// noon is when the tests begin, by their clock.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// clock shows the time that a test says.
type clock struct {
	passed atomic.Int64
	reads  atomic.Int64 // how often somebody looked at it
}

func (c *clock) Now() time.Time {
	c.reads.Add(1)
	return noon.Add(time.Duration(c.passed.Load()))
}

func (c *clock) pass(d time.Duration) { c.passed.Add(int64(d)) }

// secretOf is a secret of 32 bytes that a name makes.
func secretOf(name string) string {
	sum := sha256.Sum256([]byte(name))
	return secretPrefix + base64.StdEncoding.EncodeToString(sum[:])
}

// tokenOf is a token of the old scheme.
func tokenOf(name string) string { return "token of " + name + " in the old scheme" }

// documentOf is a partner's document, with the keys that are named so.
func documentOf(id string, keys ...string) document {
	d := document{ID: id, Types: []string{"*"}, SKUs: []string{"*"}}
	for _, k := range keys {
		d.Keys = append(d.Keys, documentKey{Secret: secretOf(k)})
	}
	return d
}

// textOf is a document as its file has it.
func textOf(t testing.TB, d document) string {
	t.Helper()
	b, err := d.encode()
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// writeFile writes a file of a folder, and the folders on the way there.
func writeFile(t testing.TB, text string, path ...string) {
	t.Helper()
	name := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// setOf is what a folder with these documents has at noon.
func setOf(t testing.TB, documents ...document) *Set {
	t.Helper()
	var files []file
	for _, d := range documents {
		p, faults := d.partner(noon)
		for _, fault := range faults {
			t.Fatal(d.ID, fault)
		}
		files = append(files, file{path: d.ID + ".json", document: d, partner: p})
	}
	s, clashes := newSet(files)
	if err := joined(clashes); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWhatAPartnerMaySend(t *testing.T) {
	for _, tt := range []struct {
		patterns []string
		allowed  []string
		refused  []string
	}{
		{nil, nil, []string{"stock.adjusted", "", "*"}},
		{[]string{"*"}, []string{"stock.adjusted", "stock.counted", "delivery.updated", "other", ""}, nil},
		{[]string{"stock.*"}, []string{"stock.adjusted", "stock.counted"}, []string{"stock", "delivery.updated", "Stock.adjusted", "xstock.adjusted"}},
		{[]string{"stock.counted", "delivery.updated"}, []string{"stock.counted", "delivery.updated"}, []string{"stock.adjusted", "stock.counted.", "stock.counte", ""}},
	} {
		p := &Partner{Types: tt.patterns}
		for _, updateType := range tt.allowed {
			if !p.MaySend(updateType) {
				t.Errorf("with %q it may not send %q, want that it may", tt.patterns, updateType)
			}
		}
		for _, updateType := range tt.refused {
			if p.MaySend(updateType) {
				t.Errorf("with %q it may send %q, want that it may not", tt.patterns, updateType)
			}
		}
	}
}

func TestWhatAPartnerMayTouch(t *testing.T) {
	for _, tt := range []struct {
		patterns []string
		allowed  []string
		refused  []string
	}{
		{nil, nil, []string{"ACME-1", ""}},
		{[]string{"*"}, []string{"ACME-1", ""}, nil},
		{[]string{"ACME-*"}, []string{"ACME-", "ACME-1"}, []string{"ACME", "acme-1", "XACME-1"}},
		{[]string{"ACME-1", "B*"}, []string{"ACME-1", "B", "B-2"}, []string{"ACME-12", "ACME-", "C"}},
		{[]string{"*-RED"}, []string{"-RED", "A-RED", "-RED-RED"}, []string{"A-RED-", "RED"}},
		{[]string{"A*A"}, []string{"AA", "ABA", "ABABA"}, []string{"A", "AB", "BA"}},
		{[]string{"A*-*B"}, []string{"A-B", "A1-2B", "A--B", "AB-B"}, []string{"AB", "A-", "-B", "A1B"}},
		{[]string{"*aa*aa*"}, []string{"aaaa", "xaayaaz"}, []string{"aaa", "aa"}},
		{[]string{"a**b"}, []string{"ab", "axb"}, []string{"a", "b"}},
		{[]string{strings.Repeat("*a", 31) + "*b"}, nil, []string{strings.Repeat("a", 64)}},
	} {
		p := &Partner{SKUs: tt.patterns}
		for _, sku := range tt.allowed {
			if !p.MayTouch(sku) {
				t.Errorf("with %q it may not touch %q, want that it may", tt.patterns, sku)
			}
		}
		for _, sku := range tt.refused {
			if p.MayTouch(sku) {
				t.Errorf("with %q it may touch %q, want that it may not", tt.patterns, sku)
			}
		}
	}
}

func TestASetIsInOrderOfID(t *testing.T) {
	s := setOf(t, documentOf("b", "1"), documentOf("a-2", "2"), documentOf("a", "3"))
	if got, want := fmt.Sprint(s.All()), "[a a-2 b]"; got != want {
		t.Errorf("partners %s, want %s", got, want)
	}
	s.All()[0] = nil
	if s.All()[0] == nil {
		t.Error("who has All changes the set, want that it is the caller's own")
	}
}

func TestAPrintedPartnerHasNoSecret(t *testing.T) {
	d := documentOf("acme", "one", "two")
	d.Legacy = &documentLegacy{Token: tokenOf("acme"), Text: allTexts}
	p := setOf(t, d).All()[0]
	var logged strings.Builder
	for _, h := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
		slog.New(h).Info("partner", "partner", p, "value", *p)
	}
	encoded, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(p), fmt.Sprintf("%v %+v %q", p, p, p), logged.String(), string(encoded)} {
		wantNoSecret(t, text, "one", "two", "acme")
		if !strings.Contains(text, "acme") {
			t.Errorf("%s does not even name the partner: the test looks at the wrong text", text)
		}
	}
}

// wantNoSecret wants neither secrets nor tokens of these names in a text, in any form
// that a program prints bytes in.
func wantNoSecret(t *testing.T, text string, names ...string) {
	t.Helper()
	for _, name := range names {
		raw := sha256.Sum256([]byte(name))
		decimal := func(b []byte) string { return strings.Trim(fmt.Sprint(b), "[]") }
		for _, form := range []string{
			secretOf(name), strings.TrimPrefix(secretOf(name), secretPrefix)[:16], string(raw[:8]), fmt.Sprintf("%x", raw[:8]), decimal(raw[:8]),
			tokenOf(name), decimal([]byte(tokenOf(name))), base64.StdEncoding.EncodeToString([]byte(tokenOf(name))),
		} {
			if strings.Contains(text, form) {
				t.Errorf("%s: it has the secret of %s", text, name)
			}
		}
	}
}
