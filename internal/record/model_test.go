package record_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/internal/record"
	"github.com/tallystick/tallystick/internal/record/transform"
	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
)

// version is one version of a record as it should be.
type version struct {
	original string
	number   int
	n        int64 // 1 is the first
	settings int64
	created  time.Time
	updated  time.Time
	expire   time.Time
}

// machine does the same to two services, as of two processes, and to a map.
type machine struct {
	*rapid.T
	store    storage.Store
	services [2]*record.Service
	clock    *clock
	settings record.Settings
	version  int64 // of the settings
	records  map[string][]version
	serial   int
}

func newMachine(t *rapid.T) *machine {
	dir, err := os.MkdirTemp("", "record")
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(context.Background(), filepath.Join(dir, "records.db"))
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{T: t, store: store, clock: newClock(), records: make(map[string][]version)}
	t.Cleanup(func() {
		if err := errors.Join(store.Close(), os.RemoveAll(dir)); err != nil {
			t.Error(err)
		}
	})
	for i := range m.services {
		m.services[i] = record.New(store, record.Options{Now: m.clock.Now})
	}
	return m
}

func (m *machine) service() *record.Service {
	return m.services[rapid.IntRange(0, 1).Draw(m.T, "service")]
}

var someIDs = []string{"a", "b", "c", "__d__", "01a2012a-d559-705e-ab9d-4b6cad11afb2", "e@1"}

func (m *machine) id() string { return of(m.T, "id", someIDs) }

// live is a record as a reader should find it, or nil.
func (m *machine) live(id string) *version {
	all := m.records[id]
	if len(all) == 0 {
		return nil
	}
	v := &all[len(all)-1]
	if !v.expire.IsZero() && !m.clock.Now().Before(v.expire) {
		return nil
	}
	return v
}

// body draws a document: small, in parts, or in several parts of each kind.
func (m *machine) body(t *rapid.T) (string, int) {
	n := rapid.IntRange(0, 3).Draw(t, "n")
	pad := of(t, "pad", []int{0, 0, 0, 0, 0, 8 << 10, 9 << 10, 20 << 10, 1020 << 10})
	if pad == 1020<<10 && !oneIn(t, 4, "huge") {
		pad = 0
	}
	if rapid.Bool().Draw(t, "another") {
		m.serial++
	}
	return fmt.Sprintf(`{"n": %d, "serial":%d,"pad":"%s"}`, n, m.serial, strings.Repeat("x", pad)), n
}

// set is a change of a record in the map.
func (m *machine) set(id, original string, n int) record.Verdict {
	now := m.clock.Now()
	next := version{original: original, number: n, n: 1, settings: m.version, created: now, updated: now}
	if m.settings.TTL > 0 {
		next.expire = now.Add(m.settings.TTL)
	}
	old := m.live(id)
	if old == nil {
		m.records[id] = []version{next}
		return record.Inserted
	}
	if old.original == original && old.settings == m.version && old.expire.IsZero() {
		return record.Unchanged
	}
	next.n, next.created = old.n+1, old.created
	old.expire = next.expire // a revision is kept as long as the record
	m.records[id] = append(m.records[id], next)
	return record.Updated
}

func (m *machine) transformed(v version) []byte {
	if strings.HasPrefix(m.program(v.settings), "{") {
		return fmt.Appendf(nil, `{"by":"jq","n":%d}`, v.number)
	}
	b, err := transform.Canonical([]byte(v.original))
	if err != nil {
		m.Fatal(err)
	}
	return b
}

const program = `{n, by: "jq"}`

// program is what the settings of a version made records by: those of odd versions
// above two have one.
func (m *machine) program(settings int64) string {
	if settings > 2 && settings%2 == 1 {
		return program
	}
	return ""
}

// want wants a record to be a version of the map.
func (m *machine) want(what, id string, v version, got record.Record) {
	m.Helper()
	if got.ID != id || got.Collection != things || string(got.Original) != v.original || got.Version != v.n ||
		!got.Created.Equal(v.created) || !got.Updated.Equal(v.updated) || !got.Expire.Equal(v.expire) {
		m.Fatalf("%s %s: got %.200s, version %d, %v, %v, %v; want %.200s, version %d, %v, %v, %v", what, id,
			got.Original, got.Version, got.Created, got.Updated, got.Expire, v.original, v.n, v.created, v.updated, v.expire)
	}
	if want := m.transformed(v); !bytes.Equal(got.Transformed, want) {
		m.Fatalf("%s %s: transformed by settings %d is %.200s, want %.200s", what, id, v.settings, got.Transformed, want)
	}
}

