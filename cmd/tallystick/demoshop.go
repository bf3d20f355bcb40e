package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

// The demo shop's items, and how many of each there are when it opens. They are items of
// the store like any others.
var demoItems = map[string]int{"demo-mug": 5, "demo-notebook": 12, "demo-ticket": 20}

const (
	demoRushItem  = "demo-ticket"
	demoBuyers    = 500
	demoHoldTime  = 2 * time.Minute
	demoRushTime  = 10 * time.Second // the shortest that a reservation may have
	demoReference = "demo shop"
)

// demoShop does with the key what a shop's own server would do: its pages have none. It
// touches nothing but its own items.
type demoShop struct {
	gate    http.Handler
	key     string
	origins []string // whose hosts it answers under, beside addresses and localhost
	rushing sync.Mutex
}

// actions are the shop's, each for a POST of its own page.
func (d *demoShop) actions() map[string]http.Handler {
	actions := map[string]http.HandlerFunc{
		"/demo/shop/open":    d.open,
		"/demo/shop/reserve": d.reserve,
		"/demo/shop/buy":     d.end("commit"),
		"/demo/shop/release": d.end("release"),
		"/demo/shop/rush":    d.rush,
	}
	own := http.NewCrossOriginProtection()
	handlers := make(map[string]http.Handler)
	for path, action := range actions {
		handlers["POST "+path] = own.Handler(d.underOwnName(action))
	}
	return handlers
}

// underOwnName refuses requests for a host that is not known to be this server. A page of
// another site could have its own name lead here, and would be of the same origin then.
func (d *demoShop) underOwnName(action http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := (&url.URL{Host: r.Host}).Hostname()
		named := func(origin string) bool {
			u, err := url.Parse(origin)
			return err == nil && u.Hostname() == host
		}
		if host != "localhost" && net.ParseIP(host) == nil && !slices.ContainsFunc(d.origins, named) {
			demoRefusal(w, http.StatusForbidden, "The demo shop answers under this server's address, and under the names in ALLOWED_ORIGINS.")
			return
		}
		action.ServeHTTP(w, r)
	})
}

func demoRefusal(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"detail": detail})
}

