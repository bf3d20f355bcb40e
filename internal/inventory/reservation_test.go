package inventory_test

import (
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/inventory"
)

// twoHeld is a shop with a reservation of 4 of a and 6 of b, of 10 each, for a minute.
func twoHeld(t *testing.T) (fixture, string) {
	f := newFixture(t)
	f.stock(10, "a", "b")
	h := holding(time.Minute, lineOf("b", 6), lineOf("a", 4))
	h.Reference = "order 7"
	return f, f.must(f.Reserve(t.Context(), me, h)).Reservation.ID
}

func TestAReservationCanBeReadAsItWasMade(t *testing.T) {
	f, id := twoHeld(t)
	wantSame(t, "the reservation", inventory.Reservation{
		ID: id, Status: inventory.Held, Reference: "order 7", Who: "me", Created: noon, Expires: noon.Add(time.Minute),
		Lines: []inventory.ReservedLine{{SKU: "a", Quantity: 4}, {SKU: "b", Quantity: 6}},
	}, f.reservation(id))
}

func TestACommitTakesWhatItSaysAndGivesBackTheRest(t *testing.T) {
	for _, tt := range []struct {
		name      string
		lines     []inventory.Line
		a, b      int64 // on hand behind it
		committed [2]int64
		moved     int
		err       error
	}{
		{"all", nil, 6, 4, [2]int64{4, 6}, 2, nil},
		{"all by name", []inventory.Line{lineOf("b", 6), lineOf("a", 4)}, 6, 4, [2]int64{4, 6}, 2, nil},
		{"a part of each", []inventory.Line{lineOf("a", 1), lineOf("b", 5)}, 9, 5, [2]int64{1, 5}, 2, nil},
		{"a part in two lines", []inventory.Line{lineOf("a", 1), lineOf("a", 2)}, 7, 10, [2]int64{3, 0}, 1, nil},
		{"one of two", []inventory.Line{lineOf("b", 6), lineOf("a", 0)}, 10, 4, [2]int64{0, 6}, 1, nil},
		{"nothing", []inventory.Line{lineOf("b", 0)}, 10, 10, [2]int64{}, 0, inventory.ErrLines},
		{"less than nothing", []inventory.Line{lineOf("a", 1), lineOf("b", -1)}, 10, 10, [2]int64{}, 0, inventory.ErrLines},
		{"more than it holds", []inventory.Line{lineOf("a", 5)}, 10, 10, [2]int64{}, 0, inventory.ErrLines},
		{"more than it holds in sum", []inventory.Line{lineOf("a", 3), lineOf("a", 2)}, 10, 10, [2]int64{}, 0, inventory.ErrLines},
		{"what it does not hold", []inventory.Line{lineOf("a", 1), lineOf("c", 1)}, 10, 10, [2]int64{}, 0, inventory.ErrLines},
		{"nothing of what it does not hold", []inventory.Line{lineOf("a", 1), lineOf("c", 0)}, 10, 10, [2]int64{}, 0, inventory.ErrLines},
		{"out of range", []inventory.Line{lineOf("a", inventory.MaxQuantity+1)}, 10, 10, [2]int64{}, 0, inventory.ErrQuantity},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, id := twoHeld(t)
			f.clock.pass(time.Second)
			result, err := f.Commit(t.Context(), inventory.Caller{Who: "till"}, id, tt.lines, "")
			if !errors.Is(err, tt.err) {
				t.Fatalf("got %v, want %v", err, tt.err)
			}
			moved := append(f.ledger("a", 10), f.ledger("b", 10)...)
			if got := len(moved) - 2; got != tt.moved {
				t.Errorf("it made %d movements, want %d", got, tt.moved)
			}
			r := f.reservation(id)
			if tt.err != nil {
				if f.want("a", 10, 4); r.Status != inventory.Held {
					t.Errorf("a refused commit left it %s, want held", r.Status)
				}
				return
			}
			f.want("a", tt.a, 0)
			f.want("b", tt.b, 0)
			if got := [2]int64{r.Lines[0].Committed, r.Lines[1].Committed}; got != tt.committed {
				t.Errorf("committed %v, want %v", got, tt.committed)
			}
			if r.Status != inventory.StatusCommitted || !r.Ended.Equal(noon.Add(time.Second)) {
				t.Errorf("it is %s since %v, want committed since a second past noon", r.Status, r.Ended)
			}
			wantSame(t, "what the commit told", r, *result.Reservation)
			for _, m := range moved {
				if m.Type == inventory.Committed && (m.Reservation != id || m.Reference != "order 7" || m.Who != "till") {
					t.Errorf("the movement %+v does not say whose it is", m)
				}
			}
			f.sound()
		})
	}
}

