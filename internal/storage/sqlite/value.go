package sqlite

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"
)

// An indexed value is stored as a BLOB whose bytes compare as the values do: a
// byte for its type, then
//
//	bool     0 or 1
//	int64    8 bytes, big endian, sign bit flipped
//	float64  the IEEE bits, big endian; all flipped when negative, else the sign bit
//	time     microseconds since 1970 as an int64
//	string   its bytes
//
// The bytes are never changed: they are in people's files.
const (
	typeBool   = 0x10
	typeInt    = 0x20
	typeFloat  = 0x30
	typeTime   = 0x40
	typeString = 0x50

	signBit = 1 << 63
)

// belowValues sorts before every value, aboveValues after.
var belowValues, aboveValues = []byte{0}, []byte{0xff}

func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case bool:
		if v {
			return append(b, typeBool, 1)
		}
		return append(b, typeBool, 0)
	case int64:
		return appendOrdered(b, typeInt, v)
	case time.Time:
		return appendOrdered(b, typeTime, v.UnixMicro())
	case float64:
		bits := math.Float64bits(v)
		if bits&signBit != 0 {
			bits = ^bits
		} else {
			bits |= signBit
		}
		return binary.BigEndian.AppendUint64(append(b, typeFloat), bits)
	case string:
		return append(append(b, typeString), v...)
	}
	panic(fmt.Sprintf("a %T was not checked", v))
}

func appendOrdered(b []byte, kind byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(append(b, kind), uint64(n)^signBit)
}

func decodeValue(b []byte) (any, error) {
	if len(b) > 0 && b[0] == typeString {
		return string(b[1:]), nil
	}
	if len(b) == 2 && b[0] == typeBool {
		return b[1] == 1, nil
	}
	if len(b) == 9 {
		bits := binary.BigEndian.Uint64(b[1:])
		switch b[0] {
		case typeInt:
			return int64(bits ^ signBit), nil
		case typeTime:
			return time.UnixMicro(int64(bits ^ signBit)).UTC(), nil
		case typeFloat:
			if bits&signBit != 0 {
				return math.Float64frombits(bits ^ signBit), nil
			}
			return math.Float64frombits(^bits), nil
		}
	}
	return nil, fmt.Errorf("stored value %x is not one of this version's", b)
}