func (m *machine) Store(t *rapid.T) {
	upsert := rapid.Bool().Draw(t, "upsert")
	var docs []record.Document
	var numbers []int
	exists, bytes := false, 0
	for _, id := range rapid.SliceOfNDistinct(rapid.SampledFrom(someIDs), 1, 3, rapid.ID[string]).Draw(t, "ids") {
		body, n := m.body(t)
		docs, numbers = append(docs, doc(id, body)), append(numbers, n)
		exists = exists || m.live(id) != nil
		bytes += len(body)
	}
	stored, replayed, err := m.service().Store(t.Context(), record.StoreRequest{Collection: things, Documents: docs, Upsert: upsert})
	if bytes > 1<<20 && len(docs) > 1 && errors.Is(err, record.ErrTooLarge) {
		return // all at once are too much, and nothing is in
	}
	if exists && !upsert {
		if !errors.Is(err, record.ErrExists) {
			t.Fatalf("got %v, want ErrExists", err)
		}
		return
	}
	if err != nil || replayed || len(stored) != len(docs) {
		t.Fatalf("got %d, %v, %v", len(stored), replayed, err)
	}
	for i, d := range docs {
		verdict := m.set(d.ID, string(d.Data), numbers[i])
		if stored[i].Verdict != verdict {
			t.Fatalf("%s: verdict %q, want %q", d.ID, stored[i].Verdict, verdict)
		}
		m.want("store", d.ID, *m.live(d.ID), stored[i].Record)
	}
}

// condition draws one, and says whether it holds.
func (m *machine) condition(t *rapid.T, id string) (c record.Condition, holds bool) {
	v := m.live(id)
	tag := `"7-7-7"`
	if v != nil {
		got, err := m.service().Get(t.Context(), things, id)
		if err != nil {
			t.Fatal(err)
		}
		tag = got.ETag()
	}
	switch rapid.IntRange(0, 7).Draw(t, "condition") {
	case 0:
		return record.Condition{IfMatch: tag}, v != nil
	case 1:
		return record.Condition{IfMatch: `"0-0-0", ` + tag}, v != nil
	case 2:
		return record.Condition{IfMatch: `"0-0-0"`}, false
	case 3:
		return record.Condition{IfMatch: "*"}, v != nil
	case 4:
		return record.Condition{IfNoneMatch: "*"}, v == nil
	case 5:
		return record.Condition{IfNoneMatch: tag}, v == nil
	}
	return record.Condition{}, true
}

