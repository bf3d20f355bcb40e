package edge

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

// MaxImportBytes is the largest body of an import.
const MaxImportBytes = 32 << 20

// Stream, embedded in an operation's input, gives it the request's body as it
// comes in, up to MaxImportBytes. Past them Read fails, and the reply is 413.
type Stream struct{ body io.Reader }

var _ huma.Resolver = (*Stream)(nil)

// Resolve is called by huma for each request.
func (s *Stream) Resolve(ctx huma.Context) []error {
	s.body = http.MaxBytesReader(nil, io.NopCloser(ctx.BodyReader()), MaxImportBytes)
	return nil
}

// Read reads the body. A connection that broke is a body that ended before its end.
func (s *Stream) Read(p []byte) (int, error) {
	n, err := s.body.Read(p)
	var network net.Error
	if errors.As(err, &network) {
		err = fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, err)
	}
	return n, err
}
