package storage_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/tallystick/tallystick/internal/storage"
)

// down is a driver that can read nothing.
type down struct{ storage.Driver }

func (down) Update(_ context.Context, fn func(storage.Getter) ([]storage.Write, error)) error {
	_, err := fn(func([]storage.Key) ([]storage.Entity, error) {
		return nil, fmt.Errorf("anna: %w", storage.ErrUnavailable)
	})
	return err
}

func TestEachOperationHasASpan(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	ctx, parent := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)).Tracer("").Start(t.Context(), "request")
	store := open(t)
	no := errors.New("anna is not there")
	_, err1 := store.Get(ctx, key("Page", "/anna"))
	_, err2 := store.Query(ctx, storage.Query{Kind: "Page", Limit: 1, OrderBy: "rank", Where: []storage.Filter{{Property: "rank", Op: storage.Equal, Value: "anna"}}})
	_, err3 := store.Count(ctx, storage.Query{Kind: "Page"})
	err4 := store.Update(ctx, func(tx storage.Tx) error { return tx.Put(storage.Entity{Key: key("Page", "/anna")}) })
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	if err := store.Update(ctx, func(storage.Tx) error { return no }); err != no {
		t.Fatal(err)
	}
	if err := storage.New(again{}).Update(ctx, func(storage.Tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if err := storage.New(down{}).Update(ctx, func(tx storage.Tx) error { _, err := tx.Get(key("Page", "/anna")); return err }); !errors.Is(err, storage.ErrUnavailable) {
		t.Fatal(err)
	}
	func() {
		defer func() { recover() }()
		store.Update(ctx, func(storage.Tx) error { panic("anna") })
	}()
	var got []string
	for _, s := range recorder.Ended() {
		text := fmt.Sprint(s.Name(), " ", s.Attributes(), s.Status(), s.Events(), s.Links())
		if strings.Contains(text, "anna") {
			t.Errorf("a span tells of a key, a value or an error's text: %s", text)
		}
		if s.Parent().SpanID() != parent.SpanContext().SpanID() {
			t.Errorf("%s is not the request's", s.Name())
		}
		name := s.Name()
		if s.Status().Code == codes.Error {
			name += " failed"
		}
		for _, e := range s.Events() {
			name += ", " + e.Name
		}
		got = append(got, name)
	}
	// Whose function said no had a store that did what it was asked.
	const want = "[Get Page Query Page Count Page Update Update Update, run again, run again Update failed Update]"
	if fmt.Sprint(got) != want {
		t.Errorf("spans %v, want %v", got, want)
	}
}
