package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/tallystick/tallystick/internal/browser"
)

// BenchmarkDashboard opens the dashboard at a year of 1,000 pages, each visited on each of
// its days, in Chromium with an empty cache: from the navigation to the chart drawn.
func BenchmarkDashboard(b *testing.B) {
	s := startServe(b)
	importYear(b, "http://"+s.addr, 1000)
	var drawn, asked []float64
	tab := browser.Start(b)
	if err := chromedp.Do(tab, chromedp.Navigate("http://"+s.addr+"/dashboard/"), chromedp.Evaluate[chromedp.Void](
		`sessionStorage.setItem('tallystick.session', JSON.stringify({gateway: location.origin, key: 'bench'}))`)); err != nil {
		b.Fatal(err)
	}
	for round := range 15 {
		if err := chromedp.Do(tab, chromedp.Navigate(fmt.Sprintf("http://%s/dashboard/?%d#visits?days=365", s.addr, round))); err != nil {
			b.Fatal(err)
		}
		times, err := chromedp.Run(tab, chromedp.Evaluate[[]float64](whenDrawn, chromedp.EvalAwaitPromise))
		if err != nil {
			b.Fatal(err)
		}
		drawn, asked = append(drawn, times[0]), append(asked, times[1])
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(drawn), "ms-to-the-chart")
	b.ReportMetric(median(asked), "ms-of-it-the-summary")
	if got := median(drawn); got >= 1000 {
		b.Errorf("the chart is drawn after %.0f ms, want less than a second", got)
	}
}

// whenDrawn is when the chart was drawn, since the navigation, and how long the numbers
// were waited for.
const whenDrawn = `new Promise(done => {
	const look = () => {
		const [drawn] = performance.getEntriesByName('tallystick-chart');
		const asked = performance.getEntriesByType('resource').find(r => r.name.includes('/visits/summary'));
		drawn && asked ? done([drawn.startTime, asked.duration]) : setTimeout(look, 10);
	};
	look();
})`

// importYear gives so many pages visits on each of the last 365 days.
func importYear(b *testing.B, url string, pages int) {
	b.Helper()
	type day struct {
		Day     string `json:"day"`
		Visits  int    `json:"visits"`
		Uniques int    `json:"uniques"`
	}
	var file bytes.Buffer
	lines := json.NewEncoder(&file)
	for page := range pages {
		var days []day
		visits, uniques := 0, 0
		for i := range 365 {
			d := day{time.Now().UTC().AddDate(0, 0, -i).Format(time.DateOnly), 20 + (page*7+i*13)%50, 15 + (page+i)%5}
			days = append(days, d)
			visits, uniques = visits+d.Visits, uniques+d.Uniques
		}
		if err := lines.Encode(map[string]any{"page": fmt.Sprintf("/blog/%d", page), "visits": visits, "uniques": uniques, "days": days}); err != nil {
			b.Fatal(err)
		}
	}
	r, err := http.NewRequest(http.MethodPost, url+"/visits/import", &file)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("X-Api-Key", "bench")
	r.Header.Set("Content-Type", "application/x-ndjson")
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer reply.Body.Close()
	if body, _ := io.ReadAll(reply.Body); reply.StatusCode != http.StatusOK {
		b.Fatalf("import: status %d: %s", reply.StatusCode, body)
	}
}
