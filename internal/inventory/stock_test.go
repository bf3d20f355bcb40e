package inventory_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/inventory"
)

func ptr(n int64) *int64 { return &n }

// shop is what the tables below begin with: plenty has 10, held 10 of which 4 are
// reserved, over none but may be oversold by 3, and full as many as there can be.
func shop(t *testing.T) fixture {
	f := newFixture(t)
	f.stock(10, "plenty", "held")
	f.reserve(0, lineOf("held", 4))
	f.must(f.Set(t.Context(), me, "over", inventory.Settings{OversellLimit: 3}))
	f.stock(inventory.MaxQuantity, "full")
	return f
}

var shopSKUs = []string{"full", "held", "over", "plenty"}

// change is one call of a Service.
type change func(ctx context.Context, s *inventory.Service) (inventory.Result, error)

func set(sku string, oversell int64, low *int64) change {
	return func(ctx context.Context, s *inventory.Service) (inventory.Result, error) {
		return s.Set(ctx, me, sku, inventory.Settings{OversellLimit: oversell, LowStock: low})
	}
}

func setExpecting(sku string, to, expected inventory.Settings) change {
	return func(ctx context.Context, s *inventory.Service) (inventory.Result, error) {
		to.Expected = &expected
		return s.Set(ctx, me, sku, to)
	}
}

func adjust(lines ...inventory.Line) change {
	return func(ctx context.Context, s *inventory.Service) (inventory.Result, error) {
		return s.Adjust(ctx, me, adjustment(lines...))
	}
}

func count(lines ...inventory.CountLine) change {
	return func(ctx context.Context, s *inventory.Service) (inventory.Result, error) {
		return s.Count(ctx, me, inventory.Count{Lines: lines})
	}
}

func reserve(ttl time.Duration, lines ...inventory.Line) change {
	return func(ctx context.Context, s *inventory.Service) (inventory.Result, error) {
		return s.Reserve(ctx, me, holding(ttl, lines...))
	}
}

func many(n int) (lines []inventory.Line) {
	for i := range n {
		lines = append(lines, lineOf(fmt.Sprint("s", i), 1))
	}
	return lines
}

