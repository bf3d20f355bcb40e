package edge

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestAProblemHasHeaders(t *testing.T) {
	const date = "Sat, 21 Nov 2026 12:00:00 GMT"
	server := httptest.NewServer(made(New(things(func(context.Context) (string, error) {
		return "", NewProblem(http.StatusUnauthorized, "TIMESTAMP_OUT_OF_RANGE", "").WithHeader("date", date).RetryAfter(9).RetryAfter(3)
	}), Env{}, nil)).Handler())
	defer server.Close()
	reply, err := http.Get(server.URL + "/things")
	if err != nil {
		t.Fatal(err)
	}
	reply.Body.Close()
	for name, want := range map[string]string{"Date": date, "Retry-After": "3"} {
		if got := reply.Header[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q alone", name, got, want)
		}
	}
}

func TestAFaultSaysWhatIsThere(t *testing.T) {
	none, some := int64(0), int64(1<<53+1)
	for _, tt := range []struct {
		fault Fault
		want  string
	}{
		{Fault{Message: "m"}, `{"message":"m"}`},
		{Fault{Location: "l", Message: "m", Value: &none}, `{"location":"l","message":"m","value":0}`},
		{Fault{Message: "m", Value: &some}, `{"message":"m","value":9007199254740993}`},
	} {
		if got, err := json.Marshal(tt.fault); err != nil || string(got) != tt.want {
			t.Errorf("%s, %v; want %s", got, err, tt.want)
		}
	}
}
