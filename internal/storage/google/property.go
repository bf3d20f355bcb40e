package google

import (
	"fmt"
	"strconv"
	"strings"
)

// Names of properties are stored as they are if they consist of letters, digits
// and underscores, else with a hyphen and two hexadecimal digits in place of each
// other byte: the API reads a dot as a path, and has rules for more than that.

const hexDigits = "0123456789ABCDEF"

// Escape is the name under which a property is stored.
func Escape(name string) string {
	if strings.IndexFunc(name, func(r rune) bool { return !plain(r) }) < 0 && !startsWithDigit(name) {
		return name
	}
	var b strings.Builder
	for i := range len(name) {
		c := name[i]
		if plain(rune(c)) && (i > 0 || !startsWithDigit(name)) {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('-')
		b.WriteByte(hexDigits[c>>4])
		b.WriteByte(hexDigits[c&15])
	}
	return b.String()
}

// Unescape is the inverse of Escape.
func Unescape(stored string) (string, error) {
	name, escaped, found := strings.Cut(stored, "-")
	for found {
		if len(escaped) < 2 {
			return "", fmt.Errorf("%q is not a name of ours", stored)
		}
		c, err := strconv.ParseUint(escaped[:2], 16, 8)
		if err != nil {
			return "", fmt.Errorf("%q is not a name of ours", stored)
		}
		var plain string
		plain, escaped, found = strings.Cut(escaped[2:], "-")
		name += string([]byte{byte(c)}) + plain
	}
	return name, nil
}

func plain(r rune) bool {
	return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '_'
}

func startsWithDigit(name string) bool { return '0' <= name[0] && name[0] <= '9' }
