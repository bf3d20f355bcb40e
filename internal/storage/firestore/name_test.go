package firestore

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/internal/storage"
)

// The ids are in people's databases: these may never change.
func TestNamesAreStoredAsTheyAlwaysWere(t *testing.T) {
	s := &store{database: "projects/p/databases/d"}
	for name, want := range map[string]string{
		"plain":            "plain",
		".":                ".a",
		"..":               ".a.a",
		"/":                ".b",
		"/shop/shoes.html": ".bshop.bshoes.ahtml",
		".a":               ".aa",
		"日本":               "日本",
	} {
		if got, want := s.document(storage.Key{Kind: "Page", Name: name}), "projects/p/databases/d/documents/Page/"+want; got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func TestAnIDIsOfOneNameAndInItsOrder(t *testing.T) {
	s := &store{database: "projects/p/databases/d"}
	// Mostly of what is escaped, what the escapes are made of, and its neighbours.
	text := rapid.StringOfN(rapid.SampledFrom([]rune("./ab-0\x01é\U0001f40c")), 1, 8, -1)
	rapid.Check(t, func(t *rapid.T) {
		names := []string{text.Draw(t, "a"), text.Draw(t, "b")}
		var ids []string
		for _, name := range names {
			key := storage.Key{Kind: "Page", Name: name}
			full := s.document(key)
			if got, err := s.keyOf(full); got != key || err != nil {
				t.Errorf("%q: got %v and error %v from %s", name, got, err, full)
			}
			id := strings.TrimPrefix(full, "projects/p/databases/d/documents/Page/")
			if strings.Contains(id, "/") || id == "." || id == ".." {
				t.Errorf("%q has the id %q", name, id)
			}
			ids = append(ids, id)
		}
		if got, want := cmp.Compare(ids[0], ids[1]), cmp.Compare(names[0], names[1]); got != want {
			t.Errorf("%q compare as %d, their ids %q as %d", names, want, ids, got)
		}
	})
}

func TestADocumentThatIsNotOursIsAnError(t *testing.T) {
	s := &store{database: "projects/p/databases/d"}
	for _, full := range []string{
		"", "Page/a", "projects/p/databases/d/documents/Page", "projects/p/databases/other/documents/Page/a",
		"projects/p/databases/d/documents/Page/a/Sub/b",
	} {
		if got, err := s.keyOf(full); err == nil {
			t.Errorf("%q: got %v, want an error", full, got)
		}
	}
}

// The suite leaves out this pair, which the Datastore emulator has in the order of
// UTF-16.
func TestNamesBeyondTheBasicPlaneAreInTheOrderOfTheirBytes(t *testing.T) {
	s := storage.New(onEmulator(t))
	want := []string{"\uff5e", "\U0001f40c"}
	err := s.Update(t.Context(), func(tx storage.Tx) error {
		for _, name := range want {
			if err := tx.Put(storage.Entity{Key: storage.Key{Kind: "Name", Name: name}}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	page, err := s.Query(t.Context(), storage.Query{Kind: "Name", Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range page.Entities {
		got = append(got, e.Key.Name)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
