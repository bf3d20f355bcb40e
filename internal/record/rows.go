package record

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/tallystick/tallystick/internal/strictjson"
)

// Row is one row of a file that is imported: a document, or what is wrong with it.
type Row struct {
	Line int // 1 is the first
	Document
	Err *RowError
}

// RowError says what is wrong with a row.
type RowError struct {
	Line   int
	Field  string // empty: the row as a whole
	Reason string
}

func (e *RowError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("line %d: %s", e.Line, e.Reason)
	}
	return fmt.Sprintf("line %d, %s: %s", e.Line, e.Field, e.Reason)
}

func badRow(line int, field, format string, args ...any) Row {
	return Row{Line: line, Err: &RowError{line, field, fmt.Sprintf(format, args...)}}
}

// ErrFile is a file of which no row can be read.
var ErrFile = errors.New("file")

// ReadNDJSON reads a JSON object from each line: {"id":…,"data":{…}} as an export has
// it, or a document. With an idField all are documents, and that field is the id.
// The error, if any, comes last, and is that of reading.
func ReadNDJSON(r io.Reader, idField string) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		lines := newLineReader(r)
		if err := skipMark(lines.r); err != nil {
			yield(Row{}, err)
			return
		}
		for {
			line, long, err := lines.next()
			if err == io.EOF {
				return
			}
			if err != nil {
				yield(Row{}, err)
				return
			}
			row := Row{}
			switch {
			case long:
				row = badRow(lines.n, "", "over %d bytes", maxLineBytes)
			case len(bytes.TrimSpace(line)) == 0:
				continue
			default:
				row = parseLine(lines.n, bytes.TrimSpace(line), idField)
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// skipMark skips the mark (BOM) that spreadsheets and editors put before UTF-8.
func skipMark(r *bufio.Reader) error {
	start, err := r.Peek(3)
	if string(start) == "\ufeff" {
		_, err = r.Discard(len(start))
	}
	if err == io.EOF { // of a file that is shorter
		err = nil
	}
	return err
}

func parseLine(n int, line []byte, idField string) Row {
	if err := strictjson.Check(line); err != nil {
		return badRow(n, "", "%v", err)
	}
	if line[0] != '{' {
		return badRow(n, "", "it is not a JSON object")
	}
	m, err := members(line)
	if err != nil {
		return badRow(n, "", "%v", err)
	}
	if idField == "" && isEnvelope(m) {
		d, err := parseEnvelope(line)
		if err == nil && d.ID != "" {
			err = CheckID(d.ID)
		}
		if err != nil {
			return badRow(n, "id", "%v", reasonOf(err))
		}
		return Row{Line: n, Document: d}
	}
	row := Row{Line: n, Document: Document{Data: bytes.Clone(line)}}
	if idField == "" {
		return row
	}
	value, ok := m[idField]
	if !ok {
		return badRow(n, idField, "it is missing, and is to be the id")
	}
	switch row.ID = string(value); value[0] {
	case '"':
		if err := json.Unmarshal(value, &row.ID); err != nil {
			return badRow(n, idField, "%v", err)
		}
	case 'n', 't', 'f', '{', '[':
		return badRow(n, idField, "it is to be the id, so a text or a number")
	}
	if err := CheckID(row.ID); err != nil {
		return badRow(n, idField, "%v", reasonOf(err))
	}
	return row
}

// reasonOf is an error's text without this package's own words.
func reasonOf(err error) string {
	text := err.Error()
	for _, sentinel := range []error{ErrID, ErrDocument, ErrTooLarge} {
		text = strings.TrimPrefix(text, sentinel.Error()+": ")
	}
	return text
}

// maxLineBytes holds a document of MaxBytes with its id.
const maxLineBytes = MaxBytes + 1024

// lineReader reads lines of any length in bounded memory.
type lineReader struct {
	r *bufio.Reader
	n int // lines read
}

func newLineReader(r io.Reader) *lineReader { return &lineReader{r: bufio.NewReaderSize(r, 64<<10)} }

// next returns a line without its end, or long for one of over maxLineBytes. A line
// is valid until the next.
func (l *lineReader) next() (line []byte, long bool, err error) {
	var whole []byte
	for {
		part, err := l.r.ReadSlice('\n')
		switch {
		case err == nil || err == io.EOF && len(whole)+len(part) > 0:
			l.n++
			if whole != nil {
				part = append(whole, part...)
			}
			part = bytes.TrimSuffix(part, []byte("\n"))
			return part, long || len(part) > maxLineBytes, nil
		case err != bufio.ErrBufferFull:
			return nil, false, err
		case len(whole) > maxLineBytes:
			long = true
		default:
			whole = append(whole, part...)
		}
	}
}
