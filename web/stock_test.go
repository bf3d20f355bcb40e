package web

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// testStock is README.md: each case is a sentence there.
func testStock(t *testing.T, browser context.Context) {
	for _, tt := range []struct {
		name string
		test func(*tab)
	}{
		{"it shows what is available", showsAvailable},
		{"numbers are grouped as the page's language does", groupsStockByLanguage},
		{"an oversold item shows 0", showsNoLessThanNone},
		{"the number is an attribute for a stylesheet", setsTheAttribute},
		{"nothing is stored, and it stands beside count.js", standsBesideCount},
		{"an item that there is none of keeps its element's content", keepsContentOfMissing},
		{"what cannot be an item's name does not spoil the others", leavesOutBadNames},
		{"the last number stays if the backend fails later", keepsTheLastNumber},
		{"all elements are read in one call", readsStockTogether},
		{"more than 100 items are read in several calls", readsHundredsOfItems},
		{"coming back reads again", readsAgainWhenShown},
		{"coming back to a page that the browser kept reads again", readsAgainFromBFCache},
		{"data-refresh reads again and again", refreshes},
		{"a refresh waits for the reply to the one before", refreshesOneAtATime},
		{"a tab behind reads nothing until it is shown", readsNothingBehind},
		{"elements are added, changed and removed", stockFollowsTheDocument},
		{"another item's number never flashes", neverFlashesAnotherItem},
		{"a late reply for another item is dropped", dropsLateItems},
		{"the script twice reads once", readsOnceForTwoScripts},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.test(newTab(t, browser)) })
	}
	t.Run("a failing backend changes nothing", func(t *testing.T) { stockFailures(t, browser) })
	t.Run("data-refresh that is no number of seconds is none", func(t *testing.T) { badRefresh(t, browser) })
}

func showsAvailable(tb *tab) {
	tb.stock["WIDGET"], tb.stock["a.b_c~d:e@f-9"] = 3, 4
	tb.body = `{stock}Only <stock-count sku="WIDGET">a <b>few</b></stock-count> left, <stock-count sku="a.b_c~d:e@f-9"></stock-count> there`
	tb.open("/")
	tb.text(`document.body.textContent.trim()`, "Only 3 left, 4 there")
	tb.calls("STOCK WIDGET,a.b_c~d:e@f-9")
}

func groupsStockByLanguage(tb *tab) {
	tb.stock["A"] = 1234567
	tb.body = `{stock}<stock-count sku="A"></stock-count>
		<p lang="de"><stock-count sku="A"></stock-count></p>
		<p lang="en_US"><stock-count sku="A"></stock-count></p>
		<p lang=""><stock-count sku="A"></stock-count></p>`
	tb.open("/")
	tb.stocks("1,234,567", "1.234.567", "1,234,567", "1,234,567")
}

func showsNoLessThanNone(tb *tab) {
	tb.stock["A"], tb.stock["B"] = -5, 0
	tb.body = `{stock}<stock-count sku="A">-</stock-count><stock-count sku="B">-</stock-count>`
	tb.open("/")
	tb.stocks("0", "0")
	tb.text(availables, "0|0")
}

// availables is the attributes of all elements.
const availables = `[...document.querySelectorAll('stock-count')].map(e => e.getAttribute('available')).join('|')`

func setsTheAttribute(tb *tab) {
	tb.stock["A"], tb.stock["B"] = 1234567, 0
	tb.body = `{stock}<style>stock-count[available="0"] { color: rgb(255, 0, 0) }</style>
		<stock-count sku="A">-</stock-count><stock-count sku="B">-</stock-count><stock-count sku="NONE">-</stock-count>`
	tb.open("/")
	tb.stocks("1,234,567", "0", "-")
	tb.text(availables, "1234567|0|")
	tb.text(`[...document.querySelectorAll('stock-count')].map(e => getComputedStyle(e).color).join()`, "rgb(0, 0, 0),rgb(255, 0, 0),rgb(0, 0, 0)")
}