func TestACommitSaysItsOwnReference(t *testing.T) {
	f, id := twoHeld(t)
	f.must(f.Commit(t.Context(), me, id, nil, "invoice 8"))
	if got := f.ledger("a", 1)[0].Reference; got != "invoice 8" {
		t.Errorf("the movement refers to %q, want invoice 8", got)
	}
}

func TestAReleaseGivesEverythingBack(t *testing.T) {
	f, id := twoHeld(t)
	f.must(f.Release(t.Context(), me, id))
	f.want("a", 10, 0)
	f.want("b", 10, 0)
	if r := f.reservation(id); r.Status != inventory.StatusReleased || !r.Ended.Equal(noon) {
		t.Errorf("it is %s since %v, want released since noon", r.Status, r.Ended)
	}
	f.sound()
}

func TestAReservationEndsOnce(t *testing.T) {
	ends := map[inventory.Status]func(fixture, string) error{
		inventory.StatusCommitted: func(f fixture, id string) error {
			_, err := f.Commit(f.Context(), me, id, []inventory.Line{lineOf("a", 1)}, "")
			return err
		},
		inventory.StatusReleased: func(f fixture, id string) error {
			_, err := f.Release(f.Context(), me, id)
			return err
		},
		inventory.StatusExpired: func(f fixture, _ string) error {
			f.clock.pass(time.Minute)
			return nil
		},
	}
	extend := func(f fixture, id string) error {
		_, err := f.Extend(f.Context(), me, id, 0)
		return err
	}
	for status, end := range ends {
		t.Run(string(status), func(t *testing.T) {
			f, id := twoHeld(t)
			if err := end(f, id); err != nil {
				t.Fatal(err)
			}
			before := f.item("a")
			for name, again := range map[string]func(fixture, string) error{
				"commit": ends[inventory.StatusCommitted], "release": ends[inventory.StatusReleased], "extend": extend,
			} {
				if err := again(f, id); !isLike(err, &inventory.EndedError{Status: status}) {
					t.Errorf("%s: got %v, want that it is %s already", name, err, status)
				}
			}
			wantSame(t, "a", before, f.item("a"))
			f.clock.pass(time.Hour)
			if got := f.reservation(id).Status; got != status {
				t.Errorf("later it is %s, want %s", got, status)
			}
			f.sound()
		})
	}
}

