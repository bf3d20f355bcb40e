package visit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const (
	csvHead  = "page,day,visits,uniques\n"
	goatHead = "2Path,Title,Event,UserAgent,Browser,System,Session,Bot,Referrer,Referrer scheme,Screen size,Location,FirstVisit,Date\n"
)

// goatRow is a row of GoatCounter's export.
func goatRow(path, event, bot, first, date string) string {
	return fmt.Sprintf("%s,Title,%s,,,,,%s,,,,,%s,%s\n", path, event, bot, first, date)
}

const goatMorning = "2126-11-20T10:00:00Z"

func TestParseFile(t *testing.T) {
	ab := []View{view("/a", Tally{}, onDay(today-1, 3, 2), onDay(today, 5, 4)), view("/b", Tally{7, 6})}
	for _, tt := range []struct {
		name, file string
		want       File
	}{
		{"empty", "", File{}},
		{"a BOM alone", "\xef\xbb\xbf", File{}},
		{"empty lines alone", "\r\n\n\n", File{}},
		{"CSV without rows", csvHead, File{}},
		{"CSV", csvHead + "/a,2126-11-20,3,2\n/a,2126-11-21,5,4\n/b,,7,6\n", File{Rows: 3, Views: ab}},
		{"CSV in any order", csvHead + "/b,,7,6\n/a,2126-11-21,5,4\n/a,2126-11-20,3,2\n", File{Rows: 3, Views: ab}},
		{"CSV by other programs", "\xef\xbb\xbfpage,day,visits,uniques\r\n\r\n\"/a\",2126-11-20,3,2\r\n/a/,2126-11-21,5,4\r\n/b,\"\",7,6", File{Rows: 3, Views: ab}},
		{"CSV rows of one page add up", csvHead + "/a,2126-11-21,2,2\n/b,,3,3\n/a/index.html,2126-11-21,3,2\n/a,2126-11-20,3,2\n/b?x,,4,3\n", File{Rows: 5, Views: ab}},
		{"CSV of a total below its days", csvHead + "/a,,-3,-1\n/a,2126-11-21,5,4\n",
			File{Rows: 2, Views: []View{{Page: "/a", Tally: Tally{2, 3}, Days: []DayTally{onDay(today, 5, 4)}}}}},
		{"a total does not fall below none", csvHead + "/a,,-9,-9\n/a,2126-11-21,5,4\n",
			File{Rows: 2, Views: []View{{Page: "/a", Tally: Tally{}, Days: []DayTally{onDay(today, 5, 4)}}}}},
		{"the largest numbers", csvHead + "/a,2126-11-21,9007199254740991,9007199254740991\n/a,2126-11-20,9007199254740991,0\n/a,,-9007199254740991,0\n",
			File{Rows: 3, Views: []View{{Page: "/a", Tally: Tally{0, MaxVisits}, Days: []DayTally{onDay(today-1, MaxVisits, 0), onDay(today, MaxVisits, MaxVisits)}}}}},

		{"NDJSON", `{"page":"/a","visits":8,"uniques":6,"days":[{"day":"2126-11-20","visits":3,"uniques":2},{"day":"2126-11-21","visits":5,"uniques":4}]}` +
			"\n" + `{"page":"/b","visits":7,"uniques":6}` + "\n", File{Rows: 2, Views: ab}},
		{"NDJSON written by hand", "\xef\xbb\xbf" + `{ "uniques": 4, "visits": 5, "page": "/a", "days": [{"visits":5,"uniques":4,"day":"2126-11-21"}] }` + "\r\n\r\n" +
			`{"page":"/a/","visits":3,"uniques":2,"days":[{"day":"2126-11-20","visits":3,"uniques":2}]}` + "\n  \n" + `{"page":"/b","visits":7,"uniques":6}`,
			File{Rows: 3, Views: ab}},
		{"NDJSON without uniques", `{"page":"/a","visits":8}`, File{Rows: 1, Views: []View{{Page: "/a", Tally: Tally{8, 0}}}}},
		{"NDJSON of a total below its days", `{"page":"/a","visits":2,"uniques":3,"days":[{"day":"2126-11-21","visits":5,"uniques":4}]}`,
			File{Rows: 1, Views: []View{{Page: "/a", Tally: Tally{2, 3}, Days: []DayTally{onDay(today, 5, 4)}}}}},
		{"NDJSON of a page with none", `{"page":"/a","visits":0,"uniques":0}`, File{Rows: 1, Views: []View{{Page: "/a"}}}},

		{"GoatCounter without rows", goatHead, File{}},
		{"GoatCounter", goatHead +
			goatRow("/b?x=1", "false", "0", "true", goatMorning) +
			goatRow("/a/index.html", "0", "", "1", "2126-11-21T01:30:00+02:00") +
			goatRow("/a", "false", "0", "false", goatMorning) +
			goatRow("click", "true", "0", "true", goatMorning) +
			goatRow("/a", "false", "3", "true", goatMorning) +
			goatRow("/%c3%bc", "false", "0", "false", "2126-11-21T23:59:59Z") +
			goatRow("/ü/", "false", "0", "true", "2126-11-21T00:00:00Z"),
			File{Rows: 7, Skipped: 2, Views: []View{
				view("/%C3%BC", Tally{}, onDay(today, 2, 1)),
				view("/a", Tally{}, onDay(today-1, 2, 1)),
				view("/b", Tally{}, onDay(today-1, 1, 1)),
			}}},
		{"GoatCounter with a field over lines", goatHead + "/a,\"one\ntwo, \"\"three\"\"\",false,,,,,0,,,,,true," + goatMorning + "\n",
			File{Rows: 1, Views: []View{view("/a", Tally{}, onDay(today-1, 1, 1))}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for reader, r := range map[string]io.Reader{
				"at once":          strings.NewReader(tt.file),
				"byte for byte":    iotest.OneByteReader(strings.NewReader(tt.file)),
				"with its end":     iotest.DataErrReader(strings.NewReader(tt.file)),
				"in half helpings": iotest.HalfReader(strings.NewReader(tt.file)),
			} {
				got, err := ParseFile(r, today, 0, "")
				if err != nil {
					t.Fatalf("read %s: %v", reader, err)
				}
				if diff := cmp.Diff(&tt.want, got, cmpopts.EquateEmpty()); diff != "" {
					t.Fatalf("read %s, - want + got:\n%s", reader, diff)
				}
			}
		})
	}
}

