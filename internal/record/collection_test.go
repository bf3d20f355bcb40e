package record_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/record"
	"github.com/tallystick/tallystick/internal/storage"
)

func collection(t *testing.T, s *record.Service) *record.Collection {
	t.Helper()
	c, err := s.Collection(t.Context(), things)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func many(from, to int) string {
	var members []string
	for i := from; i < to; i++ {
		members = append(members, fmt.Sprintf(`"f%03d":%d`, i, i))
	}
	return "{" + strings.Join(members, ",") + "}"
}

func TestACollectionLearnsItsFields(t *testing.T) {
	s := record.New(openSQLite(t), record.Options{})
	if _, err := s.Collection(t.Context(), things); !errors.Is(err, record.ErrCollectionNotFound) {
		t.Errorf("before: %v, want ErrCollectionNotFound", err)
	}
	put(t, s, "1", `{"a":1,"b":"x","c":null,"d":[1]}`)
	put(t, s, "2", `{"a":"text","e":true,"at":"2026-11-22","_createTime":"mine"}`)
	put(t, s, "3", many(0, 22))
	put(t, s, "4", fmt.Sprintf(`{"long":%q}`, strings.Repeat("x", 1500)))
	c := collection(t, s)
	want := map[string][]record.Type{"a": {"number", "string"}, "b": {"string"}, "e": {"boolean"}, "at": {"time"}}
	for i := range 20 {
		want[fmt.Sprintf("f%03d", i)] = []record.Type{"number"}
	}
	if fmt.Sprint(c.Fields) != fmt.Sprint(want) || !slices.Equal(c.Unindexed, []string{"f020", "f021", "long"}) || c.More || !c.Stored {
		t.Errorf("learned %v, not indexed %v, more %v", c.Fields, c.Unindexed, c.More)
	}
	before := s.Stats().EntityWrites
	put(t, s, "5", `{"a":3,"b":"y"}`)
	if got := s.Stats().EntityWrites - before; got != 1 {
		t.Errorf("a record with nothing new took %d writes, want 1", got)
	}
	for filter, want := range map[string]error{
		"f019 = 19": nil, "f020 = 20": record.ErrIndexRequired, `long = "x"`: record.ErrIndexRequired, "never = 1": nil, "c = 1": nil,
	} {
		if _, err := where(t.Context(), s, filter, "", 10); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", filter, err, want)
		}
	}
}

func TestPast200FieldsACollectionKnowsThatItDoesNotKnow(t *testing.T) {
	s := record.New(openSQLite(t), record.Options{})
	for i := range 10 {
		put(t, s, fmt.Sprint(i), many(20*i, 20*i+20))
	}
	if c := collection(t, s); len(c.Fields) != 200 || c.More {
		t.Fatalf("%d fields, more %v", len(c.Fields), c.More)
	}
	if got, err := where(t.Context(), s, "f199 >= 0", "", 10); err != nil || len(got) != 1 {
		t.Errorf("the 200th field: %v, %v", idsOf(got), err)
	}
	put(t, s, "more", many(200, 201))
	if c := collection(t, s); len(c.Fields) != 200 || !c.More {
		t.Errorf("%d fields, more %v, want 200 and more", len(c.Fields), c.More)
	}
	if _, err := where(t.Context(), s, "f200 = 200", "", 10); !errors.Is(err, record.ErrIndexRequired) {
		t.Errorf("the 201st: %v, want ErrIndexRequired", err)
	}
	configure(t, s, record.Settings{Indexes: []record.Index{{Field: "f200", Type: record.Number}}})
	retransform(t, s, 5)
	if got, err := where(t.Context(), s, "f200 = 200", "", 10); err != nil || !slices.Equal(idsOf(got), []string{"more"}) {
		t.Errorf("declared: %v, %v", idsOf(got), err)
	}
}

