package inventory_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/inventory"
)

// listed is the references of all reservations that are held, as they are listed in pages
// of a size.
func (f fixture) listed(sku string, size int) (references []string) {
	f.Helper()
	for _, r := range f.held(sku, size) {
		references = append(references, r.Reference)
	}
	return references
}

func (f fixture) held(sku string, size int) (all []inventory.Reservation) {
	f.Helper()
	for token := ""; ; {
		page, err := f.Reservations(f.Context(), sku, size, token)
		if err != nil {
			f.Fatal(err)
		}
		if len(page.Reservations) > size {
			f.Fatalf("a page of %d, want at most %d", len(page.Reservations), size)
		}
		all = append(all, page.Reservations...)
		if token = page.Next; token == "" {
			return all
		}
	}
}

func (f fixture) wantListed(sku string, want ...string) {
	f.Helper()
	for _, size := range []int{1, 2, 1000} {
		if got := f.listed(sku, size); !slices.Equal(got, want) {
			f.Errorf("of %q in pages of %d: %q, want %q", sku, size, got, want)
		}
	}
}

// refer reserves, under a reference.
func (f fixture) refer(reference string, ttl time.Duration, lines ...inventory.Line) (id string) {
	f.Helper()
	h := holding(ttl, lines...)
	h.Reference = reference
	return f.must(f.Reserve(f.Context(), me, h)).Reservation.ID
}

func TestWhatIsHeldIsListedUntilItEnds(t *testing.T) {
	for _, backend := range backends {
		t.Run(backend.name, func(t *testing.T) {
			f := on(t, backend.fresh(t).open(t), newClock())
			f.wantListed("")
			f.stock(10, "a", "b")
			late := f.refer("late", time.Hour, lineOf("a", 1))
			soon := f.refer("soon", time.Minute, lineOf("b", 1))
			both := f.refer("both", 2*time.Minute, lineOf("a", 1), lineOf("b", 1))
			f.refer("gone", 10*time.Second, lineOf("a", 1))
			f.wantListed("", "gone", "soon", "both", "late")
			f.wantListed("a", "gone", "both", "late")
			f.wantListed("b", "soon", "both")
			f.wantListed("c")
			wantSame(t, "the first of b", f.reservation(soon), f.held("b", 1)[0])

			f.clock.pass(10*time.Second - time.Microsecond)
			f.wantListed("a", "gone", "both", "late")
			f.clock.pass(time.Microsecond)
			f.wantListed("a", "both", "late")
			f.must(f.Extend(t.Context(), me, soon, 24*time.Hour))
			f.wantListed("", "both", "late", "soon")
			f.must(f.Release(t.Context(), me, late))
			f.wantListed("", "both", "soon")
			f.must(f.Commit(t.Context(), me, both, []inventory.Line{lineOf("a", 1)}, ""))
			f.wantListed("", "soon")
			f.clock.pass(25 * time.Hour)
			f.wantListed("")
		})
	}
}

// A batch's reservations lie in one page of the store: it is cut where a page of the list
// ends, and those of it that have ended are left out.
func TestABatchIsListedTogetherAndInParts(t *testing.T) {
	const callers = 50
	f := newFixture(t)
	f.stock(1000, "a", "b")
	f.refer("before", 30*time.Second, lineOf("b", 1))
	f.refer("after", 2*time.Hour, lineOf("b", 1))
	ids := make([]string, callers)
	behind(t, f.store, callers, func(ctx context.Context, s *inventory.Service, i int) error {
		h := holding(time.Minute+time.Duration(i)*time.Second, lineOf("a", 1))
		h.Reference = fmt.Sprint(i)
		r, err := s.Reserve(ctx, me, h)
		if err == nil {
			ids[i] = r.Reservation.ID
		}
		return err
	})
	var want []string
	for i := range callers {
		if i%3 == 0 {
			f.must(f.Release(t.Context(), me, ids[i]))
		} else if i >= 10 {
			want = append(want, fmt.Sprint(i))
		}
	}
	f.clock.pass(time.Minute + 9*time.Second) // 1 to 9 expire, and what was before
	f.wantListed("", append(want, "after")...)
	f.wantListed("a", want...)
}

// What holds nothing any more is not read by who lists what is held.
func TestAPageOfTheStoreIsFoundByTheLastOfItsReservationsThatIsHeld(t *testing.T) {
	f := newFixture(t)
	f.stock(10, "a")
	ids := make([]string, 3)
	behind(t, f.store, len(ids), func(ctx context.Context, s *inventory.Service, i int) error {
		r, err := s.Reserve(ctx, me, holding(time.Duration(i+1)*time.Minute, lineOf("a", 1)))
		if err == nil {
			ids[i] = r.Reservation.ID
		}
		return err
	})
	wantRank := func(until time.Time) {
		t.Helper()
		for key, e := range entities(t, f.store) {
			want := fmt.Sprintf("%010x-%s", until.Unix(), key.Name)
			if got, found := e.Index["held"]; key.Kind == "Reservations" && (found == until.IsZero() || found && got != want) {
				t.Errorf("it is found by %v, want by the end at %v, zero: by none", got, until)
			}
		}
	}
	wantRank(noon.Add(3 * time.Minute))
	f.must(f.Release(t.Context(), me, ids[2]))
	wantRank(noon.Add(2 * time.Minute))
	f.must(f.Extend(t.Context(), me, ids[0], time.Hour))
	wantRank(noon.Add(time.Hour))
	f.must(f.Commit(t.Context(), me, ids[0], nil, ""))
	f.must(f.Release(t.Context(), me, ids[1]))
	wantRank(time.Time{})
}