func TestAChangeDoesWhatItSaysToItsItemsAlone(t *testing.T) {
	type stock struct{ onHand, reserved int64 }
	for _, tt := range []struct {
		name string
		do   change
		want map[string]stock // of the items that change
	}{
		{"more", adjust(lineOf("plenty", 5)), map[string]stock{"plenty": {15, 0}}},
		{"less", adjust(lineOf("plenty", -10)), map[string]stock{"plenty": {0, 0}}},
		{"all that is not reserved", adjust(lineOf("held", -6)), map[string]stock{"held": {4, 4}}},
		{"as far as it may be oversold", adjust(lineOf("over", -3)), map[string]stock{"over": {-3, 0}}},
		{"several items", adjust(lineOf("plenty", -3), lineOf("held", 3)), map[string]stock{"plenty": {7, 0}, "held": {13, 4}}},
		{"lines of one item, which are enough in sum alone", adjust(lineOf("plenty", -15), lineOf("held", 1), lineOf("plenty", 7)),
			map[string]stock{"plenty": {2, 0}, "held": {11, 4}}},
		{"lines of one item that come to nothing", adjust(lineOf("plenty", -15), lineOf("plenty", 15)), map[string]stock{"plenty": {10, 0}}},
		{"a count", count(inventory.CountLine{SKU: "plenty", Quantity: 7}), map[string]stock{"plenty": {7, 0}}},
		{"a count of what was expected", count(inventory.CountLine{SKU: "plenty", Quantity: 7, Expected: ptr(10)}), map[string]stock{"plenty": {7, 0}}},
		{"a count of as many as are reserved", count(inventory.CountLine{SKU: "held", Quantity: 4}), map[string]stock{"held": {4, 4}}},
		{"a count of what nobody knew", count(inventory.CountLine{SKU: "new", Quantity: 8, Expected: ptr(0)}), map[string]stock{"new": {8, 0}}},
		{"a count of several", count(inventory.CountLine{SKU: "plenty", Quantity: 0}, inventory.CountLine{SKU: "new", Quantity: 1}),
			map[string]stock{"plenty": {0, 0}, "new": {1, 0}}},
		{"the largest count", count(inventory.CountLine{SKU: "plenty", Quantity: inventory.MaxQuantity}), map[string]stock{"plenty": {inventory.MaxQuantity, 0}}},
		{"settings", set("plenty", 2, ptr(5)), map[string]stock{"plenty": {10, 0}}},
		{"settings of a new item", set("new", 0, ptr(-2)), map[string]stock{"new": {0, 0}}},
		{"settings that were expected", setExpecting("over", inventory.Settings{LowStock: ptr(1)}, inventory.Settings{OversellLimit: 3}), map[string]stock{"over": {0, 0}}},
		{"settings where none were expected", setExpecting("new", inventory.Settings{OversellLimit: 1}, inventory.Settings{}), map[string]stock{"new": {0, 0}}},
		{"a reservation", reserve(0, lineOf("plenty", 10)), map[string]stock{"plenty": {10, 10}}},
		{"a reservation of the rest", reserve(0, lineOf("held", 6)), map[string]stock{"held": {10, 10}}},
		{"a reservation of what is not there yet", reserve(0, lineOf("over", 3)), map[string]stock{"over": {0, 3}}},
		{"a reservation of several", reserve(0, lineOf("plenty", 1), lineOf("held", 2), lineOf("plenty", 3)), map[string]stock{"plenty": {10, 4}, "held": {10, 6}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := shop(t)
			before, _, err := f.Read(t.Context(), shopSKUs...)
			if err != nil {
				t.Fatal(err)
			}
			versions := make(map[string]int64)
			f.clock.pass(time.Second)
			result := f.must(tt.do(t.Context(), f.Service))
			for _, b := range before {
				versions[b.SKU] = b.Version
				if _, changes := tt.want[b.SKU]; !changes {
					wantSame(t, "an item that is not named", b, f.item(b.SKU))
				}
			}
			if len(result.Items) != len(tt.want) {
				t.Errorf("it tells of %d items, want %d", len(result.Items), len(tt.want))
			}
			for _, told := range result.Items {
				want := tt.want[told.SKU]
				if (stock{told.OnHand, told.Reserved}) != want || told.Version != versions[told.SKU]+1 || !told.Updated.Equal(noon.Add(time.Second)) {
					t.Errorf("got %+v, want %+v of version %d", told, want, versions[told.SKU]+1)
				}
				wantSame(t, "what is read", told, f.item(told.SKU))
			}
			f.sound()
		})
	}
}