func TestAReservationLastsUntilTheSecondOrMinuteAtWhichItsTimeIsOver(t *testing.T) {
	for _, tt := range []struct {
		past, ttl, want time.Duration // since noon: made at, expires at
	}{
		{0, 10 * time.Second, 10 * time.Second},
		{0, 0, inventory.DefaultTTL},
		{0, inventory.MaxTTL, inventory.MaxTTL},
		{0, 10*time.Second + 1, 11 * time.Second},
		{0, 10500 * time.Millisecond, 11 * time.Second},
		{time.Microsecond, 10 * time.Second, 11 * time.Second},
		{time.Second - time.Microsecond, 10 * time.Second, 11 * time.Second},
		{999_999_999 * time.Nanosecond, 10 * time.Second, 11 * time.Second},
		{time.Second, 10 * time.Second, 11 * time.Second},
		{time.Second, time.Hour, time.Hour + time.Second},
		{time.Second, time.Hour + 1, time.Hour + time.Minute}, // over an hour it is a whole minute
		{time.Microsecond, inventory.MaxTTL, inventory.MaxTTL + time.Minute},
	} {
		f := newFixture(t)
		f.stock(1, "a")
		f.clock.pass(tt.past)
		r := f.reserve(tt.ttl, lineOf("a", 1))
		if got := r.Expires.Sub(noon); got != tt.want {
			t.Errorf("made %v past noon for %v: it expires %v past noon, want %v", tt.past, tt.ttl, got, tt.want)
		}
		f.clock.pass(r.Expires.Sub(f.clock.Now()) - time.Microsecond)
		f.want("a", 1, 1)
		if got := f.reservation(r.ID).Status; got != inventory.Held {
			t.Errorf("a microsecond before its time it is %s, want held", got)
		}
		if _, err := f.Reserve(t.Context(), me, holding(0, lineOf("a", 1))); !errors.Is(err, inventory.ErrInsufficient) {
			t.Errorf("a microsecond before its time: got %v, want ErrInsufficient", err)
		}
		f.clock.pass(time.Microsecond)
		f.want("a", 1, 0)
		if got := f.reservation(r.ID).Status; got != inventory.StatusExpired {
			t.Errorf("at its time it is %s, want expired", got)
		}
		f.reserve(0, lineOf("a", 1))
		f.sound()
	}
}

func TestAnExtensionLengthensAndNeverShortens(t *testing.T) {
	for _, tt := range []struct {
		past, ttl, want time.Duration // since noon: extended at, by, expires at
		err             error
	}{
		{30 * time.Second, time.Minute, 90 * time.Second, nil},
		{30*time.Second + time.Millisecond, time.Minute, 91 * time.Second, nil},
		{59*time.Second + 999_999*time.Microsecond, inventory.MaxTTL, inventory.MaxTTL + 60*time.Second, nil},
		{30 * time.Second, 10 * time.Second, 60 * time.Second, nil},
		{30 * time.Second, 0, 30*time.Second + inventory.DefaultTTL, nil},
		{30 * time.Second, inventory.MinTTL - 1, 60 * time.Second, inventory.ErrTTL},
		{30 * time.Second, inventory.MaxTTL + 1, 60 * time.Second, inventory.ErrTTL},
		{60 * time.Second, time.Minute, 60 * time.Second, inventory.ErrEnded},
	} {
		f, id := twoHeld(t)
		f.clock.pass(tt.past)
		_, err := f.Extend(t.Context(), me, id, tt.ttl)
		if !errors.Is(err, tt.err) {
			t.Errorf("extended by %v: got %v, want %v", tt.ttl, err, tt.err)
		}
		r := f.reservation(id)
		if got := r.Expires.Sub(noon); got != tt.want {
			t.Errorf("extended %v past noon by %v: it expires %v past noon, want %v", tt.past, tt.ttl, got, tt.want)
		}
		if tt.err == nil {
			f.clock.pass(r.Expires.Sub(f.clock.Now()) - time.Microsecond)
			f.want("a", 10, 4)
			f.want("b", 10, 6)
			f.clock.pass(time.Microsecond)
			f.want("a", 10, 0)
		}
		f.sound()
	}
}

func TestReservationsThatEndInOneSecondAreFreedOneByOne(t *testing.T) {
	f := newFixture(t)
	f.stock(10, "a")
	one, two := f.reserve(time.Minute, lineOf("a", 3)), f.reserve(time.Minute, lineOf("a", 3))
	f.must(f.Release(t.Context(), me, one.ID))
	f.want("a", 10, 3)
	f.must(f.Extend(t.Context(), me, two.ID, 2*time.Minute))
	f.clock.pass(time.Minute)
	f.want("a", 10, 3)
	f.clock.pass(time.Minute)
	f.want("a", 10, 0)
}

