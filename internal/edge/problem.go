package edge

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// Problem is the body of every error (RFC 9457). Code is stable and for
// programs; Detail is for people and says what to mend.
type Problem struct {
	Title  string  `json:"title" example:"Unprocessable Entity" doc:"What the status means."`
	Status int     `json:"status" example:"422" doc:"The HTTP status."`
	Code   string  `json:"code" example:"VALIDATION_FAILED" doc:"What is wrong, for programs. It does not change."`
	Detail string  `json:"detail,omitempty" example:"page: it starts with a slash, such as /about" doc:"What is wrong and how to mend it, for people."`
	Errors []Fault `json:"errors,omitempty" doc:"Each fault of the request, where there are several."`

	headers http.Header
}

// Fault is one of a request's faults.
type Fault struct {
	Location string `json:"location,omitempty" example:"query.pageSize" doc:"Where it is."`
	Message  string `json:"message" example:"expected number >= 0" doc:"What it is."`
	Value    *int64 `json:"value,omitempty" doc:"What is there, where it is a number: what is available, or what was counted."`
}

// RowFault is the fault of a row of a file; without a field it is of the whole row.
func RowFault(line int, field, reason string) Fault {
	f := Fault{Location: fmt.Sprintf("line %d", line), Message: reason}
	if field != "" {
		f.Location += ", " + field
	}
	return f
}

// Interfaces by which huma knows an error's status and headers, and its type.
var (
	_ huma.StatusError       = (*Problem)(nil)
	_ huma.HeadersError      = (*Problem)(nil)
	_ huma.ContentTypeFilter = (*Problem)(nil)
)

// NewProblem returns a problem. Its title is the status's text.
func NewProblem(status int, code, detail string) *Problem {
	return &Problem{Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
}

// WithFaults names each of a request's faults. The detail is the first of them, if
// there is any.
func (p *Problem) WithFaults(faults ...Fault) *Problem {
	p.Errors = faults
	if len(faults) > 0 {
		p.Detail = strings.TrimPrefix(faults[0].Location+": ", ": ") + faults[0].Message
	}
	return p
}

// WithHeader sets a header of the reply.
func (p *Problem) WithHeader(name, value string) *Problem {
	if p.headers == nil {
		p.headers = make(http.Header)
	}
	p.headers.Set(name, value)
	return p
}

// RetryAfter says after how many seconds a client may try again.
func (p *Problem) RetryAfter(seconds int) *Problem {
	return p.WithHeader("Retry-After", strconv.Itoa(max(1, seconds)))
}

func (p *Problem) Error() string           { return p.Code + ": " + p.Detail }
func (p *Problem) GetStatus() int          { return p.Status }
func (p *Problem) GetHeaders() http.Header { return p.headers }

// ContentType makes a problem JSON whatever the client would rather have.
func (p *Problem) ContentType(string) string { return problemType }

const problemType = "application/problem+json"

// problemOf is how huma makes the errors that it finds itself: what a request's
// declaration says and the request does not keep.
func problemOf(status int, message string, errs ...error) huma.StatusError {
	if status == http.StatusInternalServerError { // which is what it makes of a body that it cannot read
		status, message, errs = http.StatusBadRequest, cutOffDetail, nil
	}
	p := NewProblem(status, validationCodes[status], message)
	if p.Code == "" {
		p.Code = strings.ToUpper(strings.ReplaceAll(p.Title, " ", "_"))
	}
	var faults []Fault
	for _, err := range errs {
		f := Fault{Message: err.Error()}
		if d, ok := err.(huma.ErrorDetailer); ok {
			f = Fault{Location: d.ErrorDetail().Location, Message: d.ErrorDetail().Message}
		}
		if f.Location == "" { // of the request as a whole
			p.Detail = f.Message
			continue
		}
		faults = append(faults, f)
	}
	// huma finds them in the order of a map.
	slices.SortStableFunc(faults, func(a, b Fault) int { return cmp.Compare(a.Location, b.Location) })
	return p.WithFaults(faults...)
}

var validationCodes = map[int]string{
	http.StatusBadRequest:            "MALFORMED_REQUEST",
	http.StatusRequestEntityTooLarge: "BODY_TOO_LARGE",
	http.StatusUnprocessableEntity:   "VALIDATION_FAILED",
}
