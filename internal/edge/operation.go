package edge

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// Operation declares one operation.
type Operation struct {
	huma.Operation

	// Example is the body of a good reply. It stands in the specification.
	Example any

	// Public operations need no key. They are limited in rate for each client
	// address, and open to other sites' pages as ALLOWED_ORIGINS says.
	Public bool

	// Signed operations need no key either: who calls proves it by what the request
	// carries, which is the operation's to check. They are limited in rate as public ones
	// are, and opened to other sites' pages no more than those with a key.
	Signed bool

	// Limit is how many calls of this operation alone a client address has a second, and
	// twice as many at once, in place of RATE_LIMIT. It is for public and signed operations;
	// 0 leaves them to RATE_LIMIT.
	Limit float64

	// Refusal, unless nil, makes the body of every error, for clients who know another form
	// than a Problem. It is sent as application/json, with the problem's status and headers,
	// and its type stands in the specification.
	Refusal func(p *Problem) any
}

// access is who may call an operation.
type access int

const (
	keyed  access = iota // who has a key
	public               // anybody
	signed               // who proves himself to the operation
)

func (op Operation) access() access {
	switch {
	case op.Public && op.Signed:
		panic("edge: " + op.OperationID + " is public and signed")
	case op.Public:
		return public
	case op.Signed:
		return signed
	}
	return keyed
}

// KeyScheme is the name of the API key in the specification.
const KeyScheme = "apiKey"

// FunctionExtension names the function of an operation in the specification.
const FunctionExtension = "x-function"

// Register adds an operation. Its handler's errors become problems, see Rule.
func Register[I, O any](a *API, op Operation, handler func(context.Context, *I) (*O, error)) {
	if op.Extensions == nil {
		op.Extensions = make(map[string]any)
	}
	op.Extensions[FunctionExtension] = a.function
	op.Tags = []string{a.function}
	op.Errors = append(op.Errors, http.StatusBadRequest, http.StatusUnsupportedMediaType)
	switch op.access() {
	case public:
		op.Security = []map[string][]string{}
		op.Errors = append(op.Errors, http.StatusForbidden, http.StatusTooManyRequests)
	case signed:
		op.Security = []map[string][]string{}
		op.Errors = append(op.Errors, http.StatusUnauthorized, http.StatusTooManyRequests)
	case keyed:
		op.Security = []map[string][]string{{KeyScheme: {}}, {KeyScheme: {}, BasicScheme: {}}}
		op.Errors = append(op.Errors, http.StatusUnauthorized)
	}
	body := op.RequestBody
	if readsBody[I]() {
		op.RequestBody = nil // or huma would read the body, to hold it against the schema
		op.Errors = append(op.Errors, http.StatusRequestEntityTooLarge)
	}
	slices.Sort(op.Errors)
	op.Errors = slices.Compact(op.Errors)
	a.registering = op
	huma.Register(a.huma, op.Operation, func(ctx context.Context, in *I) (*O, error) {
		out, err := handler(ctx, in)
		if err != nil {
			return nil, a.problem(ctx, err)
		}
		return out, nil
	})
	declared := operationOf(a.huma.OpenAPI().Paths[op.Path], op.Method)
	a.queries[op.Method+" "+op.Path] = declared.Parameters
	if readsBody[I]() {
		declared.RequestBody = body
	}
	example(op, declared)
	a.declareRefusal(op, declared)
}

// example puts an operation's example into the specification, and those of parameters
// that are lists, or have to be given, where Swagger UI looks for them.
func example(op Operation, declared *huma.Operation) {
	for _, p := range declared.Parameters {
		if (p.Required || p.Schema.Type == huma.TypeArray) && len(p.Schema.Examples) > 0 {
			p.Example = p.Schema.Examples[0]
		}
	}
	if op.Example == nil {
		return
	}
	status := op.DefaultStatus
	if status == 0 {
		status = http.StatusOK
	}
	for _, media := range declared.Responses[strconv.Itoa(status)].Content {
		media.Example = op.Example
	}
}

func operationOf(p *huma.PathItem, method string) *huma.Operation {
	switch method {
	case http.MethodGet:
		return p.Get
	case http.MethodPost:
		return p.Post
	case http.MethodPut:
		return p.Put
	case http.MethodPatch:
		return p.Patch
	case http.MethodDelete:
		return p.Delete
	}
	panic("edge: method " + method)
}
