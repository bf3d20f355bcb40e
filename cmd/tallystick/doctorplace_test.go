//go:build unix

package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDoctorFindsALogThatGrows(t *testing.T) {
	folder := t.TempDir()
	for name, size := range map[string]int64{"tallystick.db": 0, "tallystick.db-wal": maxWAL + 1} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, size); err != nil { // a hole, which takes no room
			t.Fatal(err)
		}
	}
	ended(t, command(t, folder, "doctor", "--url", "http://"+freeAddr(t))).
		wants(1, "ok       file             tallystick.db can be written", "warning  file             tallystick.db-wal has 256 MiB", "MiB are free in .")
}

// TestDoctorAsRootLooksAtWhoMayWriteTheFile, for root may always.
func TestDoctorAsRootLooksAtWhoMayWriteTheFile(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("this is not root")
	}
	for _, tt := range []struct {
		name  string
		mode  os.FileMode
		owner int
		want  string
	}{
		{"its folder's owner may", 0o600, 1234, "ok       file             tallystick.db can be written; this was asked as root"},
		{"another may", 0o600, 0, "warning  file             tallystick.db belongs to user 0 and its folder to user 1234"},
		{"none may", 0o440, 1234, "warning  file             tallystick.db may not be written by its owner"},
	} {
		folder := t.TempDir()
		path := filepath.Join(folder, "tallystick.db")
		if err := errors.Join(os.WriteFile(path, nil, tt.mode), os.Chown(path, tt.owner, -1), os.Chown(folder, 1234, -1)); err != nil {
			t.Fatal(err)
		}
		out := ended(t, command(t, folder, "doctor", "--url", "http://"+freeAddr(t))).wants(1).stdout
		if !strings.Contains(out, tt.want) {
			t.Errorf("%s: it does not say %q:\n%s", tt.name, tt.want, out)
		}
	}
}
