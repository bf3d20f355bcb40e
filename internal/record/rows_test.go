package record_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/internal/record"
	"github.com/tallystick/tallystick/internal/record/transform"
)

func collect(t tester, rows iter.Seq2[record.Row, error]) (all []record.Row) {
	t.Helper()
	for row, err := range rows {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, row)
	}
	return all
}

func records(all []record.Record) record.Records {
	return func(yield func(record.Record, error) bool) {
		for _, r := range all {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func TestAnExportAsNDJSONIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []record.Record
		for i := range rapid.IntRange(0, 5).Draw(t, "records") {
			all = append(all, record.Record{ID: fmt.Sprint("id", i), Original: drawDocument(t, manner{many: true, odd: true})})
		}
		var file bytes.Buffer
		if err := record.WriteNDJSON(&file, records(all)); err != nil {
			t.Fatal(err)
		}
		rows := collect(t, record.ReadNDJSON(&file, ""))
		if len(rows) != len(all) {
			t.Fatalf("%d rows, want %d", len(rows), len(all))
		}
		for i, row := range rows {
			var want bytes.Buffer
			if !bytes.ContainsAny(all[i].Original, "\r\n") {
				want.Write(all[i].Original)
			} else if err := json.Compact(&want, all[i].Original); err != nil {
				t.Fatal(err)
			}
			if row.Err != nil || row.ID != all[i].ID || row.Line != i+1 || !bytes.Equal(row.Data, want.Bytes()) {
				t.Fatalf("row %d: %+v %s, want %s %s", i, row, row.Data, all[i].ID, want.Bytes())
			}
		}
	})
}

// What a table can say comes back: texts, numbers, dates, and objects in objects.
func TestAnExportAsCSVIsReadAsItWasWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []record.Record
		for i := range rapid.IntRange(1, 5).Draw(t, "records") {
			members := map[string]any{}
			for _, name := range []string{"a", "b.c", `d\e`, "x,y", `q"`, "line\nbreak", "ключ"} {
				switch rapid.IntRange(0, 3).Draw(t, "kind") {
				case 0:
					members[name] = of(t, "text", slices.Concat(textWords, numberTexts, timeTexts))
				case 1:
					members[name] = json.Number(of(t, "number", []string{"0", "1.5", "-7", "9007199254740991"}))
				case 2:
					members[name] = map[string]any{"in": of(t, "text", textWords)}
				}
			}
			original, err := json.Marshal(members)
			if err != nil {
				t.Fatal(err)
			}
			transformed, err := transform.Canonical(original)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, record.Record{ID: fmt.Sprint("id", i), Original: original, Transformed: transformed})
		}
		columns, err := record.Columns(records(all))
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range columns {
			for _, b := range columns {
				if strings.HasPrefix(b, a+".") {
					return // a column and one within it cannot both be
				}
			}
		}
		var file bytes.Buffer
		if err := record.WriteCSV(&file, columns, records(all)); err != nil {
			t.Fatal(err)
		}
		rows := collect(t, record.ReadCSV(bytes.NewReader(file.Bytes()), ""))
		if len(rows) != len(all) {
			t.Fatalf("%d rows, want %d, of\n%s", len(rows), len(all), file.Bytes())
		}
		for i, row := range rows {
			if row.Err != nil || row.ID != all[i].ID {
				t.Fatalf("row %d: %+v, want %s", i, row, all[i].ID)
			}
			got, err := transform.Canonical(row.Data)
			if err != nil {
				t.Fatal(err)
			}
			want := byName(t, all[i].Transformed)
			for name, v := range want {
				if v == "" {
					delete(want, name) // an empty cell is no field
				}
			}
			wantSame(t, "transformed", want, byName(t, got))
		}
	})
}

func byName(t tester, object []byte) map[string]any {
	m := make(map[string]any)
	for _, f := range scalarsOf(t, object) {
		m[f.name] = f.value
		if n, ok := f.value.(json.Number); ok {
			m[f.name] = n.String()
		}
	}
	return m
}

// endless is a file of one line, or of one cell, that is never done.
type endless struct {
	head string
	fill byte
	left int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.head != "" {
		n := copy(p, e.head)
		e.head = e.head[n:]
		return n, nil
	}
	if e.left <= 0 {
		return 0, io.EOF
	}
	n := min(len(p), e.left)
	for i := range p[:n] {
		p[i] = e.fill
	}
	e.left -= n
	return n, nil
}

