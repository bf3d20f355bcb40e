package visit

import (
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode/utf8"
)

// MaxPageBytes is the most that a page's name may have, in its canonical form.
const MaxPageBytes = 512

// ErrPage is a page name that cannot be one.
var ErrPage = errors.New("bad page name")

// Page is the canonical name of a page: the path of its URL, such as /about. Only
// ParsePage makes one.
type Page string

// ParsePage returns the canonical name of the page that s means, so that however
// a page is linked to it is counted as one:
//
//   - a query and a fragment are dropped;
//   - /index.html and a trailing slash are folded: /blog/index.html, /blog/ and
//     /blog are one page, and so are empty and /;
//   - slashes are merged and dot segments resolved (RFC 3986, 5.2.4);
//   - percent-encoding is canonical (RFC 3986, 6.2.2): unreserved characters stand
//     for themselves, all others but the path's own are encoded, in upper case.
//
// The case of letters counts. What does not start with a slash, has control
// characters, is not UTF-8 or is over MaxPageBytes is ErrPage.
func ParsePage(s string) (Page, error) {
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		s = s[:i]
	}
	if s == "" {
		return "/", nil
	}
	switch {
	case s[0] != '/':
		return "", fmt.Errorf("%w: it is a path and starts with a slash, such as /about", ErrPage)
	case len(s) > 4*MaxPageBytes: // every byte written as an escape, and more
		return "", errPageLength
	case !utf8.ValidString(s):
		return "", fmt.Errorf("%w: it is not UTF-8 text", ErrPage)
	}
	canonical, err := canonicalEscapes(s)
	if err != nil {
		return "", err
	}
	canonical = foldPath(canonical)
	if len(canonical) > MaxPageBytes {
		return "", errPageLength
	}
	return Page(canonical), nil
}

var errPageLength = fmt.Errorf("%w: it has at most %d bytes with its escapes", ErrPage, MaxPageBytes)

// foldPath resolves dots and slashes and drops index.html.
func foldPath(s string) string {
	for {
		s = path.Clean(s)
		if path.Base(s) != "index.html" {
			return s
		}
		s = path.Dir(s)
	}
}

const upperHex = "0123456789ABCDEF"

// canonicalEscapes writes every character of a path in its one canonical way. A
// percent sign that starts no escape stands for itself, as browsers have it.
func canonicalEscapes(s string) (string, error) {
	if isCanonical(s) {
		return s, nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		c, escaped := s[i], false
		if c == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			c, escaped = unhex(s[i+1])<<4|unhex(s[i+2]), true
			i += 2
		}
		switch {
		case c < 0x20 || c == 0x7f:
			return "", fmt.Errorf("%w: it has a control character", ErrPage)
		case isUnreserved(c), !escaped && isPathChar(c):
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(upperHex[c>>4])
			b.WriteByte(upperHex[c&15])
		}
	}
	return b.String(), nil
}

// isCanonical spares most names the rewriting.
func isCanonical(s string) bool {
	for i := 0; i < len(s); i++ {
		if !isUnreserved(s[i]) && !isPathChar(s[i]) {
			return false
		}
	}
	return true
}

func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

// isPathChar says whether a reserved character may stand in a path as it is.
func isPathChar(c byte) bool { return strings.IndexByte("/!$&'()*+,;=:@", c) >= 0 }

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	default:
		return c - 'a' + 10
	}
}
