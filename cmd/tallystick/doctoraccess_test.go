//go:build unix

package main

import (
	"net/http"
	"strings"
	"testing"
)

// TestDoctorTellsAnOpenDoorFromWhatIsNotKnown: only a good reply has come in.
func TestDoctorTellsAnOpenDoorFromWhatIsNotKnown(t *testing.T) {
	s := startServer(t, t.TempDir())
	wantDoctor(t, s, []oddity{
		{name: "the wrong key", args: []string{"--key", "wrong"}, code: 1, want: []string{
			`(?m)^FAILED   key              the one given is refused: 400 .*API key not valid`,
			`(?m)^ok       stock  `,
			`(?m)^ok       fetch            OPTIONS /collections is answered; its database was not asked$`,
			`(?m)^ok       update           OPTIONS /deliveries/tallystick-doctor is answered; its database was not asked$`,
		}},
		{name: "a key that is refused on the way", before: func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/collections" && r.Header.Get("X-Api-Key") != "" {
				w.WriteHeader(http.StatusForbidden)
				return true
			}
			return false
		}, code: 0, want: []string{
			`(?m)^ok       fetch            OPTIONS /collections is answered; its database was not asked$`,
			`(?m)^ok       update           GET /deliveries/tallystick-doctor is answered, from its database$`,
		}},
		{name: "a key that the proxy adds", before: func(_ http.ResponseWriter, r *http.Request) bool {
			r.Header.Set("X-Api-Key", s.keptKey())
			return false
		}, code: 1, want: []string{`(?m)^FAILED   key              GET /visits/top without a key: 200`, `(?m)^FAILED   key              GET /visits/top with a wrong key: 200`}},
		{name: "a proxy that forwards no route with a key", before: refuseTop(http.StatusNotFound), code: 0, want: []string{
			`(?m)^warning  key              it is not known whether without one, a route with a key is refused: GET /visits/top: 404 .*\n +This route is not forwarded`,
			`(?m)^warning  key              it is not known whether a wrong one is refused: GET /visits/top: 404 `,
			`(?m)^warning  key              it is not known whether the one given opens it: GET /visits/top: 404 `,
			`(?m)^warning  list             GET /visits/top: there is no such route`,
		}},
		{name: "a proxy that limits requests", before: refuseTop(http.StatusTooManyRequests), code: 0, want: []string{
			`(?m)^warning  key              it is not known whether without one, .*: 429 .*\n +It is there, but refuses this address for now`,
			`(?m)^warning  key              it is not known whether a wrong one is refused: .*: 429 `,
			`(?m)^warning  key              it is not known whether the one given opens it: .*: 429 `,
			`(?m)^warning  list             GET /visits/top: 429 .*\n +It is there`,
		}},
		{name: "a proxy that sends all to a form", before: refuseTop(http.StatusFound), code: 1, want: []string{
			`(?m)^warning  key              it is not known whether without one, .*: 302 .*\n +Look at what stands between`,
			`(?m)^warning  key              it is not known whether a wrong one is refused: .*: 302 `,
			`(?m)^FAILED   list             GET /visits/top: 302 `,
		}, not: `(?m)^FAILED +key`},
	})
}

// refuseTop answers the route by which keys are tried.
func refuseTop(status int) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/visits/top" {
			return false
		}
		w.WriteHeader(status)
		return true
	}
}

// TestDoctorKnowsAnotherProgramsReplies, though they say 200.
func TestDoctorKnowsAnotherProgramsReplies(t *testing.T) {
	s := startServer(t, t.TempDir())
	wantDoctor(t, s, []oddity{
		{name: "a proxy with a page for all that it does not know", before: func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path == "/openapi.json" {
				return false
			}
			w.Write([]byte("<!doctype html><title>My site</title>"))
			return true
		}, code: 1, want: []string{
			`(?m)^FAILED   visits           GET /visits: 200, but not as Tallystick answers\n +Another program answers this route`,
			`(?m)^FAILED   store            OPTIONS /store: 200, but`,
			`(?m)^FAILED   fetch            GET /collections: 200, but`,
			`(?m)^FAILED   remove           OPTIONS /delete: 200, but`,
			`(?m)^FAILED   stock            GET /stock: 200, but`,
			`(?m)^FAILED   update           GET /deliveries/tallystick-doctor: 200, but`,
			`(?m)^FAILED   docs             GET /docs: 200, but`,
			`(?m)^warning  key              it is not known whether without one, .*: GET /visits/top: 200, but not as Tallystick answers\n +Another program`,
			`(?m)^warning  key              it is not known whether the one given opens it: `,
			`(?m)^FAILED   list             GET /visits/top: 200, but`,
			`(?m)^FAILED   list             GET /items: 200, but`,
			`(?m)^FAILED   list             GET /reservations: 200, but`,
			`(?m)^FAILED   list             GET /stock/alerts: 200, but`,
			`(?m)^FAILED   list             GET /partners/tallystick-doctor/updates: 200, but`,
			`(?m)^FAILED   list             GET /fetchAll: 200, but`,
		}, not: `(?m)^ok +proxy|^FAILED +key`},
		{name: "a proxy that answers in JSON by itself", before: func(w http.ResponseWriter, r *http.Request) bool {
			if r.URL.Path != "/stock" {
				return false
			}
			w.Write([]byte(`{"ok":true}`))
			return true
		}, code: 1, want: []string{`(?m)^FAILED   stock            GET /stock: 200, but not as Tallystick answers`}},
	})
}

func TestDoctorWithoutAKeySaysWhatItLeavesOut(t *testing.T) {
	s := startServer(t, t.TempDir(), "API_KEYS=secret")
	out := s.tool("", "doctor").wants(0, "warning  key              none is given", "OPTIONS /collections is answered; its database was not asked").stdout
	if strings.Contains(out, "list") && strings.Contains(out, "GET /visits/top\n") {
		t.Errorf("it says that it read a list:\n%s", out)
	}
}

func TestDoctorAsksForTheUserToo(t *testing.T) {
	const ada = "ada:$2a$04$Pz7OEuurMNgzBfx0E5N99ehywvNdkg4WKAZIu3Dqt50XVpvYWLr3S"
	s := startServer(t, t.TempDir(), "BASIC_AUTH="+ada)
	s.tool("", "doctor").wants(1, "FAILED   key              the one given is not enough", "give --user USER:PASSWORD too")
}
