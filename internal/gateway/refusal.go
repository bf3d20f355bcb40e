package gateway

import (
	"bytes"
	"encoding/json"
	"net/http"
)

// refusal is a reply that the gateway makes itself: never with CORS headers, so a script in a browser sees
// a network error.
type refusal struct {
	status int
	body   []byte
}

// The gateway's own replies whose text is always the same. The texts that Envoy makes from a status
// ("Bad Request") are Envoy's own, CodeUtility::toString.
var (
	badRequest         = newRefusal(http.StatusBadRequest, "Bad Request")
	headersTooLarge    = newRefusal(http.StatusRequestHeaderFieldsTooLarge, "Request Header Fields Too Large")
	requestTooLarge    = newRefusal(http.StatusRequestEntityTooLarge, "Payload Too Large")
	responseTooLarge   = newRefusal(http.StatusInternalServerError, "Internal Server Error")
	refusedPath        = newRefusal(http.StatusBadRequest, "")
	fragmentInPath     = newRefusal(http.StatusBadRequest, "Path cannot contain fragment identifier (#)")
	pathTooLong        = newRefusal(http.StatusBadRequest, "Path is too long, max allowed size is 8192.")
	notDefined         = newRefusal(http.StatusNotFound, "The current request is not defined by this API.")
	unregisteredCaller = newRefusal(http.StatusUnauthorized, "UNAUTHENTICATED: Method doesn't allow unregistered callers "+
		"(callers without established identity). Please use API Key or other form of API consumer identity to call this API.")
	invalidKey      = newRefusal(http.StatusBadRequest, "INVALID_ARGUMENT: API key not valid. Please pass a valid API key.")
	upstreamTimeout = newRefusal(http.StatusGatewayTimeout, "upstream request timeout")
)

func newRefusal(status int, message string) *refusal {
	var body bytes.Buffer
	enc := json.NewEncoder(&body)
	enc.SetEscapeHTML(false) // the texts hold quotes and apostrophes, which are for people to read
	// A struct of an int and a string always encodes.
	_ = enc.Encode(struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}{status, message})
	return &refusal{status, bytes.TrimSuffix(body.Bytes(), []byte("\n"))}
}

func (no *refusal) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(no.status)
	// A client that is gone needs no answer.
	_, _ = w.Write(no.body)
}
