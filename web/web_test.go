package web

import (
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

func TestScriptsAreSmall(t *testing.T) {
	for _, tt := range []struct {
		name   string
		script []byte
		below  int
	}{
		{"count.js", CountJS, 2 << 10},
		{"stock.js", StockJS, 3 << 9},
	} {
		if got := len(tt.script); got >= tt.below {
			t.Errorf("%s is served in %d bytes, want fewer than %d", tt.name, got, tt.below)
		}
	}
}

// TestScriptsAreThoseOfTheirSources: who changes one runs go generate.
func TestScriptsAreThoseOfTheirSources(t *testing.T) {
	lines, err := os.ReadFile("web.go")
	if err != nil {
		t.Fatal(err)
	}
	for name, served := range map[string][]byte{"count.min.js": CountJS, "stock.min.js": StockJS} {
		line := regexp.MustCompile(`//go:generate go (tool .*) --outfile=` + name).FindSubmatch(lines)
		if line == nil {
			t.Fatalf("nothing generates %s", name)
		}
		var arguments []string // a quoted one may have spaces
		for _, a := range regexp.MustCompile(`"[^"]*"|\S+`).FindAllString(string(line[1]), -1) {
			arguments = append(arguments, strings.Trim(a, `"`))
		}
		c := exec.CommandContext(t.Context(), "go", arguments...)
		c.Stderr = os.Stderr
		want, err := c.Output()
		if err != nil {
			t.Fatalf("%v: %v", c, err)
		}
		if string(want) != string(served) {
			t.Errorf("%s is not what go generate makes of its source:\n%s\nwant\n%s", name, served, want)
		}
	}
}

// TestSiteNeedsNobodyElse: the demo works without a network and under a policy that
// allows no inline script or style.
func TestSiteNeedsNobodyElse(t *testing.T) {
	foreign := regexp.MustCompile(`(?i)(src|<link[^>]*href|url\(|@import|fetch\()\s*=?\s*['"(]?\s*(https?:)?//`)
	inline := regexp.MustCompile(`(?i)<script(?:[^>]*src=)?[^>]*>[^<]|<style|\sstyle=|\son[a-z]+=|javascript:`)
	seen := 0
	err := fs.WalkDir(Site(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		seen++
		b, err := fs.ReadFile(Site(), path)
		if err != nil {
			return err
		}
		if s := foreign.Find(b); s != nil {
			t.Errorf("%s asks another server: %s", path, s)
		}
		if s := inline.Find(b); s != nil && strings.HasSuffix(path, ".html") {
			t.Errorf("%s has inline code or style: %s", path, s)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 3 {
		t.Errorf("the site has %d files, want at least index.html, style.css and demo.js", seen)
	}
}
