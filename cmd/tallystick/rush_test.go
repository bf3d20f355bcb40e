//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

const (
	units  = 100
	buyers = 200
)

// rushKills is how often a rush's server is killed.
func rushKills() int {
	if soak {
		return 8
	}
	return 2
}

// TestARushSellsWhatThereIs: 200 buyers, each with keys of his own, reserve one of 100
// units and commit it, while the server is killed again and again. Exactly 100 are sold,
// nobody ever sees less than none, and what all were told is what they would have been told
// one after the other.
func TestARushSellsWhatThereIs(t *testing.T) {
	for _, tt := range []struct {
		name   string
		args   []string
		atOnce int
	}{
		{"200 at once", nil, buyers},
		{"200 at once, a process for each function", []string{"--processes"}, buyers},
		// Among more, porcupine would have too many orders to try that a read might be of.
		{"8 at once, and who only look", nil, 8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder, args := t.TempDir(), append(tt.args, "RATE_LIMIT=0", "API_KEYS=key")
			s := startServer(t, folder, args...)
			s.want(http.StatusCreated, http.MethodPost, "/stock/TICKET/count", fmt.Sprintf(`{"quantity":%d}`, units), "X-Api-Key", "key", "Content-Type", "application/json")
			r := newRush(t, s.url, tt.atOnce)
			random := rand.New(rand.NewPCG(1, 2))
			waves := rushKills() + 1
			for wave := range waves {
				enough := r.verdicts.Load() + random.Int64N(buyers/int64(waves)/2)
				r.come(buyers*wave/waves, buyers*(wave+1)/waves)
				if wave == waves-1 {
					break
				}
				eventually(t, "some verdicts", func() bool { return r.verdicts.Load() >= enough })
				s.kill()
				s = startServer(t, folder, args...)
				r.url.Store(&s.url)
			}
			r.leave()
			t.Logf("%d kills: %d tries for %d verdicts, %d of them replayed; %d reads", rushKills(), r.tries.Load(), r.verdicts.Load(), r.replayed.Load(), r.reads.Load())
			r.wantSoldOut(s)
			r.wantLinearizable()
			s.stop()
			out, err := command(t, folder, "verify").CombinedOutput()
			if want := fmt.Sprintf("1 item with %d movements: the ledger and the balances agree\n", units+1); err != nil || string(out) != want {
				t.Errorf("verify says %q, %v, want %q", out, err, want)
			}
		})
	}
}

// rush is buyers of one item, and what they and the readers are told.
type rush struct {
	*testing.T
	client *http.Client
	url    atomic.Pointer[string] // of the server that runs just now

	tries, verdicts, replayed, reads atomic.Int64

	atOnce          chan struct{} // has room for who may buy at once
	buyers, readers sync.WaitGroup
	paying          chan struct{} // closed when those who came last pay
	leaving         atomic.Bool

	mu      sync.Mutex
	start   time.Time
	history []porcupine.Operation
	sold    map[string]bool // the reservations that were committed
}

func newRush(t *testing.T, url string, atOnce int) *rush {
	r := &rush{
		T: t, atOnce: make(chan struct{}, atOnce), client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: buyers}, Timeout: patience},
		start: time.Now(), sold: make(map[string]bool),
	}
	r.url.Store(&url)
	for range 4 {
		r.readers.Go(r.reader)
	}
	t.Cleanup(func() {
		r.leaving.Store(true)
		r.pay(nil)
		r.buyers.Wait()
		r.readers.Wait()
		r.client.CloseIdleConnections()
	})
	return r
}

// come lets the buyers from one number to another come. Those before them pay now.
func (r *rush) come(from, to int) {
	paid := make(chan struct{})
	r.pay(paid)
	for i := from; i < to; i++ {
		r.buyers.Go(func() { r.buyer(i, paid) })
	}
}

// pay lets those pay who came last. The next ones wait for the channel.
func (r *rush) pay(next chan struct{}) {
	if r.paying != nil {
		close(r.paying)
	}
	r.paying = next
}

// leave waits until all buyers have what they came for, or know that they do not get it.
func (r *rush) leave() {
	r.pay(nil)
	r.buyers.Wait()
	r.leaving.Store(true)
	r.readers.Wait()
}

