package record

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/google/uuid"

	"github.com/tallystick/tallystick/internal/storage"
)

// Kinds of entities; a collection's name follows the dot.
const (
	recordKind   = "Record."
	revisionKind = "Revision."
	partKind     = "Part."
	settingsKind = "Settings"

	// CollectionKind's entities are named as the collections are.
	CollectionKind = "Collection"
)

const (
	maxIDBytes         = 128
	maxCollectionBytes = 63
)

// nobody is the name of an entity that no record has.
const nobody = "!"

// reserved ids would hide behind routes of the same name.
var reserved = map[string]bool{".": true, "..": true, "export": true, "import": true}

// CheckID returns ErrID for what cannot be a record's id. An id can stand in a URL
// as it is.
func CheckID(id string) error {
	switch {
	case id == "":
		return fmt.Errorf("%w: it is empty", ErrID)
	case len(id) > maxIDBytes:
		return fmt.Errorf("%w: it has over %d characters", ErrID, maxIDBytes)
	case reserved[id]:
		return fmt.Errorf("%w: %q is reserved", ErrID, id)
	case strings.IndexFunc(id, notInID) >= 0:
		return fmt.Errorf("%w: %q may have letters A-Z a-z, digits and . _ ~ : @ - only", ErrID, id)
	}
	return nil
}

func notInID(r rune) bool {
	return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("._~:@-", r))
}

// CheckCollection returns ErrCollection for what cannot be a collection's name.
func CheckCollection(name string) error {
	ok := name != "" && len(name) <= maxCollectionBytes
	for i, c := range []byte(name) {
		word := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		ok = ok && (word || i > 0 && (c == '_' || c == '-'))
	}
	if !ok {
		return fmt.Errorf("%w: %q is not 1 to %d letters A-Z a-z, digits, _ and -, the first a letter or a digit",
			ErrCollection, name, maxCollectionBytes)
	}
	return nil
}

// newID makes an id: a UUID of version 7 (RFC 9562), so ids sort by the time they
// were made at, and 62 bits of each are random.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// ImportedID makes the id of a row of an import that may be sent again: the same
// row of the same import always has the same one. It is a UUID of version 8.
func ImportedID(importKey string, line int, row []byte) string {
	h := sha256.New()
	h.Write([]byte(importKey))
	h.Write(binary.BigEndian.AppendUint64([]byte{0}, uint64(line)))
	h.Write(row)
	id := uuid.UUID(h.Sum(nil)[:16])
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return id.String()
}

// nameOf is the name of a record's entity. It is the id, but for those of UUIDs of
// version 7: their random end comes first, for many keys that grow one after the
// other would all be written to the same end of the database. Names like __x__ are
// the databases' own. No id has a "!".
func nameOf(id string) string {
	switch {
	case isTimeOrdered(id):
		return id[24:] + "!" + id[:24]
	case strings.HasPrefix(id, "__") && strings.HasSuffix(id, "__"):
		return "!" + id
	}
	return id
}

func idOf(name string) string {
	if len(name) == 37 && name[12] == '!' {
		return name[13:] + name[:12]
	}
	return strings.TrimPrefix(name, "!")
}

// isTimeOrdered says whether id is a UUID of version 7 as newID writes it.
func isTimeOrdered(id string) bool {
	if len(id) != 36 || id[14] != '7' {
		return false
	}
	for i, c := range []byte(id) {
		if i == 8 || i == 13 || i == 18 || i == 23 {
			if c != '-' {
				return false
			}
		} else if !('0' <= c && c <= '9' || 'a' <= c && c <= 'f') {
			return false
		}
	}
	return true
}

func recordKey(collection, id string) storage.Key {
	return storage.Key{Kind: recordKind + collection, Name: nameOf(id)}
}

func revisionKey(collection, id string, version int64) storage.Key {
	return storage.Key{Kind: revisionKind + collection, Name: fmt.Sprintf("%s@%d", nameOf(id), version)}
}

// idOfRevision is the id of the record that a revision is of.
func idOfRevision(key storage.Key) string {
	return idOf(key.Name[:strings.LastIndexByte(key.Name, '@')])
}

func collectionKey(name string) storage.Key {
	return storage.Key{Kind: CollectionKind, Name: name}
}

func settingsKey(collection string, version int64) storage.Key {
	return storage.Key{Kind: settingsKind, Name: fmt.Sprintf("%s@%d", collection, version)}
}
