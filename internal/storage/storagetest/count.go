package storagetest

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/tallystick/tallystick/internal/storage"
)

var countCases = []testCase{
	{"is how many entities the query selects", func(f *fixture) {
		f.grid()
		f.put(storage.Entity{Key: storage.Key{Kind: newKind(), Name: "of another kind"}})
		for _, q := range shapes {
			f.wantCount(fmt.Sprintf("%+v", q), q, len(f.query(q)))
		}
	}},
	{"of a kind without entities is 0", func(f *fixture) {
		for _, q := range []storage.Query{{}, {OrderBy: "x"}, {Where: equals("x", "1")}} {
			f.wantCount(fmt.Sprintf("%+v", q), q, 0)
		}
	}},
	{"counts as entities without the property are absent", func(f *fixture) {
		f.put(
			storage.Entity{Key: f.key("with both"), Index: map[string]any{"x": int64(1), "y": int64(1)}},
			storage.Entity{Key: f.key("with x"), Index: map[string]any{"x": int64(1)}},
			storage.Entity{Key: f.key("with y"), Index: map[string]any{"y": int64(1)}},
			storage.Entity{Key: f.key("without")},
		)
		f.wantCount("no condition", storage.Query{}, 4)
		f.wantCount("ordered", storage.Query{OrderBy: "x"}, 2)
		f.wantCount("ordered, descending", storage.Query{OrderBy: "x", Descending: true}, 2)
		f.wantCount("filtered by another", storage.Query{Where: equals("y", int64(1)), OrderBy: "x"}, 1)
	}},
	{"Limit, Cursor, KeysOnly and Descending do not matter", func(f *fixture) {
		f.grid()
		for _, q := range []storage.Query{
			{Limit: 1}, {Limit: -1}, {Limit: storage.MaxQueryLimit + 1}, {KeysOnly: true}, {Descending: true},
			{Cursor: "garbage"}, {OrderBy: "x", Cursor: f.firstCursor(storage.Query{OrderBy: "x"})},
			{OrderBy: "x", Descending: true, KeysOnly: true, Limit: 2},
		} {
			f.wantCount(fmt.Sprintf("%+v", q), q, 9)
		}
	}},
	{"is no page's: it may be more than MaxQueryLimit", func(f *fixture) {
		const many = storage.MaxTxWrites
		var entities []storage.Entity
		for i := range many {
			entities = append(entities, storage.Entity{Key: f.key(fmt.Sprint(i)), Index: map[string]any{"odd": i%2 == 1, "n": int64(i)}})
		}
		f.put(entities...)
		f.wantCount("no condition", storage.Query{}, many)
		f.wantCount("one condition", storage.Query{Where: equals("odd", true)}, many/2)
		f.wantCount("a condition and a range", storage.Query{
			Where: append(equals("odd", true), storage.Filter{Property: "n", Op: storage.Less, Value: int64(100)}), OrderBy: "n",
		}, 50)
	}},
	{"sees every Update that had returned", func(f *fixture) {
		for i := range 5 {
			f.put(storage.Entity{Key: f.key(fmt.Sprint(i)), Index: map[string]any{"x": int64(1)}})
			f.wantCount("after a Put", storage.Query{Where: equals("x", int64(1))}, i+1)
		}
		f.remove("0", "1")
		f.wantCount("after a Delete", storage.Query{Where: equals("x", int64(1))}, 3)
		f.put(storage.Entity{Key: f.key("2"), Index: map[string]any{"x": int64(2)}})
		f.wantCount("after a change", storage.Query{Where: equals("x", int64(1))}, 2)
	}},
	{"of a query that is not allowed is ErrInvalid", func(f *fixture) {
		for _, q := range []storage.Query{
			{Kind: "a b"},
			{Kind: f.kind, OrderBy: "_x"},
			{Kind: f.kind, Where: equals("", "x")},
			{Kind: f.kind, Where: equals("x", math.NaN())},
			{Kind: f.kind, Where: []storage.Filter{{Property: "x", Op: "!=", Value: "x"}}},
			{Kind: f.kind, Where: []storage.Filter{{Property: "x", Op: storage.Less, Value: "x"}}},
		} {
			if _, err := f.store.Count(f.ctx, q); !errors.Is(err, storage.ErrInvalid) {
				f.Errorf("%+v: got error %v, want ErrInvalid", q, err)
			}
		}
	}},
	{"with an ended context returns its error", func(f *fixture) {
		ctx, cancel := context.WithCancel(f.ctx)
		cancel()
		if _, err := f.store.Count(ctx, storage.Query{Kind: f.kind}); !errors.Is(err, context.Canceled) {
			f.Errorf("got error %v, want context.Canceled", err)
		}
	}},
}

func (f *fixture) wantCount(what string, q storage.Query, want int) {
	f.Helper()
	q.Kind = f.kind
	got, err := f.store.Count(f.ctx, q)
	if err != nil {
		f.Fatalf("%s: Count: %v", what, err)
	}
	if got != int64(want) {
		f.Errorf("%s: counted %d, want %d", what, got, want)
	}
}
