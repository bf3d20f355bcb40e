package web_test

import (
	"context"
	"flag"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
	"golang.org/x/crypto/bcrypt"

	"github.com/tallystick/tallystick/internal/browser"
	"github.com/tallystick/tallystick/web"
)

var update = flag.Bool("update", false, "write the dashboard's pictures in docs/img anew")

// TestDashboard looks at the dashboard in Chromium, before a real Tallystick on SQLite.
// dashboardworld_test.go has the one and dashboardlook_test.go the other; dashboardparts_test.go
// has what each part does, dashboardmishaps_test.go what goes wrong on the way, and
// dashboardaccess_test.go who reads it.
func TestDashboard(t *testing.T) {
	w, plain := newWorld(t), newWorld(t)
	w.seed(hostile)
	plain.seed("spring sale")
	chromium := browser.Start(t, chromedp.Flag("host-resolver-rules", "MAP "+pictureHost+" "+strings.TrimPrefix(plain.url, "http://")))
	plain.url = "http://" + pictureHost
	for _, tt := range []struct {
		name string
		test func(*testing.T, *world, context.Context)
	}{
		{"a wrong key says so", wrongKeySaysSo},
		{"visits", showsVisits},
		{"the chart is read with the keyboard", readsChart},
		{"a live number moves", livens},
		{"stock", showsStock},
		{"a count that is stale is refused in words", staleCount},
		{"an item's settings that another saved meanwhile are not undone", keepsOthersItemSettings},
		{"a save leaves what is typed into other forms", keepsWhatIsTyped},
		{"the forms' limits are the API's", limitsAsTheAPI},
		{"records, and where a filter is wrong", showsRecords},
		{"settings are tried before they are saved", triesSettings},
		{"settings that another saved meanwhile are not undone", keepsOthersSettings},
		{"partners and deliveries", showsPartners},
		{"one function down leaves the others", oneDown},
		{"pages that are left while they load", leavesLoading},
		{"a change whose reply is lost is made once", lostReplies},
		{"settings whose reply is lost are saved", lostSave},
		{"mistyped numbers", mistypedNumbers},
		{"released on purpose only", pressedTwice},
		{"the latest reply is shown", latePages},
		{"left while it answers", leftWhileItAnswers},
		{"what cannot be sent says so", unsendable},
		{"records with odd names and long numbers", oddRecords},
		{"a wrong clock", wrongClock},
		{"long names on a phone", longNames},
		{"a gateway that is none", wantsSafeGateway},
		{"with the keyboard alone", byKeys},
		{"what is stored is text on every page", hostileIsText},
		{"accessible, narrow, light and dark", func(t *testing.T, _ *world, chromium context.Context) { isAccessible(t, plain, chromium) }},
		{"a user and a password too", withBasicAuth},
		{"more pages than are read", morePagesThanAreRead},
		{"a Tallystick with nothing in it says what to do", emptySaysWhatToDo},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, w, chromium) })
	}
}

// hostile would run if it became HTML anywhere.
const hostile = `<img src=x onerror=window.ran=1>`

// pictureHost is what the Tallystick of the pictures is called, so that they are the same
// from one run to the next.
const pictureHost = "count.example"

// seed stores something of each kind, with this text wherever it can be.
func (w *world) seed(text string) {
	w.Helper()
	w.imports("/", 61, func(day int) int { return 40 + day*7%23 + (60-day)/3 })
	w.imports("/about", 61, func(day int) int { return 12 + day*5%9 })
	w.imports("/blog/"+text, 20, func(day int) int { return 3 })
	for i, from := range []string{"https://news.ycombinator.com/item?id=1", "https://duckduckgo.com/", "https://duckduckgo.com/"} {
		w.send(http.MethodPost, fmt.Sprintf("/visits?page=/&utm_source=newsletter&referrer=%s&n=%d", strings.ReplaceAll(from, "?", "%3F"), i), "")
	}

	w.send(http.MethodPost, "/stock/WIDGET/count", `{"quantity":40,"reason":"`+text+`"}`)
	w.send(http.MethodPost, "/stock/WIDGET/adjust", `{"delta":-4,"reference":"`+text+`"}`)
	w.send(http.MethodPost, "/stock/WIDGET/adjust", `{"delta":24,"reason":"a crate"}`)
	w.send(http.MethodPost, "/stock/GADGET/count", `{"quantity":9}`)
	w.send(http.MethodPut, "/stock/GADGET", `{"lowStockThreshold":5}`)
	w.send(http.MethodPost, "/stock/GADGET/adjust", `{"delta":-5}`)
	w.send(http.MethodPost, "/reservations", `{"lines":[{"sku":"WIDGET","quantity":3}],"ttlSeconds":86000,"reference":"`+text+`"}`)

	w.send(http.MethodPut, "/collections/products", `{"indexes":[{"field":"price","type":"number"},{"field":"color","type":"string"}]}`)
	for i := range 40 {
		w.send(http.MethodPut, fmt.Sprintf("/records/products/widget-%02d", i),
			fmt.Sprintf(`{"name":"%s","color":%q,"price":"%d.90","%s":1}`, text, []string{"red", "blue"}[i%2], i, text))
	}
	w.send(http.MethodPatch, "/records/products/widget-00", `{"color":"green"}`)

	w.send(http.MethodPost, "/stock/ACME-1/count", `{"quantity":5}`)
	w.tells("msg_1", "delivery.updated", `{"id":"D-1","status":"packed","note":"`+text+`"}`)
	w.tells("msg_2", "stock.adjusted", `{"sku":"ACME-1","delta":5,"reason":"`+text+`"}`)
}

