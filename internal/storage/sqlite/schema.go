package sqlite

import (
	"errors"
	"fmt"
)

// applicationID marks our files ("Taly"), schemaVersion what is in them. Both are
// in SQLite's header, where file(1) and other programs find them too.
const (
	applicationID = 0x54616c79
	schemaVersion = 1
)

// An entity is one row of entity; each of its indexed properties is one more of
// property, whose primary key is the order that queries read in: a page of any
// query is one walk along it. name repeats there so that ties are in order and a
// keys-only query needs no other table. Only UTF-8 text is ever a name, so a BLOB
// sorts after all of them (query.go).
const schema = `
CREATE TABLE entity (
	id         INTEGER PRIMARY KEY,
	kind       TEXT NOT NULL,
	name       TEXT NOT NULL,
	properties BLOB,    -- as encodeProperties packs them
	expire     INTEGER, -- microseconds since 1970
	data       BLOB,
	UNIQUE (kind, name)
);
CREATE INDEX entity_expire ON entity (expire) WHERE expire IS NOT NULL;
CREATE TABLE property (
	kind     TEXT NOT NULL,
	property TEXT NOT NULL,
	value    BLOB NOT NULL, -- as appendValue encodes it
	name     TEXT NOT NULL,
	entity   INTEGER NOT NULL,
	PRIMARY KEY (kind, property, value, name)
) WITHOUT ROWID;
`

// prepare makes an empty file one of ours and checks one that is not empty. It
// changes nothing in a file that is not ours.
func prepare(c *conn) error {
	empty, err := look(c)
	if err != nil || !empty {
		return err
	}
	// In this order a process that dies on the way leaves an empty file.
	if err := c.script("PRAGMA journal_mode = WAL"); err != nil {
		return err
	}
	if err := c.exec(begin); err != nil {
		return err
	}
	defer c.rollback()
	if empty, err := check(c); err != nil || !empty {
		return err // another process was first
	}
	if err := c.script(fmt.Sprintf("%s PRAGMA application_id = %d; PRAGMA user_version = %d",
		schema, applicationID, schemaVersion)); err != nil {
		return err
	}
	return c.exec(commit)
}

// look is check in one state of the file, which another process may be preparing.
func look(c *conn) (empty bool, err error) {
	if err := c.script("BEGIN"); err != nil {
		return false, err
	}
	defer c.rollback()
	return check(c)
}

// check says whether the file is empty, and fails if it is not one of ours.
func check(c *conn) (empty bool, err error) {
	id, err := c.number("PRAGMA application_id")
	if err != nil {
		return false, err
	}
	version, err := c.number("PRAGMA user_version")
	if err != nil {
		return false, err
	}
	tables, err := c.number("SELECT count(*) FROM sqlite_schema")
	switch {
	case err != nil:
		return false, err
	case id == 0 && version == 0 && tables == 0:
		return true, nil
	case id != applicationID:
		return false, errors.New("it is a database of another program")
	case version > schemaVersion:
		return false, fmt.Errorf("it has schema %d, of a newer Tallystick; this one knows up to %d", version, schemaVersion)
	}
	return false, nil
}
