package visit

import (
	"bytes"
	"encoding/csv"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write testdata/goatcounter.csv anew")

// goatCounterFile is an export of GoatCounter as a blog has it after a year, made by
// makeGoatCounter. functions/visits moves house with it.
const goatCounterFile = "testdata/goatcounter.csv"

// What is in goatCounterFile.
const (
	goatCounterRows = 50_000
	goatCounterBad  = 42
)

// goatCounterToday is the day on which the export was made.
var goatCounterToday = dayOf("2026-11-21")

func TestTheGoatCounterExportIsWhatItsGeneratorMakes(t *testing.T) {
	made := makeGoatCounter()
	if again := makeGoatCounter(); !bytes.Equal(made, again) {
		t.Fatal("the generator makes another file each time")
	}
	if *update {
		if err := os.WriteFile(goatCounterFile, made, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := os.ReadFile(goatCounterFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(kept, made) {
		t.Errorf("%s (%d bytes) is not what the generator makes (%d bytes); go test ./internal/visit -run GoatCounter -update writes it anew",
			goatCounterFile, len(kept), len(made))
	}
}

// makeGoatCounter makes the export: goatCounterRows rows, goatCounterBad of them bad.
func makeGoatCounter() []byte {
	var b bytes.Buffer
	g := &goatCounter{rand: rand.New(rand.NewPCG(1, 2)), out: csv.NewWriter(&b)}
	g.out.Write(goatCounterHeader)
	bad := badGoatCounterRows(g)
	every := goatCounterRows / len(bad)
	for i := range goatCounterRows {
		if i%every == every/2 && i/every < len(bad) {
			g.out.Flush()
			b.WriteString(bad[i/every] + "\n")
			continue
		}
		g.out.Write(g.hit(g.moment()))
	}
	g.out.Flush()
	return b.Bytes()
}

type goatCounter struct {
	rand *rand.Rand
	out  *csv.Writer
}

// goatCounterPages are pages with the ways in which they were linked to.
var goatCounterPages = [][]string{
	{"/", "/index.html", "/?utm_source=newsletter&utm_medium=email", "/#about", "//"},
	{"/about", "/about/", "/about/index.html", "/about?ref=footer"},
	{"/blog", "/blog/", "/blog/?page=2", "/blog/index.html"},
	{"/über-uns", "/%C3%BCber-uns", "/%c3%bcber-uns/"},
	{"/日本語/ガイド", "/%E6%97%A5%E6%9C%AC%E8%AA%9E/%E3%82%AC%E3%82%A4%E3%83%89"},
	{"/блог/привет-мир", "/блог/привет-мир/"},
	{"/café/menü", "/caf%C3%A9/men%C3%BC", "/café/menü?lang=fr,de"},
	{"/blog/100%-coverage", "/blog/100%25-coverage"},
	{"/docs/a b", "/docs/a%20b"},
	{"/tags/c++", "/tags/c++/"},
	{"/~ada/notes", "/%7Eada/notes"},
	{"/docs/v2/./install", "/docs/v1/../v2/install", "/docs//v2//install/"},
	{"/emoji/🎉", "/emoji/%F0%9F%8E%89"},
	{`/said-"hello"`, "/said-%22hello%22"},
	{"/prices,2026", "/prices,2026?currency=EUR;country=ES"},
	{"/rss.xml"},
	{"/shop/item;color=red"},
}

// goatCounterWords make the names of further pages.
var goatCounterWords = []string{"counting", "visitors", "without", "cookies", "static", "sites", "tally", "sticks",
	"exact", "numbers", "datastore", "sqlite", "merge", "naïve", "straße", "żółw", "ελληνικά", "release", "notes", "how-to"}

// spelling returns a page as someone linked to it. A few pages get most visits.
func (g *goatCounter) spelling() string {
	if n := g.rand.IntN(100); n < 60 {
		spellings := goatCounterPages[min(g.rand.IntN(len(goatCounterPages)), g.rand.IntN(len(goatCounterPages)))]
		return spellings[min(g.rand.IntN(len(spellings)), g.rand.IntN(len(spellings)))]
	}
	n := int(g.rand.ExpFloat64() * 60)
	words := goatCounterWords
	path := fmt.Sprintf("/blog/%d/%s-%s", 2020+n%7, words[n%len(words)], words[n/7%len(words)])
	switch g.rand.IntN(12) {
	case 0:
		path += "/"
	case 1:
		path += "/index.html"
	case 2:
		path += "?fbclid=IwAR" + fmt.Sprint(g.rand.IntN(1e6))
	case 3:
		path += "#comments"
	}
	return path
}

var (
	goatCounterTitles = []string{"Home", "About us", "The blog", `He said "count me in"`, "Über uns – Zählwerk", "日本語ガイド",
		"Prices, 2026", "Naïve counting, and why it fails", "It's 42 %", "A title\nover two lines", ""}
	goatCounterAgents = []string{"", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", "", // a site that does not keep most
		"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"}
	goatCounterBrowsers  = []string{"Firefox 140", "Safari 18", "Chrome 142", "Edge 142", ""}
	goatCounterSystems   = []string{"Linux", "iOS 18", "Windows 10", "macOS 15", ""}
	goatCounterReferrers = [][2]string{{"", ""}, {"", ""}, {"news.ycombinator.com", "h"}, {"Google", "g"}, {"duckduckgo.com", "h"},
		{"example.org/links?a=1,2", "h"}, {`forum "static sites"`, "o"}, {"Newsletter – März", "c"}}
	goatCounterLocations = []string{"DE", "US-TX", "JP", "ES-PV", "GR", ""}
	goatCounterEvents    = []string{"click-buy", "download/manual.pdf", "/signup", "ü-click"}
)

// moment returns a time in the year before goatCounterToday, more often a late one,
// and seldom one at night.
func (g *goatCounter) moment() time.Time {
	day := goatCounterToday - Day(min(g.rand.IntN(400), g.rand.IntN(400)))
	hour := max(g.rand.IntN(24), g.rand.IntN(20))
	return day.Start().Add(time.Duration(hour)*time.Hour + time.Duration(g.rand.IntN(3600))*time.Second)
}

// hit makes a row: mostly a visit, else an event or a bot's.
func (g *goatCounter) hit(at time.Time) []string {
	referrer := pick(g, goatCounterReferrers)
	date := at.Format(time.RFC3339)
	if g.rand.IntN(50) == 0 {
		date = at.In(time.FixedZone("", 2*60*60)).Format(time.RFC3339)
	}
	row := []string{g.spelling(), pick(g, goatCounterTitles), "false", pick(g, goatCounterAgents), pick(g, goatCounterBrowsers),
		pick(g, goatCounterSystems), fmt.Sprintf("%x", g.rand.Uint64()), "0", referrer[0], referrer[1],
		"1920,1080,1", pick(g, goatCounterLocations), fmt.Sprint(g.rand.IntN(3) == 0), date}
	switch n := g.rand.IntN(100); {
	case n < 6:
		row[goatPath], row[goatEvent] = pick(g, goatCounterEvents), "true"
	case n < 10:
		row[goatBot] = fmt.Sprint(1 + g.rand.IntN(7))
	case n < 12: // as version 1 wrote it
		row[goatEvent], row[goatFirstVisit] = "0", "1"
	}
	return row
}

func pick[T any](g *goatCounter, from []T) T { return from[g.rand.IntN(len(from))] }

// badGoatCounterRows are rows that cannot be read, as they stand in the file.
func badGoatCounterRows(g *goatCounter) []string {
	var rows []string
	change := func(column int, values ...string) {
		for _, v := range values {
			row := g.hit(g.moment())
			row[goatPath], row[goatEvent], row[goatBot], row[goatFirstVisit] = "/about", "false", "0", "true"
			row[column] = v
			var b strings.Builder
			w := csv.NewWriter(&b)
			w.Write(row)
			w.Flush()
			rows = append(rows, strings.TrimSuffix(b.String(), "\n"))
		}
	}
	change(goatDate, "", "yesterday", "2026-11-20", "2026-11-20 10:00:00", "2026-02-30T10:00:00Z", "20/11/2026", "1700000000", "2026-11-20T25:00:00Z")
	change(goatDate, "2026-11-22T00:00:00Z", "2027-01-01T00:00:00Z", "2206-11-20T10:00:00Z", "2026-11-21T23:00:00-02:00")
	change(goatFirstVisit, "", "maybe", "2", "ja")
	change(goatEvent, "", "no", "-1")
	change(goatPath, "", "about", "https://example.com/about", `\about`, "/a\x01b", "/a%00b", "/caf\xe9", "/%0d%0aSet-Cookie:x",
		"/"+strings.Repeat("long/", 103), "/"+strings.Repeat("ü", 171), "/tab\there")
	whole := strings.Join(g.hit(goatCounterToday.Start()), ",")
	rows = append(rows, "/about", "/about,About us,false", whole[:strings.LastIndexByte(whole, ',')], "/a,b,c", ",,,,,,,,,,,,,,,,", "garbage",
		`/about,The "quoted" one,false,,,,,0,,,,,true,2026-11-20T10:00:00Z`,
		`/about,"The "quoted" one",false,,,,,0,,,,,true,2026-11-20T10:00:00Z`,
		`"/about"x,Title,false,,,,,0,,,,,true,2026-11-20T10:00:00Z`,
		`/ab"out,Title,false,,,,,0,,,,,true,2026-11-20T10:00:00Z`,
		"<html><body>502 Bad Gateway</body></html>", "-- 8< --")
	return rows
}