// TestParseFileNamesBadRows: each file has one bad row, in the line and the field
// told, and a good one after it.
func TestParseFileNamesBadRows(t *testing.T) {
	const (
		good     = "/good,2126-11-21,1,1\n"
		goodJSON = "\n" + `{"page":"/good","visits":1,"uniques":1,"days":[{"day":"2126-11-21","visits":1,"uniques":1}]}`
	)
	goodGoat := goatRow("/good", "false", "0", "true", "2126-11-21T10:00:00Z")
	for _, tt := range []struct {
		name, file string
		want       RowError
	}{
		{"CSV with too few fields", csvHead + "/a,2126-11-21,1\n" + good, RowError{2, "", "it has 3 fields instead of 4"}},
		{"CSV with too many fields", csvHead + "/a,2126-11-21,1,1,1\n" + good, RowError{2, "", "it has 5 fields instead of 4"}},
		{"CSV after an empty line", csvHead + "\n\n/a\n" + good, RowError{4, "", "it has 1 fields instead of 4"}},
		{"CSV with a bare quote", csvHead + "/a\",2126-11-21,1,1\n" + good, RowError{2, "", `not CSV: bare " in non-quoted-field`}},
		{"CSV with a quote in quotes", csvHead + "\"/a\"b\",2126-11-21,1,1\n" + good, RowError{2, "", `not CSV: extraneous or missing " in quoted-field`}},
		{"CSV with a quote closed too late", csvHead + "\"/a,2126-11-21,1,1\n/b\",2126-11-21,1\"\n" + good,
			RowError{2, "", `not CSV: bare " in non-quoted-field; the row goes on to line 3`}},
		{"CSV without a page", csvHead + ",2126-11-21,1,1\n" + good, RowError{2, "page", "it is missing"}},
		{"CSV with a bad page", csvHead + "a,2126-11-21,1,1\n" + good, RowError{2, "page", "bad page name: it is a path and starts with a slash, such as /about"}},
		{"CSV with bad visits", csvHead + "/a,2126-11-21,many,1\n" + good, RowError{2, "visits", `"many" is not a number`}},
		{"CSV with a fraction", csvHead + "/a,2126-11-21,1.5,1\n" + good, RowError{2, "visits", `"1.5" is not a number`}},
		{"CSV with bad uniques", csvHead + "/a,2126-11-21,1,\n" + good, RowError{2, "uniques", `"" is not a number`}},
		{"CSV with less than none", csvHead + "/a,2126-11-21,-1,1\n" + good, RowError{2, "visits", "visits and uniques are 0 to 9007199254740991"}},
		{"CSV with too many", csvHead + "/a,2126-11-21,9007199254740992,1\n" + good, RowError{2, "visits", "visits and uniques are 0 to 9007199254740991"}},
		{"CSV with too many uniques", csvHead + "/a,2126-11-21,1,9007199254740992\n" + good, RowError{2, "visits", "visits and uniques are 0 to 9007199254740991"}},
		{"CSV with more than fits", csvHead + "/a,2126-11-21,9223372036854775808,1\n" + good, RowError{2, "visits", `"9223372036854775808" is not a number`}},
		{"CSV with too many beyond the days", csvHead + "/a,,9007199254740992,1\n" + good,
			RowError{2, "visits", "visits and uniques without a day are -9007199254740991 to 9007199254740991"}},
		{"CSV with the least number", csvHead + "/a,,-9223372036854775808,1\n" + good,
			RowError{2, "visits", "visits and uniques without a day are -9007199254740991 to 9007199254740991"}},
		{"CSV with a bad day", csvHead + "/a,21.11.2126,1,1\n" + good, RowError{2, "day", `bad day: "21.11.2126" is not a date such as 2026-11-21`}},
		{"CSV with a day that was not", csvHead + "/a,2126-02-29,1,1\n" + good, RowError{2, "day", `bad day: "2126-02-29" is not a date such as 2026-11-21`}},
		{"CSV with a day to come", csvHead + "/a,2126-11-22,1,1\n" + good, RowError{2, "day", "2126-11-22 is after today, 2126-11-21 (UTC): if a clock was ahead, take that day out"}},

		{"not quite JSON", `{"page":"/a","visits":1` + goodJSON, RowError{1, "", "not JSON: unexpected EOF"}},
		{"JSON with something after it", `{"page":"/a","visits":1} x` + goodJSON, RowError{1, "", "not JSON: invalid character 'x' after top-level value"}},
		{"JSON with a name twice", `{"page":"/a","visits":1,"visits":2}` + goodJSON, RowError{1, "/visits", "not JSON: duplicate object member name"}},
		{"JSON that is not UTF-8", "{\"page\":\"/\xff\",\"visits\":1}" + goodJSON, RowError{1, "/page", "not JSON: invalid UTF-8"}},
		{"JSON with an unknown field", `{"page":"/a","visits":1,"likes":3}` + goodJSON, RowError{1, "/likes", "there is no such field"}},
		{"JSON with a field in capitals", `{"Page":"/a","visits":1}` + goodJSON, RowError{1, "/Page", "there is no such field"}},
		{"JSON with a page that is a number", `{"page":7,"visits":1}` + goodJSON, RowError{1, "/page", "a number cannot stand here"}},
		{"JSON with text for a number", `{"page":"/a","visits":"1"}` + goodJSON, RowError{1, "/visits", "a string cannot stand here"}},
		{"JSON with a fraction", `{"page":"/a","visits":1.5}` + goodJSON, RowError{1, "/visits", "a number cannot stand here"}},
		{"JSON with more than fits", `{"page":"/a","visits":1e30}` + goodJSON, RowError{1, "/visits", "a number cannot stand here"}},
		{"JSON with days that are none", `{"page":"/a","visits":1,"days":{}}` + goodJSON, RowError{1, "/days", "a { cannot stand here"}},
		{"JSON with a fault in a day", `{"page":"/a","visits":1,"days":[{"day":"2126-11-21","visits":"x"}]}` + goodJSON, RowError{1, "/days/0/visits", "a string cannot stand here"}},
		{"JSON without a page", `{"visits":1}` + goodJSON, RowError{1, "page", "it is missing"}},
		{"JSON with null for a page", `{"page":null,"visits":1}` + goodJSON, RowError{1, "page", "it is missing"}},
		{"JSON with a bad page", `{"page":"a","visits":1}` + goodJSON, RowError{1, "page", "bad page name: it is a path and starts with a slash, such as /about"}},
		{"JSON without visits", `{"page":"/a","uniques":1}` + goodJSON, RowError{1, "visits", "they are missing"}},
		{"JSON with less than none", `{"page":"/a","visits":-1}` + goodJSON, RowError{1, "visits", "visits and uniques are 0 to 9007199254740991"}},
		{"JSON with too many", `{"page":"/a","visits":1,"uniques":9007199254740992}` + goodJSON, RowError{1, "visits", "visits and uniques are 0 to 9007199254740991"}},
		{"JSON with a bad day", `{"page":"/a","visits":1,"days":[{"day":"2126-11-20","visits":1},{"day":"today","visits":1}]}` + goodJSON,
			RowError{1, "days[1]", `bad day: "today" is not a date such as 2026-11-21`}},
		{"JSON with a day to come", `{"page":"/a","visits":1,"days":[{"day":"2126-11-22","visits":1}]}` + goodJSON,
			RowError{1, "days[0]", "2126-11-22 is after today, 2126-11-21 (UTC): if a clock was ahead, take that day out"}},
		{"JSON with a day twice", `{"page":"/a","visits":1,"days":[{"day":"2126-11-20","visits":1},{"day":"2126-11-20","visits":1}]}` + goodJSON,
			RowError{1, "days[1]", "2126-11-20 is there twice"}},
		{"JSON with a day below none", `{"page":"/a","visits":1,"days":[{"day":"2126-11-20","visits":-1}]}` + goodJSON,
			RowError{1, "days[0]", "visits and uniques are 0 to 9007199254740991"}},
		{"JSON after good lines", goodJSON[1:] + "\n\n" + "[1,2]\n", RowError{3, "", "a [ cannot stand here"}},

		{"GoatCounter with too few fields", goatHead + "/a,Title,false\n" + goodGoat, RowError{2, "", "it has 3 fields instead of 14"}},
		{"GoatCounter with bad quotes", goatHead + goatRow(`/a"b`, "false", "0", "true", goatMorning) + goodGoat, RowError{2, "", `not CSV: bare " in non-quoted-field`}},
		{"GoatCounter with a bad date", goatHead + goatRow("/a", "false", "0", "true", "2126-11-20") + goodGoat,
			RowError{2, "Date", `"2126-11-20" is not a time such as 2026-11-21T10:00:00Z`}},
		{"GoatCounter with a date to come", goatHead + goatRow("/a", "false", "0", "true", "2126-11-22T00:00:00Z") + goodGoat,
			RowError{2, "Date", "2126-11-22 is after today, 2126-11-21 (UTC)"}},
		{"GoatCounter with a bad FirstVisit", goatHead + goatRow("/a", "false", "0", "ja", goatMorning) + goodGoat, RowError{2, "FirstVisit", `"ja" is neither true nor false`}},
		{"GoatCounter with a bad Event", goatHead + goatRow("/a", "2", "0", "ja", goatMorning) + goodGoat, RowError{2, "Event", `"2" is neither true nor false`}},
		{"GoatCounter with a bad path", goatHead + goatRow("a", "false", "0", "true", goatMorning) + goodGoat,
			RowError{2, "Path", "bad page name: it is a path and starts with a slash, such as /about"}},
		{"GoatCounter after a field over lines", goatHead + "/good,\"one\ntwo\",false,,,,,0,,,,,true,2126-11-21T00:00:00Z\n" + goatRow("", "false", "0", "true", goatMorning),
			RowError{4, "Path", "it is missing"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := File{Rows: 2, Bad: 1, Errors: []RowError{tt.want}}
			got, err := ParseFile(strings.NewReader(tt.file), today, 0, "")
			if !errors.Is(err, ErrFile) || err.Error() != "bad import file: 1 of 2 rows are bad, 0 allowed" {
				t.Fatalf("ParseFile: %v, want ErrFile for 1 of 2 rows", err)
			}
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Errorf("with no bad row allowed, - want + got:\n%s", diff)
			}
			want.Views = []View{view("/good", Tally{}, onDay(today, 1, 1))}
			if got, err = ParseFile(strings.NewReader(tt.file), today, 1, ""); err != nil {
				t.Fatalf("with one bad row allowed: %v", err)
			}
			if diff := cmp.Diff(&want, got); diff != "" {
				t.Errorf("with one bad row allowed, - want + got:\n%s", diff)
			}
		})
	}
}

