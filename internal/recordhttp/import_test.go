package recordhttp_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// report is what an import answers.
type report struct {
	Status, ValidateOnly                    bool
	Rows, Inserted, Updated, Unchanged, Bad int
	Errors                                  []struct {
		Line          int
		Field, Reason string
	}
}

func (r report) counts() string {
	return fmt.Sprintf("%d rows: %d inserted, %d updated, %d unchanged, %d bad", r.Rows, r.Inserted, r.Updated, r.Unchanged, r.Bad)
}

func (w *world) importing(query, file string, headers ...string) report {
	w.Helper()
	return decoded[report](w, "POST", "/records/c/import"+query, file, headers...)
}

func (w *world) wantCounts(r report, want string) {
	w.Helper()
	if got := r.counts(); got != want {
		w.Errorf("import: %s, want %s; %v", got, want, r.Errors)
	}
}

func line(id, data string) string { return fmt.Sprintf(`{"id":%q,"data":%s}`+"\n", id, data) }

func TestEachBadRowIsNamedWithItsLineFieldAndReason(t *testing.T) {
	w := newWorld(t, backends[0])
	w.ok("PUT", "/collections/c", `{"schema":{"properties":{"price":{"type":"number"}}},"indexes":[{"field":"n","type":"integer"}]}`)
	rows := []struct{ text, field, reason string }{
		{`{"n":1}`, "", ""},
		{`{"n":2,}`, "", "byte"},
		{`{"n":1,"n":2}`, "", "duplicate"},
		{`{"n":1} {"n":2}`, "", "follows"},
		{"{\"t\":\"\xff\"}", "", "UTF-8"},
		{nested(33), "", "32"},
		{`[1]`, "", "object"},
		{`"text"`, "", "object"},
		{`null`, "", "object"},
		{"", "none", ""}, // an empty line is no row
		{`  `, "none", ""},
		{`{"id":"a/b","data":{}}`, "id", "letters"},
		{`{"id":"..","data":{}}`, "id", "reserved"},
		{`{"id":7,"data":{}}`, "id", "text"},
		{`{"id":"","data":{}}`, "id", "empty"},
		{`{"id":"` + strings.Repeat("i", 129) + `","data":{}}`, "id", "128"},
		{`{"id":"ok","data":{"n":3}}`, "", ""},
		{`{"id":"a","data":7}`, "", ""},                // a document, for its data is no object
		{`{"id":"a","data":{"n":1},"more":1}`, "", ""}, // a document too
		{`{"price":"9.90"}`, "/price", "number"},       // the schema
		{`{"n":1.5}`, "", "integer"},                   // the index
		{`{"n":1e400}`, "", "/n"},                      // no number
		{`{"t":"` + strings.Repeat("x", 1<<20+2000) + `"}`, "", "1049600"},
		{`{"t":"` + strings.Repeat("x", 1<<20-5) + `"}`, "", "1048576"}, // the line is not too long, the record is
		{`{"n":4}`, "", ""},
	}
	var file strings.Builder
	type fault struct {
		line          int
		field, reason string
	}
	var faults []fault
	good, all := 0, 0
	for i, r := range rows {
		file.WriteString(r.text + "\n")
		switch {
		case r.field == "none":
			continue
		case r.reason == "":
			good++
		default:
			faults = append(faults, fault{i + 1, r.field, r.reason})
		}
		all++
	}
	for _, mode := range []string{"?validateOnly=true", ""} {
		before := w.everything()
		got := w.importing(mode, file.String())
		w.wantCounts(got, fmt.Sprintf("%d rows: %d inserted, 0 updated, 0 unchanged, %d bad", all, good, len(faults)))
		if len(got.Errors) != len(faults) {
			t.Fatalf("%d errors %v, want %d", len(got.Errors), got.Errors, len(faults))
		}
		byLine := make(map[int]int)
		for i, e := range got.Errors {
			byLine[e.Line] = i
		}
		for _, f := range faults {
			i, ok := byLine[f.line]
			if !ok {
				t.Errorf("%s: line %d is not named", mode, f.line)
				continue
			}
			e := got.Errors[i]
			if e.Field != f.field || !strings.Contains(e.Reason, f.reason) || notForPeople.MatchString(e.Reason) || len(e.Reason) > 300 {
				t.Errorf("%s: line %d: %+v, want the field %q and a reason with %q", mode, f.line, e, f.field, f.reason)
			}
		}
		if mode != "" {
			w.wantSame(before)
		}
	}
	if got := decoded[list](w, "GET", "/records/c?count=true", ""); got.Total == nil || *got.Total != int64(good) {
		t.Errorf("%v records are stored, want the %d good ones", got.Total, good)
	}
}

