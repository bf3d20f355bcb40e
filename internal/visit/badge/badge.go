// Package badge draws the number of visits as a small flat SVG: a label, a value and
// a colour. Read badge.go for the drawing, color.go for the colours, text.go for what
// of a label is shown and how wide it is, format.go for the number as text.
//
// It is pure: the same options give the same bytes.
package badge

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
)

// Options is what to draw. The zero value is "visits 0" in blue.
type Options struct {
	Label string // "visits" if nothing of it can be seen
	Value int64  // 0 or more
	Style Style
	Color Color
}

// In pixels, as in the flat badges that people know. The badge is 20 high, its corners
// have a radius of 3, and text stands on line 14: the paths below say so themselves.
const (
	padding  = 6
	fontSize = 11
)

var (
	labelColor   = rgb(0x444444)
	defaultColor = names["blue"]
)

// SVG draws the badge: a standalone XML document in UTF-8, whose text is text whatever
// the label holds, and which has no ids, so that several can stand in one page.
func SVG(o Options) []byte {
	label := clean(o.Label)
	if label == "" {
		label = "visits"
	}
	value := Format(o.Value, o.Style)
	color := o.Color
	if color == (Color{}) {
		color = defaultColor
	}

	labelText, valueText := textWidth(label), textWidth(value)
	left, right := labelText+2*padding, valueText+2*padding
	name := escape(label + ": " + value)

	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="20" viewBox="0 0 %[1]d 20" role="img" aria-label="%[2]s">`,
		left+right, name)
	fmt.Fprintf(&b, `<title>%s</title>`, name)
	fmt.Fprintf(&b, `<path fill="%s" d="M3 0H%dV20H3a3 3 0 0 1-3-3V3a3 3 0 0 1 3-3z"/>`, labelColor, left)
	fmt.Fprintf(&b, `<path fill="%s" d="M%d 0h%da3 3 0 0 1 3 3v14a3 3 0 0 1-3 3H%[2]dz"/>`, color, left, right-3)
	fmt.Fprintf(&b, `<g font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="%d" text-anchor="middle">`, fontSize)
	const text = `<text fill="%s" x="%g" y="14" textLength="%d">%s</text>`
	fmt.Fprintf(&b, text, labelColor.ink(), float64(left)/2, labelText, escape(label))
	fmt.Fprintf(&b, text, color.ink(), float64(left)+float64(right)/2, valueText, escape(value))
	b.WriteString(`</g></svg>`)
	return b.Bytes()
}

func escape(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		panic(err) // a strings.Builder takes everything
	}
	return b.String()
}
