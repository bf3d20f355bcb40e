package badge

import (
	"fmt"
	"strconv"
)

// A Style is how a number is written.
type Style string

const (
	Grouped Style = "grouped" // 1,234; the default: any other value means this one
	Short   Style = "short"   // 999, 1.2k, 12.3k, 4M, 5.6B, 7.8T
)

// Format writes n, which is 0 or more. Short rounds half up to one decimal, and leaves
// a decimal of 0 away; it has no unit above T. count.js writes the same.
func Format(n int64, style Style) string {
	if style == Short && n >= 1000 {
		return short(n)
	}
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func short(n int64) string {
	const units = "kMBT"
	unit, size := 0, int64(1000)
	tenths := roundedTenths(n, size)
	for tenths >= 10000 && unit < len(units)-1 {
		unit, size = unit+1, size*1000
		tenths = roundedTenths(n, size)
	}
	if tenths%10 == 0 {
		return fmt.Sprintf("%d%c", tenths/10, units[unit])
	}
	return fmt.Sprintf("%d.%d%c", tenths/10, tenths%10, units[unit])
}

// roundedTenths is n/size in tenths, half up, without an overflow: size is 1000 or more.
func roundedTenths(n, size int64) int64 {
	tenth := size / 10
	return n/tenth + n%tenth/((tenth+1)/2)
}
