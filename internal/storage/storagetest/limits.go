package storagetest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/tallystick/tallystick/internal/storage"
)

var limitCases = []testCase{
	{"an entity of MaxEntityBytes is stored, of one byte more refused", func(f *fixture) {
		e := storage.Entity{Key: f.key("large"), Exists: true, Index: map[string]any{"x": strings.Repeat("x", storage.MaxIndexedBytes)}}
		e.Data = bytes.Repeat([]byte("0123456789abcdef"), storage.MaxEntityBytes/16)
		e.Data = e.Data[:storage.MaxEntityBytes-(e.Size()-len(e.Data))]
		if got := e.Size(); got != storage.MaxEntityBytes {
			f.Fatalf("Size is %d, want %d", got, storage.MaxEntityBytes)
		}
		f.put(e)
		got := f.get("large")[0]
		if !bytes.Equal(got.Data, e.Data) { // a diff of so much takes seconds
			f.Errorf("read back: got %d bytes of data, want the %d that were put", len(got.Data), len(e.Data))
		}
		got.Data = nil
		f.equal("the rest", got, storage.Entity{Key: e.Key, Exists: true, Index: e.Index})

		e.Data = append(e.Data, '!')
		if err := f.tryPut(e); !errors.Is(err, storage.ErrTooLarge) {
			f.Errorf("one byte more: got error %v, want ErrTooLarge", err)
		}
	}},
	{"a transaction writes MaxTxWrites entities and no more", func(f *fixture) {
		var last error
		err := f.store.Update(f.ctx, func(tx storage.Tx) error {
			for i := range storage.MaxTxWrites {
				if err := tx.Put(f.entity(fmt.Sprint(i), "1")); err != nil {
					return fmt.Errorf("entity %d: %w", i, err)
				}
			}
			last = tx.Put(f.entity("one more", "1"))
			return nil
		})
		if err != nil {
			f.Fatal(err)
		}
		if !errors.Is(last, storage.ErrTooLarge) {
			f.Errorf("one more: got error %v, want ErrTooLarge", last)
		}
		f.wantData("0", "1")
		f.wantData("1999", "1")
		f.wantData("one more", "-")
	}},
	{"the writes of one key count once", func(f *fixture) {
		large := bytes.Repeat([]byte{'x'}, storage.MaxTxBytes/storage.MaxTxWrites)
		err := f.store.Update(f.ctx, func(tx storage.Tx) error {
			for range storage.MaxTxWrites + 1 {
				if err := tx.Put(f.entity("a", string(large))); err != nil {
					return err
				}
			}
			return tx.Put(f.entity("a", "the last"))
		})
		if err != nil {
			f.Fatal(err)
		}
		f.wantData("a", "the last")
	}},
	{"a transaction reads MaxTxReads entities and no more", func(f *fixture) {
		f.put(f.entity("999", "last"))
		var got []storage.Entity
		var more error
		err := f.store.Update(f.ctx, func(tx storage.Tx) (err error) {
			keys := make([]storage.Key, storage.MaxTxReads)
			for i := range keys {
				keys[i] = f.key(fmt.Sprint(i))
			}
			if _, err := tx.Get(keys[:500]...); err != nil {
				return err
			}
			if got, err = tx.Get(keys[500:]...); err != nil {
				return err
			}
			_, more = tx.Get(f.key("one more"))
			return nil
		})
		if err != nil {
			f.Fatal(err)
		}
		f.equal("the last", got[499:], []storage.Entity{f.entity("999", "last")})
		if !errors.Is(more, storage.ErrTooLarge) {
			f.Errorf("one more: got error %v, want ErrTooLarge", more)
		}
	}},
	{"a transaction writes MaxTxBytes and no more", func(f *fixture) {
		var want []storage.Entity
		var more error
		err := f.store.Update(f.ctx, func(tx storage.Tx) error {
			want = nil
			for left := storage.MaxTxBytes; left > 0; {
				e := f.entity(fmt.Sprint(len(want)), "")
				e.Data = bytes.Repeat([]byte{byte(left)}, min(left, storage.MaxEntityBytes)-e.Size())
				if err := tx.Put(e); err != nil {
					return fmt.Errorf("with %d bytes left: %w", left, err)
				}
				want = append(want, e)
				left -= e.Size()
			}
			more = tx.Put(f.entity("one more", ""))
			return nil
		})
		if err != nil {
			f.Fatal(err)
		}
		if !errors.Is(more, storage.ErrTooLarge) {
			f.Errorf("one more: got error %v, want ErrTooLarge", more)
		}
		for _, e := range want {
			if got := f.get(e.Key.Name)[0]; !bytes.Equal(got.Data, e.Data) {
				f.Errorf("%s: got %d bytes of data, want the %d that were put", e.Key, len(got.Data), len(e.Data))
			}
		}
	}},
}
