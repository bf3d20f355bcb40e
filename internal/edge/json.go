package edge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/strictjson"
)

// formats are the representations that an API speaks. Text is for a reply that has
// a String method, for those who want a bare number in a shell script.
var formats = map[string]huma.Format{
	"application/json": {Marshal: writeJSON, Unmarshal: readJSON},
	"json":             {Marshal: writeJSON, Unmarshal: readJSON},
	"text/plain":       {Marshal: writeText, Unmarshal: readJSON},

	// curl -d says that it sends this, whatever it sends.
	"application/x-www-form-urlencoded": {Marshal: writeJSON, Unmarshal: readJSON},
}

// JSONAppender is the body of a reply that is JSON already, and goes out as these
// bytes with a newline after them. encoding/json would drop the white space of a
// json.RawMessage.
type JSONAppender interface {
	// AppendJSON appends the JSON value to b.
	AppendJSON(b []byte) []byte
}

func writeJSON(w io.Writer, v any) error {
	if p, ok := v.(*Problem); ok { // all problems come by here
		tellCode(w, p.Code)
	}
	if raw, ok := v.(JSONAppender); ok {
		_, err := w.Write(append(raw.AppendJSON(nil), '\n'))
		return err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

func writeText(w io.Writer, v any) error {
	s, ok := v.(fmt.Stringer)
	if !ok {
		return writeJSON(w, v)
	}
	_, err := io.WriteString(w, s.String()+"\n")
	return err
}

// readJSON is strict about what JSON is: bad syntax, a name twice in an object,
// invalid UTF-8, anything after the value, and nesting over strictjson.MaxDepth are errors.
// huma reads a body twice, first without a type, to hold it against the schema.
func readJSON(data []byte, v any) error {
	if _, untyped := v.(*any); untyped {
		if err := strictjson.Check(data); err != nil {
			return err
		}
	}
	err := json.Unmarshal(data, v)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) { // without the Go types that the library names
		return fmt.Errorf("%s: a %s cannot stand here", wrong.Field, wrong.Value)
	}
	return err
}
