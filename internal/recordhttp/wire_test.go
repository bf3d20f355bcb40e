package recordhttp_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/recordhttp"
)

// TestRepliesAreWhatTheirFieldsSay: what is written byte for byte is what
// encoding/json, and so the specification, makes of the same value.
func TestRepliesAreWhatTheirFieldsSay(t *testing.T) {
	at, total := time.Date(2026, 11, 22, 10, 0, 0, 1000, time.UTC), int64(7)
	full := recordhttp.Record{
		ID: "a", Collection: "c", Original: recordhttp.Object(`{"x":1}`), Transformed: recordhttp.Object(`{"y":"<"}`),
		Version: 3, CreateTime: at, UpdateTime: at, ExpireTime: &at,
	}
	bare := recordhttp.Record{ID: "b", Collection: "c", Transformed: recordhttp.Object(`{}`), Version: 1}
	for _, reply := range []edge.JSONAppender{
		full, bare,
		recordhttp.List{Status: true, Records: []recordhttp.Record{}},
		recordhttp.List{Status: true, Count: 2, Records: []recordhttp.Record{full, bare}, NextPageToken: "t", Total: &total},
	} {
		want, err := json.Marshal(struct{ V any }{plain(reply)})
		if err != nil {
			t.Fatal(err)
		}
		var got, fields any
		if err := json.Unmarshal(reply.AppendJSON(nil), &got); err != nil {
			t.Fatal(err)
		}
		again, err := json.Marshal(struct{ V any }{got})
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(want, &fields); err != nil {
			t.Fatal(err)
		}
		sorted, err := json.Marshal(fields)
		if err != nil {
			t.Fatal(err)
		}
		if string(again) != string(sorted) {
			t.Errorf("got  %s\nwant %s", again, sorted)
		}
	}
}

// plain is a value without its own way to be JSON.
func plain(v any) any {
	switch v := v.(type) {
	case recordhttp.List:
		type fields recordhttp.List
		return fields(v)
	}
	return v
}
