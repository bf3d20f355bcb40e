package transform

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/unicode/norm"
)

// MaxBytes is how large what a transform makes may be, in bytes.
const MaxBytes = 2 << 20

// What an original can be refused for.
var (
	// ErrTooLarge is a result over MaxBytes.
	ErrTooLarge = errors.New("the transformed document is larger than 2 MiB")
	// ErrNumber is a number that is not finite as a float64, and so could not be
	// compared with others. It is wrapped with the number's JSON pointer.
	ErrNumber = errors.New("the number is too large")
)

// Canonical makes the canonical document of an original, which must be one strict JSON
// object. The members keep their order, and nothing is lost.
//
//   - A nested object's members become members with dotted names, {"a":{"b":1}} →
//     {"a.b":1}. A dot in a name is written \. and a backslash \\, so two paths never
//     share a name. An empty nested object stays, as {}.
//   - An array stays one. Its items are made canonical, objects flattened within
//     themselves.
//   - A text loses white space at its ends and becomes NFC. One that reads as a number
//     or as a date-time becomes that, see Text.
//   - Numbers, true, false and null stay as they are written.
//
// Applied to its own result, Canonical changes nothing but names: each dot and
// backslash in them is escaped once more.
func Canonical(original []byte) ([]byte, error) {
	f := flatteners.Get().(*flattener)
	defer f.release()
	f.in = *bytes.NewBuffer(original)
	f.dec.Reset(&f.in)
	f.out = make([]byte, 0, len(original)+len(original)/8+64)
	if err := f.document(); err != nil {
		return nil, err
	}
	return f.out, nil
}

// flatteners keeps decoders and small buffers between calls.
var flatteners = sync.Pool{New: func() any {
	return &flattener{dec: jsontext.NewDecoder(new(bytes.Buffer))}
}}

const maxKept = 16 << 10

func (f *flattener) release() {
	f.in, f.out, f.path, f.text = bytes.Buffer{}, nil, f.path[:0], f.text[:0]
	f.dec.Reset(&f.in)
	if cap(f.path)+cap(f.text) > maxKept {
		f.path, f.text = nil, nil
	}
	flatteners.Put(f)
}

type flattener struct {
	in  bytes.Buffer // a Buffer's bytes are read where they are, another reader's are copied
	dec *jsontext.Decoder
	out []byte

	// path is the dotted name of the place in the original, as it stands between a
	// JSON string's quotes.
	path []byte
	text []byte // scratch
}

func (f *flattener) document() error {
	if f.dec.PeekKind() != '{' {
		if _, err := f.dec.ReadToken(); err != nil {
			return err
		}
		return errors.New("it is not a JSON object")
	}
	if err := f.object(); err != nil {
		return err
	}
	if len(f.out) > MaxBytes {
		return ErrTooLarge
	}
	return nil
}

// object writes the object that comes next, flattened within itself.
func (f *flattener) object() error {
	if _, err := f.dec.ReadToken(); err != nil {
		return err
	}
	f.out = append(f.out, '{')
	if err := f.members(len(f.path)); err != nil {
		return err
	}
	f.out = append(f.out, '}')
	return nil
}

// members writes the members up to the object's end. Their names begin in the path at
// start, where the object that is written begins.
func (f *flattener) members(start int) error {
	for f.dec.PeekKind() == '"' {
		name, err := f.dec.ReadValue()
		if err != nil {
			return err
		}
		end := len(f.path)
		if f.path, f.text, err = appendName(f.path, name, f.text); err != nil {
			return err
		}
		if err := f.member(start); err != nil {
			return err
		}
		f.path = f.path[:end]
	}
	_, err := f.dec.ReadToken()
	return err
}

func (f *flattener) member(start int) error {
	if f.dec.PeekKind() != '{' {
		if err := f.name(start); err != nil {
			return err
		}
		return f.value()
	}
	if _, err := f.dec.ReadToken(); err != nil {
		return err
	}
	if f.dec.PeekKind() == '}' {
		if err := f.name(start); err != nil {
			return err
		}
		f.out = append(f.out, "{}"...)
		_, err := f.dec.ReadToken()
		return err
	}
	f.path = append(f.path, '.')
	return f.members(start)
}

