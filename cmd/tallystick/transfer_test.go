//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
)

// oddTexts are what a file of records may have in a name or in a value.
var oddTexts = []string{
	"plain", "Grüße, café", "日本語", "🦊 emoji 👩‍👩‍👧", `"quoted"`, `back\slash`, "two\nlines", "tab\there", "comma, semicolon; colon:",
	"a.dot", ".", "<html>&amp;", "\u2028 line separator", "null", "{}", "=1+1", "'", "a\\.b", "%41 #? &", "x\u0000y",
}

// oddDocuments are n documents of odd names and values, each another one.
func oddDocuments(n int) []string {
	random := rand.New(rand.NewPCG(3, 4))
	odd := func() string { return oddTexts[random.IntN(len(oddTexts))] }
	docs := make([]string, n)
	for i := range docs {
		doc := map[string]any{
			"n": i, "text": odd(), odd(): odd(), "price": fmt.Sprintf("%d.%02d", random.IntN(1000), random.IntN(100)),
			"nested": map[string]any{odd(): odd(), "deep": map[string]any{"x": random.IntN(10)}}, "list": []any{odd(), 1, nil, true},
		}
		b, err := json.Marshal(doc)
		if err != nil {
			panic(err)
		}
		docs[i] = string(b)
	}
	return docs
}

func TestRecordsComeBackAsTheyWent(t *testing.T) {
	s := startServer(t, t.TempDir())
	docs := oddDocuments(3000)
	s.file("odd.ndjson", strings.Join(docs, "\n")+"\n")
	s.tool("", "import", "records", "odd", "odd.ndjson").wants(0, "3,000 rows, 3,000 inserted, 0 updated, 0 unchanged, 0 bad")
	s.wantData("odd", docs)

	s.tool("", "export", "records", "odd", "-o", "export.ndjson").wants(0, "exported 3,000 records")
	s.tool("", "import", "records", "again", "export.ndjson").wants(0, "3,000 inserted")
	if got := s.tool("", "export", "records", "again").wants(0).stdout; got != s.read("export.ndjson") {
		t.Error("the export of an export's import is not the export")
	}
}

func TestATableComesBackAsItWent(t *testing.T) {
	s := startServer(t, t.TempDir())
	s.tool(strings.Join(oddDocuments(3000), "\n"), "import", "records", "odd", "-").wants(0)
	s.tool("", "export", "records", "odd", "-o", "odd.csv").wants(0)
	s.tool("", "import", "records", "again", "odd.csv").wants(0, "3,000 rows, 3,000 inserted")
	s.tool("", "export", "records", "again", "-o", "again.csv").wants(0)
	got, want := s.read("again.csv"), s.read("odd.csv")
	if got != want {
		t.Errorf("a table of %d bytes comes back with %d: %s", len(want), len(got), firstDifference(strings.Split(got, "\n"), strings.Split(want, "\n")))
	}

	s.tool("", "export", "records", "odd", "--format", "csv", "--fields", "n, text", "--filter", "n < 2", "--order-by", "n desc", "-o", "some.table").wants(0, "exported 2 records")
	if got := s.read("some.table"); !strings.HasPrefix(got, "id,n,text\n") || strings.Index(got, ",1,") > strings.Index(got, ",0,") {
		t.Errorf("the columns n and text of two records are: %s", got)
	}
	s.tool("", "export", "records", "odd", "--fields", "n").wants(1, "--fields names the columns of a CSV")
}

