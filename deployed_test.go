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
	"time"

	"github.com/tallystick/tallystick/internal/edge"
)

// TestADeployedFunctionThatCannotStartSaysSo: in words to its log, as a 503 to its
// clients. It is not tried again for each of them, and goes on when what was wrong is over.
func TestADeployedFunctionThatCannotStartSaysSo(t *testing.T) {
	for _, f := range reflect.VisibleFields(reflect.TypeFor[edge.Config]()) {
		t.Setenv(f.Tag.Get("env"), "")
	}
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })

	tries, wrong := 0, true
	now := time.Date(2126, 11, 22, 12, 0, 0, 0, time.UTC)
	handler := &start{function: edge.Function{Name: "picky", EntryPoint: "Picky", Register: func(a *edge.API) {
		tries++
		if wrong {
			a.Refuse(errors.New("PARTNERS: it is a folder of sand"))
		}
	}}, now: func() time.Time { return now }}
	get := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/picky", nil))
		return w
	}
	wantDown := func(after time.Duration, wantTries int) {
		t.Helper()
		now = now.Add(after)
		for range 2 {
			w := get()
			if w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), `"code":"NOT_STARTED"`) || strings.Contains(w.Body.String(), "sand") {
				t.Errorf("%d %s, want 503 NOT_STARTED, and the cause in the log alone", w.Code, w.Body)
			}
		}
		if tries != wantTries {
			t.Errorf("at %v it was tried %d times, want %d", now, tries, wantTries)
		}
	}
	wantDown(0, 1)
	wantDown(5*time.Second-1, 1)
	wantDown(1, 2)
	wrong = false
	wantDown(5*time.Second-1, 2)
	now = now.Add(1)
	for range 2 { // and then it is kept
		if w := get(); w.Code != http.StatusNotFound || tries != 3 {
			t.Errorf("when nothing is wrong: %d %s after %d tries, want 404 of a function without routes after 3", w.Code, w.Body, tries)
		}
		now = now.Add(time.Hour)
	}
	if got := log.String(); !strings.Contains(got, "settings: PARTNERS: it is a folder of sand") || !strings.Contains(got, "function=picky") {
		t.Errorf("the log is %q, want the function and the cause", got)
	}
}
