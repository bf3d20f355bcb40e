package partner

import (
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/strictjson"
)

var (
	// ErrMalformed is a body that is no JSON, or none that strictjson takes.
	ErrMalformed = errors.New("the body cannot be read")

	// ErrInvalid is an InvalidError.
	ErrInvalid = errors.New("invalid update")
)

// InvalidError says what is wrong with an update, and where: a JSON pointer.
type InvalidError struct{ Pointer, Reason string }

func (e *InvalidError) Error() string {
	return strings.TrimPrefix(e.Pointer+": ", ": ") + e.Reason
}

// Is makes it an ErrInvalid.
func (e *InvalidError) Is(target error) bool { return target == ErrInvalid }

func invalid(pointer, format string, args ...any) error {
	return &InvalidError{pointer, fmt.Sprintf(format, args...)}
}

// checkJSON holds a body to strict JSON.
func checkJSON(data []byte) error {
	switch err := strictjson.Check(data); err {
	case nil:
		return nil
	case io.EOF:
		return fmt.Errorf("%w: there is no JSON in it", ErrMalformed)
	default:
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
}

// checkText holds what a partner writes for people to a length, and to what can be
// printed, as the stock's ledger does.
func checkText(where, text string, max int) error {
	if len(text) > max || strings.IndexFunc(text, inventory.NotPrintable) >= 0 {
		return invalid(where, "it has at most %d bytes, and no control or replacement characters", max)
	}
	return nil
}

// decodeStrictly reads an object that has no other fields than v, in their exact case,
// and numbers that are written as integers.
func decodeStrictly(data jsontext.Value, v any, where string) error {
	switch {
	case len(data) == 0:
		return invalid(where, "it is missing")
	case data.Kind() != '{':
		return invalid(where, "it has to be %s", shapes[reflect.Struct])
	}
	err := json.Unmarshal(data, v, json.RejectUnknownMembers(true))
	var wrong *json.SemanticError
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &wrong):
		return invalid(where, "%v", err)
	case errors.Is(err, json.ErrUnknownName):
		return invalid(where+string(wrong.JSONPointer), "there is no such field")
	}
	return invalid(where+string(wrong.JSONPointer), "it has to be %s", wanted(wrong.GoType))
}

func wanted(t reflect.Type) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() == reflect.Int64 {
		return fmt.Sprintf("an integer of at most %d either way, without point or exponent", int64(inventory.MaxQuantity))
	}
	return shapes[t.Kind()]
}
