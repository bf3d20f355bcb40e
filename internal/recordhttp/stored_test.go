package recordhttp_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/functions/fetch"
	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/storage"
)

// onEveryBackend runs a test in a world of each backend.
func onEveryBackend(t *testing.T, test func(w *world)) {
	for _, b := range backends {
		t.Run(b.name, func(t *testing.T) { test(newWorld(t, b)) })
	}
}

// of counts what is stored of a kind.
func of(all map[storage.Key]storage.Entity, kind string) (n int) {
	for key := range all {
		if key.Kind == kind {
			n++
		}
	}
	return n
}

type list struct {
	Records []struct {
		ID                    string
		Version               int64
		Original, Transformed json.RawMessage
	}
	NextPageToken string
	Total         *int64
}

func TestTheNewestHundredRevisionsAreKeptAndTheirPartsWithThem(t *testing.T) {
	onEveryBackend(t, func(w *world) {
		// Versions 1 to 3 lie in parts, 4 to 109 do not, 110 to 112 do.
		filler := strings.Repeat("large ", 4000)
		for v := 1; v <= 112; v++ {
			doc := fmt.Sprintf(`{"v":%d}`, v)
			if v <= 3 || v >= 110 {
				doc = fmt.Sprintf(`{"v":%d,"text":%q}`, v, filler)
			}
			w.ok("PUT", "/records/c/a", doc)
			if v > 4 && v < 100 {
				continue
			}
			all := w.everything()
			if got, want := of(all, "Revision.c"), min(v-1, 100); got != want {
				t.Fatalf("%d revisions are stored at version %d, want %d", got, v, want)
			}
			want := 0 // of each large version that is kept, the original and transformed
			for kept := max(1, v-100); kept <= v; kept++ {
				if kept <= 3 || kept >= 110 {
					want += 2
				}
			}
			if got := of(all, "Part.c"); got != want {
				t.Fatalf("%d parts are stored at version %d, want %d", got, v, want)
			}
		}
		for _, size := range []int{7, 100, 1000} {
			next, want := "", int64(111)
			for {
				page := decoded[list](w, "GET", fmt.Sprintf("/records/c/a/revisions?pageSize=%d&pageToken=%s", size, next), "")
				for _, r := range page.Records {
					var doc struct{ V int64 }
					if err := json.Unmarshal(r.Original, &doc); err != nil || r.Version != want || doc.V != want {
						t.Fatalf("pages of %d: version %d has %.40s, want %d", size, r.Version, r.Original, want)
					}
					want--
				}
				if next = page.NextPageToken; next == "" {
					break
				}
			}
			if want != 11 {
				t.Errorf("pages of %d: the last one is %d, want 12", size, want+1)
			}
		}
		w.ok("DELETE", "/records/c/a", "")
		w.wantOnlyTombstones("c")
	})
}

// wantOnlyTombstones wants nothing of a collection's records in the store but what
// expires by itself and no query finds.
func (w *world) wantOnlyTombstones(collection string) {
	w.Helper()
	for key, e := range w.everything() {
		switch {
		case !strings.HasSuffix(key.Kind, "."+collection):
		case key.Kind != "Record."+collection:
			w.Errorf("%s is left", key)
		case e.Expire.IsZero() || len(e.Index) > 0 || len(e.Data) > 300:
			w.Errorf("%s is left with an expiry %v, the properties %v and %.300q", key, e.Expire, e.Index, e.Data)
		}
	}
}

func TestRemovalLeavesNothing(t *testing.T) {
	onEveryBackend(t, func(w *world) {
		large := fmt.Sprintf(`{"secret":%q}`, strings.Repeat("a secret ", 5000))
		for _, doc := range []string{`{"secret":1}`, large, `{"secret":2}`} {
			w.ok("POST", "/store?collection=c&upsert=true", with("a", doc, "b", doc, "d", doc))
		}
		w.ok("PUT", "/collections/c", `{"transform":"{s:.secret,t:.secret}"}`)
		w.ok("PUT", "/records/c/b", large)
		w.ok("POST", "/collections/c/retransform", "")
		w.ok("DELETE", "/delete?collection=c&ids=a,b", "")
		w.ok("DELETE", "/records/c/d", "")
		w.wantOnlyTombstones("c")
		for key, e := range w.everything() {
			if strings.Contains(string(e.Data), "a secret") {
				w.Errorf("%s still has the secret", key)
			}
		}
	})
}

func TestARetransformLeavesNoPartsOfTheFormerTransform(t *testing.T) {
	onEveryBackend(t, func(w *world) {
		w.ok("PUT", "/records/c/a", fmt.Sprintf(`{"text":%q}`, strings.Repeat("x", 1<<20-100)))
		if got := of(w.everything(), "Part.c"); got != 4 {
			t.Fatalf("%d parts, want two of the original and two of transformed", got)
		}
		w.ok("PUT", "/collections/c", `{"transform":"{n:(.text|length)}"}`)
		w.ok("POST", "/collections/c/retransform", "")
		if got := of(w.everything(), "Part.c"); got != 3 {
			t.Errorf("%d parts, want two of the original and one of transformed", got)
		}
		if got := w.ok("GET", "/records/c/a?", ""); !strings.Contains(got, `"transformed":{"n":1048476}`) {
			t.Errorf("transformed is not the new one: …%s", got[len(got)-200:])
		}
	})
}

