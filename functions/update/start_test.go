package update_test

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallystick/tallystick/functions/update"
	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/storage"
)

// TestTheFunctionStartsWithoutPartnersThatCannotBe, and logs in which file what is wrong. The
// others are let in, and who signs for one that is left out is told to try again.
func TestTheFunctionStartsWithoutPartnersThatCannotBe(t *testing.T) {
	for _, tt := range []struct {
		name, file, text string
		says             []string
	}{
		{"a short secret", "short.json", `{"id":"short","keys":[{"secret":"whsec_c2hvcnQ="}],"types":["*"],"skus":["*"]}`, []string{"short.json", "24 to 64 bytes"}},
		{"a shared secret", "other.json", `{"id":"other","keys":[{"secret":"` + secretOf("acme") + `"}],"types":["*"],"skus":["*"]}`, []string{"other.json", "acme.json", "secret"}},
		{"a shared token", "other.json", `{"id":"other","legacy":{"token":"` + tokenOf("acme") + `","text":["raw"]}}`, []string{"other.json", "acme.json", "token"}},
		{"no JSON", "broken.json", `{"id":"broken",`, []string{"broken.json"}},
		{"an empty file", "empty.json", "", []string{"empty.json", "empty"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := start(t, nil)
			s.write(tt.file, tt.text)
			s.forget()
			s.url = s.serve(s.store, nil)
			said := s.logged()
			for _, want := range append(tt.says, "partners cannot be read") {
				if !strings.Contains(said, want) {
					t.Errorf("it logs %q, want %q in it", said, want)
				}
			}
			if strings.Count(said, "partners cannot be read") != 1 {
				t.Errorf("it logs %q, want it once", said)
			}
			if strings.Contains(said, "c2hvcnQ") {
				t.Errorf("it logs %q, and so a secret", said)
			}
			s.accept(s.sign("beta", "msg_1", counted(`{"sku":"BETA-1","quantity":1}`)))
			s.refuse(s.sign("other", "msg_2", counted(`{"sku":"A","quantity":1}`)), http.StatusServiceUnavailable, "PARTNERS_UNAVAILABLE", "Nothing was done")
		})
	}
}

// TestTheFunctionDoesNotStartWithoutItsFolder, which may not be mounted.
func TestTheFunctionDoesNotStartWithoutItsFolder(t *testing.T) {
	f := edge.Function{Name: "update", EntryPoint: "Update", Register: update.Register}
	none := filepath.Join(t.TempDir(), "none")
	_, err := edge.New(f, edge.Env{Config: edge.Config{Partners: none, TrustedHops: 1}}, nil)
	if err == nil || !strings.Contains(err.Error(), "PARTNERS: "+none+": there is no such folder") {
		t.Errorf("error %v, want that there is no such folder", err)
	}
}

func TestPartnersAreReadAgainAfter60Seconds(t *testing.T) {
	s := start(t, nil)
	s.write("new.json", fmt.Sprintf(`{"id":"new","keys":[{"secret":%q}],"types":["*"],"skus":["*"]}`, secretOf("new")))
	s.pass(60*time.Second - 1)
	s.refuse(s.sign("new", "msg_1", counted(`{"sku":"A","quantity":1}`)), http.StatusUnauthorized, "SIGNATURE_INVALID", "")
	s.pass(1)
	s.accept(s.sign("new", "msg_1", counted(`{"sku":"A","quantity":1}`)))
	s.write("new.json", fmt.Sprintf(`{"id":"new","keys":[{"secret":%q}],"types":["delivery.*"],"skus":["*"]}`, secretOf("new")))
	s.pass(time.Minute)
	s.refuse(s.sign("new", "msg_2", counted(`{"sku":"A","quantity":1}`)), http.StatusForbidden, "NOT_ALLOWED", "stock.counted")
}

// TestPartnersThatCannotBeReadAreGoodFor10Minutes, after which nobody is let in, and a
// partner is told to try again. A document that cannot be read keeps none but its own out.
func TestPartnersThatCannotBeReadAreGoodFor10Minutes(t *testing.T) {
	s := start(t, nil)
	s.stock(10, "ACME-1")
	s.write("beta.json", "{")
	s.pass(10 * time.Minute)
	s.accept(s.sign("beta", "msg_1", counted(`{"sku":"BETA-1","quantity":1}`)))
	s.pass(time.Second)
	s.refuseAllAlike("beta", "acme", "nobody")
	s.accept(s.sign("acme", "msg_0", adjusted(take)))

	s.pass(time.Minute)
	s.accept(s.sign("acme", "msg_00", adjusted(take)))
	s.rename(s.folder, s.folder+".gone")
	s.pass(10 * time.Minute)
	s.accept(s.sign("acme", "msg_1", adjusted(take)))
	s.pass(time.Second)
	r := s.refuse(s.sign("acme", "msg_2", adjusted(take)), http.StatusServiceUnavailable, "PARTNERS_UNAVAILABLE", "Nothing was done")
	if r.header.Get("Retry-After") != "30" {
		t.Errorf("%v, want Retry-After 30", r.header)
	}
	s.rename(s.folder+".gone", s.folder)
	s.pass(time.Minute)
	s.accept(s.sign("acme", "msg_2", adjusted(take)))
}

