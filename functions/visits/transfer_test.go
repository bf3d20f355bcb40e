package visits_test

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tallystick/tallystick/internal/edge"
)

// repeat is n times the byte c.
func repeat(c byte, n int64) io.Reader { return io.LimitReader(same(c), n) }

type same byte

func (s same) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(s)
	}
	return len(p), nil
}

func TestAnImportMayHave32MiB(t *testing.T) {
	s := start(t, nil)
	const row = `{"page":"/a","visits":3}` + "\n"
	got := s.stream("POST", "/visits/import", io.MultiReader(strings.NewReader(row), repeat('\n', edge.MaxImportBytes-int64(len(row)))))
	if want := `{"imported":true,"pages":1,"rows":1,"skipped":0,"bad":0}` + "\n"; got.status != 200 || got.body != want {
		t.Errorf("32 MiB: %d %s, want 200 %s", got.status, got.body, want)
	}
	const other = `{"page":"/b","visits":3}` + "\n"
	got = s.stream("POST", "/visits/import?maxErrors=1000", io.MultiReader(strings.NewReader(other), repeat('\n', edge.MaxImportBytes+1-int64(len(other)))))
	s.wantProblem(got, 413, "BODY_TOO_LARGE", "over 33554432 bytes")
	s.want("/a", "3")
	s.want("/b", "0")
}

// TestABodyThatIsCutOffDoesNothing sends fewer bytes than it announces, in one
// piece and in chunks.
func TestABodyThatIsCutOffDoesNothing(t *testing.T) {
	s := start(t, nil)
	const rows = "{\"page\":\"/a\",\"visits\":3}\n{\"page\":\"/b\",\"visits\":3}\n"
	for name, request := range map[string]string{
		"in one piece": "POST /visits/import?maxErrors=9 HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + rows,
		"in chunks":    "POST /visits/import?maxErrors=9 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + fmt.Sprintf("%x\r\n%s\r\n", len(rows), rows),
		"in a chunk":   "POST /visits/import?maxErrors=9 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n" + rows,
		"of a PUT":     "PUT /visits HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{\"visits\":1}",
	} {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := io.WriteString(c, request); err != nil {
				t.Fatal(err)
			}
			if err := c.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			res, err := http.ReadResponse(bufio.NewReader(c), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			s.wantProblem(reply{res.StatusCode, res.Header, string(body)}, 400, "MALFORMED_REQUEST", "ended before its end")
			if got := s.ok("GET", "/visits/export", ""); got != "" {
				t.Errorf("something was imported: %s", got)
			}
		})
	}
}

func TestARefusedImportDoesNothing(t *testing.T) {
	s := start(t, nil)
	file := strings.Repeat(`{"page":"/a","visits":3}`+"\n", 500) + "{"
	s.wantProblem(s.send("POST", "/visits/import", file), 422, "IMPORT_INVALID", "line 501")
	s.ok("POST", "/visits/import?validateOnly=true&maxErrors=1", file)
	if got := s.ok("GET", "/visits/export", ""); got != "" {
		t.Errorf("something was imported: %s", got)
	}
}

func TestAnExportIsAFile(t *testing.T) {
	s := start(t, nil)
	for format, want := range map[string]string{"ndjson": "attachment; filename=visits.ndjson", "csv": "attachment; filename=visits.csv"} {
		if got := s.send("GET", "/visits/export?format="+format, "").header.Get("Content-Disposition"); got != want {
			t.Errorf("%s: Content-Disposition %q, want %q", format, got, want)
		}
	}
}

// goatCounterFile is what a blog exports after a year; internal/visit has what
// makes it.
const goatCounterFile = "../../internal/visit/testdata/goatcounter.csv"

// counts are visits and uniques, by page and day; page is its path without escapes.
type counts map[[2]string][2]int64

