//go:build unix

package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// block is a fenced block of a Markdown page.
type block struct {
	language string
	text     string
	line     int // of its fence
}

// example is a command of a console block, and the reply that stands below it.
type example struct{ command, want string }

// blocksOf returns a page's blocks in their order.
func blocksOf(markdown string) []block {
	var blocks []block
	var open *block
	n := 0
	for line := range strings.Lines(markdown) {
		n++
		fence, isFence := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case open == nil && isFence:
			open = &block{language: fence, line: n}
		case open != nil && isFence:
			blocks = append(blocks, *open)
			open = nil
		case open != nil:
			open.text += line
		}
	}
	if open != nil {
		blocks = append(blocks, *open) // a fence is missing
	}
	return blocks
}

func (b block) firstLine() string {
	line, _, _ := strings.Cut(b.text, "\n")
	return line
}

var heredoc = regexp.MustCompile(`<<'?(\w+)'?`)

// examples are a console block's. A command goes on after a line that ends with \, and to
// the end of its here-document.
func (b block) examples() []example {
	var all []example
	var more func(line string) bool // whether the command goes on after this line of it
	for line := range strings.Lines(b.text) {
		command, begins := strings.CutPrefix(line, "$ ")
		switch {
		case more != nil:
			all[len(all)-1].command += line
			if !more(line) {
				more = nil
			}
			continue
		case begins:
			all = append(all, example{command: command})
		case len(all) > 0:
			all[len(all)-1].want += line
		}
		if here := heredoc.FindStringSubmatch(command); begins && here != nil {
			more = func(line string) bool { return strings.TrimSpace(line) != here[1] }
		} else if begins && strings.HasSuffix(command, "\\\n") {
			more = func(line string) bool { return strings.HasSuffix(line, "\\\n") }
		}
	}
	return all
}

// isAsWritten compares what was printed with what a page says, where … is any text.
func isAsWritten(got, want string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(strings.TrimSpace(want)), "…", "(?s:.*)")
	return regexp.MustCompile("^" + pattern + "$").MatchString(strings.TrimSpace(got))
}

func TestBlocksOfAPage(t *testing.T) {
	const page = "# A\n\n```sh\necho 1\n```\nText.\n\n- item\n  ```console\n$ a 'b\\n' \\\n  | c\nreply\n$ cat >f <<'EOF'\n$ no command\nEOF\n$ d\n1\n\n2\n  ```\n```\nno language\n"
	got := blocksOf(page)
	want := []block{
		{"sh", "echo 1\n", 3},
		{"console", "$ a 'b\\n' \\\n  | c\nreply\n$ cat >f <<'EOF'\n$ no command\nEOF\n$ d\n1\n\n2\n", 9},
		{"", "no language\n", 21},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(block{})); diff != "" {
		t.Fatalf("-want +got\n%s", diff)
	}
	examples := []example{
		{"a 'b\\n' \\\n  | c\n", "reply\n"},
		{"cat >f <<'EOF'\n$ no command\nEOF\n", ""},
		{"d\n", "1\n\n2\n"},
	}
	if diff := cmp.Diff(examples, got[1].examples(), cmp.AllowUnexported(example{})); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestAReplyIsAsWritten(t *testing.T) {
	for _, tt := range []struct {
		got, want string
		same      bool
	}{
		{"{\"id\":\"x\"}\n", `{"id":"…"}`, true},
		{"a\nb\nc\n", "a\n…\n", true},
		{"[1]", "[2]", false},
		{"ab", "a", false},
		{"", "a", false},
		{"a", "", false},
	} {
		if got := isAsWritten(tt.got, tt.want); got != tt.same {
			t.Errorf("isAsWritten(%q, %q) = %v, want %v", tt.got, tt.want, got, tt.same)
		}
	}
}