func (r *rush) buyer(i int, paid <-chan struct{}) {
	var reserved struct {
		ID     string
		Errors []struct{ Value *int64 }
	}
	r.record(i, "reserve", func() (any, bool) {
		status, ok := r.post("/reservations", fmt.Sprint("reserve-", i), `{"lines":[{"sku":"TICKET","quantity":1}],"ttlSeconds":86400}`, &reserved, http.StatusCreated, http.StatusConflict)
		if ok && status == http.StatusConflict && (len(reserved.Errors) != 1 || reserved.Errors[0].Value == nil || *reserved.Errors[0].Value != 0) {
			r.Errorf("buyer %d is refused, but not for want of stock: %+v", i, reserved.Errors)
		}
		return status == http.StatusCreated, ok
	})
	if reserved.ID == "" {
		return
	}
	<-paid
	var committed struct{ Status string }
	r.record(i, "commit", func() (any, bool) {
		_, ok := r.post("/reservations/"+reserved.ID+"/commit", fmt.Sprint("commit-", i), "", &committed, http.StatusOK)
		return committed.Status == "committed", ok
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.sold[reserved.ID] {
		r.Errorf("two buyers have the reservation %s", reserved.ID)
	}
	r.sold[reserved.ID] = true
}

// post sends a change until it is answered, as one of the verdicts; another one is a
// fault.
func (r *rush) post(path, key, body string, into any, verdicts ...int) (status int, ok bool) {
	for !r.leaving.Load() {
		request, err := http.NewRequest(http.MethodPost, *r.url.Load()+path, strings.NewReader(body))
		if err != nil {
			r.Error(err)
			return 0, false
		}
		request.Header.Set("X-Api-Key", "key")
		request.Header.Set("Idempotency-Key", key)
		if body != "" {
			request.Header.Set("Content-Type", "application/json")
		}
		r.tries.Add(1)
		status, header, reply, err := r.try(request)
		if err != nil {
			time.Sleep(time.Millisecond)
			continue
		}
		r.verdicts.Add(1)
		if header.Get("Idempotent-Replayed") == "true" {
			r.replayed.Add(1)
		}
		for _, verdict := range verdicts {
			if status == verdict {
				return status, r.decode(reply, into)
			}
		}
		r.Errorf("%s: %d %s, want one of %d", path, status, reply, verdicts)
		return 0, false
	}
	return 0, false
}

func (r *rush) try(request *http.Request) (status int, header http.Header, body []byte, err error) {
	reply, err := r.client.Do(request)
	if err != nil {
		return 0, nil, nil, err
	}
	defer reply.Body.Close()
	body, err = io.ReadAll(reply.Body)
	return reply.StatusCode, reply.Header, body, err
}

func (r *rush) decode(body []byte, into any) bool {
	if err := json.Unmarshal(body, into); err != nil {
		r.Errorf("%s: %v", body, err)
		return false
	}
	return true
}

// seen is what a reader sees of the item.
type seen struct{ OnHand, Reserved, Available int64 }

func (r *rush) reader() {
	for !r.leaving.Load() {
		r.record(buyers, "read", func() (any, bool) {
			request, err := http.NewRequest(http.MethodGet, *r.url.Load()+"/stock/TICKET", nil)
			if err != nil {
				r.Error(err)
				return nil, false
			}
			status, _, body, err := r.try(request)
			var item seen
			if err != nil || status == http.StatusOK && !r.decode(body, &item) {
				return nil, false // which changed nothing
			}
			if status != http.StatusOK || item.Available < 0 || item.Available > units || item.Available != item.OnHand-item.Reserved {
				r.Errorf("a reader is told %d %s", status, body)
			}
			r.reads.Add(1)
			return item, cap(r.atOnce) < buyers
		})
		time.Sleep(5 * time.Millisecond)
	}
}

// record keeps what somebody did, from the first try to the reply, unless it has none.
func (r *rush) record(who int, what string, do func() (told any, ok bool)) {
	if what != "read" {
		r.atOnce <- struct{}{}
		defer func() { <-r.atOnce }()
	}
	call := int64(time.Since(r.start))
	told, ok := do()
	done := int64(time.Since(r.start))
	if !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.history = append(r.history, porcupine.Operation{ClientId: who, Input: what, Output: told, Call: call, Return: done})
}

// wantSoldOut wants the item, its ledger and its reservations to say that each unit was
// sold once.
func (r *rush) wantSoldOut(s *server) {
	r.Helper()
	var item seen
	r.decode([]byte(s.want(http.StatusOK, http.MethodGet, "/stock/TICKET", "")), &item)
	if item != (seen{}) || len(r.sold) != units {
		r.Errorf("%d are sold, and the item is %+v; want %d, and nothing left", len(r.sold), item, units)
	}
	sum, of := int64(0), make(map[string]int)
	for token := ""; ; {
		var page struct {
			Movements []struct {
				Type, Reservation string
				Delta             int64
			}
			NextPageToken string
		}
		r.decode([]byte(s.want(http.StatusOK, http.MethodGet, "/stock/TICKET/movements?pageToken="+token, "", "X-Api-Key", "key")), &page)
		for _, m := range page.Movements {
			sum += m.Delta
			if m.Type == "committed" {
				of[m.Reservation]++
			}
		}
		if token = page.NextPageToken; token == "" {
			break
		}
	}
	if sum != item.OnHand {
		r.Errorf("the movements add up to %d, want the %d on hand", sum, item.OnHand)
	}
	for id := range r.sold {
		if of[id] != 1 {
			r.Errorf("the reservation %s has %d movements, want 1", id, of[id])
		}
		if got := s.want(http.StatusOK, http.MethodGet, "/reservations/"+id, "", "X-Api-Key", "key"); !strings.Contains(got, `"status":"committed"`) {
			r.Errorf("it was sold, and is %s", got)
		}
	}
	if len(of) != len(r.sold) {
		r.Errorf("%d reservations have movements, want the %d that were sold", len(of), len(r.sold))
	}
}

// ticketModel says what each must be told, if one came after the other.
var ticketModel = porcupine.Model{
	Init: func() any { return seen{OnHand: units, Available: units} },
	Step: func(before, input, output any) (bool, any) {
		item := before.(seen)
		switch input {
		case "reserve":
			if output == false {
				return item.Available == 0, item
			}
			return item.Available > 0, seen{item.OnHand, item.Reserved + 1, item.Available - 1}
		case "commit":
			return output == true && item.Reserved > 0, seen{item.OnHand - 1, item.Reserved - 1, item.Available}
		default:
			return output == item, item
		}
	},
	DescribeOperation: func(in, out any) string { return fmt.Sprintf("%v: %v", in, out) },
}

// wantLinearizable lets porcupine judge.
func (r *rush) wantLinearizable() {
	r.Helper()
	got, info := porcupine.CheckOperationsVerbose(ticketModel, r.history, patience)
	if got == porcupine.Ok {
		return
	}
	path := fmt.Sprintf("%s/rush.html", r.ArtifactDir()) // kept with -artifacts
	r.Error(errors.Join(fmt.Errorf("porcupine says %s of %d operations", got, len(r.history)), porcupine.VisualizePath(ticketModel, info, path)))
}
