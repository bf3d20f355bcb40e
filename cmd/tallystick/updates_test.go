//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/partner"
)

// TestAcknowledgedUpdatesHaveOneRowAndOneEffect: a server is killed again and again while
// partners send updates, each with the same id until it has the reply.
func TestAcknowledgedUpdatesHaveOneRowAndOneEffect(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			folder := t.TempDir()
			secret := addPartner(t, folder, "acme")
			args := append([]string{"RATE_LIMIT=0", "PARTNERS=partners", "API_KEYS=key"}, mode.args...)
			s := startServer(t, folder, args...)
			p := &senders{T: t, secret: secret, ids: make(map[string]bool)}
			p.url.Store(&s.url)
			for _, sku := range []string{"ACME-0", "ACME-1"} {
				p.insist("count-"+sku, "stock.counted", fmt.Sprintf(`{"sku":%q,"quantity":0}`, sku))
			}
			p.send(16)
			for range crashes() {
				p.until(p.acked.Load() + 100)
				s.kill()
				s = startServer(t, folder, args...)
				p.url.Store(&s.url)
			}
			p.until(p.acked.Load() + 100)
			p.leaving.Store(true)
			p.all.Wait()
			t.Logf("%d updates were acknowledged, %d tries were not answered", p.acked.Load(), p.failed.Load())
			if p.failed.Load() == 0 {
				t.Error("no try failed: the test shows nothing")
			}
			p.wantEachOnce(s)
		})
	}
}

// addPartner makes a partner as an operator does, and returns its secret.
func addPartner(t *testing.T, folder, id string) string {
	t.Helper()
	c := command(t, folder, "partner", "add", id, "--partners", "partners", "--types", "*", "--skus", "ACME-*")
	out, err := c.Output()
	if err != nil {
		var said []byte
		if e, ok := err.(*exec.ExitError); ok {
			said = e.Stderr
		}
		t.Fatalf("%v: %s", err, said)
	}
	return string(bytes.TrimSpace(out))
}

// senders are partners who send one update after the other.
type senders struct {
	*testing.T
	secret string
	url    atomic.Pointer[string]

	leaving       atomic.Bool
	acked, failed atomic.Int64
	all           sync.WaitGroup

	mu  sync.Mutex
	ids map[string]bool // of what was acknowledged
}

func (p *senders) send(n int) {
	p.Cleanup(func() { p.leaving.Store(true); p.all.Wait() })
	for sender := range n {
		p.all.Go(func() {
			for i := 0; !p.leaving.Load() && !p.Failed(); i++ {
				id := fmt.Sprintf("msg_%d-%d", sender, i)
				switch i % 3 {
				case 0:
					p.insist(id, "stock.adjusted", fmt.Sprintf(`{"sku":"ACME-%d","delta":1}`, sender%2))
				case 1:
					p.insist(id, "stock.adjusted", `{"lines":[{"sku":"ACME-1","delta":1},{"sku":"ACME-0","delta":1}]}`)
				case 2:
					p.insist(id, "delivery.updated", fmt.Sprintf(`{"id":"D-%d-%d","status":"x"}`, sender, i/100))
				}
			}
		})
	}
}

// insist sends an update until it is acknowledged.
func (p *senders) insist(id, kind, data string) {
	body := fmt.Sprintf(`{"type":%q,"timestamp":"2026-11-21T12:00:00Z","data":%s}`, kind, data)
	for until := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		status, reply, err := p.try(id, body)
		switch {
		case err == nil && status == http.StatusOK:
			p.acked.Add(1)
			p.mu.Lock()
			defer p.mu.Unlock()
			p.ids[id] = true
			return
		case err != nil || status == http.StatusConflict || status >= 500:
			p.failed.Add(1)
		default:
			p.Errorf("%s: %d %s, want 200, or to try again", id, status, reply)
			return
		}
		if time.Now().After(until) {
			p.Errorf("%s: not acknowledged after %v: %d %s, %v", id, patience, status, reply, err)
			return
		}
	}
}

func (p *senders) try(id, body string) (status int, reply string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, *p.url.Load()+"/partners/acme/updates", bytes.NewReader([]byte(body)))
	if err != nil {
		return 0, "", err
	}
	now := time.Now()
	signature, err := partner.Sign(p.secret, id, now, []byte(body))
	if err != nil {
		return 0, "", err
	}
	r.Header.Set("webhook-id", id)
	r.Header.Set("webhook-timestamp", strconv.FormatInt(now.Unix(), 10))
	r.Header.Set("webhook-signature", signature)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

