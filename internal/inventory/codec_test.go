package inventory

import (
	"encoding/hex"
	"errors"
	"math"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// drawnState draws any state that a Service can have.
func drawnState(t *rapid.T) *state {
	switch rapid.IntRange(0, 2).Draw(t, "kind") {
	case 0:
		return &state{item: drawnItem(t)}
	case 1:
		return &state{ledger: drawnLedger(t)}
	default:
		return &state{held: drawnHeld(t)}
	}
}

func drawnTime(t *rapid.T) time.Time {
	if rapid.Bool().Draw(t, "no time") {
		return time.Time{}
	}
	return time.UnixMicro(rapid.Int64Range(1, 1<<53).Draw(t, "time")).UTC()
}

func drawnItem(t *rapid.T) *item {
	i := &item{
		number: rapid.Uint64().Draw(t, "number"), onHand: rapid.Int64().Draw(t, "on hand"), oversellLimit: rapid.Int64Range(0, MaxQuantity).Draw(t, "limit"),
		version: rapid.Int64Min(1).Draw(t, "version"), movements: rapid.Int64Min(0).Draw(t, "movements"), reservations: rapid.Int64Min(0).Draw(t, "reservations"),
		created: drawnTime(t), clock: drawnTime(t),
	}
	if rapid.Bool().Draw(t, "threshold") {
		low := rapid.Int64Range(-MaxQuantity, MaxQuantity).Draw(t, "low")
		i.lowStock = &low
	}
	until := rapid.Int64Range(0, 1<<40).Draw(t, "until")
	for range rapid.IntRange(0, 20).Draw(t, "holds") {
		until += rapid.Int64Range(1, 1<<20).Draw(t, "later")
		i.holds = append(i.holds, hold{until, rapid.Int64Range(1, MaxQuantity).Draw(t, "quantity")})
	}
	return i
}

func drawnLedger(t *rapid.T) *ledgerPage {
	p := &ledgerPage{item: rapid.Uint64().Draw(t, "item"), first: rapid.Int64Range(1, 1<<60).Draw(t, "first")}
	for n := range rapid.IntRange(1, 5).Draw(t, "rows") {
		p.rows = append(p.rows, Movement{
			Number: p.first + int64(n), Type: Type(rapid.String().Draw(t, "type")), Delta: rapid.Int64().Draw(t, "delta"), OnHand: rapid.Int64().Draw(t, "on hand"),
			Reason: rapid.String().Draw(t, "reason"), Reference: rapid.String().Draw(t, "reference"), Reservation: rapid.String().Draw(t, "reservation"),
			Who: rapid.String().Draw(t, "who"), Time: drawnTime(t),
		})
	}
	return p
}

func drawnHeld(t *rapid.T) *heldPage {
	p := &heldPage{item: rapid.Uint64().Draw(t, "item"), first: rapid.Int64Range(1, 1<<60).Draw(t, "first")}
	for n := range rapid.IntRange(1, 5).Draw(t, "rows") {
		r := reservation{check: rapid.Uint32().Draw(t, "check"), Reservation: Reservation{
			Status: Status(rapid.String().Draw(t, "status")), Reference: rapid.String().Draw(t, "reference"), Who: rapid.String().Draw(t, "who"),
			Created: drawnTime(t), Expires: drawnTime(t), Ended: drawnTime(t),
		}}
		r.ID = place{p.item, p.first, uint64(n), r.check}.id()
		for range rapid.IntRange(0, 3).Draw(t, "lines") {
			r.Lines = append(r.Lines, ReservedLine{rapid.String().Draw(t, "sku"), rapid.Int64().Draw(t, "quantity"), rapid.Int64().Draw(t, "committed")})
		}
		p.rows = append(p.rows, r)
	}
	return p
}

// diffStates compares what is kept of states, and not what is known of them only while
// a batch runs.
func diffStates(want, got *state) string {
	return cmp.Diff(want, got, cmpopts.EquateEmpty(),
		cmp.AllowUnexported(state{}, item{}, hold{}, ledgerPage{}, heldPage{}, reservation{}),
		cmpopts.IgnoreFields(ledgerPage{}, "size"), cmpopts.IgnoreFields(heldPage{}, "size"))
}

func TestCodecGivesBackWhatItTook(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawnState(t)
		got, err := codec{}.Decode(codec{}.Append(nil, want))
		if err != nil {
			t.Fatal(err)
		}
		if diff := diffStates(want, got); diff != "" {
			t.Fatalf("- want + got:\n%s", diff)
		}
		if p := got.held; p != nil {
			for _, r := range p.rows {
				if at, err := placeOf(r.ID); err != nil || p.row(at) == nil || p.row(at).ID != r.ID {
					t.Fatalf("its id %s names %+v, %v", r.ID, at, err)
				}
			}
		}
	})
}

