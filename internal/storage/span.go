package storage

import (
	"context"
	"errors"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// TracerOf returns who begins the spans of one of our packages in ctx, or nil where nobody
// traces.
func TracerOf(ctx context.Context, pkg string) trace.Tracer {
	parent := trace.SpanFromContext(ctx)
	if !parent.IsRecording() {
		return nil
	}
	return parent.TracerProvider().Tracer("github.com/tallystick/tallystick/internal/" + pkg)
}

// operation is one use of a store, seen by whoever counts or traces it in the context. A
// context that is not traced costs a look at it.
type operation struct {
	usage *Usage
	span  trace.Span // nil where nobody traces
	runs  atomic.Int64

	// Of a transaction's last run: whether the store failed it, and what its function
	// returned else, which is the caller's own word.
	failed  atomic.Bool
	refusal atomic.Pointer[error]
}

// begin begins an operation. Its span names the operation and the kind, and never a key or
// an error's text: these may tell of a person.
func begin(ctx context.Context, name, kind string) (context.Context, *operation) {
	op := &operation{usage: UsageOf(ctx)}
	tracer := TracerOf(ctx, "storage")
	if tracer == nil {
		return ctx, op
	}
	// https://opentelemetry.io/docs/specs/semconv/db/database-spans/
	attributes := []attribute.KeyValue{attribute.String("db.operation.name", name)}
	spanName := name
	if kind != "" {
		spanName += " " + kind
		attributes = append(attributes, attribute.String("db.collection.name", kind))
	}
	ctx, op.span = tracer.Start(ctx, spanName, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
	return ctx, op
}

// run counts a run of the transaction's function.
func (op *operation) run() {
	n := op.runs.Add(1)
	op.usage.ran(n)
	op.failed.Store(false)
	op.refusal.Store(nil)
	if op.span != nil && n > 1 {
		op.span.AddEvent("run again")
	}
}

// counting is get for a transaction.
func (op *operation) counting(get Getter) Getter {
	return func(keys []Key) ([]Entity, error) {
		entities, err := get(keys)
		if err == nil {
			op.usage.read(int64(len(keys)))
		} else {
			op.failed.Store(true)
		}
		return entities, err
	}
}

// refused says that the transaction's function returned err. When no Get of it failed, the
// store did what it was asked.
func (op *operation) refused(err error) {
	if !op.failed.Load() {
		op.refusal.Store(&err)
	}
}

func (op *operation) end(err error) {
	if op.span == nil {
		return
	}
	if refusal := op.refusal.Load(); err != nil && (refusal == nil || !errors.Is(err, *refusal)) {
		op.span.SetStatus(codes.Error, "")
	}
	op.span.End()
}
