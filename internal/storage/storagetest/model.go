package storagetest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/internal/storage"
)

var modelCases = []testCase{
	{"a random history does what a map does", func(f *fixture) {
		rapid.Check(f.T, func(t *rapid.T) {
			f := newFixture(f.T, f.store)
			m := model{}
			for range rapid.IntRange(1, 4).Draw(t, "steps") {
				f.modelUpdate(t, m)
				f.modelGet(t, m)
				f.modelQuery(t, m)
			}
		})
	}},
}

// model is the store as a map.
type model map[string]storage.Entity

var (
	modelNames   = rapid.SampledFrom([]string{"a", "b", "c", "d/e", "f", "🐌"})
	modelLetters = rapid.SampledFrom([]string{"", "x", "y"})
	modelNumbers = rapid.Int64Range(0, 2)
)

func (f *fixture) modelUpdate(t *rapid.T, m model) {
	after := maps.Clone(m)
	var writes []func(storage.Tx) error
	for range rapid.IntRange(1, 6).Draw(t, "writes") {
		key := f.key(modelNames.Draw(t, "name"))
		if rapid.IntRange(0, 3).Draw(t, "delete") == 0 {
			delete(after, key.Name)
			writes = append(writes, func(tx storage.Tx) error { return tx.Delete(key) })
			continue
		}
		e := storage.Entity{Key: key, Exists: true, Index: map[string]any{}}
		e.Data = rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "data")
		if rapid.Bool().Draw(t, "has n") {
			e.Index["n"] = modelNumbers.Draw(t, "n")
		}
		if rapid.Bool().Draw(t, "has s") {
			e.Index["s"] = modelLetters.Draw(t, "s")
		}
		after[key.Name] = e
		writes = append(writes, func(tx storage.Tx) error { return tx.Put(e) })
	}
	fails := rapid.IntRange(0, 4).Draw(t, "fails") == 0
	err := f.store.Update(f.ctx, func(tx storage.Tx) error {
		for _, write := range writes {
			if err := write(tx); err != nil {
				return err
			}
		}
		if fails {
			return errOwn
		}
		return nil
	})
	switch {
	case fails && err != errOwn:
		t.Fatalf("Update: got error %v, want the function's", err)
	case !fails && err != nil:
		t.Fatalf("Update: %v", err)
	case !fails:
		clear(m)
		maps.Copy(m, after)
	}
}

func (f *fixture) modelGet(t *rapid.T, m model) {
	names := rapid.SliceOfN(modelNames, 0, 6).Draw(t, "get")
	want := make([]storage.Entity, len(names))
	for i, name := range names {
		want[i] = storage.Entity{Key: f.key(name)}
		if e, ok := m[name]; ok {
			want[i] = e
		}
	}
	if diff := difference(f.get(names...), want); diff != "" {
		t.Fatalf("Get %q (-want +got):\n%s", names, diff)
	}
}

func (f *fixture) modelQuery(t *rapid.T, m model) {
	q := storage.Query{Kind: f.kind, Descending: rapid.Bool().Draw(t, "descending")}
	q.OrderBy = rapid.SampledFrom([]string{"", "n", "s"}).Draw(t, "order")
	if rapid.Bool().Draw(t, "where n") {
		q.Where = append(q.Where, storage.Filter{Property: "n", Op: storage.Equal, Value: modelNumbers.Draw(t, "= n")})
	}
	if q.OrderBy == "s" && rapid.Bool().Draw(t, "where s") {
		op := rapid.SampledFrom([]storage.Op{storage.Equal, storage.Less, storage.LessOrEqual, storage.Greater, storage.GreaterOrEqual}).Draw(t, "op")
		q.Where = append(q.Where, storage.Filter{Property: "s", Op: op, Value: modelLetters.Draw(t, "op s")})
	}
	size := rapid.IntRange(1, 4).Draw(t, "page size")
	want := m.query(q)
	if got := f.pages(q, size, nil); !slices.Equal(got, want) {
		t.Fatalf("Query %+v in pages of %d: got %q, want %q", q, size, got, want)
	}
	if got, err := f.store.Count(f.ctx, q); got != int64(len(want)) || err != nil {
		t.Fatalf("Count %+v: got %d and error %v, want %d", q, got, err, len(want))
	}
}

// query is Store.Query, read from its comment.
func (m model) query(q storage.Query) (names []string) {
	for name, e := range m {
		_, ordered := e.Index[q.OrderBy]
		if (q.OrderBy == "" || ordered) && !slices.ContainsFunc(q.Where, func(w storage.Filter) bool { return !holds(e, w) }) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		c := 0
		if q.OrderBy != "" {
			c = compare(m[a].Index[q.OrderBy], m[b].Index[q.OrderBy])
		}
		c = cmp.Or(c, strings.Compare(a, b))
		if q.Descending {
			return -c
		}
		return c
	})
	return names
}

func holds(e storage.Entity, w storage.Filter) bool {
	v, ok := e.Index[w.Property]
	if !ok {
		return false
	}
	c := compare(v, w.Value)
	switch w.Op {
	case storage.Equal:
		return c == 0
	case storage.Less:
		return c < 0
	case storage.LessOrEqual:
		return c <= 0
	case storage.Greater:
		return c > 0
	default:
		return c >= 0
	}
}

func compare(a, b any) int {
	switch a := a.(type) {
	case int64:
		return cmp.Compare(a, b.(int64))
	case string:
		return strings.Compare(a, b.(string))
	}
	panic(fmt.Sprintf("the model has no %T", a))
}
