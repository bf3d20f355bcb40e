package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// Read here what is asked and how it is said, then doctorreach.go (is it there), doctorfunctions.go
// (each function and list), doctoraccess.go (keys, pages of other sites) and
// doctorplace.go (the machine that it runs on), doctorimport.go (is all of an archive there) and
// doctorpartners.go (can the documents of partners be read).
//
// What cannot be seen from outside is left out: whether TRUSTED_HOPS fits the proxies, for no
// reply tells an address, and whether a proxy buffers. A SQLite file is not read through,
// for that takes as long as it is large, and while others write it says little:
// sqlite3's "PRAGMA quick_check" and `tallystick verify` do it.

type doctorOptions struct {
	clientOptions
	origin   string
	debugURL string
	store    string
}

func doctorCommand() *cobra.Command {
	var o doctorOptions
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Check a deployment, or the server on this machine, and say what to mend",
		Long: `Check a deployment, or the server on this machine, and say what to mend: whether it is
there, each function, the key, pages of other sites, clocks, indexes, the documents of partners,
an import that is not finished, and of the server on this machine its file. It changes nothing
and counts no visit.

Each check is ok, a warning or FAILED; the command fails if one of them did.`,
		Example: "  tallystick doctor\n  tallystick doctor --url https://api.example.com --key KEY --origin https://example.com",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return o.run(untilInterrupted(c), c.OutOrStdout()) },
	}
	f := c.Flags()
	f.SortFlags = false
	o.clientOptions.flags(c)
	f.StringVar(&o.origin, "origin", "", "the site whose pages count and read, such as https://example.com")
	f.StringVar(&o.debugURL, "debug-url", "", "where serve --debug-addr is, such as http://127.0.0.1:6060")
	f.StringVar(&o.store, "store", "", "the database of the server, as serve has it (default: the SQLite file of this folder, where --url is this machine)")
	return c
}

func (o *doctorOptions) run(ctx context.Context, out io.Writer) error {
	cl, err := o.client()
	if err != nil {
		return err
	}
	if o.origin != "" && !isPlainOrigin(o.origin) {
		return fmt.Errorf("--origin: %q is not what a browser calls a site: https://example.com, without a path or a slash behind it", o.origin)
	}
	d := &doctor{client: cl, options: o, out: out}
	if d.reach(ctx) {
		d.functions(ctx)
		d.keys(ctx)
		d.lists(ctx)
		d.proxies(ctx)
		d.origins(ctx)
	}
	d.partners(ctx)
	d.queues(ctx)
	d.place(ctx)
	if ctx.Err() != nil {
		return errors.New("interrupted")
	}
	fmt.Fprintf(out, "\n%d ok, %s, %d failed\n", d.ok, counted(d.warnings, "warning"), d.failed)
	if d.failed > 0 {
		return fmt.Errorf("%s failed", counted(d.failed, "check"))
	}
	return nil
}

func isPlainOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") && s == strings.ToLower(u.Scheme+"://"+u.Host)
}

// doctor asks, and says what it found.
type doctor struct {
	client  *client
	options *doctorOptions
	out     io.Writer

	ok, warnings, failed int
}

func (d *doctor) well(what, found string, args ...any) {
	d.ok++
	d.line("ok", what, fmt.Sprintf(found, args...))
}

// warn and fail say what was found, and how it is mended.
func (d *doctor) warn(what, found, mend string) {
	d.warnings++
	d.line("warning", what, found+"\n"+mend)
}

func (d *doctor) fail(what, found, mend string) {
	d.failed++
	d.line("FAILED", what, found+"\n"+mend)
}

func (d *doctor) line(verdict, what, text string) {
	fmt.Fprintf(d.out, "%-8s %-16s %s\n", verdict, what, strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n"+strings.Repeat(" ", 26)))
}

// question is a request that changes nothing.
type question struct {
	method, path string
	query        url.Values
	body         []byte
	key          string // empty: none
	headers      []string
	known        func(answer) bool // whether a reply of 2xx is a Tallystick's; nil: it is not looked at
}

// answer is what came of a question. Its refusal is nil if the status is 2xx.
type answer struct {
	err     error // there was none
	foreign bool  // it is 2xx, but another program's
	status  int
	header  http.Header
	body    []byte
	refusal *refusal
	leaf    *x509.Certificate // of the server, over TLS
	asked   time.Time
	took    time.Duration
}

// answerTime is more than the gateway gives to a function.
const answerTime = 20 * time.Second

// ask asks once: what passes by itself is worth to be seen.
func (d *doctor) ask(ctx context.Context, q question) (a answer) {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	to := d.client.address(request{path: q.path, query: q.query})
	r, err := http.NewRequestWithContext(ctx, q.method, to, bytes.NewReader(q.body))
	if err != nil {
		return answer{err: err}
	}
	r.Header.Set("User-Agent", "tallystick/"+version())
	for i := 0; i < len(q.headers); i += 2 {
		r.Header.Set(q.headers[i], q.headers[i+1])
	}
	if q.key != "" {
		r.Header.Set("X-Api-Key", q.key)
		if d.client.user != "" {
			r.SetBasicAuth(d.client.user, d.client.password)
		}
	}
	a.asked = time.Now()
	reply, err := d.client.http.Do(r)
	a.took = time.Since(a.asked)
	if err != nil {
		a.err = d.client.unanswered(err)
		return a
	}
	defer reply.Body.Close()
	d.client.answered = true
	a.status, a.header = reply.StatusCode, reply.Header
	if reply.TLS != nil && len(reply.TLS.PeerCertificates) > 0 {
		a.leaf = reply.TLS.PeerCertificates[0]
	}
	if a.status/100 != 2 {
		a.refusal = readRefusal(reply)
		return a
	}
	a.body, a.err = io.ReadAll(reply.Body)
	a.foreign = a.err == nil && q.known != nil && !q.known(a)
	return a
}

// about is a question for a resource.
func about(path string, pairs ...string) question {
	return question{method: http.MethodGet, path: path, query: query(pairs...)}
}

// wants is the question whose reply is a JSON object with a field. Whatever is asked, a web
// server that answers all it does not know with one page says 200.
func (q question) wants(field string) question {
	q.known = func(a answer) bool {
		var object map[string]json.RawMessage
		return json.Unmarshal(a.body, &object) == nil && object[field] != nil
	}
	return q
}

// with is the question with the key of the options.
func (d *doctor) with(q question) question {
	q.key = d.client.key
	return q
}

// said is the answer in words.
func (a answer) said() string {
	switch {
	case a.err != nil:
		return a.err.Error()
	case a.foreign:
		return fmt.Sprintf("%d, but not as Tallystick answers", a.status)
	case a.refusal == nil:
		return fmt.Sprintf("%d", a.status)
	}
	return strings.TrimSpace(fmt.Sprintf("%d %s %s", a.status, a.refusal.code, a.refusal))
}

// good says whether Tallystick did what was asked.
func (a answer) good() bool { return a.err == nil && a.refusal == nil && !a.foreign }

// broken says whether nobody was there to answer.
func (a answer) broken() bool { return a.err != nil || a.status >= 500 }

// undefined says whether the gateway knows no such route.
func (a answer) undefined() bool {
	return a.refusal != nil && a.refusal.code == "" && (a.status == http.StatusNotFound || a.status == http.StatusMethodNotAllowed)
}
