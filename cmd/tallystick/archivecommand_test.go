//go:build unix

package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/tallystick/tallystick/internal/archive"
	"github.com/tallystick/tallystick/internal/partner"
)

// TestACommandThatIsPrintedIsOneCommand for a shell, whatever stands in it. What no partner
// can have an archive is refused for; here it is the shell that must not be misled.
func TestACommandThatIsPrintedIsOneCommand(t *testing.T) {
	const hostile = "x; echo it is run | sh"
	o := importAllOptions{archiveOptions{partners: "the partners' folder; echo it is run"}}
	p := archive.Partner{ID: hostile, Types: []string{"$(echo it is run)"}, SKUs: []string{"it's", "`echo it is run`"}, Texts: []partner.Text{"\x1b[2J"}}
	out, err := exec.CommandContext(t.Context(), "/bin/sh", "-euc", `tallystick() { printf '%s\0' "$@"; }`+"\n"+o.addCommand(p)).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"partner", "add", hostile, "--types", "$(echo it is run)", "--skus", "it's,`echo it is run`",
		"--legacy-token-file", hostile + ".token", "--legacy-text", "\x1b[2J", "--partners", "the partners' folder; echo it is run"}
	if got := strings.Split(strings.TrimSuffix(string(out), "\x00"), "\x00"); !slices.Equal(got, want) {
		t.Errorf("the words are\n%q, want\n%q", got, want)
	}
}
