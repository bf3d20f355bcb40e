package archive_test

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"github.com/tallystick/tallystick/internal/archive"
	"github.com/tallystick/tallystick/internal/partner"
	"github.com/tallystick/tallystick/internal/storage"
)

// TestAnArchiveHasThePartnersThatAFolderTakes, and no others: the import prints commands
// with what is in it.
func TestAnArchiveHasThePartnersThatAFolderTakes(t *testing.T) {
	const head = `{"format":"tallystick-archive","version":1,"time":"2126-11-21T12:00:00Z","program":"test","without":[]}` + "\n"
	good := archive.Partner{ID: "acme", Types: []string{"stock.*"}, SKUs: []string{"ACME-*"}, Texts: []partner.Text{"raw"}}
	with := func(change func(*archive.Partner)) archive.Partner {
		p := good
		change(&p)
		return p
	}
	partners := []archive.Partner{good, with(func(p *archive.Partner) { p.Types, p.SKUs = nil, nil })}
	for _, id := range []string{"", "a", "a-1", "1", "-a", "a_b", "A", "ä", "a\n", "x; curl example.org|sh", "\x1b[2J", strings.Repeat("a", 63), strings.Repeat("a", 64)} {
		partners = append(partners, with(func(p *archive.Partner) { p.ID = id }))
	}
	for _, pattern := range []string{"", "*", "stock.counted", "stock.counted*", "delivery.*", "stock", "stock.lost", "stock.*.*", "$(reboot)", "'; reboot #", "stock.*\n", "\x1b]0;x\a"} {
		partners = append(partners, with(func(p *archive.Partner) { p.Types = []string{"stock.*", pattern} }))
	}
	for _, pattern := range []string{"", "*", "*-*", "A", "a b", "A,B", `"A"`, "__a__", ".", "search", "$(reboot)", "'; reboot #", "A\n", "\x1b[2J", strings.Repeat("A", 1000)} {
		partners = append(partners, with(func(p *archive.Partner) { p.SKUs = []string{"ACME-*", pattern} }))
	}
	for _, texts := range [][]partner.Text{{"raw"}, {"compact", "python", "raw"}, {"raw", "raw"}, {"Raw"}, {""}, {"'; reboot #"}, {"\x1b[2J"}} {
		partners = append(partners, with(func(p *archive.Partner) { p.Texts = texts }))
	}
	taken := 0
	for _, p := range partners {
		draft := partner.Draft{ID: p.ID, Types: p.Types, SKUs: p.SKUs, Texts: p.Texts}
		if len(p.Texts) > 0 {
			draft.Token = token
		}
		dir := t.TempDir()
		_, refused := partner.Add(dir, draft, noon)
		text, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		file := packed(t, sealed([]string{head, fmt.Sprintf(`{"partner":%s}`+"\n", text)}, 0, ""))
		err = read(t, file, openSQLite(t))
		if (err == nil) != (refused == nil) {
			t.Errorf("%q: got error %v, a folder's is %v", p, err, refused)
		}
		written := writing(t, &partner.Partner{ID: p.ID, Types: p.Types, SKUs: p.SKUs, Texts: p.Texts})
		if (written == nil) != (err == nil) {
			t.Errorf("%q: to write it is %v, to read it %v", p, written, err)
		}
		if err == nil {
			taken++
		} else if strings.ContainsAny(err.Error(), "\x1b\n\a") {
			t.Errorf("%q: the error has it as it is: %q", p, err)
		}
	}
	if taken < 8 || taken > len(partners)-8 {
		t.Errorf("%d of %d are taken", taken, len(partners))
	}
}

// writing is what is wrong with an archive of nothing but a partner.
func writing(t *testing.T, p *partner.Partner) error {
	t.Helper()
	snapshot, err := openSQLite(t).Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Close()
	_, err = archive.Write(t.Context(), io.Discard, archive.Source{Snapshot: snapshot, Time: noon, Partners: []*partner.Partner{p}}, func(int64) {})
	return err
}

// TestAPartnerThatIsRevokedIsInNoArchive, for it would come back with a new secret.
func TestAPartnerThatIsRevokedIsInNoArchive(t *testing.T) {
	store := openSQLite(t)
	put(t, store, storage.Entity{Key: storage.Key{Kind: "Page", Name: "/"}})
	gone := &partner.Partner{ID: "gone", Types: []string{"*"}, SKUs: []string{"*"}}
	_, contents := write(t, store, append(newShop(t, store).partners, gone))
	if got, want := fmt.Sprint(contents.Partners), "[{acme [stock.* delivery.updated] [ACME-*] []} {old [*] [*] [raw python]}]"; got != want {
		t.Errorf("the partners are %s, want %s", got, want)
	}
}
