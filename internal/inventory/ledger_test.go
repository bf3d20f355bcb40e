package inventory_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/tallystick/tallystick/internal/inventory"
	"github.com/tallystick/tallystick/internal/storage"
)

func TestEachMovementSaysWhatWhyWhoAndWhen(t *testing.T) {
	f := newFixture(t)
	c := counted("a", 10)
	c.Reason, c.Reference = "stocktaking", "sheet 1"
	f.must(f.Count(t.Context(), inventory.Caller{Who: "ann"}, c))
	f.clock.pass(time.Second)
	a := adjustment(lineOf("a", -1), lineOf("a", -2))
	a.Reason, a.Reference = "broken", "note 2"
	f.must(f.Adjust(t.Context(), inventory.Caller{Who: "bob"}, a))
	h := holding(0, lineOf("a", 5))
	h.Reference = "order 3"
	r := f.must(f.Reserve(t.Context(), me, h)).Reservation
	f.must(f.Commit(t.Context(), inventory.Caller{Who: "eve"}, r.ID, []inventory.Line{lineOf("a", 4)}, ""))
	later := noon.Add(time.Second)
	want := []inventory.Movement{
		{Number: 3, Type: inventory.Committed, Delta: -4, OnHand: 3, Reference: "order 3", Reservation: r.ID, Who: "eve", Time: later},
		{Number: 2, Type: inventory.Adjusted, Delta: -3, OnHand: 7, Reason: "broken", Reference: "note 2", Who: "bob", Time: later},
		{Number: 1, Type: inventory.Counted, Delta: 10, OnHand: 10, Reason: "stocktaking", Reference: "sheet 1", Who: "ann", Time: noon},
	}
	wantSame(t, "the ledger", want, f.ledger("a", 10))
}

