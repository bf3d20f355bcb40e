package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/tallystick/tallystick/internal/partner"
)

// execute runs a command as main does, and returns what it prints.
func execute(t *testing.T, c *cobra.Command, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	var out, errs strings.Builder
	c.SilenceUsage, c.SilenceErrors = true, true
	c.SetOut(&out)
	c.SetErr(&errs)
	c.SetArgs(args)
	err = c.ExecuteContext(t.Context())
	return out.String(), errs.String(), err
}

var aSecret = regexp.MustCompile(`whsec_[A-Za-z0-9+/=]+`)

// partnersOf are those of a folder, as the functions read it.
func partnersOf(t *testing.T, folder string) *partner.Set {
	t.Helper()
	f, err := partner.Open(folder, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	s, err := f.Partners()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// wantSigner wants a partner's signature with a secret to be taken, or not.
func wantSigner(t *testing.T, s *partner.Set, id, secret string, want bool) {
	t.Helper()
	now := time.Now()
	signature, err := partner.Sign(secret, "a", now, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.Verify(partner.Signed{Partner: id, ID: "a", Timestamp: fmt.Sprint(now.Unix()), Signature: signature}, now)
	if (err == nil) != want {
		t.Errorf("%s signs: %v, want it to be taken: %v", id, err, want)
	}
}

// TestAPartnersLife: it is added, gets new secrets and is listed. A secret is printed
// once, alone, where it can be piped.
func TestAPartnersLife(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "partners")
	must := func(args ...string) (stdout, stderr string) {
		t.Helper()
		stdout, stderr, err := execute(t, partnerCommand(), append(args, "--partners", folder)...)
		if err != nil {
			t.Fatalf("%q: %v", args, err)
		}
		if aSecret.MatchString(stderr) {
			t.Errorf("%q says a secret on stderr: %s", args, stderr)
		}
		return stdout, stderr
	}
	secretOf := func(stdout string) string {
		t.Helper()
		if aSecret.FindString(stdout)+"\n" != stdout {
			t.Fatalf("it prints %q, want a secret and no more", stdout)
		}
		return strings.TrimSpace(stdout)
	}

	stdout, stderr := must("add", "acme", "--types", "stock.*,delivery.updated", "--skus", "ACME-*")
	first := secretOf(stdout)
	for _, want := range []string{filepath.Join(folder, "acme.json"), "/partners/acme/updates", "stock.*,delivery.updated", "ACME-*", "www.standardwebhooks.com"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("it does not say %q:\n%s", want, stderr)
		}
	}
	wantSigner(t, partnersOf(t, folder), "acme", first, true)

	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("the token that we share\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	must("add", "old", "--legacy-token-file", token, "--legacy-text", "raw,python")

	stdout, _ = must("rotate", "acme")
	second := secretOf(stdout)
	wantSigner(t, partnersOf(t, folder), "acme", first, true)
	wantSigner(t, partnersOf(t, folder), "acme", second, true)

	for _, p := range partnersOf(t, folder).All() {
		for _, k := range p.Keys() {
			if k.Created.IsZero() {
				t.Errorf("of a key of %s it is not known when it was made", p)
			}
		}
	}

	list, _ := must("list")
	list = regexp.MustCompile(`20[0-9-]{8}T[0-9:]{8}Z`).ReplaceAllString(list, "TOMORROW")
	if got, want := strings.Join(strings.Fields(list), " "), "ID TYPES SKUS KEYS OLD SCHEME"+
		" acme stock.*,delivery.updated ACME-* 2: until TOMORROW, no end none"+
		" old none none 1: no end raw,python"; got != want {
		t.Errorf("the list is\n%s\nwant\n%s", got, want)
	}
	if strings.Contains(list, "whsec") || strings.Contains(list, "token that") {
		t.Errorf("the list has a secret:\n%s", list)
	}

	stdout, _ = must("rotate", "acme", "--overlap", "0")
	wantSigner(t, partnersOf(t, folder), "acme", secretOf(stdout), true)
	wantSigner(t, partnersOf(t, folder), "acme", first, false)
	wantSigner(t, partnersOf(t, folder), "acme", second, false)

	key := fmt.Sprintf("%x", sha256.Sum256([]byte(`{"a": 1}`+"the token that we share")))
	if p, err := partnersOf(t, folder).VerifyLegacy([]byte(`{"a":1}`), key); err != nil || p.ID != "old" {
		t.Errorf("by the token it is %v, %v, want old", p, err)
	}
}

func TestAFolderOfPartnersIsNamedByTheSettingOrTheFlag(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, tt := range []struct {
		setting string
		flag    []string
		want    string
	}{
		{"", nil, "partners"},
		{"set", nil, "set"},
		{"set", []string{"--partners", "flag"}, "flag"},
	} {
		t.Setenv("PARTNERS", tt.setting)
		if _, _, err := execute(t, partnerCommand(), append([]string{"add", "acme"}, tt.flag...)...); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(tt.want, "acme.json")); err != nil {
			t.Errorf("PARTNERS=%s %q: %v, want the document in %s", tt.setting, tt.flag, err, tt.want)
		}
	}
}

func TestHelpSaysThatWithoutTypesAPartnerMaySendNone(t *testing.T) {
	help, _, err := execute(t, partnerCommand(), "add", "--help")
	if err != nil || !strings.Contains(help, "without --types it may send none") || strings.Contains(help, "has to be said") {
		t.Errorf("%v, the help is\n%s\nwant it to say what is without --types, which may be left out", err, help)
	}
}

func TestPartnerSaysWhatIsWrong(t *testing.T) {
	folder := t.TempDir()
	if _, _, err := execute(t, partnerCommand(), "add", "acme", "--partners", folder); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte(" \n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		args string
		want string
	}{
		{"add acme", "there is a partner acme"},
		{"add", "accepts 1 arg"},
		{"add b --types sold", "/types/0: it is none of stock.adjusted"},
		{"add b --legacy-text raw", "give both or none"},
		{"add b --legacy-token-file " + empty, "give both or none"},
		{"add b --legacy-text raw --legacy-token-file " + empty, "--legacy-token-file: " + empty + " is empty"},
		{"add b --legacy-text raw --legacy-token-file " + empty + "x", "no such file"},
		{"rotate b", `there is no partner "b"`},
		{"rotate acme --overlap -1s", "--overlap: -1s is before now"},
		{"list --partners " + empty + "x", "there is no such folder"},
	} {
		stdout, _, err := execute(t, partnerCommand(), append([]string{"--partners", folder}, strings.Fields(tt.args)...)...)
		if err == nil || !strings.Contains(err.Error(), tt.want) || stdout != "" {
			t.Errorf("%s: prints %q, error %v, want %q", tt.args, stdout, err, tt.want)
		}
	}
}

// TestASecretThatCannotBePrintedIsSaidToBeMade: it is in the document, and no other is good.
func TestASecretThatCannotBePrintedIsSaidToBeMade(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "partners")
	for _, step := range []string{"add", "rotate"} {
		c := partnerCommand()
		c.SetOut(fullDisk{})
		c.SetArgs([]string{step, "acme", "--partners", folder})
		c.SilenceUsage, c.SilenceErrors = true, true
		err := c.ExecuteContext(t.Context())
		if !errors.Is(err, syscall.ENOSPC) || !strings.Contains(err.Error(), "it is in "+filepath.Join(folder, "acme.json")) {
			t.Errorf("%s: %v, want it to fail, and to say where the secret is", step, err)
		}
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, syscall.ENOSPC }
