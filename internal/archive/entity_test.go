package archive

import (
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/internal/storage"
)

func TestAnEntityComesBackAsItWent(t *testing.T) {
	values := rapid.OneOf(
		rapid.String().AsAny(),
		rapid.SampledFrom([]any{"", "\x00", "\u2028<>&\"\\", "🐌", true, false}),
		rapid.Int64().AsAny(),
		rapid.Float64().Filter(func(f float64) bool { return f != 0 }).AsAny(),
		rapid.SampledFrom([]any{int64(math.MinInt64), int64(math.MaxInt64), int64(1<<53 + 1), 0.0, math.Inf(1), math.Inf(-1), math.SmallestNonzeroFloat64, math.MaxFloat64}),
		rapid.Custom(func(t *rapid.T) any {
			first, last := time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro(), time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC).UnixMicro()
			return time.UnixMicro(rapid.Int64Range(first, last).Draw(t, "time")).UTC()
		}),
	)
	rapid.Check(t, func(t *rapid.T) {
		want := storage.Entity{
			Key:    storage.Key{Kind: "Page", Name: rapid.StringN(1, 100, 400).Draw(t, "name")},
			Exists: true,
			Index:  rapid.MapOfN(rapid.StringMatching(`[a-zé\. ][a-z_é\."]{0,20}`), values, 0, 5).Draw(t, "index"),
			Data:   rapid.SliceOf(rapid.Byte()).Draw(t, "data"),
		}
		if want.Check() != nil {
			t.Skip("no store takes it")
		}
		if rapid.Bool().Draw(t, "expires") {
			want.Expire = time.UnixMicro(rapid.Int64Range(0, 1<<52).Draw(t, "expire")).UTC()
		}
		b, err := json.Marshal(line{Entity: newEntity(want)})
		if err != nil {
			t.Fatal(err)
		}
		var l line
		if err := json.Unmarshal(b, &l, json.RejectUnknownMembers(true)); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		got, err := l.Entity.stored()
		if err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		if len(want.Index) == 0 {
			want.Index = nil
		}
		if len(want.Data) == 0 {
			want.Data, got.Data = nil, nil
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("got %#v, want %#v, by %s", got, want, b)
		}
	})
}