func TestARecordThatExpiresTakesItsRevisionsWithIt(t *testing.T) {
	w := newWorld(t, backends[0])
	w.ok("PUT", "/collections/c", `{"ttlSeconds":60}`)
	w.ok("PUT", "/records/c/a", big)
	w.ok("PUT", "/records/c/a", bigger)
	for key, e := range w.everything() {
		if strings.HasSuffix(key.Kind, ".c") && !e.Expire.Equal(noon.Add(time.Minute)) {
			t.Errorf("%s expires %v, want in a minute", key, e.Expire)
		}
	}
}

// TestARecordOfALargestBodyComesBackByteForByte: random text that no compression and no
// transform makes smaller.
func TestARecordOfALargestBodyComesBackByteForByte(t *testing.T) {
	onEveryBackend(t, func(w *world) {
		random := make([]byte, 1<<20)
		_, _ = rand.Read(random)
		doc := fmt.Sprintf(`{ "text" : "%s" }`, base64.StdEncoding.EncodeToString(random))
		doc = doc[:1<<20-4] + `" }` + "\n"
		doc = doc[:len(doc)-1] + " " // white space at the body's end is not the document's
		if len(doc) != 1<<20 {
			t.Fatalf("the body has %d bytes", len(doc))
		}
		want := strings.TrimSpace(doc)
		w.ok("PUT", "/records/c/a", doc)
		w.ok("POST", "/store?collection=c", doc)
		for _, path := range []string{"/fetchMany?collection=c&ids=a", "/fetchAll?collection=c&pageSize=1", "/records/c?pageSize=2"} {
			page := decoded[list](w, "GET", path, "")
			for _, r := range page.Records {
				if string(r.Original) != want {
					t.Errorf("%s: the original has %d bytes and is not what was sent", path, len(r.Original))
				}
			}
		}
		w.ok("PATCH", "/records/c/a", `{"text":"small"}`)
		revisions := decoded[list](w, "GET", "/records/c/a/revisions", "")
		if len(revisions.Records) != 1 || string(revisions.Records[0].Original) != want {
			t.Errorf("the revision is not what was sent")
		}
		w.wantProblem(w.send("PATCH", "/records/c/a", fmt.Sprintf(`{"more":%q}`, strings.Repeat("y", 1<<20-20))), 413, "RECORDS_TOO_LARGE", "1048576")
		w.wantProblem(w.send("PUT", "/records/c/a", doc+" "), 413, "BODY_TOO_LARGE", "1048576")
		w.wantProblem(w.send("POST", "/records/c", doc+" "), 413, "BODY_TOO_LARGE", "1048576")
	})
}

func TestAReplyIsReplayedByteForByte(t *testing.T) {
	onEveryBackend(t, func(w *world) {
		bodies := []string{
			`{"a":  1}`, ` [ {"a":1.50},{"b":"é <&>"} ] `, with("x", `{"text":"x"}`, "y", big), with("z", `{"n":1e2}`),
		}
		first := make([]reply, len(bodies))
		for round := range 3 {
			for i, body := range bodies {
				r := w.send("POST", "/store?collection=c&upsert=true", body, "Idempotency-Key", fmt.Sprint("key", i))
				switch replayed := r.header.Get("Idempotent-Replayed"); {
				case r.status != http.StatusCreated:
					t.Fatalf("%s: %d %s", body, r.status, r.body)
				case round == 0 && replayed != "":
					t.Errorf("%s: Idempotent-Replayed %q the first time", body, replayed)
				case round == 0:
					first[i] = r
				case replayed != "true":
					t.Errorf("%s: Idempotent-Replayed %q the second time", body, replayed)
				case r.body != first[i].body:
					t.Errorf("%s: replayed as\n%s, want\n%s", body, r.body, first[i].body)
				}
			}
			before := w.everything()
			w.pass(time.Hour)
			if round == 0 { // nothing that comes later changes what was answered
				w.ok("PUT", "/collections/c", `{"transform":"{gone:true}","ttlSeconds":3600}`)
				w.ok("PUT", "/records/c/x", `{"text":"another"}`)
				w.ok("DELETE", "/records/c/z", "")
			} else if round > 0 {
				w.wantSame(before)
			}
		}
	})
}

// TestAReplayNeedsNoSettingsOfNow: a function that has just started knows the settings of
// now only, and they refuse what was stored once.
func TestAReplayNeedsNoSettingsOfNow(t *testing.T) {
	w := newWorld(t, backends[0])
	body := with("a", `{"n":"7"}`)
	first := w.ok("POST", "/store?collection=c", body, "Idempotency-Key", "k")
	w.ok("PUT", "/collections/c", `{"schema":{"required":["nobody has it"]}}`)
	w = w.another()
	if again := w.ok("POST", "/store?collection=c", body, "Idempotency-Key", "k"); again != first {
		t.Errorf("replayed as %s, want %s", again, first)
	}
	w.wantProblem(w.send("POST", "/store?collection=c", with("a", `{"n":"8"}`), "Idempotency-Key", "k"), 422, "IDEMPOTENCY_KEY_REUSED", "")
	w.wantProblem(w.send("POST", "/store?collection=c", body, "Idempotency-Key", "k2"), 422, "DOCUMENT_INVALID", "nobody has it")
}

