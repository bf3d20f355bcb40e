package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"syscall"
	"time"
)

// loadAgent is who the requests say they are: a browser, and in truth this program.
const loadAgent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0 tallystick-load"

// loadWork is one request that is sent many times, and what it leaves in the store.
type loadWork struct {
	client  *client
	http    http.Client
	request request
	what    string                                      // for people
	stored  func(ctx context.Context) (int64, error)    // how many of it are stored
	read    func(body []byte) (number int64, err error) // nil: a reply has no number
	checked bool                                        // whether a request adds one to what is stored
	keyed   bool

	mu      sync.Mutex
	numbers []int64 // of the replies
}

func (o *loadOptions) work(cl *client) (*loadWork, error) {
	w := &loadWork{client: cl, http: cl.http}
	// A connection for each who sends, as browsers have: HTTP/2 would make one of them.
	var only http.Protocols
	only.SetHTTP1(true)
	w.http.Transport = &http.Transport{
		Proxy: http.ProxyFromEnvironment, MaxIdleConnsPerHost: o.connections, DisableCompression: true, Protocols: &only,
	}
	w.http.Timeout = requestTime
	switch o.kind {
	case "visits":
		w.request = request{method: http.MethodPost, path: "/visits", query: query("page", o.page)}
		w.stored, w.read, w.checked = w.visits, readVisit, true
	case "read":
		w.request = request{method: http.MethodGet, path: "/visits", query: query("page", o.page)}
		w.stored = w.visits
	case "reserve":
		body, err := json.Marshal(map[string]any{
			"lines":      []any{map[string]any{"sku": o.sku, "quantity": 1}},
			"ttlSeconds": int(o.held().Seconds()),
			"reference":  "tallystick-load",
		})
		if err != nil {
			return nil, err
		}
		w.request = request{method: http.MethodPost, path: "/reservations", contentType: "application/json", body: body}
		w.checked, w.keyed = true, true
		w.stored = func(ctx context.Context) (int64, error) { return w.reserved(ctx, o.sku) }
	}
	w.what = w.request.method + " " + w.request.path
	if len(w.request.query) > 0 {
		w.what += "?page=" + o.page
	}
	return w, nil
}

// longestHeld is how long a reservation can be held; check refuses a duration that comes near it.
const longestHeld = 24 * time.Hour

// held is for how long each is reserved: no shorter than this runs, for what expires before the
// end is not found then.
func (o *loadOptions) held() time.Duration {
	if o.requests > 0 {
		return longestHeld // there is no telling how long they take
	}
	return max(10*time.Minute, o.duration+time.Minute)
}

// visits is the page's number.
func (w *loadWork) visits(ctx context.Context) (int64, error) {
	var page struct{ Visits int64 }
	err := w.get(ctx, request{method: http.MethodGet, path: "/visits", query: w.request.query}, &page)
	return page.Visits, err
}

// reserved is how many of the item are reserved.
func (w *loadWork) reserved(ctx context.Context, sku string) (int64, error) {
	var item struct{ Reserved int64 }
	err := w.get(ctx, request{method: http.MethodGet, path: "/stock/" + url.PathEscape(sku)}, &item)
	return item.Reserved, err
}

func (w *loadWork) get(ctx context.Context, r request, into any) error {
	body, err := w.client.do(ctx, r)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%s answers, but not as Tallystick does: %w; is --url right?", w.client.base.Redacted(), err)
	}
	return nil
}

// call sends the request once.
func (w *loadWork) call(ctx context.Context, _ int) error {
	body, err := w.send(ctx)
	if err != nil || w.read == nil {
		return err
	}
	number, err := w.read(body)
	if err == nil && number > 0 {
		w.mu.Lock()
		w.numbers = append(w.numbers, number)
		w.mu.Unlock()
	}
	return err
}

func (w *loadWork) send(ctx context.Context) ([]byte, error) {
	q, err := http.NewRequestWithContext(ctx, w.request.method, w.client.address(w.request), bytes.NewReader(w.request.body))
	if err != nil {
		return nil, err
	}
	q.Header.Set("User-Agent", loadAgent)
	if w.request.contentType != "" {
		q.Header.Set("Content-Type", w.request.contentType)
	}
	if w.keyed {
		q.Header.Set("X-Api-Key", w.client.key)
		if w.client.user != "" {
			q.SetBasicAuth(w.client.user, w.client.password)
		}
	}
	reply, err := w.http.Do(q)
	if err != nil {
		return nil, unanswered(err)
	}
	defer reply.Body.Close()
	if reply.StatusCode/100 != 2 {
		return nil, &loadRefusal{readRefusal(reply)}
	}
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		return nil, unanswered(err)
	}
	return body, nil
}

// readVisit is the visit's own number, or 0 where it has none.
func readVisit(body []byte) (number int64, err error) {
	var visit struct {
		Visits         int64
		Counted, Exact bool
		Reason         string
	}
	if err := json.Unmarshal(body, &visit); err != nil {
		return 0, errors.New("200, but not as Tallystick answers")
	}
	switch {
	case !visit.Counted:
		return 0, fmt.Errorf("200, but not counted: %s", visit.Reason)
	case !visit.Exact:
		return 0, nil
	}
	return visit.Visits, nil
}

// loadRefusal is a refusal by its status and code alone: those of one cause are one.
type loadRefusal struct{ *refusal }

func (r *loadRefusal) Error() string {
	if r.code == "" {
		return fmt.Sprint(r.status)
	}
	return fmt.Sprintf("%d %s", r.status, r.code)
}

// unanswered says why there was no reply, without addresses and ports: those of one cause
// are one.
func unanswered(err error) error {
	var op *net.OpError
	var no syscall.Errno
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no reply within %v", requestTime)
	case errors.As(err, &no):
		return fmt.Errorf("no reply: %w", no)
	case errors.As(err, &op):
		return fmt.Errorf("no reply: %w", op.Err)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("no reply: the connection was closed")
	}
	return fmt.Errorf("no reply: %w", err)
}