func TestARefusedChangeSaysWhyAndChangesNothing(t *testing.T) {
	short := func(s ...inventory.Shortage) error { return &inventory.InsufficientError{Shortages: s} }
	for _, tt := range []struct {
		name string
		do   change
		want error // with its text, if it has one of its own
	}{
		{"an unknown item adjusted", adjust(lineOf("none", 1)), inventory.ErrItemNotFound},
		{"an unknown item among others", adjust(lineOf("plenty", 1), lineOf("none", 1)), inventory.ErrItemNotFound},
		{"an unknown item reserved", reserve(0, lineOf("plenty", 1), lineOf("none", 1)), inventory.ErrItemNotFound},
		{"one too many", adjust(lineOf("plenty", -11)), short(inventory.Shortage{SKU: "plenty", Wanted: 11, Available: 10})},
		{"one that is reserved", adjust(lineOf("held", -7)), short(inventory.Shortage{SKU: "held", Wanted: 7, Available: 6})},
		{"one too many oversold", adjust(lineOf("over", -4)), short(inventory.Shortage{SKU: "over", Wanted: 4, Available: 3})},
		{"too many in sum", adjust(lineOf("plenty", -6), lineOf("plenty", -6)), short(inventory.Shortage{SKU: "plenty", Wanted: 12, Available: 10})},
		{"two of three", adjust(lineOf("held", -8), lineOf("over", 1), lineOf("plenty", -20)),
			short(inventory.Shortage{SKU: "held", Wanted: 8, Available: 6}, inventory.Shortage{SKU: "plenty", Wanted: 20, Available: 10})},
		{"one too many reserved", reserve(0, lineOf("plenty", 2), lineOf("held", 7)), short(inventory.Shortage{SKU: "held", Wanted: 7, Available: 6})},
		{"one too many reserved in sum", reserve(0, lineOf("held", 3), lineOf("held", 4)), short(inventory.Shortage{SKU: "held", Wanted: 7, Available: 6})},
		{"one too many reserved and oversold", reserve(0, lineOf("over", 4)), short(inventory.Shortage{SKU: "over", Wanted: 4, Available: 3})},
		{"a stale count", count(inventory.CountLine{SKU: "plenty", Quantity: 1, Expected: ptr(9)}), &inventory.StaleError{SKU: "plenty", Expected: 9, OnHand: 10}},
		{"a stale count among others", count(inventory.CountLine{SKU: "held", Quantity: 9}, inventory.CountLine{SKU: "plenty", Quantity: 1, Expected: ptr(9)}),
			&inventory.StaleError{SKU: "plenty", Expected: 9, OnHand: 10}},
		{"a count of what was thought to be there", count(inventory.CountLine{SKU: "none", Quantity: 1, Expected: ptr(1)}), &inventory.StaleError{SKU: "none", Expected: 1}},
		{"a count that does not cover what is reserved", count(inventory.CountLine{SKU: "held", Quantity: 3}),
			short(inventory.Shortage{SKU: "held", Wanted: 4, Available: 3, Reserved: true})},
		{"settings that do not cover what was oversold", func(ctx context.Context, s *inventory.Service) (inventory.Result, error) {
			if _, err := s.Reserve(ctx, me, holding(0, lineOf("over", 3))); err != nil {
				return inventory.Result{}, err
			}
			return s.Set(ctx, me, "over", inventory.Settings{OversellLimit: 2})
		}, short(inventory.Shortage{SKU: "over", Wanted: 3, Available: 2, Reserved: true})},

		{"another oversell limit than was expected", setExpecting("over", inventory.Settings{}, inventory.Settings{OversellLimit: 2}), inventory.ErrStaleSettings},
		{"another threshold than was expected", setExpecting("over", inventory.Settings{}, inventory.Settings{OversellLimit: 3, LowStock: ptr(0)}), inventory.ErrStaleSettings},
		{"settings of what was thought to be there", setExpecting("none", inventory.Settings{}, inventory.Settings{OversellLimit: 1}), inventory.ErrStaleSettings},
		{"expected settings out of range", setExpecting("over", inventory.Settings{}, inventory.Settings{OversellLimit: -1}), inventory.ErrQuantity},

		{"more than there can be", adjust(lineOf("full", 1)), inventory.ErrQuantity},
		{"a quantity out of range", adjust(lineOf("plenty", inventory.MaxQuantity+1)), inventory.ErrQuantity},
		{"a quantity out of range downward", adjust(lineOf("plenty", -inventory.MaxQuantity-1)), inventory.ErrQuantity},
		{"the largest quantity of all", adjust(lineOf("plenty", math.MaxInt64), lineOf("plenty", math.MaxInt64)), inventory.ErrQuantity},
		{"the smallest quantity of all", adjust(lineOf("plenty", math.MinInt64)), inventory.ErrQuantity},
		{"a sum out of range", adjust(lineOf("plenty", inventory.MaxQuantity), lineOf("plenty", 1)), inventory.ErrQuantity},
		{"a reserved sum out of range", reserve(0, lineOf("plenty", inventory.MaxQuantity), lineOf("plenty", inventory.MaxQuantity)), inventory.ErrQuantity},
		{"a count below zero", count(inventory.CountLine{SKU: "plenty", Quantity: -1}), inventory.ErrQuantity},
		{"a count out of range", count(inventory.CountLine{SKU: "plenty", Quantity: inventory.MaxQuantity + 1}), inventory.ErrQuantity},
		{"an expectation out of range", count(inventory.CountLine{SKU: "plenty", Expected: ptr(math.MinInt64)}), inventory.ErrQuantity},
		{"a negative oversell limit", set("plenty", -1, nil), inventory.ErrQuantity},
		{"an oversell limit out of range", set("plenty", inventory.MaxQuantity+1, nil), inventory.ErrQuantity},
		{"a threshold out of range", set("plenty", 0, ptr(-inventory.MaxQuantity-1)), inventory.ErrQuantity},
		{"a reservation of nothing", reserve(0, lineOf("plenty", 0)), inventory.ErrQuantity},
		{"a reservation of less than nothing", reserve(0, lineOf("plenty", 5), lineOf("plenty", -1)), inventory.ErrQuantity},

		{"nothing", adjust(lineOf("plenty", 1), lineOf("held", 0)), inventory.ErrLines},
		{"no lines", adjust(), inventory.ErrLines},
		{"no lines to count", count(), inventory.ErrLines},
		{"no lines to reserve", reserve(0), inventory.ErrLines},
		{"too many lines", adjust(many(inventory.MaxLines + 1)...), inventory.ErrLines},
		{"too many lines to reserve", reserve(0, many(inventory.MaxLines+1)...), inventory.ErrLines},
		{"too many lines to count", count(make([]inventory.CountLine, inventory.MaxLines+1)...), inventory.ErrLines},
		{"an item counted twice", count(inventory.CountLine{SKU: "plenty"}, inventory.CountLine{SKU: "plenty"}), inventory.ErrLines},
		{"a time to live too short", reserve(inventory.MinTTL-1, lineOf("plenty", 1)), inventory.ErrTTL},
		{"a time to live too long", reserve(inventory.MaxTTL+1, lineOf("plenty", 1)), inventory.ErrTTL},
		{"a negative time to live", reserve(-1, lineOf("plenty", 1)), inventory.ErrTTL},
		{"no name", set("", 0, nil), inventory.ErrSKU},
		{"a name of a route", count(inventory.CountLine{SKU: "alerts"}), inventory.ErrSKU},
		{"a name of a route among others", adjust(lineOf("plenty", 1), lineOf("batch", 1)), inventory.ErrSKU},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := shop(t)
			onHand := make(map[string]int64)
			for _, sku := range shopSKUs {
				onHand[sku] = f.item(sku).OnHand
			}
			before := f.sound()
			_, err := tt.do(t.Context(), f.Service)
			if !isLike(err, tt.want) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			for sku, want := range onHand {
				if got := f.item(sku).OnHand; got != want {
					t.Errorf("%s has %d on hand, want %d as before", sku, got, want)
				}
			}
			if after := f.sound(); after.Movements != before.Movements || after.Items != before.Items {
				t.Errorf("%+v before and %+v behind it", before, after)
			}
		})
	}
}

