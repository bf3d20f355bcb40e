package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/tallystick/tallystick"
	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/partner"
	"github.com/tallystick/tallystick/internal/storage/sqlite"
)

// usually are requests that are sent before the operations of a function, and before
// those that are sent before one of them instead. UPDATE stands for a signed update, with
// its webhook-id.
var usually = map[string][]string{
	"store": {aRecord}, "fetch": {aRecord}, "remove": {aRecord}, "stock": {anItem, itsCount},
}

var before = map[string][]string{
	"visitsSummary": slices.Concat(
		slices.Repeat([]string{`POST /visits?page=/about&referrer=news.ycombinator.com {}`}, 12),
		slices.Repeat([]string{`POST /visits?page=/about&utm_source=newsletter {}`}, 3)),

	"store":         nil,
	"createRecords": nil,
	"importRecords": nil,
	"putRecord":     {`PUT /records/products/widget {"name":"Widget"}`},
	"putCollection": {someSettings},
	"listRevisions": {aRecord, `PATCH /records/products/widget {"color":"blue"}`},
	"retransform":   {aRecord, someSettings},

	"adjustItems":        {anItem, itsCount, `POST /stock/GADGET/count {"quantity":3}`},
	"listStockAlerts":    {anItem, itsCount, `POST /stock/WIDGET/adjust {"delta":-36}`},
	"listReservations":   {anItem, itsCount, aReservation},
	"readReservation":    {anItem, itsCount, aReservation},
	"commitReservation":  {anItem, itsCount, aReservation},
	"releaseReservation": {anItem, itsCount, aReservation},
	"extendReservation":  {anItem, itsCount, aReservation},

	"acceptUpdate":       {theirItem},
	"listPartnerUpdates": {theirItem, `UPDATE ` + updateID + ` {"type":"stock.adjusted","timestamp":"2026-11-21T12:00:00Z","data":{"sku":"ACME-1","delta":-2,"reference":"PO-1001"}}`},
	"readDelivery":       {`UPDATE msg_2KWPBgLlAfxdpx2AI54pPJ85f4X {"type":"delivery.updated","timestamp":"2026-11-21T12:00:00Z","data":{"id":"D-1","status":"shipped","order":"ORDER-7"}}`},
}

const (
	aRecord      = `PUT /records/products/widget {"name":"Widget","color":"red","price":"9.90"}`
	someSettings = `PUT /collections/products {"schema":{"required":["name"],"type":"object"},"indexes":[{"field":"price","type":"number"}]}`
	anItem       = `PUT /stock/WIDGET {"lowStockThreshold":5}`
	itsCount     = `POST /stock/WIDGET/count {"quantity":40,"reason":"stocktaking"}`
	aReservation = `POST /reservations {"lines":[{"sku":"WIDGET","quantity":2}],"reference":"ORDER-7"}`
	theirItem    = `POST /stock/ACME-1/count {"quantity":10}`

	updateID = "msg_2KWPBgLlAfxdpx2AI54pPJ85f4W"
	token    = "the old token of acme"
)

// backends say which function has the paths that begin so.
var backends = map[string]string{
	"records": "store", "collections": "store", "stock": "stock", "reservations": "stock", "partners": "update", "visits": "visits",
}

// shop is the functions on the day of the examples, with one partner.
type shop struct {
	functions   map[string]http.Handler
	secret      string // of the partner acme
	reservation string // the id of what was reserved before
}

var today = time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)

// serveExamples is a shop as it is before an operation.
func serveExamples(t *testing.T, op *openapi3.Operation) *shop {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	s, folder := &shop{functions: make(map[string]http.Handler)}, t.TempDir()
	s.secret, err = partner.Add(folder, partner.Draft{
		ID: "acme", Types: []string{"*"}, SKUs: []string{"ACME-*"}, Token: token, Texts: []partner.Text{"raw"},
	}, today)
	if err != nil {
		t.Fatal(err)
	}
	env := edge.Env{
		Config: edge.Config{AllowedOrigins: []string{"*"}, TrustedHops: 1, MergeQueue: 100, Shards: 1, Partners: folder, LegacyUpdates: "true"},
		Store:  store,
		Now:    func() time.Time { return today },
	}
	for _, f := range tallystick.Functions {
		api, err := edge.New(f, env, nil)
		if err != nil {
			t.Fatal(err)
		}
		s.functions[f.Name] = api.Handler()
	}
	seed, ok := seeds[op.OperationID]
	if !ok {
		seed = usual
	}
	seedVisits(t, s.functions["visits"], seed)
	requests, ok := before[op.OperationID]
	if !ok {
		requests = usually[function(op)]
	}
	for _, request := range requests {
		s.send(t, request)
	}
	return s
}

func function(op *openapi3.Operation) string { return op.Extensions[edge.FunctionExtension].(string) }

// send sends a request of those above.
func (s *shop) send(t *testing.T, request string) {
	t.Helper()
	parts := strings.SplitN(request, " ", 3)
	method, path := parts[0], parts[1]
	if method == "UPDATE" {
		method, path = http.MethodPost, "/partners/acme/updates"
	}
	r := httptest.NewRequest(method, path, strings.NewReader(parts[2]))
	r.Header.Set("Content-Type", "application/json")
	if parts[0] == "UPDATE" {
		s.sign(t, r, parts[1], []byte(parts[2]))
	}
	w := httptest.NewRecorder()
	first, _, _ := strings.Cut(strings.Split(path, "/")[1], "?")
	s.functions[backends[first]].ServeHTTP(w, r)
	if w.Code/100 != 2 {
		t.Fatalf("%s: %s", request, w.Body)
	}
	if request == aReservation {
		s.reservation = invented.FindStringSubmatch(w.Body.String())[1]
	}
}

func (s *shop) sign(t *testing.T, r *http.Request, id string, body []byte) {
	t.Helper()
	signature, err := partner.Sign(s.secret, id, today, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("webhook-id", id)
	r.Header.Set("webhook-timestamp", strconv.FormatInt(today.Unix(), 10))
	r.Header.Set("webhook-signature", signature)
}

const (
	exampleReservation = "9ety6bdtcyc0y100qyx9900"
	exampleLegacyID    = "legacy-0123456789abcdef01234567"
	exampleLegacyKey   = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

// mend gives an example of a request what no example can have: a reservation that there
// is, or a signature.
func (s *shop) mend(t *testing.T, op *openapi3.Operation, r *http.Request) {
	t.Helper()
	r.URL.Path = strings.Replace(r.URL.Path, exampleReservation, s.reservation, 1)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	switch op.OperationID {
	case "acceptUpdate":
		s.sign(t, r, updateID, body)
	case "acceptLegacyUpdate":
		param := regexp.MustCompile(`\{"datas":\[(.*),\{"key"`).FindSubmatch(body)[1]
		key := fmt.Sprintf("%x", sha256.Sum256(append(param, token...)))
		body = bytes.Replace(body, []byte(exampleLegacyKey), []byte(key), 1)
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
}

// invented are the ids that the server makes up.
var invented = regexp.MustCompile(`"id":"([0-9a-z]{22,24}|legacy-[0-9a-f]{24})"`)

// known is a reply with the ids of the examples in place of those that were made up.
func (s *shop) known(reply string) string {
	return invented.ReplaceAllStringFunc(reply, func(id string) string {
		if strings.Contains(id, "legacy") {
			return `"id":"` + exampleLegacyID + `"`
		}
		return `"id":"` + exampleReservation + `"`
	})
}
