package edge

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/tallystick/tallystick/internal/storage/sqlite"
)

// receiver is a collector of OTLP over HTTP: it keeps what it gets, or answers with a
// status of the test's.
type receiver struct {
	url    string
	status int
	meets  func() // unless nil, is called for each export

	mu       sync.Mutex
	requests int
	got      []*tracepb.ResourceSpans
}

func newReceiver(t *testing.T, status int) *receiver {
	c := &receiver{status: status}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.requests++
		if c.meets != nil {
			c.meets()
		}
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			body, _ = gzip.NewReader(r.Body)
		}
		b, err := io.ReadAll(body)
		var request collector.ExportTraceServiceRequest
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(b, &request) != nil {
			t.Errorf("%s %s with %q, %v; want spans at /v1/traces", r.Method, r.URL.Path, b, err)
		}
		c.got = append(c.got, request.ResourceSpans...)
		w.Header().Set("Content-Type", "application/x-protobuf")
		w.WriteHeader(c.status)
	}))
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *receiver) asked() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.requests
}

// spans are all that came, by name.
func (c *receiver) spans() map[string]*tracepb.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := make(map[string]*tracepb.Span)
	for _, r := range c.got {
		for _, s := range r.ScopeSpans {
			for _, span := range s.Spans {
				all[span.Name] = span
			}
		}
	}
	return all
}

func values(attributes []*common.KeyValue) map[string]any {
	m := make(map[string]any)
	for _, a := range attributes {
		switch v := a.Value.Value.(type) {
		case *common.AnyValue_StringValue:
			m[a.Key] = v.StringValue
		case *common.AnyValue_IntValue:
			m[a.Key] = v.IntValue
		}
	}
	return m
}

// traced returns a function's API whose spans go to c. They are sent when somebody waits
// for them, not by the time.
func traced(t *testing.T, c *receiver, function bool) (http.Handler, *Traces) {
	t.Helper()
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "3600000")
	t.Setenv("K_SERVICE", "")
	traces, err := OpenTraces(Config{TraceEndpoint: c.url, Project: "shop"}, function)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(traces.Close)
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	return made(New(shelf(store), Env{Config: Config{TrustedHops: 1}, Traces: traces}, nil)).Handler(), traces
}

const traceID, callerID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"

