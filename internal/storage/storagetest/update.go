package storagetest

import (
	"errors"
	"fmt"

	"github.com/tallystick/tallystick/internal/storage"
)

var errOwn = errors.New("the function's own error")

var updateCases = []testCase{
	{"commits when the function returns nil", func(f *fixture) {
		f.put(f.entity("a", "1"), f.entity("b", "2"))
		f.wantData("a", "1")
		f.wantData("b", "2")
	}},
	{"stores nothing when the function returns an error, and returns it as it is", func(f *fixture) {
		f.put(f.entity("kept", "before"), f.entity("alive", "before"))
		err := f.store.Update(f.ctx, func(tx storage.Tx) error {
			return firstError(
				tx.Put(f.entity("kept", "after")),
				tx.Put(f.entity("new", "after")),
				tx.Delete(f.key("alive")),
				errOwn,
			)
		})
		if err != errOwn {
			f.Errorf("got error %v, want the very one that the function returned", err)
		}
		f.wantData("kept", "before")
		f.wantData("alive", "before")
		f.wantData("new", "-")
	}},
	{"runs a function that only reads", func(f *fixture) {
		f.put(f.entity("a", "1"))
		var got []storage.Entity
		err := f.store.Update(f.ctx, func(tx storage.Tx) (err error) {
			got, err = tx.Get(f.key("a"), f.key("missing"))
			return err
		})
		if err != nil {
			f.Fatal(err)
		}
		f.equal("read", got, []storage.Entity{f.entity("a", "1"), {Key: f.key("missing")}})
	}},
	{"runs a function that does nothing", func(f *fixture) {
		if err := f.store.Update(f.ctx, func(storage.Tx) error { return nil }); err != nil {
			f.Error(err)
		}
	}},
	{"stores nothing when the function panics, and panics", func(f *fixture) {
		func() {
			defer func() {
				if got := recover(); got != any(errOwn) {
					f.Errorf("recovered %v, want what the function panicked with", got)
				}
			}()
			_ = f.store.Update(f.ctx, func(tx storage.Tx) error {
				if err := tx.Put(f.entity("a", "after")); err != nil {
					return err
				}
				panic(errOwn)
			})
			f.Error("Update returned, want a panic")
		}()
		f.wantData("a", "-")
		f.put(f.entity("a", "the store works on"))
		f.wantData("a", "the store works on")
	}},
	{"Put replaces an earlier entity whole", func(f *fixture) {
		f.put(storage.Entity{
			Key: f.key("a"), Data: []byte("first"), Expire: inTenYears,
			Index: map[string]any{"x": int64(1), "y": "one"},
		})
		want := storage.Entity{Key: f.key("a"), Exists: true, Index: map[string]any{"y": "two"}}
		f.put(want)
		f.equal("after the second Put", f.get("a"), []storage.Entity{want})
		f.wantNames("by the property that it no longer has", storage.Query{OrderBy: "x"})
		f.wantNames("by the value that it no longer has", storage.Query{Where: equals("y", "one")})
		f.wantNames("by its new value", storage.Query{Where: equals("y", "two")}, "a")
	}},
	{"Put ignores Exists", func(f *fixture) {
		f.put(storage.Entity{Key: f.key("a"), Data: []byte("1"), Exists: false})
		f.equal("read back", f.get("a"), []storage.Entity{f.entity("a", "1")})
	}},
	{"Delete removes an entity, also from queries", func(f *fixture) {
		f.put(storage.Entity{Key: f.key("a"), Index: map[string]any{"x": int64(1)}})
		f.remove("a")
		f.equal("read back", f.get("a"), []storage.Entity{{Key: f.key("a")}})
		f.wantNames("by name", storage.Query{})
		f.wantNames("by property", storage.Query{OrderBy: "x"})
	}},
	{"Delete of a missing entity is no error", func(f *fixture) {
		f.remove("missing")
		f.wantData("missing", "-")
	}},
	{"the last write of a key counts", func(f *fixture) {
		f.put(f.entity("deleted", "before"), f.entity("put back", "before"))
		err := f.store.Update(f.ctx, func(tx storage.Tx) error {
			return firstError(
				tx.Put(f.entity("twice", "first")), tx.Put(f.entity("twice", "second")),
				tx.Put(f.entity("deleted", "first")), tx.Delete(f.key("deleted")),
				tx.Delete(f.key("put back")), tx.Put(f.entity("put back", "second")),
				tx.Put(f.entity("never there", "first")), tx.Delete(f.key("never there")),
			)
		})
		if err != nil {
			f.Fatal(err)
		}
		f.wantData("twice", "second")
		f.wantData("deleted", "-")
		f.wantData("put back", "second")
		f.wantData("never there", "-")
	}},
	{"Get after the first Put or Delete is ErrInvalid", func(f *fixture) {
		writes := map[string]func(storage.Tx) error{
			"Put":    func(tx storage.Tx) error { return tx.Put(f.entity("a", "1")) },
			"Delete": func(tx storage.Tx) error { return tx.Delete(f.key("a")) },
		}
		for name, write := range writes {
			err := f.store.Update(f.ctx, func(tx storage.Tx) error {
				if _, err := tx.Get(f.key("b")); err != nil {
					return fmt.Errorf("before the write: %w", errOwn)
				}
				if err := write(tx); err != nil {
					return err
				}
				_, err := tx.Get(f.key("b"))
				return err
			})
			if !errors.Is(err, storage.ErrInvalid) {
				f.Errorf("Get after %s: got error %v, want ErrInvalid", name, err)
			}
		}
	}},
	{"keeps nothing that the caller changes after Put", func(f *fixture) {
		data := []byte("kept")
		index := map[string]any{"x": int64(1)}
		err := f.store.Update(f.ctx, func(tx storage.Tx) error {
			err := tx.Put(storage.Entity{Key: f.key("a"), Data: data, Index: index})
			copy(data, "lost")
			index["x"] = int64(2)
			index["y"] = "more"
			return err
		})
		if err != nil {
			f.Fatal(err)
		}
		copy(data, "gone")
		f.equal("read back", f.get("a"), []storage.Entity{
			{Key: f.key("a"), Exists: true, Data: []byte("kept"), Index: map[string]any{"x": int64(1)}},
		})
	}},
	{"keeps nothing that the caller changes in what it got", func(f *fixture) {
		want := []storage.Entity{
			{Key: f.key("a"), Exists: true, Data: []byte("kept"), Index: map[string]any{"x": int64(1)}},
		}
		f.put(want...)
		spoil := func(entities []storage.Entity) {
			copy(entities[0].Data, "lost")
			entities[0].Index["x"] = int64(2)
		}
		spoil(f.get("a"))
		f.equal("Get after Get", f.get("a"), want)
		page, err := f.store.Query(f.ctx, storage.Query{Kind: f.kind, Limit: 1})
		if err != nil {
			f.Fatal(err)
		}
		spoil(page.Entities)
		var inside []storage.Entity
		err = f.store.Update(f.ctx, func(tx storage.Tx) error {
			got, err := tx.Get(f.key("a"))
			if err != nil {
				return err
			}
			spoil(got)
			inside, err = tx.Get(f.key("a"))
			return err
		})
		if err != nil {
			f.Fatal(err)
		}
		f.equal("Get after Get in a transaction", inside, want)
		f.equal("Get afterwards", f.get("a"), want)
	}},
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
