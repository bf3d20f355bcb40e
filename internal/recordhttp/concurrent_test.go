package recordhttp_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

const writers = 80

// crowd runs n of what is given at once, and waits for them.
func crowd(n int, each func(i int)) {
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			each(i)
		})
	}
	close(start)
	all.Wait()
}

// TestOfConcurrentWritersWithIfMatchOneWinsEachVersion: in each round all writers have
// seen the same version, on two instances of the function.
func TestOfConcurrentWritersWithIfMatchOneWinsEachVersion(t *testing.T) {
	onEveryBackend(t, func(w *world) {
		instances := []*world{w, w.another()}
		etag := w.send("PUT", "/records/c/a", `{"by":"nobody"}`).header.Get("ETag")
		for round := range 3 {
			method, body := "PUT", `{"by":%d,"round":%d}`
			if round == 1 {
				method = "PATCH"
			}
			var mu sync.Mutex
			won := make(map[int]string) // writer → ETag
			crowd(writers, func(i int) {
				r, err := instances[i%2].try(method, "/records/c/a", strings.NewReader(fmt.Sprintf(body, i, round)), "If-Match", etag)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err != nil:
					t.Error(err)
				case r.status == http.StatusOK:
					won[i] = r.header.Get("ETag")
				case r.status != http.StatusPreconditionFailed:
					t.Errorf("writer %d: %d %s", i, r.status, r.body)
				}
			})
			if len(won) != 1 {
				t.Fatalf("round %d: %d writers won, want one", round, len(won))
			}
			for i, tag := range won {
				got := decoded[struct {
					Version  int64
					Original struct{ By, Round int }
				}](w, "GET", "/records/c/a", "")
				if got.Version != int64(round+2) || got.Original.By != i || got.Original.Round != round {
					t.Fatalf("round %d: the record is %+v, want version %d of writer %d", round, got, round+2, i)
				}
				etag = tag
			}
		}
	})
}

func TestConcurrentPatchesAreAllIn(t *testing.T) {
	for _, b := range backends[:2] {
		t.Run(b.name, func(t *testing.T) {
			w := newWorld(t, b)
			w.ok("PUT", "/records/c/a", `{}`)
			crowd(writers, func(i int) {
				r, err := w.try("PATCH", "/records/c/a", strings.NewReader(fmt.Sprintf(`{"f%03d":%d}`, i, i)))
				if err != nil || r.status != http.StatusOK {
					t.Errorf("patch %d: %d %s %v", i, r.status, r.body, err)
				}
			})
			got := decoded[struct {
				Version  int64
				Original map[string]int
			}](w, "GET", "/records/c/a", "")
			if got.Version != writers+1 || len(got.Original) != writers {
				t.Errorf("version %d with %d fields, want version %d with %d", got.Version, len(got.Original), writers+1, writers)
			}
		})
	}
}

// TestConcurrentRequestsWithOneIdempotencyKeyStoreOnce: all answer the same ids.
func TestConcurrentRequestsWithOneIdempotencyKeyStoreOnce(t *testing.T) {
	onEveryBackend(t, func(w *world) {
		instances := []*world{w, w.another()}
		var mu sync.Mutex
		bodies := make(map[string]int)
		crowd(6, func(i int) {
			r, err := instances[i%2].try("POST", "/store?collection=c", strings.NewReader(`[{"n":1},{"n":2}]`), "Idempotency-Key", "one")
			if err != nil || r.status != http.StatusCreated {
				t.Errorf("%d: %d %s %v", i, r.status, r.body, err)
			}
			mu.Lock()
			defer mu.Unlock()
			bodies[r.body]++
		})
		var keys struct{ Count int }
		if err := json.Unmarshal([]byte(w.ok("GET", "/fetchKeys?collection=c", "")), &keys); err != nil || keys.Count != 2 || len(bodies) != 1 {
			t.Errorf("%d records are stored by %d different replies, want 2 by one", keys.Count, len(bodies))
		}
	})
}

// TestConcurrentFirstRecordsOfACollection: each teaches the collection a field, and all
// of them are in its entity.
func TestConcurrentFirstRecordsOfACollection(t *testing.T) {
	onEveryBackend(t, func(w *world) {
		crowd(30, func(i int) {
			r, err := w.try("POST", "/store?collection=c", strings.NewReader(fmt.Sprintf(`{"f%d":%d,"all":true}`, i, i)))
			if err != nil || r.status != http.StatusCreated {
				t.Errorf("%d: %d %s %v", i, r.status, r.body, err)
			}
		})
		for i := range 30 {
			if got := decoded[list](w, "POST", "/filter?collection=c", fmt.Sprintf(`{"f%d":%d,"all":true}`, i, i)); len(got.Records) != 1 {
				t.Errorf("%d records have f%d, want 1", len(got.Records), i)
			}
		}
		known := decoded[struct{ Fields []struct{ Field string } }](w, "GET", "/collections/c", "")
		if len(known.Fields) != 31 {
			t.Errorf("the collection knows %d fields, want 31", len(known.Fields))
		}
	})
}
