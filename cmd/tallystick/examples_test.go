//go:build unix

package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestExamplesForPartners lets each of them, and sign, send an update to serve. Its first try is
// put off, and the replies to the next are lost on the way, once with a 502 and once with the
// connection, so it has to try again, as late as it is told, and the update to be done once.
// By the id that it is told when all fails it sends the same once more.
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
		send    string // $1 is the update, $2 its id or nothing
	}{
		{"go", []string{"go"}, "", `go run . "$@"`},
		{"javascript", []string{"node", "npm"}, "npm ci --silent --no-audit --no-fund", `node send.mjs "$@"`},
		{"python", []string{"python3"}, "", `python3 send.py "$@"`},
		{"shell", []string{"curl", "openssl", "od"}, "", `./send.sh "$@"`},
		{"", nil, "", `printf %s "$1" | "$PROGRAM" sign --partner acme ${2:+--id "$2"} --send`},
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
			send := func(to string, update ...string) (stdout, stderr string, err error) {
				var out, errs strings.Builder
				c := exec.Command("sh", append([]string{"-c", tt.send, "sh"}, update...)...)
				c.Dir = example
				c.Env = append(os.Environ(), "TALLYSTICK_URL="+to, "PARTNER=acme", "TALLYSTICK_SECRET="+strings.TrimSpace(secret), "PROGRAM="+s.cmd.Path)
				c.Stdout, c.Stderr = &out, &errs
				err = c.Run()
				return out.String(), errs.String(), err
			}
			lossy, tries := losingFirstTries(t, s.url)
			update := `{"type":"stock.adjusted","timestamp":"2026-11-21T12:00:00Z","data":{"sku":"` + item + `","delta":-3,"reason":"caf\u00e9, é"}}`
			reply, errs, err := send(lossy, update)
			if tt.name == "go" && !strings.Contains(errs, "EOF") {
				t.Errorf("it printed %q, want that the connection ended", errs)
			}
			if err != nil || !strings.HasPrefix(reply, `{"status":true,"id":"msg_`) {
				t.Errorf("it ended with %v and printed %s, %s", err, reply, errs)
			}
			if got := s.want(http.StatusOK, http.MethodGet, "/stock/"+item, ""); tries() != 4 || !strings.Contains(got, `"onHand":7,`) {
				t.Errorf("after %d tries: %s; want four, and the update done once", tries(), got)
			}
			var done struct{ ID string }
			if err := json.Unmarshal([]byte(reply), &done); err != nil {
				t.Fatal(err)
			}
			if again, errs, err := send(s.url, update, done.ID); err != nil || again != reply {
				t.Errorf("with the id again it ended with %v and printed %s, %s, want %s", err, again, errs, reply)
			}
			if got := s.want(http.StatusOK, http.MethodGet, "/stock/"+item, ""); !strings.Contains(got, `"onHand":7,`) {
				t.Errorf("with the id again: %s; want the update done once", got)
			}
			reply, errs, err = send(s.url, `{"type":"stock.counted","timestamp":"2026-11-21T12:00:00Z","data":{"sku":"OTHER","quantity":1}}`)
			if err == nil || !strings.Contains(reply+errs, "the stock of OTHER") {
				t.Errorf("refused, it ended with %v and printed %s, %s", err, reply, errs)
			}
			if tt.name != "" && !regexp.MustCompile(`to send the same again: webhook-id msg_[A-Za-z0-9-]+\n`).MatchString(errs) {
				t.Errorf("refused, it says %s, want the id", errs)
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

// losingFirstTries is a proxy that puts the first request off, loses the replies to the next
// two, and says how many there were.
func losingFirstTries(t *testing.T, to string) (address string, requests func() int64) {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	const putOff = 3 * time.Second // more than any of them waits by itself
	begun := time.Now()
	var n, firstAt atomic.Int64
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ModifyResponse = func(r *http.Response) error {
		switch n.Load() {
		case 2:
			io.Copy(io.Discard, r.Body)
			return fmt.Errorf("the first reply is lost") // a 502
		case 3:
			panic(http.ErrAbortHandler) // the connection ends
		}
		return nil
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch n.Add(1) {
		case 1:
			firstAt.Store(int64(time.Since(begun)))
			w.Header().Set("Retry-After", fmt.Sprint(putOff.Seconds()))
			w.WriteHeader(http.StatusTooManyRequests)
			return
		case 2:
			if early := putOff - (time.Since(begun) - time.Duration(firstAt.Load())); early > 0 {
				t.Errorf("it tries again %v too early", early)
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, n.Load
}
