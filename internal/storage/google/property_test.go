package google

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The names are in people's databases: these may never change.
func TestNamesOfPropertiesAreStoredAsTheyAlwaysWere(t *testing.T) {
	for name, want := range map[string]string{
		"customer":   "customer",
		"camelCase9": "camelCase9",
		"snake_case": "snake_case",
		"a.b":        "a-2Eb",
		"a-b":        "a-2Db",
		"9lives":     "-39lives",
		"é":          "-C3-A9",
	} {
		if got := Escape(name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestNamesOfPropertiesAreReadBackAsTheyWere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringN(1, 50, 100).Draw(t, "name")
		stored := Escape(name)
		if strings.ContainsAny(stored, ". `'\"[]*/\\") {
			t.Errorf("%q is stored as %q", name, stored)
		}
		if got, err := Unescape(stored); got != name || err != nil {
			t.Errorf("%q: got %q and error %v", name, got, err)
		}
	})
}

func TestANameThatIsNotOursIsAnError(t *testing.T) {
	for _, stored := range []string{"-", "a-", "a-2", "a-zz", "a-2E-"} {
		if got, err := Unescape(stored); err == nil {
			t.Errorf("%q: got %q, want an error", stored, got)
		}
	}
}