func TestAnImportStopsPastMaxErrorsAndSaysWhatIsIn(t *testing.T) {
	w := newWorld(t, backends[0])
	file := line("a", `{"n":1}`) + "bad\n" + line("b", `{"n":2}`) + "bad\n" + line("d", `{"n":3}`) + "bad\n" + line("e", `{"n":4}`)
	w.wantProblem(w.send("POST", "/records/c/import?maxErrors=1", file), 422, "IMPORT_STOPPED", "stopped at line 4, with 2 records stored")
	if got := w.ok("GET", "/fetchKeys?collection=c", ""); !strings.Contains(got, `"ids":["a","b"]`) {
		t.Errorf("stored: %s, want a and b", got)
	}
	w.wantProblem(w.send("POST", "/records/c/import?maxErrors=0", "bad\n"+file), 422, "IMPORT_STOPPED", "stopped at line 1, with 0 records stored")
	w.wantProblem(w.send("POST", "/records/c/import?maxErrors=2", file), 422, "IMPORT_STOPPED", "1 records stored and 2 rows that were there already")
	w.wantCounts(w.importing("?maxErrors=3", file), "7 rows: 1 inserted, 0 updated, 3 unchanged, 3 bad")
	// Over a hundred are counted, a hundred are named.
	got := w.importing("?maxErrors=1000", strings.Repeat("bad\n", 250))
	if got.Bad != 250 || len(got.Errors) != 100 || got.Errors[99].Line != 100 {
		t.Errorf("%s with %d errors, want 250 bad and the first 100 named", got.counts(), len(got.Errors))
	}
}

func TestAnAtomicImportIsAllOrNothing(t *testing.T) {
	onEveryBackend(t, func(w *world) {
		w.ok("PUT", "/records/c/there", `{"n":0}`)
		var long strings.Builder
		for i := range 501 {
			long.WriteString(line(fmt.Sprintf("r%03d", i), fmt.Sprintf(`{"n":%d}`, i)))
		}
		large := ""
		for i := range 4 {
			large += line(fmt.Sprintf("l%d", i), fmt.Sprintf(`{"t":%q}`, strings.Repeat("x", 900<<10)))
		}
		before := w.everything()
		for _, tt := range []struct{ name, query, file, code, says string }{
			{"a bad row in the middle", "", line("a", `{"n":1}`) + "bad\n" + line("b", `{"n":2}`), "IMPORT_STOPPED", "line 2"},
			{"a record that is there", "", line("a", `{"n":1}`) + line("there", `{"n":2}`), "IMPORT_STOPPED", "line 2, id"},
			{"one record, and it is there", "", line("there", `{"n":2}`), "IMPORT_STOPPED", "line 1, id"},
			{"twice in the file", "", line("a", `{"n":1}`) + line("a", `{"n":2}`), "IMPORT_STOPPED", "twice"},
			{"twice in the file, to upsert", "&mode=upsert", line("a", `{"n":1}`) + line("a", `{"n":2}`), "IMPORT_STOPPED", "twice"},
			{"a number that is none", "", line("a", `{"n":1}`) + line("b", `{"n":1e400}`), "IMPORT_STOPPED", "line 2"},
			{"501 rows", "", long.String(), "TOO_MANY_RECORDS", "500"},
			{"too many bytes", "", large, "TOO_MANY_RECORDS", "bytes"},
			{"only to validate", "&validateOnly=true", line("a", `{"n":1}`) + line("there", `{"n":2}`), "IMPORT_STOPPED", "line 2, id"},
		} {
			r := w.send("POST", "/records/c/import?atomic=true&maxErrors=100"+tt.query, tt.file)
			if t := w.T; !t.Run(tt.name, func(t *testing.T) {
				here := *w
				here.T = t
				here.wantProblem(r, 422, tt.code, tt.says)
				here.wantSame(before)
			}) {
				before = w.everything()
			}
		}
		file := long.String()[:strings.LastIndex(strings.TrimSpace(long.String()), "\n")+1]
		w.wantCounts(w.importing("?atomic=true", file), "500 rows: 500 inserted, 0 updated, 0 unchanged, 0 bad")
		w.wantCounts(w.importing("?atomic=true", file), "500 rows: 0 inserted, 0 updated, 500 unchanged, 0 bad")
		w.wantCounts(w.importing("?atomic=true&mode=upsert", line("there", `{"n":9}`)+line("r000", `{"n":0}`)), "2 rows: 0 inserted, 1 updated, 1 unchanged, 0 bad")
	})
}

