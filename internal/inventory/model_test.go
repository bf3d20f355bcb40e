package inventory_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/merge"
	"github.com/tallystick/tallystick/internal/storage"
)

// shopModel is what the stock should be, in the simplest way to keep it.
type shopModel struct {
	items        map[string]*modelItem
	reservations map[string]*inventory.Reservation // as last told or changed
	ids          []string                          // of the reservations, as they came
	alerts       []inventory.Alert                 // the latest last
	keys         map[string]receipt
}

type modelItem struct {
	settings  inventory.Settings
	version   int64
	created   time.Time
	updated   time.Time
	movements []inventory.Movement // the latest last
}

// receipt is what was told to who sent an Idempotency-Key.
type receipt struct {
	request string
	send    func(f fixture) (inventory.Result, error)
	result  inventory.Result
	expire  time.Time
}

func (i *modelItem) onHand() (sum int64) {
	for _, m := range i.movements {
		sum += m.Delta
	}
	return sum
}

// reserved adds up the live reservations of an item.
func (m *machine) reserved(sku string) (sum int64) {
	for _, r := range m.model.reservations {
		for _, l := range r.Lines {
			if l.SKU == sku && m.live(r) {
				sum += l.Quantity
			}
		}
	}
	return sum
}

func (m *machine) live(r *inventory.Reservation) bool {
	return r.Status == inventory.Held && m.clock.Now().Before(r.Expires)
}

func (m *machine) available(sku string) int64 {
	return m.model.items[sku].onHand() - m.reserved(sku)
}

func (m *machine) low(sku string) bool {
	it := m.model.items[sku]
	return it.settings.LowStock != nil && m.available(sku) <= *it.settings.LowStock
}

// view is an item as a reader should find it.
func (m *machine) view(sku string) inventory.Item {
	it := m.model.items[sku]
	return inventory.Item{
		SKU: sku, OnHand: it.onHand(), Reserved: m.reserved(sku), OversellLimit: it.settings.OversellLimit, LowStock: it.settings.LowStock,
		Version: it.version, Created: it.created, Updated: it.updated,
	}
}

// reservation is one as a reader should find it.
func (m *machine) reservation(id string) inventory.Reservation {
	r := *m.model.reservations[id]
	if r.Status == inventory.Held && !m.live(&r) {
		r.Status = inventory.StatusExpired
	}
	return r
}

// machine does the same to two services, as of two processes, and to a model.
type machine struct {
	*rapid.T
	services [2]fixture
	store    storage.Store
	clock    *clock
	model    shopModel
	serial   int
	answers  map[string]int // of all runs
}

var someSKUs = []string{"a", "b", "c"}

func newMachine(t *rapid.T, store storage.Store) *machine {
	m := &machine{T: t, store: store, clock: newClock(), model: shopModel{
		items: make(map[string]*modelItem), reservations: make(map[string]*inventory.Reservation), keys: make(map[string]receipt),
	}}
	for i := range m.services {
		m.services[i] = on(t, store, m.clock)
	}
	return m
}

func (m *machine) service() fixture {
	return m.services[rapid.IntRange(0, 1).Draw(m.T, "service")]
}

func draw[V any](m *machine, name string, values ...V) V {
	return rapid.SampledFrom(values).Draw(m.T, name)
}

func (m *machine) sku() string { return draw(m, "sku", someSKUs...) }

func (m *machine) lines(least, most int64) (lines []inventory.Line) {
	for range rapid.IntRange(1, 4).Draw(m.T, "lines") {
		n := rapid.Int64Range(least, most).Draw(m.T, "quantity")
		if n == 0 {
			n = 1
		}
		lines = append(lines, lineOf(m.sku(), n))
	}
	return lines
}

// summed is the sum of the lines of each item.
func summed(lines []inventory.Line) map[string]int64 {
	sums := make(map[string]int64)
	for _, l := range lines {
		sums[l.SKU] += l.Quantity
	}
	return sums
}

// caller draws one, at times with a key.
func (m *machine) caller() inventory.Caller {
	return inventory.Caller{Who: draw(m, "who", "ann", "bob"), IdempotencyKey: draw(m, "key", "", "", "", "k", "l")}
}

