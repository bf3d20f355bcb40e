//go:build unix

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// docPatience is for what a block does; it decides only how late a test fails.
const docPatience = time.Minute

// docPage is a server, for the blocks of one page.
type docPage struct {
	*server
	chromium context.Context
	key      string
	env      []string
	scripts  int
}

func openDocPage(t *testing.T, chromium context.Context) *docPage {
	t.Helper()
	folder := t.TempDir()
	partner := command(t, folder, "partner", "add", "acme", "--types", "stock.*,delivery.updated", "--skus", "ACME-*")
	secret, err := partner.Output()
	if err != nil {
		t.Fatalf("partner add: %v", err)
	}
	client, err := os.ReadFile("../../web/tallystick.js")
	if err != nil {
		t.Fatal(err)
	}
	s := startServer(t, folder, "PARTNERS=partners")
	s.file("tallystick.js", string(client))
	d := &docPage{server: s, chromium: chromium, key: s.keptKey()}
	d.env = append(partner.Env, "PATH="+filepath.Dir(partner.Path)+":"+os.Getenv("PATH"), "KEY="+d.key,
		"TALLYSTICK_URL="+s.url, "TALLYSTICK_SECRET="+strings.TrimSpace(string(secret)))
	return d
}

func (d *docPage) run(place string, b block) {
	d.Helper()
	switch b.language {
	case "console":
		d.answers(place, b)
	case "sh":
		if out, err := d.shell(b.text); err != nil {
			d.Errorf("%s: %v\n%s\nsays: %s", place, err, b.text, out)
		}
	case "js":
		d.runs(place, b)
	case "html":
		d.shows(place, b)
	case "json":
		if err := isJSON(b.text); err != nil {
			d.Errorf("%s: %v", place, err)
		}
	case "text":
	default:
		d.Errorf("%s: no test knows how to run a block of %q", place, b.language)
	}
}

func (d *docPage) answers(place string, b block) {
	d.Helper()
	examples := b.examples()
	if len(examples) == 0 {
		d.Errorf("%s: a block of console has no command, which begins with \"$ \"", place)
	}
	for _, e := range examples {
		got, err := d.shell(e.command)
		if err != nil {
			d.Errorf("%s: %s: %v", place, e.command, err)
		}
		if !isAsWritten(got, e.want) {
			d.Errorf("%s: %s\nanswers: %s\nwritten: %s", place, e.command, got, e.want)
		}
	}
}

// shell runs a command as a reader does, in the server's folder, and returns what it
// printed as it would for one whose server is at docsURL.
func (d *docPage) shell(command string) (string, error) {
	out, err := d.ends("sh", "-ec", d.here(strings.ReplaceAll(command, "curl ", "curl --silent --show-error --globoff ")))
	return strings.ReplaceAll(string(out), d.url, docsURL), err
}

// ends runs a program, and all that it starts, to the end.
func (d *docPage) ends(program string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(d.Context(), docPatience)
	defer cancel()
	c := exec.CommandContext(ctx, program, args...)
	c.Dir, c.Env = d.cmd.Dir, d.env
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	c.Cancel = func() error { return syscall.Kill(-c.Process.Pid, syscall.SIGKILL) }
	return c.CombinedOutput()
}

// here puts this server in the place of the reader's.
func (d *docPage) here(text string) string {
	return strings.NewReplacer(docsURL, d.url, docsHost, d.url, "'KEY'", "'"+d.key+"'").Replace(text)
}

var logs = regexp.MustCompile(`(?m)console\.log\(.*// (.*)$`)

// runs a program in Node.
func (d *docPage) runs(place string, b block) {
	d.Helper()
	d.scripts++
	name := fmt.Sprintf("block%d.mjs", d.scripts)
	d.file(name, d.here(b.text))
	out, err := d.ends("node", name)
	var want strings.Builder
	for _, m := range logs.FindAllStringSubmatch(b.text, -1) {
		fmt.Fprintln(&want, m[1])
	}
	if err != nil || !isAsWritten(string(out), want.String()) {
		d.Errorf("%s: %v\nprints:  %s\nwritten: %s", place, err, out, want.String())
	}
}

// shows opens a page of another site that has this in it.
func (d *docPage) shows(place string, b block) {
	d.Helper()
	content := strings.NewReplacer("<noscript>", "", "</noscript>", "").Replace(d.here(b.text))
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, `<!doctype html><html lang="en"><link rel="icon" href="data:,">%s`, content)
	}))
	d.Cleanup(site.Close)
	tb := newTab(d.T, d.chromium)
	tb.open(strings.Replace(site.URL, "127.0.0.1", "your.site", 1) + "/article")
	var lacks string
	for until := time.Now().Add(docPatience); time.Now().Before(until); time.Sleep(10 * time.Millisecond) {
		var err error
		if lacks, err = chromedp.Run(tb.ctx, chromedp.Evaluate[string](lacking)); err == nil && lacks == "" {
			return
		}
	}
	d.Errorf("%s: the page has no number in, or no image: %s", place, lacks)
}

// lacking is the elements that have no number, or that no script knows, and the images that
// are not there, or else that there is none of them.
const lacking = `(() => {
	const numbers = [...document.querySelectorAll('visit-count, stock-count')], images = [...document.images];
	const lacking = numbers.filter(e => !/^[\d.,]+[km]?$/i.test(e.textContent)).concat(images.filter(i => !i.complete || !i.naturalWidth),
		[...document.querySelectorAll(':not(:defined)')]);
	return numbers.length + images.length ? lacking.map(e => e.outerHTML).join(' ') : 'nothing to show';
})()`

// isJSON is for one value, or for one in each line.
func isJSON(text string) error {
	values := json.NewDecoder(strings.NewReader(text))
	for {
		var v any
		if err := values.Decode(&v); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}
