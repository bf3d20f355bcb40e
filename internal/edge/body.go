package edge

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"slices"
	"time"

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
	data, wrong := readBody(ctx, MaxRecordBytes, jsonTypes)
	if wrong != nil {
		return wrong
	}
	if err := strictjson.Check(data); err != nil {
		return bodyError(http.StatusBadRequest, "body", err.Error())
	}
	j.data = data
	return nil
}

func (j *JSON) readsBody() {}

// bodyTimeout is how long a body may take to come in.
const bodyTimeout = 5 * time.Second

// readBody reads a body of at most limit bytes that is said to be of one of these types.
func readBody(ctx huma.Context, limit int64, types []string) (data []byte, wrong []error) {
	// No more than huma gives to a Body field. A reply that is no connection's has no deadline.
	_ = ctx.SetReadDeadline(time.Now().Add(bodyTimeout))
	data, err := io.ReadAll(io.LimitReader(ctx.BodyReader(), limit+1))
	var network net.Error
	switch {
	case int64(len(data)) > limit:
		return nil, bodyError(http.StatusRequestEntityTooLarge, "", tooLarge(limit))
	case errors.As(err, &network) && network.Timeout():
		return nil, bodyError(http.StatusRequestTimeout, "", "request body read timeout")
	case err != nil:
		return nil, bodyError(http.StatusBadRequest, "", cutOffDetail)
	case len(data) == 0:
		return nil, bodyError(http.StatusBadRequest, "", "request body is required")
	}
	contentType := ctx.Header("Content-Type")
	if bare, _, _ := mime.ParseMediaType(contentType); !slices.Contains(types, bare) || bare == "" && contentType != "" {
		return nil, bodyError(http.StatusUnsupportedMediaType, "body", fmt.Sprintf("%v: %s", huma.ErrUnknownContentType, contentType))
	}
	return data, nil
}

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
	return []error{bodyFault{status, Fault{Location: location, Message: message}}}
}

func (f bodyFault) Error() string  { return f.fault.Message }
func (f bodyFault) GetStatus() int { return f.status }

// ErrorDetail is how huma, and so problemOf, learns of the place.
func (f bodyFault) ErrorDetail() *huma.ErrorDetail {
	return &huma.ErrorDetail{Location: f.fault.Location, Message: f.fault.Message}
}
