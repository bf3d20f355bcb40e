package storagetest

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

// A store with locks keeps the second of two transactions waiting for the first,
// so a case that wants both to be halfway cannot insist on it: it gives the
// second this long, and its assertions hold either way.
const headStart = 100 * time.Millisecond

var isolationCases = []testCase{
	{"concurrent read-modify-writes of one key lose nothing", func(f *fixture) {
		const writers, each = 3, 2
		var mu sync.Mutex
		var results []int
		f.concurrently(writers, func(int) error {
			for range each {
				n, err := f.increment("counter")
				if err != nil {
					return err
				}
				mu.Lock()
				results = append(results, n)
				mu.Unlock()
			}
			return nil
		})
		f.wantData("counter", strconv.Itoa(writers*each))
		slices.Sort(results)
		for i, n := range results {
			if n != i+1 {
				f.Fatalf("each result once: got %v", results)
			}
		}
	}},
	{"two writers of different keys do not disturb each other", func(f *fixture) {
		f.concurrently(4, func(i int) error {
			for range 5 {
				if _, err := f.increment(fmt.Sprint("counter ", i)); err != nil {
					return err
				}
			}
			return nil
		})
		for i := range 4 {
			f.wantData(fmt.Sprint("counter ", i), "5")
		}
	}},
	{"all Gets of a transaction see one state", func(f *fixture) {
		f.put(f.entity("x", "old"), f.entity("y", "old"))
		both := make(chan error, 1)
		start := sync.OnceFunc(func() {
			go func() { both <- f.tryPut(f.entity("x", "new"), f.entity("y", "new")) }()
			f.giveHeadStart(both)
		})
		var x, y string
		err := f.store.Update(f.ctx, func(tx storage.Tx) error {
			first, err := tx.Get(f.key("x"))
			if err != nil {
				return err
			}
			start()
			second, err := tx.Get(f.key("y"))
			if err != nil {
				return err
			}
			x, y = string(first[0].Data), string(second[0].Data)
			// A write makes sure that the reads were of one moment.
			return tx.Put(f.entity("z", "seen"))
		})
		if err != nil {
			f.Fatal(err)
		}
		if x != y {
			f.Errorf("got x %q and y %q, which were never so at one moment", x, y)
		}
		if err := <-both; err != nil {
			f.Errorf("the other writer: %v", err)
		}
		f.wantData("x", "new")
		f.wantData("y", "new")
	}},
	{"a Get of several keys sees one state", func(f *fixture) { f.wantConstantSum(12, 16, 150) }},
	{"a Get of more than one reply holds sees one state", func(f *fixture) { f.wantConstantSum(8, 600<<10, 15) }},
	{"serializable: no write skew", func(f *fixture) {
		// Each withdraws from its own account what the two hold together.
		f.put(f.entity("a", "1"), f.entity("b", "1"))
		var halfway sync.WaitGroup
		halfway.Add(2)
		f.concurrently(2, func(i int) error {
			arrive := sync.OnceFunc(func() {
				halfway.Done()
				done := make(chan error)
				go func() { halfway.Wait(); close(done) }()
				f.giveHeadStart(done)
			})
			return f.store.Update(f.ctx, func(tx storage.Tx) error {
				got, err := tx.Get(f.key("a"), f.key("b"))
				if err != nil {
					return err
				}
				arrive()
				if string(got[0].Data) != "1" || string(got[1].Data) != "1" {
					return nil
				}
				return tx.Put(f.entity([]string{"a", "b"}[i], "0"))
			})
		})
		got := f.get("a", "b")
		if a, b := string(got[0].Data), string(got[1].Data); a == b {
			f.Errorf("got a %s and b %s, want one withdrawal", a, b)
		}
	}},
	{"serializable: an entity that was read as missing is guarded too", func(f *fixture) {
		f.concurrently(3, func(i int) error {
			return f.store.Update(f.ctx, func(tx storage.Tx) error {
				got, err := tx.Get(f.key("once"))
				if err != nil || got[0].Exists {
					return err
				}
				return firstError(
					tx.Put(f.entity("once", fmt.Sprint(i))),
					tx.Put(f.entity(fmt.Sprint("winner ", i), "")),
				)
			})
		})
		winners := 0
		for _, e := range f.get("winner 0", "winner 1", "winner 2") {
			if e.Exists {
				winners++
			}
		}
		if winners != 1 {
			f.Errorf("got %d winners, want 1", winners)
		}
	}},
	{"a function that fails or panics does not harm its neighbours", func(f *fixture) {
		f.concurrently(9, func(i int) (err error) {
			name := fmt.Sprint("n", i)
			switch i % 3 {
			case 0:
				return f.tryPut(f.entity(name, "stored"))
			case 1:
				err := f.store.Update(f.ctx, func(tx storage.Tx) error {
					return firstError(tx.Put(f.entity(name, "lost")), errOwn)
				})
				if err != errOwn {
					return fmt.Errorf("got error %v, want its own", err)
				}
				return nil
			}
			defer func() {
				if got := recover(); got != any(name) {
					err = fmt.Errorf("recovered %v, want %s", got, name)
				}
			}()
			_ = f.store.Update(f.ctx, func(tx storage.Tx) error {
				_ = tx.Put(f.entity(name, "lost"))
				panic(name)
			})
			return fmt.Errorf("%s: Update returned, want a panic", name)
		})
		for i := range 9 {
			f.wantData(fmt.Sprint("n", i), []string{"stored", "-", "-"}[i%3])
		}
	}},
}

// increment adds one to a number and returns it.
func (f *fixture) increment(name string) (n int, err error) {
	err = f.store.Update(f.ctx, func(tx storage.Tx) error {
		got, err := tx.Get(f.key(name))
		if err != nil {
			return err
		}
		n, _ = strconv.Atoi(string(got[0].Data))
		n++
		return tx.Put(f.entity(name, strconv.Itoa(n)))
	})
	return n, err
}

// concurrently runs fn n times at once and fails with its errors.
func (f *fixture) concurrently(n int, fn func(i int) error) {
	f.Helper()
	errs := make(chan error, n)
	for i := range n {
		go func() { errs <- fn(i) }()
	}
	for range n {
		if err := <-errs; err != nil {
			f.Error(err)
		}
	}
	if f.Failed() {
		f.FailNow()
	}
}

// giveHeadStart waits until other has something to say, which stays in it, or
// until it seems to be waiting for us.
func (f *fixture) giveHeadStart(other chan error) {
	ctx, cancel := context.WithTimeout(f.ctx, headStart)
	defer cancel()
	select {
	case err, ok := <-other:
		if ok {
			other <- err
		}
	case <-ctx.Done():
	}
}
