package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pauses are those that a client made, in place of waiting.
type pauses []time.Duration

func (p *pauses) pause(_ context.Context, d time.Duration) error {
	*p = append(*p, d)
	return nil
}

func (p *pauses) sum() (sum time.Duration) {
	for _, d := range *p {
		sum += d
	}
	return sum
}

// testClient talks to a handler. It does not wait.
func testClient(t *testing.T, handler http.HandlerFunc) (*client, *pauses) {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	c, err := clientOptions{url: s.URL, key: "k", user: "u:p:p"}.client()
	if err != nil {
		t.Fatal(err)
	}
	p := new(pauses)
	c.pause = p.pause
	return c, p
}

// answers answers one request after the other, and 200 in the end.
func answers(requests *int, all ...http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		*requests++
		if *requests <= len(all) {
			all[*requests-1](w, r)
			return
		}
		fmt.Fprint(w, "{}")
	}
}

func replying(code int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"code":"CODE","detail":"detail %d"}`, code)
	}
}

func cutOff(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func cutOffMidway(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	fmt.Fprint(w, "half")
	w.(http.Flusher).Flush()
	panic(http.ErrAbortHandler)
}

func TestWhatPassesIsTriedAgain(t *testing.T) {
	for _, tt := range []struct {
		name     string
		answers  []http.HandlerFunc
		requests int
		waits    time.Duration // at least
		want     string        // the error's text; empty: none
	}{
		{"a good answer", nil, 1, 0, ""},
		{"busy", []http.HandlerFunc{replying(503, "Retry-After", "5"), replying(429, "Retry-After", "7")}, 3, 12 * time.Second, ""},
		{"in the way", []http.HandlerFunc{replying(502), replying(504)}, 3, firstPause * 3, ""},
		{"connections that break", []http.HandlerFunc{cutOff, cutOffMidway}, 3, firstPause * 3, ""},
		{"an error of its own that passes", []http.HandlerFunc{replying(500), replying(500)}, 3, firstPause * 3, ""},
		{"an error of its own that stays", []http.HandlerFunc{replying(500), replying(500), replying(500)}, 3, firstPause * 3, "detail 500"},
		{"a fault of the request", []http.HandlerFunc{replying(422)}, 1, 0, "detail 422"},
		{"a redirect", []http.HandlerFunc{replying(307, "Location", "http://evil.example/")}, 1, 0, "it is elsewhere, at http://evil.example/"},
		{"nothing in words", []http.HandlerFunc{func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(418) }}, 1, 0, "answered with 418"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			requests := 0
			c, pauses := testClient(t, answers(&requests, tt.answers...))
			_, err := c.do(t.Context(), request{method: http.MethodPost, path: "/x", body: []byte("body")})
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if requests != tt.requests {
				t.Errorf("%d requests, want %d", requests, tt.requests)
			}
			if got := pauses.sum(); got < tt.waits || got > tt.waits*2 {
				t.Errorf("it waited %v, want %v or somewhat more", got, tt.waits)
			}
		})
	}
}

func TestAServerThatStaysAwayIsGivenUp(t *testing.T) {
	requests := 0
	c, pauses := testClient(t, func(w http.ResponseWriter, r *http.Request) {
		requests++
		replying(503, "Retry-After", "1")(w, r)
	})
	_, err := c.do(t.Context(), request{method: http.MethodGet, path: "/x"})
	if err == nil || !strings.Contains(err.Error(), "given up after") {
		t.Errorf("error %v, want that it gave up", err)
	}
	if got := pauses.sum(); got < giveUpAfter || got > giveUpAfter+maxPause {
		t.Errorf("it waited %v, want %v", got, giveUpAfter)
	}
}

func TestARequestSaysWhoSendsIt(t *testing.T) {
	c, _ := testClient(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		user, password, _ := r.BasicAuth()
		fmt.Fprintf(w, "%s %s %s %s %s:%s", r.Method, r.RequestURI, body, r.Header.Get("X-Api-Key"), user, password)
	})
	got, err := c.do(t.Context(), request{method: http.MethodPost, path: "/a/b", query: query("x", "1 & 2", "none", ""), body: []byte("body")})
	if want := "POST /a/b?x=1+%26+2 body k u:p:p"; err != nil || string(got) != want {
		t.Errorf("it sends %q, %v, want %q", got, err, want)
	}
}

// TestThisMachinesKeyStaysOnIt: another machine would learn it.
func TestThisMachinesKeyStaysOnIt(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("tallystick.db.key", []byte("kept\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("API_KEY", "")
	t.Setenv("STORE", "")
	for _, tt := range []struct {
		url, flag, environment string
		want                   string
	}{
		{"http://127.0.0.1:8080", "", "", "kept"},
		{"http://localhost", "", "", "kept"},
		{"http://[::1]:8080", "", "", "kept"},
		{"https://example.com", "", "", ""},
		{"http://localhost.example.com", "", "", ""},
		{"https://example.com", "", "env", "env"},
		{"http://127.0.0.1:8080", "", "env", "env"},
		{"http://127.0.0.1:8080", "flag", "env", "flag"},
	} {
		t.Setenv("API_KEY", tt.environment)
		u, err := url.Parse(tt.url)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := (clientOptions{key: tt.flag}).apiKey(u); err != nil || got != tt.want {
			t.Errorf("%+v: key %q, %v, want %q", tt, got, err, tt.want)
		}
	}
}

func TestARefusalNamesEachFaultOnce(t *testing.T) {
	for _, tt := range []struct{ body, want string }{
		{`{"code":400,"message":"from the gateway"}`, "from the gateway"},
		{`{"code":"C","detail":"a: wrong","errors":[{"location":"a","message":"wrong"}]}`, "a: wrong"},
		{`{"code":"C","detail":"a: wrong","errors":[{"location":"a","message":"wrong"},{"location":"b","message":"too"}]}`, "a: wrong\nb: too"},
		{`{"code":"C","detail":"it stopped","errors":[{"location":"line 3, /x","message":"wrong"}]}`, "it stopped\nline 3, /x: wrong"},
		{`<html>`, "answered with 422 Unprocessable Entity"},
		{``, "answered with 422 Unprocessable Entity"},
	} {
		got := readRefusal(&http.Response{StatusCode: 422, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(tt.body))})
		if got.Error() != tt.want {
			t.Errorf("%s says %q, want %q", tt.body, got, tt.want)
		}
	}
}

func TestALargerRequestThatTakesTooLongIsSentInParts(t *testing.T) {
	for _, tt := range []struct {
		name  string
		limit int // rows that are answered in time
		late  http.HandlerFunc
	}{
		{"the gateway's deadline", 300, replying(504)},
		{"a database that cannot", 700, replying(503)},
		{"one row at a time", 1, replying(504)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			stored := make(map[string]int)
			c, _ := testClient(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				rows := strings.Split(strings.TrimSpace(string(body)), "\n")
				if len(rows) > tt.limit {
					tt.late(w, r)
					return
				}
				for _, row := range rows {
					stored[row]++
				}
				fmt.Fprintf(w, `{"inserted":%d,"bad":1,"errors":[{"line":%d,"reason":"last of all"}]}`, len(rows)-1, len(rows))
			})
			file := strings.Repeat("{}\n", 20) + strings.Repeat("\n{}", 2100)
			if tt.limit == 1 {
				file = strings.Repeat("{}\n", 20)
			}
			in := importerOf(t, c, file)
			in.options.maxErrors = 1e6
			if err := in.run(t.Context()); err != nil {
				t.Fatal(err)
			}
			for row, n := range stored {
				if n != 1 {
					t.Errorf("%s is stored %d times", row, n)
				}
			}
			want := strings.Count(file, "{}")
			if r := in.report; len(stored) != want || r.rows != want || r.inserted+r.bad != want || r.again == 0 {
				t.Errorf("%d rows are stored and the report is %+v, want %d rows", len(stored), r, want)
			}
			if got, want := in.report.listed[len(in.report.listed)-1].Line, strings.Count(file, "\n"); tt.limit > 1 && got < 21 {
				t.Errorf("the last bad row that is listed is in line %d, want one of up to %d", got, want)
			}
		})
	}
}

// importerOf is an importer of a file of this content.
func importerOf(t *testing.T, c *client, content string) *importer {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := openInput(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.close() })
	return newImporter(&importRecordsOptions{collection: "c", format: "ndjson", mode: "insert"}, c, file, silence{})
}

func TestAPageThatTakesTooLongIsAskedForInParts(t *testing.T) {
	var sizes []string
	c, _ := testClient(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/collections/c" { // is it there?
			fmt.Fprint(w, `{}`)
			return
		}
		size := r.FormValue("pageSize")
		if sizes = append(sizes, size+r.FormValue("count")); len(size) > 3 {
			replying(504)(w, r)
			return
		}
		fmt.Fprint(w, `{"records":[{"id":"x","original":{}}]}`)
	})
	ex := &exporter{options: &exportRecordsOptions{collection: "c", exportOptions: exportOptions{format: "ndjson"}}, client: c, meter: silence{}}
	var out strings.Builder
	if err := ex.write(t.Context(), &out); err != nil || out.String() != `{"id":"x","data":{}}`+"\n" {
		t.Errorf("the export is %q, %v", out.String(), err)
	}
	if got, want := fmt.Sprint(sizes), "[1000true 500]"; got != want {
		t.Errorf("pages of %s were asked for, want %s", got, want)
	}
}

func TestAnAnswerOfAnotherServerIsNoSuccess(t *testing.T) {
	c, _ := testClient(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") })
	err := importerOf(t, c, "{}\n").run(t.Context())
	if final := (*finalError)(nil); !errors.As(err, &final) || !strings.Contains(err.Error(), "not Tallystick's") {
		t.Errorf("error %v, want that the answer is not Tallystick's", err)
	}
	var p recordsPage
	if _, err := c.page(t.Context(), http.MethodGet, "/x", query(), 10, &p); err == nil || !strings.Contains(err.Error(), "not Tallystick's") {
		t.Errorf("error %v, want that the answer is not Tallystick's", err)
	}
}
