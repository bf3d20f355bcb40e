package badge

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strconv"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestSVG(t *testing.T) {
	const want = `<svg xmlns="http://www.w3.org/2000/svg" width="85" height="20" viewBox="0 0 85 20" role="img" aria-label="visits: 1,234">` +
		`<title>visits: 1,234</title>` +
		`<path fill="#444444" d="M3 0H41V20H3a3 3 0 0 1-3-3V3a3 3 0 0 1 3-3z"/>` +
		`<path fill="#0070b8" d="M41 0h41a3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H41z"/>` +
		`<g font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">` +
		`<text fill="#ffffff" x="20.5" y="14" textLength="29">visits</text>` +
		`<text fill="#ffffff" x="63" y="14" textLength="32">1,234</text></g></svg>`
	if got := string(SVG(Options{Value: 1234})); got != want {
		t.Errorf("SVG = %s\nwant %s", got, want)
	}
}

func TestSVGShowsItsOptions(t *testing.T) {
	red, err := ParseColor("red")
	if err != nil {
		t.Fatal(err)
	}
	d := parse(t, SVG(Options{Label: "<b>R&D</b> \"x\"", Value: 1_234_567, Style: Short, Color: red}))
	if want := `<b>R&D</b> "x"`; d.label != want {
		t.Errorf("label is %q, want %q", d.label, want)
	}
	if want := "1.2M"; d.value != want {
		t.Errorf("value is %q, want %q", d.value, want)
	}
	if want := `<b>R&D</b> "x": 1.2M`; d.title != want || d.ariaLabel != want {
		t.Errorf("title is %q and aria-label %q, want %q", d.title, d.ariaLabel, want)
	}
	if want := "#c93a28"; d.fills[1] != want {
		t.Errorf("the value's fill is %s, want %s", d.fills[1], want)
	}
}

func TestSVGWidthGrowsWithItsText(t *testing.T) {
	last := 0
	for _, o := range []Options{{}, {Value: 1000}, {Value: math.MaxInt64}, {Label: "visitors of this page", Value: math.MaxInt64},
		{Label: strings.Repeat("W", MaxLabel), Value: math.MaxInt64}} {
		d := parse(t, SVG(o))
		if d.width <= last {
			t.Errorf("%+v is %d wide, want more than %d", o, d.width, last)
		}
		last = d.width
	}
	if d := parse(t, SVG(Options{Label: strings.Repeat("W", 100_000), Value: math.MaxInt64})); d.width != last {
		t.Errorf("a label of 100,000 characters makes it %d wide, want %d", d.width, last)
	}
}

func TestClean(t *testing.T) {
	long := strings.Repeat("x", MaxLabel)
	for _, tt := range []struct{ name, label, want string }{
		{"plain", "visits", "visits"},
		{"other scripts", "訪問 посетители زيارات", "訪問 посетители زيارات"},
		{"accents", "Zählung é", "Zählung é"},
		{"emoji", "🎉 visits", "🎉 visits"},
		{"space is one space", " a\t\n b  c ", "a b c"},
		{"control characters", "a\x00\x1b\x7f\u0085b", "a b"},
		{"bytes that are no UTF-8", "a\xff\xfeb", "ab"},
		{"right-to-left override", "a\u202e\u2066gpj.b\u2069", "agpj.b"},
		{"zero width", "a\u200b\u200c\u200d\ufeff\u2060b", "ab"},
		{"invisible letters", "\u3164\u115f\u1160\uffa0\u034f", ""},
		{"variation selectors and tags", "a\ufe0f\U000e0041", "a"},
		{"private and unassigned", "a\ue000\U0010ffff\ufffe\u0378b", "ab"},
		{"a tower of marks", "a" + strings.Repeat("\u0301", 50) + "b", "a\u0301\u0301b"},
		{"line and paragraph separators", "a\u2028b\u2029c", "a b c"},
		{"exactly MaxLabel", long, long},
		{"too long", long + "x", long[:MaxLabel-1] + "…"},
		{"nothing", "", ""},
	} {
		if got := clean(tt.label); got != tt.want {
			t.Errorf("%s: clean(%q) = %q, want %q", tt.name, tt.label, got, tt.want)
		}
	}
}

func TestAnEmptyLabelIsVisits(t *testing.T) {
	for _, label := range []string{"", "  ", "\u200b", "\u3164"} {
		if d := parse(t, SVG(Options{Label: label})); d.label != "visits" {
			t.Errorf("label %q is shown as %q, want %q", label, d.label, "visits")
		}
	}
}

func TestFormat(t *testing.T) {
	for _, tt := range []struct {
		n              int64
		grouped, short string
	}{
		{0, "0", "0"},
		{7, "7", "7"},
		{999, "999", "999"},
		{1000, "1,000", "1k"},
		{1049, "1,049", "1k"},
		{1050, "1,050", "1.1k"},
		{1234, "1,234", "1.2k"},
		{9999, "9,999", "10k"},
		{12345, "12,345", "12.3k"},
		{999_949, "999,949", "999.9k"},
		{999_950, "999,950", "1M"},
		{1_000_000, "1,000,000", "1M"},
		{1_249_999, "1,249,999", "1.2M"},
		{1_250_000, "1,250,000", "1.3M"},
		{999_949_999, "999,949,999", "999.9M"},
		{999_950_000, "999,950,000", "1B"},
		{5_600_000_000, "5,600,000,000", "5.6B"},
		{999_950_000_000, "999,950,000,000", "1T"},
		{9_007_199_254_740_991, "9,007,199,254,740,991", "9007.2T"},
		{math.MaxInt64, "9,223,372,036,854,775,807", "9223372T"},
		{-1234, "-1,234", "-1,234"},
		{-123, "-123", "-123"},
	} {
		if got := Format(tt.n, Grouped); got != tt.grouped {
			t.Errorf("Format(%d, Grouped) = %q, want %q", tt.n, got, tt.grouped)
		}
		if got := Format(tt.n, ""); got != tt.grouped {
			t.Errorf("Format(%d, \"\") = %q, want %q", tt.n, got, tt.grouped)
		}
		if got := Format(tt.n, Short); got != tt.short {
			t.Errorf("Format(%d, Short) = %q, want %q", tt.n, got, tt.short)
		}
	}
}