// do makes a change, and wants of it what the model says. The request is what has to be
// the same each time a key comes. want is the error that the change should have; without
// one apply changes the model, and says of which items and reservation it tells.
func (m *machine) do(c inventory.Caller, request string, send func(f fixture) (inventory.Result, error), want error, apply func() (skus []string, reservation string)) {
	m.Helper()
	got, err := send(m.service())
	now := m.clock.Now()
	if kept, sent := m.model.keys[c.IdempotencyKey]; c.IdempotencyKey != "" && sent && now.Before(kept.expire) {
		if kept.request != request {
			m.wantError(request, merge.ErrKeyReused, err)
			return
		}
		m.answers["replayed"]++
		m.wantError(request, nil, err)
		kept.result.Replayed = true
		wantSame(m.T, request+" again", kept.result, got)
		return
	}
	m.wantError(request, want, err)
	if want != nil {
		m.answers["refused"]++
		return
	}
	m.answers["done"]++
	before := make(map[string]int64)
	for sku := range m.model.items {
		before[sku] = m.available(sku)
	}
	skus, id := apply()
	var told inventory.Result
	slices.Sort(skus)
	for _, sku := range skus {
		it := m.model.items[sku]
		it.version++
		it.updated = now
		told.Items = append(told.Items, m.view(sku))
		if had, known := before[sku]; known && m.low(sku) && had > *it.settings.LowStock {
			m.model.alerts = append(m.model.alerts, inventory.Alert{SKU: sku, Available: m.available(sku), Threshold: *it.settings.LowStock, Time: now})
		}
	}
	if id == "new" {
		id = m.admit(got.Reservation)
	}
	if id != "" {
		r := m.reservation(id)
		told.Reservation = &r
	}
	wantSame(m.T, request, told, got)
	if c.IdempotencyKey != "" {
		m.model.keys[c.IdempotencyKey] = receipt{request, send, clone(told), now.Add(merge.IdempotencyLife)}
	}
}

// Again sends what came with a key once more.
func (m *machine) Again(t *rapid.T) {
	c := keyed(draw(m, "key", "k", "l"))
	if kept, sent := m.model.keys[c.IdempotencyKey]; sent && m.clock.Now().Before(kept.expire) {
		m.do(c, kept.request, kept.send, nil, nil)
	}
}

// clone keeps what was told from what changes later.
func clone(r inventory.Result) inventory.Result {
	if r.Reservation != nil {
		v := *r.Reservation
		v.Lines = slices.Clone(v.Lines)
		r.Reservation = &v
	}
	return r
}

// admit gives the newest reservation of the model, which waits under no id, the one that
// the service gave it.
func (m *machine) admit(told *inventory.Reservation) string {
	m.Helper()
	if told == nil || told.ID == "" || m.model.reservations[told.ID] != nil {
		m.Fatalf("got the reservation %+v, want one with an id of its own", told)
	}
	r := m.model.reservations[""]
	delete(m.model.reservations, "")
	r.ID = told.ID
	m.model.reservations[r.ID] = r
	m.model.ids = append(m.model.ids, r.ID)
	return r.ID
}

// wantError compares errors; those that say how things stand have to say the same.
func (m *machine) wantError(request string, want, got error) {
	m.Helper()
	if !isLike(got, want) {
		m.Fatalf("%s: got %v, want %v", request, got, want)
	}
}

func (m *machine) Set(t *rapid.T) {
	c, sku := m.caller(), m.sku()
	set := inventory.Settings{OversellLimit: draw(m, "oversell", int64(0), 0, 3)}
	if rapid.Bool().Draw(t, "alert") {
		set.LowStock = ptr(rapid.Int64Range(-2, 8).Draw(t, "low"))
	}
	var err error
	if it := m.model.items[sku]; it != nil {
		if covers := it.onHand() + set.OversellLimit; m.reserved(sku) > covers {
			err = &inventory.InsufficientError{Shortages: []inventory.Shortage{{SKU: sku, Wanted: m.reserved(sku), Available: covers, Reserved: true}}}
		}
	}
	low := "never"
	if set.LowStock != nil {
		low = fmt.Sprint(*set.LowStock)
	}
	m.do(c, fmt.Sprint("set ", sku, set.OversellLimit, low), func(f fixture) (inventory.Result, error) { return f.Set(t.Context(), c, sku, set) }, err,
		func() ([]string, string) {
			m.make(sku)
			m.model.items[sku].settings = set
			return []string{sku}, ""
		})
}

