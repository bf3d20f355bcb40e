package tallystick

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

// TestLinksOfTheDocs: what a page links to in this repository is there, with the heading
// that it names, and each picture has a text for who cannot see it.
func TestLinksOfTheDocs(t *testing.T) {
	pages := make(map[string]markdown)
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() == "node_modules" || d.Name() == ".git" {
			return fs.SkipDir
		}
		if path.Ext(name) == ".md" {
			b, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			pages[name] = parseMarkdown(string(b))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, page := range pages {
		for _, fault := range page.faults {
			t.Errorf("%s: %s", name, fault)
		}
		for _, link := range page.links {
			target, heading, _ := strings.Cut(link, "#")
			file := name
			if target != "" {
				file = path.Join(path.Dir(name), target)
			}
			if _, err := os.Stat(file); err != nil {
				t.Errorf("%s links to %s, which is not there", name, link)
			} else if other, ok := pages[file]; heading != "" && !(ok && other.headings[heading]) {
				t.Errorf("%s links to %s, and %s has no such heading", name, link, file)
			}
		}
	}
}

// markdown is what of a page others can link to, and what it links to in the repository.
type markdown struct {
	headings map[string]bool
	links    []string
	faults   []string
}

var (
	fences   = regexp.MustCompile("(?ms)^ *```.*?^ *```[ \t]*$")
	code     = regexp.MustCompile("`[^`\n]+`")
	headings = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *$`)
	linked   = regexp.MustCompile(`(!?)\[([^\]]*)\]\(([^) ]+)[^)]*\)`)
	images   = regexp.MustCompile(`<img[^>]*>`)
	external = regexp.MustCompile(`^([a-z]+:|//)`)
)

func parseMarkdown(text string) markdown {
	page := markdown{headings: make(map[string]bool)}
	text = fences.ReplaceAllString(text, "")
	for _, m := range headings.FindAllStringSubmatch(text, -1) {
		page.headings[anchor(m[1])] = true
	}
	// A link's own text may be a picture, or code.
	text = code.ReplaceAllString(text, "code")
	for _, m := range linked.FindAllStringSubmatch(text, -1) {
		if m[1] == "!" && strings.TrimSpace(m[2]) == "" {
			page.faults = append(page.faults, "the picture "+m[3]+" has no text for who cannot see it")
		}
		if !external.MatchString(m[3]) {
			page.links = append(page.links, m[3])
		}
	}
	for _, image := range images.FindAllString(text, -1) {
		if !strings.Contains(image, ` alt="`) {
			page.faults = append(page.faults, "the picture "+image+" has no alt")
		}
	}
	return page
}

// anchor is the name that GitHub gives to a heading.
func anchor(heading string) string {
	heading = linked.ReplaceAllString(heading, "$2")
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case unicode.IsLetter(r), unicode.IsNumber(r), unicode.IsMark(r), r == '-', r == '_':
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}

func TestParseMarkdown(t *testing.T) {
	const text = "# What `serve --addr` does: 1,024_x\n## A [link](a.md)\n" +
		"[to](docs/a.md#b) and ![ ](x.svg) and ![seen](y.png) and [far](https://example.com/) and `[code](no.md)`\n" +
		"[`run.sh`](bench/run.sh) <img src=\"z.gif\"> <img alt=\"\" src=\"z.gif\">\n```sh\n# no heading\n[no](link)\n```\n"
	got := parseMarkdown(text)
	want := markdown{
		headings: map[string]bool{"what-serve---addr-does-1024_x": true, "a-link": true},
		links:    []string{"a.md", "docs/a.md#b", "x.svg", "y.png", "bench/run.sh"},
		faults:   []string{"the picture x.svg has no text for who cannot see it", "the picture <img src=\"z.gif\"> has no alt"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(markdown{})); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
