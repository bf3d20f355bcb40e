package partner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestADocumentTakesAfterTheOneBeforeIt: serve, which may run as another user, can read it
// after a rotation as before, and a partner that is added as well as the others.
func TestADocumentTakesAfterTheOneBeforeIt(t *testing.T) {
	const mode, uid, gid = 0o640, 12345, 54321
	f := newFolder(t, documentOf("acme", "one"))
	first := filepath.Join(f.dir, "acme.json")
	if err := os.Chmod(first, mode); err != nil {
		t.Fatal(err)
	}
	root := os.Getuid() == 0 // who alone may give files away
	if root {
		if err := os.Chown(first, uid, gid); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Rotate(f.dir, "acme", time.Hour, noon); err != nil {
		t.Fatal(err)
	}
	if _, err := Add(f.dir, Draft{ID: "other"}, noon); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"acme.json", "other.json"} {
		info, err := os.Stat(filepath.Join(f.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode(); got != mode {
			t.Errorf("%s: mode %v, want %v", name, got, os.FileMode(mode))
		}
		if u, g, ok := ownerOf(info); root && ok && (u != uid || g != gid) {
			t.Errorf("%s: it is %d:%d's, want %d:%d's", name, u, g, uid, gid)
		}
	}
}

// TestTwoRotationsAtOnceLoseNoSecret: each that is returned is good.
func TestTwoRotationsAtOnceLoseNoSecret(t *testing.T) {
	for range 20 {
		f := newFolder(t, documentOf("acme", "one"))
		var all sync.WaitGroup
		secrets := make(chan string, 8)
		for range cap(secrets) {
			all.Go(func() {
				secret, err := Rotate(f.dir, "acme", time.Hour, noon)
				switch {
				case err == nil:
					secrets <- secret
				case !strings.Contains(err.Error(), "is under way: try again") && !strings.Contains(err.Error(), "two keys are active"):
					t.Errorf("error %v, want that another is under way, or was before", err)
				}
			})
		}
		all.Wait()
		close(secrets)
		f.clock.pass(time.Minute)
		n := 0
		for secret := range secrets {
			n++
			if !f.accepts("acme", secret) {
				t.Error("a secret that was returned is refused")
			}
		}
		if n != 1 {
			t.Errorf("%d rotations succeeded, want 1: then two keys are active", n)
		}
		f.wantOnly("acme.json")
	}
}

func TestWhereAnotherWritesNothingIsWritten(t *testing.T) {
	f := newFolder(t, documentOf("acme", "one"))
	writeFile(t, "", f.dir, ".lock")
	before := f.files()
	_, rotated := Rotate(f.dir, "acme", 0, noon)
	_, added := Add(f.dir, Draft{ID: "other"}, noon)
	for what, err := range map[string]error{"rotate": rotated, "add": added} {
		if want := filepath.Join(f.dir, ".lock") + ": another"; !strings.Contains(fmt.Sprint(err), want) || !strings.Contains(fmt.Sprint(err), "remove this file") {
			t.Errorf("%s: error %v, want %q", what, err, want)
		}
	}
	if got := f.files(); got != before {
		t.Errorf("the folder has now\n%s\nwant it as before:\n%s", got, before)
	}
	f.remove(".lock")
	if _, err := Rotate(f.dir, "acme", 0, noon); err != nil {
		t.Errorf("once it is removed: %v", err)
	}
}

func TestToRotateAFolderIsNeeded(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	if _, err := Rotate(dir, "acme", 0, noon); err == nil || !strings.Contains(err.Error(), dir+": there is no such folder") {
		t.Errorf("error %v, want that there is no such folder", err)
	}
}
