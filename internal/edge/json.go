package edge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json/jsontext"
)

// maxDepth is how deep JSON may be nested.
const maxDepth = 32

// formats are the representations that an API speaks. Text is for a reply that has
// a String method, for those who want a bare number in a shell script.
var formats = map[string]huma.Format{
	"application/json": {Marshal: writeJSON, Unmarshal: readJSON},
	"json":             {Marshal: writeJSON, Unmarshal: readJSON},
	"text/plain":       {Marshal: writeText, Unmarshal: readJSON},

	// curl -d says that it sends this, whatever it sends.
	"application/x-www-form-urlencoded": {Marshal: writeJSON, Unmarshal: readJSON},
}

func writeJSON(w io.Writer, v any) error {
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
// invalid UTF-8, anything after the value, and nesting over maxDepth are errors.
// huma reads a body twice, first without a type, to hold it against the schema.
func readJSON(data []byte, v any) error {
	if _, untyped := v.(*any); untyped {
		if err := checkJSON(data); err != nil {
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

func checkJSON(data []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(data))
	for {
		if _, err := d.ReadToken(); err != nil {
			return jsonError(err)
		}
		switch depth := d.StackDepth(); {
		case depth > maxDepth:
			return fmt.Errorf("nested deeper than %d", maxDepth)
		case depth == 0:
			if _, err := d.ReadToken(); err != io.EOF {
				return errors.New("something follows the JSON value")
			}
			return nil
		}
	}
}

func jsonError(err error) error {
	var e *jsontext.SyntacticError
	if errors.As(err, &e) {
		return fmt.Errorf("not JSON at byte %d: %w", e.ByteOffset, e.Err)
	}
	return err
}
