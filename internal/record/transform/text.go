package transform

import (
	"encoding/json"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"
)

const dateTimeLayout = "2006-01-02T15:04:05.999999999Z"

// Text is what canonicalisation makes of one text, after trimming it and bringing it
// to NFC:
//
//   - a json.Number, if it is a JSON number without an exponent that a float64 keeps:
//     an integer up to ±(2^53−1), or a decimal of at most 15 significant digits and at
//     most 100 after the point. The literal is kept, 9.90 stays 9.90. A zero with a
//     minus stays a text.
//   - a time.Time, in UTC, if it is a date as 2026-11-22 or a date-time of RFC 3339 with
//     at most nanoseconds that is in the years 0 to 9999 in UTC too. A date is its
//     midnight. A leap second is a text, and so are hour 24 and dates that do not exist.
//   - a string otherwise.
//
// In a document a date-time is written in UTC with as many digits of a second as it
// needs; a date stays as it is.
func Text(s string) any {
	s = norm.NFC.String(strings.TrimSpace(s))
	switch k, t := read(s); k {
	case numberKind:
		return json.Number(s)
	case dateKind, dateTimeKind:
		return t
	}
	return s
}

// kind is what a text reads as.
type kind int

const (
	textKind kind = iota
	numberKind
	dateKind
	dateTimeKind
)

// read says what a trimmed text reads as; the time is that of a date or a date-time.
func read[S string | []byte](s S) (kind, time.Time) {
	if len(s) == 0 || s[0] != '-' && !digit(s[0]) {
		return textKind, time.Time{}
	}
	if len(s) >= len("2026-11-22") && s[4] == '-' {
		return readTime(s)
	}
	if isNumber(s) {
		return numberKind, time.Time{}
	}
	return textKind, time.Time{}
}

const (
	maxInteger     = "9007199254740991" // 2^53−1
	maxSignificant = 15
	maxPlaces      = 100
)

func isNumber[S string | []byte](s S) bool {
	minus := s[0] == '-'
	if minus {
		s = s[1:]
	}
	whole := digits(s)
	switch {
	case whole == 0, whole > len(maxInteger), whole > 1 && s[0] == '0':
		return false
	case whole == len(s):
		return !(minus && s[0] == '0') && (whole < len(maxInteger) || string(s) <= maxInteger)
	case s[whole] != '.':
		return false
	}
	places := len(s) - whole - 1
	if places == 0 || places > maxPlaces || digits(s[whole+1:]) != places {
		return false
	}
	significant := 0
	for i := range len(s) {
		if s[i] != '.' && (significant > 0 || s[i] != '0') {
			significant++
		}
	}
	return significant <= maxSignificant && !(minus && significant == 0)
}

// readTime reads a date, YYYY-MM-DD, or a date-time, which has more: THH:MM:SS, a
// fraction, and an offset or Z.
func readTime[S string | []byte](s S) (kind, time.Time) {
	year, ok1 := field(s, 0, 4, 9999)
	month, ok2 := field(s, 5, 2, 12)
	day, ok3 := field(s, 8, 2, 31)
	if !ok1 || !ok2 || !ok3 || s[7] != '-' || month == 0 || day == 0 || day > daysIn(month, year) {
		return textKind, time.Time{}
	}
	if len(s) == len("2026-11-22") {
		return dateKind, time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	}
	if len(s) < len("2026-11-22T10:00:00Z") || s[10]|0x20 != 't' || s[13] != ':' || s[16] != ':' {
		return textKind, time.Time{}
	}
	hour, ok1 := field(s, 11, 2, 23)
	minute, ok2 := field(s, 14, 2, 59)
	second, ok3 := field(s, 17, 2, 59)
	nano, n, ok4 := fraction(s[19:])
	offset, ok5 := zone(s[19+n:])
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 {
		return textKind, time.Time{}
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, nano, time.UTC).Add(-offset)
	if t.Year() < 0 || t.Year() > 9999 {
		return textKind, time.Time{}
	}
	return dateTimeKind, t
}

// fraction reads a fraction of a second, if there is one, and says how long it is.
func fraction[S string | []byte](s S) (nano, length int, ok bool) {
	if s[0] != '.' {
		return 0, 0, true
	}
	n := digits(s[1:])
	if n == 0 || n > 9 {
		return 0, 0, false
	}
	for i := range 9 {
		nano *= 10
		if i < n {
			nano += int(s[1+i] - '0')
		}
	}
	return nano, n + 1, n+1 < len(s)
}

func zone[S string | []byte](s S) (offset time.Duration, ok bool) {
	if len(s) == 1 {
		return 0, s[0]|0x20 == 'z'
	}
	if len(s) != len("+01:00") || s[3] != ':' || s[0] != '+' && s[0] != '-' {
		return 0, false
	}
	hours, ok1 := field(s, 1, 2, 23)
	minutes, ok2 := field(s, 4, 2, 59)
	offset = time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute
	if s[0] == '-' {
		offset = -offset
	}
	return offset, ok1 && ok2
}

// field reads n digits at i, which are at most limit.
func field[S string | []byte](s S, i, n, limit int) (v int, ok bool) {
	for ; n > 0; n, i = n-1, i+1 {
		if !digit(s[i]) {
			return 0, false
		}
		v = v*10 + int(s[i]-'0')
	}
	return v, v <= limit
}

func daysIn(month, year int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// digits is how many digits s begins with.
func digits[S string | []byte](s S) int {
	n := 0
	for n < len(s) && digit(s[n]) {
		n++
	}
	return n
}

func digit(c byte) bool { return '0' <= c && c <= '9' }