func TestParseColor(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"blue", "#0070b8"},
		{"Red", "#c93a28"},
		{"grey", "#555555"},
		{"gray", "#555555"},
		{"000", "#000000"},
		{"#fff", "#ffffff"},
		{"4c1", "#44cc11"},
		{"#ABCDEF", "#abcdef"},
	} {
		got, err := ParseColor(tt.in)
		if err != nil || got.String() != tt.want || got == (Color{}) {
			t.Errorf("ParseColor(%q) = %v, %v, want %s", tt.in, got, err, tt.want)
		}
	}
	if got, err := ParseColor(""); err != nil || got != (Color{}) {
		t.Errorf("ParseColor(\"\") = %v, %v, want no colour and no error", got, err)
	}
	for _, in := range []string{"#", "ff", "ffff", "fffff", "fffffff", "ffffffff", "##fff", "ggg", "+ff", "-fffff", "0xf", "0x1234", "1_0",
		" red", "red;", "url(#a)", "rgb(0,0,0)", `"><script>`, "ééé", "\x00\x00\x00"} {
		if got, err := ParseColor(in); !errors.Is(err, ErrColor) {
			t.Errorf("ParseColor(%q) = %v, %v, want ErrColor", in, got, err)
		}
	}
}

// TestTextIsLegible holds WCAG 2.2 AA for small text, on every name and all around the
// colour cube.
func TestTextIsLegible(t *testing.T) {
	check := func(name string, c Color) {
		if got := contrast(c, c.ink()); got < 4.5 {
			t.Errorf("text on %s %v has a contrast of %.2f, want at least 4.5", name, c, got)
		}
	}
	for name, c := range names {
		check(name, c)
	}
	check("the label", labelColor)
	for n := uint32(0); n <= 0xffffff; n += 0x010305 {
		check("", rgb(n))
	}
}

func FuzzSVG(f *testing.F) {
	f.Add("visits", int64(1234), "short", "red")
	f.Add("</text><script>alert(1)</script>", int64(-1), "", "#fff")
	f.Add("]]>\"'&lt;\x00\ufffe\U0010ffff\u202e", int64(math.MaxInt64), "grouped", "0")
	f.Fuzz(func(t *testing.T, label string, value int64, style, color string) {
		c, err := ParseColor(color)
		if err != nil && !errors.Is(err, ErrColor) {
			t.Fatalf("ParseColor(%q): %v, want nil or ErrColor", color, err)
		}
		d := parse(t, SVG(Options{Label: label, Value: value, Style: Style(style), Color: c}))
		if n := utf8.RuneCountInString(d.label); n < 1 || n > MaxLabel {
			t.Errorf("the label has %d characters, want 1 to %d", n, MaxLabel)
		}
		for _, r := range d.label {
			if !unicode.IsGraphic(r) {
				t.Errorf("the label %q shows %U", d.label, r)
			}
		}
		if want := Format(value, Style(style)); d.value != want {
			t.Errorf("the value is %q, want %q", d.value, want)
		}
		if d.width < 2*2*padding || d.width > 1000 {
			t.Errorf("the badge is %d wide", d.width)
		}
	})
}

// A drawing is what a reader of the XML sees.
type drawing struct {
	width                          int
	title, ariaLabel, label, value string
	fills                          []string // of the paths
}

// parse wants the badge's own elements and attributes, in their order, and no other.
func parse(t *testing.T, svg []byte) drawing {
	t.Helper()
	var d drawing
	var shape []string
	var texts []string
	dec := xml.NewDecoder(bytes.NewReader(svg))
	for {
		token, err := dec.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("no XML: %v\n%s", err, svg)
		}
		switch e := token.(type) {
		case xml.StartElement:
			item := e.Name.Local
			for _, a := range e.Attr {
				item += " " + a.Name.Local
				switch {
				case item == "svg xmlns width":
					d.width, err = strconv.Atoi(a.Value)
					if err != nil {
						t.Fatal(err)
					}
				case a.Name.Local == "aria-label":
					d.ariaLabel = a.Value
				case item == "path fill":
					d.fills = append(d.fills, a.Value)
				}
			}
			shape = append(shape, item)
		case xml.CharData:
			texts = append(texts, string(e))
		case xml.EndElement:
		default:
			t.Fatalf("a %T in the badge: %s", token, svg)
		}
	}
	const want = "svg xmlns width height viewBox role aria-label, title, path fill d, path fill d, " +
		"g font-family font-size text-anchor, text fill x y textLength, text fill x y textLength"
	if got := strings.Join(shape, ", "); got != want {
		t.Fatalf("the badge is made of %s\nwant %s\n%s", got, want, svg)
	}
	if len(texts) != 3 {
		t.Fatalf("the badge has the texts %q, want a title, a label and a value", texts)
	}
	d.title, d.label, d.value = texts[0], texts[1], texts[2]
	return d
}
