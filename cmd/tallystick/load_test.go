//go:build unix

package main

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// said reads what --json printed.
func (o outcome) figures() loadFigures {
	o.Helper()
	var f loadFigures
	if err := json.Unmarshal([]byte(o.stdout), &f); err != nil {
		o.Fatalf("%q prints no JSON: %v: %s", o.args, err, o.stdout)
	}
	return f
}

func TestLoadCountsVisitsAndChecksThem(t *testing.T) {
	s := startServer(t, t.TempDir(), "RATE_LIMIT=0")
	s.want(http.StatusOK, http.MethodPost, "/visits?page=/mine", "")
	f := s.tool("", "load", "--page", "/mine", "--requests", "500", "--connections", "16", "--json", "--quiet").wants(0).figures()
	if f.Attempted != 500 || f.Done != 500 || f.Check == nil || *f.Check != (loadCheck{500, 500, 500, true, ""}) {
		t.Errorf("it says %+v and checks %+v; want 500 attempted, done and stored without a gap", f, f.Check)
	}
	if l := f.Latency; !(0 < l.P50 && l.P50 <= l.P90 && l.P90 <= l.P99 && l.P99 <= l.P999 && l.P999 <= l.Max) {
		t.Errorf("latencies are %+v, want them above 0 and in order", l)
	}
	if got := s.want(http.StatusOK, http.MethodGet, "/visits?page=/mine", "", "Accept", "text/plain"); got != "501\n" {
		t.Errorf("the page has %q visits, want 501", got)
	}
}

func TestLoadSaysItInWords(t *testing.T) {
	s := startServer(t, t.TempDir(), "RATE_LIMIT=0")
	out := s.tool("", "load", "--rate", "400", "--duration", "250ms", "--connections", "4").wants(0).stdout
	for _, want := range []string{
		`(?m)^POST /visits\?page=/tallystick-load at http://127\.0\.0\.1:\d+, 4 connections$`,
		`(?m)^requests  (\d+) in \d\.\d s, of which \d+ done: \d+/s$`,
		`(?m)^latency   p50 \S+ m?s, p90 \S+ m?s, p99 \S+ m?s, p99\.9 \S+ m?s, max \S+ m?s$`,
		`(?m)^check     (\d+) acknowledged ≤ \d+ stored ≤ \d+ attempted; their numbers are 1 to \d+, each once and none left out$`,
	} {
		if !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("it does not say %s:\n%s", want, out)
		}
	}
}

func TestLoadSaysWhatARefusalMeans(t *testing.T) {
	s := startServer(t, t.TempDir(), "RATE_LIMIT=5")
	s.tool("", "load", "--requests", "100", "--connections", "4", "--quiet").
		wants(0, ": 429 RATE_LIMITED", "Start it with RATE_LIMIT=0", "check     ")
}

func TestLoadOnSeveralShardsComparesSums(t *testing.T) {
	s := startServer(t, t.TempDir(), "RATE_LIMIT=0", "SHARDS=4")
	s.tool("", "load", "--requests", "50").wants(0, "50 acknowledged ≤ 50 stored ≤ 50 attempted\n", "SHARDS")
}

func TestLoadReservesNoMoreThanThereIs(t *testing.T) {
	s := startServer(t, t.TempDir(), "RATE_LIMIT=0")
	s.want(http.StatusCreated, http.MethodPost, "/stock/WIDGET/count", `{"quantity":30}`, "X-Api-Key", s.keptKey(), "Content-Type", "application/json")
	s.tool("", "load", "reserve", "--sku", "WIDGET", "--requests", "50").
		wants(0, "not done  20: 409 INSUFFICIENT_STOCK", "30 acknowledged ≤ 30 stored ≤ 50 attempted", "there was none left")
	if got := s.want(http.StatusOK, http.MethodGet, "/stock/WIDGET", ""); !strings.Contains(got, `"available":0,"onHand":30,"reserved":30`) {
		t.Errorf("the item is %s, want all 30 reserved", got)
	}
	s.tool("", "load", "reserve", "--sku", "GADGET").wants(1, "GADGET")
}

// TestLoadReservesForLongerThanItRuns: what has expired when it ends would be missed by its check.
func TestLoadReservesForLongerThanItRuns(t *testing.T) {
	for _, tt := range []struct {
		duration time.Duration
		requests int
		want     int
	}{
		{10 * time.Second, 0, 600},
		{9 * time.Minute, 0, 600},
		{time.Hour, 0, 3660},
		{23 * time.Hour, 0, 23*3600 + 60},
		{10 * time.Second, 1, 86400}, // the default, which --requests is in place of
	} {
		o := loadOptions{kind: "reserve", sku: "A", duration: tt.duration, requests: tt.requests}
		w, err := o.work(new(client))
		if err != nil {
			t.Fatal(err)
		}
		var body struct{ TTLSeconds int }
		if err := json.Unmarshal(w.request.body, &body); err != nil || body.TTLSeconds != tt.want {
			t.Errorf("--duration %v --requests %d: %s, %v; want ttlSeconds %d", tt.duration, tt.requests, w.request.body, err, tt.want)
		}
	}
}

