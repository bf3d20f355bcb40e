package storage

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"
)

func invalid(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrInvalid}, args...)...)
}

func tooLarge(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrTooLarge}, args...)...)
}

func checkKeys(keys []Key) error {
	if len(keys) > MaxTxReads {
		return tooLarge("at most %d keys at once, not %d", MaxTxReads, len(keys))
	}
	for _, k := range keys {
		if err := k.check(); err != nil {
			return err
		}
	}
	return nil
}

func (k Key) check() error {
	if err := checkKind(k.Kind); err != nil {
		return err
	}
	n := k.Name
	switch {
	case n == "":
		return invalid("key without a name")
	case len(n)+strings.Count(n, ".")+strings.Count(n, "/") > MaxNameBytes:
		return invalid("key's name over %d bytes, of which a dot and a slash count two", MaxNameBytes)
	case !utf8.ValidString(n) || strings.IndexByte(n, 0) >= 0:
		return invalid("key's name is not UTF-8 text: %q", n)
	case len(n) >= 4 && strings.HasPrefix(n, "__") && strings.HasSuffix(n, "__"):
		return invalid("key's name is reserved: %q", n)
	}
	return nil
}

// checkKind: nothing in it may need an escape, in an address, an index file or the
// name of a collection.
func checkKind(kind string) error {
	if len(kind) > MaxKindBytes {
		return invalid("kind over %d bytes", MaxKindBytes)
	}
	for i, c := range []byte(kind) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		inside := '0' <= c && c <= '9' || c == '_' || c == '-' || c == '.'
		if !letter && (i == 0 || !inside) {
			return invalid("kind %q", kind)
		}
	}
	if kind == "" {
		return invalid("no kind")
	}
	return nil
}

// Size is what counts against MaxEntityBytes: key, data, and the names and
// values of the indexed properties.
func (e Entity) Size() int {
	n := len(e.Key.Kind) + len(e.Key.Name) + len(e.Data)
	for name, v := range e.Index {
		n += len(name) + 8
		if s, ok := v.(string); ok {
			n += len(s)
		}
	}
	return n
}

// Check returns ErrInvalid or ErrTooLarge for an entity that Put would refuse.
func (e Entity) Check() error {
	if err := e.Key.check(); err != nil {
		return err
	}
	for name, v := range e.Index {
		if err := checkProperty(name); err != nil {
			return err
		}
		if err := checkValue(v); err != nil {
			return fmt.Errorf("property %s: %w", name, err)
		}
	}
	if y := e.Expire.UTC().Year(); y < 1 || y > 9999 {
		return invalid("expiry outside the years 1 to 9999")
	}
	if n := e.Size(); n > MaxEntityBytes {
		return tooLarge("entity of %d bytes, at most %d", n, MaxEntityBytes)
	}
	return nil
}

// checkProperty lets a property be any text that is safe in an index: records
// index fields that their owners named.
func checkProperty(name string) error {
	switch {
	case name == "" || len(name) > MaxPropertyBytes:
		return invalid("property's name is 1 to %d bytes, not %d", MaxPropertyBytes, len(name))
	case !utf8.ValidString(name) || strings.IndexByte(name, 0) >= 0:
		return invalid("property's name is not UTF-8 text: %q", name)
	case strings.HasPrefix(name, "_"):
		return invalid("property's name is reserved: %q", name)
	}
	return nil
}

func checkValue(v any) error {
	switch v := v.(type) {
	case bool, int64:
	case float64:
		if math.IsNaN(v) {
			return invalid("NaN cannot be indexed")
		}
	case time.Time:
		if y := v.UTC().Year(); y < 1 || y > 9999 {
			return invalid("time outside the years 1 to 9999")
		}
	case string:
		if len(v) > MaxIndexedBytes {
			return invalid("indexed text over %d bytes", MaxIndexedBytes)
		}
		if !utf8.ValidString(v) {
			return invalid("indexed text is not UTF-8: %q", v)
		}
	default:
		return invalid("a %T cannot be indexed", v)
	}
	return nil
}

func (q Query) check() error {
	if err := checkKind(q.Kind); err != nil {
		return err
	}
	if q.OrderBy != "" {
		if err := checkProperty(q.OrderBy); err != nil {
			return err
		}
	}
	if q.Limit < 1 || q.Limit > MaxQueryLimit {
		return invalid("a query's limit is 1 to %d, not %d", MaxQueryLimit, q.Limit)
	}
	for _, f := range q.Where {
		if err := checkProperty(f.Property); err != nil {
			return err
		}
		if err := checkValue(f.Value); err != nil {
			return fmt.Errorf("filter on %s: %w", f.Property, err)
		}
		switch f.Op {
		case Equal:
		case Less, LessOrEqual, Greater, GreaterOrEqual:
			if f.Property != q.OrderBy {
				return invalid("range filter on %s, ordered by %q", f.Property, q.OrderBy)
			}
		default:
			return invalid("operator %q", f.Op)
		}
	}
	return nil
}
