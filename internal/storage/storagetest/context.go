package storagetest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tallystick/tallystick/internal/storage"
)

var contextCases = []testCase{
	{"Update with an ended context runs nothing and returns the context's error", func(f *fixture) {
		cancelled, cancel := context.WithCancel(f.ctx)
		cancel()
		expired, cancel := context.WithDeadline(f.ctx, time.Unix(0, 0))
		defer cancel()
		for _, ctx := range []context.Context{cancelled, expired} {
			err := f.store.Update(ctx, func(tx storage.Tx) error {
				f.Error("the function ran")
				return tx.Put(f.entity("a", "1"))
			})
			if !errors.Is(err, ctx.Err()) {
				f.Errorf("got error %v, want %v", err, ctx.Err())
			}
		}
		f.wantData("a", "-")
	}},
	{"a context that ends before the commit stores nothing", func(f *fixture) {
		ctx, cancel := context.WithCancel(f.ctx)
		err := f.store.Update(ctx, func(tx storage.Tx) error {
			defer cancel()
			return tx.Put(f.entity("a", "1"))
		})
		if !errors.Is(err, context.Canceled) {
			f.Errorf("got error %v, want context.Canceled", err)
		}
		f.wantData("a", "-")
	}},
	{"a context that ends while Update waits for another one", func(f *fixture) {
		f.put(f.entity("a", "before"))
		reading, release := make(chan struct{}, 8), make(chan struct{})
		holder := make(chan error, 1)
		go func() {
			holder <- f.store.Update(f.ctx, func(tx storage.Tx) error {
				_, err := tx.Get(f.key("a"))
				reading <- struct{}{}
				<-release
				return firstError(err, tx.Put(f.entity("holder", "done")))
			})
		}()
		<-reading
		ctx, cancel := context.WithTimeout(f.ctx, headStart)
		defer cancel()
		err := f.store.Update(ctx, func(tx storage.Tx) error {
			_, err := tx.Get(f.key("a"))
			return firstError(err, tx.Put(f.entity("a", "after")))
		})
		close(release)
		// A store without locks has let it through, and one that waits for locks
		// in its commit cannot know. Any other error must mean that nothing was
		// stored.
		want := "after"
		switch {
		case errors.Is(err, storage.ErrUnknown):
			want = string(f.get("a")[0].Data)
		case errors.Is(err, context.DeadlineExceeded), errors.Is(err, storage.ErrConflict):
			want = "before"
		case err != nil:
			f.Errorf("got error %v, want the context's, ErrConflict or ErrUnknown", err)
		}
		if err := <-holder; err != nil {
			f.Errorf("the one that was waited for: %v", err)
		}
		f.wantData("a", want)
		f.wantData("holder", "done")
	}},
	{"Get and Query with an ended context return its error", func(f *fixture) {
		ctx, cancel := context.WithCancel(f.ctx)
		cancel()
		for _, keys := range [][]storage.Key{{f.key("a")}, {f.key("a"), f.key("b")}} {
			if _, err := f.store.Get(ctx, keys...); !errors.Is(err, context.Canceled) {
				f.Errorf("Get of %d: got error %v, want context.Canceled", len(keys), err)
			}
		}
		if _, err := f.store.Query(ctx, storage.Query{Kind: f.kind, Limit: 1}); !errors.Is(err, context.Canceled) {
			f.Errorf("Query: got error %v, want context.Canceled", err)
		}
	}},
	{"what an Update acknowledged stays when its context ends", func(f *fixture) {
		for i := range 3 {
			ctx, cancel := context.WithCancel(f.ctx)
			name := fmt.Sprint(i)
			err := f.store.Update(ctx, func(tx storage.Tx) error { return tx.Put(f.entity(name, "1")) })
			cancel()
			if err != nil {
				f.Fatal(err)
			}
			f.wantData(name, "1")
		}
	}},
}