// An answer reads so much and no more, whatever it has found by then.
func TestAListOfWhatIsRareGoesOnBehindWhatItHasRead(t *testing.T) {
	const others = 210
	f := newFixture(t)
	f.stock(others, "a", "b")
	for range others {
		f.reserve(time.Minute, lineOf("a", 1))
	}
	f.refer("rare", time.Hour, lineOf("b", 1))
	page, err := f.Reservations(t.Context(), "b", 1000, "")
	if err != nil || len(page.Reservations) != 0 || page.Next == "" {
		t.Fatalf("the first page: %+v, %v, want it empty and another behind it", page, err)
	}
	if page, err = f.Reservations(t.Context(), "b", 1000, page.Next); err != nil || len(page.Reservations) != 1 || page.Next != "" {
		t.Errorf("the second page: %+v, %v, want the one that there is, and the end", page, err)
	}
}

// What ends or begins between two pages neither pushes other batches' reservations out nor
// brings them again.
func TestPagesOfReservationsStandStill(t *testing.T) {
	f := newFixture(t)
	f.stock(1000, "a")
	ids := make(map[string]string)
	for i := range 5 {
		ids[fmt.Sprint(i)] = f.refer(fmt.Sprint(i), time.Minute+time.Duration(i)*time.Second, lineOf("a", 1))
	}
	first, err := f.Reservations(t.Context(), "", 3, "")
	if err != nil || len(first.Reservations) != 3 {
		t.Fatalf("%+v, %v, want a page of 3", first, err)
	}
	f.must(f.Release(t.Context(), me, ids["0"]))
	f.must(f.Release(t.Context(), me, ids["2"])) // the one that the page ends with
	f.refer("sooner", 30*time.Second, lineOf("a", 1))
	f.refer("later", time.Hour, lineOf("a", 1))
	second, err := f.Reservations(t.Context(), "", 3, first.Next)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range second.Reservations {
		got = append(got, r.Reference)
	}
	if want := []string{"3", "4", "later"}; !slices.Equal(got, want) || second.Next != "" {
		t.Errorf("the second page is %q, more %v, want %q and no more", got, second.Next != "", want)
	}
	f.clock.pass(2 * time.Minute)
	if page, err := f.Reservations(t.Context(), "", 3, first.Next); err != nil || len(page.Reservations) != 1 || page.Reservations[0].Reference != "later" {
		t.Errorf("when the others have expired: %+v, %v, want the one that is held", page, err)
	}
}

func TestATokenGoesWithItsListOnly(t *testing.T) {
	f := newFixture(t)
	f.stock(9, "a")
	f.stock(8, "a")
	f.reserve(time.Minute, lineOf("a", 1))
	f.reserve(time.Minute, lineOf("a", 1))
	page, err := f.Reservations(t.Context(), "a", 1, "")
	if err != nil || page.Next == "" {
		t.Fatalf("%+v, %v, want a token", page, err)
	}
	movements, err := f.Movements(t.Context(), "a", 1, "")
	if err != nil || movements.Next == "" {
		t.Fatalf("%+v, %v, want a token", movements, err)
	}
	changed := []byte(page.Next)
	at := rand.IntN(len(changed) - 1)
	changed[at] ^= 1
	for name, token := range map[string]string{
		"no base64": "%", "short": "AAAA", "of 8 bytes": strings.Repeat("A", 11), "cut off": page.Next[:len(page.Next)-4], "changed": string(changed),
		"with a line break": page.Next + "\n", "of movements": movements.Next,
	} {
		if _, err := f.Reservations(t.Context(), "a", 1, token); !errors.Is(err, inventory.ErrPageToken) {
			t.Errorf("%s: got %v, want ErrPageToken", name, err)
		}
	}
	for _, sku := range []string{"", "b"} {
		if _, err := f.Reservations(t.Context(), sku, 1, page.Next); !errors.Is(err, inventory.ErrPageToken) {
			t.Errorf("of %q: got %v, want ErrPageToken", sku, err)
		}
	}
	if _, err := f.Movements(t.Context(), "a", 1, page.Next); !errors.Is(err, inventory.ErrPageToken) {
		t.Errorf("of movements: got %v, want ErrPageToken", err)
	}
	if _, err := f.Reservations(t.Context(), "a b", 1, ""); !errors.Is(err, inventory.ErrSKU) {
		t.Errorf("of a SKU that cannot be: got %v, want ErrSKU", err)
	}
}
