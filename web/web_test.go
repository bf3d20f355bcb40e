package web

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

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
