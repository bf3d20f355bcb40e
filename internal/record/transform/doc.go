// Package transform makes of a record's original what is shown, filtered and
// indexed. It knows no storage and no HTTP.
//
// There are two transforms. Canonical, the one that a collection has unless it says
// otherwise, flattens nested objects, tidies text, and makes numbers and times of
// texts that are such. A Program is a jq program of the collection's owner.
//
// # What a Program may take
//
// A program is written by somebody else, and runs in a process that serves others.
// What it costs is counted as it runs, by counters that do not depend on the
// garbage collector or on what else the process does, so a program that is refused
// for memory is refused everywhere:
//
//   - Values. Every operation that makes or walks a value goes through a function of
//     ours that first charges for it, about a unit for a byte or a nanosecond; a run
//     has MaxWork units. What a run holds at one time cannot be more than what it was
//     charged for, so values take at most about MaxWork bytes.
//   - The interpreter's stacks: at most MaxStack bytes.
//   - Time: TimeLimit, looked at every few instructions; one operation between two looks
//     is bounded by the charges, and takes some tenths of a second at worst.
//   - Depth: values nested deeper than maxDepth are refused before anything that
//     recurses, for a Go stack that overflows cannot be recovered from.
//
// Runs that stay below lightWork do not wait for each other. One that wants more waits
// until no other such run is under way in the process, so n runs together take at most
// MaxWork + MaxStack + n·(lightWork + lightStack) bytes, with what the garbage collector
// leaves lying on top of that. The tests run bombs and measure: see bomb_test.go.
//
// Reading order: canonical.go and text.go; then program.go, which says
// what becomes of a program, rewrite.go and names.go, which put our functions into it,
// meter.go and measure.go, which count, and the functions: guard.go, arithmetic.go,
// edit.go, match.go and prelude.jq.
package transform
