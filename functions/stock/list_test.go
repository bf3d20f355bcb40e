package stock_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestPages walks every list in small pages, and wants all of it, each once.
func TestPages(t *testing.T) {
	s := start(t, nil)
	for i := range 7 {
		s.ok("PUT", fmt.Sprintf("/stock/S%d", i), `{"lowStockThreshold":1000}`)
		s.ok("POST", fmt.Sprintf("/stock/S%d/count", i), `{"quantity":2000}`)
		s.pass(time.Second)
		s.ok("POST", fmt.Sprintf("/stock/S%d/adjust", i), `{"delta":-1500}`)
		s.pass(time.Second)
		s.ok("POST", "/stock/S0/adjust", `{"delta":1}`)
		s.reserve(fmt.Sprintf(`{"lines":[{"sku":"S0","quantity":1}],"reference":"R%d","ttlSeconds":%d}`, i, 900-100*i))
	}
	for _, tt := range []struct{ path, field, name, want string }{
		{"/items", "items", "sku", "S0 S1 S2 S3 S4 S5 S6"},
		{"/stock/S0/movements", "movements", "number", "9 8 7 6 5 4 3 2 1"},
		{"/stock/alerts", "alerts", "sku", "S6 S5 S4 S3 S2 S1 S0"},
		{"/reservations", "reservations", "reference", "R6 R5 R4 R3 R2 R1 R0"},
	} {
		for _, size := range []int{1, 3, 1000, 5000} {
			var got []string
			token, pages := "", 0
			for {
				page := decoded[map[string]any](s, "GET", fmt.Sprintf("%s?pageSize=%d&pageToken=%s", tt.path, size, token), "")
				rows := page[tt.field].([]any)
				if len(rows) > size {
					t.Errorf("%s: a page of %d, want at most %d", tt.path, len(rows), size)
				}
				for _, row := range rows {
					got = append(got, fmt.Sprint(row.(map[string]any)[tt.name]))
				}
				pages++
				if token = page["nextPageToken"].(string); token == "" || pages > 20 {
					break
				}
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("%s in pages of %d: %v, want %s", tt.path, size, got, tt.want)
			}
		}
	}
}

// TestPagesOfMovementsStandStill: what comes meanwhile does not push a page's rows onto
// the next.
func TestPagesOfMovementsStandStill(t *testing.T) {
	s := start(t, nil)
	for i := range 5 {
		s.ok("POST", "/stock/W/count", fmt.Sprintf(`{"quantity":%d}`, i))
	}
	type page struct {
		Movements     []struct{ Number int }
		NextPageToken string
	}
	first := decoded[page](s, "GET", "/stock/W/movements?pageSize=2", "")
	s.ok("POST", "/stock/W/adjust", `{"delta":1}`)
	second := decoded[page](s, "GET", "/stock/W/movements?pageSize=2&pageToken="+first.NextPageToken, "")
	if got, want := fmt.Sprint(first.Movements, second.Movements), "[{5} {4}] [{3} {2}]"; got != want {
		t.Errorf("the pages are %s, want %s", got, want)
	}
}

// TestLowStockIsToldOnce: once for each time that it falls to the threshold, in the list
// of alerts and in the log.
func TestLowStockIsToldOnce(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })

	s := start(t, nil)
	s.ok("PUT", "/stock/WIDGET", `{"lowStockThreshold":5}`) // low from the start: nothing fell
	s.ok("POST", "/stock/WIDGET/count", `{"quantity":10}`)
	s.ok("POST", "/stock/WIDGET/adjust", `{"delta":-4}`)
	s.wantAlerts(`[]`)
	s.pass(time.Second)
	s.ok("POST", "/stock/WIDGET/adjust", `{"delta":-1}`, "Idempotency-Key", "low")
	const first = `{"sku":"WIDGET","available":5,"threshold":5,"time":"2126-11-21T12:00:01Z"}`
	s.wantAlerts(`[` + first + `]`)
	s.ok("POST", "/stock/WIDGET/adjust", `{"delta":-1}`, "Idempotency-Key", "low") // a replay
	s.ok("POST", "/stock/WIDGET/adjust", `{"delta":-1}`)                           // lower
	s.wantAlerts(`[` + first + `]`)

	s.ok("POST", "/stock/WIDGET/count", `{"quantity":6}`)
	s.pass(time.Second)
	s.reserve(`{"lines":[{"sku":"WIDGET","quantity":3}]}`)
	s.wantAlerts(`[{"sku":"WIDGET","available":3,"threshold":5,"time":"2126-11-21T12:00:02Z"},` + first + `]`)

	var lines []string
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "stock is low") {
			_, line, _ = strings.Cut(strings.TrimSpace(line), "level=")
			lines = append(lines, line)
		}
	}
	want := []string{
		`WARN msg="stock is low" sku=WIDGET available=5 threshold=5`,
		`WARN msg="stock is low" sku=WIDGET available=3 threshold=5`,
	}
	if strings.Join(lines, "\n") != strings.Join(want, "\n") {
		t.Errorf("the log says\n%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}

	s.pass(90*24*time.Hour - time.Second)
	s.wantAlerts(`[{"sku":"WIDGET","available":3,"threshold":5,"time":"2126-11-21T12:00:02Z"}]`)
	s.pass(time.Second)
	s.wantAlerts(`[]`)
}

func (s *server) wantAlerts(want string) {
	s.Helper()
	if got := s.ok("GET", "/stock/alerts", ""); got != `{"alerts":`+want+`,"nextPageToken":""}`+"\n" {
		s.Errorf("the alerts are %s, want %s", got, want)
	}
}
