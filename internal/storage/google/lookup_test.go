package google

import (
	"fmt"
	"slices"
	"testing"

	"github.com/tallystick/tallystick/internal/storage"
)

func TestAKeyIsAskedForOnceAndFoundInEachOfItsPlaces(t *testing.T) {
	a, b, c := storage.Key{Kind: "K", Name: "a"}, storage.Key{Kind: "K", Name: "b"}, storage.Key{Kind: "L", Name: "a"}
	l := NewLookup([]storage.Key{a, b, a, c})
	if want := []storage.Key{a, b, c}; !slices.Equal(l.Keys, want) {
		t.Errorf("asks for %v, want %v", l.Keys, want)
	}
	decoded := 0
	err := l.Found(a, func() (storage.Entity, error) {
		decoded++
		return storage.Entity{Key: a, Exists: true, Data: []byte{'a'}}, nil
	})
	if err != nil || decoded != 2 {
		t.Errorf("decoded %d times, error %v, want twice: each caller owns what it gets", decoded, err)
	}
	got := ""
	for _, e := range l.Entities {
		got += fmt.Sprintf("%s %v, ", e.Key, e.Exists)
	}
	if want := "K/a true, K/b false, K/a true, L/a false, "; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