func (f *flattener) name(start int) error {
	if len(f.out)+len(f.path)-start > MaxBytes {
		return ErrTooLarge
	}
	if f.out[len(f.out)-1] != '{' {
		f.out = append(f.out, ',')
	}
	f.out = append(f.out, '"')
	f.out = append(f.out, f.path[start:]...)
	f.out = append(f.out, '"', ':')
	return nil
}

func (f *flattener) value() error {
	switch f.dec.PeekKind() {
	case '{':
		return f.object()
	case '[':
		return f.array()
	}
	literal, err := f.dec.ReadValue()
	if err != nil {
		return err
	}
	if len(f.out)+len(literal) > MaxBytes {
		return ErrTooLarge
	}
	switch literal.Kind() {
	case '"':
		return f.string(literal)
	case '0':
		if !finite(literal) {
			return fmt.Errorf("%w: %s", ErrNumber, f.dec.StackPointer())
		}
	}
	f.out = append(f.out, literal...)
	return nil
}

func (f *flattener) array() error {
	if _, err := f.dec.ReadToken(); err != nil {
		return err
	}
	f.out = append(f.out, '[')
	for first := true; ; first = false {
		switch f.dec.PeekKind() {
		case ']', jsontext.KindInvalid:
			_, err := f.dec.ReadToken()
			f.out = append(f.out, ']')
			return err
		}
		if !first {
			f.out = append(f.out, ',')
		}
		if err := f.value(); err != nil {
			return err
		}
	}
}

func (f *flattener) string(literal []byte) error {
	inner := literal[1 : len(literal)-1]
	plain := bytes.IndexByte(inner, '\\') < 0
	text := inner
	if !plain {
		var err error
		if f.text, err = jsontext.AppendUnquote(f.text[:0], literal); err != nil {
			return err
		}
		text = f.text
	}
	text = bytes.TrimSpace(text)
	if !norm.NFC.IsNormal(text) {
		text = norm.NFC.Bytes(text)
	}
	switch k, t := read(text); {
	case k == numberKind:
		f.out = append(f.out, text...)
	case k == dateTimeKind:
		f.out = append(f.out, '"')
		f.out = t.AppendFormat(f.out, dateTimeLayout)
		f.out = append(f.out, '"')
	case plain: // what had no escapes needs none, whatever its normal form
		f.out = append(f.out, '"')
		f.out = append(f.out, text...)
		f.out = append(f.out, '"')
	default:
		var err error
		f.out, err = jsontext.AppendQuote(f.out, text)
		return err
	}
	return nil
}

// appendName appends a member's name, a JSON string, to a path.
func appendName(path, name, scratch []byte) (_, _ []byte, err error) {
	inner := name[1 : len(name)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		for {
			i := bytes.IndexByte(inner, '.')
			if i < 0 {
				return append(path, inner...), scratch, nil
			}
			path = append(append(path, inner[:i]...), `\\.`...)
			inner = inner[i+1:]
		}
	}
	if scratch, err = jsontext.AppendUnquote(scratch[:0], name); err != nil {
		return path, scratch, err
	}
	escaped := bytes.ReplaceAll(scratch, []byte(`\`), []byte(`\\`))
	escaped = bytes.ReplaceAll(escaped, []byte(`.`), []byte(`\.`))
	quoted, err := jsontext.AppendQuote(nil, escaped)
	if err != nil {
		return path, scratch, err
	}
	return append(path, quoted[1:len(quoted)-1]...), scratch, nil
}

// finite says whether a JSON number is finite as a float64. The largest one has 309
// digits before its point.
func finite(literal []byte) bool {
	if len(literal) <= 308 && bytes.IndexByte(literal, 'e') < 0 && bytes.IndexByte(literal, 'E') < 0 {
		return true
	}
	_, err := strconv.ParseFloat(string(literal), 64)
	return err == nil
}