func TestLinesOfAnyLengthTakeBoundedMemory(t *testing.T) {
	const size, most = 256 << 20, 32 << 20
	for name, read := range map[string]func() (bad int, err error){
		"NDJSON": func() (int, error) {
			return exhaust(record.ReadNDJSON(&endless{"{\"a\":1}\n{\"a\":\"", 'x', size}, ""))
		},
		"CSV, a row": func() (int, error) {
			return exhaust(record.ReadCSV(&endless{"a,b\n1,2\n", 'x', size}, ""))
		},
		"CSV, a cell": func() (int, error) {
			return exhaust(record.ReadCSV(&endless{"a,b\n1,2\n3,\"", '\n', size}, ""))
		},
		"CSV, the header": func() (int, error) {
			return exhaust(record.ReadCSV(&endless{"a,\"", 'x', size}, ""))
		},
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			bad, err := read()
			runtime.ReadMemStats(&after)
			if bad == 0 && !errors.Is(err, record.ErrFile) {
				t.Errorf("%d bad rows, %v; want that it is told", bad, err)
			}
			if got := after.TotalAlloc - before.TotalAlloc; got > most {
				t.Errorf("%d MiB were allocated, want at most %d", got>>20, most>>20)
			}
		})
	}
}

func exhaust(rows iter.Seq2[record.Row, error]) (bad int, err error) {
	for row, e := range rows {
		if row.Err != nil {
			bad++
		}
		err = e
	}
	return bad, err
}

func TestTheLongestDocumentFitsALine(t *testing.T) {
	data := `{"a":"` + strings.Repeat("x", record.MaxBytes-8) + `"}`
	line := fmt.Sprintf(`{"id":%q,"data":%s}`, strings.Repeat("i", 128), data)
	for _, file := range []string{line, line + "\n", line + "\r\n{}\n", "\n\n" + line} {
		rows := collect(t, record.ReadNDJSON(strings.NewReader(file), ""))
		if rows[0].Err != nil || string(rows[0].Data) != data {
			t.Errorf("got %v, want the document", rows[0].Err)
		}
	}
	rows := collect(t, record.ReadNDJSON(strings.NewReader(strings.Repeat("x", record.MaxBytes+2000)+"\n{}"), ""))
	if len(rows) != 2 || rows[0].Err == nil || rows[1].Err != nil || rows[1].Line != 2 {
		t.Errorf("behind a line that is too long: %+v", rows)
	}
	table := "id,a\n1," + strings.Repeat("x", record.MaxBytes-8) + "\n2,y\n"
	if rows := collect(t, record.ReadCSV(strings.NewReader(table), "")); len(rows) != 2 || rows[0].Err != nil || rows[1].Err != nil {
		t.Errorf("a long row of a table: %d rows", len(rows))
	}
}

// TestAnExportOfOddFieldsComesBack: a field called id, one without a name, and fields that
// are text in one record and an object in another.
func TestAnExportOfOddFieldsComesBack(t *testing.T) {
	s := record.New(openSQLite(t), record.Options{})
	put(t, s, "1", `{"id":"mine","a":"x"}`)
	put(t, s, "2", `{"a":{"b":"y"},"":"z","\\":"w"}`)
	columns, err := record.Columns(s.All(t.Context(), things))
	if err != nil {
		t.Fatal(err)
	}
	var file strings.Builder
	if err := record.WriteCSV(&file, columns, s.All(t.Context(), things)); err != nil {
		t.Fatal(err)
	}
	rows := collect(t, record.ReadCSV(strings.NewReader(file.String()), ""))
	if len(rows) != 2 || rows[0].ID != "1" || string(rows[0].Data) != `{"a":"x","id":"mine"}` || rows[1].ID != "2" || string(rows[1].Data) != `{"":"z","\\":"w","a":{"b":"y"}}` {
		t.Errorf("%s\nis read as %+v", file.String(), rows)
	}
}

