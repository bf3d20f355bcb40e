package storagetest_test

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
	"github.com/tallystick/tallystick/internal/storage/storagetest"
)

func TestAQueryNeedsTheIndexThatItsKindDeclares(t *testing.T) {
	db, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	where := []storage.Filter{{Property: "colour", Op: storage.Equal, Value: "red"}}
	store := storagetest.Indexed(db, storage.Kind{Name: "Tea", Indexes: []storage.Query{{Where: where, OrderBy: "price"}}})
	for _, tt := range []struct {
		name string
		q    storage.Query
		want error
	}{
		{"the declared one", storage.Query{Kind: "Tea", Where: where, OrderBy: "price"}, nil},
		{"another order", storage.Query{Kind: "Tea", Where: where, OrderBy: "weight"}, storage.ErrIndex},
		{"backward", storage.Query{Kind: "Tea", Where: where, OrderBy: "price", Descending: true}, storage.ErrIndex},
		{"a kind that nobody declared", storage.Query{Kind: "Cup", Where: where, OrderBy: "price"}, storage.ErrIndex},
		{"what needs none", storage.Query{Kind: "Cup", OrderBy: "price"}, nil},
	} {
		tt.q.Limit = 1
		if _, err := store.Query(t.Context(), tt.q); !errors.Is(err, tt.want) {
			t.Errorf("%s: Query = %v, want %v", tt.name, err, tt.want)
		}
		if _, err := store.Count(t.Context(), tt.q); !errors.Is(err, tt.want) {
			t.Errorf("%s: Count = %v, want %v", tt.name, err, tt.want)
		}
	}
}
