package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/tallystick/tallystick/internal/browser"
	"github.com/tallystick/tallystick/internal/visit/badge"
)

// testSite opens the demo as serve shows it: with the API behind it, and under a policy
// that allows nothing from elsewhere and nothing inline.
func testSite(t *testing.T, browser context.Context) {
	for _, tt := range []struct {
		name string
		test func(*demo)
	}{
		{"it counts itself and shows what is counted", showsItself},
		{"nothing moves when the numbers come", staysInPlace},
		{"it says so when the backend is down", saysDown},
		{"no visit yet", showsNoVisits},
		{"one huge day", showsHugeDay},
		{"the days are read with the keyboard", readsWithKeys},
		{"the lines to paste are this server's, and copied", copiesLines},
		{"opting out and in", demoOptsOut},
		{"it is for everyone, light and dark, wide and narrow", isAccessible},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.test(newDemo(t, browser)) })
	}
}

type demo struct {
	*tab
	days []int       // visits, the last one today's
	down atomic.Bool // GET /demo/history is answered 503
}

func newDemo(t *testing.T, browser context.Context) *demo {
	d := &demo{tab: newTab(t, browser), days: make([]int, 30)}
	d.visits["/"] = 1041
	files := http.FileServerFS(Site())
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy",
			"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; require-trusted-types-for 'script'")
		files.ServeHTTP(w, r)
	})
	mux.HandleFunc("/visits/badge.svg", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "image/svg+xml")
		w.Write(badge.SVG(badge.Options{Value: 1042}))
	})
	mux.HandleFunc("/demo/history", func(w http.ResponseWriter, r *http.Request) {
		if d.down.Load() {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		type day struct {
			Day     string `json:"day"`
			Visits  int    `json:"visits"`
			Uniques int    `json:"uniques"`
		}
		today := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
		var days []day
		for i, n := range d.days {
			days = append(days, day{today.AddDate(0, 0, i-len(d.days)+1).Format(time.DateOnly), n, n / 2})
		}
		json.NewEncoder(w).Encode(map[string]any{"page": "/", "from": days[0].Day, "to": days[len(days)-1].Day, "days": days})
	})
	d.site = mux
	return d
}

func (d *demo) goTo(path string) {
	d.Helper()
	d.open(d.at("localhost", path))
}

func (d *demo) size(width, height int64) {
	d.Helper()
	d.do(chromedp.EmulateViewport(width, height))
}

func showsItself(d *demo) {
	for i := range d.days {
		d.days[i] = i * 10
	}
	d.goTo("/")
	d.text(`document.querySelector('h1').textContent`, "You are visit number 1,042")
	d.text(`document.title`, "Tallystick: this page counts itself")
	d.calls("POST /")
	d.text(`[...document.querySelectorAll('dd')].map(e => e.textContent).join()`, "1,042,521,290")
	d.text(`document.querySelector('#badge').alt + ' ' + document.querySelector('#badge').naturalHeight`, "visits: 1,042 20")
	d.text(`String(document.querySelectorAll('#plot rect.visits').length)`, "30")
	d.text(`document.querySelector('#day').textContent`, "Sat 21 Nov: 290 visits, 145 unique")
	d.text(`document.querySelector('#plot').ariaLabel`, "Visits a day in the last 30 days: 4,350 in all, most on 21 November: 290")
	d.text(`[...document.querySelector('#table').rows[1].cells].map(e => e.textContent).join()`, "Fri 20 November,280,140")

	// 1,042 strokes end in two single ones; the last is this visit's.
	d.text(`String(document.querySelectorAll('#stick path').length % 5)`, "2")
	d.text(`[...document.querySelectorAll('#stick path')].findIndex(p => p.matches('.yours')) - document.querySelectorAll('#stick path').length + ''`, "-1")
	d.goTo("/")
	d.text(`document.querySelector('#number').textContent`, "1,043")
}

func staysInPlace(d *demo) {
	d.days[29] = 1
	boxes := `JSON.stringify([...document.querySelectorAll('main *')]
		.filter(e => !e.closest('visit-count, #note, dl, svg *, #plot *, details *'))
		.map(e => [e.id || e.tagName, Math.round(e.getBoundingClientRect().y)]))`
	for _, width := range []int64{360, 800, 1280} {
		release := d.hold("POST /")
		d.size(width, 900)
		d.goTo("/")
		before, err := chromedp.Run(d.ctx, chromedp.Evaluate[string](boxes))
		if err != nil {
			d.Fatal(err)
		}
		d.text(`document.querySelector('#note').textContent`, "Each stroke is a visit.")
		release()
		d.text(`document.querySelector('#note').textContent`, "The red stroke is yours.")
		d.text(`String(!!document.querySelector('#plot g'))`, "true")
		d.text(boxes, before)
		d.text(`String(document.documentElement.scrollWidth <= innerWidth)`, "true")
	}
}

func saysDown(d *demo) {
	d.complaints.Expect("status of 503")
	d.down.Store(true)
	d.before = func(w http.ResponseWriter, _ *http.Request, _ string) bool {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return true
	}
	d.size(360, 780)
	d.goTo("/")
	d.text(`document.querySelector('#note').textContent`,
		"The counter does not answer just now. A page that uses it looks as it always does, and so does this one. Try again")
	d.text(`document.querySelector('h1').textContent.trim()`, "This page counts its visits")
	d.text(`document.querySelector('#plot .say').textContent`, "The days come back with the counter.")
	d.text(`String(document.documentElement.scrollWidth <= innerWidth)`, "true")

	d.down.Store(false)
	d.before = nil
	d.eval(`document.querySelector('#note a').click()`)
	d.text(`document.querySelector('#note').textContent`, "The red stroke is yours.")
}

