package edge

import (
	"bytes"
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"
)

// refusing gives each problem of an operation the form that its Refusal makes of it. There
// are several who write problems, huma among them, so they are caught on their way out.
func (a *API) refusing(refusal func(*Problem) any, next http.Handler) http.Handler {
	if refusal == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		catcher := &problemCatcher{ResponseWriter: w}
		defer catcher.release(refusal)
		defer a.recover(catcher, r)
		next.ServeHTTP(catcher, r)
	})
}

// problemCatcher lets a reply through, but for a problem's body, which it keeps.
type problemCatcher struct {
	http.ResponseWriter
	caught bool
	body   bytes.Buffer
}

func (c *problemCatcher) WriteHeader(status int) {
	if h := c.Header(); h.Get("Content-Type") == problemType {
		c.caught = true
		h.Set("Content-Type", refusalType)
	}
	c.ResponseWriter.WriteHeader(status)
}

const refusalType = "application/json"

func (c *problemCatcher) Write(b []byte) (int, error) {
	if c.caught {
		return c.body.Write(b)
	}
	return c.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController, and for huma's deadlines.
func (c *problemCatcher) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// release writes what the refusal makes of the problem that was caught, if one was.
func (c *problemCatcher) release(refusal func(*Problem) any) {
	if !c.caught {
		return
	}
	var p Problem
	if err := json.Unmarshal(c.body.Bytes(), &p); err != nil {
		panic("edge: a problem that is none: " + err.Error())
	}
	writeJSON(c.ResponseWriter, refusal(&p))
}

// declareRefusal puts the form of an operation's errors into the specification.
func (a *API) declareRefusal(op Operation, declared *huma.Operation) {
	if op.Refusal == nil {
		return
	}
	form := reflect.TypeOf(op.Refusal(NewProblem(http.StatusInternalServerError, "INTERNAL", "")))
	schema := a.huma.OpenAPI().Components.Schemas.Schema(form, true, op.OperationID+"Refusal")
	for _, response := range declared.Responses {
		if response.Content[problemType] != nil {
			response.Content = map[string]*huma.MediaType{refusalType: {Schema: schema}}
		}
	}
}
