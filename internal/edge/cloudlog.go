package edge

import (
	"context"
	"io"
	"log/slog"
	"strconv"

	"go.opentelemetry.io/otel/trace"
)

// Names that Cloud Logging takes out of a line of JSON and gives a meaning.
// https://cloud.google.com/logging/docs/structured-logging#special-payload-fields
const (
	cloudSeverity = "severity"
	cloudMessage  = "message"
	cloudRequest  = "httpRequest"
	cloudLabels   = "logging.googleapis.com/labels"
	cloudTrace    = "logging.googleapis.com/trace"
	cloudSpan     = "logging.googleapis.com/spanId"
	cloudSampled  = "logging.googleapis.com/trace_sampled"
)

// Names by which Error Reporting knows an error that it counts and groups.
// https://cloud.google.com/error-reporting/docs/formatting-error-messages
const (
	cloudType     = "@type"
	cloudStack    = "stack_trace"
	reportedError = "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"
)

// stackKey is the attribute of a panic's stack.
const stackKey = "stack"

// NewCloudLog returns a handler that writes records as Cloud Logging takes them from a
// function's output: a line of JSON each, in one write, so that nothing is lost in a crash.
// It is the one place that knows the names there. What is logged with a request's context
// is joined to the request's trace, if the project is known.
func NewCloudLog(w io.Writer, level slog.Leveler, project string) slog.Handler {
	return &cloudLog{
		Handler: slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: cloudNames}),
		project: project,
	}
}

// cloudNames renames what every record has.
func cloudNames(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.LevelKey:
		if level, ok := a.Value.Any().(slog.Level); ok { // and no attribute of that name
			return slog.String(cloudSeverity, severity(level))
		}
	case slog.MessageKey:
		a.Key = cloudMessage
	}
	return a
}

func severity(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return "ERROR"
	case l >= slog.LevelWarn:
		return "WARNING"
	case l >= slog.LevelInfo:
		return "INFO"
	}
	return "DEBUG"
}

type cloudLog struct {
	slog.Handler
	project string
}

func (h *cloudLog) Handle(ctx context.Context, r slog.Record) error {
	out := slog.NewRecord(r.Time, r.Level, r.Message, r.PC)
	reason := ""
	r.Attrs(func(a slog.Attr) bool {
		switch line, ok := LineOf(a); {
		case ok:
			out.AddAttrs(cloudLine(line)...)
		case a.Key == stackKey: // behind the error, as a panic's own output has it
			out.AddAttrs(slog.String(cloudType, reportedError), slog.String(cloudStack, "panic: "+reason+"\n\n"+a.Value.String()))
		default:
			if a.Key == "error" {
				reason = a.Value.String()
			}
			out.AddAttrs(a)
		}
		return true
	})
	if span := trace.SpanContextFromContext(ctx); span.IsValid() && h.project != "" {
		out.AddAttrs(
			slog.String(cloudTrace, "projects/"+h.project+"/traces/"+span.TraceID().String()),
			slog.String(cloudSpan, span.SpanID().String()),
			slog.Bool(cloudSampled, span.IsSampled()),
		)
	}
	return h.Handler.Handle(ctx, out)
}

// cloudLine is a request's line. Cloud Logging makes columns of httpRequest; a metric takes
// its labels from the labels, and its value from a number.
func cloudLine(l Line) []slog.Attr {
	labels := []slog.Attr{slog.String("function", l.Function), slog.String("route", l.Route)}
	if l.Code != "" {
		labels = append(labels, slog.String("code", l.Code))
	}
	attrs := []slog.Attr{
		slog.GroupAttrs(cloudRequest,
			slog.String("requestMethod", l.Method),
			slog.String("requestUrl", l.Route),
			slog.Int("status", l.Status),
			slog.String("latency", strconv.FormatFloat(l.Latency.Seconds(), 'f', 6, 64)+"s"),
			slog.String("responseSize", strconv.FormatInt(l.Bytes, 10)),
			slog.String("protocol", l.Protocol),
		),
		slog.GroupAttrs(cloudLabels, labels...),
	}
	for name, n := range l.Figures() {
		if long := cloudFigures[name]; long != "" {
			name = long
		}
		attrs = append(attrs, slog.Int64(name, n))
	}
	return attrs
}

// cloudFigures are the longer names of figures that would not say what is read in a log of
// many services.
var cloudFigures = map[string]string{"reads": "entityReads", "writes": "entityWrites", "deletes": "entityDeletes"}

func (h *cloudLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &cloudLog{h.Handler.WithAttrs(attrs), h.project}
}

func (h *cloudLog) WithGroup(name string) slog.Handler {
	return &cloudLog{h.Handler.WithGroup(name), h.project}
}