// isLike says whether an error is another one, or one of its type that says the same.
func isLike(got, want error) bool {
	var short *inventory.InsufficientError
	var stale *inventory.StaleError
	var ended *inventory.EndedError
	switch {
	case errors.As(want, &short):
		return errors.Is(got, inventory.ErrInsufficient) && strings.HasSuffix(got.Error(), want.Error())
	case errors.As(want, &stale):
		return errors.Is(got, inventory.ErrStale) && strings.HasSuffix(got.Error(), want.Error())
	case errors.As(want, &ended):
		return errors.Is(got, inventory.ErrEnded) && strings.HasSuffix(got.Error(), want.Error())
	}
	return errors.Is(got, want)
}

func TestSettingsAreKeptAsTheyAreSetAndReplacedWhole(t *testing.T) {
	f := newFixture(t)
	for version, want := range []inventory.Settings{{OversellLimit: 3, LowStock: ptr(0)}, {LowStock: ptr(-7)}, {OversellLimit: inventory.MaxQuantity}, {}} {
		f.must(f.Set(t.Context(), me, "a", want))
		f.clock.pass(time.Minute)
		got := f.item("a")
		wantSame(t, "settings", want, inventory.Settings{OversellLimit: got.OversellLimit, LowStock: got.LowStock})
		if got.Version != int64(version+1) || !got.Created.Equal(noon) {
			t.Errorf("version %d, made at %v; want %d, %v", got.Version, got.Created, version+1, noon)
		}
	}
	if moved := f.ledger("a", 10); len(moved) > 0 {
		t.Errorf("settings made %d movements", len(moved))
	}
}

