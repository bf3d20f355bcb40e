// Package archive keeps all that Tallystick stores in one file, from any store and for
// any other.
//
// The file is NDJSON, packed with gzip: a [header], a line for each partner, one for each
// entity, and an [end] with how many there are and the SHA-256 of all lines before it.
// docs/backup.md describes it for those who have the file and not this program.
//
// Read this file first, then kinds.go (what is in it, in which order), entity.go (an
// entity's line), partner.go (a partner's), write.go, read.go (a file is verified), restore.go (and goes into a
// store, in steps that can be repeated), put.go and claim.go (for one import at a time).
package archive

import (
	"time"
)

const (
	format  = "tallystick-archive"
	version = 1
)

// header is the first line.
type header struct {
	Format  string    `json:"format"`
	Version int       `json:"version"`
	Time    time.Time `json:"time"`    // of which moment the entities are, by the clock of who wrote it
	Program string    `json:"program"` // the version of Tallystick that wrote it
	Without []string  `json:"without"` // kinds that never leave their store
}

// line is any other line: one of these.
type line struct {
	Partner *Partner `json:"partner,omitzero"`
	Entity  *entity  `json:",embed"`
	End     *end     `json:"end,omitzero"`
}

// end is the last line.
type end struct {
	Entities int64            `json:"entities"`
	Kinds    map[string]int64 `json:"kinds"`  // how many entities each has, if any
	SHA256   string           `json:"sha256"` // of all bytes before this line, in hexadecimal digits
}

// Contents is what an archive says of itself.
type Contents struct {
	Time     time.Time
	Program  string
	Partners []Partner
	Entities int64
	Kinds    map[string]int64 // how many entities each has
	SHA256   string           // names the archive
}