func standsBesideCount(tb *tab) {
	for i, scripts := range []string{`{stock}{script}`, `{script}{stock}`} {
		tb.sell("A", 3)
		tb.pages["/"] = scripts + `<stock-count sku="A">-</stock-count><visit-count>-</visit-count>`
		tb.open("/")
		tb.stocks("3")
		tb.shows(strconv.Itoa(i + 1))
		tb.text(`document.cookie + Object.keys(localStorage) + Object.keys(sessionStorage)`, "")
	}
}

func keepsContentOfMissing(tb *tab) {
	tb.stock["A"] = 1
	tb.body = `{stock}<stock-count sku="NONE"><i>some</i></stock-count><stock-count sku="A">-</stock-count><stock-count>no name</stock-count>`
	tb.open("/")
	tb.stocks("some", "1", "no name")
	tb.text(`document.querySelector('stock-count').outerHTML`, `<stock-count sku="NONE"><i>some</i></stock-count>`)
	tb.calls("STOCK NONE,A")
}

func leavesOutBadNames(tb *tab) {
	bad := []string{"", " A", "A,B", "a/b", "ü", "A&amp;skus=B", "%41", "A\n", strings.Repeat("x", 65),
		"__SKU__", "____", "__proto__", "{{ sku }}", "alerts", "batch", "count.js", ".", "..", "..."}
	tb.body = `{stock}`
	var want, good []string
	for i, sku := range []string{"A", "constructor", "___", "__A", "A__", "Batch", "batch2", "..A", "count-js", strings.Repeat("x", 64)} {
		tb.stock[sku] = i + 1
		tb.body += fmt.Sprintf(`<stock-count sku="%s">-</stock-count>`, sku)
		want, good = append(want, strconv.Itoa(i+1)), append(good, sku)
	}
	for _, sku := range bad {
		tb.body += fmt.Sprintf(`<stock-count sku="%s">-</stock-count>`, sku)
		want = append(want, "-")
	}
	tb.open("/")
	tb.stocks(want...)
	tb.calls("STOCK " + strings.Join(good, ","))
}

// comeBack is a visitor who comes back to the page.
const comeBack = `document.dispatchEvent(new Event('visibilitychange', {bubbles: true}))`

func keepsTheLastNumber(tb *tab) {
	tb.complaints.Expect("status of 503")
	tb.stock["A"], tb.stock["B"] = 3, 4
	tb.body = `{stock}<stock-count sku="A">-</stock-count><stock-count sku="B">-</stock-count>`
	fails := false
	tb.before = func(w http.ResponseWriter, _ *http.Request, _ string) bool {
		if fails {
			http.Error(w, "down", http.StatusServiceUnavailable)
		}
		return fails
	}
	tb.open("/")
	tb.stocks("3", "4")
	fails = true
	tb.eval(comeBack)
	tb.calls("STOCK A,B", "STOCK A,B")
	tb.eval(settle)
	tb.stocks("3", "4")
	tb.text(availables, "3|4")
	fails = false
	tb.sell("A", 2)
	tb.eval(comeBack)
	tb.stocks("2", "4")
}

// settle is long enough for a reply that has been sent to be acted on.
const settle = `new Promise(done => setTimeout(done, 50))`

func readsStockTogether(tb *tab) {
	tb.stock["A"], tb.stock["B"], tb.stock["C"] = 1, 2, 3
	tb.body = `{stock}<stock-count sku="A">-</stock-count><p><stock-count sku="B">-</stock-count></p><stock-count sku="A">-</stock-count>`
	tb.open("/")
	tb.stocks("1", "2", "1")
	tb.calls("STOCK A,B")

	// Those that a framework adds one after the other, too.
	tb.eval(`(async () => {
		document.body.innerHTML = '';
		for (const sku of ['C', 'D', 'E']) {
			const el = document.createElement('stock-count');
			el.textContent = '-';
			el.setAttribute('sku', sku);
			document.body.append(el);
			await 0;
		}
	})()`)
	tb.stocks("3", "-", "-")
	tb.calls("STOCK A,B", "STOCK C,D,E")
}

