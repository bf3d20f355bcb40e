package record_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/record"
	"github.com/tallystick/tallystick/internal/storage"
)

// TestNothingKeptOfARecordOutlivesIt: revisions and parts from before a collection had
// an expiry get one with the record, or they would stay when it goes by itself.
func TestNothingKeptOfARecordOutlivesIt(t *testing.T) {
	store := openSQLite(t)
	s := record.New(store, record.Options{})
	large := strings.Repeat("x", 40<<10)
	for v := range 3 {
		put(t, s, "a", fmt.Sprintf(`{"v":%d,"text":%q}`, v, large))
		put(t, s, "b", fmt.Sprintf(`{"v":%d}`, v))
	}
	if _, _, err := s.Configure(t.Context(), "things", record.Settings{TTL: time.Hour}, record.Condition{}); err != nil {
		t.Fatal(err)
	}
	put(t, s, "a", `{"v":3}`)
	put(t, s, "b", `{"v":3}`)
	for _, kind := range []string{"Record.things", "Revision.things", "Part.things"} {
		page, err := store.Query(t.Context(), storage.Query{Kind: kind, Limit: 1000})
		if err != nil || len(page.Entities) < 2 {
			t.Fatalf("%s: %d entities, %v", kind, len(page.Entities), err)
		}
		for _, e := range page.Entities {
			if e.Expire.IsZero() {
				t.Errorf("%s has no expiry, its record has one", e.Key)
			}
		}
	}
	revisions, _, err := s.Revisions(t.Context(), "things", "a", 0, 0)
	if err != nil || len(revisions) != 3 || !strings.Contains(string(revisions[0].Original), large) {
		t.Errorf("got %d revisions, %v, want the three with their content", len(revisions), err)
	}
}

// TestAListRepeatsNothingWhileRecordsAreMadeAnew: a retransform changes no record's
// place in a list without an order.
func TestAListRepeatsNothingWhileRecordsAreMadeAnew(t *testing.T) {
	s := record.New(openSQLite(t), record.Options{})
	for i := range 20 {
		put(t, s, fmt.Sprint("id", i), fmt.Sprintf(`{"v":%d}`, i))
	}
	if _, _, err := s.Configure(t.Context(), "things", record.Settings{Transform: "{w: .v}"}, record.Condition{}); err != nil {
		t.Fatal(err)
	}
	seen := make(map[string]int)
	req := record.ListRequest{Collection: "things", Size: 7}
	for {
		page, err := s.List(t.Context(), req)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Records {
			seen[r.ID]++
		}
		if page.Next == "" {
			break
		}
		if _, err := s.Retransform(t.Context(), "things", 100, ""); err != nil {
			t.Fatal(err)
		}
		req.Token = page.Next
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s came %d times", id, n)
		}
	}
	if len(seen) != 20 {
		t.Errorf("%d records came, want all 20", len(seen))
	}
}
