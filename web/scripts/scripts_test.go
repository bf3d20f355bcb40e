package scripts

import (
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
	lines, err := os.ReadFile("scripts.go")
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