func TestParseFileNamesTheFirstHundredBadRows(t *testing.T) {
	var b strings.Builder
	b.WriteString(csvHead)
	for range 150 {
		b.WriteString("/a\n")
	}
	got, err := ParseFile(strings.NewReader(b.String()), today, 149, "")
	if !errors.Is(err, ErrFile) || got.Bad != 150 || len(got.Errors) != 100 {
		t.Errorf("%v, %d bad rows, %d of them named; want ErrFile, 150 and 100", err, got.Bad, len(got.Errors))
	}
	if got, err = ParseFile(strings.NewReader(b.String()), today, 150, ""); err != nil || len(got.Views) != 0 {
		t.Errorf("with 150 allowed: %v, %v; want no views", got.Views, err)
	}
}

func TestParseFileSaysWhatAFileShouldBe(t *testing.T) {
	for _, tt := range []struct{ name, file, says string }{
		{"gzip", "\x1f\x8b\x08\x00\x00\x00\x00\x00", "unpack it first (gunzip)"},
		{"another CSV", "path,count\n/a,1\n", `starts neither with a { (NDJSON), nor with the row "page,day,visits,uniques"`},
		{"CSV without its header", "/a,2126-11-21,1,1\n", `nor with that of GoatCounter's export, "2Path,Title,Event,…"`},
		{"an older GoatCounter", "1" + goatHead[1:], "GoatCounter"},
		{"a header with a fault", "\"page\"x,day\n", "starts neither"},
		{"a JSON array", `[{"page":"/a","visits":1}]`, "starts neither"},
		{"HTML", "<!doctype html>", "starts neither"},
		{"UTF-16", "\xff\xfep\x00a\x00", "starts neither"},
		{"a space first", ` {"page":"/a","visits":1}`, "starts neither"},
		{"a line that is too long", `{"page":"/a","visits":1}` + "\n" + `{"page":"/` + strings.Repeat("a", maxLine), "line 2 has over 8388608 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := ParseFile(strings.NewReader(tt.file), today, 1000, "")
			if got != nil || !errors.Is(err, ErrFile) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("ParseFile = %v, %v; want ErrFile that says %q", got, err, tt.says)
			}
		})
	}
}