// refuseAllAlike wants who cannot prove to be one of these to be told to try again, in words
// that do not tell one from another: beta's document is broken, and it signs rightly.
func (s *server) refuseAllAlike(partners ...string) {
	s.Helper()
	first := ""
	for _, partner := range partners {
		with := map[string]string{"beta": "beta"}[partner]
		rightly := s.signAt(partner, cmp.Or(with, "another"), "msg_2", counted(`{"sku":"BETA-1","quantity":2}`), s.clock())
		unsigned := message{rightly.path, http.Header{"Content-Type": {"application/json"}}, rightly.body}
		for _, m := range []message{rightly, unsigned} {
			r := s.refuse(m, http.StatusServiceUnavailable, "PARTNERS_UNAVAILABLE", "Nothing was done")
			r.header.Del("Date")
			if all := fmt.Sprint(r.status, r.header, r.body); first == "" {
				first = all
			} else if all != first {
				s.Errorf("%s: it is told %s, and another %s", m.path, all, first)
			}
			if r.header.Get("Retry-After") != "30" {
				s.Errorf("%v, want Retry-After 30", r.header)
			}
		}
	}
}

func (s *server) rename(from, to string) {
	s.Helper()
	if err := os.Rename(from, to); err != nil {
		s.Fatal(err)
	}
}

// TestARotationRefusesNoRequest: while the document changes, and the partner from one key
// to the next, requests come all the time.
func TestARotationRefusesNoRequest(t *testing.T) {
	s := start(t, nil)
	document := func(keys string) {
		s.write("acme.json", `{"id":"acme","keys":[`+keys+`],"types":["*"],"skus":["ACME-*"]}`)
	}
	key := func(name string) string { return fmt.Sprintf(`{"secret":%q}`, secretOf(name)) }
	n := 0
	send := func(keys ...string) {
		t.Helper()
		var all sync.WaitGroup
		for range 8 {
			for _, k := range keys {
				n++
				id := fmt.Sprint("msg_", n)
				all.Go(func() {
					r, err := s.try(t.Context(), s.url, s.signAt("acme", k, id, counted(`{"sku":"ACME-1","quantity":1}`), s.clock()))
					if err != nil || r.status != http.StatusOK {
						t.Errorf("with key %s: %+v, %v, want 200", k, r, err)
					}
				})
			}
		}
		all.Wait()
	}
	names := []string{"acme", "second", "third", "fourth"}
	for i, next := range names[1:] {
		old := names[i]
		document(key(old))
		s.pass(time.Minute)
		send(old)
		end := s.clock().Add(10 * time.Minute).Format(time.RFC3339)
		document(fmt.Sprintf(`{"secret":%q,"notAfter":%q},`, secretOf(old), end) + key(next))
		send(old) // the new one is not known yet
		s.pass(time.Minute)
		send(old, next)
		s.pass(9 * time.Minute)
		send(old, next)
		s.pass(time.Second)
		send(next)
		s.refuse(s.signAt("acme", old, "late", counted(`{"sku":"ACME-1","quantity":1}`), s.clock()), http.StatusUnauthorized, "SIGNATURE_INVALID", "")
	}
	if got := len(s.rows("acme")); got != n {
		t.Errorf("%d rows, want %d", got, n)
	}
}

// TestNothingSecretIsLogged, whatever goes wrong. That the log has something is checked
// too; and all other tests look for secrets at their end.
func TestNothingSecretIsLogged(t *testing.T) {
	s := startOld(t)
	s.stock(10, "ACME-1")
	for _, fault := range []func() error{
		func() error { return errors.New("the first fault") },
		func() error { panic("the second fault") },
		func() error { return fmt.Errorf("%w: the third fault", storage.ErrUnavailable) },
		func() error { return fmt.Errorf("%w: the fourth fault", storage.ErrUnknown) },
	} {
		s.store.fail(fault)
		s.post(s.sign("acme", "msg_1", adjusted(take)))
		s.post(s.sign("acme", "msg_2", delivered(`{"id":"D-1","status":"x"}`)))
		s.post(oldOf("acme", `{"a":1}`))
		s.get("/partners/acme/updates")
		s.get("/deliveries/D-1")
	}
	s.write("broken.json", fmt.Sprintf(`{"id":"broken","keys":[{"secret":%q}],"types":["*"],"skus":["*"]}`, secretOf("acme")))
	s.write("worse.json", fmt.Sprintf(`{"id":"worse","keys":[{"secret":%q,`, secretOf("beta")))
	s.pass(time.Hour)
	s.post(s.sign("acme", "msg_1", adjusted(take)))
	logged.Lock()
	text := logged.text.String()
	logged.Unlock()
	for _, want := range []string{"the first fault", "the second fault", "the third fault", "the fourth fault", "partners cannot be read"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in the log: the test shows nothing", want)
		}
	}
	wantNoSecretLogged(t)
}
