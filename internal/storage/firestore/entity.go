package firestore

import (
	"fmt"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/google"
)

// An entity's own parts are fields that no name of storage's can be. Each document
// has the field _all, which is true: Firestore does not go backward through a
// collection, but it does through the documents whose field is true.
const (
	allField    = "_all"
	dataField   = "_data"
	expireField = "_expire"
	nameField   = "__name__"
)

func (s *store) encodeEntity(e storage.Entity) *pb.Document {
	fields := make(map[string]*pb.Value, len(e.Index)+3)
	fields[allField] = encodeValue(true)
	for name, v := range e.Index {
		fields[google.Escape(name)] = encodeValue(v)
	}
	if len(e.Data) > 0 {
		fields[dataField] = &pb.Value{ValueType: &pb.Value_BytesValue{BytesValue: e.Data}}
	}
	if !e.Expire.IsZero() {
		fields[expireField] = encodeValue(e.Expire)
	}
	return &pb.Document{Name: s.document(e.Key), Fields: fields}
}

func (s *store) decodeEntity(d *pb.Document) (e storage.Entity, err error) {
	if e.Key, err = s.keyOf(d.GetName()); err != nil {
		return e, err
	}
	e.Exists = true
	for field, v := range d.GetFields() {
		switch field {
		case allField:
		case dataField:
			e.Data = append([]byte(nil), v.GetBytesValue()...)
		case expireField:
			e.Expire = v.GetTimestampValue().AsTime()
		default:
			value, err := decodeValue(v)
			name := field
			if err == nil {
				name, err = google.Unescape(field)
			}
			if err != nil {
				return e, fmt.Errorf("%s: field %s: %w", e.Key, field, err)
			}
			if e.Index == nil {
				e.Index = make(map[string]any, len(d.GetFields()))
			}
			e.Index[name] = value
		}
	}
	return e, nil
}
