// Package storage is the one contract between Tallystick's domains and the
// databases beneath them.
//
// Read this file first: [Store], [Tx], [Entity] and [Query] say what a domain
// may rely on. driver.go is what a backend implements, check.go holds the rules
// that are the same for every backend. The package storagetest turns every
// sentence of this file into a test case, and each backend passes it unchanged.
package storage

import (
	"context"
	"errors"
	"time"
)

// Limits that every backend keeps: the narrowest of all, with some room for the
// encoding. MaxTxReads is Datastore's of one lookup. Firestore's index has 1,500
// bytes for a string and a byte behind it. MaxTxBytes is that of the emulators, which
// take messages of 4 MiB where the cloud takes 10.
const (
	MaxKindBytes     = 128              // of a key's kind
	MaxNameBytes     = 1500             // of a key's name, as Key counts it
	MaxIndexedBytes  = 1499             // of an indexed string
	MaxEntityBytes   = 1<<20 - 4<<10    // of an entity, as Entity.Size counts it
	MaxTxReads       = 1000             // entities that one transaction reads, or one Get
	MaxTxWrites      = 2000             // entities that one transaction writes
	MaxTxBytes       = 3584 << 10       // that one transaction writes
	MaxQueryLimit    = 1000             // entities in one page of a query
	MaxPropertyBytes = 100              // of an indexed property's name
	TimeResolution   = time.Microsecond // a time is kept to this
)

var (
	// ErrInvalid is a key, an entity, a query or a use of Tx that no backend
	// accepts. It is a defect of the caller, or input that was not checked.
	ErrInvalid = errors.New("storage: invalid")

	// ErrTooLarge is an entity or a transaction over the limits above.
	ErrTooLarge = errors.New("storage: too large")

	// ErrCursor is a cursor that this store did not make for this query.
	ErrCursor = errors.New("storage: bad cursor")

	// ErrConflict says that others kept writing what the transaction read until
	// the context's deadline. Nothing was stored.
	ErrConflict = errors.New("storage: conflict")

	// ErrUnknown says that a commit was sent and no answer came before the
	// context's deadline: it was stored whole, or not at all.
	ErrUnknown = errors.New("storage: outcome unknown")

	// ErrUnavailable says that the database cannot be reached or cannot write
	// (disk full, no permission) just now. Nothing was stored.
	ErrUnavailable = errors.New("storage: unavailable")

	// ErrIndex says that the database has no index for this query. The error is an
	// *IndexError, which knows what an operator must add. Some backends need none.
	ErrIndex = errors.New("storage: the database has no index for this query")

	// ErrTooOld says that a database no longer knows what was there when a snapshot
	// was taken. Google's know it for an hour.
	ErrTooOld = errors.New("storage: snapshot too old")
)

// IndexError is an ErrIndex.
type IndexError struct {
	// Hint is what an operator must add: lines of index.yaml, or a command. Its
	// names are those of the database, as its own tools want them.
	Hint string
}

func (e *IndexError) Error() string { return ErrIndex.Error() + "; it needs\n" + e.Hint }

// Is makes every IndexError an ErrIndex.
func (e *IndexError) Is(target error) bool { return target == ErrIndex }

// A Key names an entity. Kind is [A-Za-z][A-Za-z0-9_.-]*, at most MaxKindBytes
// bytes. Name is any UTF-8 text of 1 to MaxNameBytes bytes, of which a dot and a
// slash count two, without NUL, not of the form __x__. Two names are the same only
// if their bytes are.
type Key struct {
	Kind string
	Name string
}

// String is for error messages and logs.
func (k Key) String() string { return k.Kind + "/" + k.Name }

// An Entity is what is stored under a key. The caller owns what it passes in and
// what it gets back: neither is shared with the store.
type Entity struct {
	Key Key

	// Exists tells of an entity that was read whether it was there. Of a missing
	// one only the key is set. Put ignores it.
	Exists bool

	// Index holds the properties that a Query can filter and order by. A value is
	// a string, an int64, a float64 (not NaN), a bool or a time.Time; one property
	// of a kind always has the same type. A time is read back in UTC, cut to
	// TimeResolution, and -0 as 0. An entity without a property does not appear in
	// a query that filters or orders by it.
	Index map[string]any

	// Data is never indexed. Nil and empty are the same: empty.
	Data []byte

	// Expire, unless zero, is when the store may delete the entity by itself, at
	// once or days later. Who reads it judges for itself whether it is still valid.
	// It is kept as an indexed time is.
	Expire time.Time
}