func TestAnImportThatIsRepeatedDoublesNothing(t *testing.T) {
	onEveryBackend(t, func(w *world) {
		var named, nameless strings.Builder
		for i := range 600 {
			named.WriteString(line(fmt.Sprintf("r%03d", i), fmt.Sprintf(`{"n":%d}`, i)))
			fmt.Fprintf(&nameless, "{\"m\":%d}\n", i%7) // many rows are alike
		}
		w.wantCounts(w.importing("", named.String()), "600 rows: 600 inserted, 0 updated, 0 unchanged, 0 bad")
		w.wantCounts(w.importing("", named.String()), "600 rows: 0 inserted, 0 updated, 600 unchanged, 0 bad")
		w.wantCounts(w.importing("?mode=upsert", named.String()), "600 rows: 0 inserted, 0 updated, 600 unchanged, 0 bad")
		changed := strings.ReplaceAll(named.String(), `"n":599`, `"n":-599`)
		w.wantCounts(w.importing("", changed), "600 rows: 0 inserted, 0 updated, 599 unchanged, 1 bad")
		w.wantCounts(w.importing("?mode=upsert", changed), "600 rows: 0 inserted, 1 updated, 599 unchanged, 0 bad")
		key := []string{"Idempotency-Key", "file-1"}
		w.wantCounts(w.importing("", nameless.String(), key...), "600 rows: 600 inserted, 0 updated, 0 unchanged, 0 bad")
		w.wantCounts(w.importing("", nameless.String(), key...), "600 rows: 0 inserted, 0 updated, 600 unchanged, 0 bad")
		w.wantCounts(w.importing("", nameless.String(), "Idempotency-Key", "file-2"), "600 rows: 600 inserted, 0 updated, 0 unchanged, 0 bad")
		if got := decoded[list](w, "GET", "/records/c?count=true&pageSize=1", ""); got.Total == nil || *got.Total != 1800 {
			t.Errorf("%v records, want 1800", got.Total)
		}
	})
}

func TestValidateOnlySaysWhatAnImportDoes(t *testing.T) {
	w := newWorld(t, backends[0])
	w.ok("POST", "/store?collection=c", with("same", `{"n":1}`, "other", `{"n":1}`))
	file := line("same", `{"n":1}`) + line("other", `{"n":2}`) + line("new", `{"n":3}`) + "bad\n"
	for _, mode := range []string{"insert", "upsert"} {
		before := w.everything()
		said := w.importing("?validateOnly=true&mode="+mode, file)
		w.wantSame(before)
		if did := w.importing("?mode="+mode, file); said.counts() != did.counts() || !said.ValidateOnly || did.ValidateOnly {
			t.Errorf("%s: it says %s, and does %s", mode, said.counts(), did.counts())
		}
		w.ok("DELETE", "/records/c/new", "")
	}
}

