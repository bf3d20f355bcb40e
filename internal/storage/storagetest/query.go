package storagetest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/tallystick/tallystick/internal/storage"
)

var queryCases = []testCase{
	{"selects entities of its kind, whole", func(f *fixture) {
		want := []storage.Entity{
			{Key: f.key("a"), Exists: true, Data: []byte("1"), Index: map[string]any{"x": int64(1), "s": "text"}, Expire: inTenYears},
			{Key: f.key("b"), Exists: true},
		}
		f.put(append(want, storage.Entity{Key: storage.Key{Kind: newKind(), Name: "other"}})...)
		f.equal("the kind", f.query(storage.Query{}), want)
		f.equal("by property", f.query(storage.Query{OrderBy: "x"}), want[:1])
		f.equal("by filter", f.query(storage.Query{Where: equals("s", "text")}), want[:1])
	}},
	{"of a kind without entities is an empty page", func(f *fixture) {
		for _, q := range []storage.Query{{}, {OrderBy: "x"}, {Where: equals("x", "1")}, {Descending: true, KeysOnly: true}} {
			q.Kind, q.Limit = f.kind, 10
			page, err := f.store.Query(f.ctx, q)
			if err != nil || len(page.Entities) != 0 || page.Next != "" {
				f.Errorf("%+v: got %v and error %v, want an empty page", q, page, err)
			}
		}
	}},
	{"sees every Update that had returned", func(f *fixture) {
		for i := range 5 {
			n := int64(i)
			f.put(storage.Entity{Key: f.key("a"), Index: map[string]any{"n": n}})
			f.wantNames("the new value", storage.Query{Where: equals("n", n)}, "a")
			f.wantNames("the value before", storage.Query{Where: equals("n", n-1)})
		}
	}},
	{"entities of the same value are in order of name, in the same direction", func(f *fixture) {
		f.grid()
		f.wantNames("ascending", storage.Query{OrderBy: "x"},
			"0a", "0b", "0c", "1a", "1b", "1c", "2a", "2b", "2c")
		f.wantNames("descending", storage.Query{OrderBy: "x", Descending: true},
			"2c", "2b", "2a", "1c", "1b", "1a", "0c", "0b", "0a")
		f.wantNames("of one value, ascending", storage.Query{Where: equals("x", int64(1))}, "1a", "1b", "1c")
		f.wantNames("of one value, descending", storage.Query{Where: equals("x", int64(1)), Descending: true}, "1c", "1b", "1a")
	}},
	{"an entity without the property is absent", func(f *fixture) {
		f.put(
			storage.Entity{Key: f.key("with both"), Index: map[string]any{"x": int64(1), "y": int64(1)}},
			storage.Entity{Key: f.key("with x"), Index: map[string]any{"x": int64(1)}},
			storage.Entity{Key: f.key("without")},
		)
		f.wantNames("no condition", storage.Query{}, "with both", "with x", "without")
		f.wantNames("ordered", storage.Query{OrderBy: "x"}, "with both", "with x")
		f.wantNames("filtered", storage.Query{Where: equals("x", int64(1))}, "with both", "with x")
		f.wantNames("filtered by another", storage.Query{Where: equals("y", int64(1)), OrderBy: "x"}, "with both")
		f.wantNames("by one that none has", storage.Query{OrderBy: "z"})
	}},
	{"all conditions must hold", func(f *fixture) {
		f.grid()
		both := append(equals("letter", "b"), equals("even", true)...)
		f.wantNames("two equal", storage.Query{Where: both}, "0b", "2b")
		f.wantNames("two equal, descending", storage.Query{Where: both, Descending: true}, "2b", "0b")
		f.wantNames("in another order", storage.Query{Where: []storage.Filter{both[1], both[0]}}, "0b", "2b")
		f.wantNames("three equal", storage.Query{Where: append(both, equals("x", int64(2))...)}, "2b")
		f.wantNames("none", storage.Query{Where: append(both, equals("x", int64(1))...)})
		f.wantNames("of one property, two values", storage.Query{Where: append(equals("letter", "a"), equals("letter", "b")...)})
	}},
	{"conditions and an order", func(f *fixture) {
		f.grid()
		f.wantNames("equal, ordered", storage.Query{Where: equals("letter", "b"), OrderBy: "x"}, "0b", "1b", "2b")
		f.wantNames("equal, descending", storage.Query{Where: equals("letter", "b"), OrderBy: "x", Descending: true}, "2b", "1b", "0b")
		f.wantNames("equal and a range", storage.Query{
			Where: append(equals("letter", "b"), storage.Filter{Property: "x", Op: storage.Greater, Value: int64(0)}), OrderBy: "x",
		}, "1b", "2b")
		f.wantNames("equal on the order", storage.Query{Where: equals("x", int64(1)), OrderBy: "x", Descending: true}, "1c", "1b", "1a")
	}},
	{"ranges on the order", func(f *fixture) {
		f.grid()
		between := func(low storage.Op, a int64, high storage.Op, b int64) []storage.Filter {
			return []storage.Filter{{Property: "x", Op: high, Value: b}, {Property: "x", Op: low, Value: a}}
		}
		for _, c := range []struct {
			what  string
			where []storage.Filter
			want  []string
		}{
			{"0 < x < 2", between(storage.Greater, 0, storage.Less, 2), []string{"1a", "1b", "1c"}},
			{"0 < x <= 1", between(storage.Greater, 0, storage.LessOrEqual, 1), []string{"1a", "1b", "1c"}},
			{"1 <= x < 2", between(storage.GreaterOrEqual, 1, storage.Less, 2), []string{"1a", "1b", "1c"}},
			{"1 <= x <= 1", between(storage.GreaterOrEqual, 1, storage.LessOrEqual, 1), []string{"1a", "1b", "1c"}},
			{"1 < x < 2", between(storage.Greater, 1, storage.Less, 2), nil},
			{"2 <= x <= 0", between(storage.GreaterOrEqual, 2, storage.LessOrEqual, 0), nil},
		} {
			f.wantNames(c.what, storage.Query{OrderBy: "x", Where: c.where}, c.want...)
			backward := slices.Clone(c.want)
			slices.Reverse(backward)
			f.wantNames(c.what+", descending", storage.Query{OrderBy: "x", Descending: true, Where: c.where}, backward...)
		}
	}},
	{"a page holds Limit entities at most", func(f *fixture) {
		f.grid()
		for _, limit := range []int{1, 4, 9, 10, storage.MaxQueryLimit} {
			page, err := f.store.Query(f.ctx, storage.Query{Kind: f.kind, OrderBy: "x", Limit: limit})
			if err != nil {
				f.Fatal(err)
			}
			if want := min(limit, 9); len(page.Entities) != want {
				f.Errorf("limit %d: got %d entities, want %d", limit, len(page.Entities), want)
			}
		}
		for _, limit := range []int{0, -1, storage.MaxQueryLimit + 1} {
			if _, err := f.store.Query(f.ctx, storage.Query{Kind: f.kind, Limit: limit}); !errors.Is(err, storage.ErrInvalid) {
				f.Errorf("limit %d: got error %v, want ErrInvalid", limit, err)
			}
		}
	}},
	{"KeysOnly reads keys alone", func(f *fixture) {
		f.put(storage.Entity{Key: f.key("a"), Data: []byte("1"), Index: map[string]any{"x": int64(1), "y": "1"}, Expire: inTenYears})
		want := []storage.Entity{{Key: f.key("a"), Exists: true}}
		f.equal("no condition", f.query(storage.Query{KeysOnly: true}), want)
		f.equal("ordered", f.query(storage.Query{KeysOnly: true, OrderBy: "x"}), want)
		f.equal("filtered", f.query(storage.Query{KeysOnly: true, Where: equals("x", int64(1)), OrderBy: "x"}), want)
		f.equal("filtered by another", f.query(storage.Query{KeysOnly: true, Where: equals("y", "1"), OrderBy: "x"}), want)
	}},
	{"a range on anything but the order, or an unknown operator, is ErrInvalid", func(f *fixture) {
		for _, q := range []storage.Query{
			{Where: []storage.Filter{{Property: "x", Op: storage.Less, Value: int64(1)}}},
			{Where: []storage.Filter{{Property: "x", Op: storage.Less, Value: int64(1)}}, OrderBy: "y"},
			{Where: []storage.Filter{{Property: "x", Op: "!=", Value: int64(1)}}, OrderBy: "x"},
			{OrderBy: "_x"},
		} {
			q.Kind, q.Limit = f.kind, 1
			if _, err := f.store.Query(f.ctx, q); !errors.Is(err, storage.ErrInvalid) {
				f.Errorf("%+v: got error %v, want ErrInvalid", q, err)
			}
		}
	}},
}

