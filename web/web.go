// Package web holds what a browser gets: count.js and stock.js, the scripts that a site
// pastes in, and the demo site that serve shows at /. README.md beside this file tells a
// site's owner how the scripts behave.
package web

import (
	"embed"
	"io/fs"
	"regexp"
	"strings"
	"sync"
)

//go:embed count.js
var countSource string

//go:embed stock.js
var stockSource string

//go:embed site
var site embed.FS

var countJS = sync.OnceValue(func() []byte { return []byte(squeeze(countSource)) })

// CountJS is count.js as it is served, text/javascript in UTF-8. The caller must not
// change it.
func CountJS() []byte { return countJS() }

var stockJS = sync.OnceValue(func() []byte { return []byte(squeeze(stockSource)) })

// StockJS is stock.js as it is served, as CountJS is count.js.
func StockJS() []byte { return stockJS() }

// Site is the demo site, for /: index.html and what stands beside it. From its own
// origin it also asks for the routes of visits and docs, and for GET /demo/history: what
// GET /visits/history answers for the page / and the last 30 days, today the last, to
// anyone. It needs no more than the policy "default-src 'self'".
func Site() fs.FS {
	sub, err := fs.Sub(site, "site")
	if err != nil {
		panic(err) // only for a name that is no path
	}
	return sub
}

// squeeze drops whole-line comments, the space around punctuation and the line breaks
// that no statement ends at. It knows no JavaScript: the source keeps comments on
// lines of their own, ends statements with a semicolon, and has no space, quote or
// backtick inside a string or a regular expression.
func squeeze(source string) string {
	var b strings.Builder
	for line := range strings.Lines(source) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "//") {
			b.WriteString(line + "\n")
		}
	}
	s := regexp.MustCompile(` *([^\w$\s]) *`).ReplaceAllString(b.String(), "$1")
	s = regexp.MustCompile(`([{(\[,;])\n`).ReplaceAllString(s, "$1")
	return regexp.MustCompile(`;?\n*([})\]?:])`).ReplaceAllString(s, "$1")
}
