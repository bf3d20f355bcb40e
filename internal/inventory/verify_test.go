package inventory

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/merge"
	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
)

var verifyNoon = time.Date(2126, 11, 21, 12, 0, 0, 0, time.UTC)

// verified is a Service that has items a and b, with some movements and a reservation.
func verified(t *testing.T) (s *Service, store *hooked) {
	t.Helper()
	file, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "stock.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := file.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	store = &hooked{Store: file}
	s = New(store, Options{Now: func() time.Time { return verifyNoon }})
	check := func(r Result, err error) Result {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	check(s.Count(t.Context(), Caller{}, Count{Lines: []CountLine{{SKU: "a", Quantity: 10}, {SKU: "b", Quantity: 10}}}))
	for range 3 {
		check(s.Adjust(t.Context(), Caller{}, Adjustment{Lines: []Line{{"a", 2}, {"b", -1}}}))
	}
	check(s.Reserve(t.Context(), Caller{}, Hold{Lines: []Line{{"a", 4}, {"b", 2}}}))
	return s, store
}

// hooked is a store in which something happens before each query of reservations.
type hooked struct {
	storage.Store
	happens func()
}

func (h *hooked) Query(ctx context.Context, q storage.Query) (storage.Page, error) {
	if q.Kind == heldKind && h.happens != nil {
		h.happens()
	}
	return h.Store.Query(ctx, q)
}

// change changes what is stored under a key, past all rules.
func (s *Service) change(t *testing.T, key storage.Key, do func(st *state)) {
	t.Helper()
	_, err := s.group.Do(t.Context(), merge.Op[state, outcome]{Keys: []storage.Key{key}, Apply: func(turn *merge.Turn[state]) (outcome, error) {
		st := turn.State(0)
		do(st)
		turn.Set(0, st)
		return outcome{}, nil
	}})
	if err != nil {
		t.Fatal(err)
	}
}

// faults is what Verify finds.
func (s *Service) faults(t *testing.T) (all []Fault, v Verified) {
	t.Helper()
	v, err := s.Verify(t.Context(), func(f Fault) { all = append(all, f) })
	if err != nil {
		t.Fatal(err)
	}
	return all, v
}

// kept returns the keys of a kind.
func kept(t *testing.T, store storage.Store, kind string) (keys []storage.Key) {
	t.Helper()
	page, err := store.Query(t.Context(), storage.Query{Kind: kind, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range page.Entities {
		keys = append(keys, e.Key)
	}
	return keys
}

func TestVerifyFindsWhatWasChangedPastTheRules(t *testing.T) {
	remove := func(t *testing.T, store storage.Store, key storage.Key) {
		t.Helper()
		if err := store.Update(t.Context(), func(tx storage.Tx) error { return tx.Delete(key) }); err != nil {
			t.Fatal(err)
		}
	}
	// page is that of item a on which there is one of its movements.
	page := func(t *testing.T, s *Service, number int64) storage.Key {
		t.Helper()
		it, err := s.item(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		return (&ledgerPage{item: it.number, first: number}).key()
	}
	held := func(t *testing.T, s *Service) storage.Key { return kept(t, s.store, heldKind)[0] }
	for _, tt := range []struct {
		name string
		do   func(t *testing.T, s *Service)
		want string // of item a; empty: no fault
	}{
		{"nothing", func(t *testing.T, s *Service) {}, ""},
		{"a balance", func(t *testing.T, s *Service) { s.change(t, itemKey("a"), func(st *state) { st.item.onHand++ }) }, "behind movement 4 there were 16 on hand, and what follows says 17"},
		{"how many movements there are", func(t *testing.T, s *Service) { s.change(t, itemKey("a"), func(st *state) { st.item.movements++ }) }, "has movement 4 where 5 has to be"},
		{"fewer movements", func(t *testing.T, s *Service) { s.change(t, itemKey("a"), func(st *state) { st.item.movements-- }) }, "behind movement 3 there were 14 on hand, and what follows says 16"},
		{"the latest page removed", func(t *testing.T, s *Service) { remove(t, s.store, page(t, s, 4)) }, "has movement 3 where 4 has to be"},
		{"a page removed", func(t *testing.T, s *Service) { remove(t, s.store, page(t, s, 3)) }, "has movement 2 where 3 has to be"},
		{"the first page removed", func(t *testing.T, s *Service) { remove(t, s.store, page(t, s, 1)) }, "has 3 of 4 movements"},
		{"the delta of a row", func(t *testing.T, s *Service) {
			s.change(t, page(t, s, 3), func(st *state) { st.ledger.rows[0].Delta++ })
		}, "behind movement 2 there were 12 on hand, and what follows says 11"},
		{"the balance of a row", func(t *testing.T, s *Service) {
			s.change(t, page(t, s, 3), func(st *state) { st.ledger.rows[0].OnHand++ })
		}, "behind movement 3 there were 15 on hand, and what follows says 14"},
		{"the delta of the first row", func(t *testing.T, s *Service) {
			s.change(t, page(t, s, 1), func(st *state) { st.ledger.rows[0].Delta-- })
		}, "its movements add up to 15, and 16 are on hand"},
		{"a row more", func(t *testing.T, s *Service) {
			s.change(t, page(t, s, 2), func(st *state) { st.ledger.rows = append(st.ledger.rows, Movement{OnHand: 12}) })
		}, "has movement 3 where 2 has to be"},
		{"a hold", func(t *testing.T, s *Service) {
			s.change(t, itemKey("a"), func(st *state) { st.item.holds[0].quantity-- })
		}, "its live reservations hold 4, and 3 are reserved"},
		{"a hold more", func(t *testing.T, s *Service) {
			s.change(t, itemKey("a"), func(st *state) { st.item.hold(verifyNoon.Unix()+1, 5) })
		}, "its live reservations hold 4, and 9 are reserved"},
		{"a hold that is past", func(t *testing.T, s *Service) {
			s.change(t, itemKey("a"), func(st *state) { st.item.hold(verifyNoon.Unix(), 5) })
		}, ""},
		{"what is reserved", func(t *testing.T, s *Service) {
			s.change(t, held(t, s), func(st *state) { st.held.rows[0].Lines[0].Quantity = 6 })
		}, "its live reservations hold 6, and 4 are reserved"},
		{"a reservation ended", func(t *testing.T, s *Service) {
			s.change(t, held(t, s), func(st *state) { st.held.rows[0].Status = StatusReleased })
		}, "its live reservations hold 0, and 4 are reserved"},
		{"a page of reservations removed", func(t *testing.T, s *Service) { remove(t, s.store, held(t, s)) }, "its live reservations hold 0, and 4 are reserved"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, _ := verified(t)
			tt.do(t, s)
			found, v := s.faults(t)
			reasons := ""
			for _, f := range found {
				if f.SKU == "a" {
					reasons += f.Reason
				}
			}
			if tt.want == "" && len(found) > 0 || !strings.Contains(reasons, tt.want) {
				t.Errorf("got %+v, want %q", found, tt.want)
			}
			if v.Items != 2 || len(v.Busy) > 0 {
				t.Errorf("got %+v, want 2 items, none busy", v)
			}
		})
	}
}

func TestVerifyGoesThroughMoreThanAPageOfEverything(t *testing.T) {
	s, _ := verified(t)
	var all sync.WaitGroup
	for i := range 250 {
		all.Go(func() {
			sku := fmt.Sprintf("more%03d", i)
			if _, err := s.Count(t.Context(), Caller{}, Count{Lines: []CountLine{{SKU: sku, Quantity: 1}}}); err != nil {
				t.Error(err)
			}
			if _, err := s.Reserve(t.Context(), Caller{}, Hold{Lines: []Line{{sku, 1}}}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	s.change(t, itemKey("more249"), func(st *state) { st.item.holds[0].quantity++ }) // the last one
	found, v := s.faults(t)
	if len(found) != 1 || found[0].SKU != "more249" || v.Items != 252 || v.Movements != 8+250 {
		t.Errorf("got %+v, %+v; want a fault of more249, 252 items and 258 movements", found, v)
	}
}

func TestVerifyTellsOfItemsThatAreBusyAndFindsNoFaultInThem(t *testing.T) {
	for _, tt := range []struct {
		name  string
		times int // that a changes under Verify
		busy  []string
	}{
		{"changed once", 1, nil},
		{"changed all the time", 1000, []string{"a"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, store := verified(t)
			other := New(store.Store, Options{Now: s.now})
			store.happens = func() {
				if tt.times--; tt.times < 0 {
					return
				}
				if _, err := other.Reserve(t.Context(), Caller{}, Hold{Lines: []Line{{"a", 1}}}); err != nil {
					t.Error(err)
				}
			}
			found, v := s.faults(t)
			if len(found) > 0 || strings.Join(v.Busy, " ") != strings.Join(tt.busy, " ") {
				t.Errorf("got faults %+v, busy %v; want none, and busy %v", found, v.Busy, tt.busy)
			}
			store.happens = nil
			if found, v := s.faults(t); len(found)+len(v.Busy) > 0 {
				t.Errorf("in peace: got %+v, busy %v; want neither", found, v.Busy)
			}
		})
	}
}

func TestVerifyFindsNoFaultWhileOthersWrite(t *testing.T) {
	s, store := verified(t)
	other := New(store.Store, Options{Now: s.now})
	done := make(chan struct{})
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				held, err := other.Reserve(t.Context(), Caller{}, Hold{Lines: []Line{{"a", 1}, {"b", 1}}})
				if err == nil && i%2 == 0 {
					_, err = other.Commit(t.Context(), Caller{}, held.Reservation.ID, nil, "")
				} else if err == nil {
					_, err = other.Release(t.Context(), Caller{}, held.Reservation.ID)
				}
				if err == nil {
					_, err = other.Adjust(t.Context(), Caller{}, Adjustment{Lines: []Line{{"a", 1}, {"b", 1}}})
				}
				if err != nil && !errors.Is(err, ErrInsufficient) {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 20 {
		if found, _ := s.faults(t); len(found) > 0 {
			t.Errorf("got %+v, want no fault", found)
		}
	}
	close(done)
	all.Wait()
	if found, v := s.faults(t); len(found)+len(v.Busy) > 0 || v.Movements < 20 {
		t.Errorf("in peace: got %+v and %+v; want no fault, nothing busy, and some movements", found, v)
	}
}