func TestALedgerIsReadInPagesOfAnySizeAndNewMovementsDisturbNone(t *testing.T) {
	for _, backend := range backends {
		t.Run(backend.name, func(t *testing.T) {
			f := on(t, backend.fresh(t).open(t), newClock())
			f.stock(0, "a", "other")
			var all sync.WaitGroup // so that some of the movements share a page
			for i := range 45 {
				all.Go(func() {
					if _, err := f.Adjust(t.Context(), me, adjustment(lineOf("a", int64(i+1)))); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			whole := f.ledger("a", 1000)
			for i, m := range whole {
				if m.Number != int64(len(whole)-i) {
					t.Fatalf("movement %d is number %d, want %d", i, m.Number, len(whole)-i)
				}
			}
			for _, size := range []int{1, 7, 46} {
				wantSame(t, fmt.Sprint("in pages of ", size), whole, f.ledger("a", size))
			}
			var got []inventory.Movement
			for token := ""; ; {
				page, err := f.Movements(t.Context(), "a", 10, token)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, page.Movements...)
				f.must(f.Adjust(t.Context(), me, adjustment(lineOf("a", 1))))
				if token = page.Next; token == "" {
					break
				}
			}
			wantSame(t, "while others are made", whole, got)
		})
	}
}

func TestATokenIsGoodForTheLedgerThatGaveIt(t *testing.T) {
	f := newFixture(t)
	for range 3 {
		f.stock(1, "a", "b")
	}
	page, err := f.Movements(t.Context(), "a", 1, "")
	if err != nil || page.Next == "" {
		t.Fatalf("got %+v, %v", page, err)
	}
	token := page.Next
	wrong := []string{"x", token + "A", token[1:], token[:len(token)-1], token + "=", strings.ToUpper(token), "\n" + token, token + "\n", strings.Repeat("A", len(token))}
	for i := range token {
		for _, c := range "Ab0_" {
			if other := token[:i] + string(c) + token[i+1:]; other != token {
				wrong = append(wrong, other)
			}
		}
	}
	for _, w := range wrong {
		if _, err := f.Movements(t.Context(), "a", 1, w); !errors.Is(err, inventory.ErrPageToken) {
			t.Errorf("token %q: got %v, want ErrPageToken", w, err)
		}
	}
	if _, err := f.Movements(t.Context(), "b", 1, token); !errors.Is(err, inventory.ErrPageToken) {
		t.Errorf("another item's token: got %v, want ErrPageToken", err)
	}
	if _, err := f.Movements(t.Context(), "none", 1, token); !errors.Is(err, inventory.ErrItemNotFound) {
		t.Errorf("movements of no item: got %v, want ErrItemNotFound", err)
	}
}

// A batch of changes with long texts is far more than one page holds, and what is read
// at once of such pages is more than a message of the emulators holds.
func TestALedgerOfLongTextsIsKeptAndRead(t *testing.T) {
	for _, backend := range backends {
		t.Run(backend.name, func(t *testing.T) {
			f := on(t, backend.fresh(t).open(t), newClock())
			var lines []inventory.CountLine
			for _, l := range many(inventory.MaxLines) {
				lines = append(lines, inventory.CountLine{SKU: l.SKU, Quantity: 9})
			}
			f.must(f.Count(t.Context(), me, inventory.Count{Lines: lines}))
			const callers = 2000
			a := adjustment(lineOf("s0", 1))
			a.Reason, a.Reference = strings.Repeat("r", inventory.MaxReason), strings.Repeat("R", inventory.MaxReference)
			who := inventory.Caller{Who: strings.Repeat("w", 1000)}
			var all sync.WaitGroup
			for range callers {
				all.Go(func() {
					if _, err := f.Adjust(t.Context(), who, a); err != nil {
						t.Error(err)
					}
				})
			}
			all.Wait()
			if got := len(f.ledger("s0", 10_000)); got != callers+1 {
				t.Errorf("%d movements, want %d", got, callers+1)
			}
			f.sound()
		})
	}
}

func TestAnAlertTellsOfEachDownwardCrossingOnce(t *testing.T) {
	type step struct {
		name   string
		do     func(f fixture) error
		alerts int // so many more than before it
	}
	adjusted := func(n int64) func(fixture) error {
		return func(f fixture) error {
			_, err := f.Adjust(f.Context(), me, adjustment(lineOf("a", n)))
			return err
		}
	}
	var id string
	reserved := func(n int64, ttl time.Duration) func(fixture) error {
		return func(f fixture) error {
			r, err := f.Reserve(f.Context(), me, holding(ttl, lineOf("a", n)))
			if err == nil {
				id = r.Reservation.ID
			}
			return err
		}
	}
	settings := func(low *int64) func(fixture) error {
		return func(f fixture) error {
			_, err := f.Set(f.Context(), me, "a", inventory.Settings{LowStock: low, OversellLimit: 100})
			return err
		}
	}
	f := newFixture(t)
	for _, s := range []step{
		{"a new item that is low", settings(ptr(5)), 0},
		{"low as before", adjusted(5), 0},
		{"up", adjusted(1), 0},
		{"down to it", adjusted(-1), 1},
		{"below it", adjusted(-3), 0},
		{"up again", adjusted(8), 0},
		{"down by a reservation", reserved(5, time.Minute), 1},
		{"a commit of it", func(f fixture) error { _, err := f.Commit(f.Context(), me, id, nil, ""); return err }, 0},
		{"up once more", adjusted(5), 0},
		{"down by a reservation again", reserved(5, time.Minute), 1},
		{"while it lasts", adjusted(-1), 0},
		{"down after it has expired", func(f fixture) error { f.clock.pass(time.Minute); return adjusted(-4)(f) }, 1},
		{"up by a count", func(f fixture) error { _, err := f.Count(f.Context(), me, counted("a", 20)); return err }, 0},
		{"down by a count", func(f fixture) error { _, err := f.Count(f.Context(), me, counted("a", 2)); return err }, 1},
		{"a lower threshold", settings(ptr(1)), 0},
		{"a threshold that makes it low, though nothing fell", settings(ptr(2)), 0},
		{"a higher one", settings(ptr(3)), 0},
		{"no threshold", settings(nil), 0},
		{"down without one", adjusted(-9), 0},
		{"a threshold below zero", settings(ptr(-8)), 0},
		{"down to that", adjusted(-1), 1},
		{"a change that is refused", func(f fixture) error {
			if err := adjusted(-1_000_000)(f); err == nil {
				return errors.New("it was not refused")
			}
			return nil
		}, 0},
	} {
		before := f.alerts()
		if err := s.do(f); err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		after := f.alerts()
		if got := len(after) - len(before); got != s.alerts {
			t.Errorf("%s: %d alerts, want %d", s.name, got, s.alerts)
		}
		if it := f.item("a"); s.alerts == 1 {
			want := inventory.Alert{SKU: "a", Available: it.Available(), Threshold: *it.LowStock, Time: f.clock.Now()}
			if diff := cmp.Diff(want, after[0]); diff != "" {
				t.Errorf("%s: - want + got:\n%s", s.name, diff)
			}
		}
		f.clock.pass(time.Second) // alerts are in order of time
	}
}

func TestAlertsOfManyItemsAreReadTheLatestFirstAndNoLongerThanTheyLast(t *testing.T) {
	for _, backend := range backends {
		t.Run(backend.name, func(t *testing.T) {
			f := on(t, backend.fresh(t).open(t), newClock())
			var want []string
			for i := range 7 {
				sku := fmt.Sprint("s", i)
				f.stock(2, sku)
				f.must(f.Set(t.Context(), me, sku, inventory.Settings{LowStock: ptr(1)}))
				f.must(f.Adjust(t.Context(), me, adjustment(lineOf(sku, -1))))
				f.clock.pass(time.Hour)
				want = append([]string{sku}, want...)
			}
			got := func() (skus []string) {
				for _, a := range f.alerts() {
					skus = append(skus, a.SKU)
				}
				return skus
			}
			wantSame(t, "alerts", want, got())
			f.clock.pass(inventory.AlertLife - 5*time.Hour)
			wantSame(t, "alerts when the first three are too old", want[:4], got())
			if _, err := f.Alerts(t.Context(), 3, "x"); !errors.Is(err, storage.ErrCursor) {
				t.Errorf("a bad token: got %v, want ErrCursor", err)
			}
		})
	}
}

func TestAnAlertOfSeveralItemsIsOneOfEach(t *testing.T) {
	f := newFixture(t)
	f.stock(10, "a", "b", "c")
	for _, sku := range []string{"a", "b", "c"} {
		f.must(f.Set(t.Context(), me, sku, inventory.Settings{LowStock: ptr(5)}))
	}
	f.must(f.Adjust(t.Context(), me, adjustment(lineOf("a", -5), lineOf("b", -4), lineOf("c", -6))))
	got := make(map[string]int64)
	for _, a := range f.alerts() {
		got[a.SKU] = a.Available
	}
	wantSame(t, "alerts", map[string]int64{"a": 5, "c": 4}, got)
}