// TestAnotherInstanceSettingsHoldAtOnce: what one instance knows of the settings is no
// reason to refuse, or to keep, what the settings of now do not.
func TestAnotherInstancesSettingsHoldAtOnce(t *testing.T) {
	w := newWorld(t, backends[0])
	w.ok("PUT", "/collections/c", `{"schema":{"required":["n"]}}`)
	w.ok("POST", "/store?collection=c", `{"n":1}`) // which makes the instance know the settings
	elsewhere := w.another()
	elsewhere.ok("PUT", "/collections/c", `{"schema":{"required":["m"]}}`)
	w.wantProblem(w.send("POST", "/store?collection=c", `{"n":1}`), 422, "DOCUMENT_INVALID", "/m")
	elsewhere.ok("PUT", "/collections/c", `{"schema":{"required":["k"]}}`)
	w.ok("PUT", "/records/c/a", `{"k":1}`)
	elsewhere.ok("PUT", "/collections/c", `{}`)
	w.ok("PATCH", "/records/c/a", `{"k":null}`)
	elsewhere.ok("PUT", "/collections/c", `{"transform":"error"}`)
	w.wantProblem(w.send("POST", "/store?collection=c", `{"n":1}`), 422, "DOCUMENT_INVALID", "transform")
	elsewhere.ok("PUT", "/collections/c", `{}`)
	if got := w.ok("POST", "/records/c/import", "{\"id\":\"i\",\"data\":{\"n\":1}}\n"); !strings.Contains(got, `"inserted":1`) {
		t.Errorf("import answers %s, want the row in", got)
	}
}

// TestFetchWritesNothing calls every operation of function fetch on a store that refuses
// to write.
func TestFetchWritesNothing(t *testing.T) {
	w := newWorld(t, backends[0])
	w.ok("POST", "/store?collection=c", with("a", `{"n":1}`, "b", big))
	w.ok("PUT", "/records/c/b", bigger)
	w.ok("PUT", "/collections/ttl", `{"ttlSeconds":60}`)
	w.ok("PUT", "/records/ttl/a", `{"n":1}`)
	w.ok("PUT", "/collections/pending", `{"indexes":[{"field":"n","type":"number"}]}`)
	w.pass(2 * time.Minute)
	before := w.everything()
	called := make(map[string]bool)
	w.store.refuse = func() error {
		t.Error("function fetch writes")
		return errors.New("read-only")
	}
	for _, c := range []struct {
		operation, method, path, body string
		status                        int
	}{
		{"fetchAll", "GET", "/fetchAll?collection=c&count=true&orderBy=n%20desc", "", 200},
		{"fetchAll", "GET", "/fetchAll?collection=ttl", "", 200},
		{"fetchAll", "GET", "/fetchAll?collection=nobody", "", 200},
		{"fetchKeys", "GET", "/fetchKeys?collection=c&count=true", "", 200},
		{"fetchKeys", "GET", "/fetchKeys?collection=ttl", "", 200},
		{"fetchMany", "GET", "/fetchMany?collection=c&ids=a,b,x", "", 200},
		{"fetchMany", "GET", "/fetchMany?collection=ttl&ids=a", "", 200},
		{"filter", "POST", "/filter?collection=c", `{"n":1}`, 200},
		{"filter", "POST", "/filter?collection=c", `{"filter":"n > 0","count":true}`, 200},
		{"filter", "POST", "/filter?collection=pending", `{"color":"red"}`, 422},
		{"listRecords", "GET", "/records/c?filter=n%3E0", "", 200},
		{"getRecord", "GET", "/records/c/b", "", 200},
		{"getRecord", "GET", "/records/ttl/a", "", 404},
		{"listRevisions", "GET", "/records/c/b/revisions", "", 200},
		{"exportRecords", "GET", "/records/c/export", "", 200},
		{"exportRecords", "GET", "/records/c/export?format=csv", "", 200},
		{"listCollections", "GET", "/collections", "", 200},
		{"getCollection", "GET", "/collections/c", "", 200},
		{"getCollection", "GET", "/collections/nobody", "", 404},
	} {
		called[c.operation] = true
		if r := w.send(c.method, c.path, c.body); r.status != c.status {
			t.Errorf("%s %s: %d %s, want %d", c.method, c.path, r.status, r.body, c.status)
		}
	}
	doc := &huma.OpenAPI{OpenAPI: "3.1.0", Info: &huma.Info{}}
	if _, err := edge.New(edge.Function{Name: "fetch", EntryPoint: "Fetch", Register: fetch.Register}, edge.Env{Config: config()}, doc); err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil && !called[op.OperationID] {
				t.Errorf("%s of %s is not called here", op.OperationID, path)
			}
		}
	}
	w.wantSame(before)
}
