package transform

import (
	"bytes"
	"encoding/json"
	"iter"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// Scalars yields a transformed document's members that can be compared, in their
// order: the name, and a string, json.Number, bool or time.Time. Texts that Text reads
// as a date or a date-time are times; others are as they are, even if they could be
// numbers, for a Program may have meant that. Members that are null, arrays or objects
// are left out. The document must be one that Canonical or a Program made; of
// another one the members before its fault are yielded.
func Scalars(transformed []byte) iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		d := jsontext.NewDecoder(bytes.NewReader(transformed))
		if t, err := d.ReadToken(); err != nil || t.Kind() != '{' {
			return
		}
		for d.PeekKind() == '"' {
			t, err := d.ReadToken()
			if err != nil {
				return
			}
			name := t.String()
			switch d.PeekKind() {
			case '"', '0', 't', 'f':
				t, err := d.ReadToken()
				if err != nil || !yield(name, scalar(t)) {
					return
				}
			default:
				if d.SkipValue() != nil {
					return
				}
			}
		}
	}
}

func scalar(t jsontext.Token) any {
	switch t.Kind() {
	case '0':
		return json.Number(t.String())
	case 't', 'f':
		return t.Bool()
	}
	s := t.String()
	if v, ok := Text(s).(time.Time); ok {
		return v
	}
	return s
}
