// Package schema holds documents against a collection's JSON Schema. It knows no storage
// and no HTTP.
//
// A schema is written by somebody else, and checked in a process that serves others.
// santhosh-tekuri/jsonschema reads it, holds it against its meta-schema and resolves
// its references. The checking is ours: that library has no bound on its work or on its
// tree of errors, and what it offers to hook in is called only after a schema's parts
// were evaluated, and not for those that fail early. Here every evaluation is paid for
// before it is made, see MaxWork, and ends at MaxFaults.
//
// Schemas are of draft 2020-12, or of the draft that their $schema names (4, 6, 7,
// 2019-09). Left out are $dynamicRef and $recursiveRef, which Compile refuses, and
// references to other documents. Regular expressions are Go's (RE2): look-aheads and
// back-references are refused. contentEncoding, contentMediaType and contentSchema
// are notes.
//
// These formats are asserted: date, time, date-time, duration, period, email, hostname,
// ipv4, ipv6, uri, uri-reference, iri, iri-reference, uuid, json-pointer,
// relative-json-pointer, regex, semver. Others are notes; among them uri-template, of which
// the library refuses valid ones.
//
// Reading order: schema.go, compile.go and node.go, which make of a schema what is
// evaluated, check.go, evaluate.go, and value.go, which reads and compares.
package schema

import "errors"

// Limits.
const (
	MaxBytes  = 64 << 10 // of a schema's text
	MaxFaults = 50       // that Check returns

	// MaxWork is what a Check may take: a unit is about a nanosecond. An evaluation of a
	// schema on a value is 100 units at least, so two million of them are too many.
	MaxWork = 200_000_000

	maxParts = 4000 // objects, true and false in a schema's text
	maxDepth = 100  // of a schema's text, and of a document
	maxStack = 5000 // evaluations within each other
)

var (
	// ErrSchema is a schema that cannot be used; the text says where, as a JSON pointer,
	// and why.
	ErrSchema = errors.New("the schema is not valid")
	// ErrTooComplex is a schema, or one together with a document, that takes too much
	// work, or refers to itself without an end.
	ErrTooComplex = errors.New("the schema is too complex")
)

// A Fault is where a document does not fit, and why.
type Fault struct {
	// Pointer is the place's JSON pointer (RFC 6901), "" for the whole document. Of a
	// property that is missing, or not allowed, it is where it would stand or stands.
	Pointer string
	// Message says what is wanted there, as in "must be a string, not a number".
	Message string
}

// A Schema is a compiled schema. Several goroutines may use it.
type Schema struct {
	root *node
}