func TestWhatIsWrongWithARowIsTold(t *testing.T) {
	for _, tt := range []struct{ file, idField, want string }{
		{"{\"a\":1,\"a\":2}", "", `line 1: not JSON at byte 7`},
		{"\n[1]", "", "line 2: it is not a JSON object"},
		{`{"a":1} {}`, "", "line 1: something follows the JSON value"},
		{"{\"a\":\"\xff\"}", "", "line 1: not JSON at byte"},
		{strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40), "", "line 1: nested deeper than 32"},
		{`{"id":"a/b","data":{}}`, "", `line 1, id: "a/b" may have`},
		{`{"id":5,"data":{}}`, "", "line 1, id: it has to be a text"},
		{`{"sku":"a b"}`, "sku", "line 1, sku: "},
		{`{"other":1}`, "sku", "line 1, sku: it is missing"},
	} {
		row := collect(t, record.ReadNDJSON(strings.NewReader(tt.file), tt.idField))[0]
		if row.Err == nil || !strings.HasPrefix(row.Err.Error(), tt.want) {
			t.Errorf("%.60s: %v, want %s", tt.file, row.Err, tt.want)
		}
	}
	for _, tt := range []struct{ file, want string }{
		{"id,a\n1,2,3\n", "line 2: 3 cells, where there are 2 columns"},
		{"id,a\nx/y,2\n", `line 2, id: "x/y" may have`},
		{"id,a\n1,b\"c\n", "line 2: not CSV: bare \" in non-quoted-field"},
		{"id,a\n1,\"b\n2,c\n3,d\n", "line 2: not CSV: extraneous or missing \" in quoted-field; the row goes on to line 4"},
		{"id,a\n1,\"b\n2,\"c\"\n3,d\n", "line 2: not CSV: extraneous or missing \" in quoted-field; the row goes on to line 3"},
		{"id,a\n1,\xff\n", "line 2, a: it is not UTF-8"},
		{"a,a.b\n1,2\n", "line 2, a.b: a field and one within it cannot both have a value"},
		{"a.b,a\n1,2\n", "line 2, a: a field and one within it cannot both have a value"},
	} {
		row := collect(t, record.ReadCSV(strings.NewReader(tt.file), ""))[0]
		if row.Err == nil || !strings.HasPrefix(row.Err.Error(), tt.want) {
			t.Errorf("%q: %v, want %s", tt.file, row.Err, tt.want)
		}
	}
	for _, file := range []string{"", "a,a\n", "id,id\n", strings.Repeat("a.", 32) + "a\n", "a,,b\n", "\xff\n", strings.Repeat("a,", 1001) + "b\n", "id;a\n1;2\n", "id\ta\n1\t2\n", "\\,\\\n"} {
		if _, err := exhaust(record.ReadCSV(strings.NewReader(file), "")); !errors.Is(err, record.ErrFile) {
			t.Errorf("%.20q: %v, want ErrFile", file, err)
		}
	}
	rows := collect(t, record.ReadNDJSON(strings.NewReader(`{"sku":7,"a":1}`), "sku"))
	if rows[0].ID != "7" || rows[0].Err != nil {
		t.Errorf("a number as an id: %+v", rows[0])
	}
	rows = collect(t, record.ReadCSV(strings.NewReader("id,a.b,a\\.b\n7,x,\n"), ""))
	if rows[0].ID != "7" || string(rows[0].Data) != `{"a":{"b":"x"}}` {
		t.Errorf("a table: %+v %s", rows[0], rows[0].Data)
	}
}

func TestAFileMayBeginWithTheMarkOfUTF8(t *testing.T) {
	for _, tt := range []struct {
		file string
		read func(io.Reader, string) iter.Seq2[record.Row, error]
	}{
		{"id,a\n1,x\n", record.ReadCSV},
		{"\"id\",\"a\"\n\"1\",\"x\"\n", record.ReadCSV},
		{`{"id":"1","data":{"a":"x"}}`, record.ReadNDJSON},
	} {
		rows := collect(t, tt.read(strings.NewReader("\ufeff"+tt.file), ""))
		if len(rows) != 1 || rows[0].Err != nil || rows[0].ID != "1" || string(rows[0].Data) != `{"a":"x"}` {
			t.Errorf("%q behind the mark is read as %+v", tt.file, rows)
		}
	}
	for _, file := range []string{"", "\ufeff", "{}", "\ufeff\n"} {
		for row, err := range record.ReadNDJSON(strings.NewReader(file), "") {
			if err != nil || row.Err != nil || file != "{}" {
				t.Errorf("%q: got %+v, %v", file, row, err)
			}
		}
	}
}

// Who looks for the mark reads ahead, and a reader may tell only once that it broke off.
func TestAFileThatBreaksOffInItsFirstBytesIsNoEmptyOne(t *testing.T) {
	for name, read := range map[string]func(io.Reader, string) iter.Seq2[record.Row, error]{"CSV": record.ReadCSV, "NDJSON": record.ReadNDJSON} {
		broken := io.MultiReader(strings.NewReader("{}"), &failingOnce{})
		if _, err := exhaust(read(broken, "")); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: %v, want that it broke off", name, err)
		}
	}
}

// failingOnce fails, and then is at its end.
type failingOnce struct{ done bool }

func (f *failingOnce) Read([]byte) (int, error) {
	if f.done {
		return 0, io.EOF
	}
	f.done = true
	return 0, io.ErrUnexpectedEOF
}

