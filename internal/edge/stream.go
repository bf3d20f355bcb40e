package edge

import (
	"io"
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

func (s *Stream) Read(p []byte) (int, error) { return s.body.Read(p) }