func TestParseFileFailsWhereTheReaderFails(t *testing.T) {
	broken := errors.New("connection lost")
	for _, file := range []string{"", "{", csvHead, csvHead + "/a,2126-11-21,1,1\n/a,2126", csvHead + "\"", `{"page":"/a","visits":1}` + "\n" + `{"page"`,
		goatHead + goatRow("/a", "false", "0", "true", goatMorning)} {
		got, err := ParseFile(io.MultiReader(strings.NewReader(file), iotest.ErrReader(broken)), today, 1000, "")
		if got != nil || !errors.Is(err, broken) {
			t.Errorf("after %q: %v, %v; want no file and the reader's error", file, got, err)
		}
	}
}

// formats are the two in which an export is written.
var formats = map[string]func(io.Writer, iter.Seq2[View, error]) error{"NDJSON": WriteNDJSON, "CSV": WriteCSV}

func sequence(views []View) iter.Seq2[View, error] {
	return func(yield func(View, error) bool) {
		for _, v := range views {
			if !yield(v, nil) {
				return
			}
		}
	}
}

func TestWritersEndWithTheFirstError(t *testing.T) {
	gone := errors.New("gone")
	for name, write := range formats {
		views := func(yield func(View, error) bool) {
			_ = yield(view("/a", Tally{1, 1}), nil) && yield(View{}, gone) && yield(view("/b", Tally{1, 1}), nil)
		}
		var b bytes.Buffer
		if err := write(&b, views); !errors.Is(err, gone) || strings.Contains(b.String(), "/b") {
			t.Errorf("%s: %v after %q, want the error, and nothing after it", name, err, b.String())
		}
	}
}

