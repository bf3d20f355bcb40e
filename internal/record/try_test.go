package record_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tallystick/tallystick/internal/record"
	"github.com/tallystick/tallystick/internal/storage"
)

// someSettings are of every sort, those of a collection that nobody has configured first.
var someSettings = []record.Settings{
	{},
	{Schema: json.RawMessage(` {"type":"object", "properties":{"a":{"type":["number","string"]},"b":{"minLength":1}}} `)},
	{Transform: `{k: .a, "x<y": .b, at: "2026-11-22"}`},
	{Transform: `if .a then error("no") else {ok: true} end`},
	{Indexes: []record.Index{}},
	{Indexes: []record.Index{{Field: "b", Type: record.String}, {Field: "a", Type: record.Number}, {Field: record.CreateTime, Type: record.Time}}},
	{Schema: json.RawMessage(`{"required":["a"]}`), Transform: `{n: .a, i: 7, t: "2026-11-22T10:00:00+01:00", ok: true}`, Indexes: []record.Index{
		{Field: "n", Type: record.Number}, {Field: "i", Type: record.Integer}, {Field: "t", Type: record.Time}, {Field: "ok", Type: record.Boolean}, {Field: record.UpdateTime, Type: record.Time},
	}},
}

// wantTryLikeStore stores a document and wants a try to have said what came of it: before it
// was stored, and of settings that nobody has stored.
func wantTryLikeStore(t tester, store storage.Store, settings record.Settings, original string) (valid bool) {
	t.Helper()
	s := record.New(store, record.Options{Now: newClock().Now})
	configure(t, s, settings)
	told, toldErr := s.Try(t.Context(), things, nil, []byte(original))
	given, givenErr := s.Try(t.Context(), "elsewhere", &settings, []byte(original))
	wantSame(t, "what settings do that are given, and stored", told, given)
	wantSame(t, "what is wrong by settings that are given, and stored", fmt.Sprintf("%#v", toldErr), fmt.Sprintf("%#v", givenErr))

	stored, err := s.Put(t.Context(), things, doc("a", original), record.Condition{})
	if (err == nil) != (toldErr == nil) {
		t.Fatalf("%s: storing it is %v, and the try said %v", original, err, toldErr)
	}
	var invalid, toldInvalid *record.InvalidError
	if errors.As(err, &invalid) && errors.As(toldErr, &toldInvalid) {
		wantSame(t, "what is wrong", invalid, toldInvalid)
	}
	if err != nil {
		return false
	}
	wantSame(t, "transformed", string(stored.Transformed), string(told.Transformed))
	wantSame(t, "the indexes", indexOf(t, store, "a"), propertiesOf(told.Indexed))
	return true
}

// indexOf is what a record is found by besides what every record is.
func indexOf(t tester, store storage.Store, id string) map[string]any {
	t.Helper()
	found, err := store.Get(t.Context(), storage.Key{Kind: "Record." + things, Name: id})
	if err != nil {
		t.Fatal(err)
	}
	for _, own := range []string{"live", "made", "created", "updated"} {
		delete(found[0].Index, own)
	}
	return found[0].Index
}

// propertiesOf is the fields as the store has them: named by the letter of their type.
func propertiesOf(fields []record.Indexed) map[string]any {
	all := make(map[string]any)
	for _, f := range fields {
		all[string(f.Type[:1])+"_"+f.Field] = f.Value
	}
	return all
}

func TestATrySaysWhatStoringMakes(t *testing.T) {
	documents := []string{
		`{}`, `{ "a" : 1, "b" : "x" }`, `{"a":"1.50","b":" ","c":{"d":true,"e":[1]}}`, `{"a":null}`, `{"a":"<&>\u2028","b":"é"}`, `{"a":1e400}`,
		`{"a":{"b":1},"b":7}`, `{"a":"` + strings.Repeat("x", 2000) + `"}`, many(0, 22), `[]`, ``, `{"a":12345678901234567890}`, `{"b":"2026-11-22T10:00:00.123456789Z","a":2}`,
	}
	for i, settings := range someSettings {
		store, verdicts := openSQLite(t), make(map[bool]int)
		for _, d := range documents {
			verdicts[wantTryLikeStore(t, store, settings, d)]++
		}
		if verdicts[true] == 0 || verdicts[false] == 0 {
			t.Errorf("settings %d: verdicts %v, want documents of both", i, verdicts)
		}
	}
}

var someValues = []string{`null`, `true`, `7`, `-0`, `1.50`, `1e30`, `""`, `" x "`, `"007"`, `"2026-11-22"`, `"e\u0301"`, `{"d":1}`, `[1]`, `{}`}