// Each way to change an id by one letter, and a few that were never one.
func TestAMistypedIDNamesNoReservation(t *testing.T) {
	f, id := twoHeld(t)
	f.reserve(0, lineOf("a", 1))
	const letters = "0123456789abcdefghjkmnpqrstvwxyz"
	wrong := []string{
		"", "x", id + "0", id[1:], id[:len(id)-1], strings.ToUpper(id), id + "\n", " " + id, "__" + id + "__",
		strings.Repeat("0", len(id)), strings.Repeat("z", 1000), strings.Repeat("ö", 20), "\xff\x00/",
		strings.Replace(id, id[3:4], "i", 1), // i, l, o and u are no letters of an id
	}
	for i := range id {
		for _, c := range letters {
			if other := id[:i] + string(c) + id[i+1:]; other != id {
				wrong = append(wrong, other)
			}
		}
	}
	wrong = append(wrong, reindexed(t, id)...)
	for _, id := range wrong {
		if _, err := f.Reservation(t.Context(), id); !errors.Is(err, inventory.ErrReservationNotFound) {
			t.Fatalf("read of %q: got %v, want ErrReservationNotFound", id, err)
		}
	}
	for _, id := range wrong[:14] {
		_, committed := f.Commit(t.Context(), me, id, nil, "")
		_, released := f.Release(t.Context(), me, id)
		_, extended := f.Extend(t.Context(), me, id, 0)
		for _, err := range []error{committed, released, extended} {
			if !errors.Is(err, inventory.ErrReservationNotFound) {
				t.Errorf("%.40q: got %v, want ErrReservationNotFound", id, err)
			}
		}
	}
	f.want("a", 10, 5)
}

// reindexed is an id with other places on its page, and other pages, well formed.
func reindexed(t *testing.T, id string) (all []string) {
	t.Helper()
	encoding := base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)
	b, err := encoding.DecodeString(id)
	if err != nil || len(b) != 14 { // 8 of the item, 1 of the page, 1 of the place, 4 of the check
		t.Fatalf("id %s has %d bytes, %v", id, len(b), err)
	}
	for n := range 256 {
		for _, at := range []int{8, 9} {
			if c := append([]byte(nil), b...); int(c[at]) != n {
				c[at] = byte(n)
				all = append(all, encoding.EncodeToString(c))
			}
		}
	}
	huge := append(append([]byte(nil), b[:8]...), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01, 1, 2, 3, 4)
	return append(all, encoding.EncodeToString(huge))
}

func TestReservationsOfAHundredItemsAreWholeOrNot(t *testing.T) {
	for _, backend := range backends {
		t.Run(backend.name, func(t *testing.T) {
			f := on(t, backend.fresh(t).open(t), newClock())
			lines := many(inventory.MaxLines)
			var counts []inventory.CountLine
			for _, l := range lines {
				counts = append(counts, inventory.CountLine{SKU: l.SKU, Quantity: 2})
			}
			f.must(f.Count(t.Context(), me, inventory.Count{Lines: counts}))
			r := f.reserve(0, lines...)
			f.must(f.Adjust(t.Context(), me, adjustment(lineOf("s50", -1))))
			if _, err := f.Reserve(t.Context(), me, holding(0, lines...)); !isLike(err, &inventory.InsufficientError{Shortages: []inventory.Shortage{{SKU: "s50", Wanted: 1}}}) {
				t.Errorf("got %v, want that s50 lacks one", err)
			}
			f.must(f.Commit(t.Context(), me, r.ID, nil, ""))
			for i := range lines {
				if want := map[bool]int64{true: 0, false: 1}[i == 50]; f.item(lines[i].SKU).OnHand != want {
					f.want(fmt.Sprint("s", i), want, 0)
				}
			}
			f.sound()
		})
	}
}
