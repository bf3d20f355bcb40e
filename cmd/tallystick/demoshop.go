package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
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

// demoShop does with the key what a shop's own server would do: its pages have none.
type demoShop struct {
	gate    http.Handler
	key     string
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
		handlers["POST "+path] = own.Handler(action)
	}
	return handlers
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

// end commits or releases the reservation that the query names.
func (d *demoShop) end(how string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		d.ask(r.Context(), http.MethodPost, "/reservations/"+url.PathEscape(r.URL.Query().Get("id"))+"/"+how, map[string]any{}).answer(w)
	}
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
		http.Error(w, "A rush is under way.", http.StatusConflict)
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

// ask sends a request through the gateway.
func (d *demoShop) ask(ctx context.Context, method, path string, body any) *demoReply {
	b, err := json.Marshal(body)
	if err != nil {
		panic(err) // not for what is asked here
	}
	reply := &demoReply{status: http.StatusOK, header: make(http.Header)}
	var content io.Reader
	if body != nil {
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
