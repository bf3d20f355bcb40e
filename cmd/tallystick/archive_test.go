//go:build unix

package main

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/partner"
)

// archiveOf are the lines of an archive but for the first, which has the time, and the
// last, which has its sum.
func archiveOf(t *testing.T, name string) []string {
	t.Helper()
	file, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(strings.Lines(string(text)))
	return lines[1 : len(lines)-1]
}

// stocked is a server with something of everything.
func stocked(t *testing.T) *server {
	t.Helper()
	folder := t.TempDir()
	secret := addPartner(t, folder, "acme")
	token := filepath.Join(folder, "old.token")
	if err := os.WriteFile(token, []byte("the token that we share\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ended(t, command(t, folder, "partner", "add", "old", "--partners", "partners", "--types", "stock.counted", "--legacy-token-file", token, "--legacy-text", "raw,compact")).wants(0)
	s := startServer(t, folder, "PARTNERS=partners", "API_KEYS=key", "RATE_LIMIT=0")
	const form = "application/json"
	for i := range 30 {
		s.want(http.StatusOK, http.MethodPost, fmt.Sprintf("/visits?page=/p%d", i%5), "", "X-Forwarded-For", fmt.Sprintf("10.0.0.%d", i))
		s.want(http.StatusCreated, http.MethodPost, fmt.Sprintf("/stock/ACME-%d/count", i), `{"quantity":10}`, "X-Api-Key", "key", "Content-Type", form)
		s.want(http.StatusCreated, http.MethodPost, "/reservations", fmt.Sprintf(`{"lines":[{"sku":"ACME-%d","quantity":2}]}`, i), "X-Api-Key", "key", "Content-Type", form, "Idempotency-Key", fmt.Sprint("buy", i))
	}
	s.tool(strings.Join(oddDocuments(500), "\n"), "import", "records", "odd", "-", "API_KEY=key").wants(0)
	sent := time.Now()
	body := `{"type":"stock.adjusted","timestamp":"2026-11-21T12:00:00Z","data":{"sku":"ACME-1","delta":5}}`
	signature, err := partner.Sign(secret, "msg_1", sent, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	s.want(http.StatusOK, http.MethodPost, "/partners/acme/updates", body, "Content-Type", form,
		"webhook-id", "msg_1", "webhook-timestamp", fmt.Sprint(sent.Unix()), "webhook-signature", signature)
	return s
}

// TestAShopComesBackFromItsArchive, which was made while it was served: the stock is in
// order, what was counted goes on, and the partners are made again by the commands that
// the import prints.
func TestAShopComesBackFromItsArchive(t *testing.T) {
	s := stocked(t)
	s.tool("", "export", "--all", "-o", "shop.tallystick.gz", "PARTNERS=partners").wants(0, "exported ", "2 partners without secrets")

	other := t.TempDir()
	archive := filepath.Join(s.cmd.Dir, "shop.tallystick.gz")
	if info, err := os.Stat(archive); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the archive is %v, %v, want a file for its owner only", info.Mode(), err)
	}
	got := ended(t, command(t, other, "import", "--all", archive)).wants(0, "imported ", "all are counted", "2 partners are of the archive not in partners",
		"old shares a token with us in the old scheme: first put it into the file old.token")
	ended(t, command(t, other, "verify")).wants(0, "30 items with 31 movements: the ledger and the balances agree")
	ended(t, command(t, other, "export", "--all", "-o", "again.gz")).wants(0, "0 partners")
	partnerless := func(lines []string) []string {
		return slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, `{"partner":`) })
	}
	before, after := partnerless(archiveOf(t, archive)), archiveOf(t, filepath.Join(other, "again.gz"))
	if !slices.Equal(before, after) {
		t.Errorf("the archive of the restored shop has %d lines, the shop's %d: %s", len(after), len(before), firstDifference(after, before))
	}

	if err := os.WriteFile(filepath.Join(other, "old.token"), []byte("the token that we share"), 0o600); err != nil {
		t.Fatal(err)
	}
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	sh := command(t, other)
	sh.Path, sh.Args = "/bin/sh", []string{"sh", "-euc", got.stdout}
	sh.Env = append(sh.Env, "PATH="+filepath.Dir(path))
	ended(t, sh).wants(0)
	list := func(folder string) string {
		return regexp.MustCompile(` +`).ReplaceAllString(ended(t, command(t, folder, "partner", "list")).wants(0).stdout, " ")
	}
	if got, want := list(other), list(s.cmd.Dir); got != want {
		t.Errorf("the partners are\n%swant\n%s", got, want)
	}
	ended(t, command(t, other, "import", "--all", archive, "--store", "sqlite:third.db")).wants(0).wantsNothingOn(t)

	r := startServer(t, other, "API_KEYS=key", "PARTNERS=partners", "RATE_LIMIT=0")
	for _, request := range []string{"/visits?page=/p1", "/stock/ACME-1", "/stock/ACME-1/movements", "/records/odd?pageSize=5"} {
		if got, want := r.want(http.StatusOK, http.MethodGet, request, "", "X-Api-Key", "key"), s.want(http.StatusOK, http.MethodGet, request, "", "X-Api-Key", "key"); got != want {
			t.Errorf("GET %s: %s, want %s", request, got, want)
		}
	}
	again := func(s *server) string {
		return s.want(http.StatusCreated, http.MethodPost, "/reservations", `{"lines":[{"sku":"ACME-3","quantity":2}]}`, "X-Api-Key", "key", "Content-Type", "application/json", "Idempotency-Key", "buy3")
	}
	if got, want := again(r), again(s); got != want {
		t.Errorf("a reservation that is sent again is %s, want %s", got, want)
	}
}