func TestCSVIsReadAsSpreadsheetsWriteIt(t *testing.T) {
	w := newWorld(t, backends[0])
	file := "\ufeff\"id\",name,size.w,size.h,a\\.b,note\r\n" +
		"a,Widget,1,2,dot,\"said \"\"so\"\"\r\nand more, too\"\r\n" +
		"b,,,,,\r\n" +
		"\r\n" + // no row
		",,,,,\r\n" + // none either
		"d,too few\r\n" +
		"e,1,2,3,4,5,too many\r\n" +
		"f,bare \" quote,,,,\r\n" +
		"a b,,,,,\r\n" +
		",no id,,,,\r\n" +
		"g,\"\xff\",,,,\r\n" +
		"h,  spaces  ,,,,"
	got := w.importing("", file, "Content-Type", "text/csv; charset=utf-8")
	w.wantCounts(got, "9 rows: 4 inserted, 0 updated, 0 unchanged, 5 bad")
	var lines []string
	for _, e := range got.Errors {
		lines = append(lines, fmt.Sprintf("%d %s: %s", e.Line, e.Field, e.Reason))
		if notForPeople.MatchString(e.Reason) {
			t.Errorf("line %d: %q is not for people", e.Line, e.Reason)
		}
	}
	for i, want := range []string{"7 : 2 cells, where there are 6", "8 : 7 cells", "9 : ", "10 id: ", "12 name: it is not UTF-8"} {
		if i >= len(lines) || !strings.HasPrefix(lines[i], want) {
			t.Errorf("the errors are %q, want the %d. to begin %q", lines, i+1, want)
		}
	}
	if got, want := w.ok("GET", "/fetchMany?collection=c&ids=a&fields=name,size.w,size.h,a%5C.b,note", ""),
		`"transformed":{"name":"Widget","size.w":1,"size.h":2,"a\\.b":"dot","note":"said \"so\"\nand more, too"}`; !strings.Contains(got, want) {
		t.Errorf("a is %s, want %s", got, want)
	}
	if got := w.ok("GET", "/fetchMany?collection=c&ids=b,h", ""); !strings.Contains(got, `"original":{},`) || !strings.Contains(got, `"original":{"name":"  spaces  "},"transformed":{"name":"spaces"}`) {
		t.Errorf("b and h are %s", got)
	}
	before := w.everything()
	for _, tt := range []struct{ file, says string }{
		{"", "empty"},
		{"id,a,a\n1,2,3\n", "is there twice"},
		{"id,,b\n1,2,3\n", "column 2"},
		{"id,\xff\n1,2\n", "column 2"},
		{"id,\"a\n", "line 1"},
		{strings.Repeat("x,", 1001) + "y\n", "1000"},
		{"id;a\n1;2\n", "semicolons or tabs"},
		{"id\ta\n1\t2\n", "semicolons or tabs"},
	} {
		w.wantProblem(w.send("POST", "/records/c/import", tt.file, "Content-Type", "text/csv"), 422, "IMPORT_INVALID", tt.says)
	}
	w.wantSame(before)
	w.wantProblem(w.send("POST", "/records/c/import", file, "Content-Type", "application/xml"), 415, "UNSUPPORTED_MEDIA_TYPE", "text/csv")
	w.wantProblem(w.send("POST", "/records/c/import", file, "Content-Encoding", "gzip"), 415, "CONTENT_ENCODING_UNSUPPORTED", "")
	// A field of one's own is the id, and stays a field.
	w.wantCounts(w.importing("?idField=sku", "sku,n\nx-1,5\n", "Content-Type", "text/csv"), "1 rows: 1 inserted, 0 updated, 0 unchanged, 0 bad")
	w.wantCounts(w.importing("?idField=sku", "{\"sku\":\"x-2\",\"n\":1}\n{\"sku\":17}\n{\"n\":1}\n{\"sku\":null}\n{\"sku\":\"a b\"}\n"), "5 rows: 2 inserted, 0 updated, 0 unchanged, 3 bad")
	if got := w.ok("GET", "/fetchMany?collection=c&ids=x-1,x-2,17", ""); !strings.Contains(got, `"missing":[]`) || !strings.Contains(got, `"original":{"n":"5","sku":"x-1"}`) {
		t.Errorf("%s", got)
	}
}

