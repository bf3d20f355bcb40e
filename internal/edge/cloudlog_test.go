package edge

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tallystick/tallystick/internal/storage"
)

// cloudLogged returns what is logged as Cloud Logging gets it, until the test ends.
func cloudLogged(t *testing.T) *bytes.Buffer {
	var b bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(NewCloudLog(&b, slog.LevelDebug, "my-project")))
	t.Cleanup(func() { slog.SetDefault(before) })
	return &b
}

// entries are the lines of a log, without their times.
func entries(t *testing.T, log *bytes.Buffer) []map[string]any {
	t.Helper()
	var all []map[string]any
	for line := range strings.Lines(log.String()) {
		var e map[string]any
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("%q is no JSON: %v", line, err)
		}
		if _, err := time.Parse(time.RFC3339Nano, e["time"].(string)); err != nil {
			t.Error(err)
		}
		delete(e, "time")
		all = append(all, e)
	}
	return all
}

func TestARequestsLineIsJSONForCloudLogging(t *testing.T) {
	log := cloudLogged(t)
	slog.Info("POST /visits 503", slog.Any("", Line{
		Function: "visits", Method: "POST", Route: "/visits", Status: 503, Code: "CONTENTION",
		Latency: 12*time.Millisecond + 340*time.Microsecond, Bytes: 61, Protocol: "HTTP/1.1",
		Used: storage.Used{Batch: 37, Reads: 5, Writes: 3, Deletes: 2, Transactions: 1, Retries: 4},
	}))
	want := map[string]any{
		"severity": "INFO", "message": "POST /visits 503",
		"httpRequest": map[string]any{
			"requestMethod": "POST", "requestUrl": "/visits", "status": 503.0,
			"latency": "0.012340s", "responseSize": "61", "protocol": "HTTP/1.1",
		},
		"logging.googleapis.com/labels": map[string]any{"function": "visits", "route": "/visits", "code": "CONTENTION"},
		"batch":                         37.0, "entityReads": 5.0, "entityWrites": 3.0, "entityDeletes": 2.0, "retries": 4.0,
	}
	if diff := cmp.Diff([]map[string]any{want}, entries(t, log)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestSeveritiesAreCloudLoggings(t *testing.T) {
	log := cloudLogged(t)
	for _, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError, slog.LevelError + 4} {
		slog.Log(t.Context(), l, "x")
	}
	var got []any
	for _, e := range entries(t, log) {
		got = append(got, e["severity"])
	}
	if diff := cmp.Diff([]any{"DEBUG", "INFO", "WARNING", "ERROR", "ERROR"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestOtherRecordsKeepTheirWords(t *testing.T) {
	log := cloudLogged(t)
	slog.WarnContext(t.Context(), "stock is low", "sku", "tea", "available", int64(3), "threshold", int64(5))
	slog.Info("the tide", "level", "high")
	slog.With("function", "update").WithGroup("g").Error("partners cannot be read", "msg", "two")
	want := []map[string]any{
		{"severity": "WARNING", "message": "stock is low", "sku": "tea", "available": 3.0, "threshold": 5.0},
		{"severity": "INFO", "message": "the tide", "level": "high"},
		{"severity": "ERROR", "message": "partners cannot be read", "function": "update", "g": map[string]any{"msg": "two"}},
	}
	if diff := cmp.Diff(want, entries(t, log)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestAPanicIsReportedAsAnError(t *testing.T) {
	log := cloudLogged(t)
	made(New(shelf(nil), Env{}, nil)).Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/shelf/anna-panic", nil))
	all := entries(t, log)
	if len(all) != 2 {
		t.Fatalf("%d lines, want the panic's and the request's", len(all))
	}
	stack, _ := all[0]["stack_trace"].(string)
	if !strings.HasPrefix(stack, "panic: deliberate\n\ngoroutine ") || !strings.Contains(stack, "watch_test.go:") {
		t.Errorf("the stack is %q, want a panic's own output", stack)
	}
	delete(all[0], "stack_trace")
	want := map[string]any{
		"severity": "ERROR", "message": "panic", "function": "shelf", "error": "deliberate",
		"@type": "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent",
	}
	if diff := cmp.Diff(want, all[0]); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestLinesAreJoinedToTheirTrace(t *testing.T) {
	const w3c, google = "Traceparent", "X-Cloud-Trace-Context"
	const id, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	for _, tt := range []struct {
		name          string
		header        []string
		trace, spanID any // nil where there is none
		sampled       any
	}{
		{"none", nil, nil, nil, nil},
		{"W3C's", []string{w3c, "00-" + id + "-" + span + "-01"}, id, span, true},
		{"W3C's, not sampled", []string{w3c, "00-" + id + "-" + span + "-00"}, id, span, false},
		{"Google's", []string{google, id + "/67667974448284343;o=1"}, id, span, true},
		{"Google's, not sampled", []string{google, id + "/1;o=0"}, id, "0000000000000001", false},
		{"Google's without options", []string{google, id + "/18446744073709551615"}, id, "ffffffffffffffff", false},
		{"both: W3C's counts", []string{w3c, "00-" + id + "-" + span + "-01", google, "105445aa7843bc8bf206b12000100000/1;o=0"}, id, span, true},
		{"W3C's is bad", []string{w3c, "anna", google, id + "/1;o=1"}, id, "0000000000000001", true},
		{"Google's is bad", []string{google, "anna/1;o=1"}, nil, nil, nil},
		{"Google's without a span", []string{google, id}, nil, nil, nil},
		{"Google's of zeros", []string{google, strings.Repeat("0", 32) + "/0"}, nil, nil, nil},
		{"a number too large", []string{google, id + "/18446744073709551616"}, nil, nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			log := cloudLogged(t)
			r := httptest.NewRequest(http.MethodGet, "/shelf/anna-unavailable", nil)
			for i := 0; i < len(tt.header); i += 2 {
				r.Header.Set(tt.header[i], tt.header[i+1])
			}
			made(New(shelf(nil), Env{}, nil)).Handler().ServeHTTP(httptest.NewRecorder(), r)
			trace := tt.trace
			if trace != nil {
				trace = "projects/my-project/traces/" + trace.(string)
			}
			all := entries(t, log)
			if len(all) != 2 {
				t.Fatalf("%d lines, want that of the failure and that of the request", len(all))
			}
			for _, e := range all {
				got := []any{e["logging.googleapis.com/trace"], e["logging.googleapis.com/spanId"], e["logging.googleapis.com/trace_sampled"]}
				if diff := cmp.Diff([]any{trace, tt.spanID, tt.sampled}, got); diff != "" {
					t.Errorf("%s: -want +got\n%s", e["message"], diff)
				}
			}
		})
	}
}

func TestALoggerWithAttributesJoinsItsTraceToo(t *testing.T) {
	log := cloudLogged(t)
	ctx := withRemoteSpan(context.Background(), http.Header{"Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}})
	slog.With("function", "visits").InfoContext(ctx, "x")
	if got := entries(t, log)[0]; got["logging.googleapis.com/trace"] == nil || got["function"] != "visits" {
		t.Errorf("the line is %v, want the attribute and the trace", got)
	}
}

func TestWithoutAProjectThereIsNoTraceToJoin(t *testing.T) {
	var log bytes.Buffer
	ctx := withRemoteSpan(context.Background(), http.Header{"Traceparent": {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}})
	slog.New(NewCloudLog(&log, slog.LevelInfo, "")).InfoContext(ctx, "x")
	if strings.Contains(log.String(), "trace") {
		t.Errorf("the line is %s, want no trace: its name has a project", &log)
	}
}
