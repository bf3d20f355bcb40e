package storage

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// sealBytes of a hash bind a cursor to its query. They are there to tell an
// honest mistake from a cursor of ours, not to stop a forger: the worst that a
// forged cursor can do is to begin a page elsewhere in the same answer.
const sealBytes = 8

// seal turns a driver's cursor into the one that callers see: bound to the query
// it came from, and safe in a URL.
func (q Query) seal(cursor string) string {
	if cursor == "" {
		return ""
	}
	sum := q.sum(cursor)
	return base64.RawURLEncoding.EncodeToString(append(sum[:sealBytes], cursor...))
}

// unseal puts the driver's own cursor in the place of the one that seal made.
func (q Query) unseal() (Query, error) {
	if q.Cursor == "" {
		return q, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(q.Cursor)
	exact := base64.RawURLEncoding.EncodeToString(raw) == q.Cursor // the decoder overlooks line breaks
	if err != nil || !exact || len(raw) <= sealBytes {
		return q, fmt.Errorf("query %s: %w", q.Kind, ErrCursor)
	}
	cursor := string(raw[sealBytes:])
	if sum := q.sum(cursor); string(raw[:sealBytes]) != string(sum[:sealBytes]) {
		return q, fmt.Errorf("query %s: %w", q.Kind, ErrCursor)
	}
	q.Cursor = cursor
	return q, nil
}

// sum hashes the cursor with what decides which entities come in which order, so
// not with the limit and not with KeysOnly.
func (q Query) sum(cursor string) [sha256.Size]byte {
	b := make([]byte, 0, 256)
	text := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	number := func(kind byte, n uint64) { b = binary.BigEndian.AppendUint64(append(b, kind), n) }
	truth := func(v bool) {
		if v {
			number('b', 1)
		} else {
			number('b', 0)
		}
	}
	text(cursor)
	text(q.Kind)
	text(q.OrderBy)
	truth(q.Descending)
	for _, f := range q.Where {
		text(f.Property)
		text(string(f.Op))
		switch v := f.Value.(type) {
		case string:
			b = append(b, 's')
			text(v)
		case int64:
			number('i', uint64(v))
		case float64:
			number('f', math.Float64bits(v))
		case time.Time:
			number('t', uint64(v.UnixMicro()))
		case bool:
			truth(v)
		}
	}
	return sha256.Sum256(b)
}
