package record

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/tallystick/tallystick/internal/strictjson"
)

// maxColumns is how many columns a table may have.
const maxColumns = 1000

// ReadCSV reads a table (RFC 4180) whose first row names the columns. Each other row
// is a document of texts; an empty cell is no field, and a row of empty cells alone no
// row: spreadsheets write them behind the last. A column a.b is the field b of the
// object a; a character with a backslash before it is only itself. The column id, or
// idField, is the id; \id is a field of that name, and \ alone one whose name is empty.
func ReadCSV(r io.Reader, idField string) iter.Seq2[Row, error] {
	asked := idField != ""
	if !asked {
		idField = "id"
	}
	return func(yield func(Row, error) bool) {
		rows := &rowBound{r: r}
		in := bufio.NewReader(rows)
		rows.begin()
		if err := skipMark(in); err != nil {
			yield(Row{}, err)
			return
		}
		table := csv.NewReader(in)
		table.FieldsPerRecord = -1
		table.ReuseRecord = true
		columns, err := readHeader(table)
		if err != nil {
			yield(Row{}, err)
			return
		}
		if asked && !slices.ContainsFunc(columns, func(c column) bool { return c.name == idField }) {
			yield(Row{}, fmt.Errorf("%w: line 1: there is no column %q, which is to be the id", ErrFile, idField))
			return
		}
		for {
			rows.begin()
			cells, err := table.Read()
			if err == io.EOF {
				return
			}
			row := Row{}
			var syntax *csv.ParseError
			switch {
			case errors.As(err, &syntax):
				row = badRow(syntax.StartLine, "", "%s", faultOf(syntax))
			case err != nil:
				yield(Row{}, err)
				return
			case !slices.ContainsFunc(cells, func(cell string) bool { return cell != "" }):
				continue
			default:
				line, _ := table.FieldPos(0)
				row = parseCells(line, columns, cells, idField)
				if asked && row.Err == nil && row.ID == "" {
					row = badRow(line, idField, "it is missing, and is to be the id")
				}
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

// rowBound is a file that breaks off where a row gets too long, be it for a quote that
// is not closed: a csv.Reader keeps a whole row in memory.
type rowBound struct {
	r    io.Reader
	left int
	long bool
}

func (b *rowBound) begin() { b.left = maxLineBytes + 4<<10 } // what a csv.Reader reads ahead

var errLongRow = fmt.Errorf("%w: a row has over %d bytes, or a quote in it is not closed", ErrFile, maxLineBytes)

func (b *rowBound) Read(p []byte) (int, error) {
	if b.long = b.long || b.left <= 0; b.long {
		return 0, errLongRow
	}
	n, err := b.r.Read(p)
	b.left -= n
	return n, err
}

// column is one of a table: its name, and the fields on the way to its own.
type column struct {
	name string
	path []string
}

func readHeader(table *csv.Reader) ([]column, error) {
	names, err := table.Read()
	if err != nil {
		var syntax *csv.ParseError
		switch {
		case err == io.EOF:
			return nil, fmt.Errorf("%w: it is empty; its first row names the columns", ErrFile)
		case errors.As(err, &syntax):
			return nil, fmt.Errorf("%w: line %d: %s", ErrFile, syntax.StartLine, faultOf(syntax))
		}
		return nil, err
	}
	if len(names) > maxColumns {
		return nil, fmt.Errorf("%w: it has over %d columns", ErrFile, maxColumns)
	}
	if len(names) == 1 && strings.ContainsAny(names[0], ";\t") {
		return nil, fmt.Errorf("%w: line 1: columns are separated by commas, not semicolons or tabs", ErrFile)
	}
	columns := make([]column, len(names))
	for i, name := range names {
		if name == "" || !utf8.ValidString(name) {
			return nil, fmt.Errorf("%w: line 1: column %d has no name in UTF-8", ErrFile, i+1)
		}
		columns[i] = column{strings.Clone(name), pathOf(name)}
		if len(columns[i].path) > strictjson.MaxDepth-1 {
			return nil, fmt.Errorf("%w: line 1: the column %.40q… is nested deeper than %d", ErrFile, name, strictjson.MaxDepth)
		}
		for _, other := range columns[:i] {
			if slices.Equal(columns[i].path, other.path) && (name == "id") == (other.name == "id") {
				return nil, fmt.Errorf("%w: line 1: the column %q is there twice", ErrFile, name)
			}
		}
	}
	return columns, nil
}

// faultOf says what is not CSV, and how far it reaches: a quote that is not closed takes
// the lines after it along. The words are those of an import of visits.
func faultOf(syntax *csv.ParseError) string {
	reason := "not CSV: " + syntax.Err.Error()
	if syntax.Line > syntax.StartLine {
		reason += fmt.Sprintf("; the row goes on to line %d", syntax.Line)
	}
	return reason
}

// unnamed is the column of a field whose name is empty: a column without a name is one
// that was forgotten.
const unnamed = `\`

// pathOf is the way to a column's field, see columnOf.
func pathOf(column string) []string {
	if column == unnamed {
		return []string{""}
	}
	return splitName(column)
}

// splitName splits a name of transformed at its dots.
func splitName(name string) []string {
	var path []string
	var field strings.Builder
	for i := 0; i < len(name); i++ {
		switch c := name[i]; {
		case c == '\\' && i+1 < len(name):
			i++
			field.WriteByte(name[i])
		case c == '.':
			path = append(path, field.String())
			field.Reset()
		default:
			field.WriteByte(c)
		}
	}
	return append(path, field.String())
}

func parseCells(line int, columns []column, cells []string, idField string) Row {
	if len(cells) != len(columns) {
		return badRow(line, "", "%d cells, where there are %d columns", len(cells), len(columns))
	}
	row := Row{Line: line}
	doc := make(map[string]any)
	for i, cell := range cells {
		name := columns[i].name
		switch {
		case !utf8.ValidString(cell):
			return badRow(line, name, "it is not UTF-8")
		case name == idField:
			if row.ID = strings.Clone(cell); cell == "" {
				continue
			}
			if err := CheckID(row.ID); err != nil {
				return badRow(line, name, "%v", reasonOf(err))
			}
			if name == "id" {
				continue
			}
		}
		if cell != "" && !set(doc, columns[i].path, cell) {
			return badRow(line, name, "a field and one within it cannot both have a value")
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(doc); err != nil {
		return badRow(line, "", "%v", err)
	}
	row.Data = bytes.TrimSpace(b.Bytes())
	return row
}

// set puts a value at a path, and says whether it can be there beside what is.
func set(object map[string]any, path []string, value string) bool {
	for _, field := range path[:len(path)-1] {
		inner, ok := object[field].(map[string]any)
		if _, taken := object[field]; taken && !ok {
			return false
		}
		if inner == nil {
			inner = make(map[string]any)
			object[field] = inner
		}
		object = inner
	}
	last := path[len(path)-1]
	if _, taken := object[last]; taken {
		return false
	}
	object[last] = strings.Clone(value)
	return true
}

// columnOf is a field's column. The column id is the record's id, so a field of that
// name has a backslash.
func columnOf(field string) string {
	switch field {
	case "":
		return unnamed
	case "id":
		return `\id`
	}
	return field
}
