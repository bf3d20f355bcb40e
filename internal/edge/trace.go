package edge

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
)

// Traces sends the spans of requests to a collector. A nil Traces sends none, and costs
// next to nothing; a request's trace is known to its log lines even so.
type Traces struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	waits    bool         // see OpenTraces
	resume   atomic.Int64 // when a reply waits again after one did so in vain, in Unix nanoseconds
}

// exportTime is how long a reply waits for its spans at most, and silence how long no
// other does after one did so in vain: a collector that is down must not slow the site.
const (
	exportTime = time.Second
	silence    = time.Minute
)

// OpenTraces returns nil without OTEL_EXPORTER_OTLP_ENDPOINT. Nothing is connected to
// before there are spans. OpenTelemetry's other settings, the sampler's among them, are read
// by its own library.
//
// In a function, a reply that is traced waits until its spans are away: a function's CPU
// sleeps after its last reply, so what was left for later would come with the next visitor,
// or be lost with the instance. Those who wait at once share an export, as visits share a
// commit. Elsewhere spans are sent every few seconds, and by Close.
func OpenTraces(c Config, function bool) (*Traces, error) {
	ctx := context.Background()
	if c.TraceEndpoint == "" {
		return nil, nil
	}
	options := []otlptracehttp.Option{otlptracehttp.WithEndpointURL(strings.TrimSuffix(c.TraceEndpoint, "/") + "/v1/traces")}
	if isGoogle(c.TraceEndpoint) {
		credentials, err := google.FindDefaultCredentials(ctx, "https://www.googleapis.com/auth/trace.append")
		if err != nil {
			return nil, fmt.Errorf("settings: OTEL_EXPORTER_OTLP_ENDPOINT: Google takes traces of a known account alone, and there are no credentials here: %w", err)
		}
		options = append(options, otlptracehttp.WithHTTPClient(oauth2.NewClient(ctx, credentials.TokenSource)))
	}
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, fmt.Errorf("settings: OTEL_EXPORTER_OTLP_ENDPOINT: %w", err)
	}
	about, err := resource.New(ctx, resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", serviceName())),
		resource.WithAttributes(projectAttribute(c.ProjectID())...),
		resource.WithFromEnv()) // last, for it has the last word
	if err != nil {
		return nil, fmt.Errorf("settings: OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { slog.Warn("traces are not sent", "error", err) }))
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(about))
	return &Traces{
		provider: provider,
		tracer:   provider.Tracer("github.com/tallystick/tallystick"),
		waits:    function,
	}, nil
}

// Close sends what waits, if the collector takes it now.
func (t *Traces) Close() {
	if t == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), exportTime)
	defer cancel()
	if err := t.provider.Shutdown(ctx); err != nil {
		otel.Handle(err)
	}
}

func isGoogle(endpoint string) bool {
	u, err := url.Parse(endpoint)
	return err == nil && u.Scheme == "https" && strings.HasSuffix(u.Hostname(), ".googleapis.com")
}

// serviceName is the function's where it is deployed.
func serviceName() string {
	if name := os.Getenv("K_SERVICE"); name != "" {
		return name
	}
	return "tallystick"
}

// projectAttribute is how Google's collector knows whose the traces are.
func projectAttribute(project string) []attribute.KeyValue {
	if project == "" {
		return nil
	}
	return []attribute.KeyValue{attribute.String("gcp.project_id", project)}
}

// begin joins ctx to the trace that the request's headers tell of, and begins its span.
func (t *Traces) begin(ctx context.Context, h http.Header) (context.Context, trace.Span) {
	ctx = withRemoteSpan(ctx, h)
	if t == nil {
		return ctx, nil
	}
	return t.tracer.Start(ctx, "request", trace.WithSpanKind(trace.SpanKindServer))
}

// end ends the request's span, and waits until it is away where it has to.
func (t *Traces) end(ctx context.Context, span trace.Span, l Line) {
	if t == nil {
		return
	}
	if span.IsRecording() {
		describe(span, l)
	}
	span.End()
	if t.waits && span.SpanContext().IsSampled() && time.Now().UnixNano() >= t.resume.Load() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exportTime)
		defer cancel()
		if err := t.provider.ForceFlush(ctx); err != nil {
			t.resume.Store(time.Now().Add(silence).UnixNano())
			otel.Handle(err)
		}
	}
}

// describe says of a request what its log line does.
// https://opentelemetry.io/docs/specs/semconv/http/http-spans/
func describe(span trace.Span, l Line) {
	span.SetName(l.Method + " " + l.Route)
	span.SetAttributes(
		attribute.String("http.request.method", l.Method),
		attribute.String("http.route", l.Route),
		attribute.Int("http.response.status_code", l.Status),
		attribute.String("tallystick.function", l.Function),
	)
	for name, n := range l.Figures() {
		span.SetAttributes(attribute.Int64("tallystick."+name, n))
	}
	if l.Code != "" {
		span.SetAttributes(attribute.String("error.type", l.Code))
	}
	if l.Status >= 500 || l.Code == cutOff {
		span.SetStatus(codes.Error, "")
	}
}

// withRemoteSpan puts the span that called into ctx: of W3C's header, or of Google's older
// one, TRACE/SPAN;o=OPTIONS, which its load balancers set too.
// https://cloud.google.com/trace/docs/trace-context#legacy-http-header
//
// The header tracestate is left out: it is text of the client's own, which each span would
// carry to the collector.
func withRemoteSpan(ctx context.Context, h http.Header) context.Context {
	if parent := h.Get("Traceparent"); parent != "" {
		ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier{"traceparent": parent})
	}
	legacy := h.Get("X-Cloud-Trace-Context")
	if legacy == "" || trace.SpanContextFromContext(ctx).IsValid() {
		return ctx
	}
	id, rest, _ := strings.Cut(legacy, "/")
	number, options, _ := strings.Cut(rest, ";o=")
	traceID, err := trace.TraceIDFromHex(id)
	span, numberErr := strconv.ParseUint(number, 10, 64)
	if err != nil || numberErr != nil {
		return ctx
	}
	config := trace.SpanContextConfig{TraceID: traceID, Remote: true}
	for i := range config.SpanID {
		config.SpanID[i] = byte(span >> (56 - 8*i))
	}
	if options == "1" {
		config.TraceFlags = trace.FlagsSampled
	}
	return trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(config))
}
