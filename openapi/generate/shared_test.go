package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"github.com/tallystick/tallystick/internal/edge"
	"github.com/tallystick/tallystick/internal/gateway"
)

// operationsOf returns a function that answers with its name. An operation is
// "METHOD path", public with a + before it, and signed with a ~.
func operationsOf(name string, all ...string) edge.Function {
	type input struct {
		ID string `path:"id" doc:"Which one."`
	}
	type output struct{ Body string }
	return edge.Function{Name: name, Register: func(a *edge.API) {
		for _, o := range all {
			public, signed := strings.HasPrefix(o, "+"), strings.HasPrefix(o, "~")
			method, path, _ := strings.Cut(strings.TrimLeft(o, "+~"), " ")
			edge.Register(a, edge.Operation{
				Operation: huma.Operation{OperationID: name + method, Method: method, Path: path, Summary: "A made-up one"},
				Public:    public, Signed: signed,
			}, func(context.Context, *input) (*output, error) { return &output{name}, nil })
		}
	}}
}

const sharedPath = "/things/{id}"

// shared are two functions that have a path in common.
var shared = []edge.Function{
	operationsOf("write", "PUT "+sharedPath, "DELETE "+sharedPath),
	operationsOf("read", "+GET "+sharedPath),
}

func TestOperationsOfASharedPathAreTheirFunctions(t *testing.T) {
	item := describe(shared).Paths[sharedPath]
	for _, tt := range []struct {
		op           *huma.Operation
		id, function string
	}{
		{item.Get, "readGET", "read"},
		{item.Put, "writePUT", "write"},
		{item.Delete, "writeDELETE", "write"},
		{item.Options, "preflightThingsId", "read"}, // which has what is public
	} {
		if tt.op == nil || tt.op.OperationID != tt.id || tt.op.Extensions[edge.FunctionExtension] != tt.function || fmt.Sprint(tt.op.Tags) != "["+tt.function+"]" {
			t.Errorf("%+v, want %s of %s", tt.op, tt.id, tt.function)
		}
	}
	keyed := describe(shared[:1]).Paths[sharedPath]
	if got := keyed.Options.Extensions[edge.FunctionExtension]; got != "write" {
		t.Errorf("the preflight of a path without a public operation is %v's, want write's", got)
	}
}

// TestASharedPathThroughTheGateway asks the functions themselves, through the gateway
// with the routes that are generated for them.
func TestASharedPathThroughTheGateway(t *testing.T) {
	const ours, other = "https://ours.example", "https://other.example"
	gate := serve(t, edge.Config{AllowedOrigins: []string{"*", ours}}, shared)
	for _, tt := range []struct{ method, function, ours, other string }{
		{"GET", "read", "*", "*"},
		{"PUT", "write", ours, ""},
		{"DELETE", "write", ours, ""},
	} {
		if w := send(gate, tt.method, "X-Api-Key", "key"); w.Code != http.StatusOK || w.Body.String() != `"`+tt.function+"\"\n" {
			t.Errorf("%s: %d %s, want 200 of %s", tt.method, w.Code, w.Body, tt.function)
		}
		for origin, want := range map[string]string{ours: tt.ours, other: tt.other} {
			w := send(gate, "OPTIONS", "Origin", origin, "Access-Control-Request-Method", tt.method)
			if got := w.Header().Get("Access-Control-Allow-Origin"); w.Code != http.StatusNoContent || got != want {
				t.Errorf("may %s send %s: %d, Access-Control-Allow-Origin %q; want 204, %q", origin, tt.method, w.Code, got, want)
			}
		}
	}
}

func TestCredentialsPassTheGateway(t *testing.T) {
	// Of the password "secret".
	const anna = "anna:$2a$04$bxBEYPMxBdTi.044SiNCZ.Op4pm4VhTwG4qkAt8IF0OoNTDnHFJjq"
	gate := serve(t, edge.Config{BasicAuth: anna}, shared)
	for authorization, want := range map[string]int{"Basic YW5uYTpzZWNyZXQ=": 200, "Basic YW5uYTp4": 401, "": 401} {
		header := []string{"X-Api-Key", "key"}
		if authorization != "" {
			header = append(header, "Authorization", authorization)
		}
		if w := send(gate, "PUT", header...); w.Code != want || (want == 401) != (w.Header().Get("WWW-Authenticate") != "") {
			t.Errorf("%q: %d %v %s, want %d", authorization, w.Code, w.Header(), w.Body, want)
		}
	}
}

func TestPublicOperationsOfAPathAreOneFunctions(t *testing.T) {
	defer func() {
		if v := fmt.Sprint(recover()); !strings.Contains(v, sharedPath+": readGET and countPOST are public, and in two functions") {
			t.Errorf("describe panicked with %s, want both operations named", v)
		}
	}()
	describe(append(shared, operationsOf("count", "+POST "+sharedPath)))
}

// TestASignedOperationPassesTheGatewayWithoutAKey, beside one of the same path that
// needs it.
func TestASignedOperationPassesTheGatewayWithoutAKey(t *testing.T) {
	gate := serve(t, edge.Config{AllowedOrigins: []string{"*"}}, []edge.Function{operationsOf("update", "~POST "+sharedPath, "GET "+sharedPath)})
	for method, want := range map[string]int{"POST": 200, "GET": 401} {
		if w := send(gate, method); w.Code != want {
			t.Errorf("%s without a key: %d %s, want %d", method, w.Code, w.Body, want)
		}
	}
	for _, method := range []string{"POST", "GET"} {
		w := send(gate, "OPTIONS", "Origin", "https://other.example", "Access-Control-Request-Method", method)
		if got := w.Header().Get("Access-Control-Allow-Origin"); w.Code != http.StatusNoContent || got != "" {
			t.Errorf("may any page send %s: %d, Access-Control-Allow-Origin %q; want 204 and none", method, w.Code, got)
		}
	}
}

func TestAFunctionThatDoesNotStartWithoutSettingsIsNotDescribed(t *testing.T) {
	defer func() {
		if v := fmt.Sprint(recover()); !strings.Contains(v, "function picky has to start without any setting: settings: COLOUR: it is empty") {
			t.Errorf("describe panicked with %s, want the function and its error", v)
		}
	}()
	describe([]edge.Function{{Name: "picky", Register: func(a *edge.API) { a.Refuse(errors.New("COLOUR: it is empty")) }}})
}

// serve is a gateway before some functions.
func serve(t *testing.T, config edge.Config, functions []edge.Function) http.Handler {
	t.Helper()
	addresses, backends := make(map[string]string), make(map[string]http.Handler)
	for _, f := range functions {
		address := "https://" + f.Name + ".test"
		addresses[strings.ToUpper(f.Name)+"_URL"] = address
		api, err := edge.New(f, edge.Env{Config: config}, nil)
		if err != nil {
			t.Fatal(err)
		}
		backends[address] = api.Handler()
	}
	rendered, err := gateway.Render(gatewayConfig(describe(functions)), addresses)
	if err != nil {
		t.Fatal(err)
	}
	gate, err := gateway.New(rendered, gateway.Options{Keys: []string{"key"}, Backends: backends})
	if err != nil {
		t.Fatal(err)
	}
	return gate
}

func send(h http.Handler, method string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "/things/1", nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