func TestABadRowIsNamedByItsLineInTheFile(t *testing.T) {
	s := startServer(t, t.TempDir())
	s.configure("products", map[string]any{"schema": map[string]any{"properties": map[string]any{"price": map[string]any{"type": "number"}}}})
	var file strings.Builder
	for line := 1; line <= 5000; line++ {
		switch line {
		case 3: // no row
		case 7, 4001:
			file.WriteString(`{"price":"dear"}`)
		case 2345:
			file.WriteString(`{"price":`)
		case 2400:
			file.WriteString(`{"id":"no/id","data":{}}`)
		default:
			fmt.Fprintf(&file, `{"price":%d}`, line)
		}
		file.WriteString("\n")
	}
	s.file("products.ndjson", file.String())
	got := s.tool("", "import", "records", "products", "products.ndjson").
		wants(1, "4,999 rows, 4,995 inserted, 0 updated, 0 unchanged, 4 bad", "\nA file that was mended is another one")
	var lines []string
	for _, line := range strings.SplitN(got.stderr, "\n", 5)[:4] {
		lines = append(lines, line[:strings.Index(line, ":")])
	}
	if got, want := strings.Join(lines, "; "), "line 7, /price; line 2345; line 2400, id; line 4001, /price"; got != want {
		t.Errorf("the bad rows are %q, want %q", got, want)
	}

	// Mended, it is another file; what it was imported as names it.
	_, as, _ := strings.Cut(got.stderr, "--repeat-as ")
	as, _, _ = strings.Cut(as, "\n")
	s.file("products.ndjson", strings.ReplaceAll(file.String(), `"dear"`, "0"))
	s.tool("", "import", "records", "products", "products.ndjson", "--repeat-as", strings.TrimSpace(as)).
		wants(1, "2 inserted, 0 updated, 4,995 unchanged, 2 bad")

	s.tool("", "import", "records", "products", "products.ndjson", "--validate-only").wants(1, "checked, nothing stored", "2 bad")
	s.file("bad.ndjson", file.String())
	s.tool("", "import", "records", "few", "--max-errors", "0", "bad.ndjson").
		wants(1, "too many bad rows, over 0: it stopped at line 2,345", "2,343 rows stored. Mend the bad ones, or allow more")
}

func TestAnAtomicImportIsAllOrNothing(t *testing.T) {
	s := startServer(t, t.TempDir())
	s.tool("{\"a\":1}\n{\"id\":\"x\",\"data\":{\"a\":2}}", "import", "records", "all", "--atomic").wants(0, "2 inserted")
	s.tool("{\"a\":3}\n\n{\"id\":\"x\",\"data\":{\"a\":4}}", "import", "records", "all", "--atomic").
		wants(1, "line 3, id: a record of this id is there already")
	s.tool("{\"a\":3}\n{", "import", "records", "all", "--atomic").wants(1, "nothing was imported", "line 2: ")
	s.tool(strings.Repeat("{}\n", 501), "import", "records", "all", "--atomic").wants(1, "at most 500 rows")
	s.wantData("all", []string{`{"a":1}`, `{"a":2}`})
}

func TestUpsertReplaces(t *testing.T) {
	s := startServer(t, t.TempDir())
	s.tool("sku,n\na,1\nb,1\n", "import", "records", "c", "--format", "csv", "--id-field", "sku").wants(0, "2 inserted")
	s.tool("sku,n\na,2\nb,1\n", "import", "records", "c", "--format", "csv", "--id-field", "sku").
		wants(1, "0 inserted, 0 updated, 1 unchanged, 1 bad", "line 2, id: ")
	s.tool("sku,n\na,2\nb,1\n", "import", "records", "c", "--format", "csv", "--id-field", "sku", "--mode", "upsert").
		wants(0, "0 inserted, 1 updated, 1 unchanged, 0 bad")
	s.wantData("c", []string{`{"n":"2","sku":"a"}`, `{"n":"1","sku":"b"}`})
}