func readsHundredsOfItems(tb *tab) {
	body := strings.Builder{}
	body.WriteString("{stock}")
	var want []string
	for i := range 250 {
		sku := fmt.Sprintf("SKU-%d", i)
		tb.stock[sku] = i
		fmt.Fprintf(&body, `<stock-count sku="%s">-</stock-count>`, sku)
		want = append(want, strconv.Itoa(i))
	}
	tb.body = body.String()
	tb.open("/")
	tb.stocks(want...)
	got := tb.recorded()
	if len(got) != 3 {
		tb.Fatalf("the API was called %d times, want 3", len(got))
	}
	for _, call := range got {
		if n := strings.Count(call, ",") + 1; n > 100 {
			tb.Errorf("%d items in one call, want at most 100", n)
		}
	}
}

func readsAgainWhenShown(tb *tab) {
	tb.stock["A"], tb.stock["B"] = 3, 4
	tb.body = `{stock}<stock-count sku="A">-</stock-count><stock-count sku="B">-</stock-count>`
	tb.open("/")
	tb.stocks("3", "4")
	tb.sell("A", 1)
	tb.eval(comeBack)
	tb.stocks("1", "4")
	tb.text(availables, "1|4")
	tb.calls("STOCK A,B", "STOCK A,B")
}

func readsAgainFromBFCache(tb *tab) {
	tb.stock["A"] = 3
	tb.pages["/"] = `{stock}<stock-count sku="A">-</stock-count><script>addEventListener('pageshow', e => window.kept = e.persisted)</script>`
	tb.pages["/next"] = `next`
	tb.open("/")
	tb.stocks("3")
	tb.open("/next")
	tb.sell("A", 2)
	tb.eval(`void setTimeout(() => history.back())`) // there is no load event to wait for
	tb.text(`location.pathname + ' ' + window.kept`, "/ true")
	tb.stocks("2")
}

// watchTimers has a page keep its timers, so that a test can let them go off.
const watchTimers = `window.timers = []; window.setInterval = (run, after) => timers.push({run, after})`

func refreshes(tb *tab) {
	tb.onNewDocument(watchTimers)
	tb.stock["A"] = 3
	tb.body = tb.stockScript(`data-refresh="30"`) + `<stock-count sku="A">-</stock-count>`
	tb.open("/")
	tb.stocks("3")
	tb.text(`timers.map(t => t.after).join()`, "30000")
	for i := 2; i >= 0; i-- {
		tb.sell("A", i)
		tb.eval(`timers[0].run()`)
		tb.stocks(strconv.Itoa(i))
	}
	tb.calls("STOCK A", "STOCK A", "STOCK A", "STOCK A")

	tb.body = `{stock}<stock-count sku="A">-</stock-count>`
	tb.open("/without")
	tb.stocks("0")
	tb.text(`String(timers.length)`, "0")
}

// refreshesOneAtATime: else each refresh would drop the reply of the one before, and a
// slow backend's numbers would never come.
func refreshesOneAtATime(tb *tab) {
	tb.onNewDocument(watchTimers)
	tb.stock["A"] = 3
	release := tb.hold("STOCK A")
	tb.body = tb.stockScript(`data-refresh="1"`) + `<stock-count sku="A">-</stock-count>`
	tb.open("/")
	tb.calls("STOCK A")
	tb.eval(`timers[0].run(); timers[0].run()`)
	release()
	tb.stocks("3")
	tb.calls("STOCK A")
	tb.sell("A", 2)
	tb.eval(`timers[0].run()`)
	tb.stocks("2")
}