func TestATrySaysOfAnyDocumentWhatStoringMakes(t *testing.T) {
	checks(t, pick(50, 1000))
	store := openSQLite(t)
	rapid.Check(t, func(run *rapid.T) {
		settings := rapid.SampledFrom(someSettings).Draw(run, "settings")
		var members []string
		for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b", "c", "c.d", "_createTime"}), rapid.ID).Draw(run, "names") {
			members = append(members, fmt.Sprintf("%q: %s", name, rapid.SampledFrom(someValues).Draw(run, name)))
		}
		wantTryLikeStore(run, store, settings, "{"+strings.Join(members, ", ")+"}")
	})
}

func TestATryNamesTheFieldsInOrder(t *testing.T) {
	s := record.New(openSQLite(t), record.Options{})
	const document = `{"z":1,"b":"x","a":true}`
	for want, settings := range map[string]*record.Settings{
		"[{{z number} 1} {{b string} x} {{a boolean} true}]": nil,
		"[{{a boolean} true} {{z integer} 1}]":               {Indexes: []record.Index{{Field: "a", Type: record.Boolean}, {Field: "none", Type: record.String}, {Field: "z", Type: record.Integer}}},
		"[]":                                                 {Indexes: []record.Index{}},
	} {
		if got, err := s.Try(t.Context(), things, settings, []byte(document)); err != nil || fmt.Sprint(got.Indexed) != want {
			t.Errorf("got %v, %v, want %s", got.Indexed, err, want)
		}
	}
}

func TestATryRefusesTheSettingsThatConfigureDoes(t *testing.T) {
	s := record.New(openSQLite(t), record.Options{})
	for _, settings := range []record.Settings{
		{Schema: json.RawMessage(`{"minimum":"1"}`)},
		{Schema: json.RawMessage(`{"$ref":"https://example.com/schema.json"}`)},
		{Schema: json.RawMessage(`null`)},
		{Transform: `{a: .b`},
		{Transform: `input`},
		{TTL: -1},
		{Indexes: []record.Index{{Field: "a", Type: "money"}}},
		{Indexes: slices.Repeat([]record.Index{{Field: "a", Type: record.Number}}, 2)},
	} {
		_, err := s.Try(t.Context(), things, &settings, []byte(`{}`))
		_, _, want := s.Configure(t.Context(), things, settings, record.Condition{})
		if !errors.Is(err, record.ErrSettings) || want == nil || err.Error() != want.Error() {
			t.Errorf("%+v: %v, want %v", settings, err, want)
		}
	}
	for _, settings := range []*record.Settings{nil, {}} {
		if _, err := s.Try(t.Context(), "a b", settings, []byte(`{}`)); !errors.Is(err, record.ErrCollection) {
			t.Errorf("of a collection that cannot be: %v, want ErrCollection", err)
		}
	}
}

// A try reads the collection's settings at most, and leaves nothing behind, in the store or
// in what the service knows of its collections.
func TestATryChangesNothingAndReadsTheSettingsAtMost(t *testing.T) {
	store := openSQLite(t)
	s := record.New(store, record.Options{})
	configure(t, s, record.Settings{Transform: `{stored: .a}`})
	for _, tt := range []struct {
		name, collection string
		settings         *record.Settings
		reads            int64
	}{
		{"stored settings", things, nil, 1},
		{"given settings", things, &record.Settings{Transform: `{given: .a}`}, 0},
		{"stored settings, behind others that were given", things, nil, 1},
		{"a collection that is not there", "none", nil, 1},
	} {
		usage := new(storage.Usage)
		got, err := s.Try(storage.WithUsage(t.Context(), usage), tt.collection, tt.settings, []byte(`{"a":1}`))
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if want := (storage.Used{Reads: tt.reads}); usage.Used() != want {
			t.Errorf("%s: it cost %+v, want %+v", tt.name, usage.Used(), want)
		}
		if tt.settings == nil && tt.collection == things && string(got.Transformed) != `{"stored":1}` {
			t.Errorf("%s: transformed is %s, want it by those that are stored", tt.name, got.Transformed)
		}
	}
	if c := collection(t, s); c.Stored || len(c.Fields) > 0 || c.Version != 1 {
		t.Errorf("the collection is now %+v, want it as it was", c)
	}
	if _, err := s.Collection(t.Context(), "none"); !errors.Is(err, record.ErrCollectionNotFound) {
		t.Errorf("a collection that was only tried: %v, want ErrCollectionNotFound", err)
	}
}