func TestWriters(t *testing.T) {
	views := []View{
		{Page: "/none"},
		view("/a,b", Tally{39, 28}, onDay(today-1, 2, 1), onDay(today, 3, 2)),
		{Page: "/lower", Tally: Tally{1, 0}, Days: []DayTally{onDay(today, 3, 2)}},
		view("/%C3%BC", Tally{}, onDay(today, 3, 2)),
	}
	for name, want := range map[string]string{
		"CSV": csvHead + "/none,,0,0\n\"/a,b\",,39,28\n\"/a,b\",2126-11-20,2,1\n\"/a,b\",2126-11-21,3,2\n" +
			"/lower,,-2,-2\n/lower,2126-11-21,3,2\n/%C3%BC,2126-11-21,3,2\n",
		"NDJSON": `{"page":"/none","visits":0,"uniques":0}
{"page":"/a,b","visits":44,"uniques":31,"days":[{"day":"2126-11-20","visits":2,"uniques":1},{"day":"2126-11-21","visits":3,"uniques":2}]}
{"page":"/lower","visits":1,"uniques":0,"days":[{"day":"2126-11-21","visits":3,"uniques":2}]}
{"page":"/%C3%BC","visits":3,"uniques":2,"days":[{"day":"2126-11-21","visits":3,"uniques":2}]}
`,
	} {
		var b bytes.Buffer
		if err := formats[name](&b, sequence(views)); err != nil || b.String() != want {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, b.String(), want)
		}
	}
}