// TestAnExportComesBackByAnImport: in both formats, whatever the texts are.
func TestAnExportComesBackByAnImport(t *testing.T) {
	w := newWorld(t, backends[0])
	w.ok("POST", "/store?collection=c", with("a", `{ "t" : "line\nbreak, \"quotes\" and ; é 😀 <&>\u2028", "n": 1.50 }`, "b", `{"deep":{"er":{"x":"1"}}}`, "d", `{}`))
	w.ok("POST", "/store?collection=c", with("e", big))
	ndjson := w.ok("GET", "/records/c/export", "")
	if got := decoded[report](w, "POST", "/records/copy/import", ndjson); got.Inserted != 4 || got.Bad != 0 {
		t.Errorf("NDJSON: %s", got.counts())
	}
	if again := w.ok("GET", "/records/copy/export", ""); again != ndjson {
		t.Errorf("the copy exports\n%.500s\nwant\n%.500s", again, ndjson)
	}
	table := w.ok("GET", "/records/c/export?format=csv", "")
	if got := decoded[report](w, "POST", "/records/csv/import", table, "Content-Type", "text/csv"); got.Inserted != 4 || got.Bad != 0 {
		t.Errorf("CSV: %s %v", got.counts(), got.Errors)
	}
	if again := w.ok("GET", "/records/csv/export?format=csv", ""); again != table {
		t.Errorf("the copy exports\n%.500s\nwant\n%.500s", again, table)
	}
}

func TestABodyOver32MiBSaysWhatIsStored(t *testing.T) {
	w := newWorld(t, backends[0])
	row := fmt.Sprintf("{\"t\":%q}\n", strings.Repeat("x", 1<<19))
	r := w.send("POST", "/records/c/import", strings.Repeat(row, 65))
	w.wantProblem(r, 413, "BODY_TOO_LARGE", "33554432 bytes. 63 records of it are stored")
	if got := decoded[list](w, "GET", "/records/c?count=true&pageSize=1&fields=none", ""); *got.Total != 63 {
		t.Errorf("%d records are stored, want 63", *got.Total)
	}
	before := w.everything()
	w.wantProblem(w.send("POST", "/records/c/import?atomic=true", strings.Repeat(row, 65)), 422, "TOO_MANY_RECORDS", "")
	w.wantProblem(w.send("POST", "/records/c/import", strings.Repeat("x", 33<<20)), 413, "BODY_TOO_LARGE", "")
	w.wantSame(before)
}

// TestABodyThatBreaksOffSaysWhatIsStored, and what was good before is.
func TestABodyThatBreaksOffSaysWhatIsStored(t *testing.T) {
	w := newWorld(t, backends[0])
	address := strings.TrimPrefix(w.servers["store"].URL, "http://")
	cut := func(query, part string) reply {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		fmt.Fprintf(conn, "POST /records/c/import%s HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nContent-Length: %d\r\n\r\n%s", query, len(part)+100, part)
		if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, _ := io.ReadAll(res.Body)
		return reply{res.StatusCode, res.Header, string(body)}
	}
	w.wantProblem(cut("", line("a", `{"n":1}`)+line("b", `{"n":2}`)+`{"id":"d","da`), 400, "MALFORMED_REQUEST", "2 records of it are stored")
	if got := w.ok("GET", "/fetchKeys?collection=c", ""); !strings.Contains(got, `"ids":["a","b"]`) {
		t.Errorf("stored: %s, want a and b", got)
	}
	before := w.everything()
	w.wantProblem(cut("?atomic=true", line("e", `{"n":1}`)+`{"id":"d","da`), 400, "MALFORMED_REQUEST", "Nothing was done")
	w.wantProblem(cut("?validateOnly=true", line("e", `{"n":1}`)+`{"id":"d","da`), 400, "MALFORMED_REQUEST", "Nothing was done")
	w.wantProblem(cut("", `{"id":"d","da`), 400, "MALFORMED_REQUEST", "Nothing was done")
	w.wantSame(before)
	// Sent again, whole, it is completed.
	w.wantCounts(w.importing("", line("a", `{"n":1}`)+line("b", `{"n":2}`)+line("d", `{"n":3}`)), "3 rows: 1 inserted, 0 updated, 2 unchanged, 0 bad")
}
