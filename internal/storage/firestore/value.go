package firestore

import (
	"fmt"
	"time"

	pb "cloud.google.com/go/firestore/apiv1/firestorepb"
	"google.golang.org/protobuf/types/known/timestamppb"
)

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