// Nobody can ask for a field with such a name, so it takes nothing from the others.
func TestANameThatIsTooLongForAnIndexSpoilsNoOtherField(t *testing.T) {
	s := record.New(openSQLite(t), record.Options{})
	for i, name := range []string{strings.Repeat("n", 2048), `nul\u0000`, strings.Repeat("é", 50)} {
		put(t, s, fmt.Sprint(i), fmt.Sprintf(`{"%s":1,"a":%d}`, name, i))
	}
	if got, err := where(t.Context(), s, "a >= 1", "", 10); err != nil || !slices.Equal(idsOf(got), []string{"1", "2"}) {
		t.Errorf("got %v, %v", idsOf(got), err)
	}
}

func TestARangeOnTheFieldWithoutANameIsARange(t *testing.T) {
	s := record.New(openSQLite(t), record.Options{})
	put(t, s, "1", `{"":1,"a":1}`)
	put(t, s, "2", `{"":2,"a":1}`)
	if got, err := where(t.Context(), s, `"" > 1 AND a = 1`, "", 10); err != nil || !slices.Equal(idsOf(got), []string{"2"}) {
		t.Errorf("got %v, %v, want 2", idsOf(got), err)
	}
	if got, err := where(t.Context(), s, `"" > 1 AND a > 0`, "", 10); !errors.Is(err, record.ErrUnsupported) {
		t.Errorf("two ranges: %v, %v, want ErrUnsupported", idsOf(got), err)
	}
}