func showsNoVisits(d *demo) {
	d.goTo("/")
	d.text(`document.querySelector('#plot .say').textContent`, "No visit yet. The first one is drawn here.")
	d.text(`document.querySelector('#day').textContent`, "Sat 21 Nov: 0 visits, 0 unique")
	d.text(`document.querySelector('#plot').ariaLabel`, "Visits a day in the last 30 days: 0 in all")
}

func showsHugeDay(d *demo) {
	d.days[3], d.days[4] = 987_654_321, 1
	d.visits["/"] = 987_654_321
	d.size(360, 780)
	d.goTo("/")
	d.text(`document.querySelector('#number').textContent`, "987,654,322")
	d.text(`String(document.querySelector('#number').scrollWidth <= innerWidth && document.documentElement.scrollWidth <= innerWidth)`, "true")
	d.text(`[...document.querySelectorAll('#plot text')].slice(0, 4).map(e => e.textContent).join()`, "250M,500M,750M,1B")
	d.text(`[3, 4, 5].map(i => Math.round(document.querySelectorAll('#plot rect.visits')[i].getBBox().height) > 1).join()`, "true,true,false")
}

func readsWithKeys(d *demo) {
	for i := range d.days {
		d.days[i] = i
	}
	d.goTo("/")
	d.text(`document.querySelector('#number').textContent`, "1,042")
	d.text(`document.querySelector('#plot').ariaValueText`, "Sat 21 Nov: 29 visits, 14 unique")
	d.eval(`document.querySelector('#plot').focus()`)
	press := func(key string) {
		d.eval(`document.querySelector('#plot').dispatchEvent(new KeyboardEvent('keydown', {key: '` + key + `', cancelable: true}))`)
	}
	press("ArrowLeft")
	d.text(`document.querySelector('#plot').ariaValueText`, "Fri 20 Nov: 28 visits, 14 unique")
	d.text(`document.querySelector('#plot').ariaValueNow`, "29")
	press("Home")
	press("ArrowLeft")
	d.text(`document.querySelector('#day').textContent`, "Fri 23 Oct: 0 visits, 0 unique")
	press("End")
	press("ArrowRight")
	d.text(`document.querySelector('#day').textContent`, "Sat 21 Nov: 29 visits, 14 unique")

	// In the order of the page, and each one says what it is.
	d.text(`[...document.querySelectorAll('a, button, summary, [tabindex]')].filter(e => !e.textContent.trim() && !e.ariaLabel).length + ''`, "0")
}

func copiesLines(d *demo) {
	d.goTo("/")
	d.text(`document.querySelector('code').textContent`, `<script src="`+d.at("localhost", "/visits/count.js")+`" defer></script>`)
	d.text(`String(document.querySelector('#local').hidden)`, "false")
	d.eval(`
		window.copied = [];
		Object.defineProperty(navigator, 'clipboard', {value: {writeText: async text => void copied.push(text)}});
		document.querySelectorAll('.copy').forEach(b => b.click());
	`)
	d.text(`copied.join('\n')`, strings.Join([]string{
		`<script src="` + d.at("localhost", "/visits/count.js") + `" defer></script>`,
		`<visit-count></visit-count>`,
		`<img src="` + d.at("localhost", "/visits/badge.svg") + `?page=/" alt="visits">`,
	}, "\n"))
	d.text(`[...document.querySelectorAll('.copy')].map(b => b.textContent).join()`, "Copied the script line,Copied the element,Copied the badge")

	// Over plain http there is no clipboard: the line is selected instead.
	d.open("/")
	d.text(`String(document.querySelector('#local').hidden)`, "true")
	d.eval(`document.querySelector('.copy').click()`)
	d.text(`document.querySelector('.copy').textContent + ': ' + getSelection()`, `Selected the script line: <script src="`+d.at("site.test", "/visits/count.js")+`" defer></script>`)
}

func demoOptsOut(d *demo) {
	_, err := chromedp.Call(d.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}},
	})
	if err != nil {
		d.Fatal(err)
	}
	d.goTo("/")
	d.text(`document.querySelector('#number').textContent`, "1,042")
	d.text(`getComputedStyle(document.querySelector('#stick .yours')).animationName`, "none")
	d.eval(`document.querySelector('#opt').click()`)
	d.text(`document.querySelector('#opt').textContent + ' ' + document.querySelector('#counted').textContent`, "Count it again This browser is not counted.")
	d.goTo("/")
	d.text(`document.querySelector('h1').textContent`, "Visits to this page 1,042")
	d.text(`String(document.querySelectorAll('#stick .yours').length)`, "0")
	d.eval(`document.querySelector('#opt').click()`)
	d.goTo("/")
	d.text(`document.querySelector('h1').textContent`, "You are visit number 1,043")
}

func isAccessible(d *demo) {
	for i := range d.days {
		d.days[i] = i
	}
	for _, scheme := range []string{"light", "dark"} {
		_, err := chromedp.Call(d.ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
			{Name: "prefers-color-scheme", Value: scheme},
			{Name: "prefers-reduced-motion", Value: "reduce"},
		}})
		if err != nil {
			d.Fatal(err)
		}
		d.size(1280, 800)
		d.goTo("/")
		d.text(`document.querySelector('#note').textContent`, "The red stroke is yours.")
		d.text(`String(!!document.querySelector('#plot g'))`, "true")
		d.eval(`document.querySelector('details').open = true`)
		browser.WantAccessible(d.T, d.ctx)
		browser.WantNarrow(d.T, d.ctx)
		browser.WantAccessible(d.T, d.ctx)
	}
}
