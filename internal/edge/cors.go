package edge

import (
	"net/http"
	"slices"
	"strings"

	"github.com/rs/cors"
)

// allowedHeaders are those that a page of another site may send.
var allowedHeaders = []string{"Content-Type", "X-Api-Key", "Authorization", "Idempotency-Key", "If-Match", "If-None-Match"}

// exposedHeaders are those of a reply that such a page may read.
var exposedHeaders = []string{"Retry-After", "ETag", "Idempotent-Replayed"}

// cors answers pages of other sites: on every reply, errors too, so that a script
// sees what went wrong. Public operations are open to ALLOWED_ORIGINS, and refuse
// a page of any other origin rather than do what it asks and hide the reply; but for
// images and other requests without an Origin header, which say nothing of their page. The
// others are open to the origins that are named; "*" opens none of them.
func (a *API) cors(who access, next http.Handler) http.Handler {
	allowed := a.allowedOrigins(who)
	if who == public {
		next = a.onlyFrom(allowed, next)
	}
	return cors.New(corsOptions(allowed)).Handler(next)
}

// preflight answers the question a browser asks before it calls an operation at
// path. It needs no key. A path's methods may belong to several functions, of which one
// gets all the questions. So a method that this one does not have is answered as one with a
// key, for the public ones are here (openapi/generate sees to that); and there is no Allow,
// for it could not be complete.
func (a *API) preflight(path string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := a.paths[path][r.Header.Get("Access-Control-Request-Method")]
		cors.New(corsOptions(a.allowedOrigins(who))).HandlerFunc(w, r)
		if r.Header.Get("Access-Control-Request-Method") == "" {
			w.WriteHeader(http.StatusNoContent)
		}
	})
}

func corsOptions(origins []string) cors.Options {
	o := cors.Options{
		AllowedOrigins: origins,
		AllowedMethods: []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete},
		AllowedHeaders: allowedHeaders,
		ExposedHeaders: exposedHeaders,
		MaxAge:         24 * 60 * 60,
	}
	if len(origins) == 0 { // which the library takes for all
		o.AllowOriginFunc = func(string) bool { return false }
	}
	return o
}

// allowedOrigins returns the origins whose pages may call an operation.
func (a *API) allowedOrigins(who access) []string {
	if who == public {
		return a.Config.AllowedOrigins
	}
	return slices.DeleteFunc(slices.Clone(a.Config.AllowedOrigins), func(o string) bool { return o == "*" })
}

// onlyFrom refuses requests that a page of an origin not allowed sends. A request
// that names no origin is no such page's.
func (a *API) onlyFrom(origins []string, next http.Handler) http.Handler {
	if slices.Contains(origins, "*") {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if o := r.Header.Get("Origin"); o != "" && !slices.Contains(origins, strings.ToLower(o)) {
			writeProblem(w, NewProblem(http.StatusForbidden, "ORIGIN_NOT_ALLOWED",
				"ALLOWED_ORIGINS does not name the page's origin, "+o+"."))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// splitPattern splits a pattern of http.ServeMux.
func splitPattern(pattern string) (method, path string) {
	method, path, _ = strings.Cut(pattern, " ")
	return method, path
}