// call sends a request that another service traces, or, with the flag 0, does not.
func call(h http.Handler, path, flag string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header = http.Header{"Traceparent": {"00-" + traceID + "-" + callerID + "-0" + flag},
		"Tracestate": {"shop=anna"}, "User-Agent": {"anna"}, "X-Forwarded-For": {"203.0.113.9"}}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestAFunctionsSpansAreAwayBeforeItsReplyEnds(t *testing.T) {
	keepLog(t)
	c := newReceiver(t, http.StatusOK)
	api, _ := traced(t, c, true)
	if w := call(api, "/shelf/anna-store", "1"); w.Code != http.StatusOK {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	spans := c.spans()
	request := spans["GET /shelf/{id}"]
	if request == nil || spans["Get Book"] == nil || spans["Update"] == nil || len(spans) != 3 {
		t.Fatalf("spans %v, want those of the request and of what it does in the store", spans)
	}
	if got := fmt.Sprintf("%x %x", request.TraceId, request.ParentSpanId); got != traceID+" "+callerID || request.Kind != tracepb.Span_SPAN_KIND_SERVER {
		t.Errorf("the request is in %s, %v; want %s %s, of a server", got, request.Kind, traceID, callerID)
	}
	for _, name := range []string{"Get Book", "Update"} {
		if !slices.Equal(spans[name].ParentSpanId, request.SpanId) {
			t.Errorf("%s is not in the request", name)
		}
	}
	want := map[string]any{
		"http.request.method": "GET", "http.route": "/shelf/{id}", "http.response.status_code": int64(200),
		"tallystick.function": "shelf", "tallystick.batch": int64(0), "tallystick.reads": int64(2),
		"tallystick.writes": int64(1), "tallystick.deletes": int64(1), "tallystick.retries": int64(0),
	}
	if diff := cmp.Diff(want, values(request.Attributes)); diff != "" {
		t.Errorf("the request's attributes: -want +got\n%s", diff)
	}
	about := values(c.got[0].Resource.Attributes)
	if about["service.name"] != "tallystick" || about["gcp.project_id"] != "shop" {
		t.Errorf("the spans are of %v, want the service tallystick in the project shop", about)
	}
	for _, private := range []string{"anna", "203.0.113.9", "192.0.2.1"} {
		if strings.Contains(fmt.Sprint(c.got), private) {
			t.Errorf("%q is in the spans: %v", private, c.got)
		}
	}
}

func TestASpanSaysWhatFailed(t *testing.T) {
	keepLog(t)
	for path, want := range map[string]struct {
		code   string
		status tracepb.Status_StatusCode
	}{
		"/shelf/anna":             {"", tracepb.Status_STATUS_CODE_UNSET},
		"/shelf/anna-thing":       {"THING", tracepb.Status_STATUS_CODE_UNSET},
		"/shelf/anna-unavailable": {"STORAGE_UNAVAILABLE", tracepb.Status_STATUS_CODE_ERROR},
		"/shelf/anna-panic":       {"INTERNAL", tracepb.Status_STATUS_CODE_ERROR},
	} {
		c := newReceiver(t, http.StatusOK)
		api, _ := traced(t, c, true)
		call(api, path, "1")
		span := c.spans()["GET /shelf/{id}"]
		code, _ := values(span.GetAttributes())["error.type"].(string)
		if span.GetStatus().GetCode() != want.status || code != want.code || span.GetStatus().GetMessage() != "" {
			t.Errorf("%s: %v, %q; want %v, %q", path, span.GetStatus(), code, want.status, want.code)
		}
	}
}

func TestWhatTheCallerDoesNotTraceIsNotTraced(t *testing.T) {
	log := cloudLogged(t)
	c := newReceiver(t, http.StatusOK)
	api, traces := traced(t, c, true)
	call(api, "/shelf/anna-store", "0")
	traces.Close()
	if n := c.asked(); n != 0 {
		t.Errorf("%d exports, want none", n)
	}
	for _, e := range entries(t, log) {
		if e["logging.googleapis.com/trace"] != "projects/my-project/traces/"+traceID {
			t.Errorf("the line is %v, want the trace that it was called in", e)
		}
	}
}

func TestOutsideAFunctionSpansWaitUntilTheEnd(t *testing.T) {
	keepLog(t)
	c := newReceiver(t, http.StatusOK)
	api, traces := traced(t, c, false)
	call(api, "/shelf/anna", "1")
	call(api, "/shelf/anna", "1")
	if n := c.asked(); n != 0 {
		t.Errorf("%d exports before the end, want none", n)
	}
	traces.Close()
	if n := c.asked(); n != 1 || c.spans()["GET /shelf/{id}"] == nil {
		t.Errorf("%d exports at the end, want one with the spans", n)
	}
}

// TestRepliesDoNotWaitForACollectorThatFails: one does, and then none for a while.
func TestRepliesDoNotWaitForACollectorThatFails(t *testing.T) {
	log := captureLog(t)
	c := newReceiver(t, http.StatusBadRequest) // which is not tried again
	api, _ := traced(t, c, true)
	for range 3 {
		if w := call(api, "/shelf/anna", "1"); w.Code != http.StatusOK {
			t.Errorf("%d %s, want the reply all the same", w.Code, w.Body)
		}
	}
	if n := c.asked(); n != 1 {
		t.Errorf("%d replies waited, want the first", n)
	}
	if !strings.Contains(log.String(), "traces are not sent") {
		t.Errorf("the log is %s, want it to say so", log)
	}
}

// TestALatencyIsWithoutTheWaitForSpans: it is what the request took, traced or not.
func TestALatencyIsWithoutTheWaitForSpans(t *testing.T) {
	log := keepLog(t)
	c := newReceiver(t, http.StatusOK)
	_, traces := traced(t, c, true)
	var now atomic.Int64
	c.meets = func() { now.Add(int64(time.Second)) }
	clock := func() time.Time { return time.Unix(0, now.Load()) }
	call(made(New(shelf(nil), Env{Traces: traces, Now: clock}, nil)).Handler(), "/shelf/anna", "1")
	if line, _ := log.take(t); line.Latency != 0 || now.Load() != int64(time.Second) {
		t.Errorf("latency %v with an export that took %v, want 0 and 1s", line.Latency, time.Duration(now.Load()))
	}
}

// TestALineOfATracedRequestNamesItsOwnSpan, so that the log is found from the span.
func TestALineOfATracedRequestNamesItsOwnSpan(t *testing.T) {
	log := cloudLogged(t)
	c := newReceiver(t, http.StatusOK)
	api, _ := traced(t, c, true)
	call(api, "/shelf/anna", "1")
	want := fmt.Sprintf("%x", c.spans()["GET /shelf/{id}"].GetSpanId())
	if got := entries(t, log)[0]["logging.googleapis.com/spanId"]; got != want {
		t.Errorf("the line is of span %v, want %s", got, want)
	}
}

func TestTheSamplerAndTheNamesAreOpenTelemetrysSettings(t *testing.T) {
	keepLog(t)
	t.Setenv("OTEL_TRACES_SAMPLER", "traceidratio")
	t.Setenv("OTEL_TRACES_SAMPLER_ARG", "0")
	t.Setenv("OTEL_SERVICE_NAME", "teashop")
	c := newReceiver(t, http.StatusOK)
	api, _ := traced(t, c, true)
	call(api, "/shelf/anna", "1")
	if n := c.asked(); n != 0 {
		t.Errorf("%d exports with a ratio of 0, want none", n)
	}
	t.Setenv("OTEL_TRACES_SAMPLER_ARG", "1")
	api, _ = traced(t, c, true)
	call(api, "/shelf/anna", "0")
	if n := c.asked(); n != 1 {
		t.Fatalf("%d exports with a ratio of 1, want one", n)
	}
	if got := values(c.got[0].Resource.Attributes)["service.name"]; got != "teashop" {
		t.Errorf("the service is %v, want teashop", got)
	}
}

func TestTracesAreOffUnlessThereIsACollector(t *testing.T) {
	traces, err := OpenTraces(Config{}, true)
	if traces != nil || err != nil {
		t.Errorf("OpenTraces = %v, %v; want none", traces, err)
	}
	ctx, span := traces.begin(context.Background(), http.Header{})
	if span != nil || ctx != context.Background() {
		t.Errorf("a request without a trace has the span %v, want none", span)
	}
	traces.end(ctx, span, Line{})
	traces.Close()
}

func TestGoogleIsGivenTheFunctionsOwnCredentials(t *testing.T) {
	for endpoint, want := range map[string]bool{
		"https://telemetry.googleapis.com":                  true,
		"https://telemetry.europe-west1.rep.googleapis.com": true,
		"http://telemetry.googleapis.com":                   false, // in the clear
		"https://telemetry.googleapis.com.evil.example":     false,
		"https://evilgoogleapis.com":                        false,
		"http://localhost:4318":                             false,
	} {
		if got := isGoogle(endpoint); got != want {
			t.Errorf("%s gets the credentials: %v, want %v", endpoint, got, want)
		}
	}
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "none.json"))
	if _, err := OpenTraces(Config{TraceEndpoint: "https://telemetry.googleapis.com"}, true); err == nil || !strings.Contains(err.Error(), "OTEL_EXPORTER_OTLP_ENDPOINT") {
		t.Errorf("without credentials: %v, want an error that names the setting", err)
	}
}
