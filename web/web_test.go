package web

import (
	"io/fs"
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
		{"count.js", CountJS(), 2 << 10},
		{"stock.js", StockJS(), 3 << 9},
	} {
		if got := len(tt.script); got >= tt.below {
			t.Errorf("%s is served in %d bytes, want fewer than %d", tt.name, got, tt.below)
		}
	}
}

func TestSqueeze(t *testing.T) {
	for _, tt := range []struct{ name, source, want string }{
		{"comment lines go", "// a\na();\n    // b\nb();\n", "a();b();"},
		{"indentation and blank lines go", "\n\n    a();\n\n\tb();\n", "a();b();"},
		{"space between words stays", "let a = new Set;\n", "let a=new Set;"},
		{"space around punctuation goes", "if (a && !b) { c(); }\n", "if(a&&!b){c()}\n"},
		{"the line after a block stays a line", "{\n    a();\n}\nb();\n", "{a()}\nb();"},
		{"a value over several lines is joined", "a = [\n    b\n        ? c\n        : d\n];\n", "a=[b?c:d];"},
	} {
		if got := squeeze(tt.source); got != tt.want {
			t.Errorf("%s: squeeze(%q) = %q, want %q", tt.name, tt.source, got, tt.want)
		}
	}
}

// TestScriptsCanBeSqueezed holds the rules of squeeze. That what is left is the same
// program is what TestInBrowser shows: it runs the squeezed ones.
func TestScriptsCanBeSqueezed(t *testing.T) {
	for name, source := range map[string]string{"count.js": countSource, "stock.js": stockSource} {
		n := 0
		for line := range strings.Lines(source) {
			n++
			line = strings.TrimSpace(line)
			if strings.HasPrefix(line, "//") {
				continue
			}
			if strings.Contains(line, "//") || strings.Contains(line, "/*") {
				t.Errorf("%s:%d: a comment beside code: %s", name, n, line)
			}
			if strings.ContainsAny(line, "\"`") || strings.Contains(line, `\'`) {
				t.Errorf("%s:%d: a quote other than ': %s", name, n, line)
			}
			for i, part := range strings.Split(line, "'") {
				if i%2 == 1 && strings.ContainsAny(part, " \t") {
					t.Errorf("%s:%d: a space inside the string %q", name, n, part)
				}
			}
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
