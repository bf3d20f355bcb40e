// Package record keeps JSON records: what came in, and what was made of it, side
// by side.
//
// Read this file first, then settings.go (what a collection asks of its records),
// prepare.go (how a document becomes a record's content), try.go, state.go and content.go
// (what is stored where), write.go (all changes), read.go, list.go and query.go
// (how they are found again), import.go and retransform.go.
//
// # What is stored
//
// A collection's records are the entities of a kind of their own, "Record.NAME",
// which hold a record's content as long as it is small. What is larger lies in
// entities of the kind "Part.NAME", for an entity of the store holds less than a
// record may have. Each change leaves the version before it in an entity of the kind
// "Revision.NAME". The entity "Collection/NAME" has the collection's settings, and
// what is known about its fields.
package record

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tallystick/tallystick/internal/merge"
	"github.com/tallystick/tallystick/internal/storage"
)

// Limits of what a client may send and ask for.
const (
	MaxBytes     = 1 << 20 // of a record's original
	MaxBatch     = 500     // records that one call stores, fetches or removes
	MaxRevisions = 100     // earlier versions that are kept of a record
)

var (
	ErrID          = errors.New("id")
	ErrCollection  = errors.New("collection")
	ErrDocument    = errors.New("document")
	ErrTooMany     = errors.New("too many records")
	ErrTooLarge    = errors.New("too large")
	ErrDuplicateID = errors.New("id twice in one call")
	ErrNotFound    = errors.New("there is no such record")
	ErrExists      = errors.New("a record of this id is there already")
	ErrChanged     = errors.New("the record was changed meanwhile")
)

// A Record is a JSON document with what was made of it.
type Record struct {
	ID         string
	Collection string

	// Original is the document as it came in, byte for byte from its first brace to
	// its last. Transformed is what the collection's transform made of it.
	Original    []byte
	Transformed []byte

	Version int64     // 1 for a new record, one more with each change
	Created time.Time // of version 1
	Updated time.Time // of this version
	Expire  time.Time // after which it is no longer there; zero: it stays

	settings int64 // the version of the collection's settings that Transformed is by
}

// ETag tells this representation from any other that the record ever had. It says
// when the record was made, so that one that was deleted and made anew has no
// version of the former.
func (r Record) ETag() string { return etag(r.Version, r.settings, r.Created) }

func etag(version, settings int64, created time.Time) string {
	return fmt.Sprintf(`"%d-%d-%x"`, version, settings, created.UnixMicro())
}

// source is what reading needs of a store. A Reader has no more, so none of its
// paths can write.
type source interface {
	Get(ctx context.Context, keys ...storage.Key) ([]storage.Entity, error)
	Query(ctx context.Context, q storage.Query) (storage.Page, error)
	Count(ctx context.Context, q storage.Query) (int64, error)
}

// Reader reads records. It is all that a function with a read-only role needs.
type Reader struct {
	source source
	now    func() time.Time
}

// NewReader returns a Reader of store.
func NewReader(store storage.Store, now func() time.Time) *Reader {
	return &Reader{source: store, now: now}
}

// Options configure a Service. Zero fields take the defaults.
type Options struct {
	Queue int              // operations that may wait, see merge.Options
	Now   func() time.Time // default time.Now
}

// Service reads and writes records.
type Service struct {
	Reader
	store   storage.Store
	group   *merge.Group[state, []stamp]
	recipes recipes
}

// New returns a Service on store.
func New(store storage.Store, opts Options) *Service {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	return &Service{
		Reader: Reader{source: store, now: opts.Now},
		store:  store,
		group:  merge.New[state, []stamp](store, codec{}, merge.Options{Queue: opts.Queue, Now: opts.Now}),
	}
}

// Stats counts what the writes of this Service have cost.
func (s *Service) Stats() merge.Stats { return s.group.Stats() }