func readsNothingBehind(tb *tab) {
	tb.onNewDocument(watchTimers + `; Object.defineProperty(document, 'hidden', {get: () => !window.shown, configurable: true})`)
	tb.stock["A"], tb.stock["B"] = 3, 4
	tb.body = tb.stockScript(`data-refresh="30"`) + `<stock-count sku="A">-</stock-count>`
	tb.open("/")
	tb.eval(`timers[0].run(); document.querySelector('stock-count').setAttribute('sku', 'B'); ` + settle)
	tb.stocks("-")
	tb.eval(`window.shown = true; ` + comeBack)
	tb.stocks("4")
	tb.eval(`window.shown = false; ` + comeBack + `; timers[0].run(); ` + settle)
	tb.calls("STOCK B")
	tb.sell("B", 1)
	tb.eval(`window.shown = true; ` + comeBack)
	tb.stocks("1")
	tb.calls("STOCK B", "STOCK B")
}

func stockFollowsTheDocument(tb *tab) {
	tb.stock["A"], tb.stock["B"] = 10, 20
	tb.body = `{stock}`
	tb.open("/")
	tb.eval(`document.body.innerHTML = '<stock-count sku="A">-</stock-count><stock-count>none</stock-count>'`)
	tb.stocks("10", "none")
	tb.eval(`document.querySelector('stock-count').setAttribute('sku', 'B')`)
	tb.stocks("20", "none")
	tb.eval(`document.querySelectorAll('stock-count')[1].setAttribute('sku', 'A')`)
	tb.stocks("20", "10")
	tb.eval(`document.querySelector('stock-count').removeAttribute('sku')`)
	tb.stocks("-", "10")
	tb.text(availables, "|10")
	tb.calls("STOCK A", "STOCK B")

	// A new element of an item that was read already is as the others, whatever is sold
	// meanwhile.
	tb.sell("A", 9)
	tb.eval(`document.body.innerHTML += '<stock-count sku="A">-</stock-count>'`)
	tb.stocks("-", "10", "10")
	tb.calls("STOCK A", "STOCK B")

	// Out of the document while it is read again, and in again.
	tb.eval(`window.gone = document.querySelectorAll('stock-count')[1]; gone.remove(); ` + comeBack)
	tb.stocks("-", "9")
	tb.text(`gone.textContent`, "10")
	tb.eval(`document.body.append(gone)`)
	tb.stocks("-", "9", "9")
	tb.calls("STOCK A", "STOCK B", "STOCK A")

	// One that is not in the document reads nothing.
	tb.eval(`document.createElement('stock-count').setAttribute('sku', 'C'); gone.remove(); gone.setAttribute('sku', 'B'); ` + settle)
	tb.calls("STOCK A", "STOCK B", "STOCK A")

	// Inside a shadow tree, where the document does not see it.
	tb.eval(`document.body.innerHTML = '<div></div>';
		document.querySelector('div').attachShadow({mode: 'open'}).innerHTML = '<stock-count sku="B">-</stock-count>'`)
	tb.text(`document.querySelector('div').shadowRoot.textContent`, "20")
	tb.sell("B", 19)
	tb.eval(comeBack)
	tb.text(`document.querySelector('div').shadowRoot.textContent`, "19")

	// A framework sets properties of an element in place of attributes, where it has them.
	tb.text(`String('sku' in document.querySelector('div').shadowRoot.firstChild)`, "false")
}

func neverFlashesAnotherItem(tb *tab) {
	tb.stock["A"], tb.stock["B"] = 10, 20
	release := tb.hold("STOCK B")
	tb.body = `{stock}<stock-count sku="A"><b>some</b></stock-count>`
	tb.open("/")
	tb.stocks("10")
	tb.sell("A", 9)
	tb.eval(comeBack)
	tb.stocks("9")
	// Every text that the element ever has, from the change on.
	tb.eval(`
		window.texts = [];
		const element = document.querySelector('stock-count');
		const note = () => { if (texts.at(-1) != element.innerHTML) texts.push(element.innerHTML) };
		new MutationObserver(note).observe(element, {childList: true, characterData: true, subtree: true});
		element.setAttribute('sku', 'B');
		note();
	`)
	tb.text(`document.querySelector('stock-count').outerHTML`, `<stock-count sku="B"><b>some</b></stock-count>`)
	release()
	tb.stocks("20")
	tb.text(`texts.join()`, "<b>some</b>,20")
}

