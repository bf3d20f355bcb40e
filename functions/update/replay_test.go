package update_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync"
	"testing"
	"time"
)

func TestAnUpdateThatIsSentAgainIsDoneOnce(t *testing.T) {
	s := start(t, nil)
	s.stock(10, "ACME-1")
	for i, body := range []string{
		adjusted(take),
		counted(`{"sku":"ACME-2","quantity":1}`),
		delivered(`{"id":"D-1","status":"packed"}`),
	} {
		id := fmt.Sprint("msg_", i)
		first := s.accept(s.sign("acme", id, body))
		before := s.dump()
		for range 3 {
			s.pass(24 * time.Hour) // so it is signed anew
			again := s.accept(s.sign("acme", id, body))
			if again.body != first.body || again.header.Get("Idempotent-Replayed") != "true" {
				t.Errorf("sent again: %q %v, want %q, replayed", again.body, again.header, first.body)
			}
		}
		for _, other := range []string{body + " ", adjusted(`{"sku":"ACME-1","delta":-3}`), counted(`{"sku":"ACME-3","quantity":3}`), delivered(`{"id":"D-3","status":"x"}`)} {
			s.refuse(s.sign("acme", id, other), http.StatusUnprocessableEntity, "WEBHOOK_ID_REUSED", "Make a new one for each update")
		}
		if s.dump() != before {
			t.Errorf("%s: what was sent again has changed what is stored", body)
		}
		s.accept(s.sign("beta", id, counted(`{"sku":"BETA-1","quantity":3}`))) // another's id is another
	}
	s.onHand(map[string]int64{"ACME-1": 9, "ACME-2": 1})
}

func TestAnIDIsKnownFor7Days(t *testing.T) {
	s := start(t, nil)
	s.stock(10, "ACME-1")
	s.accept(s.sign("acme", "msg_1", adjusted(take)))
	s.pass(7*24*time.Hour - time.Second)
	s.accept(s.sign("acme", "msg_1", adjusted(take)))
	s.onHand(map[string]int64{"ACME-1": 9})
	s.pass(time.Second)
	if r := s.accept(s.sign("acme", "msg_1", adjusted(take))); r.header.Get("Idempotent-Replayed") != "" {
		t.Error("after 7 days it is replayed, want it done")
	}
	s.onHand(map[string]int64{"ACME-1": 8})
}

// TestUpdatesWhoseRepliesAreDroppedAreDoneOnce: each is sent 3 to 10 times, to two
// instances, through a proxy that throws 30 % of the replies away.
func TestUpdatesWhoseRepliesAreDroppedAreDoneOnce(t *testing.T) {
	s := start(t, nil)
	s.stock(10_000, "ACME-0", "ACME-1", "ACME-2", "ACME-3")
	proxies := []string{dropping(t, s.url), dropping(t, s.serve(s.db, nil))}
	const ids = 1000
	body := func(id int) string {
		if id%5 == 4 {
			return delivered(fmt.Sprintf(`{"id":"D-%d","status":"s%d"}`, id%40, id))
		}
		return adjusted(fmt.Sprintf(`{"sku":"ACME-%d","delta":-1}`, id%5))
	}
	var sends []int
	for id := range ids {
		for range 3 + rand.IntN(8) {
			sends = append(sends, id)
		}
	}
	rand.Shuffle(len(sends), func(i, j int) { sends[i], sends[j] = sends[j], sends[i] })
	told := newTellings(t)
	var all sync.WaitGroup
	const workers = 16
	for w := range workers {
		all.Go(func() {
			for i := w; i < len(sends); i += workers {
				id := fmt.Sprint("msg_", sends[i])
				r, err := s.try(t.Context(), proxies[rand.IntN(2)], s.sign("acme", id, body(sends[i])))
				told.add(id, r, err)
			}
		})
	}
	all.Wait()
	t.Logf("%d updates were sent %d times; %d replies were dropped, %d said that it was under way", ids, len(sends), told.dropped, told.conflicts)
	if told.dropped < len(sends)/5 || len(told.bodies) < ids*9/10 {
		t.Errorf("%d of %d replies were dropped, and %d updates had one: want about 30 %%, and nearly all", told.dropped, len(sends), len(told.bodies))
	}
	s.wantOnce(ids + 1)
	s.onHand(map[string]int64{"ACME-0": 9_800, "ACME-1": 9_800, "ACME-2": 9_800, "ACME-3": 9_800})
	events := 0
	for d := range 40 {
		if d%5 == 4 {
			events += len(s.delivery(fmt.Sprint("D-", d)).Events)
		}
	}
	if events != ids/5 {
		t.Errorf("the deliveries have %d events, want %d", events, ids/5)
	}
}