// TestMovingHouse is the main job on a real file: import it, count on top, export,
// import the export elsewhere, and compare at each step with counts that were made
// in another way.
func TestMovingHouse(t *testing.T) {
	file, err := os.ReadFile(goatCounterFile)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	s, elsewhere := start(t, nil), start(t, nil)
	s.now, elsewhere.now = now, now
	want, rows, skipped, bad := aggregate(t, string(file), now)
	if rows != 50_000 || bad < 40 {
		t.Fatalf("the file has %d rows, %d of them bad; want 50,000 and at least 40", rows, bad)
	}

	refused := s.send("POST", "/visits/import", string(file), "Content-Type", "text/csv")
	s.wantProblem(refused, 422, "IMPORT_INVALID", fmt.Sprintf("%d of 50000 rows are bad, 0 allowed; nothing was imported", bad))
	if got := s.ok("GET", "/visits/export", ""); got != "" {
		t.Fatalf("after a refused import there is %.200s", got)
	}

	importFile := func(s *server, query, file string) (report struct{ Pages, Rows, Skipped, Bad int }) {
		t.Helper()
		if err := json.Unmarshal([]byte(s.ok("POST", "/visits/import?"+query, file)), &report); err != nil {
			t.Fatal(err)
		}
		return report
	}
	got := importFile(s, fmt.Sprint("maxErrors=", bad), string(file))
	if got.Rows != rows || got.Bad != bad || got.Skipped != skipped {
		t.Errorf("%+v, want %d rows, %d skipped, %d bad", got, rows, skipped, bad)
	}
	s.wantCounts(want)

	s.ok("POST", "/visits?page=/about", "")
	s.ok("POST", "/visits?page=/about/index.html", "")
	s.ok("POST", "/visits?page=/brand-new", "")
	today := now.Format(time.DateOnly)
	about := want[[2]string{"/about", today}]
	want[[2]string{"/about", today}] = [2]int64{about[0] + 2, max(about[1], 1)} // the visitor may be one of today's
	want[[2]string{"/brand-new", today}] = [2]int64{1, 1}
	s.wantCounts(want)

	for _, format := range []string{"ndjson", "csv"} {
		export := s.ok("GET", "/visits/export?format="+format, "")
		importFile(elsewhere, "", export)
		elsewhere.wantCounts(want)
		for _, format := range []string{"ndjson", "csv"} {
			path := "/visits/export?format=" + format
			if got, want := elsewhere.ok("GET", path, ""), s.ok("GET", path, ""); got != want {
				t.Errorf("the %s that is exported elsewhere is another", format)
			}
		}
	}
	importFile(s, fmt.Sprint("maxErrors=", bad), string(file))
	s.wantCounts(want)
	for _, page := range []string{"/", "/about", "/%C3%BCber-uns", "/brand-new"} {
		a, b := s.ok("GET", "/visits?page="+url.QueryEscape(page), ""), elsewhere.ok("GET", "/visits?page="+url.QueryEscape(page), "")
		if a != b {
			t.Errorf("%s is %s here and %s elsewhere", page, a, b)
		}
	}
	if a, b := s.top("pageSize=1000").Pages, elsewhere.top("pageSize=1000").Pages; !reflect.DeepEqual(a, b) {
		t.Errorf("the busiest pages are %v here and %v elsewhere", a, b)
	}
}

// aggregate counts a GoatCounter export without any of Tallystick's code.
func aggregate(t *testing.T, file string, now time.Time) (got counts, rows, skipped, bad int) {
	t.Helper()
	in := csv.NewReader(strings.NewReader(file))
	in.FieldsPerRecord = -1
	header, err := in.Read()
	if err != nil {
		t.Fatal(err)
	}
	column := make(map[string]int)
	for i, name := range header {
		column[name] = i
	}
	got = make(counts)
	for {
		row, err := in.Read()
		if err == io.EOF {
			return got, rows, skipped, bad
		}
		rows++
		if err != nil || len(row) != len(header) {
			bad++
			continue
		}
		at, err := time.Parse(time.RFC3339, row[column["Date"]])
		at = at.UTC()
		event, first := row[column["Event"]], row[column["FirstVisit"]]
		truth := map[string]bool{"true": true, "1": true, "false": false, "0": false}
		isFirst, ok := truth[first]
		isEvent, ok2 := truth[event]
		if err != nil || at.Truncate(24*time.Hour).After(now) || !ok || !ok2 {
			bad++
			continue
		}
		if isEvent || row[column["Bot"]] != "0" {
			skipped++
			continue
		}
		page, ok := plainPath(row[column["2Path"]])
		if !ok {
			bad++
			continue
		}
		key := [2]string{page, at.Format(time.DateOnly)}
		n := got[key]
		n[0]++
		if isFirst {
			n[1]++
		}
		got[key] = n
	}
}

// plainPath is a page's path without its escapes.
func plainPath(s string) (string, bool) {
	s, _, _ = strings.Cut(s, "?")
	s, _, _ = strings.Cut(s, "#")
	if plain, err := url.PathUnescape(s); err == nil {
		s = plain
	}
	if !strings.HasPrefix(s, "/") || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == '\ufffd' }) || len(url.PathEscape(s)) > 600 {
		return "", false
	}
	s = strings.TrimSuffix(path.Clean(s), "/index.html")
	return "/" + strings.TrimPrefix(s, "/"), true
}

// wantCounts compares all that the server exports.
func (s *server) wantCounts(want counts) {
	s.Helper()
	got := make(counts)
	for line := range strings.Lines(s.ok("GET", "/visits/export", "")) {
		var row struct {
			Page            string
			Visits, Uniques int64
			Days            []struct {
				Day             string
				Visits, Uniques int64
			}
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			s.Fatal(err)
		}
		page, err := url.PathUnescape(row.Page)
		if err != nil {
			s.Errorf("page %q: %v", row.Page, err)
		}
		for _, d := range row.Days {
			got[[2]string{page, d.Day}] = [2]int64{d.Visits, d.Uniques}
			row.Visits, row.Uniques = row.Visits-d.Visits, row.Uniques-d.Uniques
		}
		if row.Visits != 0 || row.Uniques != 0 {
			s.Errorf("%s: the total is %d by %d more than its days", page, row.Visits, row.Uniques)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.Errorf("visits by page and day, - want + got:\n%.3000s", diff)
	}
}
