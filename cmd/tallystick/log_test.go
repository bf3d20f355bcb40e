//go:build unix

package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/storage"
)

func TestLinesAreForPeople(t *testing.T) {
	at := time.Date(2026, 11, 22, 8, 15, 30, 0, time.Local)
	visit := edge.Line{Function: "visits", Method: "POST", Route: "/visits", Status: 200, Latency: 1234 * time.Microsecond,
		Used: storage.Used{Batch: 37, Reads: 1, Writes: 1}}
	full := edge.Line{Function: "stock", Latency: 31 * time.Second, Code: "CONTENTION",
		Used: storage.Used{Batch: 2, Reads: 3, Writes: 4, Deletes: 5, Retries: 6}}
	for _, tt := range []struct {
		level   slog.Level
		message string
		attr    slog.Attr
		want    string
	}{
		{slog.LevelInfo, "POST /visits 200", slog.Any("", visit), "08:15:30 INF POST /visits 200 1.2ms batch=37 reads=1 writes=1 function=visits\n"},
		{slog.LevelInfo, "GET /docs 200", slog.Any("", edge.Line{Function: "docs", Latency: 56789}), "08:15:30 INF GET /docs 200 56.8µs function=docs\n"},
		{slog.LevelWarn, "PUT /stock 503", slog.Any("", full), "08:15:30 WRN PUT /stock 503 31.0s batch=2 reads=3 writes=4 deletes=5 retries=6 function=stock code=CONTENTION\n"},
		{slog.LevelWarn, "stock is low", slog.String("sku", "green tea"), "08:15:30 WRN stock is low sku=\"green tea\"\n"},
		{slog.LevelDebug, "OPTIONS /visits 204", slog.Any("", visit), ""},
	} {
		var log bytes.Buffer
		h := newReadable(&log, slog.LevelInfo, false)
		if h.Enabled(t.Context(), tt.level) {
			r := slog.NewRecord(at, tt.level, tt.message, 0)
			r.AddAttrs(tt.attr)
			if err := h.Handle(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		if got := log.String(); got != tt.want {
			t.Errorf("got  %q\nwant %q", got, tt.want)
		}
	}
}

func TestColoursAreForTerminals(t *testing.T) {
	for _, colour := range []bool{true, false} {
		var log bytes.Buffer
		slog.New(newReadable(&log, slog.LevelInfo, colour)).With("a", 1).Info("x")
		if got := strings.Contains(log.String(), "\x1b["); got != colour {
			t.Errorf("colour %v: %q", colour, &log)
		}
	}
}

// TestServeLogsEachRequest of whichever process answers it, to its own stderr.
func TestServeLogsEachRequest(t *testing.T) {
	for name, args := range map[string][]string{"one process": nil, "processes": {"--processes"}} {
		t.Run(name, func(t *testing.T) {
			s := startServer(t, t.TempDir(), args...)
			s.want(http.StatusOK, http.MethodPost, "/visits?page=/anna", "")
			s.want(http.StatusOK, http.MethodGet, "/openapi.json", "")
			lines := []string{
				`INF POST /visits 200 \S+ batch=1 reads=\d+ writes=\d+ function=visits`,
				`INF GET /openapi.json 200 \S+ function=docs`,
			}
			s.stop()
			got := s.said()
			if n := strings.Count(got, "\n"); n != len(lines) {
				t.Errorf("%d lines, want %d: %s", n, len(lines), got)
			}
			for _, line := range lines {
				if !regexp.MustCompile(`(?m)^\d\d:\d\d:\d\d ` + line + `$`).MatchString(got) {
					t.Errorf("the log is %s, want a line %s", got, line)
				}
			}
		})
	}
}

func TestTheLogsLevelIsASettingOrAFlag(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want bool // a line for a request
	}{
		{[]string{"LOG_LEVEL=warn"}, false},
		{[]string{"--log-level", "warn", "--processes"}, false},
		{[]string{"LOG_LEVEL=warn", "--log-level", "info"}, true},
	} {
		s := startServer(t, t.TempDir(), tt.args...)
		s.want(http.StatusOK, http.MethodGet, "/openapi.json", "")
		s.stop()
		if got := s.said() != ""; got != tt.want {
			t.Errorf("%v: it logs the request: %v, want %v", tt.args, got, tt.want)
		}
	}
	s := launch(t, t.TempDir(), "--addr", "127.0.0.1:0", "--log-level", "loud")
	if s.url != "" {
		t.Fatal("serve started with --log-level=loud")
	}
	<-s.ended
	if got := s.said(); !strings.Contains(got, `LOG_LEVEL: "loud" is not debug, info, warn or error`) {
		t.Errorf("--log-level=loud: it says %s, want what is wrong with it", got)
	}
}
