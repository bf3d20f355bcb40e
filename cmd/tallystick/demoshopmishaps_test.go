//go:build unix

package main

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// TestTheDemoShopWhenThingsGoWrong: replies that are lost or lack numbers, a wrong clock,
// and a key that is held down.
func TestTheDemoShopWhenThingsGoWrong(t *testing.T) {
	wantNeeded(t, "chromium", "the demo shop in a browser")
	t.Parallel()
	s := startServer(t, t.TempDir(), "API_KEYS=secret", "RATE_LIMIT=0")
	tb := newTab(t, startBrowser(t, s))
	tb.open(s.url + "/shop/")
	tb.text(shopLeft, "5,12,20")
	eval := func(js string) {
		t.Helper()
		tb.do(chromedp.Evaluate[chromedp.Void](js + `; undefined`))
	}

	eval(`{ const real = Date.now; Date.now = () => real() + 3600e3 }`)
	tb.do(chromedp.Click(shopMug + `button`))
	tb.text(`String(/^[12]:[0-5]\d$/.test(document.querySelector('.time').textContent))`, "true")

	tb.expect("status of 409")
	eval(`{
		const real = fetch;
		window.lost = 1;
		window.fetch = async (...request) => {
			const reply = await real(...request);
			if (lost-- > 0) throw new TypeError('lost');
			return reply;
		};
	}`)
	tb.do(chromedp.Click(`.buy`))
	tb.text(shopSays, "The shop does not answer just now.")
	tb.do(chromedp.Click(`.buy`))
	tb.text(shopSays, "Yours. The ledger has it as committed.")
	tb.text(shopLeft, "4,12,20")

	tb.text(`String(document.querySelector('`+shopMug+`button').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter', repeat: true, bubbles: true, cancelable: true})))`, "false")

	for _, tt := range []struct{ name, lines, want string }{
		{"stock gave no number", `{"buyers":2}\n{"got":true}\n{"got":false}\n{"seconds":1}\n`,
			"1 of 2 buyers hold one now, 1 were told that it is sold out. 1.00 seconds for all of them. Stock did not answer how many there were, so whether any was oversold is not known."},
		{"more than there were", `{"buyers":2,"available":1}\n{"got":true}\n{"got":true}\n{"available":0,"seconds":1}\n`,
			"1 were left. 2 of 2 buyers hold one now, 0 were told that it is sold out. 1.00 seconds for all of them: 0 left."},
		{"fewer than none", `{"buyers":1,"available":1}\n{"got":true}\n{"available":-1,"seconds":1}\n`,
			"1 were left. 1 of 1 buyers hold one now, 0 were told that it is sold out. 1.00 seconds for all of them: -1 left."},
	} {
		eval(`window.fetch = async () => new Response('` + tt.lines + `')`)
		tb.do(chromedp.Click(`#go`))
		tb.text(`document.querySelector('#result').textContent`, tt.want)
	}
	eval(`window.fetch = async () => new Response('{"code":"ITEM_NOT_FOUND","detail":"There is no such item."}', {status: 404})`)
	tb.do(chromedp.Click(`#go`))
	tb.text(`document.querySelector('#result').textContent`, "There is no such item.")
	eval(`window.fetch = async () => new Response('{"detail":"Try again in a second."}', {status: 429})`)
	tb.do(chromedp.Click(`#go`))
	tb.text(`document.querySelector('#result').textContent`, "Try again in a second.")
}