func (m *machine) make(sku string) {
	if m.model.items[sku] == nil {
		m.model.items[sku] = &modelItem{created: m.clock.Now()}
	}
}

// move adds a movement to an item of the model.
func (m *machine) move(sku string, row inventory.Movement) {
	it := m.model.items[sku]
	row.Number, row.OnHand, row.Time = int64(len(it.movements)+1), it.onHand()+row.Delta, m.clock.Now()
	it.movements = append(it.movements, row)
}

// short is the error of a change that takes so much of items.
func (m *machine) short(takes map[string]int64) error {
	var all []inventory.Shortage
	for _, sku := range slices.Sorted(maps.Keys(takes)) {
		it := m.model.items[sku]
		if it == nil {
			return inventory.ErrItemNotFound
		}
		if may := m.available(sku) + it.settings.OversellLimit; takes[sku] > 0 && takes[sku] > may {
			all = append(all, inventory.Shortage{SKU: sku, Wanted: takes[sku], Available: may})
		}
	}
	if len(all) > 0 {
		return &inventory.InsufficientError{Shortages: all}
	}
	return nil
}

func (m *machine) Adjust(t *rapid.T) {
	c := m.caller()
	a := inventory.Adjustment{Lines: m.lines(-6, 8), Reason: draw(m, "reason", "", "found"), Reference: draw(m, "reference", "", "note")}
	sums := summed(a.Lines)
	takes := make(map[string]int64)
	for sku, n := range sums {
		takes[sku] = -n
	}
	m.do(c, fmt.Sprint("adjust ", a), func(f fixture) (inventory.Result, error) { return f.Adjust(t.Context(), c, a) }, m.short(takes),
		func() ([]string, string) {
			for sku, n := range sums {
				m.move(sku, inventory.Movement{Type: inventory.Adjusted, Delta: n, Reason: a.Reason, Reference: a.Reference, Who: c.Who})
			}
			return slices.Collect(maps.Keys(sums)), ""
		})
}

func (m *machine) Count(t *rapid.T) {
	c := m.caller()
	skus := slices.Sorted(slices.Values(rapid.SliceOfNDistinct(rapid.SampledFrom(someSKUs), 1, 3, rapid.ID[string]).Draw(t, "skus")))
	count := inventory.Count{Reason: "counted"}
	request := "count"
	var stale, short error
	var shortages []inventory.Shortage
	for _, sku := range skus {
		l := inventory.CountLine{SKU: sku, Quantity: rapid.Int64Range(0, 20).Draw(t, "quantity")}
		onHand, oversell := int64(0), int64(0)
		if it := m.model.items[sku]; it != nil {
			onHand, oversell = it.onHand(), it.settings.OversellLimit
		}
		request += fmt.Sprint(" ", sku, l.Quantity)
		switch draw(m, "expected", "none", "none", "right", "wrong") {
		case "right":
			l.Expected = ptr(onHand)
		case "wrong":
			l.Expected = ptr(onHand + 1)
		}
		if l.Expected != nil {
			request += fmt.Sprint(" of ", *l.Expected)
		}
		if l.Expected != nil && *l.Expected != onHand && stale == nil {
			stale = &inventory.StaleError{SKU: sku, Expected: *l.Expected, OnHand: onHand}
		}
		if covers := l.Quantity + oversell; m.reserved(sku) > covers {
			shortages = append(shortages, inventory.Shortage{SKU: sku, Wanted: m.reserved(sku), Available: covers, Reserved: true})
			short = &inventory.InsufficientError{Shortages: shortages}
		}
		count.Lines = append(count.Lines, l)
	}
	if stale != nil {
		short = stale
	}
	m.do(c, request, func(f fixture) (inventory.Result, error) { return f.Count(t.Context(), c, count) }, short,
		func() ([]string, string) {
			for _, l := range count.Lines {
				m.make(l.SKU)
				m.move(l.SKU, inventory.Movement{Type: inventory.Counted, Delta: l.Quantity - m.model.items[l.SKU].onHand(), Reason: "counted", Who: c.Who})
			}
			return skus, ""
		})
}

