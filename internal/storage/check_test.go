package storage

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// untouched is a driver that must not be called. What a caller did wrong is found
// before that, so no backend has to.
type untouched struct{ *testing.T }

func (u untouched) Get(context.Context, []Key) ([]Entity, error) {
	u.Error("Get reached the driver")
	return nil, nil
}

func (u untouched) Query(context.Context, Query) (Found, error) {
	u.Error("Query reached the driver")
	return Found{}, nil
}

func (u untouched) Count(context.Context, Query) (int64, error) {
	u.Error("Count reached the driver")
	return 0, nil
}

// Snapshot returns one that must not be asked either.
func (u untouched) Snapshot(context.Context) (DriverSnapshot, error) { return u, nil }

func (u untouched) Update(_ context.Context, fn func(Getter) ([]Write, error)) error {
	_, err := fn(func([]Key) ([]Entity, error) { u.Error("Tx.Get reached the driver"); return nil, nil })
	return err
}

func (u untouched) Close() error { return nil }

func TestWhatIsInvalidNeverReachesADriver(t *testing.T) {
	s := New(untouched{t})
	bad := Key{Kind: "Kind", Name: ""}
	good := Key{Kind: "Kind", Name: "a"}
	update := func(fn func(Tx) error) error { return s.Update(t.Context(), fn) }
	query := func(q Query) error { _, err := s.Query(t.Context(), q); return err }
	count := func(q Query) error { _, err := s.Count(t.Context(), q); return err }
	snapshot, err := s.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"Get":                 func() error { _, err := s.Get(t.Context(), good, bad); return err }(),
		"Snapshot.Query":      func() error { _, err := snapshot.Query(t.Context(), Query{Kind: "a b", Limit: 1}); return err }(),
		"Tx.Get":              update(func(tx Tx) error { _, err := tx.Get(good, bad); return err }),
		"Tx.Put":              update(func(tx Tx) error { return tx.Put(Entity{Key: bad}) }),
		"Tx.Delete":           update(func(tx Tx) error { return tx.Delete(bad) }),
		"value":               update(func(tx Tx) error { return tx.Put(Entity{Key: good, Index: map[string]any{"x": 1}}) }),
		"property":            update(func(tx Tx) error { return tx.Put(Entity{Key: good, Index: map[string]any{"": "x"}}) }),
		"expiry":              update(func(tx Tx) error { return tx.Put(Entity{Key: good, Expire: time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)}) }),
		"query's kind":        query(Query{Kind: "a b", Limit: 1}),
		"query's limit":       query(Query{Kind: "Kind"}),
		"query's order":       query(Query{Kind: "Kind", Limit: 1, OrderBy: "_x"}),
		"filter's property":   query(Query{Kind: "Kind", Limit: 1, Where: []Filter{{Property: "", Op: Equal, Value: "x"}}}),
		"filter's value":      query(Query{Kind: "Kind", Limit: 1, Where: []Filter{{Property: "x", Op: Equal, Value: math.NaN()}}}),
		"filter's operator":   query(Query{Kind: "Kind", Limit: 1, Where: []Filter{{Property: "x", Op: "", Value: "x"}}}),
		"counted kind":        count(Query{Kind: "a b"}),
		"counted order":       count(Query{Kind: "Kind", OrderBy: "_x"}),
		"counted range":       count(Query{Kind: "Kind", Where: []Filter{{Property: "x", Op: Less, Value: "x"}}}),
		"range off the order": query(Query{Kind: "Kind", Limit: 1, Where: []Filter{{Property: "x", Op: Less, Value: "x"}}}),
	} {
		if !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: got error %v, want ErrInvalid", name, err)
		}
	}
}

// paged is a driver with one page, which records what it is asked for.
type paged struct {
	untouched
	more    bool
	asked   []int
	counted Query
}

func (p *paged) Query(context.Context, Query) (Found, error) {
	return Found{Entities: make([]Entity, 3), More: p.more, After: func(i int) string {
		p.asked = append(p.asked, i)
		return "after " + string(rune('0'+i))
	}}, nil
}

func (p *paged) Count(_ context.Context, q Query) (int64, error) {
	p.counted = q
	return 7, nil
}

func TestACursorIsMadeWhenItIsAskedFor(t *testing.T) {
	for _, more := range []bool{false, true} {
		p := &paged{untouched: untouched{t}, more: more}
		q := Query{Kind: "Kind", Limit: 3}
		page, err := New(p).Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		want := 0 // that of Next, when there is one
		if more {
			want = 1
		}
		if len(p.asked) != want {
			t.Errorf("more %v: the driver made cursors of %v, want %d", more, p.asked, want)
		}
		if more && page.Next != page.After(2) || !more && page.Next != "" {
			t.Errorf("more %v: got Next %q, and %q after the last entity", more, page.Next, page.After(2))
		}
		q.Cursor = page.After(1)
		if got, err := q.unseal(); err != nil || got.Cursor != "after 1" {
			t.Errorf("more %v: After(1) is the driver's %q, error %v", more, got.Cursor, err)
		}
	}
}

