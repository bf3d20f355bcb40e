//go:build unix

package main

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// TestExamplesForPartners lets each of them, and sign, send an update to serve. The replies
// to its first tries are lost on the way, once with a 502 and once with the connection, so
// it has to try again, and the update to be done once.
func TestExamplesForPartners(t *testing.T) {
	folder := t.TempDir()
	secret, _, err := execute(t, partnerCommand(), "add", "acme", "--types", "stock.*", "--skus", "ACME-*", "--partners", filepath.Join(folder, "partners"))
	if err != nil {
		t.Fatal(err)
	}
	s := startServer(t, folder, "--api-key", "k", "PARTNERS="+filepath.Join(folder, "partners"), "RATE_LIMIT=0")
	for _, tt := range []struct {
		name    string
		needs   []string
		prepare string // in a copy of the example's folder, which is used as it is otherwise
		send    string // $1 is the update
	}{
		{"go", []string{"go"}, "", `go run . "$1"`},
		{"javascript", []string{"node", "npm"}, "npm ci --silent --no-audit --no-fund", `node send.mjs "$1"`},
		{"python", []string{"python3"}, "", `python3 send.py "$1"`},
		{"shell", []string{"curl", "openssl", "od"}, "", `./send.sh "$1"`},
		{"", nil, "", `printf %s "$1" | "$PROGRAM" sign --partner acme --send`},
	} {
		t.Run(cmp.Or(tt.name, "sign"), func(t *testing.T) {
			for _, program := range tt.needs {
				wantNeeded(t, program, "the example for "+tt.name)
			}
			example := filepath.Join("../../examples/partner", tt.name)
			if tt.prepare != "" {
				copied := t.TempDir()
				if err := os.CopyFS(copied, os.DirFS(example)); err != nil {
					t.Fatal(err)
				}
				c := exec.Command("sh", "-c", tt.prepare)
				c.Dir = copied
				if out, err := c.CombinedOutput(); err != nil {
					t.Fatalf("%s: %v\n%s", tt.prepare, err, out)
				}
				example = copied
			}
			item := "ACME-" + tt.name
			s.want(http.StatusCreated, http.MethodPost, "/stock/"+item+"/count", `{"quantity":10}`, "x-api-key", "k")
			send := func(to, update string) (stdout, stderr string, err error) {
				var out, errs strings.Builder
				c := exec.Command("sh", "-c", tt.send, "sh", update)
				c.Dir = example
				c.Env = append(os.Environ(), "TALLYSTICK_URL="+to, "PARTNER=acme", "TALLYSTICK_SECRET="+strings.TrimSpace(secret), "PROGRAM="+s.cmd.Path)
				c.Stdout, c.Stderr = &out, &errs
				err = c.Run()
				return out.String(), errs.String(), err
			}
			lossy, tries := losingFirstReplies(t, s.url)
			reply, errs, err := send(lossy, `{"type":"stock.adjusted","timestamp":"2026-11-21T12:00:00Z","data":{"sku":"`+item+`","delta":-3,"reason":"caf\u00e9, é"}}`)
			if tt.name == "go" && !strings.Contains(errs, "EOF") {
				t.Errorf("it printed %q, want that the connection ended", errs)
			}
			if err != nil || !strings.HasPrefix(reply, `{"status":true,"id":"msg_`) {
				t.Errorf("it ended with %v and printed %s, %s", err, reply, errs)
			}
			if got := s.want(http.StatusOK, http.MethodGet, "/stock/"+item, ""); tries() != 3 || !strings.Contains(got, `"onHand":7,`) {
				t.Errorf("after %d tries: %s; want three, and the update done once", tries(), got)
			}
			reply, errs, err = send(s.url, `{"type":"stock.counted","timestamp":"2026-11-21T12:00:00Z","data":{"sku":"OTHER","quantity":1}}`)
			if err == nil || !strings.Contains(reply+errs, "the stock of OTHER") {
				t.Errorf("refused, it ended with %v and printed %s, %s", err, reply, errs)
			}
		})
	}
}

// TestTheShellExampleSaysWhatIsNotSet before it sends anything.
func TestTheShellExampleSaysWhatIsNotSet(t *testing.T) {
	all := []string{"TALLYSTICK_URL=http://127.0.0.1:1", "PARTNER=acme", "TALLYSTICK_SECRET=whsec_bm90IHlvdXJz"}
	for i, missing := range all {
		name, _, _ := strings.Cut(missing, "=")
		c := exec.Command("../../examples/partner/shell/send.sh", "{}")
		c.Env = slices.Concat([]string{"PATH=" + os.Getenv("PATH")}, all[:i], all[i+1:], []string{name + "="})
		out, err := c.CombinedOutput()
		if err == nil || !strings.Contains(string(out), name+": is not set") || strings.Count(string(out), "\n") != 1 {
			t.Errorf("without %s it ended with %v and printed %s; want one line that names it", name, err, out)
		}
	}
}

// losingFirstReplies is a proxy that loses the replies to the first two requests, and says
// how many there were.
func losingFirstReplies(t *testing.T, to string) (address string, requests func() int64) {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	var n atomic.Int64
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ModifyResponse = func(r *http.Response) error {
		switch n.Add(1) {
		case 1:
			io.Copy(io.Discard, r.Body)
			return fmt.Errorf("the first reply is lost") // a 502
		case 2:
			panic(http.ErrAbortHandler) // the connection ends
		}
		return nil
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	return server.URL, n.Load
}
