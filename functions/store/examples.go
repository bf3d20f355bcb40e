package store

import (
	"time"

	"github.com/tallystick/tallystick/internal/recordhttp"
)

// Examples of replies, as the specification shows them. A test sends the requests'
// examples and compares.

var exampleTime = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

func exampleRecord(original, transformed string, version int64) recordhttp.Record {
	return recordhttp.Record{
		ID: "widget", Collection: "products", Original: recordhttp.Object(original), Transformed: recordhttp.Object(transformed),
		Version: version, CreateTime: exampleTime, UpdateTime: exampleTime,
	}
}

const (
	exampleOriginal    = `{"name":"Widget","color":"red","price":"9.90"}`
	exampleTransformed = `{"name":"Widget","color":"red","price":9.90}`
)

var (
	exampleStored = stored{
		Status: true, Count: 1, IDs: []string{"widget"},
		Records: []recordhttp.Record{exampleRecord(exampleOriginal, exampleTransformed, 1)},
	}
	exampleChanged = exampleRecord(exampleOriginal, exampleTransformed, 2)
	examplePatched = exampleRecord(`{"name":"Widget","color":"blue","price":"9.90"}`, `{"name":"Widget","color":"blue","price":9.90}`, 2)

	exampleSettings = settings{
		Schema:  recordhttp.Object(`{"required":["name"],"type":"object"}`),
		Indexes: []recordhttp.Index{{Field: "price", Type: "number"}},
	}
	exampleCollection = recordhttp.Collection{
		Collection: "products",
		Schema:     recordhttp.Object(`{"required":["name"],"type":"object"}`),
		Indexes:    []recordhttp.Index{{Field: "price", Type: "number"}},
		Version:    1, CreateTime: exampleTime, UpdateTime: &exampleTime,
	}

	exampleTry   = try{Settings: &exampleSettings, Data: recordhttp.Object(exampleOriginal)}
	exampleTried = tried{
		Valid: true, Transformed: recordhttp.Object(exampleTransformed),
		Indexed: []indexedField{{recordhttp.Index{Field: "price", Type: "number"}, 9.9}}, Errors: []documentFault{},
	}
)