func TestADriverCountsTheQueryWithoutItsPage(t *testing.T) {
	p := &paged{untouched: untouched{t}}
	n, err := New(p).Count(t.Context(), Query{Kind: "Kind", OrderBy: "x", Descending: true, Limit: -1, Cursor: "garbage", KeysOnly: true})
	if n != 7 || err != nil {
		t.Errorf("got %d and error %v, want the driver's 7", n, err)
	}
	got := p.counted
	if got.Limit != 0 || got.Cursor != "" || got.KeysOnly || got.OrderBy != "x" || !got.Descending {
		t.Errorf("the driver was asked for %+v", got)
	}
}

func TestAnIndexErrorIsErrIndexAndSaysWhatToAdd(t *testing.T) {
	err := fmt.Errorf("query: %w", &IndexError{Hint: "indexes:\n- kind: K"})
	if !errors.Is(err, ErrIndex) || errors.Is(err, ErrInvalid) {
		t.Errorf("%v: want ErrIndex alone", err)
	}
	if !strings.Contains(err.Error(), "indexes:\n- kind: K") {
		t.Errorf("%v does not say what to add", err)
	}
}

func TestAContextThatHasEndedNeverReachesADriver(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := New(untouched{t}).Update(ctx, func(Tx) error { t.Error("the function ran"); return nil })
	if err != context.Canceled {
		t.Errorf("got error %v, want context.Canceled", err)
	}
}

func TestSizeCountsKeyDataAndIndex(t *testing.T) {
	e := Entity{Key: Key{Kind: "Kind", Name: "nm"}, Data: make([]byte, 10), Index: map[string]any{"abc": "text", "n": int64(1)}}
	if got, want := e.Size(), 4+2+10+(3+8+4)+(1+8); got != want {
		t.Errorf("got %d, want %d", got, want)
	}
}

func TestNormalKeepsWhatEveryBackendCanKeep(t *testing.T) {
	zone := time.FixedZone("", 3600)
	in := Entity{
		Data:   []byte("data"),
		Expire: time.Date(2026, 1, 1, 1, 0, 0, 1999, zone),
		Index:  map[string]any{"t": time.Date(2026, 1, 1, 1, 0, 0, 1999, zone), "z": math.Copysign(0, -1), "s": "s"},
	}
	out := in.normal()
	in.Data[0], in.Index["s"] = 'X', "changed"
	at := time.Date(2026, 1, 1, 0, 0, 0, 1000, time.UTC)
	if out.Expire != at || out.Index["t"] != any(at) {
		t.Errorf("times: got %v and %v, want %v", out.Expire, out.Index["t"], at)
	}
	if z := out.Index["z"].(float64); z != 0 || math.Signbit(z) {
		t.Errorf("-0: got %v, want 0", z)
	}
	if string(out.Data) != "data" || out.Index["s"] != "s" {
		t.Errorf("got %q and %v, which the caller changed", out.Data, out.Index["s"])
	}
}

func TestACursorGoesWithItsQueryOnly(t *testing.T) {
	filter := Filter{Property: "p", Op: Equal, Value: "v"}
	q := Query{Kind: "Kind", OrderBy: "x", Where: []Filter{filter}, Limit: 10}
	sealed := q.seal("a driver's cursor\x00\xff")
	change := func(f func(q *Query)) Query {
		other := q
		other.Where = append([]Filter(nil), q.Where...)
		f(&other)
		return other
	}
	for name, other := range map[string]Query{
		"itself":           q,
		"another limit":    change(func(q *Query) { q.Limit = 5 }),
		"keys only":        change(func(q *Query) { q.KeysOnly = true }),
		"kind":             change(func(q *Query) { q.Kind = "Kine" }),
		"order":            change(func(q *Query) { q.OrderBy = "y" }),
		"direction":        change(func(q *Query) { q.Descending = true }),
		"no filter":        change(func(q *Query) { q.Where = nil }),
		"filter's name":    change(func(q *Query) { q.Where[0].Property = "q" }),
		"filter's op":      change(func(q *Query) { q.Where[0].Op = Less }),
		"filter's value":   change(func(q *Query) { q.Where[0].Value = "w" }),
		"type of a value":  change(func(q *Query) { q.Where[0].Value = int64(118) }),
		"two filters":      change(func(q *Query) { q.Where = append(q.Where, filter) }),
		"moved boundaries": change(func(q *Query) { q.Kind, q.OrderBy = "Kindx", "" }),
	} {
		other.Cursor = sealed
		got, err := other.unseal()
		same := name == "itself" || name == "another limit" || name == "keys only"
		switch {
		case same && (err != nil || got.Cursor != "a driver's cursor\x00\xff"):
			t.Errorf("%s: got cursor %q and error %v", name, got.Cursor, err)
		case !same && !errors.Is(err, ErrCursor):
			t.Errorf("%s: got error %v, want ErrCursor", name, err)
		}
	}
	if got := q.seal(""); got != "" {
		t.Errorf("the end: got %q, want none", got)
	}
}

func TestACursorFitsIntoAURL(t *testing.T) {
	sealed := Query{}.seal(strings.Repeat("\x00\xff/?", 100))
	for _, c := range sealed {
		if !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", c) {
			t.Fatalf("%q is in %q", c, sealed)
		}
	}
}
