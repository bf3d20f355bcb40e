package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/storage/emulator"
)

// BenchmarkCost measures what requests cost of all that is billed, for docs/cost.md: each
// function runs as it is deployed, in a process of its own with one CPU, on the Datastore
// emulator, and its own log says what it used of the store. Requests come when they come,
// whether the ones before them are done or not. Next to it is a transaction for each, by
// Google's client. The emulator commits in a few milliseconds; so there are also runs in
// which every commit takes 30 more, as it about does in the cloud.
//
// All who store records read their collection's entity. The Datastore emulator takes even
// that for contention (two transactions of Google's client that read one entity and write
// others fail there too), so these run on the Firestore emulator in Datastore mode.
func BenchmarkCost(b *testing.B) {
	program := build(b, "github.com/tallystick/tallystick/bench/function")
	for _, delay := range []time.Duration{0, 30 * time.Millisecond} {
		b.Run("delay="+delay.String(), func(b *testing.B) {
			store := relayTo(b, emulator.Datastore(b), delay)
			for _, w := range works {
				if delay > 0 && !w.commits {
					continue
				}
				b.Run(w.name, func(b *testing.B) {
					if w.shares {
						w.measure(b, program, relayTo(b, emulator.FirestoreDatastoreMode(b), delay))
						return
					}
					w.measure(b, program, store)
				})
			}
			b.Setenv("DATASTORE_EMULATOR_HOST", store.addr)
			b.Run("naive-visits", func(b *testing.B) { measureAlone(b, store, 1, oneTransactionEach(b)) })
			b.Run("naive-reservations", func(b *testing.B) { measureAlone(b, store, 2, reserveAlone(b)) })
		})
	}
}

// pace is how many calls come in a second, and for how long they do. What they cost is
// reported as if they were 1,000.
type pace struct {
	perSecond float64
	length    time.Duration
}

var paces = []pace{{1, 20 * time.Second}, {10, 10 * time.Second}, {100, 10 * time.Second}}

// work is what a visitor or a shop asks of a function.
type work struct {
	name     string
	function string // its entry point
	commits  bool   // it writes
	shares   bool   // its transactions all read one entity
	once     bool   // one call, at no pace
	units    int    // that a call does, such as records
	before   string // the entry point of the function that prepares it, if that is needed
	prepare  func(c *caller)
	call     func(c *caller, i int) error
}

var works = []work{
	{name: "visits", function: "Visits", commits: true, units: 1,
		call: func(c *caller, _ int) error { return c.ask(http.MethodPost, "/visits?page=/", "", nil) }},
	{name: "script", function: "Visits", units: 1,
		call: func(c *caller, _ int) error { return c.ask(http.MethodGet, "/visits/count.js", "", nil) }},
	{name: "records", function: "Store", commits: true, shares: true, units: 1,
		call: func(c *caller, i int) error {
			return c.ask(http.MethodPost, "/records/products", `{"records":[`+row(1+i)+`]}`, nil)
		}},
	{name: "import", function: "Store", commits: true, once: true, units: 1000, call: importThousand},
	{name: "fetch", function: "Fetch", units: 1, before: "Store", prepare: (*caller).fill,
		call: func(c *caller, i int) error {
			return c.ask(http.MethodGet, "/records/products/"+id(1+(1000+i)%1000), "", nil)
		}},
	{name: "fetch-pages", function: "Fetch", units: 50, before: "Store", prepare: (*caller).fill,
		call: func(c *caller, _ int) error { return c.ask(http.MethodGet, "/records/products?pageSize=50", "", nil) }},
	{name: "reservations", function: "Stock", commits: true, units: 1, before: "Stock", prepare: (*caller).deliver,
		call: func(c *caller, _ int) error { return c.ask(http.MethodPost, "/reservations", oneWidget, nil) }},
	{name: "sales", function: "Stock", commits: true, units: 1, before: "Stock", prepare: (*caller).deliver, call: sell},
}

// measure reports what 1,000 units of the work cost at each pace.
func (w work) measure(b *testing.B, program string, store *relay) {
	if w.once {
		b.Run("once", func(b *testing.B) { w.measureAt(b, pace{1, time.Second}, program, store) })
		return
	}
	for _, p := range paces {
		b.Run(fmt.Sprintf("rate=%v", p.perSecond), func(b *testing.B) { w.measureAt(b, p, program, store) })
	}
}

func (w work) measureAt(b *testing.B, p pace, program string, store *relay) {
	project := fmt.Sprintf("cost%d", time.Now().UnixNano())
	if w.before != "" {
		w.prepare(deploy(b, program, w.before, project, store.addr).caller)
	}
	f := deploy(b, program, w.function, project, store.addr)
	f.must(w.call(f.caller, -1)) // it connects to its store
	before := f.spent(b)
	if failed, why := p.openLoop(func(i int) error { return w.call(f.caller, i) }); failed > 0 {
		b.Errorf("%d calls failed, want none; one with %v", failed, why)
	}
	f.spent(b).minus(before).report(b, float64(w.units*p.calls())/1000)
}

// measureAlone reports the same of a call that is a transaction with Google's client and
// writes so many entities.
func measureAlone(b *testing.B, store *relay, writes int, call func(context.Context) error) {
	if err := call(b.Context()); err != nil { // it connects
		b.Fatal(err)
	}
	for _, p := range paces {
		b.Run(fmt.Sprintf("rate=%v", p.perSecond), func(b *testing.B) {
			reads, commits := store.calls("Lookup"), store.calls("Commit")
			var at spans
			failed, _ := p.openLoop(func(int) error {
				defer at.add(time.Now())
				return call(b.Context())
			})
			thousands := float64(p.calls()) / 1000
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(float64(store.calls("Lookup")-reads)/thousands, "reads")
			b.ReportMetric(float64((store.calls("Commit")-commits)*writes)/thousands, "writes")
			b.ReportMetric(at.billed()/thousands, "instance-s")
			b.ReportMetric(float64(failed)/thousands, "failed")
		})
	}
}

// row is a record of some 200 bytes, with its id.
func row(i int) string { return fmt.Sprintf(`{"id":%q,"data":%s}`, id(i), product(i)) }

// importThousand imports 1,000 records, but one if the call is only to connect.
func importThousand(c *caller, i int) error {
	if i < 0 {
		return c.ask(http.MethodPost, "/records/products/import", row(0), nil)
	}
	var file strings.Builder
	for n := range 1000 {
		file.WriteString(row(1+n) + "\n")
	}
	return c.ask(http.MethodPost, "/records/products/import", file.String(), nil)
}

// fill stores what is fetched.
func (c *caller) fill() { c.must(importThousand(c, 0)) }

const (
	countWidgets = `{"quantity":1000000}`
	oneWidget    = `{"lines":[{"sku":"WIDGET","quantity":1}]}`
)

// deliver makes the item of which all want one.
func (c *caller) deliver() {
	c.must(c.ask(http.MethodPost, "/stock/WIDGET/count", countWidgets, nil))
}

// sell reserves one of the item, and commits that.
func sell(c *caller, _ int) error {
	var reserved struct{ ID string }
	if err := c.ask(http.MethodPost, "/reservations", oneWidget, func(body []byte) error { return json.Unmarshal(body, &reserved) }); err != nil {
		return err
	}
	return c.ask(http.MethodPost, "/reservations/"+reserved.ID+"/commit", "{}", nil)
}
