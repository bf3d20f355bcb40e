package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestTheServiceIsOneThatSystemdTakes, hardened, and so are the units of the document.
func TestTheServiceIsOneThatSystemdTakes(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil { // which a container has not, also in CI
		t.Skip("needs systemd-analyze on the PATH: the service is not checked")
	}
	unit, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	path, err := program()
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	names := []string{"tallystick.service", "tallystick-backup.service", "tallystick-backup.timer"}
	units := append([]string{string(unit)}, documented(t, "ini")...)
	if len(units) != len(names) {
		t.Fatalf("there are %d units, want %q", len(units), names)
	}
	for i, name := range names {
		here := strings.ReplaceAll(units[i], "/usr/local/bin/tallystick", path)
		if here == units[i] && strings.HasSuffix(name, ".service") {
			t.Errorf("%s does not run /usr/local/bin/tallystick", name)
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(here), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	analyze := func(args ...string) {
		t.Helper()
		c := exec.Command("systemd-analyze", args...)
		c.Dir = folder
		if out, err := c.CombinedOutput(); err != nil || args[0] == "verify" && len(out) > 0 {
			t.Errorf("systemd-analyze %q: %v\n%s", args, err, out)
		}
	}
	analyze(slices.Concat([]string{"verify"}, paths(folder, names))...)
	analyze("security", "--offline=yes", "--threshold=15", filepath.Join(folder, names[0]))
}

func paths(folder string, names []string) (all []string) {
	for _, name := range names {
		all = append(all, filepath.Join(folder, name))
	}
	return all
}
