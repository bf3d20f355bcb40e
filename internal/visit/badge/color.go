package badge

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ErrColor is a colour that is neither one of our names nor 3 or 6 hexadecimal digits.
var ErrColor = errors.New("badge: no such colour")

// A Color is an opaque sRGB colour. The zero value is no colour, and stands for blue.
type Color struct {
	rgb uint32
	set bool
}

func rgb(n uint32) Color { return Color{n, true} }

// names are those of the badges that people know. The tones are ours: white is legible
// on all of them that are not light.
var names = map[string]Color{
	"brightgreen": rgb(0x2e8b0e),
	"green":       rgb(0x3f7d0a),
	"yellowgreen": rgb(0x757a12),
	"yellow":      rgb(0xdfb317),
	"orange":      rgb(0xfe7d37),
	"red":         rgb(0xc93a28),
	"blue":        rgb(0x0070b8),
	"purple":      rgb(0x7c4dbd),
	"pink":        rgb(0xc2357f),
	"grey":        rgb(0x555555),
	"gray":        rgb(0x555555),
	"lightgrey":   rgb(0x9f9f9f),
	"lightgray":   rgb(0x9f9f9f),
	"black":       rgb(0x000000),
}

// ParseColor reads a name, or 3 or 6 hexadecimal digits with or without a #, in either
// case. The empty string is the zero Color. Anything else is ErrColor.
func ParseColor(s string) (Color, error) {
	if s == "" {
		return Color{}, nil
	}
	if c, ok := names[strings.ToLower(s)]; ok {
		return c, nil
	}
	digits := strings.TrimPrefix(s, "#")
	if len(digits) == 3 {
		digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
	}
	n, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || len(digits) != 6 {
		return Color{}, fmt.Errorf("%w: %q", ErrColor, s)
	}
	return rgb(uint32(n)), nil
}

// String is the colour as #rrggbb.
func (c Color) String() string { return fmt.Sprintf("#%06x", c.rgb) }

// ink is the colour of text on c: white where it has the contrast that WCAG 2.2 asks
// of small text, else black, which then has it.
func (c Color) ink() Color {
	if white := rgb(0xffffff); contrast(white, c) >= 4.5 {
		return white
	}
	return rgb(0x000000)
}

// contrast is WCAG 2.2's contrast ratio, 1 to 21.
func contrast(a, b Color) float64 {
	la, lb := a.luminance(), b.luminance()
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// luminance is WCAG 2.2's relative luminance, 0 to 1.
func (c Color) luminance() float64 {
	linear := func(shift uint) float64 {
		v := float64(c.rgb>>shift&0xff) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(16) + 0.7152*linear(8) + 0.0722*linear(0)
}