// ttl draws a time to live, and says how long the reservation lasts from now on.
func (m *machine) ttl() (ttl time.Duration, until time.Time) {
	ttl = draw(m, "ttl", 0, inventory.MinTTL, 90*time.Second, 90*time.Second+time.Millisecond, time.Hour, time.Hour+time.Second, inventory.MaxTTL)
	lasts := ttl
	if ttl == 0 {
		lasts = 10 * time.Minute
	}
	unit := time.Second
	if lasts > time.Hour {
		unit = time.Minute
	}
	until = m.clock.Now().Add(lasts)
	if whole := until.Truncate(unit); !whole.Equal(until) {
		until = whole.Add(unit)
	}
	return ttl, until
}

func (m *machine) Reserve(t *rapid.T) {
	c := m.caller()
	lines, reference := m.lines(1, 4), draw(m, "reference", "", "order")
	ttl, until := m.ttl()
	lasting := ttl
	if lasting == 0 {
		lasting = inventory.DefaultTTL
	}
	sums := summed(lines)
	h := inventory.Hold{Lines: lines, TTL: ttl, Reference: reference}
	m.do(c, fmt.Sprint("reserve ", lines, lasting, reference), func(f fixture) (inventory.Result, error) { return f.Reserve(t.Context(), c, h) }, m.short(sums),
		func() ([]string, string) {
			r := &inventory.Reservation{Status: inventory.Held, Reference: reference, Who: c.Who, Created: m.clock.Now(), Expires: until}
			skus := slices.Sorted(maps.Keys(sums))
			for _, sku := range skus {
				r.Lines = append(r.Lines, inventory.ReservedLine{SKU: sku, Quantity: sums[sku]})
			}
			m.model.reservations[""] = r
			return skus, "new"
		})
}

// one draws a reservation, mostly one that is held, and says what is in the way of a
// change of it.
func (m *machine) one() (r *inventory.Reservation, err error) {
	var held []string
	for _, id := range m.model.ids {
		if m.live(m.model.reservations[id]) {
			held = append(held, id)
		}
	}
	ids := m.model.ids
	if len(held) > 0 && rapid.IntRange(0, 9).Draw(m.T, "held") < 8 {
		ids = held
	}
	if len(ids) == 0 {
		return nil, nil
	}
	r = m.model.reservations[draw(m, "reservation", ids...)]
	if !m.live(r) {
		err = &inventory.EndedError{Status: m.reservation(r.ID).Status}
	}
	return r, err
}

func skusOf(r *inventory.Reservation) (skus []string) {
	for _, l := range r.Lines {
		skus = append(skus, l.SKU)
	}
	return skus
}

func (m *machine) Commit(t *rapid.T) {
	c := m.caller()
	r, err := m.one()
	if r == nil {
		return
	}
	var lines []inventory.Line
	parts := make(map[string]int64)
	for _, l := range r.Lines {
		parts[l.SKU] = l.Quantity
	}
	if rapid.Bool().Draw(t, "part") {
		clear(parts)
		sum := int64(0)
		for _, l := range r.Lines {
			n := rapid.Int64Range(0, l.Quantity+1).Draw(t, "quantity")
			lines = append(lines, lineOf(l.SKU, n))
			parts[l.SKU] = n
			if sum += n; n > l.Quantity && err == nil {
				err = inventory.ErrLines
			}
		}
		if sum == 0 && err == nil {
			err = inventory.ErrLines
		}
	}
	reference := draw(m, "reference", "", "invoice")
	m.do(c, fmt.Sprint("commit ", r.ID, lines, reference), func(f fixture) (inventory.Result, error) { return f.Commit(t.Context(), c, r.ID, lines, reference) }, err,
		func() ([]string, string) {
			refersTo := reference
			if refersTo == "" {
				refersTo = r.Reference
			}
			r.Lines = slices.Clone(r.Lines)
			r.Status, r.Ended = inventory.StatusCommitted, m.clock.Now()
			for i, l := range r.Lines {
				if n := parts[l.SKU]; n > 0 {
					r.Lines[i].Committed = n
					m.move(l.SKU, inventory.Movement{Type: inventory.Committed, Delta: -n, Reference: refersTo, Reservation: r.ID, Who: c.Who})
				}
			}
			return skusOf(r), r.ID
		})
}

