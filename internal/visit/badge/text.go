package badge

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxLabel is how many characters of a label are shown; a longer one ends in "…".
const MaxLabel = 40

// maxMarks is how many combining marks one character may carry: enough for every
// living script, too few to paint over the rest.
const maxMarks = 2

// clean is what can be seen of a label, on one line. It drops control characters,
// those that turn or hide text (bidirectional controls, zero-width and other default
// ignorables), private and unassigned ones, and bytes that are no UTF-8.
func clean(label string) string {
	var b strings.Builder
	marks := 0
	for _, r := range label {
		switch {
		case unicode.IsSpace(r) || unicode.Is(unicode.Z, r):
			r = ' '
		case r == utf8.RuneError || unicode.Is(unicode.Variation_Selector, r) ||
			unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) || !unicode.IsGraphic(r):
			continue
		}
		if unicode.Is(unicode.M, r) {
			if marks++; marks > maxMarks {
				continue
			}
		} else {
			marks = 0
		}
		b.WriteRune(r)
	}
	s := strings.Join(strings.Fields(b.String()), " ")

	if utf8.RuneCountInString(s) > MaxLabel {
		s = strings.TrimRight(string([]rune(s)[:MaxLabel-1]), " ") + "…"
	}
	return s
}

// verdana is how wide the characters from space to ~ are in Verdana at 11 px, in
// hundredths of a pixel. The font's advance widths are in units of 1/2048 em.
var verdana = [...]uint16{
	387, 433, 505, 900, 699, 1184, 799, 295, 500, 500, 699, 900, 400, 500, 400, 500, // space to /
	699, 699, 699, 699, 699, 699, 699, 699, 699, 699, 500, 500, 900, 900, 900, 600, // 0 to ?
	1100, 752, 754, 768, 848, 696, 632, 853, 827, 463, 500, 762, 612, 927, 823, 866, // @ to O
	663, 866, 765, 752, 678, 805, 752, 1088, 754, 677, 754, 500, 500, 500, 900, 699, // P to _
	699, 661, 685, 573, 685, 655, 387, 685, 696, 302, 379, 651, 302, 1070, 696, 668, // ` to o
	685, 685, 469, 573, 433, 696, 651, 900, 651, 651, 578, 699, 500, 699, 900, // p to ~
}

// textWidth is the width of cleaned text in whole pixels, rounded up. It need not be
// exact for other characters or fonts: textLength makes the text fit.
func textWidth(s string) int {
	hundredths := 0
	for _, r := range s {
		switch {
		case r >= ' ' && int(r-' ') < len(verdana):
			hundredths += int(verdana[r-' '])
		case unicode.Is(unicode.M, r):
			// drawn over the character before
		case r < 0x1100:
			hundredths += 720 // a letter of an alphabet
		default:
			hundredths += fontSize * 100 // ideographs, Hangul, emoji: a full em
		}
	}
	return (hundredths + 99) / 100
}