func TestLoadReadsWithoutCounting(t *testing.T) {
	s := startServer(t, t.TempDir(), "RATE_LIMIT=0")
	s.tool("", "load", "read", "--requests", "20").wants(0, "GET /visits?page=/tallystick-load", "20 done")
	if got := s.want(http.StatusOK, http.MethodGet, "/visits?page=/tallystick-load", "", "Accept", "text/plain"); got != "0\n" {
		t.Errorf("the page has %q visits, want 0", got)
	}
}

// TestLoadFindsThatOthersCountToo: something between here and there sends each visit twice.
func TestLoadFindsThatOthersCountToo(t *testing.T) {
	s := startServer(t, t.TempDir(), "RATE_LIMIT=0")
	r := startRelay(t, s.url, func(q *http.Request) {
		if q.Method == http.MethodPost {
			s.want(http.StatusOK, http.MethodPost, q.RequestURI, "")
		}
	})
	ended(t, s.client("", r.url, "load", "--requests", "10")).wants(1, "10 were attempted and 20 are stored", "the check failed")
}

func TestLoadComparesWithATransactionForEachVisit(t *testing.T) {
	folder := t.TempDir()
	ended(t, command(t, folder, "load", "--compare-naive", "--requests", "100", "--connections", "8", "TMPDIR="+folder)).
		wants(0, "8 callers on one page, on sqlite, in this process and without HTTP", "\nmerged\n", "\na transaction each\n", "\na transaction and a flush each\n",
			"100 acknowledged ≤ 100 stored ≤ 100 attempted", "ratio     merged does ")
	wantFiles(t, folder)
}

func TestLoadRefusesWhatDoesNotGoTogether(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want string
	}{
		{[]string{"--connections", "0"}, "--connections: 0 is not 1 to 10,000"},
		{[]string{"--rate", "-1"}, "--rate: -1 is not 0 to 1,000,000 a second"},
		{[]string{"--requests", "0"}, "--requests: 0 is not 1 or more"},
		{[]string{"--requests", "5", "--duration", "5s"}, "give --requests or --duration, not both"},
		{[]string{"--duration", "-5s"}, "--duration: -5s is not a time such as 10s"},
		{[]string{"reserve"}, "reserve: say which item with --sku"},
		{[]string{"reserve", "--sku", "A", "--duration", "23h1s"}, "--duration: 23h0m1s is over 23h0m0s, and what is reserved expires after a day"},
		{[]string{"write"}, `invalid argument "write"`},
		{[]string{"read", "--compare-naive"}, "--compare-naive counts visits, it does not read"},
		{[]string{"--store", "datastore:x"}, "--store goes with --compare-naive"},
		{[]string{"--compare-naive", "--store", "datastore:x"}, "DATASTORE_EMULATOR_HOST is not set"},
		{[]string{"--compare-naive", "--store", "sqlite:x.db"}, "neither datastore:PROJECT nor firestore:PROJECT"},
		{[]string{"--url", "http://127.0.0.1:1"}, "nobody answers at http://127.0.0.1:1"},
	} {
		folder := t.TempDir()
		ended(t, command(t, folder, append([]string{"load"}, tt.args...)...)).wants(1, tt.want)
		wantFiles(t, folder)
	}
}

func TestNumbersComeOfVisitsThatCount(t *testing.T) {
	for _, tt := range []struct {
		body   string
		number int64
		err    string
	}{
		{`{"page":"/","visits":7,"uniques":1,"counted":true,"exact":true}`, 7, ""},
		{`{"page":"/","visits":7,"uniques":1,"counted":true,"exact":false}`, 0, ""},
		{`{"page":"/","visits":7,"uniques":1,"counted":false,"reason":"bot","exact":true}`, 0, "200, but not counted: bot"},
		{`<html>`, 0, "200, but not as Tallystick answers"},
	} {
		number, err := readVisit([]byte(tt.body))
		if number != tt.number || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
			t.Errorf("%s: %d, %v; want %d, %q", tt.body, number, err, tt.number, tt.err)
		}
	}
}

// TestAComparisonThatIsInterruptedSaysWhatItHas.
func TestAComparisonThatIsInterruptedSaysWhatItHas(t *testing.T) {
	folder := t.TempDir()
	pid, wait := begun(t, command(t, folder, "load", "--compare-naive", "--duration", "1h", "--connections", "4", "TMPDIR="+folder))
	eventually(t, "the way's counts to be stored", func() bool {
		files, err := filepath.Glob(filepath.Join(folder, "*", "load.db-wal"))
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(strings.Join(files, ""))
		return err == nil && info.Size() > 1<<20
	})
	if err := syscall.Kill(pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	wait().wants(1, "merged", "interrupted", "check ")
}
