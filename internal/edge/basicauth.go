package edge

import (
	"net/http"
	"strings"
)

// BasicScheme is the name of HTTP Basic authentication in the specification.
const BasicScheme = "basicAuth"

// authenticated asks for a user of BASIC_AUTH, where there are any and the operation
// needs a key, and lets the handler know who it was. The key itself is the gateway's to check.
func (a *API) authenticated(who access, next http.Handler) http.Handler {
	if who != keyed || a.accounts == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, ok := credentials(r)
		if !ok {
			writeProblem(w, challenge("CREDENTIALS_REQUIRED", "Beside the key this needs a user and a password, as HTTP Basic authentication."))
			return
		}
		ok, err := a.accounts.verify(r.Context(), user, password)
		switch {
		case err != nil:
			writeProblem(w, a.problem(r.Context(), err))
		case !ok:
			writeProblem(w, challenge("CREDENTIALS_INVALID", "There is no such user with this password."))
		default:
			client := ClientOf(r.Context())
			client.User = user
			next.ServeHTTP(w, r.WithContext(withClient(r.Context(), client)))
		}
	})
}

// credentials returns what a client sent as HTTP Basic authentication (RFC 7617),
// empty if it cannot be read. The gateway puts its own token into Authorization, and
// what the client had there into X-Forwarded-Authorization.
func credentials(r *http.Request) (user, password string, ok bool) {
	value := r.Header.Get("Authorization")
	if forwarded := r.Header.Get("X-Forwarded-Authorization"); forwarded != "" {
		value = forwarded
	}
	scheme, _, _ := strings.Cut(value, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	own := http.Request{Header: http.Header{"Authorization": {value}}}
	user, password, _ = own.BasicAuth()
	return user, password, true
}

func challenge(code, detail string) *Problem {
	return NewProblem(http.StatusUnauthorized, code, detail).
		WithHeader("WWW-Authenticate", `Basic realm="tallystick", charset="UTF-8"`)
}
