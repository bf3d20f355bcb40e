package firestore

import (
	"fmt"
	"strings"

	"github.com/tallystick/tallystick/internal/storage"
)

// An entity's kind is a collection at the root of the database, its name the id of
// a document. Ids hold no slash and are neither "." nor "..", so a dot and a slash
// are written as two letters: then every id is of one name, and ids are in the order
// of the names.
var (
	escaper   = strings.NewReplacer(".", ".a", "/", ".b")
	unescaper = strings.NewReplacer(".a", ".", ".b", "/")
)

func (s *store) root() string { return s.database + "/documents" }

// document is the full name of a key's document.
func (s *store) document(k storage.Key) string {
	return s.root() + "/" + k.Kind + "/" + escaper.Replace(k.Name)
}

// keyOf is the inverse of document.
func (s *store) keyOf(full string) (storage.Key, error) {
	path, ours := strings.CutPrefix(full, s.root()+"/")
	kind, id, found := strings.Cut(path, "/")
	if !ours || !found || strings.Contains(id, "/") {
		return storage.Key{}, fmt.Errorf("%s is not a document of ours", full)
	}
	return storage.Key{Kind: kind, Name: unescaper.Replace(id)}, nil
}
