package record_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tallystick/tallystick/internal/record"
	"github.com/tallystick/tallystick/internal/record/transform"
)

// disturb makes, changes and removes records that the test is not about, two at most
// for each call of the function that it returns, while the caller goes on.
func disturb(t *testing.T, s *record.Service) (more func()) {
	turns := make(chan struct{}, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for w := range 2 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(w)))
			for range turns {
				id := fmt.Sprintf("%c%d-%d", 'a'+rune(random.IntN(26)), w, random.IntN(40))
				var err error
				switch random.IntN(4) {
				case 0:
					_, _, err = s.Remove(ctx, things, []string{id})
				case 1:
					_, _, err = s.Store(ctx, record.StoreRequest{Collection: things, Documents: docs(fmt.Sprintf(`{"n":%d}`, random.IntN(100)))})
				default:
					_, err = s.Put(ctx, things, doc(id, fmt.Sprintf(`{"n":%d,"pad":%q}`, random.IntN(100), strings.Repeat("x", random.IntN(2)*9<<10))), record.Condition{})
				}
				if err != nil && ctx.Err() == nil {
					t.Errorf("write: %v", err)
				}
			}
		})
	}
	t.Cleanup(func() { cancel(); close(turns); all.Wait() })
	return func() {
		for range 2 {
			turns <- struct{}{}
		}
	}
}

func TestPagesNeitherSkipNorRepeatWhatDoesNotChange(t *testing.T) {
	for _, backend := range backends {
		t.Run(backend.name, func(t *testing.T) {
			s := record.New(backend.open(t), record.Options{})
			const still = 100
			var batch []record.Document
			for i := range still {
				batch = append(batch, doc(fmt.Sprintf("%c-still-%d", 'a'+rune(i%26), i), fmt.Sprintf(`{"n":%d,"still":true}`, i)))
			}
			if _, _, err := s.Store(t.Context(), record.StoreRequest{Collection: things, Documents: batch}); err != nil {
				t.Fatal(err)
			}
			more := disturb(t, s)
			for round := range pick(1, 20) {
				for _, req := range []record.ListRequest{
					{}, {OrderBy: "n"}, {OrderBy: "n desc"}, {OrderBy: record.CreateTime}, {Terms: terms(t, "n >= 0")}, {Terms: terms(t, "still = true")},
				} {
					req.Collection, req.Size = things, 15+round
					seen := make(map[string]int)
					for {
						more()
						page, err := s.List(t.Context(), req)
						if err != nil {
							t.Fatal(err)
						}
						for _, id := range idsOf(page.Records) {
							if strings.Contains(id, "still") {
								seen[id]++
							}
						}
						if req.Token = page.Next; req.Token == "" {
							break
						}
					}
					for id, n := range seen {
						if n != 1 {
							t.Errorf("%+v: %s came %d times", req, id, n)
						}
					}
					if len(seen) != still {
						t.Errorf("%+v: %d of %d came", req, len(seen), still)
					}
				}
			}
		})
	}
}

func terms(t *testing.T, filter string) []record.Term {
	t.Helper()
	terms, err := record.ParseFilter(filter)
	if err != nil {
		t.Fatal(err)
	}
	return terms
}

// Every version of the record is one letter throughout, in one part or in two: a
// mixture has two letters, or an end that is not its beginning's.
func TestAReaderSeesAWholeVersionWhileRecordsChange(t *testing.T) {
	s := record.New(openSQLite(t), record.Options{})
	sizes := []int{10, 9 << 10, 30 << 10, 1020 << 10}
	body := func(i int) string { return inParts(string(rune('a'+i%26)), sizes[i%len(sizes)]) }
	ids := []string{"r", "s"}
	for _, id := range ids {
		put(t, s, id, body(0))
	}
	ctx, cancel := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	for _, id := range ids {
		writers.Go(func() {
			for i := 1; ctx.Err() == nil; i++ {
				if _, err := s.Put(ctx, things, doc(id, body(i)), record.Condition{}); err != nil && ctx.Err() == nil {
					t.Errorf("put: %v", err)
				}
				if i%20 == 0 {
					if err := s.RemoveOne(ctx, things, id, record.Condition{}); err != nil && ctx.Err() == nil {
						t.Errorf("remove: %v", err)
					}
				}
			}
		})
	}
	writers.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			settings := record.Settings{Transform: []string{"", "."}[i%2]}
			if _, _, err := s.Configure(ctx, things, settings, record.Condition{}); err != nil && ctx.Err() == nil {
				t.Errorf("configure: %v", err)
			}
			if _, err := s.Retransform(ctx, things, 10, ""); err != nil && ctx.Err() == nil {
				t.Errorf("retransform: %v", err)
			}
		}
	})
	reads := 0
	whole := func(r record.Record) {
		reads++
		letter := string(r.Original[8])
		size := len(r.Original) - len(inParts("", 0)) - 1
		canonical, err := transform.Canonical(r.Original)
		if string(r.Original) != inParts(letter, size) || !slices.Contains(sizes, size) || err != nil {
			t.Errorf("version %d is a mixture: %d bytes, %.20q…%q", r.Version, len(r.Original), r.Original, r.Original[max(0, len(r.Original)-20):])
		}
		if sorted := fmt.Sprintf(`{"end":%q,"pad":%q}`, letter, strings.Repeat(letter, size)); string(r.Transformed) != string(canonical) && string(r.Transformed) != sorted {
			t.Errorf("version %d has %d bytes of another's transformed, %.40q", r.Version, len(r.Transformed), r.Transformed)
		}
	}
	for range pick(150, 2_000) {
		switch r, err := s.Get(t.Context(), things, "r"); {
		case err == nil:
			whole(r)
		case !errors.Is(err, record.ErrNotFound):
			t.Errorf("get: %v", err)
		}
		found, _, err := s.GetMany(t.Context(), things, ids)
		if err != nil {
			t.Errorf("get many: %v", err)
		}
		page, err := s.List(t.Context(), record.ListRequest{Collection: things, Size: 10})
		if err != nil {
			t.Errorf("list: %v", err)
		}
		revisions, _, err := s.Revisions(t.Context(), things, "s", 3, 0)
		if err != nil && !errors.Is(err, record.ErrNotFound) {
			t.Errorf("revisions: %v", err)
		}
		for _, r := range slices.Concat(found, page.Records, revisions) {
			whole(r)
		}
		if t.Failed() {
			break
		}
	}
	cancel()
	writers.Wait()
	if reads < 100 {
		t.Errorf("%d reads: too few to show anything", reads)
	}
}
