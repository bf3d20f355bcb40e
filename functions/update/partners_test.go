package update_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/storage"
)

// TestPartnersAreListedWithWhatIsToBeDoneAndWithoutSecrets, byte for byte.
func TestPartnersAreListedWithWhatIsToBeDoneAndWithoutSecrets(t *testing.T) {
	s := start(t, func(c *edge.Config) { c.LegacyUpdates = "2126-12-31" })
	s.write("ann.json", fmt.Sprintf(`{"id":"ann","keys":[{"secret":%q,"notAfter":"2126-11-20T12:00:00+01:00"},{"secret":%q,"created":"2126-11-01T12:00:00Z"}]}`, secretOf("ann"), secretOf("ann too")))
	keepSecret(secretOf("ann"))
	keepSecret(secretOf("ann too"))
	s.pass(time.Minute)
	r := s.get("/partners")
	const token = `"Its token of the old scheme is accepted until 2127-01-01 at 00:00 UTC: have it sign its updates, then remove \"legacy\" from the document."`
	unknown := func(id string) string {
		return "\"It is not known how old its key is: put the time into the document as the key's \\\"created\\\", or make another by `tallystick partner rotate " + id + "`.\""
	}
	want := `{"partners":[` +
		`{"id":"acme","types":["*"],"skus":["ACME-*"],"legacy":true,"keys":[{"active":true}],"hints":[` + unknown("acme") + `,` + token + `]},` +
		`{"id":"ann","types":[],"skus":[],"legacy":false,"keys":[{"active":false,"notAfter":"2126-11-20T12:00:00+01:00"},{"active":true,"createTime":"2126-11-01T12:00:00Z"}],"hints":["Keys that have ended: 1. Remove them from the document."]},` +
		`{"id":"beta","types":["stock.counted","delivery.updated"],"skus":["BETA-*","ACME-SHARED"],"legacy":true,"keys":[{"active":true}],"hints":[` + unknown("beta") + `,` + token + `]}` +
		`],"readTime":"2126-11-21T12:01:00Z","stale":false}` + "\n"
	if r.status != http.StatusOK || r.body != want {
		t.Errorf("%d %s\nwant 200 %s", r.status, r.body, want)
	}
	for _, name := range []string{"acme", "beta", "ann", "ann too"} {
		for _, secret := range []string{strings.TrimPrefix(secretOf(name), "whsec_"), tokenOf(name)} {
			if part := secret[len(secret)/2:]; strings.Contains(r.body, part) {
				t.Errorf("the list has %q of the secret of %s", part, name)
			}
		}
	}
}

func TestWithoutPartnersNoneIsListed(t *testing.T) {
	s := start(t, func(c *edge.Config) { c.Partners = "" })
	if r := s.get("/partners"); r.status != http.StatusOK || r.body != "{\"partners\":[],\"stale\":false}\n" {
		t.Errorf("%d %s, want none", r.status, r.body)
	}
}

// TestAListOfPartnersSaysThatItIsNotOfNow: of a rotated key whose document is broken, nothing else
// would be seen.
func TestAListOfPartnersSaysThatItIsNotOfNow(t *testing.T) {
	s := start(t, nil)
	whole, err := os.ReadFile(filepath.Join(s.folder, "acme.json"))
	if err != nil {
		t.Fatal(err)
	}
	want := func(what, end string) {
		t.Helper()
		r := s.get("/partners")
		if r.status != http.StatusOK || !strings.Contains(r.body, `"id":"acme"`) || !strings.HasSuffix(r.body, "],"+end+"}\n") || strings.Contains(r.body, ".json") {
			t.Errorf("%s: %d %s\nwant 200, acme in it, the end %s, and no error", what, r.status, r.body, end)
		}
	}
	want("at first", `"readTime":"2126-11-21T12:00:00Z","stale":false`)
	s.write("acme.json", "{")
	want("before it is read again", `"readTime":"2126-11-21T12:00:00Z","stale":false`)
	s.pass(time.Minute)
	want("with a broken document", `"readTime":"2126-11-21T12:00:00Z","stale":true`)
	s.write("acme.json", string(whole))
	s.pass(time.Minute)
	want("with a sound one", `"readTime":"2126-11-21T12:02:00Z","stale":false`)
	if err := os.RemoveAll(s.folder); err != nil {
		t.Fatal(err)
	}
	s.pass(time.Minute)
	want("without the folder", `"readTime":"2126-11-21T12:02:00Z","stale":true`)
}

// TestPartnersAreListedFromTheirDocumentsAlone: the store may be away, the folder not.
func TestPartnersAreListedFromTheirDocumentsAlone(t *testing.T) {
	s := start(t, nil)
	s.store.fail(func() error { return storage.ErrUnavailable })
	if r := s.get("/partners"); r.status != http.StatusOK {
		t.Errorf("without the store: %d %s, want 200", r.status, r.body)
	}
	if err := os.RemoveAll(s.folder); err != nil {
		t.Fatal(err)
	}
	s.pass(11 * time.Minute)
	if r := s.get("/partners"); r.status != http.StatusServiceUnavailable || r.code() != "PARTNERS_UNAVAILABLE" {
		t.Errorf("without the folder: %d %s, want 503 PARTNERS_UNAVAILABLE", r.status, r.body)
	}
}
