package gateway

import (
	"net/http"
	"strings"
)

const (
	maxHeaders = 60 << 10 // bytes of the request line and all headers
	maxBody    = 32 << 20 // bytes of a request's or a reply's body
	maxPath    = 8192     // bytes of path and query

	methodOverride = "X-Http-Method-Override"
)

// refuseRequest finds what the proxy's HTTP layer refuses before it looks for a route.
func refuseRequest(r *http.Request) *refusal {
	size := len(r.Method) + len(r.RequestURI) + len(r.Host)
	for name, values := range r.Header {
		if strings.IndexByte(name, '_') >= 0 {
			return badRequest
		}
		for _, value := range values {
			size += len(name) + len(value)
		}
	}
	switch {
	case size > maxHeaders:
		return headersTooLarge
	case r.ContentLength > maxBody:
		return requestTooLarge
	// net/http keeps a '#' in the path or in the query, wherever it stood.
	case strings.IndexByte(r.URL.Path, '#') >= 0 && strings.IndexByte(rawPath(r.URL), '#') >= 0,
		strings.IndexByte(r.URL.RawQuery, '#') >= 0,
		r.URL.Fragment != "":
		return fragmentInPath
	}
	return nil
}
