package recordhttp_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// family is one of the two families of routes.
type family string

const (
	fixedNames family = "fixed names" // /store?collection=…, the old clients'
	resources  family = "resources"   // /records/{collection}/…
)

// call is an operation as one family says it.
type call struct {
	method, path, body string
	headers            []string

	// common makes of the family's answer what both have.
	common func(reply) reply
}

// step is one operation of a script and what comes of it. In what is sent, $x.etag and
// $x.next are those of the step that was saved as x.
type step struct {
	ask  func(family) call
	want string // status, and an error's code
	says string // in the body
	ids  string // of the records of a list, separated by spaces
	save string
	walk []step        // all pages of a list, with these steps between one and the next; empty, not nil: none
	wait time.Duration // in place of asking: passes

	unordered bool // a list of records whose ids are made: in any order
}

// script is a sequence of operations that every backend answers in the same way,
// whichever family of routes it is said in.
type script struct {
	name  string
	steps []step
}

func query(params ...string) string {
	all := ""
	for i := 0; i < len(params); i += 2 {
		all += "&" + params[i] + "=" + in(params[i+1])
	}
	if all == "" {
		return ""
	}
	return "?" + all[1:]
}

// The operations. params are pairs of name and value.

func storing(collection, body string, params ...string) func(family) call {
	return func(f family) call {
		if f == fixedNames {
			return call{method: "POST", path: "/store" + query(append([]string{"collection", collection}, params...)...), body: body}
		}
		return call{method: "POST", path: "/records/" + collection + query(params...), body: body}
	}
}

func listing(collection string, params ...string) func(family) call {
	return func(f family) call {
		if f == fixedNames {
			return call{method: "GET", path: "/fetchAll" + query(append([]string{"collection", collection}, params...)...)}
		}
		return call{method: "GET", path: "/records/" + collection + query(params...)}
	}
}

func filtering(collection, filter string, params ...string) func(family) call {
	return func(f family) call {
		if f == fixedNames {
			body, _ := json.Marshal(map[string]string{"filter": filter})
			return call{method: "POST", path: "/filter" + query(append([]string{"collection", collection}, params...)...), body: string(body)}
		}
		return call{method: "GET", path: "/records/" + collection + query(append(params, "filter", filter)...)}
	}
}

// equal is the filter {"field":value,…}, which the resource routes do not have.
func equal(collection, body string, params ...string) func(family) call {
	return same("POST", "/filter"+query(append([]string{"collection", collection}, params...)...), body)
}

// fetching is a record by its id: of fetchMany's answer, the record.
func fetching(collection, id string) func(family) call {
	return func(f family) call {
		if f == resources {
			return call{method: "GET", path: "/records/" + collection + "/" + id, common: func(r reply) reply {
				if r.status == http.StatusNotFound {
					r.body = "missing\n"
				}
				return reply{status: r.status, body: r.body}
			}}
		}
		return call{method: "GET", path: "/fetchMany" + query("collection", collection, "ids", id), common: func(r reply) reply {
			var many struct {
				Records []json.RawMessage
				Missing []string
			}
			if json.Unmarshal([]byte(r.body), &many) != nil || len(many.Records)+len(many.Missing) != 1 {
				return r
			}
			if len(many.Missing) == 1 {
				return reply{status: http.StatusNotFound, body: "missing\n"}
			}
			return reply{status: r.status, body: string(many.Records[0]) + "\n"}
		}}
	}
}

// removing is what both have of removals: a record that is missing is 404 here, and
// named there.
func removing(collection, id string) func(family) call {
	return func(f family) call {
		c := call{method: "DELETE", path: "/records/" + collection + "/" + id}
		if f == fixedNames {
			c.path = "/delete" + query("collection", collection, "ids", id)
		}
		c.common = func(r reply) reply {
			if r.status == http.StatusNotFound || strings.Contains(r.body, `"deleted":[]`) {
				return reply{status: http.StatusNotFound, body: "missing\n"}
			}
			return r
		}
		return c
	}
}

// same is an operation that one family alone has, or that is said as it stands.
func same(method, path, body string, headers ...string) func(family) call {
	return func(family) call { return call{method: method, path: path, body: body, headers: headers} }
}

func putting(collection, id, body string, headers ...string) func(family) call {
	return same("PUT", "/records/"+collection+"/"+id, body, headers...)
}

func patching(collection, id, body string, headers ...string) func(family) call {
	return same("PATCH", "/records/"+collection+"/"+id, body, headers...)
}

func configuring(collection, body string, headers ...string) func(family) call {
	return same("PUT", "/collections/"+collection, body, headers...)
}

func trying(collection, body string) func(family) call {
	return same("POST", "/collections/"+collection+"/try", body)
}

// TestEveryBackendAndBothFamiliesOfRoutesAnswerTheSame runs each script in each of the
// worlds. What it says it wants holds in all of them; and all that each answers, byte for
// byte, but for the ids and tokens that they make, is what the first did.
func TestEveryBackendAndBothFamiliesOfRoutesAnswerTheSame(t *testing.T) {
	for _, s := range scripts {
		t.Run(s.name, func(t *testing.T) {
			var first []string
			for _, b := range backends {
				for _, f := range []family{fixedNames, resources} {
					t.Run(fmt.Sprintf("%s, %s", b.name, f), func(t *testing.T) {
						got := s.run(newWorld(t, b), f)
						if first == nil {
							first = got
						}
						for i := range min(len(got), len(first)) {
							if got[i] != first[i] {
								t.Errorf("step %d answers\n\t%.1500s\nwhere the first world does\n\t%.1500s", i+1, got[i], first[i])
							}
						}
					})
				}
			}
		})
	}
}