// Store is a database of entities.
type Store interface {
	// Get reads the entities of up to MaxTxReads keys, in the order of the keys. It
	// sees every Update that had returned when it was called, and one state of the
	// store: no Update in part. A missing entity is in its place with Exists false;
	// it is not an error. No keys, no entities.
	Get(ctx context.Context, keys ...Key) ([]Entity, error)

	// Query reads one page of a kind. Like Get, it sees every Update that had
	// returned when it was called. Without the index that it needs it is ErrIndex.
	Query(ctx context.Context, q Query) (Page, error)

	// Count says how many entities q selects. Limit, Cursor, KeysOnly and Descending
	// do not matter. Like Get, it sees every Update that had returned when it was
	// called. It takes longer the more there are, and needs the index that Query does.
	Count(ctx context.Context, q Query) (int64, error)

	// Snapshot returns the store as it is now, for reading at leisure. Like Get, it
	// sees every Update that had returned when it was called, and no Update in part.
	// Those who write go on meanwhile. It has to be closed before the store.
	Snapshot(ctx context.Context) (Snapshot, error)

	// Update runs fn in a serializable transaction and commits it when fn returns
	// nil. When fn returns an error, nothing is stored and Update returns that
	// error.
	//
	// On a conflict fn is run again, with a new Tx, after a jittered pause, until
	// ctx ends. It may also be run again after a commit that was applied but whose
	// answer was lost: what must happen once carries a mark that a later run can
	// find. So fn has no other effects, and what it hands to its caller it sets
	// anew in each run. It may run on another goroutine, and it does not wait for
	// another Update. When it panics, nothing is stored and Update panics.
	//
	// Errors besides fn's own: ErrConflict, ErrUnknown, ErrUnavailable,
	// ErrTooLarge, ErrInvalid, and ctx's own when it ended before anything was
	// sent to be committed.
	Update(ctx context.Context, fn func(tx Tx) error) error

	// Close releases the store. Nothing else may be running.
	Close() error
}

// Snapshot is a store as it was at one moment. It is used by one goroutine.
type Snapshot interface {
	// Query is Store.Query of that moment, whatever was put or deleted since. When it
	// is too long ago it is ErrTooOld, after Close ErrInvalid.
	Query(ctx context.Context, q Query) (Page, error)

	// Close releases the snapshot. A second Close does nothing.
	Close() error
}

// Tx is one transaction. It is used by one goroutine, until fn returns. All its
// Gets come before the first Put or Delete; a later one is ErrInvalid, so no
// transaction reads its own writes.
type Tx interface {
	// Get is Store.Get inside the transaction: all of a transaction's Gets see
	// one state of the store.
	Get(keys ...Key) ([]Entity, error)

	// Put stores the entity, in place of an earlier one whole, when the
	// transaction commits. Of several writes to one key the last one counts.
	Put(e Entity) error

	// Delete removes the entity. A missing one is not an error.
	Delete(key Key) error
}

// Op compares an indexed property with a value of its type.
type Op string

const (
	Equal          Op = "="
	Less           Op = "<"
	LessOrEqual    Op = "<="
	Greater        Op = ">"
	GreaterOrEqual Op = ">="
)

// A Filter keeps the entities whose property compares so. Text compares by its
// UTF-8 bytes, false is less than true.
type Filter struct {
	Property string
	Op       Op
	Value    any
}

// Query selects entities of one kind.
type Query struct {
	Kind string

	// Where holds conditions that must all hold. Those other than Equal are all
	// on OrderBy.
	Where []Filter

	// OrderBy is the property to order by; entities of the same value, and all
	// entities when it is empty, are in order of name. Descending turns both.
	OrderBy    string
	Descending bool

	// Limit is the most that a page holds: 1 to MaxQueryLimit.
	Limit int

	// Cursor is empty for the first page, then the Next of the page before, or what
	// its After said. Pages so read neither skip nor repeat an entity that stays as
	// it is, whatever is put or deleted around it meanwhile. It goes with the same
	// query only, of which just Limit and KeysOnly may change from page to page.
	Cursor string

	// KeysOnly reads no Data, Index or Expire, which some backends do for less.
	KeysOnly bool
}

// Page is one page of a query's answer.
type Page struct {
	Entities []Entity

	// Next is the cursor of the next page, empty at the end. The page after a
	// Next may be empty.
	Next string

	after func(i int) string
}

// After is the cursor behind the i-th entity of the page, for who goes on from
// there; of the last one it begins where Next does. It is made when it is asked for.
// Only pages that a Store returned have it.
func (p Page) After(i int) string { return p.after(i) }
