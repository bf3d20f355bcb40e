package storagetest

import (
	"errors"
	"fmt"

	"github.com/tallystick/tallystick/internal/storage"
)

var getCases = []testCase{
	{"answers in the order of the keys", func(f *fixture) {
		f.put(f.entity("a", "1"), f.entity("b", "2"), f.entity("c", "3"))
		f.equal("c, a, b, a", f.get("c", "a", "b", "a"), []storage.Entity{
			f.entity("c", "3"), f.entity("a", "1"), f.entity("b", "2"), f.entity("a", "1"),
		})
	}},
	{"marks a missing entity in its place, with only its key", func(f *fixture) {
		f.put(f.entity("a", "1"), f.entity("b", "2"))
		f.equal("a, missing, b", f.get("a", "missing", "b"), []storage.Entity{
			f.entity("a", "1"), {Key: f.key("missing")}, f.entity("b", "2"),
		})
	}},
	{"of no keys is no entities", func(f *fixture) {
		if got := f.get(); len(got) != 0 {
			f.Errorf("got %v, want nothing", got)
		}
		err := f.store.Update(f.ctx, func(tx storage.Tx) error {
			if got, err := tx.Get(); len(got) != 0 || err != nil {
				return fmt.Errorf("got %v and error %v, want nothing", got, err)
			}
			return nil
		})
		if err != nil {
			f.Errorf("in a transaction: %v", err)
		}
	}},
	{"tells entities of one name and different kinds apart", func(f *fixture) {
		other := storage.Entity{Key: storage.Key{Kind: newKind(), Name: "a"}, Exists: true, Data: []byte("other")}
		f.put(f.entity("a", "1"), other)
		got, err := f.store.Get(f.ctx, other.Key, f.key("a"))
		if err != nil {
			f.Fatal(err)
		}
		f.equal("both kinds", got, []storage.Entity{other, f.entity("a", "1")})
	}},
	{"sees every Update that had returned", func(f *fixture) {
		for i := range 10 {
			want := fmt.Sprint(i)
			f.put(f.entity("a", want), f.entity("b", want))
			f.wantData("a", want)
			f.equal("a, b", f.get("a", "b"), []storage.Entity{f.entity("a", want), f.entity("b", want)})
		}
		f.remove("a")
		f.wantData("a", "-")
		f.equal("a, b", f.get("a", "b"), []storage.Entity{{Key: f.key("a")}, f.entity("b", "9")})
	}},
	{"reads up to MaxTxReads keys and refuses more", func(f *fixture) {
		keys := make([]storage.Key, storage.MaxTxReads+1)
		for i := range keys {
			keys[i] = f.key(fmt.Sprint(i))
		}
		if _, err := f.store.Get(f.ctx, keys...); !errors.Is(err, storage.ErrTooLarge) {
			f.Errorf("%d keys: got error %v, want ErrTooLarge", len(keys), err)
		}
		f.put(f.entity("999", "last"))
		got, err := f.store.Get(f.ctx, keys[:storage.MaxTxReads]...)
		if err != nil {
			f.Fatalf("%d keys: %v", storage.MaxTxReads, err)
		}
		f.equal("the last of them", got[999:], []storage.Entity{f.entity("999", "last")})
	}},
}
