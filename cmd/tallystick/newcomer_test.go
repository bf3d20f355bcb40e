//go:build unix

package main

import (
	"net/http"
	"regexp"
	"testing"
)

// TestANewcomersPath goes on where README leaves off: each command is answered with
// what matches want.
func TestANewcomersPath(t *testing.T) {
	wantNeeded(t, "curl", "a newcomer's path")
	d := openDocPage(t, nil)
	for _, step := range []struct{ command, want string }{
		{`curl -X POST 'http://127.0.0.1:8080/visits'`, `^{"page":"/","visits":1,"uniques":1,"counted":true,"exact":true}\n$`},
		{`curl -X POST 'http://127.0.0.1:8080/visits?page=/caf%C3%A9/index.html?from=mail%23top'`, `^{"page":"/caf[^"]*","visits":1,`},
		{`curl 'http://127.0.0.1:8080/visits/pixel.gif?page=/about' | head -c 6`, `^GIF89a$`},
		{`curl -H 'Accept: text/plain' 'http://127.0.0.1:8080/visits?page=/about&page=/'`, `^1\n1\n$`},
		{`curl 'http://127.0.0.1:8080/visits/badge.svg?page=/about&label=visitors&color=blue&format=short'`, `^<svg .*visitors.*\b1\b.*</svg>\n?$`},
		{`curl 'http://127.0.0.1:8080/visits/count.js'`, `customElements\.define\("visit-count"`},
		{`curl -i 'http://127.0.0.1:8080/visits/top'`, `(?s)^HTTP/1.1 401 .*"code":401`},
		{`curl -H "x-api-key: $KEY" 'http://127.0.0.1:8080/visits/top'`, `^{"pages":\[{"page":"/[^]]*},{[^]]*},{[^]]*}\],"nextPageToken":""}\n$`},
		{`curl "http://127.0.0.1:8080/visits/history?page=/about&key=$KEY"`, `^{"page":"/about",.*"visits":1,"uniques":1}\]}\n$`},
		{`curl -H "x-api-key: $KEY" -X PUT -d '{"visits":1000,"uniques":700}' 'http://127.0.0.1:8080/visits?page=/about'`, `^{"page":"/about","visits":1000,"uniques":700}\n$`},
		{`curl -H "x-api-key: $KEY" -o visits.ndjson 'http://127.0.0.1:8080/visits/export' && wc -l <visits.ndjson`, `^ *3\n$`},
		{`curl -H "x-api-key: $KEY" -o visits.csv 'http://127.0.0.1:8080/visits/export?format=csv' && head -1 visits.csv`, `^page,day,visits,uniques\r?\n$`},
		{`curl -H "x-api-key: $KEY" -X DELETE 'http://127.0.0.1:8080/visits?page=/about'`, `^{"page":"/about","deleted":true}\n$`},
		{`curl -H "x-api-key: $KEY" --data-binary @visits.csv 'http://127.0.0.1:8080/visits/import'`, `^{"imported":true,"pages":3,`},
		{`curl 'http://127.0.0.1:8080/visits?page=/about'`, `^{"page":"/about","visits":1000,"uniques":700}\n$`},
		{`curl -H "x-api-key: $KEY" --data-binary @visits.ndjson 'http://127.0.0.1:8080/visits/import'`, `^{"imported":true,"pages":3,`},
		{`curl -H "x-api-key: $KEY" 'http://127.0.0.1:8080/visits/export' | cmp - visits.ndjson && echo the same`, `^the same\n$`},
		{`curl 'http://127.0.0.1:8080/openapi.yaml' | grep -c operationId`, `^[1-9][0-9]+\n$`},
	} {
		got, err := d.shell(step.command)
		if err != nil || !regexp.MustCompile(step.want).MatchString(got) {
			t.Errorf("%s\nanswers: %s, %v\nwant:    %s", step.command, got, err, step.want)
		}
	}

	// The export goes into another house.
	other := startServer(t, t.TempDir(), "API_KEYS=secret")
	export := d.read("visits.ndjson")
	other.want(http.StatusOK, http.MethodPost, "/visits/import", export, "X-Api-Key", "secret")
	if got := other.want(http.StatusOK, http.MethodGet, "/visits/export", "", "X-Api-Key", "secret"); got != export {
		t.Errorf("the import's export is:\n%s\nwant:\n%s", got, export)
	}
}
