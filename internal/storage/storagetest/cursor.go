package storagetest

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tallystick/tallystick/internal/storage"
)

// shapes are the kinds of query that a cursor must work for, over fixture.grid.
var shapes = []storage.Query{
	{},
	{Descending: true},
	{OrderBy: "x"},
	{OrderBy: "x", Descending: true},
	{OrderBy: "letter"},
	{Where: equals("even", true)},
	{Where: equals("even", true), Descending: true},
	{Where: append(equals("even", true), equals("letter", "b")...)},
	{Where: equals("even", true), OrderBy: "letter"},
	{Where: equals("even", true), OrderBy: "letter", Descending: true},
	{Where: equals("letter", "b"), OrderBy: "letter"},
	{Where: []storage.Filter{{Property: "x", Op: storage.Greater, Value: int64(0)}}, OrderBy: "x"},
	{Where: []storage.Filter{{Property: "x", Op: storage.LessOrEqual, Value: int64(1)}}, OrderBy: "x", Descending: true},
}

var cursorCases = []testCase{
	{"pages together are the whole list", func(f *fixture) {
		f.grid()
		for _, q := range shapes {
			want := namesOf(f.query(q))
			for _, size := range []int{1, 2, 9} {
				if got := f.pages(q, size, nil); !slices.Equal(got, want) {
					f.Errorf("%+v in pages of %d: got %q, want %q", q, size, got, want)
				}
			}
		}
	}},
	{"pages neither skip nor repeat what stays, whatever is put or deleted around it", func(f *fixture) {
		for _, q := range shapes {
			f := newFixture(f.T, f.store)
			f.grid()
			stays := func(name string) bool { return strings.HasSuffix(name, "b") }
			var want []string
			for _, name := range namesOf(f.query(q)) {
				if stays(name) {
					want = append(want, name)
				}
			}
			page := 0
			all := f.pages(q, 1, func(last string) {
				page++
				f.around(last, page, stays)
			})
			var got []string
			for _, name := range all {
				if stays(name) {
					got = append(got, name)
				}
			}
			if !slices.Equal(got, want) {
				f.Errorf("%+v: got %q, want %q", q, got, want)
			}
		}
	}},
	{"Limit and KeysOnly may change from page to page", func(f *fixture) {
		f.grid()
		q := storage.Query{Kind: f.kind, OrderBy: "x", Limit: 2}
		first, err := f.store.Query(f.ctx, q)
		if err != nil {
			f.Fatal(err)
		}
		q.Limit, q.KeysOnly, q.Cursor = 5, true, first.Next
		second, err := f.store.Query(f.ctx, q)
		if err != nil {
			f.Fatal(err)
		}
		got := namesOf(append(first.Entities, second.Entities...))
		if want := []string{"0a", "0b", "0c", "1a", "1b", "1c", "2a"}; !slices.Equal(got, want) {
			f.Errorf("got %q, want %q", got, want)
		}
	}},
	{"Next is empty at the end", func(f *fixture) {
		f.grid()
		for _, q := range shapes {
			q.Kind, q.Limit = f.kind, 10
			page, err := f.store.Query(f.ctx, q)
			if err != nil {
				f.Fatal(err)
			}
			if page.Next != "" {
				f.Errorf("%+v: a page that is not full has the Next %q", q, page.Next)
			}
		}
	}},
	{"After begins behind any entity of a page, of the last one where Next does", func(f *fixture) {
		f.grid()
		for _, q := range shapes {
			want := namesOf(f.query(q))
			for _, limit := range []int{len(want), storage.MaxQueryLimit} { // with a Next, and without
				for _, keysOnly := range []bool{false, true} {
					q.Kind, q.Limit, q.KeysOnly, q.Cursor = f.kind, limit, keysOnly, ""
					page, err := f.store.Query(f.ctx, q)
					if err != nil {
						f.Fatal(err)
					}
					for i := range page.Entities {
						next := q
						next.Cursor, next.Limit = page.After(i), 10
						rest, err := f.store.Query(f.ctx, next)
						if err != nil {
							f.Fatalf("%+v after entity %d: %v", q, i, err)
						}
						if got := namesOf(rest.Entities); !slices.Equal(got, want[i+1:]) {
							f.Errorf("%+v after entity %d: got %q, want %q", q, i, got, want[i+1:])
						}
					}
				}
			}
		}
	}},
	{"After does not mind what the caller does to the entities", func(f *fixture) {
		f.grid()
		q := storage.Query{Kind: f.kind, OrderBy: "x", Limit: 5}
		page, err := f.store.Query(f.ctx, q)
		if err != nil {
			f.Fatal(err)
		}
		want := page.After(1)
		page.Entities[1].Key.Name = "changed"
		clear(page.Entities[1].Index)
		page.Entities = page.Entities[:1]
		if got := page.After(1); got != want {
			f.Errorf("got %q, want %q", got, want)
		}
	}},
	{"readers that stop within a page neither skip nor repeat what stays", func(f *fixture) {
		for _, q := range shapes {
			f := newFixture(f.T, f.store)
			f.grid()
			stays := func(name string) bool { return strings.HasSuffix(name, "b") }
			var want, got []string
			for _, name := range namesOf(f.query(q)) {
				if stays(name) {
					want = append(want, name)
				}
			}
			q.Kind, q.Limit = f.kind, 3
			for step := 1; ; step++ {
				page, err := f.store.Query(f.ctx, q)
				if err != nil {
					f.Fatalf("%+v: %v", q, err)
				}
				if len(page.Entities) == 0 {
					break
				}
				if step > 100 {
					f.Fatalf("%+v: no end after 100 pages", q)
				}
				first := page.Entities[0].Key.Name // the others of the page are read again
				if stays(first) {
					got = append(got, first)
				}
				f.around(first, step, stays)
				q.Cursor = page.After(0)
			}
			if !slices.Equal(got, want) {
				f.Errorf("%+v: got %q, want %q", q, got, want)
			}
		}
	}},
	{"garbage is ErrCursor", func(f *fixture) {
		f.grid()
		cursor := f.firstCursor(storage.Query{OrderBy: "x"})
		garbage := []string{
			"x", "!", " ", "\x00", "\xff\xfe", "AAAA", "=", "🐌", strings.Repeat("A", 5000),
			base64.RawURLEncoding.EncodeToString([]byte("a cursor of another house")),
			cursor + "A", cursor + "=", " " + cursor, cursor + "\n", cursor[1:], cursor[:len(cursor)-1], cursor[:len(cursor)/2],
		}
		for i := range cursor { // each letter changed to another of the alphabet
			c := byte('A')
			if cursor[i] == c {
				c = 'B'
			}
			garbage = append(garbage, cursor[:i]+string(c)+cursor[i+1:])
		}
		for _, g := range garbage {
			f.wantBadCursor(storage.Query{OrderBy: "x"}, g)
		}
		for _, g := range garbage[:10] {
			f.wantBadCursor(storage.Query{}, g)
		}
	}},
	{"a cursor of another query is ErrCursor", func(f *fixture) {
		f.grid()
		for i, q := range shapes {
			cursor := f.firstCursor(q)
			for j, other := range shapes {
				if i != j {
					f.wantBadCursor(other, cursor)
				}
			}
		}
		cursor := f.firstCursor(storage.Query{Where: equals("x", int64(1))})
		f.wantBadCursor(storage.Query{Where: equals("x", int64(2))}, cursor)
		f.wantBadCursor(storage.Query{Where: equals("x", float64(1))}, cursor)
		page, err := f.store.Query(f.ctx, storage.Query{Kind: f.kind, OrderBy: "x", Limit: 2})
		if err != nil {
			f.Fatal(err)
		}
		f.wantBadCursor(storage.Query{OrderBy: "letter"}, page.After(0))
		other := newFixture(f.T, f.store)
		other.wantBadCursor(storage.Query{Where: equals("x", int64(1))}, cursor)
	}},
}

