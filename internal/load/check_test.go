package load

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/tallystick/tallystick/internal/storage/sqlite"
)

func TestCheck(t *testing.T) {
	for _, tt := range []struct {
		name    string
		check   Check
		gapless bool
		err     string // part of it; empty: none
	}{
		{"all stored", Check{Before: 5, After: 8, Acknowledged: 3, Attempted: 3, Numbers: []int64{8, 6, 7}}, true, ""},
		{"nothing at all", Check{Before: 5, After: 5}, true, ""},
		{"without numbers", Check{After: 3, Acknowledged: 3, Attempted: 3}, false, ""},
		{"one stored whose reply was lost", Check{After: 3, Acknowledged: 2, Attempted: 4, Numbers: []int64{1, 3}}, false, ""},
		{"one lost", Check{After: 2, Acknowledged: 3, Attempted: 3, Numbers: []int64{1, 2, 3}}, false, "1 are lost"},
		{"others count too", Check{After: 4, Acknowledged: 3, Attempted: 3, Numbers: []int64{1, 2, 4}}, false, "others"},
		{"a number twice", Check{After: 3, Acknowledged: 3, Attempted: 3, Numbers: []int64{1, 2, 2}}, false, "number 2"},
		{"a number of before", Check{Before: 5, After: 8, Acknowledged: 2, Attempted: 3, Numbers: []int64{5, 6}}, false, "6 to 8"},
		{"a number that is to come", Check{Before: 5, After: 8, Acknowledged: 2, Attempted: 3, Numbers: []int64{9, 6}}, false, "6 to 8"},
	} {
		err := tt.check.Err()
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.err)
		}
		if got := tt.check.Gapless(); got != tt.gapless {
			t.Errorf("%s: gapless %v, want %v", tt.name, got, tt.gapless)
		}
	}
}

func TestCompareLosesNothingAnyWay(t *testing.T) {
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "compare.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	ways, err := Compare(t.Context(), store, true, Plan{Callers: 8, Requests: 200})
	if err != nil || len(ways) != 3 {
		t.Fatalf("%d ways, %v; want 3", len(ways), err)
	}
	for _, w := range ways {
		if err := w.Check.Err(); err != nil || w.Done != 200 || w.Check.Stored() != 200 {
			t.Errorf("%s: %d done, %d stored, %v, failed %v; want 200 and 200", w.Name, w.Done, w.Check.Stored(), err, w.Failed)
		}
	}
}

func TestAloneMakesOneCallAtATime(t *testing.T) {
	var now atomic.Int64
	r := Plan{Callers: 8, Requests: 100}.Run(t.Context(), alone(func(context.Context, int) error {
		defer now.Add(-1)
		if n := now.Add(1); n > 1 {
			return fmt.Errorf("%d at a time", n)
		}
		runtime.Gosched()
		return nil
	}))
	if r.Done != 100 {
		t.Errorf("%d of 100 calls were alone: %v", r.Done, r.Failed)
	}
}
