package recordhttp_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tallystick/tallystick"
	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/storage"
	"github.com/tallystick/tallystick/internal/storage/storagetest"
)

// TestATryNeedsNoMoreThanToRead: whoever may only read the store may try, and nothing is
// stored, of good documents, of bad ones and by settings of any sort.
func TestATryNeedsNoMoreThanToRead(t *testing.T) {
	w := newWorld(t, backends[0])
	w.ok("PUT", "/collections/c", `{"schema":{"required":["n"]}}`)
	before := w.everything()
	f, _ := tallystick.Find("store")
	api, err := edge.New(f, edge.Env{Config: config(), Store: storagetest.Granted(w.store, storage.Reads), Now: w.clock.time}, nil)
	if err != nil {
		t.Fatal(err)
	}
	handler := api.Handler()
	for _, tt := range []struct{ collection, body, want string }{
		{"c", `{"data":{"n":1}}`, `{"valid":true,"transformed":{"n":1},`},
		{"c", `{"data":{}}`, `{"valid":false,`},
		{"c", `{"settings":{"transform":"{m:1}","ttlSeconds":60},"data":{}}`, `{"valid":true,"transformed":{"m":1},`},
		{"none", `{"data":{}}`, `{"valid":true,"transformed":{},`},
	} {
		r := httptest.NewRequest(http.MethodPost, "/collections/"+tt.collection+"/try", strings.NewReader(tt.body))
		r.Header.Set("Content-Type", "application/json")
		got := httptest.NewRecorder()
		handler.ServeHTTP(got, r)
		if got.Code != http.StatusOK || !strings.HasPrefix(got.Body.String(), tt.want) {
			t.Errorf("%s %s: %d %s, want 200 %s", tt.collection, tt.body, got.Code, got.Body, tt.want)
		}
	}
	w.wantSame(before)
}

// TestATryGivesTheBytesThatStoringGives, of whatever a JSON library may write otherwise.
func TestATryGivesTheBytesThatStoringGives(t *testing.T) {
	type reply struct {
		Records     []struct{ Transformed json.RawMessage }
		Transformed json.RawMessage
	}
	w := newWorld(t, backends[0])
	for _, document := range []string{
		`{"a": "<&>", "b":1.50, "c" : {"d":[1,  2.0,"\u2028"]}}`, "{\"t\":\"\u2028\\u2029\\ud83d\\ude00\\/\"}", `{"n":12345678901234567890.10,"m":1E5}`, `{}`,
	} {
		tried := decoded[reply](w, "POST", "/collections/c/try", `{"data":`+document+`}`)
		stored := decoded[reply](w, "POST", "/store?collection=c", document)
		if got, want := string(tried.Transformed), string(stored.Records[0].Transformed); got != want {
			t.Errorf("%s: the try has %s, and stored is %s", document, got, want)
		}
	}
}