// TestStandardInputIsRepeatableWhenItIsNamed, or when its rows have ids.
func TestStandardInputIsRepeatableWhenItIsNamed(t *testing.T) {
	s := startServer(t, t.TempDir())
	const rows = "{\"a\":1}\n{\"a\":1}\n"
	s.tool(rows, "import", "records", "c", "--repeat-as", "monday").wants(0, "2 inserted")
	s.tool(rows+"{\"a\":2}\n", "import", "records", "c", "--repeat-as", "monday").wants(0, "1 inserted, 0 updated, 2 unchanged")
	const warning = "cannot be repeated without doubling"
	s.tool(rows, "import", "records", "c").wants(0, "2 inserted", warning)
	s.tool(rows, "import", "records", "c", "-").wants(0, "2 inserted", warning)
	named := s.tool(`{"id":"x","data":{}}`, "import", "records", "c").wants(0, "1 inserted")
	if strings.Contains(named.stderr, warning) {
		t.Errorf("rows with ids can be repeated, and it says: %s", named.stderr)
	}
	s.wantData("c", []string{`{"a":1}`, `{"a":1}`, `{"a":1}`, `{"a":1}`, `{"a":1}`, `{"a":1}`, `{"a":2}`, `{}`})
}

func TestAnInterruptedImportSaysHowToGoOn(t *testing.T) {
	s := startServer(t, t.TempDir())
	relay := startRelay(t, s.url, nil)
	c := s.client("", relay.url, "import", "records", "c", "--repeat-as", "x")
	c.Stdin = nil
	input, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for i := range 4500 {
		fmt.Fprintf(&all, "{\"n\":%d}\n", i)
	}
	pid, wait := begun(t, c)
	if _, err := fmt.Fprint(input, all.String()); err != nil { // and then nothing, for it stays open
		t.Fatal(err)
	}
	eventually(t, "4,000 rows are in", func() bool { return relay.count() == 4000 })
	syscall.Kill(pid, syscall.SIGINT)
	wait().wants(1, ",000 rows stored. The same command goes on from there.", "tallystick: interrupted") // it may not know of the last
	s.tool(all.String(), "import", "records", "c", "--repeat-as", "x").wants(0, "500 inserted, 0 updated, 4,000 unchanged")
}

func TestVisitsComeBackAsTheyWent(t *testing.T) {
	s := startServer(t, t.TempDir())
	for i := range 5 {
		s.want(http.StatusOK, http.MethodPost, fmt.Sprintf("/visits?page=/%d", i%3), "")
	}
	s.tool("", "export", "visits", "-o", "visits.ndjson").wants(0)
	s.tool("", "export", "visits", "-o", "visits.csv").wants(0)
	other := startServer(t, t.TempDir())
	for range 2 {
		other.tool(s.read("visits.ndjson"), "import", "visits").wants(0, "imported: 3 pages, 3 rows, 0 skipped, 0 bad")
	}
	other.file("visits.csv", s.read("visits.csv"))
	other.tool("", "import", "visits", "visits.csv", "--validate-only").wants(0, "checked, nothing imported: 3 pages")
	if got := other.tool("", "export", "visits").wants(0).stdout; got != s.read("visits.ndjson") {
		t.Errorf("the visits come back as %s, want %s", got, s.read("visits.ndjson"))
	}
	other.tool("page,day,visits,uniques\n/x,never,1,1\n", "import", "visits").wants(1, "import standard input: ", "line 2")
}

func TestRetransformGoesOnWithWhatIsLeft(t *testing.T) {
	s := startServer(t, t.TempDir())
	var rows strings.Builder
	for i := range 350 {
		fmt.Fprintf(&rows, `{"id":"r%03d","data":{"n":%d}}`+"\n", i, i)
	}
	s.tool(rows.String(), "import", "records", "c").wants(0)
	s.configure("c", map[string]any{"transform": `if .n % 100 == 7 then error("seven") else {double: (.n * 2)} end`})
	s.want(http.StatusOK, http.MethodPost, "/collections/c/retransform?pageSize=100", "", "X-Api-Key", s.keptKey()) // and broke off
	s.tool("", "retransform", "c").
		wants(1, "247 records made anew, 4 left", "r007: ", "r307: ", "seven", "4 records cannot be made by the settings as they are")
	s.configure("c", map[string]any{"transform": `{double: (.n * 2)}`})
	s.tool("", "retransform", "c").wants(0, "350 records made anew, 0 left")
	s.tool("", "export", "records", "c", "--format", "csv", "--filter", "double = 14").wants(0, "r007,14")
	s.tool("", "retransform", "nothing").wants(1, "there is no such collection")
}

