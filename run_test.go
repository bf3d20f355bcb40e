package tallystick

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/emulator"
)

func TestOpenStoreSaysWhatIsWrongWithSTORE(t *testing.T) {
	for _, c := range []struct {
		url      string
		deployed bool
		want     []string // in the error
	}{
		{"", false, []string{"STORE is empty", "datastore:PROJECT", "firestore:PROJECT", "/DATABASE"}},
		{"sqlite:a.db", true, []string{"no disk", `"sqlite:a.db"`, "datastore:PROJECT", "firestore:PROJECT"}},
		{"mysql:a", false, []string{`"mysql:a"`, "datastore, firestore"}},
		{"my-project", false, []string{`"my-project"`, "datastore, firestore"}},
		{"datastore", false, []string{"which one", "datastore:my-project"}},
		{"firestore:", false, []string{"which one", "firestore:my-project"}},
	} {
		t.Setenv("K_SERVICE", "")
		if c.deployed {
			t.Setenv("K_SERVICE", "visits")
		}
		_, err := OpenStore(t.Context(), c.url)
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%q: got error %v, want %q in it", c.url, err, want)
			}
		}
	}
}

func TestOpenStoreOpensTheBackendThatIsNamed(t *testing.T) {
	t.Setenv("DATASTORE_EMULATOR_HOST", emulator.Datastore(t))
	t.Setenv("FIRESTORE_EMULATOR_HOST", emulator.FirestoreNative(t))
	project := fmt.Sprintf("run%x", rand.Uint64())
	key := storage.Key{Kind: "Test", Name: "a"}
	urls := []string{"datastore:" + project, "firestore:" + project, "firestore:" + project + "/other"}
	for _, url := range urls { // each finds what it stored itself, and nothing of the others
		store, err := OpenStore(t.Context(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		err = store.Update(t.Context(), func(tx storage.Tx) error {
			got, err := tx.Get(key)
			if err == nil && got[0].Exists {
				t.Errorf("%s: found %q, want an empty database", url, got[0].Data)
			}
			return errors.Join(err, tx.Put(storage.Entity{Key: key, Data: []byte(url)}))
		})
		if err != nil {
			t.Errorf("%s: %v", url, err)
		}
		got, err := store.Get(t.Context(), key)
		if err != nil || string(got[0].Data) != url {
			t.Errorf("%s: got %+v and error %v, want what was put", url, got, err)
		}
	}
}
