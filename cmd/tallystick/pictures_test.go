package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestPicturesAreForAll who look at them: small, by day and by night, to read aloud, and
// without anything from elsewhere.
func TestPicturesAreForAll(t *testing.T) {
	pictures, err := filepath.Glob("../../docs/img/*.svg")
	if err != nil || len(pictures) < 6 {
		t.Fatalf("docs/img has %d pictures, %v; want those of docs/how-it-works.md", len(pictures), err)
	}
	shown, err := os.ReadFile("../../docs/how-it-works.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range pictures {
		picture, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		name = filepath.Base(name)
		wrong := func(bad bool, what string) {
			if bad {
				t.Errorf("%s: %s", name, what)
			}
		}
		wrong(len(picture) > 12<<10, "it has over 12 KiB")
		wrong(!strings.Contains(string(shown), "(img/"+name+")"), "docs/how-it-works.md does not show it")
		wrong(!strings.Contains(string(picture), "prefers-color-scheme:dark"), "it has no dark colours")
		elements := elementsOf(t, name, picture)
		wrong(elements["title"] != 1 || elements["desc"] != 1, "it has no title and desc for who does not see it")
		wrong(elements["text"] == 0, "its text is not text")
		wrong(elements["image"]+elements["script"]+elements["use"]+elements["foreignObject"] > 0, "it loads, or runs, something")
		wrong(regexp.MustCompile(`url\((?:[^#]|$)|@import|href=|https?://(?:[^w]|w[^w])`).Match(picture), "it refers to something elsewhere")
	}
}

func elementsOf(t *testing.T, name string, picture []byte) map[string]int {
	t.Helper()
	count := make(map[string]int)
	d := xml.NewDecoder(strings.NewReader(string(picture)))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return count
		}
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if e, ok := token.(xml.StartElement); ok {
			count[e.Name.Local]++
		}
	}
}
