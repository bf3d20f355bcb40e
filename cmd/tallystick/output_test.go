package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAFileIsWholeOrNotThere: a file that was there stays as it was until the new one
// is complete.
func TestAFileIsWholeOrNotThere(t *testing.T) {
	folder := t.TempDir()
	name := filepath.Join(folder, "file")
	broke := errors.New("it broke off")
	half := func(w io.Writer) error {
		fmt.Fprint(w, strings.Repeat("half ", 100_000))
		return broke
	}
	whole := func(text string) func(io.Writer) error {
		return func(w io.Writer) error {
			if now := readFile(t, name); now == text {
				t.Errorf("it has %q before it is complete", now)
			}
			_, err := fmt.Fprint(w, text)
			return err
		}
	}
	wantOnly := func(want string) {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(folder, "*"))
		hidden, err2 := filepath.Glob(filepath.Join(folder, ".*"))
		if got := readFile(t, name); err != nil || err2 != nil || got != want || len(files)+len(hidden) > 1 {
			t.Errorf("the file has %q, want %q; the folder has %q %q", got, want, files, hidden)
		}
	}

	if err := writeWhole(name, nil, half); !errors.Is(err, broke) {
		t.Errorf("error %v, want %v", err, broke)
	}
	wantOnly("")
	if err := writeWhole(name, nil, whole("first")); err != nil {
		t.Error(err)
	}
	wantOnly("first")
	if err := os.Chmod(name, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := writeWhole(name, nil, half); !errors.Is(err, broke) {
		t.Errorf("error %v, want %v", err, broke)
	}
	wantOnly("first")
	if err := writeWhole(name, nil, whole("second")); err != nil {
		t.Error(err)
	}
	wantOnly("second")
	if info, err := os.Stat(name); err != nil || info.Mode() != 0o640 {
		t.Errorf("it has the mode %v, %v, want that of before", info.Mode(), err)
	}
}

func TestALinkAndADeviceStayWhatTheyAre(t *testing.T) {
	folder := t.TempDir()
	link, target := filepath.Join(folder, "link"), filepath.Join(folder, "target")
	if err := errors.Join(os.WriteFile(target, nil, 0o600), os.Symlink("target", link)); err != nil {
		t.Fatal(err)
	}
	text := func(w io.Writer) error { _, err := fmt.Fprint(w, "text"); return err }
	for _, name := range []string{link, os.DevNull} {
		before, _ := os.Lstat(name)
		if err := writeWhole(name, nil, text); err != nil {
			t.Error(err)
		}
		if after, err := os.Lstat(name); err != nil || after.Mode() != before.Mode() {
			t.Errorf("%s has the mode %v, want %v", name, after.Mode(), before.Mode())
		}
	}
	if got := readFile(t, target); got != "text" {
		t.Errorf("the link's target has %q, want the text", got)
	}
	var out strings.Builder
	if err := writeWhole(stdio, &out, text); err != nil || out.String() != "text" {
		t.Errorf("standard output has %q, %v", out.String(), err)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return string(b)
}
