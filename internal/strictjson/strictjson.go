// Package strictjson says what JSON Tallystick takes: RFC 8259 with no name twice in
// an object, no invalid UTF-8, and no nesting deeper than MaxDepth.
package strictjson

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// MaxDepth is how deep JSON may be nested.
const MaxDepth = 32

// Check returns an error, in words for people, unless data is one JSON value.
func Check(data []byte) error {
	d := jsontext.NewDecoder(bytes.NewReader(data))
	for {
		if _, err := d.ReadToken(); err != nil {
			return syntax(err)
		}
		switch depth := d.StackDepth(); {
		case depth > MaxDepth:
			return fmt.Errorf("nested deeper than %d", MaxDepth)
		case depth == 0:
			if _, err := d.ReadToken(); err != io.EOF {
				return errors.New("something follows the JSON value")
			}
			return nil
		}
	}
}

func syntax(err error) error {
	var e *jsontext.SyntacticError
	if errors.As(err, &e) {
		return fmt.Errorf("not JSON at byte %d: %w", e.ByteOffset, e.Err)
	}
	return err
}
