package google_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/tallystick/tallystick/internal/storage"
)

var errDown = status.Error(codes.Unavailable, "down")

// down is a server that answers nothing but that it is down.
func down() *proxy {
	return &proxy{faults: faults{begin: always(codes.Unavailable), commit: always(codes.Unavailable), other: errDown}}
}

func TestReadsAreRepeatedAndACommitIsNot(t *testing.T) {
	onEach(t, "", func(t *testing.T, b backend) {
		s, p := b.serve(t, down(), "test", "")
		q := storage.Query{Kind: "Counter", Limit: 1}
		for method, read := range map[string]func() error{
			b.read:  func() error { _, err := s.Get(t.Context(), counter); return err },
			b.query: func() error { _, err := s.Query(t.Context(), q); return err },
			b.count: func() error { _, err := s.Count(t.Context(), q); return err },
		} {
			if err := read(); !errors.Is(err, storage.ErrUnavailable) {
				t.Errorf("%s: got error %v, want ErrUnavailable", method, err)
			}
			if got := p.times(method); got < 2 {
				t.Errorf("got %d calls of %s, want more than one", got, method)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		runs := 0
		err := s.Update(ctx, func(tx storage.Tx) error { runs++; return tx.Put(storage.Entity{Key: counter}) })
		if !errors.Is(err, storage.ErrUnknown) {
			t.Errorf("got error %v, want ErrUnknown", err)
		}
		if got := p.times(commit); got != runs {
			t.Errorf("got %d commits by %d runs of the function, want one each", got, runs)
		}
	})
}

func TestCallsSayWhichDatabaseTheyAreFor(t *testing.T) {
	onEach(t, "", func(t *testing.T, b backend) {
		s, p := b.serve(t, down(), "a project", "shop")
		_, _ = s.Get(t.Context(), counter)
		for name, want := range b.headers {
			if v := p.header(name); len(v) != 1 || v[0] != want {
				t.Errorf("%s: got %q, want %q", name, v, want)
			}
		}
	})
}

func TestOpenWaitsForNothing(t *testing.T) {
	onEach(t, "", func(t *testing.T, b backend) {
		// Nobody listens there, and nothing asks for credentials.
		s, err := b.connect(t.Context(), "test", "", "127.0.0.1:1")
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := s.Get(ctx, counter); err == nil {
			t.Error("Get succeeded")
		}
	})
}
