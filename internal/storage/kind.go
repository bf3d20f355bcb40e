package storage

// Kind declares a kind of entities that a domain keeps: what an operator prepares a
// database for, and what an archive takes.
type Kind struct {
	Name string

	// Expires says that its entities may have an Expire.
	Expires bool

	// Private entities never leave their store, so no archive has them.
	Private bool

	// Indexes are the queries of the kind that have more than one property, or go
	// backward: a database may need an index for each. Values, limits and cursors do
	// not matter.
	Indexes []Query
}

// Access is what somebody may do with a store.
type Access uint8

const (
	Reads   Access = 1 << iota // Get, in a transaction too
	Lists                      // Query and Count
	Writes                     // Put
	Deletes                    // Delete

	All = Reads | Lists | Writes | Deletes
)

// Has says whether a holds all of b.
func (a Access) Has(b Access) bool { return a&b == b }
