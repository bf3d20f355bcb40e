package merge

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/tallystick/tallystick/internal/storage"
)

// counting is a store that counts for itself what transactions read and write.
type counting struct {
	storage.Store
	reads, writes atomic.Int64
}

func (c *counting) Update(ctx context.Context, fn func(storage.Tx) error) error {
	return c.Store.Update(ctx, func(tx storage.Tx) error { return fn(countingTx{tx, c}) })
}

type countingTx struct {
	storage.Tx
	store *counting
}

func (t countingTx) Get(keys ...storage.Key) ([]storage.Entity, error) {
	t.store.reads.Add(int64(len(keys)))
	return t.Tx.Get(keys...)
}

func (t countingTx) Put(e storage.Entity) error {
	t.store.writes.Add(1)
	return t.Tx.Put(e)
}

func (t countingTx) Delete(k storage.Key) error {
	t.store.writes.Add(1)
	return t.Tx.Delete(k)
}

// TestWhatCallersCountAddsUpToWhatTheStoreDid, though they share transactions, some of
// which run again because an answer was lost.
func TestWhatCallersCountAddsUpToWhatTheStoreDid(t *testing.T) {
	store := &counting{Store: openStore(t)}
	g := newGroup(&lossy{Store: store, random: rand.New(rand.NewPCG(1, 2)), again: 0.3}, Options{})
	var mu sync.Mutex
	var sum storage.Used
	shared := 0
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			for j := range 25 {
				usage := new(storage.Usage)
				op := add(1, "a", fmt.Sprint("b", i%4))
				row := storage.Key{Kind: "Row", Name: fmt.Sprint(i)}
				op.Brings = 1
				change := op.Apply
				op.Apply = func(t *Turn[counter]) (int64, error) {
					if j%2 == 0 {
						t.Delete(row)
					} else if err := t.Put(storage.Entity{Key: row}); err != nil {
						return 0, err
					}
					return change(t)
				}
				if _, err := g.Do(storage.WithUsage(t.Context(), usage), op); err != nil {
					t.Error(err)
				}
				used := usage.Used()
				mu.Lock()
				sum.Reads += used.Reads
				sum.Writes += used.Writes
				sum.Deletes += used.Deletes
				if used.Batch > 1 {
					shared++
				}
				if used.Batch < 1 {
					t.Errorf("a caller's batch is %d, want at least itself", used.Batch)
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	stats := g.Stats()
	if r, n := store.reads.Load(), int64(stats.EntityReads); sum.Reads != r || n != r {
		t.Errorf("callers count %d reads, the group %d, the store %d", sum.Reads, n, r)
	}
	if w, n := store.writes.Load(), int64(stats.EntityWrites); sum.Writes+sum.Deletes != w || n != w {
		t.Errorf("callers count %d writes and %d deletions, the group %d, the store %d", sum.Writes, sum.Deletes, n, w)
	}
	if shared == 0 || sum.Deletes == 0 || stats.Runs == stats.Batches {
		t.Errorf("%d callers shared a batch, %d deletions, %d runs of %d batches: nothing is shown", shared, sum.Deletes, stats.Runs, stats.Batches)
	}
}

// inTwoBatches lets one caller go alone and three wait and go together, each in a context of
// its own, and returns these.
func inTwoBatches(t *testing.T, with func(context.Context) context.Context) []context.Context {
	t.Helper()
	gate := newGate(openStore(t))
	g := newGroup(gate, Options{})
	var callers []context.Context
	var all sync.WaitGroup
	for i := range 4 {
		ctx := with(t.Context())
		callers = append(callers, ctx)
		all.Go(func() {
			if _, err := g.Do(ctx, add(1, "a")); err != nil {
				t.Error(err)
			}
		})
		if i == 0 {
			<-gate.arrived
		} else {
			waitFor(t, g, i)
		}
	}
	gate.open <- struct{}{}
	gate.open <- struct{}{}
	all.Wait()
	return callers
}

func TestEachCallerKnowsTheSizeOfItsBatchAndOneWhatItCost(t *testing.T) {
	callers := inTwoBatches(t, func(ctx context.Context) context.Context { return storage.WithUsage(ctx, new(storage.Usage)) })
	var got []storage.Used
	for _, ctx := range callers {
		got = append(got, storage.UsageOf(ctx).Used())
	}
	alone := storage.Used{Reads: 1, Writes: 1, Transactions: 1, Batch: 1}
	led := storage.Used{Reads: 1, Writes: 1, Transactions: 1, Batch: 3}
	carried := storage.Used{Batch: 3}
	if want := []storage.Used{alone, led, carried, carried}; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the callers used %+v, want %+v", got, want)
	}
}

func TestABatchLiesInTheTraceOfWhoLeadsAndTheOthersLinkToIt(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)).Tracer("")
	inTwoBatches(t, func(ctx context.Context) context.Context {
		ctx, _ = tracer.Start(ctx, "request")
		return ctx
	})
	spans := make(map[string][]sdktrace.ReadOnlySpan)
	inOrder := slices.SortedFunc(slices.Values(recorder.Ended()), func(a, b sdktrace.ReadOnlySpan) int { return a.StartTime().Compare(b.StartTime()) })
	for _, s := range inOrder { // the first batch may end after the second
		spans[s.Name()] = append(spans[s.Name()], s)
	}
	if len(spans["merge"]) != 4 || len(spans["merge batch"]) != 2 || len(spans["Update"]) != 2 {
		t.Fatalf("%d callers, %d batches, %d updates; want 4, 2, 2", len(spans["merge"]), len(spans["merge batch"]), len(spans["Update"]))
	}
	batch, update := spans["merge batch"][1], spans["Update"][1]
	if update.Parent().SpanID() != batch.SpanContext().SpanID() {
		t.Error("the store's work is not in the batch")
	}
	leads, links := 0, 0
	for _, s := range spans["merge"] {
		if s.SpanContext().SpanID() == batch.Parent().SpanID() {
			leads++
		}
		for _, l := range s.Links() {
			if l.SpanContext.SpanID() == batch.SpanContext().SpanID() {
				links++
			}
		}
	}
	if leads != 1 || links != 2 {
		t.Errorf("%d callers lead the batch, %d link to it; want 1 and 2", leads, links)
	}
	want := attribute.Int("batch", 3)
	sizes := 0
	for _, s := range append(spans["merge"], batch) {
		for _, a := range s.Attributes() {
			if a == want {
				sizes++
			}
		}
	}
	if sizes != 4 {
		t.Errorf("%d spans have the size 3, want those of three callers and their batch", sizes)
	}
}
