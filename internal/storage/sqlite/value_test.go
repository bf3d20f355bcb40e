package sqlite

import (
	"bytes"
	"errors"
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/internal/storage"
)

// The bytes are in people's files: these may never change.
func TestValuesAreEncodedAsTheyAlwaysWere(t *testing.T) {
	for _, c := range []struct {
		value any
		want  []byte
	}{
		{false, []byte{0x10, 0}},
		{true, []byte{0x10, 1}},
		{int64(-1), []byte{0x20, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
		{int64(1), []byte{0x20, 0x80, 0, 0, 0, 0, 0, 0, 1}},
		{1.0, []byte{0x30, 0xbf, 0xf0, 0, 0, 0, 0, 0, 0}},
		{-1.0, []byte{0x30, 0x40, 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}},
		{time.Unix(1, 0).UTC(), []byte{0x40, 0x80, 0, 0, 0, 0, 0x0f, 0x42, 0x40}},
		{"é", []byte{0x50, 0xc3, 0xa9}},
	} {
		if got := appendValue(nil, c.value); !bytes.Equal(got, c.want) {
			t.Errorf("%v: got % x, want % x", c.value, got, c.want)
		}
	}
	want := append([]byte{1, 'a', 2, 0x10, 1}, 1, 'b', 2, 0x50, 'x')
	if got := encodeProperties(map[string]any{"b": "x", "a": true}); !bytes.Equal(got, want) {
		t.Errorf("properties: got % x, want % x", got, want)
	}
}

func TestEncodedValuesCompareAsTheValuesDo(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b")
		wantOrder(t, a < b, appendValue(nil, a), appendValue(nil, b))
		wantOrder(t, a < b, appendValue(nil, time.UnixMicro(a)), appendValue(nil, time.UnixMicro(b)))
		x, y := rapid.Float64().Draw(t, "x"), rapid.Float64().Draw(t, "y")
		if math.Signbit(x) == math.Signbit(y) || x != y { // -0 is never stored
			wantOrder(t, x < y, appendValue(nil, x), appendValue(nil, y))
		}
		s, u := rapid.String().Draw(t, "s"), rapid.String().Draw(t, "u")
		wantOrder(t, s < u, appendValue(nil, s), appendValue(nil, u))
	})
}

func wantOrder(t *rapid.T, less bool, a, b []byte) {
	t.Helper()
	if got := bytes.Compare(a, b) < 0; got != less {
		t.Errorf("% x < % x: got %v, want %v", a, b, got, less)
	}
}

func FuzzDamagedPropertiesAreAnErrorAndNoPanic(f *testing.F) {
	f.Add(encodeProperties(map[string]any{"a": "text", "n": int64(1)}))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01})
	f.Fuzz(func(t *testing.T, b []byte) {
		index, err := decodeIndex(b)
		if err == nil && len(index) > 0 && len(b) == 0 {
			t.Errorf("got %v of nothing", index)
		}
	})
}

func TestACursorIsTheSqliteBackendsOwn(t *testing.T) {
	own := place{appendValue(nil, "v"), "name"}.cursor()
	if p, err := parseCursor(own); err != nil || p.name != any("name") {
		t.Errorf("got %v and error %v", p, err)
	}
	if _, err := parseCursor("\x02" + own[1:]); !errors.Is(err, storage.ErrCursor) {
		t.Errorf("with another backend's mark: got error %v, want ErrCursor", err)
	}
}

func FuzzAMadeUpCursorIsAnErrorAndNoPanic(f *testing.F) {
	f.Add(place{appendValue(nil, "v"), "name"}.cursor())
	f.Add("")
	f.Add("\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01")
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parseCursor(s)
		if err == nil && p.name.(string) == "" {
			t.Errorf("%q is a cursor without a name", s)
		}
	})
}