func (m *machine) Release(t *rapid.T) {
	c := m.caller()
	r, err := m.one()
	if r == nil {
		return
	}
	m.do(c, fmt.Sprint("release ", r.ID), func(f fixture) (inventory.Result, error) { return f.Release(t.Context(), c, r.ID) }, err,
		func() ([]string, string) {
			r.Status, r.Ended = inventory.StatusReleased, m.clock.Now()
			return skusOf(r), r.ID
		})
}

func (m *machine) Extend(t *rapid.T) {
	c := m.caller()
	r, err := m.one()
	if r == nil {
		return
	}
	ttl, until := m.ttl()
	lasting := ttl
	if lasting == 0 {
		lasting = inventory.DefaultTTL
	}
	m.do(c, fmt.Sprint("extend ", r.ID, lasting), func(f fixture) (inventory.Result, error) { return f.Extend(t.Context(), c, r.ID, ttl) }, err,
		func() ([]string, string) {
			if until.After(r.Expires) {
				r.Expires = until
			}
			return skusOf(r), r.ID
		})
}

// Pass lets time go by: at times exactly until a reservation expires.
func (m *machine) Pass(t *rapid.T) {
	d := draw(m, "time", time.Microsecond, time.Second, 11*time.Second, 10*time.Minute, 25*time.Hour, merge.IdempotencyLife)
	if len(m.model.ids) > 0 && rapid.Bool().Draw(t, "exactly") {
		if left := m.model.reservations[draw(m, "reservation", m.model.ids...)].Expires.Sub(m.clock.Now()); left > time.Microsecond {
			d = left - draw(m, "before", 0, time.Microsecond)
		}
	}
	m.clock.pass(d)
}

func (m *machine) Restart(t *rapid.T) { m.services[0] = on(t, m.store, m.clock) }

// Ledger compares the movements of an item, in pages of any size.
func (m *machine) Ledger(t *rapid.T) {
	sku, f := m.sku(), m.service()
	it := m.model.items[sku]
	if it == nil {
		if _, err := f.Movements(t.Context(), sku, 1, ""); !errors.Is(err, inventory.ErrItemNotFound) {
			t.Fatalf("movements of %s: got %v, want ErrItemNotFound", sku, err)
		}
		return
	}
	want := slices.Clone(it.movements)
	slices.Reverse(want)
	wantSame(t, "movements of "+sku, want, f.ledger(sku, rapid.IntRange(1, 9).Draw(t, "size")))
}

// Alerts compares all alerts; those of one moment may come in any order.
func (m *machine) Alerts(t *rapid.T) {
	var want []inventory.Alert
	for _, a := range m.model.alerts {
		if m.clock.Now().Before(a.Time.Add(inventory.AlertLife)) {
			want = append(want, a)
		}
	}
	got := m.service().alerts()
	if !slices.IsSortedFunc(got, func(a, b inventory.Alert) int { return b.Time.Compare(a.Time) }) {
		t.Fatalf("the alerts are not in order: %+v", got)
	}
	wantSame(t, "alerts", tally(want), tally(got))
}

