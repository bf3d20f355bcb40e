package storage

import (
	"context"
	"sync/atomic"
)

// Usage counts what is used of stores in the contexts that carry it, on however many
// goroutines. It counts as Datastore bills, whatever the backend is, so that the figures of a
// laptop say what the same work costs there:
//
//   - An entity that is looked up is a read, a missing one too. A query is as many reads as
//     it returns, and at least one; one of keys alone is one. A count is a read for each
//     1,000 index entries, and at least one.
//   - A transaction that is run again reads again. The writes and deletions of a run count
//     when they are handed over to be committed: the price of a commit that fails is not
//     published, so this may be more than the bill.
//
// Firestore in native mode bills the same, but for queries of keys alone: each key is a read
// there, of which this counts one for them all.
//
// https://firebase.google.com/docs/firestore/pricing says it of queries and counts,
// https://cloud.google.com/datastore/pricing of keys; that native mode has no such price,
// https://github.com/firebase/firebase-js-sdk/issues/932.
//
// A nil Usage counts nothing.
type Usage struct {
	reads, writes, deletes, transactions, retries, batch atomic.Int64
}

// Used is what a Usage has counted.
type Used struct {
	Reads        int64 // entities, as Datastore bills them
	Writes       int64 // entities put
	Deletes      int64
	Transactions int64 // calls of Update
	Retries      int64 // runs of their functions beyond the first: others were in the way, or an answer was lost
	Batch        int64 // the most callers that shared one of the transactions; see package merge
}

type usageKey struct{}

// WithUsage returns a context in which u counts, and nobody who counted in ctx.
func WithUsage(ctx context.Context, u *Usage) context.Context {
	return context.WithValue(ctx, usageKey{}, u)
}

// UsageOf returns who counts in ctx, or nil.
func UsageOf(ctx context.Context) *Usage {
	u, _ := ctx.Value(usageKey{}).(*Usage)
	return u
}

// Used returns the counts as they are now.
func (u *Usage) Used() Used {
	if u == nil {
		return Used{}
	}
	return Used{
		Reads:        u.reads.Load(),
		Writes:       u.writes.Load(),
		Deletes:      u.deletes.Load(),
		Transactions: u.transactions.Load(),
		Retries:      u.retries.Load(),
		Batch:        u.batch.Load(),
	}
}

// Shared says that a transaction carried this caller and others, callers in all. What it
// read and wrote counts for one of them.
func (u *Usage) Shared(callers int) {
	if u == nil {
		return
	}
	for n := int64(callers); ; {
		most := u.batch.Load()
		if n <= most || u.batch.CompareAndSwap(most, n) {
			return
		}
	}
}

func (u *Usage) read(n int64) {
	if u != nil {
		u.reads.Add(n)
	}
}

// ran counts the n-th run of a transaction's function.
func (u *Usage) ran(n int64) {
	switch {
	case u == nil:
	case n == 1:
		u.transactions.Add(1)
	default:
		u.retries.Add(1)
	}
}

func (u *Usage) wrote(writes []Write) {
	if u == nil {
		return
	}
	deletes := int64(0)
	for _, w := range writes {
		if w.Delete {
			deletes++
		}
	}
	u.deletes.Add(deletes)
	u.writes.Add(int64(len(writes)) - deletes)
}

// queryReads is what a query costs that returned so many entities.
func queryReads(q Query, entities int) int64 {
	if q.KeysOnly {
		return 1
	}
	return max(1, int64(entities))
}

// countReads is what it costs to count n entities.
func countReads(n int64) int64 { return max(1, (n+999)/1000) }
