package storagetest

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

// ordered has values of each type in ascending order.
var ordered = []struct {
	name   string
	values []any
}{
	{"bool", []any{false, true}},
	{"int64", []any{
		int64(math.MinInt64), int64(math.MinInt64 + 1), int64(-1<<53 - 1), int64(-1 << 53), int64(-256), int64(-1),
		int64(0), int64(1), int64(255), int64(256), int64(1 << 53), int64(1<<53 + 1), int64(math.MaxInt64 - 1), int64(math.MaxInt64),
	}},
	{"float64", []any{
		math.Inf(-1), -math.MaxFloat64, -1.5, -1.0, -math.SmallestNonzeroFloat64,
		0.0, math.SmallestNonzeroFloat64, 0.1, 0.1 + 0.2, 1.0, math.Nextafter(1, 2), math.MaxFloat64, math.Inf(1),
	}},
	{"time", []any{
		time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC),
		time.Date(1, 1, 1, 0, 0, 0, 1000, time.UTC),
		time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
		time.Unix(0, 0).UTC(),
		time.Date(2026, 2, 3, 4, 5, 6, 123_456_000, time.UTC),
		time.Date(2026, 2, 3, 4, 5, 6, 123_457_000, time.UTC),
		time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
	}},
	{"string", []any{
		"", "\x00", "\x00\x00", "\x01", " ", "%", "1", "10", "9", "A", "a", "a\x00", "aa", "b",
		strings.Repeat("b", storage.MaxIndexedBytes), "c", "é", "日本", "\uff5e", "\U0001f40c", "\U0010ffff",
	}},
}

var properties = []string{
	"x", "X", "camelCase", "a.b", "a.b.c", ".", "a/b", "a b", "-x", "+x", "`x`", `"x"`, "'x'", "a_b", "a__", "x-y", "#", "%", "%41", "~2E",
	"order", "name", "1", "é", "日本", "\U0001f40c", "\n", "[0]", "*", strings.Repeat("p", storage.MaxPropertyBytes), strings.Repeat(".", storage.MaxPropertyBytes),
}