func TestCodecRefusesWhatIsCutOffOrTooLong(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := codec{}.Append(nil, drawnState(t))
		for n := range whole {
			if got, err := (codec{}).Decode(whole[:n]); !errors.Is(err, errState) {
				t.Fatalf("%d of %d bytes give %+v, %v; want errState", n, len(whole), got, err)
			}
		}
		if got, err := (codec{}).Decode(append(whole, 0)); !errors.Is(err, errState) {
			t.Fatalf("a byte too many gives %+v, %v; want errState", got, err)
		}
	})
}

// Whatever is in the database, reading it and working on it does not panic, and takes
// no memory out of proportion.
func TestWhatIsCorruptIsAnErrorOrAStateAndNeverAPanic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		data := codec{}.Append(nil, drawnState(t))
		for range 200 {
			corrupt := append([]byte(nil), data...)
			for range rand.IntN(3) + 1 {
				corrupt[rand.IntN(len(corrupt))] = byte(rand.Uint32())
			}
			workOn(t, corrupt)
		}
	})
}

func FuzzCodec(f *testing.F) {
	for _, g := range golden {
		f.Add(codec{}.Append(nil, g.state))
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) { workOn(t, data) })
}

func workOn(t interface {
	Fatalf(string, ...any)
}, data []byte) {
	s, err := codec{}.Decode(data)
	if err != nil {
		if !errors.Is(err, errState) {
			t.Fatalf("got %v, want errState", err)
		}
		return
	}
	codec{}.Index(s)
	codec{}.Expire(s)
	switch now := time.Now(); {
	case s.item != nil:
		s.item.view("a", now)
		s.item.hold(now.Unix()+1, 1)
		s.item.hold(now.Unix()+1, -1)
	case s.held != nil:
		for i := range s.held.rows {
			s.held.rows[i].view(now)
		}
	}
	if _, err := (codec{}).Decode(codec{}.Append(nil, s)); err != nil {
		t.Fatalf("what was read cannot be written and read again: %v", err)
	}
}

func TestALengthThatLiesTakesNoMemory(t *testing.T) {
	for name, head := range map[string][]byte{
		"holds":        appendInts(append([]byte{itemVersion}, make([]byte, 8)...), 0, 0, 0, 0, 0, 0, 0, 0),
		"movements":    appendInts(append([]byte{ledgerVersion}, make([]byte, 8)...), 1),
		"reservations": appendInts(append([]byte{heldVersion}, make([]byte, 8)...), 1),
	} {
		for _, n := range []int64{1 << 20, 1 << 40, math.MaxInt64, -1} {
			data := append(appendInts(head, n), make([]byte, 1<<20)...)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			_, err := codec{}.Decode(data)
			runtime.ReadMemStats(&after)
			if got := after.TotalAlloc - before.TotalAlloc; !errors.Is(err, errState) || got > 1<<20 {
				t.Errorf("%d %s: %v, and %d bytes were taken; want errState, and less than it has", n, name, err, got)
			}
		}
	}
}

var goldenLow = int64(5)