func TestARowOfEmptyCellsIsNone(t *testing.T) {
	file := "id,a,b\n1,x,\n,,\n2,,\n,\"\",\n,,\n"
	var got []string
	for _, row := range collect(t, record.ReadCSV(strings.NewReader(file), "")) {
		got = append(got, fmt.Sprintf("%d: %s %s %v", row.Line, row.ID, row.Data, row.Err))
	}
	if want := []string{`2: 1 {"a":"x"} <nil>`, "4: 2 {} <nil>"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if rows := collect(t, record.ReadCSV(strings.NewReader("sku,a\n,\n,x\n"), "sku")); len(rows) != 1 || rows[0].Err == nil || rows[0].Line != 3 {
		t.Errorf("got %+v, want only that line 3 has no id", rows)
	}
}

func FuzzReadNDJSON(f *testing.F) {
	f.Add([]byte("{\"id\":\"a\",\"data\":{}}\n{}\n\nx"), "")
	f.Add([]byte("{\"sku\":1}"), "sku")
	f.Fuzz(func(t *testing.T, file []byte, idField string) {
		for row, err := range record.ReadNDJSON(bytes.NewReader(file), idField) {
			if err != nil {
				t.Fatal(err)
			}
			if row.Err == nil && (!json.Valid(row.Data) || row.ID != "" && record.CheckID(row.ID) != nil) {
				t.Fatalf("a good row of %q, %s", row.ID, row.Data)
			}
		}
	})
}

func FuzzReadCSV(f *testing.F) {
	f.Add([]byte("id,a.b,\"c\nd\"\n1,2,\"x\"\"y\"\n"), "")
	f.Add([]byte("sku,a\\.b\n1,\"2"), "sku")
	f.Fuzz(func(t *testing.T, file []byte, idField string) {
		for row, err := range record.ReadCSV(bytes.NewReader(file), idField) {
			if err != nil && !errors.Is(err, record.ErrFile) {
				t.Fatal(err)
			}
			if err == nil && row.Err == nil && (!json.Valid(row.Data) || row.ID != "" && record.CheckID(row.ID) != nil) {
				t.Fatalf("a good row of %q, %s", row.ID, row.Data)
			}
		}
	})
}

func TestAnAtomicImportIsInWholeOrNotAtAll(t *testing.T) {
	s := record.New(openSQLite(t), record.Options{})
	put(t, s, "there", `{"a":1}`)
	for _, tt := range []struct {
		rows []record.Row
		line int // of the bad row, 0 for none
	}{
		{[]record.Row{{Line: 1, Document: doc("there", `{"a":2}`)}}, 1},
		{[]record.Row{{Line: 1, Document: doc("x", `{}`)}, {Line: 2, Document: doc("there", `{"a":2}`)}}, 2},
		{[]record.Row{{Line: 1, Document: doc("x", `{}`)}, {Line: 2, Document: doc("x", `{}`)}}, 2},
		{[]record.Row{{Line: 1, Document: doc("x", `{}`)}, {Line: 2, Document: doc("y", `{}`)}, {Line: 3, Document: doc("there", `{"a":1}`)}}, 0},
	} {
		report, err := s.Import(t.Context(), record.ImportRequest{Collection: things, Rows: all(tt.rows), Atomic: true})
		if tt.line == 0 {
			if err != nil || report.Inserted != 2 || report.Unchanged != 1 {
				t.Errorf("got %+v, %v; want two inserted", report, err)
			}
			continue
		}
		if !errors.Is(err, record.ErrAtomic) || report.Bad != 1 || report.Errors[0].Line != tt.line {
			t.Errorf("got %+v, %v; want ErrAtomic for line %d", report, err, tt.line)
		}
		if _, err := s.Get(t.Context(), things, "x"); !errors.Is(err, record.ErrNotFound) {
			t.Errorf("x: %v, want that nothing is in", err)
		}
	}
}

// Rows are few bytes, and what is made of them, or what they replace, is many.
func TestAnImportSucceedsHoweverMuchIsMadeOfItsRows(t *testing.T) {
	s := record.New(openSQLite(t), record.Options{})
	configure(t, s, record.Settings{Transform: `{n, pad: ("x" * 40000)}`})
	var rows []record.Row
	for i := range 250 {
		rows = append(rows, record.Row{Line: i + 1, Document: doc(fmt.Sprint(i), fmt.Sprintf(`{"n":%d}`, i))})
	}
	report, err := s.Import(t.Context(), record.ImportRequest{Collection: things, Rows: all(rows)})
	if err != nil || report.Inserted != 250 {
		t.Fatalf("inserted %d, %v, want 250", report.Inserted, err)
	}
	configure(t, s, record.Settings{})
	for i := range rows {
		rows[i].Data = fmt.Appendf(nil, `{"n":%d,"pad":%q}`, i, strings.Repeat("x", 7<<10))
	}
	for range 2 { // the second time each replaces what is close to the most that stands beside it
		if report, err = s.Import(t.Context(), record.ImportRequest{Collection: things, Rows: all(rows), Upsert: true}); err != nil || report.Updated != 250 {
			t.Fatalf("updated %d, %v, want 250", report.Updated, err)
		}
		for i := range rows {
			rows[i].Data = fmt.Appendf(nil, `{"n":%d}`, i)
		}
	}
}
