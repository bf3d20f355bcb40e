package edge

import (
	"crypto/subtle"
	"net/http"
)

// A function that serve --processes runs has a port that all who are on the machine can reach,
// and pages in their browsers. The gateway before it alone knows its token.
const (
	TokenVariable = "FUNCTION_TOKEN"   // of the function's environment; a deployed one has none
	TokenHeader   = "X-Function-Token" // of each request
)

// WithToken refuses each request that lacks the token, and lets next see no token. An empty one
// guards nothing.
func WithToken(token string, next http.Handler) http.Handler {
	if token == "" {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if subtle.ConstantTimeCompare([]byte(r.Header.Get(TokenHeader)), []byte(token)) != 1 {
			http.Error(w, "This function answers the gateway alone: ask that, at the address that serve printed.", http.StatusForbidden)
			return
		}
		r.Header.Del(TokenHeader)
		next.ServeHTTP(w, r)
	})
}
