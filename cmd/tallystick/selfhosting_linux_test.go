package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/tallystick/tallystick/openapi"
)

const (
	selfHosting = "../../docs/self-hosting.md"
	unitFile    = "../../deploy/tallystick.service"
)

// TestProxiesOfTheDocument runs the configurations that docs/self-hosting.md has, before a
// server with the settings of the service.
func TestProxiesOfTheDocument(t *testing.T) {
	for _, p := range []struct {
		program, language string
		start             func(t *testing.T, config string, at place)
	}{
		{"nginx", "nginx", startNginx},
		{"caddy", "caddyfile", startCaddy},
	} {
		t.Run(p.program, func(t *testing.T) {
			wantNeeded(t, p.program, p.program+" before serve")
			s := startServer(t, t.TempDir(), serviceSetting(t, "TRUSTED_HOPS"), "RATE_LIMIT=0")
			at := newPlace(t, s.url)
			p.start(t, at.apply(documented(t, p.language)[0]), at)
			v := &viaProxy{t, at}
			eventually(t, p.program+" answers", func() bool {
				reply, err := at.client("127.0.0.1").Get(at.url + "/visits")
				if err == nil {
					reply.Body.Close()
				}
				return err == nil && reply.StatusCode == http.StatusOK
			})
			v.knowsClients()
			v.forwardsTheAPIAlone()
			v.takesLargeBodies(s.keptKey())
			v.takesManyIDs(s.keptKey())
		})
	}
}

// viaProxy asks through a proxy.
type viaProxy struct {
	*testing.T
	at place
}

// knowsClients: each address is a visitor, and nobody can choose one.
func (v *viaProxy) knowsClients() {
	v.Helper()
	for _, visit := range []struct {
		from, forged string
		want         string
	}{
		{"127.0.0.2", "", `"visits":1,"uniques":1,`},
		{"127.0.0.3", "", `"visits":2,"uniques":2,`},
		{"127.0.0.3", "", `"visits":3,"uniques":2,`},
		{"127.0.0.3", "192.0.2.7", `"visits":4,"uniques":2,`},
		{"127.0.0.3", "192.0.2.7, 192.0.2.8, 127.0.0.1", `"visits":5,"uniques":2,`},
	} {
		status, body := v.ask(visit.from, http.MethodPost, "/visits?page=/caf%C3%A9", "", "X-Forwarded-For", visit.forged)
		if status != http.StatusOK || !strings.Contains(body, visit.want) {
			v.Errorf("a visit from %s, forged %q: %d %s, want %s", visit.from, visit.forged, status, body, visit.want)
		}
	}
}

// forwardsTheAPIAlone asks for each path of the API as a browser does before it calls.
func (v *viaProxy) forwardsTheAPIAlone() {
	v.Helper()
	var api description
	if err := json.Unmarshal(openapi.JSON, &api); err != nil {
		v.Fatal(err)
	}
	parameter := regexp.MustCompile(`{[^}]*}`)
	for path := range api.Paths {
		if status, body := v.ask("127.0.0.1", http.MethodOptions, parameter.ReplaceAllString(path, "x"), ""); status != http.StatusNoContent {
			v.Errorf("OPTIONS %s: %d %s, want 204: the document does not forward it", path, status, body)
		}
	}
	for _, path := range []string{"/", "/index.html", "/demo.js", "/demo/history", "/visitsx", "/debug/vars"} {
		if status, body := v.ask("127.0.0.1", http.MethodGet, path, ""); status != http.StatusNotFound || strings.Contains(body, `"code"`) {
			v.Errorf("GET %s: %d %.100s, want the proxy's own 404", path, status, body)
		}
	}
}

func (v *viaProxy) takesLargeBodies(key string) {
	v.Helper()
	body := strings.Repeat("\n", 31<<20)
	if status, got := v.ask("127.0.0.1", http.MethodPost, "/visits/import", body, "X-Api-Key", key); status != http.StatusOK {
		v.Errorf("an import of 31 MiB: %d %s, want 200", status, got)
	}
	if status, got := v.ask("127.0.0.1", http.MethodGet, "/visits/export", "", "X-Api-Key", key); status != http.StatusOK || !strings.Contains(got, "/caf") {
		v.Errorf("the export: %d %.100s, want the page that was counted", status, got)
	}
}

// takesManyIDs of as many records as the API takes at once, three times as long as UUIDs,
// which is near what the gateway takes; by HTTP/2 too, as browsers do.
func (v *viaProxy) takesManyIDs(key string) {
	v.Helper()
	query := make(url.Values)
	for i := range 500 {
		query.Add("ids", fmt.Sprintf("%03d%s", i, strings.Repeat("x", 105)))
	}
	encoded := query.Encode()
	for _, again := range []struct{ method, path, want string }{
		{http.MethodGet, "/fetchMany", `"count":0,`},
		{http.MethodDelete, "/delete", `"deleted":[],`},
	} {
		if status, got := v.ask("127.0.0.1", again.method, again.path+"?"+encoded, "", "X-Api-Key", key); status != http.StatusOK || !strings.Contains(got, again.want) {
			v.Errorf("%s of 500 ids in %d bytes: %d %.300s, want 200 with %s", again.path, len(encoded), status, got, again.want)
		}
	}
	r, err := http.NewRequest(http.MethodGet, v.at.url+"/fetchMany?"+encoded, nil)
	if err != nil {
		v.Fatal(err)
	}
	r.Header.Set("X-Api-Key", key)
	client := v.at.client("127.0.0.1")
	client.Transport.(*http.Transport).ForceAttemptHTTP2 = true
	reply, err := client.Do(r)
	if err != nil {
		v.Fatal(err)
	}
	defer reply.Body.Close()
	if reply.ProtoMajor != 2 || reply.StatusCode != http.StatusOK {
		v.Errorf("500 ids by HTTP/2: %s %s, want HTTP/2.0 200", reply.Proto, reply.Status)
	}
}

// ask sends a request from an address of this machine, with headers in pairs.
func (v *viaProxy) ask(from, method, path, body string, headers ...string) (int, string) {
	v.Helper()
	r, err := http.NewRequest(method, v.at.url+path, strings.NewReader(body))
	if err != nil {
		v.Fatal(err)
	}
	r.Header.Set("User-Agent", browserAgent)
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] != "" {
			r.Header.Set(headers[i], headers[i+1])
		}
	}
	reply, err := v.at.client(from).Do(r)
	if err != nil {
		v.Fatal(err)
	}
	defer reply.Body.Close()
	b, err := io.ReadAll(reply.Body)
	if err != nil {
		v.Fatal(err)
	}
	return reply.StatusCode, string(b)
}

// documented are the document's blocks of a language.
func documented(t *testing.T, language string) (blocks []string) {
	t.Helper()
	text, err := os.ReadFile(selfHosting)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range regexp.MustCompile("(?s)```"+language+"\n(.*?)```").FindAllSubmatch(text, -1) {
		blocks = append(blocks, string(b[1]))
	}
	if len(blocks) == 0 {
		t.Fatalf("%s has no block of %s", selfHosting, language)
	}
	return blocks
}

// serviceSetting is NAME=value of the service's environment.
func serviceSetting(t *testing.T, name string) string {
	t.Helper()
	unit, err := os.ReadFile(unitFile)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(unit)) {
		all, _ := strings.CutPrefix(line, "Environment=")
		for setting := range strings.FieldsSeq(all) {
			if strings.HasPrefix(setting, name+"=") {
				return setting
			}
		}
	}
	t.Fatalf("%s does not set %s", unitFile, name)
	return ""
}