func TestACollectionOfNoRecordsIsExportedAsSuch(t *testing.T) {
	s := startServer(t, t.TempDir())
	s.configure("empty", map[string]any{})
	if got := s.tool("", "export", "records", "empty").wants(0, "exported 0 records").stdout; got != "" {
		t.Errorf("it prints %q, want nothing", got)
	}
}

func TestWhatIsWrongIsSaidInWords(t *testing.T) {
	s := startServer(t, t.TempDir(), "BASIC_AUTH=ada:$2a$04$Pz7OEuurMNgzBfx0E5N99ehywvNdkg4WKAZIu3Dqt50XVpvYWLr3S")
	s.file("one.ndjson", "{}\n")
	s.file("empty.csv", "")
	nobody := startServer(t, t.TempDir())
	nobody.stop()
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"no user", nil, "Beside the key this needs a user and a password"},
		{"a wrong password", []string{"--user", "ada:wrong"}, "There is no such user with this password"},
		{"a user without a password", []string{"TALLYSTICK_USER=ada"}, "--user: it is USER:PASSWORD"},
		{"a wrong key", []string{"--key", "wrong"}, "API key not valid"},
		{"a wrong key of the environment", []string{"API_KEY=wrong"}, "API key not valid"},
		{"no key", []string{"STORE=sqlite:elsewhere.db"}, "There is no key: give one with --key"},
		{"no server", []string{"--url", nobody.url}, "nobody answers at " + nobody.url},
		{"no address", []string{"--url", "localhost:8080"}, `--url: "localhost:8080" is not an address`},
		{"another site", []string{"--url", s.url + "/blog"}, "is not defined by this API"},
	} {
		for _, args := range [][]string{
			{"import", "records", "c", "one.ndjson"}, {"import", "visits", "one.ndjson"},
			{"export", "records", "c", "-o", "out"}, {"export", "visits", "-o", "out"}, {"retransform", "c"},
		} {
			t.Run(tt.name+", "+strings.Join(args, " "), func(t *testing.T) {
				s := *s
				s.T = t
				got := s.tool("", append(args, tt.args...)...).wants(1, tt.want)
				if got.stdout != "" {
					t.Errorf("it prints %q", got.stdout)
				}
			})
		}
	}
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"import", "records", "c", "missing.ndjson"}, "missing.ndjson: no such file"},
		{[]string{"import", "records", "c", "."}, ". is a folder"},
		{[]string{"import", "records", "c", "empty.csv"}, "its first row names the columns"},
		{[]string{"import", "records", "no/name", "one.ndjson"}, `"no/name" is not 1 to 63 letters`},
		{[]string{"import", "records", "c", "one.ndjson", "--mode", "replace"}, `--mode: "replace" is neither`},
		{[]string{"export", "records", "c", "--format", "xml"}, `--format: "xml" is neither`},
		{[]string{"export", "records", "none", "-o", "out"}, "export none: there is no such collection"},
		{[]string{"export", "records", "none", "-o", "out", "--format", "csv", "--fields", "a"}, "export none: there is no such collection"},
	} {
		s.tool("", append(tt.args, "--user", "ada:secret")...).wants(1, tt.want)
	}
	if _, err := os.Stat(s.cmd.Dir + "/out"); err == nil {
		t.Error("an export that failed left its file")
	}
	s.tool("", "import", "records", "c", "one.ndjson", "TALLYSTICK_USER=ada:secret").wants(0, "1 inserted")
	s.tool("", "export", "records", "c", "--user", "ada:secret", "--quiet").wants(0)
	s.tool("", "export", "records", "c", "--user", "ada:secret", "--filter", "price ~ 1").wants(1, "filter")
}