// wantsNothingOn wants nothing on stdout.
func (o outcome) wantsNothingOn(t *testing.T) {
	t.Helper()
	if o.stdout != "" {
		t.Errorf("%q prints %s", o.args, o.stdout)
	}
}

func TestAnArchiveGoesToStandardOutput(t *testing.T) {
	folder := t.TempDir()
	s := startServer(t, folder)
	s.want(http.StatusOK, http.MethodPost, "/visits?page=/", "")
	got := s.tool("", "export", "--all", "--quiet").wants(0)
	if got.stderr != "" {
		t.Errorf("it says %q, and was to be quiet", got.stderr)
	}
	s.file("piped.gz", got.stdout)
	if lines := archiveOf(t, filepath.Join(folder, "piped.gz")); len(lines) != 1 || !strings.Contains(lines[0], `"kind":"Page"`) {
		t.Errorf("the archive has %q, want one page", lines)
	}
}

func TestWhatIsWrongWithAnArchiveIsSaid(t *testing.T) {
	s := stocked(t)
	s.tool("", "export", "--all", "-o", "shop.gz", "PARTNERS=partners").wants(0)
	whole := s.read("shop.gz")
	s.file("cut.gz", whole[:len(whole)/2])
	s.file("text.gz", "nothing")
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"import", "--all", "missing.gz"}, "missing.gz: no such file"},
		{[]string{"import", "--all"}, "name the archive's FILE"},
		{[]string{"import", "--all", "-"}, "name the archive's FILE"},
		{[]string{"import", "shop.gz"}, "there is no `import shop.gz`: it is visits, records, or --all with an archive"},
		{[]string{"import", "--all", "cut.gz", "--store", "sqlite:new.db"}, "import --all cut.gz: line "},
		{[]string{"import", "--all", "text.gz", "--store", "sqlite:new.db"}, "import --all text.gz: it is no archive of Tallystick's"},
		{[]string{"import", "--all", "shop.gz"}, "the database is not empty: it has entities of Page, Collection, Item,"},
		{[]string{"import", "--all", "shop.gz", "--store", "mysql:a"}, `"mysql:a" is not for this program`},
		{[]string{"import", "--all", "shop.gz", "--partners", "nowhere", "--store", "sqlite:new.db"}, "--partners: nowhere: there is no such folder"},
		{[]string{"export", "--all", "-o", "new.gz", "--store", "sqlite:new.db"}, "new.db: no such file"},
		{[]string{"export", "--all", "-o", "new.gz", "--partners", "nowhere"}, "--partners: nowhere: there is no such folder"},
		{[]string{"export", "--all", "visits"}, "unknown flag: --all"},
		{[]string{"export", "everything"}, `unknown command "everything"`},
	} {
		s.tool("", tt.args...).wants(1, tt.want)
	}
	for _, name := range []string{"new.db", "new.gz"} {
		if _, err := os.Stat(filepath.Join(s.cmd.Dir, name)); err == nil {
			t.Errorf("a command that failed left %s", name)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(s.cmd.Dir, ".*.part")); len(left) > 0 {
		t.Errorf("there are parts left: %v", left)
	}
	for _, c := range []string{"import", "export"} {
		s.tool("", c).wants(0, "--all", "visits")
	}
}

// sumOf is the SHA-256 of an archive's lines but for the first and the last, however many
// they are, and their number.
func sumOf(t *testing.T, name string) (sum string, entities int) {
	t.Helper()
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	d := json.NewDecoder(z)
	for {
		var l json.RawMessage
		if err := d.Decode(&l); err == io.EOF {
			return fmt.Sprintf("%x", h.Sum(nil)), entities
		} else if err != nil {
			t.Fatal(err)
		}
		if bytes.HasPrefix(l, []byte(`{"kind":`)) {
			h.Write(l)
			entities++
		}
	}
}
