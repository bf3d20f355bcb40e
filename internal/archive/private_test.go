package archive_test

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/tallystick/tallystick/internal/archive"
	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/storagetest"
)

// lines are those of an archive.
func lines(t *testing.T, file []byte) []string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return slices.Collect(strings.Lines(string(text)))
}

// TestAllThatTheServicesStoreIsInTheArchive but for what is private: whatever kind they
// ever write is one of Kinds.
func TestAllThatTheServicesStoreIsInTheArchive(t *testing.T) {
	store := storagetest.Watch(openSQLite(t))
	s := newShop(t, store)
	s.fill(3)
	file, contents := s.write()
	archived := make(map[storage.Key]bool)
	for _, l := range lines(t, file) {
		var e struct{ Kind, Name string }
		if err := json.Unmarshal([]byte(l), &e); err != nil {
			t.Fatal(err)
		}
		archived[storage.Key{Kind: e.Kind, Name: e.Name}] = true
	}
	private := make(map[string]bool)
	for _, k := range archive.Kinds() {
		private[k.Name] = k.Private
	}
	for key := range store.Everything(t) {
		if archived[key] == private[key.Kind] {
			t.Errorf("%s: in the archive %v, private %v", key, archived[key], private[key.Kind])
		}
	}
	for _, kind := range []string{"Page", "Item", "Movements", "Reservations", "StockAlert", "Delivery", "PartnerUpdate", "Idempotency", "Collection", "Record.things-1", "Revision.things-1", "Part.things-1"} {
		if contents.Kinds[kind] == 0 {
			t.Errorf("the shop has no %s, so the test shows nothing of it; it has %v", kind, contents.Kinds)
		}
	}
}

// TestSaltsAndSecretsAreInNoArchive, in whatever form they might be.
func TestSaltsAndSecretsAreInNoArchive(t *testing.T) {
	s := newShop(t, openSQLite(t))
	s.fill(3)
	var secrets [][]byte
	page, err := s.store.Query(t.Context(), storage.Query{Kind: "Salt", Limit: 10})
	s.must(err)
	if len(page.Entities) == 0 {
		t.Fatal("there is no salt, so the test shows nothing")
	}
	for _, e := range page.Entities {
		secrets = append(secrets, e.Data)
	}
	for _, text := range append(s.secrets, token) {
		secrets = append(secrets, []byte(text), []byte(strings.TrimPrefix(text, "whsec_")))
		if raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, "whsec_")); err == nil {
			secrets = append(secrets, raw)
		}
	}
	file, contents := s.write()
	if len(contents.Partners) != 2 {
		t.Fatalf("the archive has the partners %v, want two", contents.Partners)
	}
	all := lines(t, file)
	text := strings.Join(all, "")
	for _, l := range all { // and what is in them
		var e struct{ Data []byte }
		s.must(json.Unmarshal([]byte(l), &e))
		text += string(e.Data)
	}
	for _, secret := range secrets {
		for _, form := range []string{string(secret), base64.StdEncoding.EncodeToString(secret), hex.EncodeToString(secret)} {
			if strings.Contains(text, form) {
				t.Errorf("the archive has the secret %q", form)
			}
		}
	}
	if want := `{"partner":{"id":"acme","types":["stock.*","delivery.updated"],"skus":["ACME-*"]}}`; !strings.Contains(text, want) {
		t.Errorf("the archive does not say %s", want)
	}
	if got, want := fmt.Sprint(contents.Partners[1]), "{old [*] [*] [raw python]}"; got != want {
		t.Errorf("the second partner is %s, want %s", got, want)
	}
}
