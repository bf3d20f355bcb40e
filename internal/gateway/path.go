package gateway

import (
	"net/url"
	"strings"
)

// rawPath is the path as it was sent. url.URL keeps it apart only if it is not how net/url would write it.
func rawPath(u *url.URL) string {
	if u.RawPath != "" {
		return u.RawPath
	}
	return u.EscapedPath()
}

// canonicalPath is the path that the proxy matches and forwards, still escaped. ESPv2 turns on Envoy's
// normalize_path (the canonical form of Chromium's url library) and merge_slashes: dot segments are
// resolved, escapes of unreserved characters undone, backslashes turned, empty segments dropped; other
// escapes, %2F too, stay as they were sent. It is false for a path that has no such form.
func canonicalPath(u *url.URL) (string, bool) {
	if u.RawPath == "" && isCanonical(u.Path) {
		return u.Path, true
	}
	raw := rawPath(u)
	if raw == "" {
		return "/", true
	}
	if raw[0] != '/' {
		return raw, true // the * of OPTIONS: no route has it
	}
	unescaped, ok := unescapeUnreserved(raw)
	if !ok {
		return "", false
	}
	return resolveDots(unescaped), true
}

// isCanonical tells most paths at a glance. It may say no to one that is canonical.
func isCanonical(path string) bool {
	if path == "" || path[0] != '/' {
		return false
	}
	for i := 1; i < len(path); i++ {
		if !isPlain(path[i]) || path[i-1] == '/' && (path[i] == '/' || path[i] == '.') {
			return false
		}
	}
	return true
}

// unescapeUnreserved is false for a broken escape and for %00.
func unescapeUnreserved(raw string) (string, bool) {
	const upperHex = "0123456789ABCDEF"
	out := make([]byte, 0, len(raw))
	for i := 0; i < len(raw); i++ {
		switch c := raw[i]; {
		case c == '%':
			if i+2 >= len(raw) {
				return "", false
			}
			high, ok1 := unhex(raw[i+1])
			low, ok2 := unhex(raw[i+2])
			value := high<<4 | low
			if !ok1 || !ok2 || value == 0 {
				return "", false
			}
			if isUnreserved(value) {
				out = append(out, value)
			} else {
				out = append(out, raw[i:i+3]...)
			}
			i += 2
		case c == '\\':
			out = append(out, '/')
		case isPlain(c) || strings.IndexByte("!'()*[]", c) >= 0:
			out = append(out, c)
		case c == 0:
			return "", false
		default:
			out = append(out, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return string(out), true
}

// resolveDots also drops empty segments, but only after the dots are resolved: /a//../b is /a/b.
func resolveDots(path string) string {
	segments := strings.Split(path[1:], "/")
	kept := make([]string, 0, len(segments))
	for _, segment := range segments {
		switch segment {
		case ".":
		case "..":
			if len(kept) > 0 {
				kept = kept[:len(kept)-1]
			}
		default:
			kept = append(kept, segment)
		}
	}
	var out strings.Builder
	for _, segment := range kept {
		if segment != "" {
			out.WriteByte('/')
			out.WriteString(segment)
		}
	}
	if last := segments[len(segments)-1]; last == "" || last == "." || last == ".." || out.Len() == 0 {
		out.WriteByte('/')
	}
	return out.String()
}

// isPlain says that net/url writes the byte as it is in a path, and so does the proxy.
func isPlain(c byte) bool {
	switch c {
	case '/', '$', '&', '+', ',', ':', ';', '=', '@':
		return true
	}
	return isUnreserved(c)
}

// isUnreserved is RFC 3986, section 2.3.
func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

func unhex(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10, true
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}