func equals(property string, value any) []storage.Filter {
	return []storage.Filter{{Property: property, Op: storage.Equal, Value: value}}
}

// grid stores 0a to 2c, with the number as x, the letter, and whether x is even.
func (f *fixture) grid() {
	f.Helper()
	var entities []storage.Entity
	for _, letter := range []string{"c", "a", "b"} {
		for x := range int64(3) {
			entities = append(entities, storage.Entity{
				Key:   f.key(fmt.Sprint(x, letter)),
				Index: map[string]any{"x": x, "letter": letter, "even": x%2 == 0},
			})
		}
	}
	f.put(entities...)
}

// query returns all that the query selects, from one page.
func (f *fixture) query(q storage.Query) []storage.Entity {
	f.Helper()
	q.Kind, q.Limit = f.kind, storage.MaxQueryLimit
	page, err := f.store.Query(f.ctx, q)
	if err != nil {
		f.Fatalf("Query %+v: %v", q, err)
	}
	return page.Entities
}

func (f *fixture) wantNames(what string, q storage.Query, want ...string) {
	f.Helper()
	if got := namesOf(f.query(q)); !slices.Equal(got, want) {
		f.Errorf("%s: got %.40q, want %.40q", what, got, want)
	}
}

func namesOf(entities []storage.Entity) (names []string) {
	for _, e := range entities {
		names = append(names, e.Key.Name)
	}
	return names
}