// TestSettingsThatExpectNothingAreTheRequestThatTheyWere: an IdempotencyKey is compared with
// what was stored for it up to a week ago, by an older version.
func TestSettingsThatExpectNothingAreTheRequestThatTheyWere(t *testing.T) {
	const want = `{"OversellLimit":3,"LowStock":null}`
	if got, err := json.Marshal(inventory.Settings{OversellLimit: 3}); string(got) != want || err != nil {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

func TestSKUsAreHeldToWhatARouteAndADatabaseCanName(t *testing.T) {
	for _, sku := range []string{"a", "A-1", "9", "x.y_z~0:@", "...a", "_", "__", "___", "__a", "a__", strings.Repeat("s", inventory.MaxSKU)} {
		f := newFixture(t)
		f.stock(1, sku)
		f.want(sku, 1, 0)
	}
	for _, sku := range []string{"", ".", "..", "alerts", "batch", "count.js", "a/b", "a b", "ä", "a\x00", "a%", "\xff", "__a__", "____", strings.Repeat("s", inventory.MaxSKU+1)} {
		f := newFixture(t)
		if _, err := f.Count(t.Context(), me, counted(sku, 1)); !errors.Is(err, inventory.ErrSKU) {
			t.Errorf("count of %.20q: got %v, want ErrSKU", sku, err)
		}
		if _, _, err := f.Read(t.Context(), sku); !errors.Is(err, inventory.ErrSKU) {
			t.Errorf("read of %.20q: got %v, want ErrSKU", sku, err)
		}
		if _, err := f.Movements(t.Context(), sku, 1, ""); !errors.Is(err, inventory.ErrSKU) {
			t.Errorf("movements of %.20q: got %v, want ErrSKU", sku, err)
		}
	}
}

func TestTextInTheLedgerIsHeldToALengthAndToWhatCanBePrinted(t *testing.T) {
	f := newFixture(t)
	f.stock(10, "a")
	id := f.reserve(0, lineOf("a", 1)).ID
	long := func(n int) string { return strings.Repeat("ö", n/2) }
	for _, tt := range []struct {
		reason, reference string
		ok                bool
	}{
		{long(inventory.MaxReason), long(inventory.MaxReference), true},
		{long(inventory.MaxReason) + "x", "", false},
		{"", long(inventory.MaxReference) + "x", false},
		{"a\nb", "", false}, {"", "a\x7fb", false}, {"", "\xff", false}, {"", "\x00", false},
	} {
		want := error(nil)
		if !tt.ok {
			want = inventory.ErrText
		}
		a := adjustment(lineOf("a", 1))
		a.Reason, a.Reference = tt.reason, tt.reference
		_, adjusted := f.Adjust(t.Context(), me, a)
		c := counted("a", 10)
		c.Reason, c.Reference = tt.reason, tt.reference
		_, counted := f.Count(t.Context(), me, c)
		if !errors.Is(adjusted, want) || !errors.Is(counted, want) {
			t.Errorf("%.10q, %.10q: adjust says %v and count %v, want %v", tt.reason, tt.reference, adjusted, counted, want)
		}
		if tt.ok || tt.reference == "" {
			continue
		}
		h := holding(0, lineOf("a", 1))
		h.Reference = tt.reference
		_, reserved := f.Reserve(t.Context(), me, h)
		_, committed := f.Commit(t.Context(), me, id, nil, tt.reference)
		if !errors.Is(reserved, want) || !errors.Is(committed, want) {
			t.Errorf("%.10q: reserve says %v and commit %v, want %v", tt.reference, reserved, committed, want)
		}
	}
}

func TestReadGivesItemsInTheOrderAskedForAndTellsWhatIsMissing(t *testing.T) {
	f := newFixture(t)
	f.stock(1, "a", "b", "c")
	items, missing, err := f.Read(t.Context(), "c", "none", "a", "c", "nothing")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, it := range items {
		got = append(got, it.SKU)
	}
	wantSame(t, "items", []string{"c", "a", "c"}, got)
	wantSame(t, "missing", []string{"none", "nothing"}, missing)
	if items, missing, err := f.Read(t.Context()); len(items)+len(missing) > 0 || err != nil {
		t.Errorf("of none: got %v, %v, %v", items, missing, err)
	}
	if _, _, err := f.Read(t.Context(), make([]string, inventory.MaxRead+1)...); !errors.Is(err, inventory.ErrLines) {
		t.Errorf("of too many: got %v, want ErrLines", err)
	}
}

func TestListGivesAllItemsInOrder(t *testing.T) {
	for _, backend := range backends {
		t.Run(backend.name, func(t *testing.T) {
			f := on(t, backend.fresh(t).open(t), newClock())
			want := []string{"A", "B", "a", "a.b", "z"}
			f.stock(1, "z", "a.b", "B", "a", "A")
			var got []string
			for token := ""; ; {
				page, err := f.List(t.Context(), 2, token)
				if err != nil {
					t.Fatal(err)
				}
				for _, it := range page.Items {
					got = append(got, it.SKU)
				}
				if token = page.Next; token == "" {
					break
				}
			}
			wantSame(t, "items", want, got)
		})
	}
}
