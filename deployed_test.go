package tallystick

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/tallystick/tallystick/internal/edge"
)

// TestADeployedFunctionThatCannotStartSaysSo: in words to its log, as a 503 to its
// clients, and it is not tried again for each of them.
func TestADeployedFunctionThatCannotStartSaysSo(t *testing.T) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[edge.Config]()) {
		t.Setenv(f.Tag.Get("env"), "")
	}
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })

	tries := 0
	handler := deployed(edge.Function{Name: "picky", EntryPoint: "Picky", Register: func(a *edge.API) {
		tries++
		a.Refuse(errors.New("PARTNERS: it is a folder of sand"))
	}})
	for range 2 {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/picky", nil))
		if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `"code":"NOT_STARTED"`) || strings.Contains(w.Body.String(), "sand") {
			t.Errorf("%d %s, want 503 NOT_STARTED, and the cause in the log alone", w.Code, w.Body)
		}
	}
	if got := log.String(); !strings.Contains(got, "settings: PARTNERS: it is a folder of sand") || !strings.Contains(got, "function=picky") {
		t.Errorf("the log is %q, want the function and the cause", got)
	}
	if tries != 1 {
		t.Errorf("it was tried %d times, want once", tries)
	}
}
