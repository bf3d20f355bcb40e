package tallystick

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tallystick/tallystick/internal/edge"
)

// TestTheDocsHaveTheSettings compares the table in docs/settings.md with Config: each
// setting once, in backquotes in the first column, with its default in the second, in
// backquotes or nothing.
func TestTheDocsHaveTheSettings(t *testing.T) {
	page, err := os.ReadFile("docs/settings.md")
	if err != nil {
		t.Fatal(err)
	}
	want := make(map[string]string)
	for _, f := range reflect.VisibleFields(reflect.TypeFor[edge.Config]()) {
		want[f.Tag.Get("env")] = f.Tag.Get("envDefault")
	}
	got := settingsTable(string(page))
	if got == nil {
		t.Fatal("docs/settings.md has no table with a row for `STORE`")
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the settings of docs/settings.md and their defaults are not those of edge.Config (-config +page)\n%s", diff)
	}
}

func TestSettingsTable(t *testing.T) {
	const text = "| setting | default |\n|---|---|\n| `ADDR` | `:1` |\n\nText.\n\n" +
		"| setting | default | what |\n|---|:-:|---|\n| `STORE` | | where |\n|`SHARDS`|`1`|how many|\n"
	want := map[string]string{"STORE": "", "SHARDS": "1"}
	if diff := cmp.Diff(want, settingsTable(text)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := settingsTable("STORE says where.\n| a | b |\n"); got != nil {
		t.Errorf("found a table where there is none: %v", got)
	}
}

// settingsTable returns the rows of the Markdown table that has a row for STORE:
// first column → second.
func settingsTable(markdown string) map[string]string {
	lines := strings.Split(markdown, "\n")
	isRow := func(line string) bool { return strings.HasPrefix(line, "|") }
	at := slices.IndexFunc(lines, func(line string) bool { return isRow(line) && cell(line, 1) == "STORE" })
	if at < 0 {
		return nil
	}
	first := at
	for first > 0 && isRow(lines[first-1]) {
		first--
	}
	settings := make(map[string]string)
	for _, line := range lines[min(first+2, at):] { // below the heading and its rule
		if !isRow(line) {
			break
		}
		settings[cell(line, 1)] = cell(line, 2)
	}
	return settings
}

// cell is the text of a row's column, the first of which is 1.
func cell(row string, column int) string {
	cells := strings.Split(row, "|")
	if column >= len(cells) {
		return ""
	}
	return strings.Trim(cells[column], " `")
}