// run returns what each step answered.
func (s script) run(w *world, f family) (transcript []string) {
	w.Helper()
	p := &player{world: w, family: f, saved: make(map[string]string), made: make(map[string]string)}
	for i, st := range s.steps {
		if w.Failed() {
			break
		}
		transcript = append(transcript, p.play(fmt.Sprintf("step %d", i+1), st))
	}
	return transcript
}

type player struct {
	*world
	family family
	saved  map[string]string // $name.etag → its value
	made   map[string]string // ids that were made, in the order they came
}

func (p *player) play(name string, st step) string {
	p.Helper()
	if st.wait > 0 {
		p.pass(st.wait)
		return fmt.Sprintf("waited %v", st.wait)
	}
	c := st.ask(p.family)
	if st.walk != nil {
		return p.pages(name, c, st)
	}
	r := p.answer(c)
	p.check(name, c, st, r, idsIn(r.body))
	if st.unordered {
		return fmt.Sprint(r.status)
	}
	if st.save != "" {
		p.saved["$"+st.save+".etag"] = r.header.Get("ETag")
		p.saved["$"+st.save+".next"] = nextIn(r.body)
	}
	return p.normal(r)
}

func (p *player) answer(c call) reply {
	p.Helper()
	headers := make([]string, len(c.headers))
	for i, h := range c.headers {
		headers[i] = p.filled(h)
	}
	r := p.send(c.method, p.filled(c.path), p.filled(c.body), headers...)
	if c.common != nil {
		r = c.common(r)
	}
	return r
}

// filled puts what was saved in its places.
func (p *player) filled(s string) string {
	for name, value := range p.saved {
		s = strings.ReplaceAll(s, name, value)
		s = strings.ReplaceAll(s, in(name), in(value))
	}
	return s
}

func (p *player) check(name string, c call, st step, r reply, ids []string) {
	p.Helper()
	got := fmt.Sprint(r.status)
	if code := codeOf(r); code != "" {
		got += " " + code
	}
	if got != st.want {
		p.Errorf("%s: %s %.200s answers %s %.600s, want %s", name, c.method, c.path, got, r.body, st.want)
	}
	if !strings.Contains(r.body, st.says) {
		p.Errorf("%s: %s %.200s answers %.600s, want it to say %q", name, c.method, c.path, r.body, st.says)
	}
	if st.ids != "" && strings.Join(ids, " ") != strings.TrimSpace(st.ids) {
		p.Errorf("%s: %s %.200s answers the records %v, want [%s]", name, c.method, c.path, ids, st.ids)
	}
	if r.status >= 400 && r.header != nil {
		if found := notForPeople.FindString(r.body); found != "" {
			p.Errorf("%s: body %.600s, want it without %q", name, r.body, found)
		}
	}
}

// pages follows a list to its end. Where its pages end may differ, and does not count.
func (p *player) pages(name string, c call, st step) string {
	p.Helper()
	var ids []string
	var all strings.Builder
	token := ""
	for page := 0; ; page++ {
		one := c
		if token != "" {
			one.path += "&pageToken=" + in(token)
			if !strings.Contains(c.path, "?") {
				one.path = c.path + "?pageToken=" + in(token)
			}
		}
		r := p.answer(one)
		ids = append(ids, idsIn(r.body)...)
		if token = nextIn(r.body); token == "" {
			p.check(name, c, st, r, ids)
			break
		}
		if page > 200 {
			p.Fatalf("%s: over 200 pages, with %v", name, ids)
		}
		if page < len(st.walk) {
			p.play(fmt.Sprintf("%s, after page %d", name, page+1), st.walk[page])
		}
		fmt.Fprintln(&all, recordsIn(r.body))
	}
	return strings.Join(ids, " ")
}

func idsIn(body string) (ids []string) {
	var list struct {
		IDs     []string
		Records []struct{ ID string }
	}
	_ = json.Unmarshal([]byte(body), &list)
	if list.Records == nil {
		return list.IDs
	}
	for _, r := range list.Records {
		ids = append(ids, r.ID)
	}
	return ids
}

func recordsIn(body string) string {
	var list struct{ Records []json.RawMessage }
	_ = json.Unmarshal([]byte(body), &list)
	return fmt.Sprintf("%s", list.Records)
}

func nextIn(body string) string {
	var list struct{ NextPageToken string }
	_ = json.Unmarshal([]byte(body), &list)
	return list.NextPageToken
}

var (
	madeID    = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)
	pageToken = regexp.MustCompile(`"nextPageToken":"[^"]+"`)
)

// normal is a reply without what each world makes anew.
func (p *player) normal(r reply) string {
	body := madeID.ReplaceAllStringFunc(r.body, func(id string) string {
		if p.made[id] == "" {
			p.made[id] = fmt.Sprintf("made-%d", len(p.made)+1)
		}
		return p.made[id]
	})
	body = pageToken.ReplaceAllString(body, `"nextPageToken":"…"`)
	text := fmt.Sprint(r.status)
	for _, name := range []string{"Content-Type", "ETag", "Idempotent-Replayed", "Retry-After", "Cache-Control"} {
		if v := r.header.Get(name); v != "" {
			text += fmt.Sprintf(" %s: %s", name, v)
		}
	}
	return text + "\n" + body
}
