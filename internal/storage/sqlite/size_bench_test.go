package sqlite_test

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/tallystick/tallystick/internal/storage"
)

// BenchmarkSize is what takes longer in a large file, if anything does. Each
// entity has 300 bytes of data and three indexed properties: n is its own, rare is
// shared by some ten, common by a tenth of all.
func BenchmarkSize(b *testing.B) {
	for _, entities := range []int{1_000, 1_000_000} {
		s := fill(b, entities)
		random := func() string { return fmt.Sprintf("%08d", rand.IntN(entities)) }
		equal := func(property string, v int64) storage.Filter {
			return storage.Filter{Property: property, Op: storage.Equal, Value: v}
		}
		query := func(q storage.Query) func() error {
			q.Kind, q.Limit = "Test", 50
			return func() error {
				page, err := s.Query(b.Context(), q)
				if err == nil && len(page.Entities) == 0 {
					err = fmt.Errorf("%+v is empty", q)
				}
				return err
			}
		}
		middle := storage.Filter{Property: "n", Op: storage.GreaterOrEqual, Value: int64(entities / 2)}
		for _, c := range []struct {
			name string
			do   func() error
		}{
			{"get", func() error { _, err := s.Get(b.Context(), key(random())); return err }},
			{"update", func() error {
				return s.Update(b.Context(), func(tx storage.Tx) error {
					got, err := tx.Get(key(random()))
					if err != nil {
						return err
					}
					got[0].Data[0]++
					return tx.Put(got[0])
				})
			}},
			{"first page", query(storage.Query{})},
			{"largest", query(storage.Query{OrderBy: "n", Descending: true})},
			{"page in the middle", query(storage.Query{OrderBy: "n", Where: []storage.Filter{middle}})},
			{"filter, rare", query(storage.Query{Where: []storage.Filter{equal("rare", 7)}})},
			{"filter, common", query(storage.Query{Where: []storage.Filter{equal("common", 7)}})},
			{"filter, rare, ordered", query(storage.Query{Where: []storage.Filter{equal("rare", 7)}, OrderBy: "n", Descending: true})},
			{"filter, common, ordered", query(storage.Query{Where: []storage.Filter{equal("common", 7)}, OrderBy: "n", Descending: true})},
			{"two filters", query(storage.Query{Where: []storage.Filter{equal("common", 7), equal("rare", 7)}})},
		} {
			b.Run(fmt.Sprintf("%s/entities=%d", c.name, entities), func(b *testing.B) {
				for b.Loop() {
					if err := c.do(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

func fill(b *testing.B, entities int) storage.Store {
	b.Helper()
	s := open(b, filepath.Join(b.TempDir(), "size.db"))
	const batch = 500
	for from := 0; from < entities; from += batch {
		err := s.Update(b.Context(), func(tx storage.Tx) error {
			for i := from; i < min(from+batch, entities); i++ {
				err := tx.Put(storage.Entity{
					Key:   key(fmt.Sprintf("%08d", i)),
					Data:  make([]byte, 300),
					Index: map[string]any{"n": int64(i), "rare": int64(i % (entities / 10)), "common": int64(i % 10)},
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return s
}
