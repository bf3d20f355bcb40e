package partner

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
)

// legacyKeyOf is what a partner of the old scheme sends along.
func legacyKeyOf(text, token string) string {
	return fmt.Sprintf("%x", sha256.Sum256([]byte(text+token)))
}

// documentOfOld is a partner's document that has the old scheme only.
func documentOfOld(id string, texts ...Text) document {
	return document{ID: id, Legacy: &documentLegacy{Token: tokenOf(id), Text: texts}}
}

func TestTheTokenTellsThePartner(t *testing.T) {
	const (
		raw     = "{ \"sku\": \"caf\\u00E9 \x7f/\",\n\t\"qty\":1.50, \"é\" :[ ] }"
		compact = "{\"sku\":\"caf\\u00E9 \x7f/\",\"qty\":1.50,\"é\":[]}"
		python  = `{"sku": "caf\u00e9 \u007f/", "qty": 1.5, "\u00e9": []}`
	)
	s := setOf(t, documentOf("new", "one"), documentOfOld("raw", Raw), documentOfOld("python", Python), documentOfOld("compact", Compact),
		documentOfOld("all", Raw, Python, Compact), documentOfOld("two", Compact, Raw))
	for _, tt := range []struct {
		key  string
		want string // empty: nobody
	}{
		{legacyKeyOf(raw, tokenOf("raw")), "raw"},
		{legacyKeyOf(compact, tokenOf("raw")), ""},
		{legacyKeyOf(python, tokenOf("raw")), ""},
		{legacyKeyOf(raw, tokenOf("python")), ""},
		{legacyKeyOf(compact, tokenOf("python")), ""},
		{legacyKeyOf(python, tokenOf("python")), "python"},
		{legacyKeyOf(raw, tokenOf("compact")), ""},
		{legacyKeyOf(compact, tokenOf("compact")), "compact"},
		{legacyKeyOf(python, tokenOf("compact")), ""},
		{legacyKeyOf(raw, tokenOf("all")), "all"},
		{legacyKeyOf(compact, tokenOf("all")), "all"},
		{legacyKeyOf(python, tokenOf("all")), "all"},
		{legacyKeyOf(raw, tokenOf("two")), "two"},
		{legacyKeyOf(compact, tokenOf("two")), "two"},
		{legacyKeyOf(python, tokenOf("two")), ""},

		{"", ""},
		{tokenOf("raw"), ""},
		{legacyKeyOf(raw, ""), ""}, // which the partner without a token would have
		{legacyKeyOf(raw, tokenOf("nobody")), ""},
		{legacyKeyOf("", tokenOf("raw")), ""},
		{legacyKeyOf(tokenOf("raw"), raw), ""},
		{legacyKeyOf(raw+" ", tokenOf("raw")), ""},
		{strings.ToUpper(legacyKeyOf(raw, tokenOf("raw"))), ""},
		{legacyKeyOf(raw, tokenOf("raw"))[:63], ""},
		{legacyKeyOf(raw, tokenOf("raw")) + " ", ""},
	} {
		p, err := s.VerifyLegacy([]byte(raw), tt.key)
		switch {
		case tt.want == "" && (err != ErrSignature || p != nil):
			t.Errorf("key %s: %v, %v, want ErrSignature", tt.key, p, err)
		case tt.want != "" && (err != nil || p.ID != tt.want):
			t.Errorf("key %s: %v, %v, want %s", tt.key, p, err, tt.want)
		}
	}
}

// TestATokenIsNoKeyOfTheNewScheme, nor the other way round.
func TestATokenIsNoKeyOfTheNewScheme(t *testing.T) {
	both := documentOf("both", "one")
	both.Legacy = &documentLegacy{Token: secretOf("two"), Text: allTexts}
	s := setOf(t, both, documentOfOld("old", Raw))
	const body = `{"a":1}`
	wantVerdict(t, s, signed(t, "both", "one", noon, body), noon, nil)
	wantVerdict(t, s, signed(t, "both", "two", noon, body), noon, ErrSignature)
	wantVerdict(t, s, signed(t, "old", "old", noon, body), noon, ErrSignature)
	if p, err := s.VerifyLegacy([]byte(body), legacyKeyOf(body, secretOf("two"))); err != nil || p.ID != "both" {
		t.Errorf("by the token: %v, %v, want both", p, err)
	}
	if p, err := s.VerifyLegacy([]byte(body), legacyKeyOf(body, secretOf("one"))); err != ErrSignature {
		t.Errorf("by a secret of the new scheme: %v, %v, want ErrSignature", p, err)
	}
}

func TestWithoutTheOldSchemeNobodyPassesByIt(t *testing.T) {
	for _, s := range []*Set{setOf(t), setOf(t, documentOf("new", "one"))} {
		if p, err := s.VerifyLegacy([]byte(`{}`), legacyKeyOf(`{}`, "")); err != ErrSignature {
			t.Errorf("%v, %v, want ErrSignature", p, err)
		}
	}
}
