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

	"golang.org/x/time/rate"

	"github.com/tallystick/tallystick/internal/edge"
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

	demoRate     = 20       // actions a second of all visitors together, and twice as many at once
	demoRushCost = demoRate // a rush counts as so many
)

// demoShop does with the key what a shop's own server would do: its pages have none. It
// touches nothing but its own items.
type demoShop struct {
	gate    http.Handler
	key     string
	closed  string   // why it does no business, in words; empty where it does
	origins []string // whose hosts it answers under, beside addresses and localhost
	bucket  *rate.Limiter
	now     func() time.Time
	rushing sync.Mutex
}

func newDemoShop(gate http.Handler, key, closed string, origins []string) *demoShop {
	return &demoShop{gate: gate, key: key, closed: closed, origins: origins, bucket: rate.NewLimiter(demoRate, 2*demoRate), now: time.Now}
}

// shopClosed returns why a server has no demo shop, in words, and nothing where it has one.
// Whoever reaches the shop changes the store without a key, so it is for this machine.
func shopClosed(config edge.Config, addr net.Addr) string {
	switch {
	case config.BasicAuth != "":
		return "The demo shop is closed: this server asks for a user as well as for a key."
	case !addr.(*net.TCPAddr).IP.IsLoopback():
		return "The demo shop is closed: this server can be reached from other machines, and the shop needs no key. It is open where serve listens on 127.0.0.1."
	}
	return ""
}

// actions are the shop's, each for a POST of its own page.
func (d *demoShop) actions() map[string]http.Handler {
	actions := map[string]http.Handler{
		"/demo/shop/open":    d.limited(1, d.open),
		"/demo/shop/reserve": d.limited(1, d.reserve),
		"/demo/shop/buy":     d.limited(1, d.end("commit")),
		"/demo/shop/release": d.limited(1, d.end("release")),
		"/demo/shop/rush":    d.limited(demoRushCost, d.rush),
	}
	own := http.NewCrossOriginProtection()
	handlers := make(map[string]http.Handler)
	for path, action := range actions {
		handlers["POST "+path] = d.whileOpen(own.Handler(d.underOwnName(action)))
	}
	return handlers
}

func (d *demoShop) whileOpen(action http.Handler) http.Handler {
	if d.closed == "" {
		return action
	}
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		demoRefusal(w, http.StatusNotFound, d.closed)
	})
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

// limited takes an action's cost out of the bucket that all share. It comes last, so that what
// is refused for another reason takes nothing.
func (d *demoShop) limited(cost int, action http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !d.bucket.AllowN(d.now(), cost) {
			w.Header().Set("Retry-After", "1") // by when a rush has room too
			demoRefusal(w, http.StatusTooManyRequests, "Too much is going on in the demo shop just now. Try again in a second.")
			return
		}
		action(w, r)
	})
}

func demoRefusal(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"detail": detail})
}

// open fills the shelves: it counts each item that is not there or has none left. What stock
// does not say counts nothing, for a count makes what is on hand forgotten.
func (d *demoShop) open(w http.ResponseWriter, r *http.Request) {
	for _, sku := range slices.Sorted(maps.Keys(demoItems)) {
		found := d.ask(r.Context(), http.MethodGet, "/stock/"+sku, nil)
		switch {
		case found.status == http.StatusOK && !found.soldOut():
			continue
		case found.status != http.StatusOK && found.status != http.StatusNotFound:
			found.answer(w)
			return
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

// soldOut says whether an item's stock is known to be none.
func (d *demoReply) soldOut() bool {
	var item struct{ OnHand *int }
	err := json.Unmarshal(d.body.Bytes(), &item)
	return err == nil && item.OnHand != nil && *item.OnHand <= 0
}

func (d *demoReply) answer(w http.ResponseWriter) {
	for _, name := range []string{"Content-Type", "Retry-After"} {
		if value := d.header.Get(name); value != "" {
			w.Header().Set(name, value)
		}
	}
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
