package edge

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/strictjson"
)

// MaxRecordBytes is the largest body that JSON takes.
const MaxRecordBytes = 1 << 20

// JSON, embedded in an operation's input, gives it the request's body byte for byte: a
// JSON value, held to the same strict syntax as every body, of at most MaxRecordBytes. No
// schema is held against it. What a request gets wrong is answered as it is for a Body field,
// except that one of exactly MaxRecordBytes is taken. The operation's RequestBody says
// what it is in the specification.
type JSON struct{ data []byte }

var (
	_ huma.Resolver = (*JSON)(nil)
	_ bodyReader    = (*JSON)(nil)
)

// Bytes is the body. It is the caller's to keep.
func (j *JSON) Bytes() []byte { return j.data }

// jsonTypes are what a body may be said to be. curl -d says the last, whatever it sends;
// to say nothing is the same.
var jsonTypes = []string{"", "application/json", "application/merge-patch+json", "application/x-www-form-urlencoded"}

// Resolve is called by huma for each request.
func (j *JSON) Resolve(ctx huma.Context) []error {
	data, err := io.ReadAll(io.LimitReader(ctx.BodyReader(), MaxRecordBytes+1))
	var network net.Error
	switch {
	case len(data) > MaxRecordBytes:
		return bodyError(http.StatusRequestEntityTooLarge, "", tooLarge(MaxRecordBytes))
	case errors.As(err, &network) && network.Timeout():
		return bodyError(http.StatusRequestTimeout, "", "request body read timeout")
	case err != nil:
		return bodyError(http.StatusBadRequest, "", cutOffDetail)
	case len(data) == 0:
		return bodyError(http.StatusBadRequest, "", "request body is required")
	}
	contentType := ctx.Header("Content-Type")
	if bare, _, _ := mime.ParseMediaType(contentType); !slices.Contains(jsonTypes, bare) || bare == "" && contentType != "" {
		return bodyError(http.StatusUnsupportedMediaType, "body", fmt.Sprintf("%v: %s", huma.ErrUnknownContentType, contentType))
	}
	if err := strictjson.Check(data); err != nil {
		return bodyError(http.StatusBadRequest, "body", err.Error())
	}
	j.data = data
	return nil
}

func (j *JSON) readsBody() {}

// bodyReader is an input that reads the request's body itself.
type bodyReader interface{ readsBody() }

func readsBody[I any]() bool {
	_, ok := any(new(I)).(bodyReader)
	return ok
}

// bodyFault makes huma answer with its status. Without a location it is about the request
// as a whole.
type bodyFault struct {
	status int
	fault  Fault
}

var (
	_ huma.StatusError   = bodyFault{}
	_ huma.ErrorDetailer = bodyFault{}
)

func bodyError(status int, location, message string) []error {
	return []error{bodyFault{status, Fault{location, message}}}
}

func (f bodyFault) Error() string  { return f.fault.Message }
func (f bodyFault) GetStatus() int { return f.status }

// ErrorDetail is how huma, and so problemOf, learns of the place.
func (f bodyFault) ErrorDetail() *huma.ErrorDetail {
	return &huma.ErrorDetail{Location: f.fault.Location, Message: f.fault.Message}
}