func TestTheGoatCounterExportParses(t *testing.T) {
	file, err := os.Open(goatCounterFile)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	got, err := ParseFile(file, goatCounterToday, goatCounterBad, "")
	if err != nil {
		t.Fatal(err)
	}
	if got.Rows != goatCounterRows || got.Bad != goatCounterBad || len(got.Errors) != goatCounterBad {
		t.Errorf("%d rows, %d bad, %d named; want %d, %d and all", got.Rows, got.Bad, len(got.Errors), goatCounterRows, goatCounterBad)
	}
	visits := int64(0)
	for _, v := range got.Views {
		wantCanonical(t, v.Page)
		visits += v.Visits
	}
	if want := int64(got.Rows - got.Bad - got.Skipped); visits != want || got.Skipped < 1000 {
		t.Errorf("%d visits and %d rows skipped, want each of the others, %d, counted", visits, got.Skipped, want)
	}
}

// FuzzParseFile: no file makes it panic, what it reads can be written and read
// again, and is then the same.
func FuzzParseFile(f *testing.F) {
	for _, s := range []string{
		"", "\n\n", "\xef\xbb\xbf{", "\x1f\x8b", csvHead, goatHead,
		csvHead + "/a,2126-11-20,3,2\n/a,,-1,0\n\"/b,c\",,7,6\n/a\n\"",
		csvHead + "/a,2126-11-21,9007199254740991,9007199254740991\n/a,2126-11-20,9007199254740991,0\n/a,,-9007199254740991,0\n",
		`{"page":"/a","visits":8,"uniques":6,"days":[{"day":"2126-11-20","visits":3,"uniques":2}]}` + "\n{}\n{\"page\":1}\n[",
		fmt.Sprintf(`{"page":"/a","visits":9,"days":[{"day":"2126-11-20","visits":3,"referrers":{%s},"otherReferrers":7},{"day":"2126-11-21","visits":6,"sources":{"x":2,"y":2},"otherSources":1}]}`, manyHosts(12)),
		goatHead + goatRow("/b?x=1", "false", "0", "true", goatMorning) + goatRow("click", "1", "1", "x", goatMorning) + "/a,\"b\nc",
	} {
		f.Add([]byte(s), uint16(3))
	}
	f.Fuzz(func(t *testing.T, data []byte, maxBad uint16) {
		file, err := ParseFile(bytes.NewReader(data), today, int(maxBad), "")
		if err != nil && !errors.Is(err, ErrFile) {
			t.Fatalf("ParseFile: %v, want ErrFile", err)
		}
		if file == nil {
			return
		}
		if file.Bad+file.Skipped > file.Rows || len(file.Errors) != min(file.Bad, maxRowErrors) || (err == nil) != (file.Bad <= int(maxBad)) {
			t.Fatalf("%d rows, %d skipped, %d bad, %d named, %v", file.Rows, file.Skipped, file.Bad, len(file.Errors), err)
		}
		if err != nil {
			if len(file.Views) > 0 {
				t.Fatal("a file that is refused has views")
			}
			return
		}
		for _, v := range file.Views {
			wantCanonical(t, v.Page)
			if reason := checkTally(v.Tally); reason != "" {
				t.Fatalf("%s: %+v: %s", v.Page, v.Tally, reason)
			}
		}
		wantFixpoint(t, file.Views)
	})
}

