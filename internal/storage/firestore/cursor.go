package firestore

import (
	"encoding/binary"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/proto"

	"github.com/tallystick/tallystick/internal/storage"
)

// cursorMark tells our cursors from those of another backend.
const cursorMark = 3

// place is where an entity stands in the order of a query: by the value that it is
// ordered by, if any, then by its name.
type place struct {
	value *pb.Value // nil where names are the order
	name  string
}

// cursor is the mark, the value as the API encodes it behind its length, the name.
// It names a place and no document, so it holds whatever becomes of them.
func (p place) cursor() string {
	var value []byte
	if p.value != nil {
		var err error
		if value, err = (proto.MarshalOptions{Deterministic: true}).Marshal(p.value); err != nil {
			panic(err) // the server sent it a moment ago
		}
	}
	b := binary.AppendUvarint([]byte{cursorMark}, uint64(len(value)))
	b = append(b, value...)
	return string(append(b, p.name...))
}

func parseCursor(q storage.Query) (place, error) {
	b := []byte(q.Cursor)
	if b[0] != cursorMark {
		return place{}, storage.ErrCursor
	}
	b = b[1:]
	n, used := binary.Uvarint(b)
	if used <= 0 || n >= uint64(len(b)-used) {
		return place{}, storage.ErrCursor
	}
	value, name := b[used:used+int(n)], b[used+int(n):]
	p := place{name: string(name)}
	if len(value) > 0 {
		p.value = &pb.Value{}
		if err := proto.Unmarshal(value, p.value); err != nil {
			return place{}, storage.ErrCursor
		}
	}
	if (p.value != nil) != (orderOf(q) != "") {
		return place{}, storage.ErrCursor
	}
	return p, nil
}

// behind is where a query goes on after a place.
func (s *store) behind(kind string, p place) *pb.Cursor {
	name := s.document(storage.Key{Kind: kind, Name: p.name})
	c := &pb.Cursor{Before: false}
	if p.value != nil {
		c.Values = append(c.Values, p.value)
	}
	c.Values = append(c.Values, &pb.Value{ValueType: &pb.Value_ReferenceValue{ReferenceValue: name}})
	return c
}