func (m *machine) Put(t *rapid.T) {
	id := m.id()
	body, n := m.body(t)
	cond, holds := m.condition(t, id)
	stored, err := m.service().Put(t.Context(), things, doc(id, body), cond)
	if !holds {
		if !errors.Is(err, record.ErrPrecondition) {
			t.Fatalf("%+v: got %v, want ErrPrecondition", cond, err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if verdict := m.set(id, body, n); stored.Verdict != verdict {
		t.Fatalf("%s: verdict %q, want %q", id, stored.Verdict, verdict)
	}
	m.want("put", id, *m.live(id), stored.Record)
}

func (m *machine) Patch(t *rapid.T) {
	id, n := m.id(), rapid.IntRange(0, 3).Draw(t, "n")
	cond, holds := m.condition(t, id)
	m.serial++
	stored, err := m.service().Patch(t.Context(), things, doc(id, fmt.Sprintf(`{"n":%d,"serial":%d}`, n, m.serial)), cond)
	old := m.live(id)
	switch {
	case old == nil:
		if !errors.Is(err, record.ErrNotFound) && !(cond.IfMatch != "" && errors.Is(err, record.ErrPrecondition)) {
			t.Fatalf("%+v: got %v, want ErrNotFound", cond, err)
		}
		return
	case !holds:
		if !errors.Is(err, record.ErrPrecondition) {
			t.Fatalf("%+v: got %v, want ErrPrecondition", cond, err)
		}
		return
	case err != nil:
		t.Fatal(err)
	}
	pad := strings.Count(old.original, "x")
	m.set(id, fmt.Sprintf(`{"n":%d,"serial":%d,"pad":"%s"}`, n, m.serial, strings.Repeat("x", pad)), n)
	m.want("patch", id, *m.live(id), stored.Record)
}

// Change makes over a hundred versions.
func (m *machine) Change(t *rapid.T) {
	if !oneIn(t, 5, "often") {
		return
	}
	id, service := m.id(), m.service()
	big := rapid.Bool().Draw(t, "big")
	for range 105 {
		m.serial++
		body := fmt.Sprintf(`{"n":1,"serial":%d,"pad":"%s"}`, m.serial, strings.Repeat("x", map[bool]int{true: 9 << 10}[big && m.serial%3 == 0]))
		put(t, service, id, body)
		m.set(id, body, 1)
	}
}

func (m *machine) Remove(t *rapid.T) {
	ids := rapid.SliceOfNDistinct(rapid.SampledFrom(someIDs), 1, 3, rapid.ID[string]).Draw(t, "ids")
	removed, missing, err := m.service().Remove(t.Context(), things, ids)
	if err != nil {
		t.Fatal(err)
	}
	var wantRemoved, wantMissing []string
	for _, id := range ids {
		if m.live(id) != nil {
			wantRemoved = append(wantRemoved, id)
		} else {
			wantMissing = append(wantMissing, id)
		}
		delete(m.records, id)
	}
	wantSame(t, "removed", wantRemoved, removed)
	wantSame(t, "missing", wantMissing, missing)
}

func (m *machine) RemoveOne(t *rapid.T) {
	id := m.id()
	cond, holds := m.condition(t, id)
	err := m.service().RemoveOne(t.Context(), things, id, cond)
	switch {
	case m.live(id) == nil:
		if !errors.Is(err, record.ErrNotFound) && !(cond.IfMatch != "" && errors.Is(err, record.ErrPrecondition)) {
			t.Fatalf("got %v, want ErrNotFound", err)
		}
		if errors.Is(err, record.ErrNotFound) {
			delete(m.records, id) // what had expired goes, too
		}
	case !holds:
		if !errors.Is(err, record.ErrPrecondition) {
			t.Fatalf("got %v, want ErrPrecondition", err)
		}
	case err != nil:
		t.Fatal(err)
	default:
		delete(m.records, id)
	}
}

func (m *machine) Revisions(t *rapid.T) {
	id, size := m.id(), rapid.IntRange(0, 40).Draw(t, "size")
	v := m.live(id)
	var want []version
	if v != nil {
		for n := v.n - 1; n >= max(1, v.n-record.MaxRevisions); n-- {
			if r := m.records[id][n-1]; r.expire.IsZero() || m.clock.Now().Before(r.expire) {
				want = append(want, r)
			}
		}
	}
	var got []record.Record
	before := int64(0)
	for {
		part, next, err := m.service().Revisions(t.Context(), things, id, size, before)
		if v == nil {
			if !errors.Is(err, record.ErrNotFound) {
				t.Fatalf("got %v, want ErrNotFound", err)
			}
			return
		}
		if err != nil || size > 0 && len(part) > size {
			t.Fatalf("%d revisions of %d, %v", len(part), size, err)
		}
		got = append(got, part...)
		if before = next; next == 0 {
			break
		}
	}
	if len(got) != len(want) {
		t.Fatalf("%s of version %d: %d revisions, want %d", id, v.n, len(got), len(want))
	}
	for i := range want {
		m.want("revision", id, want[i], got[i])
	}
}

// Configure changes the time to live, what is indexed, and with it, by turns, the
// transform.
func (m *machine) Configure(t *rapid.T) {
	s := record.Settings{TTL: of(t, "ttl", []time.Duration{0, 0, time.Hour, 48 * time.Hour}), Transform: m.program(m.version + 1)}
	if rapid.Bool().Draw(t, "declared") {
		s.Indexes = []record.Index{{Field: "n", Type: of(t, "type", []record.Type{record.Number, record.Integer})}, {Field: record.UpdateTime, Type: record.Time}}
	}
	c, _, err := m.service().Configure(t.Context(), things, s, record.Condition{})
	if err != nil {
		t.Fatal(err)
	}
	same := s.Transform == m.settings.Transform && s.TTL == m.settings.TTL && m.version > 0 &&
		(s.Indexes == nil) == (m.settings.Indexes == nil) && slices.Equal(s.Indexes, m.settings.Indexes)
	if !same {
		m.version++
		m.settings = s
	}
	if c.Version != m.version {
		t.Fatalf("settings of version %d, want %d", c.Version, m.version)
	}
}

func (m *machine) Retransform(t *rapid.T) {
	service := m.service()
	if _, err := service.Retransform(t.Context(), things, 2, ""); errors.Is(err, record.ErrCollectionNotFound) {
		return
	}
	if failed := retransform(t, service, rapid.IntRange(1, 3).Draw(t, "size")); len(failed) > 0 {
		t.Fatalf("failed: %+v", failed)
	}
	for id := range m.records {
		if v := m.live(id); v != nil {
			v.settings = max(v.settings, m.version)
		}
	}
	c, err := service.Collection(t.Context(), things)
	if err != nil || len(c.Pending) > 0 || c.AllPending {
		t.Fatalf("after it %v, %v are pending, %v", c.Pending, c.AllPending, err)
	}
}

func (m *machine) Import(t *rapid.T) {
	upsert := rapid.Bool().Draw(t, "upsert")
	var rows []record.Row
	want := record.Report{}
	for line := range rapid.IntRange(1, 4).Draw(t, "rows") {
		id := m.id()
		body, n := m.body(t)
		if old := m.live(id); old != nil && oneIn(t, 3, "the same") {
			body, n = old.original, old.number
		}
		rows = append(rows, record.Row{Line: line + 1, Document: doc(id, body)})
		want.Rows++
		want.Line = line + 1
		old := m.live(id)
		switch {
		case old != nil && !upsert && withoutSpace(old.original) == withoutSpace(body): // a patch drops it
			want.Unchanged++
		case old != nil && !upsert:
			want.Bad++
		default:
			switch m.set(id, body, n) {
			case record.Inserted:
				want.Inserted++
			case record.Updated:
				want.Updated++
			case record.Unchanged:
				want.Unchanged++
			}
		}
	}
	got, err := m.service().Import(t.Context(), record.ImportRequest{Collection: things, Rows: all(rows), Upsert: upsert, MaxErrors: 10})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Errors) != got.Bad {
		t.Fatalf("%d errors of %d bad rows", len(got.Errors), got.Bad)
	}
	got.Errors = nil
	wantSame(t, "report", want, got)
}

// withoutSpace is a document of body's without white space, of which its texts have none.
func withoutSpace(document string) string { return strings.ReplaceAll(document, " ", "") }

func all(rows []record.Row) iter.Seq2[record.Row, error] {
	return func(yield func(record.Row, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (m *machine) Pass(t *rapid.T) {
	m.clock.pass(of(t, "time", []time.Duration{time.Microsecond, time.Minute, time.Hour, 47 * time.Hour}))
}

func (m *machine) Restart(t *rapid.T) {
	m.services[0] = record.New(m.store, record.Options{Now: m.clock.Now})
}

// List compares lists, with a filter and without.
func (m *machine) List(t *rapid.T) {
	n, size := rapid.IntRange(0, 3).Draw(t, "n"), rapid.IntRange(1, 4).Draw(t, "size")
	filter := of(t, "filter", []string{"", fmt.Sprint("n = ", n), fmt.Sprint("n > ", n)})
	got, err := where(t.Context(), m.service(), filter, "", size)
	if errors.Is(err, record.ErrIndexRequired) {
		c, err := m.service().Collection(t.Context(), things)
		if err != nil || filter == "" || !c.AllPending && !slices.Contains(c.Pending, "n") {
			t.Fatalf("%s is refused, and %v, %v are pending, %v", filter, c.Pending, c.AllPending, err)
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	ids := idsOf(got)
	slices.Sort(ids)
	var want []string
	for id := range m.records {
		v := m.live(id)
		if v != nil && (filter == "" || strings.Contains(filter, "=") && v.number == n || strings.Contains(filter, ">") && v.number > n) {
			want = append(want, id)
		}
	}
	slices.Sort(want)
	wantSame(t, "list "+filter, want, ids)
	for _, r := range got {
		m.want("list", r.ID, *m.live(r.ID), r)
	}
}

// Check compares all that a reader sees.
func (m *machine) Check(t *rapid.T) {
	found, missing, err := m.services[0].GetMany(t.Context(), things, someIDs)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range someIDs {
		v := m.live(id)
		one, err := m.services[1].Get(t.Context(), things, id)
		if v == nil {
			if !errors.Is(err, record.ErrNotFound) || !slices.Contains(missing, id) {
				t.Fatalf("%s: got %v, missing %v; want that there is none", id, err, missing)
			}
			continue
		}
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %v; of all found: %v", id, err, idsOf(found))
		}
		m.want("get", id, *v, one)
		m.want("get many", id, *v, found[0])
		found = found[1:]
	}
	req := record.ListRequest{Collection: things, Size: 100}
	page, err := m.services[0].Keys(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, id := range someIDs {
		if m.live(id) != nil {
			want = append(want, id)
		}
	}
	slices.Sort(want)
	slices.Sort(page.IDs)
	wantSame(t, "keys", want, page.IDs)
}

// account wants everything in the store to be some record's, or to expire.
func (m *machine) account(t *rapid.T) {
	var ids []string
	for _, e := range m.entities(t, "Record.") {
		if e.Index == nil && e.Expire.IsZero() {
			t.Fatalf("%s has no index, and stays", e.Key)
		}
	}
	for id, all := range m.records {
		ids = append(ids, id)
		n := all[len(all)-1].n
		m.records[id] = all[max(0, n-record.MaxRevisions-1):]
	}
	for _, kind := range []string{"Revision.", "Part."} {
		for _, e := range m.entities(t, kind) {
			if e.Expire.IsZero() && !slices.ContainsFunc(ids, func(id string) bool { return m.belongs(e.Key, id) }) {
				t.Fatalf("%s belongs to nothing, and stays", e.Key)
			}
		}
	}
	if _, _, err := m.services[0].Remove(t.Context(), things, someIDs); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"Record.", "Revision.", "Part."} {
		for _, e := range m.entities(t, kind) {
			if e.Expire.IsZero() {
				t.Fatalf("%s is left when all records are removed", e.Key)
			}
		}
	}
}

// belongs says whether a revision or a part is of one of the versions kept of a record.
func (m *machine) belongs(key storage.Key, id string) bool {
	for _, v := range m.records[id] {
		if key.Name == fmt.Sprintf("%s@%d", m.name(id), v.n) ||
			strings.HasPrefix(key.Name, fmt.Sprintf("%s@%x@%d", m.name(id), v.created.UnixMicro(), v.n)) {
			return true
		}
	}
	return false
}

func (m *machine) name(id string) string {
	if strings.HasPrefix(id, "__") {
		return "!" + id
	}
	return storedName(id)
}

func (m *machine) entities(t *rapid.T, kind string) (all []storage.Entity) {
	q := storage.Query{Kind: kind + things, Limit: 1000}
	for {
		page, err := m.store.Query(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Entities...)
		if q.Cursor = page.Next; q.Cursor == "" {
			return all
		}
	}
}

func wantSame(t tester, what string, want, got any) {
	t.Helper()
	if diff := gocmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		t.Fatalf("%s, - want + got:\n%s", what, diff)
	}
}

func TestAServiceDoesWhatAMapDoes(t *testing.T) {
	checks(t, pick(30, 1_000))
	steps := make(map[string]int)
	rapid.Check(t, func(t *rapid.T) {
		m := newMachine(t)
		actions := map[string]func(*rapid.T){
			"": m.Check, "store": m.Store, "put": m.Put, "put more": m.Put, "patch": m.Patch, "change": m.Change, "remove": m.Remove,
			"remove one": m.RemoveOne, "revisions": m.Revisions, "configure": m.Configure, "retransform": m.Retransform,
			"import": m.Import, "pass": m.Pass, "restart": m.Restart, "list": m.List,
		}
		for name := range maps.Clone(actions) {
			do := actions[name]
			actions[name] = func(t *rapid.T) { steps[name]++; m.T = t; do(t) }
		}
		t.Repeat(actions)
		m.account(t)
	})
	t.Logf("steps: %v", steps)
}
