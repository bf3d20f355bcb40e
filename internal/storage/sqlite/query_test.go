package sqlite

import (
	"database/sql/driver"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/tallystick/tallystick/internal/storage"
)

func TestEveryStatementIsASearchOfAnIndex(t *testing.T) {
	f := newFixture(t)
	statements := []string{selectEntity, updateData, updateEntity, deleteEntity, deleteProperty, selectExpired, selectFew, selectGathered}
	for _, q := range shapes() {
		w, err := newWalk(q)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := w.sql(q)
		counting, _ := w.countSQL(q)
		statements = append(statements, text, counting)
	}
	c := f.store.writer.conn
	for _, text := range statements {
		var steps []string
		args := make([]driver.Value, strings.Count(text, "?"))
		err := c.query(t.Context(), "EXPLAIN QUERY PLAN "+text, func(v []driver.Value) error {
			steps = append(steps, v[3].(string))
			return nil
		}, args...)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		for _, step := range steps {
			if !strings.HasPrefix(step, "SEARCH") && !strings.HasPrefix(step, "CORRELATED SCALAR SUBQUERY") {
				t.Errorf("%s:\n\t%s", text, strings.Join(steps, "\n\t"))
				break
			}
		}
		// A walk along property is bounded on both sides.
		if strings.Contains(text, "(p.value, p.name)") && !strings.Contains(steps[0], "(kind=? AND property=? AND (value,name)>(?,?) AND (value,name)<(?,?))") {
			t.Errorf("%s:\n\t%s", text, strings.Join(steps, "\n\t"))
		}
	}
}

func TestGatheringAndWalkingGiveTheSamePages(t *testing.T) {
	f := newFixture(t)
	random := rand.New(rand.NewPCG(1, 2))
	var writes []storage.Write
	for i := range 200 {
		e := storage.Entity{Key: f.key(fmt.Sprintf("%03d", i)), Data: []byte{byte(i)}, Index: map[string]any{}}
		for _, p := range []string{"a", "b", "c"} {
			if random.IntN(5) > 0 {
				e.Index[p] = int64(random.IntN(4))
			}
		}
		writes = append(writes, storage.Write{Entity: e})
	}
	if err := f.store.Update(t.Context(), func(storage.Getter) ([]storage.Write, error) { return writes, nil }); err != nil {
		t.Fatal(err)
	}
	c := f.store.writer.conn
	compared := 0
	for _, q := range shapes() {
		for {
			w, err := newWalk(q)
			if err != nil {
				t.Fatal(err)
			}
			if len(w.others) == 0 {
				break
			}
			gathered, ok, err := gather(t.Context(), c, q, w)
			if !ok || err != nil {
				t.Fatalf("%+v: gathered %v, error %v", q, ok, err)
			}
			walked, err := w.run(t.Context(), c, q)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(walked.Entities, gathered.Entities, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("%+v (-walked +gathered):\n%s", q, diff)
			}
			if walked.More != gathered.More {
				t.Fatalf("%+v: walked, there is more: %v; gathered: %v", q, walked.More, gathered.More)
			}
			for i := range walked.Entities {
				if got, want := gathered.After(i), walked.After(i); got != want {
					t.Errorf("%+v: after entity %d: gathered %q, walked %q", q, i, got, want)
				}
			}
			compared += len(walked.Entities)
			if !walked.More {
				break
			}
			q.Cursor = walked.After(len(walked.Entities) - 1)
		}
	}
	if compared < 100 {
		t.Errorf("compared %d entities only", compared)
	}
}

func TestAFilterWithManyEntitiesIsWalked(t *testing.T) {
	f := newFixture(t)
	for batch := range 2 {
		err := f.store.Update(t.Context(), func(storage.Getter) (writes []storage.Write, err error) {
			for i := range 300 {
				e := storage.Entity{Key: f.key(fmt.Sprintf("%d %03d", batch, i)), Index: map[string]any{"all": true, "n": int64(i)}}
				writes = append(writes, storage.Write{Entity: e})
			}
			return writes, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	q := storage.Query{Kind: "Test", Where: []storage.Filter{{Property: "all", Op: storage.Equal, Value: true}}, OrderBy: "n", Limit: 4}
	w, err := newWalk(q)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok, err := gather(t.Context(), f.store.writer.conn, q, w); ok || err != nil {
		t.Errorf("gathered %v, error %v, want a walk", ok, err)
	}
	page, err := f.store.Query(t.Context(), q)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range page.Entities {
		got = append(got, e.Key.Name)
	}
	if diff := cmp.Diff([]string{"0 000", "1 000", "0 001", "1 001"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// shapes are queries of each shape, over the properties a, b and c.
func shapes() (list []storage.Query) {
	equal := func(p string) storage.Filter { return storage.Filter{Property: p, Op: storage.Equal, Value: int64(1)} }
	beyond := storage.Filter{Property: "c", Op: storage.Greater, Value: int64(0)}
	below := storage.Filter{Property: "c", Op: storage.LessOrEqual, Value: int64(2)}
	for _, q := range []storage.Query{
		{},
		{OrderBy: "c"},
		{OrderBy: "c", Where: []storage.Filter{beyond}},
		{OrderBy: "c", Where: []storage.Filter{below}},
		{OrderBy: "c", Where: []storage.Filter{beyond, below}},
		{OrderBy: "c", Where: []storage.Filter{equal("c")}},
		{OrderBy: "c", Where: []storage.Filter{equal("a")}},
		{OrderBy: "c", Where: []storage.Filter{equal("a"), equal("b"), equal("c")}},
		{OrderBy: "c", Where: []storage.Filter{equal("a"), beyond, below}},
		{OrderBy: "c", Where: []storage.Filter{below, equal("a"), equal("b")}},
		{Where: []storage.Filter{equal("a")}},
		{Where: []storage.Filter{equal("a"), equal("b")}},
		{Where: []storage.Filter{equal("a"), equal("b"), equal("c")}},
	} {
		q.Kind, q.Limit = "Test", 7
		for _, q.Descending = range []bool{false, true} {
			for _, q.KeysOnly = range []bool{false, true} {
				list = append(list, q)
			}
		}
	}
	return list
}