var valueCases = []testCase{
	{"values are read back as they were, and come in their order", func(f *fixture) {
		for _, o := range ordered {
			f.Run(o.name, func(t *testing.T) {
				f := newFixture(t, f.store)
				f.orderOf(o.values)
			})
		}
	}},
	{"a time is read back in UTC, cut to TimeResolution", func(f *fixture) {
		zone := time.FixedZone("", -5*60*60)
		at := time.Date(2026, 2, 3, 4, 5, 6, 123_456_999, zone)
		want := time.Date(2026, 2, 3, 9, 5, 6, 123_456_000, time.UTC)
		f.put(storage.Entity{Key: f.key("a"), Index: map[string]any{"at": at}})
		got := f.get("a")[0].Index["at"]
		if got != any(want) {
			f.Errorf("got %v, want %v", got, want)
		}
		f.wantNames("equal to the same moment in another zone", storage.Query{Where: equals("at", at)}, "a")
		f.wantNames("equal to it as it was read", storage.Query{Where: equals("at", want)}, "a")
	}},
	{"-0 is read back as 0 and equal to it", func(f *fixture) {
		f.put(
			storage.Entity{Key: f.key("a"), Index: map[string]any{"x": 0.0}},
			storage.Entity{Key: f.key("b"), Index: map[string]any{"x": math.Copysign(0, -1)}},
			storage.Entity{Key: f.key("c"), Index: map[string]any{"x": 0.0}},
		)
		if got, ok := f.get("b")[0].Index["x"].(float64); !ok || got != 0 || math.Signbit(got) {
			f.Errorf("got %v, want 0", got)
		}
		f.wantNames("in order of name", storage.Query{OrderBy: "x"}, "a", "b", "c")
		f.wantNames("equal to -0", storage.Query{Where: equals("x", math.Copysign(0, -1))}, "a", "b", "c")
	}},
	{"a value that is not allowed is ErrInvalid", func(f *fixture) {
		for _, v := range []any{
			nil, 1, int32(1), uint64(1), float32(1), []byte("a"), []string{"a"}, math.NaN(), "\xff",
			strings.Repeat("x", storage.MaxIndexedBytes+1),
			time.Date(0, 12, 31, 23, 59, 59, 0, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
		} {
			err := f.tryPut(storage.Entity{Key: f.key("a"), Index: map[string]any{"x": v}})
			if !errors.Is(err, storage.ErrInvalid) {
				f.Errorf("Put of %T %.20v: got error %v, want ErrInvalid", v, v, err)
			}
			_, err = f.store.Query(f.ctx, storage.Query{Kind: f.kind, Limit: 1, Where: []storage.Filter{{Property: "x", Op: storage.Equal, Value: v}}})
			if !errors.Is(err, storage.ErrInvalid) {
				f.Errorf("Query for %T %.20v: got error %v, want ErrInvalid", v, v, err)
			}
		}
		f.wantData("a", "-")
	}},
	{"a property has any text as its name", func(f *fixture) {
		want := storage.Entity{Key: f.key("a"), Exists: true, Index: map[string]any{}}
		for i, p := range properties {
			want.Index[p] = int64(i)
		}
		f.put(want)
		f.equal("read back", f.get("a"), []storage.Entity{want})
		for i, p := range properties {
			f.wantNames(fmt.Sprintf("where %q", p), storage.Query{Where: equals(p, int64(i))}, "a")
			f.wantNames(fmt.Sprintf("where %q is another", p), storage.Query{Where: equals(p, int64(i+1))})
			f.wantNames(fmt.Sprintf("by %q", p), storage.Query{OrderBy: p, Descending: true}, "a")
		}
	}},
	{"a property's name that is not allowed is ErrInvalid", func(f *fixture) {
		for _, p := range []string{"", "_x", "__key__", "a\x00", "\xff", strings.Repeat("p", storage.MaxPropertyBytes+1)} {
			err := f.tryPut(storage.Entity{Key: f.key("a"), Index: map[string]any{p: int64(1)}})
			if !errors.Is(err, storage.ErrInvalid) {
				f.Errorf("Put of %.20q: got error %v, want ErrInvalid", p, err)
			}
			_, err = f.store.Query(f.ctx, storage.Query{Kind: f.kind, Limit: 1, Where: equals(p, int64(1))})
			if !errors.Is(err, storage.ErrInvalid) {
				f.Errorf("Query of %.20q: got error %v, want ErrInvalid", p, err)
			}
		}
	}},
	{"nil and empty data are the same", func(f *fixture) {
		f.put(
			storage.Entity{Key: f.key("empty"), Data: []byte{}},
			storage.Entity{Key: f.key("nil")},
			storage.Entity{Key: f.key("empty index"), Index: map[string]any{}, Data: []byte{0}},
		)
		f.equal("read back", f.get("empty", "nil", "empty index"), []storage.Entity{
			{Key: f.key("empty"), Exists: true}, {Key: f.key("nil"), Exists: true}, {Key: f.key("empty index"), Exists: true, Data: []byte{0}},
		})
		f.put(f.entity("empty", "not any more"))
		f.put(storage.Entity{Key: f.key("empty")})
		f.equal("emptied again", f.get("empty"), []storage.Entity{{Key: f.key("empty"), Exists: true}})
	}},
	{"data is any bytes", func(f *fixture) {
		want := storage.Entity{Key: f.key("bytes"), Exists: true}
		for i := range 256 {
			want.Data = append(want.Data, byte(i))
		}
		f.put(want)
		f.equal("read back", f.get("bytes"), []storage.Entity{want})
	}},
}

// orderOf checks values of one type: each twice, put in another order.
func (f *fixture) orderOf(values []any) {
	var entities []storage.Entity
	var ascending []string
	for i, v := range values {
		for _, twin := range []string{"b", "a"} {
			name := fmt.Sprintf("%s%03d", twin, i)
			entities = append(entities, storage.Entity{Key: f.key(name), Exists: true, Index: map[string]any{"x": v}})
		}
		ascending = append(ascending, fmt.Sprintf("a%03d", i), fmt.Sprintf("b%03d", i))
	}
	slices.Reverse(entities)
	f.put(entities...)
	for _, e := range entities {
		f.equal("read back", f.get(e.Key.Name), []storage.Entity{e})
	}
	descending := slices.Clone(ascending)
	slices.Reverse(descending)
	f.wantNames("ascending", storage.Query{OrderBy: "x"}, ascending...)
	f.wantNames("descending", storage.Query{OrderBy: "x", Descending: true}, descending...)
	for i, v := range values {
		what := func(op storage.Op) string { return fmt.Sprintf("%s %.20v", op, v) }
		where := func(op storage.Op) []storage.Filter { return []storage.Filter{{Property: "x", Op: op, Value: v}} }
		f.wantNames(what("="), storage.Query{Where: where(storage.Equal)}, ascending[2*i:2*i+2]...)
		f.wantNames(what("<"), storage.Query{OrderBy: "x", Where: where(storage.Less)}, ascending[:2*i]...)
		f.wantNames(what("<="), storage.Query{OrderBy: "x", Where: where(storage.LessOrEqual)}, ascending[:2*i+2]...)
		f.wantNames(what(">"), storage.Query{OrderBy: "x", Where: where(storage.Greater)}, ascending[2*i+2:]...)
		f.wantNames(what(">="), storage.Query{OrderBy: "x", Where: where(storage.GreaterOrEqual)}, ascending[2*i:]...)
	}
}