func dropsLateItems(tb *tab) {
	tb.stock["A"], tb.stock["B"] = 666, 20
	release := tb.hold("STOCK A")
	tb.body = `{stock}<stock-count sku="A">-</stock-count>`
	tb.open("/")
	tb.calls("STOCK A")
	tb.eval(`document.querySelector('stock-count').setAttribute('sku', 'B')`)
	tb.stocks("20")
	// The late reply is here when an element that waits for it shows it.
	tb.eval(`document.body.insertAdjacentHTML('beforeend', '<stock-count sku="A">-</stock-count>')`)
	release()
	tb.stocks("20", "666")
}

func readsOnceForTwoScripts(tb *tab) {
	tb.onNewDocument(watchTimers)
	tb.stock["A"] = 3
	script := tb.stockScript(`data-refresh="30"`)
	tb.body = script + script + `<stock-count sku="A">-</stock-count>`
	tb.open("/")
	tb.stocks("3")
	tb.eval(comeBack)
	tb.calls("STOCK A", "STOCK A")
	tb.eval(settle)
	tb.calls("STOCK A", "STOCK A")
	tb.text(`String(timers.length)`, "1")
}

// stockFailures: whatever comes back that is not the API's answer, the page stays as it
// is, and nothing is thrown or written to the console (newTab sees to that).
func stockFailures(t *testing.T, browser context.Context) {
	const good = `{"items":[{"sku":"A","available":666}],"missing":[]}`
	replies := badReplies(good)
	for name, body := range map[string]string{
		"another shape": `{"items":[{"sku":"A","available":"<b>666</b>"},{"sku":"B","available":null}]}`,
		"null items":    `{"items":[null,{"sku":"A","available":666}]}`,
		"other items":   `{"items":[{"sku":"C","available":666},{"available":666}]}`,
	} {
		replies[name] = func(w http.ResponseWriter) { fmt.Fprint(w, body) }
	}
	for name, reply := range replies {
		t.Run(name, func(t *testing.T) {
			tb := newTab(t, browser)
			tb.complaints.Expect("Failed to load resource", "CORS policy")
			tb.before = func(w http.ResponseWriter, _ *http.Request, _ string) bool { reply(w); return true }
			tb.body = `{stock}<stock-count sku="A"><i>own</i></stock-count><stock-count sku="B">b</stock-count>`
			tb.open("/")
			tb.calls("STOCK A,B")
			tb.eval(settle)
			tb.stocks("own", "b")
			tb.text(`document.querySelector('stock-count').outerHTML`, `<stock-count sku="A"><i>own</i></stock-count>`)
		})
	}
}

// badRefresh: a timer that waits for no time, as one does that waits too long, would ask
// without end.
func badRefresh(t *testing.T, browser context.Context) {
	tb := newTab(t, browser)
	tb.onNewDocument(watchTimers)
	tb.stock["A"] = 3
	for _, refresh := range []string{"", "0", "-1", "0.5", "soon", "30s", "1e9", "Infinity", "NaN"} {
		tb.body = tb.stockScript(`data-refresh="`+refresh+`"`) + `<stock-count sku="A">-</stock-count>`
		tb.open("/")
		tb.stocks("3")
		got, err := chromedp.Run(tb.ctx, chromedp.Evaluate[int](`timers.length`))
		if err != nil || got != 0 {
			t.Errorf("data-refresh=%q makes %d timers, %v, want none", refresh, got, err)
		}
	}
}