func (p *senders) until(acked int64) {
	p.Helper()
	eventually(p.T, fmt.Sprintf("%d acknowledged updates", acked), func() bool { return p.acked.Load() >= acked || p.Failed() })
}

// wantEachOnce wants a row for each acknowledged update, none of them twice, and that the
// stock, its ledger and the deliveries are what the rows say.
func (p *senders) wantEachOnce(s *server) {
	p.Helper()
	onHand, events := map[string]int64{}, map[string]int{}
	rows := map[string]bool{}
	for token := ""; ; {
		var page struct {
			Updates []struct {
				ID   string
				Body struct {
					Data struct {
						line
						Lines []line
						ID    string
					}
				}
			}
			NextPageToken string
		}
		get(s, "/partners/acme/updates?pageSize=1000&pageToken="+token, &page)
		for _, u := range page.Updates {
			if rows[u.ID] {
				p.Errorf("%s has two rows", u.ID)
			}
			rows[u.ID] = true
			for _, l := range append(u.Body.Data.Lines, u.Body.Data.line) {
				onHand[l.SKU] += l.Delta
			}
			if id := u.Body.Data.ID; id != "" {
				events[id]++
			}
		}
		if token = page.NextPageToken; token == "" {
			break
		}
	}
	if len(rows) != len(p.ids) {
		p.Errorf("%d updates have a row, %d were acknowledged, want as many", len(rows), len(p.ids))
	}
	for id := range p.ids {
		if !rows[id] {
			p.Errorf("%s was acknowledged and has no row", id)
		}
	}
	for _, sku := range []string{"ACME-0", "ACME-1"} {
		var item struct{ OnHand int64 }
		get(s, "/stock/"+sku, &item)
		if item.OnHand != onHand[sku] || item.OnHand == 0 {
			p.Errorf("%s has %d on hand, want the %d of its updates", sku, item.OnHand, onHand[sku])
		}
	}
	for id, want := range events {
		var d struct{ Events []struct{ Update string } }
		get(s, "/deliveries/"+id, &d)
		if len(d.Events) != want {
			p.Errorf("%s has %d events, want the %d of its updates", id, len(d.Events), want)
		}
	}
}

type line struct {
	SKU   string
	Delta int64
}

// get reads JSON by the key.
func get(s *server, path string, into any) {
	s.Helper()
	body := s.want(http.StatusOK, http.MethodGet, path, "", "X-Api-Key", "key")
	if err := json.Unmarshal([]byte(body), into); err != nil {
		s.Fatalf("%s: %v: %s", path, err, body)
	}
}

// TestWhatPartnersToldIsReadByTheKey alone, and they send without one.
func TestWhatPartnersToldIsReadByTheKey(t *testing.T) {
	folder := t.TempDir()
	secret := addPartner(t, folder, "acme")
	s := startServer(t, folder, "PARTNERS=partners", "API_KEYS=key")
	p := &senders{T: t, secret: secret, ids: make(map[string]bool)}
	p.url.Store(&s.url)
	p.insist("msg_1", "delivery.updated", `{"id":"D-1","status":"packed"}`)
	for _, path := range []string{"/partners/acme/updates", "/deliveries/D-1"} {
		s.want(http.StatusUnauthorized, http.MethodGet, path, "")
		s.want(http.StatusBadRequest, http.MethodGet, path, "", "X-Api-Key", "another")
		s.want(http.StatusOK, http.MethodGet, path, "", "X-Api-Key", "key")
	}
	s.want(http.StatusGone, http.MethodPost, "/update", `{"datas":[{"a":1},{"key":"x"}]}`)
}

// TestServeDoesNotStartWithoutTheFolderOfPartners, and names it.
func TestServeDoesNotStartWithoutTheFolderOfPartners(t *testing.T) {
	for _, mode := range modes {
		s := launch(t, t.TempDir(), append([]string{"--addr", "127.0.0.1:0", "PARTNERS=nowhere"}, mode.args...)...)
		if s.url != "" {
			t.Fatalf("%s: it serves at %s", mode.name, s.url)
		}
		s.wantExit(1)
		if got := s.said(); s.greeting != "" || !strings.Contains(got, "PARTNERS: nowhere: there is no such folder") {
			t.Errorf("%s: it prints %q and says %q, want the folder named on stderr", mode.name, s.greeting, got)
		}
	}
}

func TestAFolderOfPartnersThatIsNotUsedIsSaid(t *testing.T) {
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, partnersFolder), 0o700); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, folder)
	if !strings.Contains(s.said(), "PARTNERS is not set") {
		t.Errorf("serve says %q, want that nobody is a partner", s.said())
	}
}