func TestAnIndexAnswersOnceItHasAllRecords(t *testing.T) {
	s := record.New(openSQLite(t), record.Options{})
	for i := range 5 {
		put(t, s, fmt.Sprint(i), fmt.Sprintf(`{"a":%d,"b":"%d-%d"}`, i, i, i))
	}
	number := record.Index{Field: "a", Type: record.Number}
	integer := record.Index{Field: "a", Type: record.Integer}
	text := record.Index{Field: "b", Type: record.String}
	unseen := record.Index{Field: "c", Type: record.Time}
	updated := record.Index{Field: record.UpdateTime, Type: record.Time}
	created := record.Index{Field: record.CreateTime, Type: record.Time}
	for _, tt := range []struct {
		name    string
		indexes []record.Index
		pending []string
		all     bool
	}{
		{"what is indexed by itself, and what no record has", []record.Index{number, text, unseen, created}, nil, false},
		{"less of it", []record.Index{number}, nil, false},
		{"what was left out, another type", []record.Index{integer, text}, []string{"a", "b"}, false},
		{"one of them again", []record.Index{text, updated}, []string{"b", record.UpdateTime}, false},
		{"by themselves", nil, nil, true},
		{"declared after that", []record.Index{number, created}, []string{"a", record.CreateTime}, false},
	} {
		c := configure(t, s, record.Settings{Indexes: tt.indexes})
		if !slices.Equal(c.Pending, tt.pending) || c.AllPending != tt.all {
			t.Errorf("%s: pending %v, all %v; want %v, %v", tt.name, c.Pending, c.AllPending, tt.pending, tt.all)
		}
		_, err := where(t.Context(), s, "a >= 0", "", 2)
		if refused := tt.all || slices.Contains(tt.pending, "a"); refused != errors.Is(err, record.ErrIndexRequired) && tt.name != "one of them again" {
			t.Errorf("%s: a filter on a: %v, want that it is refused: %v", tt.name, err, refused)
		}
	}
	retransform(t, s, 2)
	if c := collection(t, s); len(c.Pending) > 0 || c.AllPending {
		t.Errorf("after it %v are pending, all: %v", c.Pending, c.AllPending)
	}
	if got, err := where(t.Context(), s, "a > 2", record.CreateTime, 2); !errors.Is(err, record.ErrUnsupported) {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := where(t.Context(), s, "a > 2", "a desc", 1); err != nil || !slices.Equal(idsOf(got), []string{"4", "3"}) {
		t.Errorf("got %v, %v, want 4 and 3", idsOf(got), err)
	}
	configure(t, s, record.Settings{})
	if _, err := where(t.Context(), s, "a > 2", "", 1); !errors.Is(err, record.ErrIndexRequired) {
		t.Errorf("by themselves again: %v, want ErrIndexRequired", err)
	}
	put(t, s, "5", `{"a":5,"new":1}`)
	retransform(t, s, 2)
	for filter, want := range map[string]int{"a > 2": 3, "new = 1": 1, `b = "3-3"`: 1} {
		if got, err := where(t.Context(), s, filter, "", 1); err != nil || len(got) != want {
			t.Errorf("%s: %v, %v, want %d", filter, idsOf(got), err, want)
		}
	}
}

func TestWhatSettingsRefuseStaysAsItWas(t *testing.T) {
	s := record.New(openSQLite(t), record.Options{})
	put(t, s, "good", `{"a":1}`)
	put(t, s, "bad", `{"a":"x"}`)
	configure(t, s, record.Settings{Indexes: []record.Index{{Field: "a", Type: record.Number}}})
	for range 2 {
		failed := retransform(t, s, 1)
		if len(failed) != 1 || failed[0].ID != "bad" || failed[0].Reason == "" {
			t.Errorf("failed: %+v, want bad", failed)
		}
	}
	if c := collection(t, s); !slices.Equal(c.Pending, []string{"a"}) {
		t.Errorf("pending %v, want a", c.Pending)
	}
	if r, err := s.Get(t.Context(), things, "bad"); err != nil || string(r.Transformed) != `{"a":"x"}` || r.Version != 1 {
		t.Errorf("bad is %+v, %v", r, err)
	}
	remove(t, s, "bad")
	retransform(t, s, 10)
	if got, err := where(t.Context(), s, "a > 0", "", 10); err != nil || len(got) != 1 {
		t.Errorf("when it is gone: %v, %v", idsOf(got), err)
	}
}

func TestADocumentsOwnFieldOfTheRecordsNameIsNotTheRecords(t *testing.T) {
	s := record.New(openSQLite(t), record.Options{})
	configure(t, s, record.Settings{Indexes: []record.Index{{Field: record.UpdateTime, Type: record.Time}, {Field: record.CreateTime, Type: record.Time}}})
	r := put(t, s, "1", `{"_updateTime":5,"_createTime":"2001-01-01"}`)
	filter := fmt.Sprintf(`_updateTime = %q AND _createTime = %q`, r.Updated.Format(time.RFC3339Nano), r.Created.Format(time.RFC3339Nano))
	if got, err := where(t.Context(), s, filter, "", 10); err != nil || len(got) != 1 {
		t.Errorf("%s: %v, %v, want the record", filter, idsOf(got), err)
	}
}

func TestSettingsOfManyCollectionsAreEachTheirOwn(t *testing.T) {
	s := record.New(openSQLite(t), record.Options{})
	const n = 130
	for round := range 2 {
		for i := range n {
			name := fmt.Sprint("c", i)
			if round == 0 {
				if _, _, err := s.Configure(t.Context(), name, record.Settings{Transform: fmt.Sprintf("{i: %d}", i)}, record.Condition{}); err != nil {
					t.Fatal(err)
				}
			}
			r, err := s.Put(t.Context(), name, doc("r", fmt.Sprintf(`{"n":%d}`, round)), record.Condition{})
			if want := fmt.Sprintf(`{"i":%d}`, i); err != nil || string(r.Transformed) != want {
				t.Fatalf("%s: %s, %v, want %s", name, r.Transformed, err, want)
			}
		}
	}
}

// The store may remove the parts of what has expired before the record, and a reader's
// clock may be behind.
func TestAReaderDoesNotWaitForPartsThatAreGone(t *testing.T) {
	for ttl, want := range map[time.Duration]bool{0: false, time.Hour: true} {
		now, store := newClock(), openSQLite(t)
		s := record.New(store, record.Options{Now: now.Now})
		configure(t, s, record.Settings{TTL: ttl})
		put(t, s, "r", inParts("a", 20<<10))
		page, err := store.Query(t.Context(), storage.Query{Kind: "Part." + things, Limit: 10})
		if err != nil || len(page.Entities) != 2 {
			t.Fatalf("%d parts, %v", len(page.Entities), err)
		}
		if err := store.Update(t.Context(), func(tx storage.Tx) error { return tx.Delete(page.Entities[0].Key) }); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Get(t.Context(), things, "r"); err == nil || errors.Is(err, record.ErrNotFound) != want {
			t.Errorf("with a time to live of %v: %v, want ErrNotFound: %v", ttl, err, want)
		}
	}
}
