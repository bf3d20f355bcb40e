// Package google holds what the backends on Google's document databases have alike:
// Datastore and Firestore. Both speak the database's API by its generated stubs,
// and both have transactions that read, then commit by one call.
//
// Read transaction.go first: when an update runs again and what it may claim in the
// end. Then get.go, how several entities are read as of one state; errors.go, which
// failure means what; connection.go, how the database is reached; property.go and
// lookup.go.
package google
