package edge

import (
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// MaxUpdateBytes is the largest body that Raw takes.
const MaxUpdateBytes = 64 << 10

// Raw, embedded in an operation's input, gives it the request's body byte for byte, at most
// MaxUpdateBytes of them, and its headers as they came: what a signature is checked on. That
// it is said to be JSON is all that is looked at, for before the signature is right nothing
// else about it matters. What a request gets wrong is answered as it is for a JSON.
type Raw struct {
	data   []byte
	header http.Header
}

var (
	_ huma.Resolver = (*Raw)(nil)
	_ bodyReader    = (*Raw)(nil)
)

// Bytes is the body. It is the caller's to keep.
func (r *Raw) Bytes() []byte { return r.data }

// Header returns all values of a header in the order they came, so that one that was sent
// twice is seen to be.
func (r *Raw) Header(name string) []string { return r.header.Values(name) }

// rawTypes are jsonTypes without the patch, which no update is.
var rawTypes = []string{"", "application/json", "application/x-www-form-urlencoded"}

// Resolve is called by huma for each request.
func (r *Raw) Resolve(ctx huma.Context) (wrong []error) {
	request, _ := humago.Unwrap(ctx)
	r.header = request.Header
	r.data, wrong = readBody(ctx, MaxUpdateBytes, rawTypes)
	return wrong
}

func (r *Raw) readsBody() {}
