package fetch

import (
	"time"

	"github.com/tallystick/tallystick/internal/recordhttp"
)

// Examples of replies, as the specification shows them. A test sends the requests'
// examples and compares.

var (
	exampleTime = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

	exampleRecord = recordhttp.Record{
		ID: "widget", Collection: "products",
		Original:    recordhttp.Object(`{"name":"Widget","color":"red","price":"9.90"}`),
		Transformed: recordhttp.Object(`{"name":"Widget","color":"red","price":9.90}`),
		Version:     1, CreateTime: exampleTime, UpdateTime: exampleTime,
	}
	exampleList = recordhttp.List{Status: true, Count: 1, Records: []recordhttp.Record{exampleRecord}}

	exampleCollection = recordhttp.Collection{
		Collection: "products", CreateTime: exampleTime,
		Fields: []recordhttp.Field{
			{Field: "color", Types: []string{"string"}},
			{Field: "name", Types: []string{"string"}},
			{Field: "price", Types: []string{"number"}},
		},
	}
)
