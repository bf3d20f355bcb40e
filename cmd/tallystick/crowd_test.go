//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// connections are how many a crowd has.
const connections = 64

// crowd is visitors of the page / that come without a pause, each on a connection of
// its own.
type crowd struct {
	*testing.T

	// keyed visitors send an Idempotency-Key and try until they have the reply. The
	// others try once.
	keyed bool
	// failing says that a reply other than 200 is no fault.
	failing bool

	url     atomic.Pointer[string] // of the server that runs just now
	visits  atomic.Int64           // begun; at most limit if that is not 0
	limit   int64
	sent    atomic.Int64 // visits of which the server may know
	acked   atomic.Int64 // visits with a reply
	dark    atomic.Bool  // the power is cut: visits that begin now have no reply
	leaving atomic.Bool
	all     sync.WaitGroup

	mu      sync.Mutex
	numbers []int64 // of the acknowledged ones
}

// come starts the visitors.
func (c *crowd) come(urls ...string) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}, Timeout: patience}
	c.move(urls[0])
	for i := range connections {
		url := c.url.Load
		if len(urls) > 1 {
			url = func() *string { return &urls[i%len(urls)] }
		}
		c.all.Go(func() { c.visitor(client, i, url) })
	}
	c.Cleanup(func() {
		c.leaving.Store(true)
		c.keyed = false
		c.all.Wait()
		client.CloseIdleConnections()
	})
}

// move sends the visitors to another server.
func (c *crowd) move(url string) { c.url.Store(&url) }

// until waits for so many acknowledged visits.
func (c *crowd) until(acked int64) {
	c.Helper()
	eventually(c.T, fmt.Sprintf("%d acknowledged visits", acked), func() bool { return c.acked.Load() >= acked })
}

// leave ends the visits, each with its reply if the visitors are keyed.
func (c *crowd) leave() {
	c.leaving.Store(true)
	c.all.Wait()
}

func (c *crowd) visitor(client *http.Client, id int, url func() *string) {
	for !c.leaving.Load() {
		dark := c.dark.Load()
		visit := c.visits.Add(1)
		if c.limit > 0 && visit > c.limit {
			return
		}
		key := ""
		if c.keyed {
			key = fmt.Sprintf("visitor-%d-%d", id, visit)
		}
		for sent := false; ; {
			number, err := countVisit(client, *url(), key)
			if !sent && !refused(err) {
				c.sent.Add(1)
				sent = true
			}
			if err == nil {
				if dark {
					c.Errorf("visit %d began after the power was cut and was acknowledged", number)
				}
				c.acknowledge(number)
				break
			}
			if status := (statusError{}); errors.As(err, &status) && !c.failing {
				c.Errorf("a visit was answered %v", err)
				return
			}
			time.Sleep(5 * time.Millisecond)
			if !c.keyed {
				break
			}
		}
	}
}

func (c *crowd) acknowledge(number int64) {
	c.mu.Lock()
	c.numbers = append(c.numbers, number)
	c.mu.Unlock()
	c.acked.Add(1)
}

// wantEachOnce wants no number twice, and all of them if the visits have to be 1 to
// their number.
func (c *crowd) wantEachOnce(complete bool) {
	c.Helper()
	seen := make(map[int64]bool, len(c.numbers))
	for _, n := range c.numbers {
		if seen[n] {
			c.Errorf("two visits have the number %d", n)
		}
		seen[n] = true
	}
	for n := int64(1); complete && n <= int64(len(c.numbers)); n++ {
		if !seen[n] {
			c.Fatalf("of %d visits none has the number %d", len(c.numbers), n)
		}
	}
}

type statusError struct {
	status int
	body   string
}

func (e statusError) Error() string { return fmt.Sprintf("%d: %s", e.status, e.body) }

// countVisit is POST /visits.
func countVisit(client *http.Client, url, key string) (number int64, err error) {
	r, err := http.NewRequest(http.MethodPost, url+"/visits", nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("User-Agent", browserAgent)
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	reply, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		return 0, err
	}
	var count struct {
		Visits         int64
		Counted, Exact bool
	}
	if reply.StatusCode != http.StatusOK {
		return 0, statusError{reply.StatusCode, string(body)}
	}
	if err := json.Unmarshal(body, &count); err != nil || !count.Counted || !count.Exact {
		return 0, statusError{reply.StatusCode, "not an exact count: " + string(body)}
	}
	return count.Visits, nil
}

// stored reads the total without counting.
func (s *server) stored() int64 {
	s.Helper()
	var total struct{ Visits int64 }
	body := s.want(http.StatusOK, http.MethodGet, "/visits", "")
	if err := json.Unmarshal([]byte(body), &total); err != nil {
		s.Fatalf("%v: %s", err, body)
	}
	return total.Visits
}
