package datastore

import (
	"fmt"
	"time"

	pb "cloud.google.com/go/datastore/apiv1/datastorepb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/google"
)

// An entity's own parts are properties that no name of storage's can be. Neither
// is indexed: a TTL policy for _expire needs no index, and one over ascending
// times would be a hot spot.
const (
	dataProperty   = "_data"
	expireProperty = "_expire"
	keyProperty    = "__key__"
)

func (s *store) key(k storage.Key) *pb.Key {
	return &pb.Key{
		PartitionId: s.partition(),
		Path:        []*pb.Key_PathElement{{Kind: k.Kind, IdType: &pb.Key_PathElement_Name{Name: k.Name}}},
	}
}

func (s *store) partition() *pb.PartitionId {
	return &pb.PartitionId{ProjectId: s.project, DatabaseId: s.database, NamespaceId: s.namespace}
}

func keyOf(e *pb.Entity) (storage.Key, error) {
	path := e.GetKey().GetPath()
	if len(path) != 1 || path[0].GetName() == "" {
		return storage.Key{}, fmt.Errorf("%v is not a key of ours", e.GetKey())
	}
	return storage.Key{Kind: path[0].GetKind(), Name: path[0].GetName()}, nil
}

func (s *store) encodeEntity(e storage.Entity) *pb.Entity {
	properties := make(map[string]*pb.Value, len(e.Index)+2)
	for name, v := range e.Index {
		properties[google.Escape(name)] = encodeValue(v)
	}
	if len(e.Data) > 0 {
		properties[dataProperty] = &pb.Value{ValueType: &pb.Value_BlobValue{BlobValue: e.Data}, ExcludeFromIndexes: true}
	}
	if !e.Expire.IsZero() {
		expire := encodeValue(e.Expire)
		expire.ExcludeFromIndexes = true
		properties[expireProperty] = expire
	}
	return &pb.Entity{Key: s.key(e.Key), Properties: properties}
}

func decodeEntity(p *pb.Entity) (e storage.Entity, err error) {
	if e.Key, err = keyOf(p); err != nil {
		return e, err
	}
	e.Exists = true
	for name, v := range p.GetProperties() {
		switch name {
		case dataProperty:
			e.Data = append([]byte(nil), v.GetBlobValue()...)
		case expireProperty:
			e.Expire = v.GetTimestampValue().AsTime()
		default:
			value, err := decodeValue(v)
			if err == nil {
				name, err = google.Unescape(name)
			}
			if err != nil {
				return e, fmt.Errorf("%s: property %s: %w", e.Key, name, err)
			}
			if e.Index == nil {
				e.Index = make(map[string]any, len(p.GetProperties()))
			}
			e.Index[name] = value
		}
	}
	return e, nil
}

func encodeValue(v any) *pb.Value {
	switch v := v.(type) {
	case string:
		return &pb.Value{ValueType: &pb.Value_StringValue{StringValue: v}}
	case int64:
		return &pb.Value{ValueType: &pb.Value_IntegerValue{IntegerValue: v}}
	case float64:
		return &pb.Value{ValueType: &pb.Value_DoubleValue{DoubleValue: v}}
	case bool:
		return &pb.Value{ValueType: &pb.Value_BooleanValue{BooleanValue: v}}
	case time.Time:
		return &pb.Value{ValueType: &pb.Value_TimestampValue{TimestampValue: timestamppb.New(v)}}
	}
	panic(fmt.Sprintf("a %T was not checked", v))
}

func decodeValue(v *pb.Value) (any, error) {
	switch v := v.GetValueType().(type) {
	case *pb.Value_StringValue:
		return v.StringValue, nil
	case *pb.Value_IntegerValue:
		return v.IntegerValue, nil
	case *pb.Value_DoubleValue:
		return v.DoubleValue, nil
	case *pb.Value_BooleanValue:
		return v.BooleanValue, nil
	case *pb.Value_TimestampValue:
		return v.TimestampValue.AsTime(), nil
	default:
		return nil, fmt.Errorf("a %T is not one of ours", v)
	}
}