// around puts entities before, between and behind those of the grid, and deletes
// the last of the page, where the cursor stands, if it need not stay.
func (f *fixture) around(last string, page int, stays func(string) bool) {
	f.Helper()
	err := f.store.Update(f.ctx, func(tx storage.Tx) error {
		if !stays(last) {
			if err := tx.Delete(f.key(last)); err != nil {
				return err
			}
		}
		x := int64(page % 3)
		for _, letter := range []string{"!", "az", "z"} {
			err := tx.Put(storage.Entity{
				Key:   f.key(fmt.Sprintf("%d%s%d", x, letter, page)),
				Index: map[string]any{"x": x, "letter": letter, "even": false},
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		f.Fatalf("Update after page %d: %v", page, err)
	}
}

// pages reads the query in pages of size, and calls between, if any, with the
// last name of each page.
func (f *fixture) pages(q storage.Query, size int, between func(last string)) (names []string) {
	f.Helper()
	q.Kind, q.Limit, q.Cursor = f.kind, size, ""
	for range 100 {
		page, err := f.store.Query(f.ctx, q)
		if err != nil {
			f.Fatalf("Query %+v: %v", q, err)
		}
		names = append(names, namesOf(page.Entities)...)
		if page.Next == "" {
			return names
		}
		if between != nil && len(page.Entities) > 0 {
			between(names[len(names)-1])
		}
		q.Cursor = page.Next
	}
	f.Fatalf("Query %+v: no end after 100 pages", q)
	return nil
}

// firstCursor is the Next of a page of one.
func (f *fixture) firstCursor(q storage.Query) string {
	f.Helper()
	q.Kind, q.Limit = f.kind, 1
	page, err := f.store.Query(f.ctx, q)
	if err != nil || page.Next == "" {
		f.Fatalf("Query %+v: got Next %q and error %v, want a next page", q, page.Next, err)
	}
	return page.Next
}

func (f *fixture) wantBadCursor(q storage.Query, cursor string) {
	f.Helper()
	q.Kind, q.Limit, q.Cursor = f.kind, 10, cursor
	page, err := f.store.Query(f.ctx, q)
	if !errors.Is(err, storage.ErrCursor) || len(page.Entities) > 0 {
		f.Errorf("%+v: got %d entities and error %v, want ErrCursor", q, len(page.Entities), err)
	}
}