// golden is how states are stored: other bytes are another version.
var golden = []struct {
	name  string
	state *state
	want  string
}{
	{"item", &state{item: &item{
		number: 0x0123456789abcdef, onHand: 300, oversellLimit: 2, lowStock: &goldenLow, version: 7, movements: 4, reservations: 3,
		created: time.UnixMicro(1_800_000_000_000_000), clock: time.UnixMicro(1_800_000_060_000_001), holds: []hold{{1_800_000_100, 3}, {1_800_000_160, 70}},
	}}, "110123456789abcdefd80404020a0e08068080c489e5c5b206829ce0c2e5c5b20604c8c9ceb40d06788c01"},
	{"item without a threshold", &state{item: &item{number: 1, onHand: -1, version: 1, created: time.UnixMicro(1), clock: time.UnixMicro(1)}}, "110000000000000001010000020000020200"},
	{"movements", &state{ledger: &ledgerPage{item: 0x0123456789abcdef, first: 3, rows: []Movement{
		{Number: 3, Type: Adjusted, Delta: -2, OnHand: 298, Reason: "broken", Reference: "note 2", Who: "ann", Time: time.UnixMicro(1_800_000_000_000_000)},
		{Number: 4, Type: Committed, Delta: -3, OnHand: 295, Reservation: "04hmasw9nf6yy02", Time: time.UnixMicro(1_800_000_000_000_000)},
	}}}, "310123456789abcdef060403d4048080c489e5c5b2061061646a75737465640c62726f6b656e0c6e6f746520320006616e6e05ce048080c489e5c5b20612636f6d6d697474656400001e3034686d617377396e66367979303200"},
	{"reservations", &state{held: &heldPage{item: 0x0123456789abcdef, first: 2, rows: []reservation{{0xfedcba98, Reservation{
		Status: Held, Reference: "order 7", Who: "web", Created: time.UnixMicro(1_800_000_000_000_000), Expires: time.UnixMicro(1_800_000_600_000_000),
		Lines: []ReservedLine{{"a", 4, 0}, {"b", 6, 1}},
	}}}}}, "210123456789abcdef0402b0eae5ed1f8080c489e5c5b2068098dec5e9c5b206000868656c640e6f72646572203706776562040261080002620c02"},
}

func TestTheStoredFormIsAsItWas(t *testing.T) {
	for _, tt := range golden {
		if got := hex.EncodeToString(codec{}.Append(nil, tt.state)); got != tt.want {
			t.Errorf("%s is stored as\n%s, want\n%s", tt.name, got, tt.want)
		}
	}
	a := Alert{SKU: "a", Available: -1, Threshold: 5, Time: time.UnixMicro(1_800_000_000_000_000).UTC()}
	const want = "410261010a8080c489e5c5b206"
	if got := hex.EncodeToString(encodeAlert(a)); got != want {
		t.Errorf("an alert is stored as\n%s, want\n%s", got, want)
	}
	if got, err := decodeAlert(encodeAlert(a)); got != a || err != nil {
		t.Errorf("an alert comes back as %+v, %v; want %+v", got, err, a)
	}
	if got, want := pageName(0x0123456789abcdef, 3), "0123456789abcdef-fffffffffffffffc"; got != want {
		t.Errorf("a page's name is %s, want %s", got, want)
	}
	if got, want := (place{0x0123456789abcdef, 2, 1, 0xfedcba98}).id(), "04hmasw9nf6yy102zvebn60"; got != want {
		t.Errorf("a reservation's id is %s, want %s", got, want)
	}
}

func TestAnAlertThatIsCutOffIsAnError(t *testing.T) {
	whole := encodeAlert(Alert{SKU: "a", Available: 1, Threshold: 5, Time: time.UnixMicro(1)})
	for n := range whole {
		if got, err := decodeAlert(whole[:n]); !errors.Is(err, errState) {
			t.Errorf("%d of %d bytes give %+v, %v; want errState", n, len(whole), got, err)
		}
	}
}
