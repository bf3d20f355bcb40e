package controlplane

import (
	"fmt"
	"net/http"
)

// refusal is an error as Google's APIs send it: google.rpc.Status.
type refusal struct {
	status  int
	code    string // of google.rpc.Code; empty: the usual one for the status
	message string
	details []any
}

func refuse(status int, format string, args ...any) error {
	return &refusal{status: status, message: fmt.Sprintf(format, args...)}
}

// refuseWith is refuse for a code that is not the status' usual one.
func refuseWith(status int, code, format string, args ...any) error {
	return &refusal{status: status, code: code, message: fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) error {
	return refuse(http.StatusNotFound, format, args...)
}

func exists(format string, args ...any) error {
	return refuse(http.StatusConflict, format, args...)
}

func invalid(format string, args ...any) error {
	return refuse(http.StatusBadRequest, format, args...)
}

// precondition refuses what is well-formed but not possible now.
func precondition(format string, args ...any) error {
	return refuseWith(http.StatusBadRequest, "FAILED_PRECONDITION", format, args...)
}

// aborted tells the caller to read again and try again.
func aborted(format string, args ...any) error {
	return refuseWith(http.StatusConflict, "ABORTED", format, args...)
}

func (r *refusal) Error() string { return r.message }

func (r *refusal) body() doc {
	code := r.code
	if code == "" {
		code = usualCode[r.status]
	}
	e := doc{"code": r.status, "message": r.message, "status": code}
	if len(r.details) > 0 {
		e["details"] = r.details
	}
	return doc{"error": e}
}

var usualCode = map[int]string{
	http.StatusBadRequest:          "INVALID_ARGUMENT",
	http.StatusUnauthorized:        "UNAUTHENTICATED",
	http.StatusForbidden:           "PERMISSION_DENIED",
	http.StatusNotFound:            "NOT_FOUND",
	http.StatusConflict:            "ALREADY_EXISTS",
	http.StatusTooManyRequests:     "RESOURCE_EXHAUSTED",
	http.StatusInternalServerError: "INTERNAL",
	http.StatusNotImplemented:      "UNIMPLEMENTED",
	http.StatusServiceUnavailable:  "UNAVAILABLE",
	http.StatusGatewayTimeout:      "DEADLINE_EXCEEDED",
}
