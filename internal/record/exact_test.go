package record_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/tallystick/tallystick/internal/record"
)

// TestSettingsStayAsTheyAre: a schema with characters that HTML escapes is stored as it
// is, however long, and to make the same settings again changes nothing.
func TestSettingsStayAsTheyAre(t *testing.T) {
	store := openSQLite(t)
	s := record.New(store, record.Options{})
	schema := fmt.Sprintf(`{"description":%q}`, strings.Repeat("<&>", 20_000))
	for range 2 {
		if c := configure(t, s, record.Settings{Schema: []byte(schema)}); c.Version != 1 || string(c.Settings.Schema) != schema {
			t.Fatalf("version %d of %d bytes, want 1 of %d", c.Version, len(c.Settings.Schema), len(schema))
		}
	}
	put(t, s, "a", `{}`)
	put(t, record.New(store, record.Options{}), "b", `{}`)
}

// TestANumberIsNotTakenForAText: the filter's language does not keep how a number was
// written, so it does not find a text.
func TestANumberIsNotTakenForAText(t *testing.T) {
	s := record.New(openSQLite(t), record.Options{})
	configure(t, s, record.Settings{Indexes: []record.Index{{Field: "sku", Type: record.String}}})
	put(t, s, "a", `{"sku":"1.50"}`)
	put(t, s, "b", `{"sku":"007"}`)
	for filter, want := range map[string]string{`sku = "1.50"`: "a", `sku = "007"`: "b", `sku = 1.50`: "refused", `sku = 007`: "refused"} {
		if got := found(t, s, filter); got != want {
			t.Errorf("%s: %s, want %s", filter, got, want)
		}
	}
}

// TestAProgramsNamesAreItsOwn: what a program calls a.b is not the canonical form's.
func TestAProgramsNamesAreItsOwn(t *testing.T) {
	s := record.New(openSQLite(t), record.Options{})
	configure(t, s, record.Settings{Transform: `{"a.b": .n}`})
	put(t, s, "a", `{"n":1}`)
	for _, filter := range []string{`"a.b" = 1`, `a.b = 1`} {
		if got := found(t, s, filter); got != "a" {
			t.Errorf("%s: %q, want a", filter, got)
		}
	}
}

// TestWhatIsMadeOfManyDocumentsIsBounded: it ends while it is made, and not after.
func TestWhatIsMadeOfManyDocumentsIsBounded(t *testing.T) {
	s := record.New(openSQLite(t), record.Options{})
	configure(t, s, record.Settings{Transform: `{a: ("x" * 1000000), n: .n}`})
	bodies := make([]string, 500)
	for i := range bodies {
		bodies[i] = fmt.Sprintf(`{"n":%d}`, i)
	}
	allocated := testing.AllocsPerRun(1, func() {
		_, _, err := s.Store(t.Context(), record.StoreRequest{Collection: things, Documents: docs(bodies...)})
		if !errors.Is(err, record.ErrTooLarge) {
			t.Fatalf("got %v, want ErrTooLarge", err)
		}
	})
	if allocated > 20_000 {
		t.Errorf("%g allocations before it was refused", allocated)
	}
}

func found(t *testing.T, s *record.Service, filter string) string {
	t.Helper()
	terms, err := record.ParseFilter(filter)
	if err != nil {
		t.Fatal(err)
	}
	page, err := s.List(t.Context(), record.ListRequest{Collection: things, Terms: terms, Size: 10})
	if errors.Is(err, record.ErrUnsupported) {
		return "refused"
	}
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, r := range page.Records {
		ids = append(ids, r.ID)
	}
	return strings.Join(ids, " ")
}

// TestAnExportIsImportedWhereItCameFrom: rows that differ from the records in white
// space alone are no other records, small ones or large ones.
func TestAnExportIsImportedWhereItCameFrom(t *testing.T) {
	s := record.New(openSQLite(t), record.Options{})
	put(t, s, "small", "{ \"a\" :\n 1 }")
	put(t, s, "large", fmt.Sprintf("{ \"a\" :\n %q }", strings.Repeat("x", 40<<10)))
	var file strings.Builder
	if err := record.WriteNDJSON(&file, s.All(t.Context(), things)); err != nil {
		t.Fatal(err)
	}
	for _, rows := range []string{file.String(), strings.ReplaceAll(file.String(), `"large","data":{`, `"large","data":{ `)} {
		report, err := s.Import(t.Context(), record.ImportRequest{Collection: things, Rows: record.ReadNDJSON(strings.NewReader(rows), "")})
		if err != nil || report.Unchanged != 2 {
			t.Errorf("%+v, %v, want both unchanged", report, err)
		}
	}
	other := strings.ReplaceAll(file.String(), "xx", "xy")
	report, err := s.Import(t.Context(), record.ImportRequest{Collection: things, Rows: record.ReadNDJSON(strings.NewReader(other), ""), MaxErrors: 1})
	if err != nil || report.Bad != 1 {
		t.Errorf("%+v, %v, want the other document refused", report, err)
	}
}
