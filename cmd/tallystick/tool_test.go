//go:build unix

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// What the tests of the client commands have in common: a run of one, and a relay
// between it and a server.

// outcome is how a command ended.
type outcome struct {
	*testing.T
	args           []string
	code           int
	stdout, stderr string
}

// tool runs a client command in the server's folder to its end.
func (s *server) tool(stdin string, args ...string) outcome {
	s.Helper()
	return ended(s.T, s.client(stdin, s.url, args...))
}

// client is a client command that talks to a url, in the server's folder.
func (s *server) client(stdin, url string, args ...string) *exec.Cmd {
	s.Helper()
	c := command(s.T, s.cmd.Dir, append(args, "TALLYSTICK_URL="+url)...)
	c.Stdin = strings.NewReader(stdin)
	return c
}

// ended runs a command to its end.
func ended(t *testing.T, c *exec.Cmd) outcome {
	t.Helper()
	_, wait := begun(t, c)
	return wait()
}

// begun starts a command; wait says how it ended.
func begun(t *testing.T, c *exec.Cmd) (pid int, wait func() outcome) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	return c.Process.Pid, func() outcome {
		if err := c.Wait(); err != nil && !errors.As(err, new(*exec.ExitError)) {
			t.Error(err)
		}
		return outcome{t, c.Args[1:], c.ProcessState.ExitCode(), stdout.String(), stderr.String()}
	}
}

// wants the exit code, and these texts in what the command said.
func (o outcome) wants(code int, texts ...string) outcome {
	o.Helper()
	if o.code != code {
		o.Fatalf("%q ends with %d, want %d: %s%s", o.args, o.code, code, o.stdout, o.stderr)
	}
	for _, text := range texts {
		if !strings.Contains(o.stdout+o.stderr, text) {
			o.Errorf("%q does not say %q, but: %s%s", o.args, text, o.stdout, o.stderr)
		}
	}
	return o
}

// file writes a file into the server's folder.
func (s *server) file(name, content string) {
	s.Helper()
	if err := os.WriteFile(filepath.Join(s.cmd.Dir, name), []byte(content), 0o600); err != nil {
		s.Fatal(err)
	}
}

func (s *server) read(name string) string {
	s.Helper()
	b, err := os.ReadFile(filepath.Join(s.cmd.Dir, name))
	if err != nil {
		s.Fatal(err)
	}
	return string(b)
}

// configure makes a collection's settings.
func (s *server) configure(collection string, settings map[string]any) {
	s.Helper()
	b, err := json.Marshal(settings)
	if err != nil {
		s.Fatal(err)
	}
	reply, body := s.do(http.MethodPut, "/collections/"+collection, string(b), "X-Api-Key", s.keptKey(), "Content-Type", "application/json")
	if reply.StatusCode/100 != 2 {
		s.Fatalf("settings of %s: status %d: %s", collection, reply.StatusCode, body)
	}
}

// exported is the data of all records by their ids.
func (s *server) exported(collection string) map[string]string {
	s.Helper()
	all := make(map[string]string)
	for line := range strings.Lines(s.tool("", "export", "records", collection).wants(0).stdout) {
		var row struct {
			ID   string
			Data json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			s.Fatalf("%v: %s", err, line)
		}
		if _, twice := all[row.ID]; twice {
			s.Errorf("the export has %q twice", row.ID)
		}
		all[row.ID] = string(row.Data)
	}
	return all
}

// wantData wants records with these data, each once, whatever their ids.
func (s *server) wantData(collection string, want []string) {
	s.Helper()
	got := slices.Sorted(maps.Values(s.exported(collection)))
	want = slices.Sorted(slices.Values(want))
	if !slices.Equal(got, want) {
		s.Fatalf("%s has %d records, want these %d: %s", collection, len(got), len(want), firstDifference(got, want))
	}
}

func firstDifference(got, want []string) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("%.200q where %.200q is wanted", got[i], want[i])
		}
	}
	return "one list is the beginning of the other"
}

// relay passes requests on to a server, and knows what was acknowledged. Where nobody
// answers it breaks the connection, as a server does that dies.
type relay struct {
	*testing.T
	url    string
	target atomic.Pointer[string]
	before func(r *http.Request) // unless nil, called for each request

	mu    sync.Mutex
	acked map[string]bool // ids of rows
	rows  int             // acknowledged, those sent again too
}

func startRelay(t *testing.T, target string, before func(*http.Request)) *relay {
	r := &relay{T: t, before: before, acked: make(map[string]bool)}
	r.target.Store(&target)
	s := httptest.NewServer(r)
	t.Cleanup(s.Close)
	r.url = s.URL
	return r
}

func (r *relay) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	if r.before != nil {
		r.before(q)
	}
	body, err := io.ReadAll(q.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // a client that was killed
	}
	target, err := url.Parse(*r.target.Load())
	if err != nil {
		r.Error(err)
	}
	q.Body = io.NopCloser(bytes.NewReader(body))
	(&httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(target) },
		ModifyResponse: func(reply *http.Response) error {
			if reply.StatusCode == http.StatusOK && strings.HasSuffix(q.URL.Path, "/import") {
				r.acknowledge(body)
			}
			return nil
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}).ServeHTTP(w, q)
}

func (r *relay) acknowledge(body []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for line := range bytes.Lines(body) {
		var row struct{ ID string }
		if err := json.Unmarshal(line, &row); err != nil || row.ID == "" {
			r.Errorf("a row that was sent has no id: %v: %.200s", err, line)
		}
		r.acked[row.ID] = true
		r.rows++
	}
}

// count is how many rows were acknowledged.
func (r *relay) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rows
}

// wantAcknowledged wants what was acknowledged by now to be in a collection, which need
// not be there as long as nothing was.
func (r *relay) wantAcknowledged(s *server, collection string) {
	r.Helper()
	r.mu.Lock()
	acked := maps.Clone(r.acked)
	r.mu.Unlock()
	if len(acked) == 0 {
		return
	}
	stored := s.exported(collection)
	maps.DeleteFunc(acked, func(id string, _ bool) bool { _, ok := stored[id]; return ok })
	if len(acked) > 0 {
		r.Fatalf("%d acknowledged records are not there: %.200q", len(acked), slices.Sorted(maps.Keys(acked)))
	}
}