// dropping is a proxy before an instance.
func dropping(t *testing.T, to string) string {
	t.Helper()
	target, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rand.Float64() < 0.3 {
			proxy.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// tellings is what the senders of updates were told.
type tellings struct {
	*testing.T
	mu                 sync.Mutex
	bodies             map[string]string // by id
	dropped, conflicts int
}

func newTellings(t *testing.T) *tellings { return &tellings{T: t, bodies: make(map[string]string)} }

// add takes a reply: the same as all before it, or that it is under way, or none.
func (s *tellings) add(id string, r reply, err error) (done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before, known := s.bodies[id]
	switch {
	case err != nil:
		s.dropped++
	case r.status == http.StatusConflict && r.code() == "UPDATE_IN_FLIGHT" && r.header.Get("Retry-After") != "":
		s.conflicts++
	case r.status != http.StatusOK || known && r.body != before:
		s.Errorf("%s: %d %s, want 200 %s", id, r.status, r.body, before)
	default:
		s.bodies[id] = r.body
		return true
	}
	return false
}

// wantOnce wants acme to have so many rows, no two of one id.
func (s *server) wantOnce(n int) {
	s.Helper()
	seen := make(map[string]bool)
	rows := s.rows("acme")
	for _, r := range rows {
		if seen[r.ID] {
			s.Errorf("%s has two rows", r.ID)
		}
		seen[r.ID] = true
	}
	if len(rows) != n {
		s.Errorf("%d rows, want %d", len(rows), n)
	}
}

func TestFiftyAtOnceWithOneIDAreDoneOnce(t *testing.T) {
	s := start(t, nil)
	s.stock(100, "ACME-1")
	urls := []string{s.url, s.serve(s.db, nil)}
	told := newTellings(t)
	var all sync.WaitGroup
	for i := range 50 {
		all.Go(func() {
			for {
				r, err := s.try(t.Context(), urls[i%2], s.sign("acme", "msg_1", adjusted(take)))
				if told.add("msg_1", r, err) || t.Failed() {
					return
				}
			}
		})
	}
	all.Wait()
	t.Logf("%d were told that it is under way", told.conflicts)
	s.wantOnce(2)
	s.onHand(map[string]int64{"ACME-1": 99})
}

func TestASecondUpdateOfAnIDThatIsUnderWayIsToldSo(t *testing.T) {
	s := start(t, nil)
	s.stock(10, "ACME-1")
	entered, leave := make(chan bool), make(chan bool)
	release := sync.OnceFunc(func() { close(leave) })
	t.Cleanup(release) // also when the test fails, or the server would wait
	s.store.fail(func() error { entered <- true; <-leave; return nil })
	var first reply
	var all sync.WaitGroup
	all.Go(func() {
		var err error
		if first, err = s.try(t.Context(), s.url, s.sign("acme", "msg_1", adjusted(take))); err != nil {
			t.Error(err)
		}
	})
	<-entered
	s.store.fail(nil)
	r := s.refuse(s.sign("acme", "msg_1", adjusted(take)), http.StatusConflict, "UPDATE_IN_FLIGHT", "Send it again for its reply")
	if got := r.header.Get("Retry-After"); got != "1" {
		t.Errorf("Retry-After %q, want 1", got)
	}
	s.accept(s.sign("beta", "msg_1", counted(`{"sku":"BETA-1","quantity":3}`))) // which has nothing to do with it
	release()
	all.Wait()
	if again := s.accept(s.sign("acme", "msg_1", adjusted(take))); again.body != first.body || first.status != http.StatusOK {
		t.Errorf("%+v and then %+v, want the same", first, again)
	}
	s.onHand(map[string]int64{"ACME-1": 9})
}
