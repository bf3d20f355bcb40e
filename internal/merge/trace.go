package merge

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/tallystick/tallystick/internal/storage"
)

// traced begins the span of one caller, from when it waits until it has its result, if
// its context is traced.
func traced(ctx context.Context) (_ context.Context, end func()) { return begin(ctx, "merge") }

// traced is the context of the batch's transaction. It is that of the caller who leads,
// without its end: what the store does counts for it, and lies in its trace. So what all
// callers count adds up to what the store did.
func (b *batch[S, R]) traced() (_ context.Context, end func()) {
	ctx, end := begin(context.WithoutCancel(b.calls[0].ctx), "merge batch", attribute.Int("batch", len(b.calls)))
	b.span = trace.SpanContextFromContext(ctx)
	return ctx, end
}

// tell lets c's caller know how many shared its transaction, and where in whose trace that
// is.
func (b *batch[S, R]) tell(c *call[S, R]) {
	storage.UsageOf(c.ctx).Shared(len(b.calls))
	span := trace.SpanFromContext(c.ctx)
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(attribute.Int("batch", len(b.calls)))
	if c != b.calls[0] && b.span.IsSampled() {
		span.AddLink(trace.Link{SpanContext: b.span})
	}
}

// begin begins a span where ctx is traced; else it costs a look at ctx.
func begin(ctx context.Context, name string, attributes ...attribute.KeyValue) (_ context.Context, end func()) {
	tracer := storage.TracerOf(ctx, "merge")
	if tracer == nil {
		return ctx, func() {}
	}
	ctx, span := tracer.Start(ctx, name, trace.WithAttributes(attributes...))
	return ctx, func() { span.End() }
}