// open fills the shelves: it counts each item that is not there or has none left.
func (d *demoShop) open(w http.ResponseWriter, r *http.Request) {
	for _, sku := range slices.Sorted(maps.Keys(demoItems)) {
		found := d.ask(r.Context(), http.MethodGet, "/stock/"+sku, nil)
		var item struct{ OnHand int }
		if found.status == http.StatusOK && json.Unmarshal(found.body.Bytes(), &item) == nil && item.OnHand > 0 {
			continue
		}
		counted := d.ask(r.Context(), http.MethodPost, "/stock/"+sku+"/count", map[string]any{"quantity": demoItems[sku], "reason": demoReference})
		if counted.status >= 300 {
			counted.answer(w)
			return
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// reserve holds one of the item that the query names.
func (d *demoShop) reserve(w http.ResponseWriter, r *http.Request) {
	sku := r.URL.Query().Get("item")
	if demoItems[sku] == 0 {
		http.NotFound(w, r)
		return
	}
	d.hold(r.Context(), sku, demoHoldTime).answer(w)
}

func (d *demoShop) hold(ctx context.Context, sku string, how time.Duration) *demoReply {
	return d.ask(ctx, http.MethodPost, "/reservations", map[string]any{
		"lines":      []any{map[string]any{"sku": sku, "quantity": 1}},
		"ttlSeconds": int(how.Seconds()), "reference": demoReference,
	})
}

// end commits or releases the reservation that the query names, if it is one of its own.
func (d *demoShop) end(how string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		path := "/reservations/" + url.PathEscape(r.URL.Query().Get("id"))
		found := d.ask(r.Context(), http.MethodGet, path, nil)
		switch {
		case found.status != http.StatusOK:
			found.answer(w)
		case !isDemo(found.body.Bytes()):
			demoRefusal(w, http.StatusForbidden, "That is no reservation of the demo shop.")
		default:
			d.ask(r.Context(), http.MethodPost, path+"/"+how, map[string]any{}).answer(w)
		}
	}
}

func isDemo(reservation []byte) bool {
	var r struct {
		Reference string
		Lines     []struct{ SKU string }
	}
	err := json.Unmarshal(reservation, &r)
	return err == nil && r.Reference == demoReference &&
		!slices.ContainsFunc(r.Lines, func(l struct{ SKU string }) bool { return demoItems[l.SKU] == 0 })
}

// rushLine is a line of the reply to rush: the start, one for each buyer, the end.
type rushLine struct {
	Buyers    *int     `json:"buyers,omitempty"`
	Available *int     `json:"available,omitempty"` // at the start, and at the end
	Got       *bool    `json:"got,omitempty"`       // the buyer's
	Error     string   `json:"error,omitempty"`
	Seconds   *float64 `json:"seconds,omitempty"` // of all
}

// rush lets many buyers want the same few at once, each by a request of its own through
// the gateway, and tells of each as it is answered.
func (d *demoShop) rush(w http.ResponseWriter, r *http.Request) {
	if !d.rushing.TryLock() {
		demoRefusal(w, http.StatusConflict, "A rush is under way.")
		return
	}
	defer d.rushing.Unlock()
	ctx := context.WithoutCancel(r.Context()) // who leaves does not stop the buyers halfway
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := json.NewEncoder(w)
	flush := http.NewResponseController(w).Flush

	_ = out.Encode(rushLine{Buyers: new(demoBuyers), Available: d.available(ctx)})
	_ = flush()
	replies := make(chan *demoReply)
	start := time.Now()
	for range demoBuyers {
		go func() { replies <- d.hold(ctx, demoRushItem, demoRushTime) }()
	}
	for range demoBuyers {
		_ = out.Encode((<-replies).rushLine())
		_ = flush()
	}
	seconds := time.Since(start).Seconds()
	_ = out.Encode(rushLine{Available: d.available(ctx), Seconds: &seconds})
}

func (d *demoShop) available(ctx context.Context) *int {
	var item struct{ Available *int }
	_ = json.Unmarshal(d.ask(ctx, http.MethodGet, "/stock/"+demoRushItem, nil).body.Bytes(), &item)
	return item.Available
}

// demoReply is what the gateway answered.
type demoReply struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (d *demoReply) Header() http.Header         { return d.header }
func (d *demoReply) Write(b []byte) (int, error) { return d.body.Write(b) }
func (d *demoReply) WriteHeader(status int)      { d.status = status }

// ask sends a request through the gateway. A reply that breaks off is 502: the gateway ends
// its caller then, which here is no connection's own goroutine.
func (d *demoShop) ask(ctx context.Context, method, path string, body any) (reply *demoReply) {
	reply = &demoReply{status: http.StatusOK, header: make(http.Header)}
	defer func() {
		if p := recover(); p == http.ErrAbortHandler {
			reply = &demoReply{status: http.StatusBadGateway, header: make(http.Header)}
		} else if p != nil {
			panic(p)
		}
	}()
	var content io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			panic(err) // not for what is asked here
		}
		content = bytes.NewReader(b)
	}
	r, err := http.NewRequestWithContext(ctx, method, path, content)
	if err != nil {
		reply.status = http.StatusBadRequest
		return reply
	}
	r.RequestURI, r.RemoteAddr = path, "127.0.0.1:0"
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Api-Key", d.key)
	d.gate.ServeHTTP(reply, r)
	return reply
}

func (d *demoReply) answer(w http.ResponseWriter) {
	w.Header().Set("Content-Type", d.header.Get("Content-Type"))
	w.WriteHeader(d.status)
	_, _ = w.Write(d.body.Bytes())
}

func (d *demoReply) rushLine() rushLine {
	switch d.status {
	case http.StatusCreated, http.StatusConflict:
		return rushLine{Got: new(d.status == http.StatusCreated)}
	}
	return rushLine{Error: fmt.Sprintf("%d %s", d.status, http.StatusText(d.status))}
}