// wantFixpoint wants an import of views to be exported in such a way that it can be
// imported again and is then the same.
func wantFixpoint(t *testing.T, views []View) {
	t.Helper()
	imported := func(views []View) (states []View) {
		for _, v := range views {
			page := []*state{{}}
			once := func() View {
				page[0].raise(join(page), v)
				page[0].raiseReferrals(page, v.Referrals)
				page[0] = recoded(t, page[0])
				seen := join(page).view(v.Page)
				from, ok := originsOf(page)
				if !ok {
					t.Fatalf("the referrals of %+v cannot be read", v)
				}
				seen.Referrals = listed(from)
				return seen
			}
			states = append(states, once())
			if diff := diffViews(states[len(states)-1:], []View{once()}); diff != "" {
				t.Fatalf("imported twice, - once + twice:\n%s", diff)
			}
		}
		return states
	}
	here := imported(views)
	for name, write := range formats {
		var b bytes.Buffer
		if err := write(&b, sequence(here)); err != nil {
			t.Fatal(err)
		}
		file, err := ParseFile(bytes.NewReader(b.Bytes()), today, 0, "")
		if err != nil {
			t.Fatalf("%s: what was exported cannot be imported: %v %v", name, err, file)
		}
		want := here
		if name == "CSV" {
			want = withoutReferrals(here)
		}
		if diff := diffViews(want, imported(file.Views)); diff != "" {
			t.Fatalf("%s, - exported + imported:\n%s", name, diff)
		}
	}
}

// manyHosts are hosts with a visit each, in JSON.
func manyHosts(n int) string {
	var hosts []string
	for i := range n {
		hosts = append(hosts, fmt.Sprintf(`"h%d.example":1`, i))
	}
	return strings.Join(hosts, ",")
}

// withoutReferrals is what CSV has of views.
func withoutReferrals(views []View) []View {
	views = slices.Clone(views)
	for i := range views {
		views[i].Referrals = nil
	}
	return views
}

func TestUniquesThatALineLacksAreThoseOfItsDays(t *testing.T) {
	line := `{"page":"/a","visits":10,"days":[{"day":"` + today.String() + `","visits":9,"uniques":5}]}`
	file, err := ParseFile(strings.NewReader(line), today, 0, "")
	if err != nil {
		t.Fatal(err)
	}
	if got := file.Views[0].Tally; got != (Tally{10, 5}) {
		t.Errorf("got %+v, want 10 visits and the day's 5 uniques", got)
	}
}

func TestAFileOfTooManyPagesIsRefused(t *testing.T) {
	var b strings.Builder
	b.WriteString("page,day,visits,uniques\n")
	for i := range maxFilePages {
		fmt.Fprintf(&b, "/%d,,1,1\n", i)
	}
	if file, err := ParseFile(strings.NewReader(b.String()), today, 0, ""); err != nil || len(file.Views) != maxFilePages {
		t.Errorf("%d pages: %v, want them all", maxFilePages, err)
	}
	if _, err := ParseFile(strings.NewReader(b.String()+"/one/more,,1,1\n"), today, 0, ""); !errors.Is(err, ErrFile) {
		t.Errorf("one page more: %v, want ErrFile", err)
	}
}
