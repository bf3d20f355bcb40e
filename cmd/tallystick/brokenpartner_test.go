//go:build unix

package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/partner"
)

// brokenPartner is a folder with a partner who is well, one whose document is broken, and
// the file of that.
func brokenPartner(t *testing.T) (folder, document string) {
	t.Helper()
	folder = t.TempDir()
	addPartner(t, folder, "acme")
	document = filepath.Join("partners", "broken.json")
	if err := os.WriteFile(filepath.Join(folder, document), []byte(`{"id":"broken","keys":[{"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",`), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder, document
}

// TestABrokenDocumentIsNamedAndStopsNobodyElse: serve starts and takes the others' updates.
func TestABrokenDocumentIsNamedAndStopsNobodyElse(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			folder, document := brokenPartner(t)
			s := startServer(t, folder, append([]string{"PARTNERS=partners", "API_KEYS=key"}, mode.args...)...)
			if got := s.want(http.StatusOK, http.MethodGet, "/partners", "", "X-Api-Key", "key"); !strings.Contains(got, `"id":"acme"`) || !strings.Contains(got, `"stale":true`) || strings.Contains(got, "broken") {
				t.Errorf("the partners are %s, want acme alone, and that somebody is missing", got)
			}
			s.want(http.StatusServiceUnavailable, http.MethodPost, "/partners/broken/updates", "{}")
			if said := s.said(); strings.Count(said, "ERR partners cannot be read") != 1 || !strings.Contains(said, document+": not JSON") || strings.Contains(said, "MfKQ9r8G") {
				t.Errorf("it logs %q, want once which document it is, and no secret", said)
			}
			list := s.tool("", "partner", "list", "PARTNERS=partners").wants(1, "acme ", "left out, for it cannot be read:\n"+document+": not JSON")
			doctor := s.tool("", "doctor", "PARTNERS=partners", "API_KEY=key").wants(1, "FAILED   partners         "+document+": not JSON", "ok       update  ")
			elsewhere := s.tool("", "doctor", "PARTNERS=none", "API_KEY=key").wants(1, "FAILED   partners         the server cannot read all of their documents")
			for _, o := range []outcome{list, doctor, elsewhere} {
				if strings.Contains(o.stdout+o.stderr, "MfKQ9r8G") {
					t.Errorf("%q says a secret: %s%s", o.args, o.stdout, o.stderr)
				}
			}
		})
	}
}

// TestDoctorFindsThatAllDocumentsCanBeRead, and says nothing of partners where there are none.
func TestDoctorFindsThatAllDocumentsCanBeRead(t *testing.T) {
	folder := t.TempDir()
	addPartner(t, folder, "acme")
	const well = "ok       partners         all of their documents can be read"
	ended(t, command(t, folder, "doctor", "--url", "http://"+freeAddr(t))).wants(1, well)
	if out := ended(t, command(t, t.TempDir(), "doctor", "--url", "http://"+freeAddr(t))).wants(1).stdout; strings.Contains(out, "partners") {
		t.Errorf("without a folder it says of partners:\n%s", out)
	}
}

// TestABackupIsThereThoughAPartnersDocumentIsBroken, and says so: neither is it missing the next
// morning, nor does a timer think that all is well.
func TestABackupIsThereThoughAPartnersDocumentIsBroken(t *testing.T) {
	folder, document := brokenPartner(t)
	s := startServer(t, folder)
	s.want(http.StatusOK, http.MethodPost, "/visits?page=/", "")
	got := s.tool("", "export", "--all", "--quiet", "-o", "shop.gz").wants(1, "the archive is written, without the partners whose documents cannot be read", document+": not JSON")
	if strings.Contains(got.stderr, "MfKQ9r8G") {
		t.Errorf("it says a secret: %s", got.stderr)
	}
	lines := strings.Join(archiveOf(t, filepath.Join(folder, "shop.gz")), "")
	if !strings.Contains(lines, `{"partner":{"id":"acme"`) || !strings.Contains(lines, `"kind":"Page"`) || strings.Contains(lines, "broken") {
		t.Errorf("the archive has %s, want acme and the page", lines)
	}
	s.tool("", "import", "--all", "shop.gz", "--store", "sqlite:new.db").wants(1, "--partners: "+document+": not JSON")
	wantNoFile(t, folder, "new.db")
	if err := os.Remove(filepath.Join(folder, document)); err != nil {
		t.Fatal(err)
	}
	s.tool("", "import", "--all", "shop.gz", "--store", "sqlite:new.db").wants(0).wantsNothingOn(t)
}

// TestAPartnerIsNoneWhileItsDocumentIsBrokenAtTheStart: no signature of its passes.
func TestAPartnerIsNoneWhileItsDocumentIsBrokenAtTheStart(t *testing.T) {
	folder := t.TempDir()
	secret := addPartner(t, folder, "acme")
	document := filepath.Join(folder, "partners", "acme.json")
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	broken := strings.TrimSuffix(strings.TrimSpace(string(text)), "}")
	if err := os.WriteFile(document, []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, folder, "PARTNERS=partners")
	wantSigner(t, partnersOf(t, filepath.Join(folder, "partners")), "acme", secret, false)
	const body = `{"type":"stock.counted","timestamp":"2026-11-21T12:00:00Z","data":{"sku":"ACME-1","quantity":1}}`
	now := time.Now()
	signature, err := partner.Sign(secret, "msg_1", now, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	reply, got := s.do(http.MethodPost, "/partners/acme/updates", body, "Content-Type", "application/json",
		"webhook-id", "msg_1", "webhook-timestamp", fmt.Sprint(now.Unix()), "webhook-signature", signature)
	if reply.StatusCode != http.StatusServiceUnavailable || reply.Header.Get("Retry-After") == "" || !strings.Contains(got, "PARTNERS_UNAVAILABLE") {
		t.Errorf("%d %v %s, want to be told to try again", reply.StatusCode, reply.Header, got)
	}
}