// TestDashboardIsSmall as it is served, all of it, with the chart's library.
func TestDashboardIsSmall(t *testing.T) {
	sum := 0
	for _, content := range web.DashboardFiles(web.OwnGateway) {
		sum += len(content)
	}
	if const150 := 150 << 10; sum >= const150 {
		t.Errorf("the dashboard has %d bytes, want fewer than %d", sum, const150)
	}
}

// TestDashboardMakesNoHTMLOfStrings, and has nothing inline, nor anything of another
// host. The chart's library is not ours to write; the policy holds it.
func TestDashboardMakesNoHTMLOfStrings(t *testing.T) {
	bad := regexp.MustCompile(`(?i)innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|eval\(|new Function|<style|\sstyle=|\son[a-z]+="|javascript:|href="https?:|from '(https?:)?//`)
	for name, content := range web.DashboardFiles(web.OwnGateway) {
		if found := bad.Find(content); found != nil && !strings.HasPrefix(name, "uplot") {
			t.Errorf("%s has %q", name, found)
		}
	}
}

func wrongKeySaysSo(t *testing.T, w *world, chromium context.Context) {
	l := w.newLook(t, chromium)
	l.complaints.Expect("status of 400", "status of 401")
	l.open("#stock")
	l.text(`document.querySelector('h1').textContent`, "Sign in")
	l.text(`document.querySelector('input[name=gateway]').value`, w.url)
	l.click("Sign in")
	l.shows("[role=alert]", "API key: ")
	l.text(`document.activeElement.name`, "key")
	l.fill("API key", "another")
	l.click("Sign in")
	l.shows("[role=alert]", "The key is not accepted.")
	l.fill("API key", dashboardKey)
	l.click("Sign in")
	l.text(`document.querySelector('h1').textContent`, "Stock")
	l.text(`location.href`, w.url+"/dashboard/#stock")

	// The tab keeps the key, and a new one does not have it.
	l.open("?again#visits")
	l.text(`document.querySelector('h1').textContent`, "Visits")
	l.text(`JSON.stringify(localStorage) + document.cookie`, "{}")
	l.click("Sign out")
	l.text(`document.querySelector('h1').textContent + JSON.stringify(sessionStorage)`, "Sign in{}")
}

func hostileIsText(t *testing.T, w *world, chromium context.Context) {
	l := w.signedIn(t, chromium, "visits")
	for _, page := range []struct {
		hash  string
		times int // that it is seen
	}{
		{"visits", 1},
		{"stock", 1},
		{"stock/WIDGET", 3},
		{"records/products", 26},
		{"records/products/widget-00", 8},
		{"partners", 0},
		{"partners/acme", 2},
		{"records/products?filter=" + hostile, 1},
		{"visits?page=/" + hostile, 1},
	} {
		l.complaints.Expect("status of 422")
		l.to(page.hash)
		l.eval(`document.querySelectorAll('main details').forEach(d => d.open = true)`)
		l.becomes(`[...document.querySelectorAll('main')].map(e => e.textContent).join()`, func(got string) bool {
			return strings.Count(got, "<img src=x onerror=") >= page.times
		}, fmt.Sprintf("%s %d times, of %s", hostile, page.times, page.hash))
		l.text(`String(document.querySelectorAll('main img').length) + window.ran`, "0undefined")
	}
	l.to("partners")
	l.fill("Delivery", "D-1")
	l.click("Find")
	l.shows(".found", hostile)
	l.text(`String(document.querySelectorAll('main img').length)`, "0")
}

func emptySaysWhatToDo(t *testing.T, _ *world, chromium context.Context) {
	l := newWorld(t).signedIn(t, chromium, "visits")
	for hash, want := range map[string]string{
		"visits":           "Paste <script src=",
		"stock":            "Count the first one below",
		"records":          "POST /records/products",
		"records/nothing":  "POST /records/nothing",
		"partners/acme":    "tallystick sign",
		"stock/UNKNOWN":    "There is no item UNKNOWN. Count it on the page of all items, and there is. It has not moved yet.",
		"visits?page=/new": "Choose a longer period",
	} {
		l.complaints.Expect("status of 404")
		l.to(hash)
		l.shows(".empty", want)
	}
}

func withBasicAuth(t *testing.T, _ *world, chromium context.Context) {
	hash, err := bcrypt.GenerateFromPassword([]byte("pass: wörd"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	l := newWorld(t, "anna:"+string(hash)).newLook(t, chromium)
	l.complaints.Expect("status of 401")
	l.open("")
	l.fill("API key", dashboardKey)
	l.click("Sign in")
	l.shows("[role=alert]", "Where BASIC_AUTH is set, the gateway wants all three.")
	l.fill("User", "anna")
	l.fill("Password", "pass: wörd")
	l.click("Sign in")
	l.text(`document.querySelector('h1').textContent`, "Visits")
	l.settled()
	l.text(`String(document.querySelectorAll('.fault').length)`, "0")
}

func morePagesThanAreRead(t *testing.T, _ *world, chromium context.Context) {
	w := newWorld(t)
	var file strings.Builder
	for i := range 1001 {
		fmt.Fprintf(&file, `{"page":"/%d","visits":1,"uniques":1}`+"\n", i)
	}
	w.send(http.MethodPost, "/visits/import", file.String(), "Content-Type", "application/x-ndjson")
	w.send(http.MethodPost, "/visits?page=/1", "")
	w.signedIn(t, chromium, "visits").shows(".note", "There are more than 1,000 pages. These sums are of the 1,000 that have had most visits of all")
}
