package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// refusal is a reply that is an error, of a function (problem+json) or of the gateway.
type refusal struct {
	status int
	code   string
	detail string
	faults []fault
	after  time.Duration // Retry-After; 0: none
}

type fault struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

func (f fault) String() string { return strings.TrimPrefix(f.Location+": ", ": ") + f.Message }

// Error is for people: what is wrong, and each fault on a line of its own.
func (r *refusal) Error() string {
	text := r.detail
	if text == "" {
		text = fmt.Sprintf("answered with %d %s", r.status, http.StatusText(r.status))
	}
	for _, f := range r.faults {
		if !strings.Contains(r.detail, f.String()) { // which often is the first fault
			text += "\n" + f.String()
		}
	}
	return text
}

// maxRefusal is more than any refusal has.
const maxRefusal = 1 << 20

func readRefusal(reply *http.Response) *refusal {
	r := &refusal{status: reply.StatusCode, after: retryAfter(reply.Header)}
	b, _ := io.ReadAll(io.LimitReader(reply.Body, maxRefusal)) // what there is of it
	var body struct {
		Detail  string
		Message string          // the gateway's detail
		Code    json.RawMessage // which is a number there
		Errors  []fault
	}
	if err := json.Unmarshal(b, &body); err == nil {
		r.detail, r.faults = body.Detail+body.Message, body.Errors
		_ = json.Unmarshal(body.Code, &r.code) // else there is none
	}
	if to := reply.Header.Get("Location"); to != "" {
		r.detail = fmt.Sprintf("it is elsewhere, at %s: say so with --url", to)
	}
	return r
}

func retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(value); err == nil && seconds > 0 {
		return time.Duration(min(seconds, 3600)) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, time.Until(at))
	}
	return 0
}
