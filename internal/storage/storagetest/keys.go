package storagetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tallystick/tallystick/internal/storage"
)

// names are in the order of their bytes, which is the order of queries.
var names = []string{
	" ",
	" leading and trailing ",
	"\"quoted\"",
	"#",
	"%",
	"%2F",
	"'; DROP TABLE entity; --",
	"*",
	"-",
	".",
	"..",
	"/",
	"//a/../b/",
	"1",
	"10",
	"9",
	"A",
	"Z",
	"[a]",
	"\\",
	"_",
	"__",
	"___",
	"__x_",
	"a",
	"a\x01b",
	"a\n\tb",
	"a b",
	"a/b",
	"aa",
	"b`c",
	"e\u0301", // é in two runes
	"\u00e9",  // é in one
	"日本",
	"\U0001f40c", // a snail
	"\U0010ffff",
}

var keyCases = []testCase{
	{"any text is a name, and two names are the same only if their bytes are", func(f *fixture) {
		// The Datastore emulator compares names as UTF-16, where the tilde of
		// U+FF5E comes behind an emoji: it is no part of an order here.
		all := append(slices.Clone(names), "\uff5e", strings.Repeat("n", storage.MaxNameBytes), strings.Repeat("é", storage.MaxNameBytes/2))
		var entities []storage.Entity
		for _, name := range all {
			entities = append(entities, f.entity(name, "data of "+name))
		}
		f.put(entities...)
		f.equal("read back", f.get(all...), entities)
	}},
	{"entities without an order come in order of name", func(f *fixture) {
		backward := slices.Clone(names)
		slices.Reverse(backward)
		var entities []storage.Entity
		for _, name := range backward {
			entities = append(entities, f.entity(name, ""))
		}
		f.put(entities...)
		f.wantNames("ascending", storage.Query{}, names...)
		f.wantNames("descending", storage.Query{Descending: true}, backward...)
	}},
	{"a kind is a letter, then letters, digits and _-., of MaxKindBytes at most", func(f *fixture) {
		first := newKind()
		kinds := []string{first + ".my-shop_2", first + ".", first + "..", first + "--", first + "__"}
		kinds = append(kinds, (first + strings.Repeat("Xy0._-", 30))[:storage.MaxKindBytes])
		for _, kind := range kinds {
			e := storage.Entity{Key: storage.Key{Kind: kind, Name: "a"}, Exists: true, Data: []byte("1"), Index: map[string]any{"x": int64(1)}}
			f.put(e)
			got, err := f.store.Get(f.ctx, e.Key)
			if err != nil {
				f.Fatal(err)
			}
			f.equal("read back "+kind, got, []storage.Entity{e})
			page, err := f.store.Query(f.ctx, storage.Query{Kind: kind, OrderBy: "x", Limit: 10})
			if err != nil {
				f.Fatal(err)
			}
			f.equal("query of "+kind, page.Entities, []storage.Entity{e})
		}
		for _, kind := range []string{"", "1a", ".a", "_a", "-a", "a/b", "a b", "a:b", "é", "aé", "__kind__", kinds[len(kinds)-1] + "x"} {
			f.wantInvalidKey(storage.Key{Kind: kind, Name: "a"})
			if _, err := f.store.Query(f.ctx, storage.Query{Kind: kind, Limit: 1}); !errors.Is(err, storage.ErrInvalid) {
				f.Errorf("query of kind %q: got error %v, want ErrInvalid", kind, err)
			}
		}
	}},
	{"a dot and a slash count two in a name's length", func(f *fixture) {
		most := []storage.Entity{
			f.entity(strings.Repeat("/", storage.MaxNameBytes/2), "slashes"),
			f.entity(strings.Repeat(".", storage.MaxNameBytes/2), "dots"),
			f.entity(strings.Repeat("./n", storage.MaxNameBytes/5), "both"),
		}
		f.put(most...)
		for _, e := range most {
			f.equal(e.Key.Name[:4], f.get(e.Key.Name), []storage.Entity{e})
			for _, more := range []string{"n", ".", "/"} {
				f.wantInvalidKey(f.key(e.Key.Name + more))
			}
		}
	}},
	{"a name that is not allowed is ErrInvalid", func(f *fixture) {
		for _, name := range []string{
			"", "a\x00b", "\xff", "__reserved__", "____", strings.Repeat("n", storage.MaxNameBytes+1),
		} {
			f.wantInvalidKey(f.key(name))
		}
	}},
}

func (f *fixture) wantInvalidKey(key storage.Key) {
	f.Helper()
	_, err := f.store.Get(f.ctx, key)
	check := func(operation string, err error) {
		f.Helper()
		if !errors.Is(err, storage.ErrInvalid) {
			f.Errorf("%s %.40q: got error %v, want ErrInvalid", operation, key, err)
		}
	}
	check("Get", err)
	inside := map[string]func(storage.Tx) error{
		"Tx.Get":    func(tx storage.Tx) error { _, err := tx.Get(key); return err },
		"Tx.Put":    func(tx storage.Tx) error { return tx.Put(storage.Entity{Key: key}) },
		"Tx.Delete": func(tx storage.Tx) error { return tx.Delete(key) },
	}
	for operation, do := range inside {
		err := f.store.Update(f.ctx, func(tx storage.Tx) error {
			if err := do(tx); err != nil {
				return err
			}
			return fmt.Errorf("it was accepted")
		})
		check(operation, err)
	}
}
