package archive

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/tallystick/tallystick/internal/storage"
)

// entity is an entity's line.
type entity struct {
	Kind   string           `json:"kind"`
	Name   string           `json:"name"`
	Index  map[string]value `json:"index,omitzero"`
	Data   []byte           `json:"data,omitzero"` // in base64
	Expire time.Time        `json:"expire,omitzero"`
}

// value is an indexed property's, under the name of its type: one of these.
type value struct {
	String  *string `json:"string,omitzero"`
	Integer *int64  `json:"integer,omitzero"`
	Number  *number `json:"number,omitzero"`
	Boolean *bool   `json:"boolean,omitzero"`
	Time    *string `json:"time,omitzero"` // RFC 3339, to the microsecond
}

// number is a float64. JSON has no infinities: they are "Infinity" and "-Infinity".
type number float64

func (n number) MarshalJSON() ([]byte, error) {
	switch f := float64(n); {
	case math.IsInf(f, 1):
		return []byte(`"Infinity"`), nil
	case math.IsInf(f, -1):
		return []byte(`"-Infinity"`), nil
	default:
		return json.Marshal(f)
	}
}

func (n *number) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case `"Infinity"`:
		*n = number(math.Inf(1))
	case `"-Infinity"`:
		*n = number(math.Inf(-1))
	default:
		return json.Unmarshal(b, (*float64)(n))
	}
	return nil
}

func newEntity(e storage.Entity) *entity {
	x := &entity{Kind: e.Key.Kind, Name: e.Key.Name, Data: e.Data, Expire: e.Expire}
	if len(e.Index) > 0 {
		x.Index = make(map[string]value, len(e.Index))
	}
	for name, v := range e.Index {
		switch v := v.(type) {
		case string:
			x.Index[name] = value{String: &v}
		case int64:
			x.Index[name] = value{Integer: &v}
		case float64:
			n := number(v)
			x.Index[name] = value{Number: &n}
		case bool:
			x.Index[name] = value{Boolean: &v}
		case time.Time:
			text := v.Format(time.RFC3339Nano)
			x.Index[name] = value{Time: &text}
		default:
			panic(fmt.Sprintf("%s has an indexed %T", e.Key, v)) // which no store returns
		}
	}
	return x
}

var errValue = errors.New("it has one of string, integer, number, boolean and time")

// stored is the entity, if a store takes it.
func (x *entity) stored() (storage.Entity, error) {
	e := storage.Entity{Key: storage.Key{Kind: x.Kind, Name: x.Name}, Exists: true, Data: x.Data, Expire: x.Expire}
	if len(x.Index) > 0 {
		e.Index = make(map[string]any, len(x.Index))
	}
	for name, v := range x.Index {
		var err error
		if e.Index[name], err = v.only(); err != nil {
			return e, fmt.Errorf("%s: index %s: %w", e.Key, name, err)
		}
	}
	return e, e.Check()
}

func (v value) only() (only any, err error) {
	n := 0
	if v.String != nil {
		only, n = *v.String, n+1
	}
	if v.Integer != nil {
		only, n = *v.Integer, n+1
	}
	if v.Number != nil {
		only, n = float64(*v.Number), n+1
	}
	if v.Boolean != nil {
		only, n = *v.Boolean, n+1
	}
	if v.Time != nil {
		if only, err = time.Parse(time.RFC3339Nano, *v.Time); err != nil {
			return nil, err
		}
		n++
	}
	if n != 1 {
		return nil, errValue
	}
	return only, nil
}