// Held compares the reservations that are listed; some of a batch may come before others
// that expire sooner.
func (m *machine) Held(t *rapid.T) {
	sku := draw(m, "sku", append(someSKUs, "")...)
	want := make(map[string]inventory.Reservation)
	for id, r := range m.model.reservations {
		if m.live(r) && (sku == "" || slices.Contains(skusOf(r), sku)) {
			want[id] = *r
		}
	}
	got := make(map[string]inventory.Reservation)
	for _, r := range m.service().held(sku, rapid.IntRange(1, 5).Draw(t, "size")) {
		if _, twice := got[r.ID]; twice {
			t.Fatalf("%s is listed twice", r.ID)
		}
		got[r.ID] = r
	}
	wantSame(t, "held", want, got)
}

// tally counts alerts that are the same.
func tally(alerts []inventory.Alert) map[inventory.Alert]int {
	n := make(map[inventory.Alert]int)
	for _, a := range alerts {
		a.Time = a.Time.UTC()
		n[a]++
	}
	return n
}

// Check compares all that a reader sees.
func (m *machine) Check(t *rapid.T) {
	var want []inventory.Item
	var missing []string
	for _, sku := range someSKUs {
		if m.model.items[sku] == nil {
			missing = append(missing, sku)
			continue
		}
		want = append(want, m.view(sku))
	}
	f := m.services[m.serial%2]
	m.serial++
	got, gone, err := f.Read(t.Context(), someSKUs...)
	if err != nil {
		t.Fatal(err)
	}
	wantSame(t, "items", want, got)
	wantSame(t, "missing", missing, gone)
	if len(m.model.ids) > 0 { // the last one, and another one
		for _, id := range []string{m.model.ids[len(m.model.ids)-1], m.model.ids[m.serial%len(m.model.ids)]} {
			wantSame(t, "reservation", m.reservation(id), f.reservation(id))
		}
	}
}

// end compares everything, once.
func (m *machine) end(t *rapid.T) {
	for _, id := range m.model.ids {
		wantSame(t, "reservation", m.reservation(id), m.services[0].reservation(id))
	}
	movements := 0
	for _, it := range m.model.items {
		movements += len(it.movements)
	}
	if v := m.services[1].sound(); v.Items != len(m.model.items) || v.Movements != int64(movements) {
		t.Fatalf("Verify went through %+v, want %d items and %d movements", v, len(m.model.items), movements)
	}
	m.Alerts(t)
	m.Held(t)
}

func TestAServiceDoesWhatAPlainModelDoes(t *testing.T) {
	for _, tt := range []struct {
		name string
		runs int
		open func(t *testing.T, run *rapid.T) storage.Store
	}{
		{"SQLite", pick(100, 10_000), func(_ *testing.T, run *rapid.T) storage.Store {
			dir, err := os.MkdirTemp("", "stock")
			if err != nil {
				run.Fatal(err)
			}
			run.Cleanup(func() { _ = os.RemoveAll(dir) })
			return sqliteFile(filepath.Join(dir, "stock.db")).open(run)
		}},
		{"Datastore", pick(20, 300), func(t *testing.T, run *rapid.T) storage.Store { return freshDatastore(t).open(run) }},
		{"Firestore", pick(20, 300), func(t *testing.T, run *rapid.T) storage.Store { return freshFirestore(t).open(run) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			checks(t, tt.runs)
			steps, answers := make(map[string]int), make(map[string]int)
			rapid.Check(t, func(run *rapid.T) {
				m := newMachine(run, tt.open(t, run))
				m.answers = answers
				actions := map[string]func(*rapid.T){
					"": m.Check, "set": m.Set, "adjust": m.Adjust, "count": m.Count, "reserve": m.Reserve, "reserve more": m.Reserve,
					"commit": m.Commit, "release": m.Release, "extend": m.Extend, "again": m.Again, "pass": m.Pass, "restart": m.Restart, "ledger": m.Ledger, "alerts": m.Alerts, "held": m.Held,
				}
				for name, do := range maps.Clone(actions) {
					actions[name] = func(t *rapid.T) { steps[name]++; m.T = t; do(t) }
				}
				run.Repeat(actions)
				m.T = run
				m.end(run)
			})
			t.Logf("steps: %v, changes: %v", steps, answers)
		})
	}
}
