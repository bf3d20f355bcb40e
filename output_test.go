package tallystick

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
	"github.com/danielgtaylor/huma/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/tallystick/tallystick/internal/buildpack"
	"github.com/tallystick/tallystick/internal/edge"
)

// faulty is a function of the tests that panics as it is asked to.
var faulty = edge.Function{Name: "faulty", EntryPoint: "Faulty", Register: func(a *edge.API) {
	type input struct {
		What string `path:"what"`
	}
	edge.Register(a, edge.Operation{
		Operation: huma.Operation{OperationID: "fault", Method: http.MethodGet, Path: "/faulty/{what}"}, Public: true,
	}, func(_ context.Context, in *input) (*struct{}, error) {
		if in.What == "panic" {
			panic("deliberate")
		}
		return nil, nil
	})
}}

// TestMain makes this program the deployed one of faulty too.
func TestMain(m *testing.M) {
	if os.Getenv("FUNCTION_TARGET") != faulty.EntryPoint {
		os.Exit(m.Run())
	}
	own := deployed(faulty)
	functions.HTTP(faulty.EntryPoint, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/outside" {
			panic("outside of ours")
		}
		own.ServeHTTP(w, r)
	})
	fmt.Fprintln(os.Stderr, funcframework.StartHostPort("127.0.0.1", os.Getenv("PORT")))
	os.Exit(1)
}

// TestADeployedFunctionWritesLinesOfJSON to where Cloud Logging reads. What the functions
// framework writes there, a panic's words or an empty line for each request, falls into none
// of them.
func TestADeployedFunctionWritesLinesOfJSON(t *testing.T) {
	for _, tt := range []struct {
		name string
		env  []string
		want []string
	}{
		{"as it comes", nil, []string{
			"INFO GET /faulty/{what} 204", "ERROR panic", "ERROR GET /faulty/{what} 500", "INFO GET /faulty/{what} 204"}},
		{"LOG_LEVEL=warn", []string{"LOG_LEVEL=warn"}, []string{"ERROR panic", "ERROR GET /faulty/{what} 500"}},
		{"with traces that nobody may send", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=https://telemetry.googleapis.com", "GOOGLE_APPLICATION_CREDENTIALS=none.json"}, []string{
			"WARNING traces are off", "INFO GET /faulty/{what} 204", "ERROR panic", "ERROR GET /faulty/{what} 500", "INFO GET /faulty/{what} 204"}},
		{"with settings that cannot be", []string{"SHARDS=0"}, []string{
			"ERROR function cannot start", "WARNING GET other 503", "ERROR function cannot start", "WARNING GET other 503",
			"ERROR function cannot start", "WARNING GET other 503"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := buildpack.Start(t, os.Args[0], faulty.EntryPoint, append(tt.env, "K_SERVICE=faulty", "STORE=datastore:shop")...)
			for _, path := range []string{"/faulty/well", "/outside", "/faulty/panic", "/faulty/well"} {
				r, err := http.NewRequest(http.MethodGet, f.URL+path, nil)
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
				reply, err := http.DefaultClient.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				reply.Body.Close()
			}
			log := f.Stop()
			if !strings.Contains(log, "A panic occurred during user function execution") {
				t.Error("the framework's own words are not there: nothing is shown")
			}
			var got []string
			for line := range strings.Lines(log) {
				if !strings.HasPrefix(line, "{") {
					continue
				}
				var e map[string]any
				if err := json.Unmarshal([]byte(line), &e); err != nil {
					t.Errorf("%q is no JSON: %v", line, err)
				}
				if e["message"] != "traces are off" && // of no request
					e["logging.googleapis.com/trace"] != "projects/shop/traces/4bf92f3577b34da6a3ce929d0e0e4736" {
					t.Errorf("%q is not joined to its trace in the store's project", line)
				}
				got = append(got, fmt.Sprint(e["severity"], " ", e["message"]))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s\n%s", diff, log)
			}
		})
	}
}
