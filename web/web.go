// Package web holds the pages that serve shows: the demo site at /, with its shop, and the
// dashboard. The scripts that a site pastes in are in scripts, which the deployed functions
// serve. README.md beside this file tells how scripts and client behave.
package web

import (
	"embed"
	"io/fs"
)

//go:embed site
var site embed.FS

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
