//go:build unix

package main

import (
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// readmeURL is where README's commands find the server.
const readmeURL = "http://127.0.0.1:8080"

// TestREADMEIsTrue runs the commands of README's console blocks in their order, on a
// server that was just started, and wants the replies that stand there.
func TestREADMEIsTrue(t *testing.T) {
	wantNeeded(t, "curl", "README")
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	s := startServer(t, t.TempDir())
	commands := 0
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllSubmatch(readme, -1) {
		for _, example := range strings.Split(string(block[1]), "$ ")[1:] {
			command, want, _ := strings.Cut(example, "\n")
			commands++
			if got := s.shell(command); !isAsWritten(strings.TrimSpace(got), strings.TrimSpace(want)) {
				t.Errorf("%s\nanswers: %s\nREADME:  %s", command, got, want)
			}
		}
	}
	if commands < 5 {
		t.Errorf("README has %d commands, want at least five", commands)
	}
}

// isAsWritten compares an answer with README's, where … stands for anything.
func isAsWritten(got, want string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(want), "…", ".*")
	return regexp.MustCompile("^" + pattern + "$").MatchString(got)
}

// TestANewcomersPath goes on where README leaves off: each command is answered with
// what matches want.
func TestANewcomersPath(t *testing.T) {
	wantNeeded(t, "curl", "a newcomer's path")
	s := startServer(t, t.TempDir(), "--store", "sqlite:shop.db")
	for _, step := range []struct{ command, want string }{
		{`curl -X POST 'http://127.0.0.1:8080/visits'`, `^{"page":"/","visits":1,"uniques":1,"counted":true,"exact":true}\n$`},
		{`curl -X POST 'http://127.0.0.1:8080/visits?page=/caf%C3%A9/index.html?from=mail%23top'`, `^{"page":"/caf[^"]*","visits":1,`},
		{`curl 'http://127.0.0.1:8080/visits/pixel.gif?page=/about' | head -c 6`, `^GIF89a$`},
		{`curl -H 'Accept: text/plain' 'http://127.0.0.1:8080/visits?page=/about&page=/'`, `^1\n1\n$`},
		{`curl 'http://127.0.0.1:8080/visits/badge.svg?page=/about&label=visitors&color=blue&format=short'`, `^<svg .*visitors.*\b1\b.*</svg>\n?$`},
		{`curl 'http://127.0.0.1:8080/visits/count.js'`, `customElements\.define\('visit-count'`},
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
		{`curl 'http://127.0.0.1:8080/openapi.yaml' | grep -c operationId`, `^[1-9][0-9]\n$`},
	} {
		if got := s.shell(step.command); !regexp.MustCompile(step.want).MatchString(got) {
			t.Errorf("%s\nanswers: %s\nwant:    %s", step.command, got, step.want)
		}
	}

	// The export goes into another house.
	other := startServer(t, t.TempDir(), "API_KEYS=secret")
	export := s.shell(`cat visits.ndjson`)
	other.want(http.StatusOK, http.MethodPost, "/visits/import", export, "X-Api-Key", "secret")
	if got := other.want(http.StatusOK, http.MethodGet, "/visits/export", "", "X-Api-Key", "secret"); got != export {
		t.Errorf("the import's export is:\n%s\nwant:\n%s", got, export)
	}
}

// shell runs a command as a newcomer does who follows README, in the server's folder.
func (s *server) shell(command string) string {
	s.Helper()
	command = strings.ReplaceAll(command, readmeURL, s.url)
	command = strings.ReplaceAll(command, "curl ", "curl --silent --show-error --globoff ")
	_, key, _ := strings.Cut(s.greeting, "API key     ")
	key, _, _ = strings.Cut(key, " ")
	c := exec.Command("sh", "-c", command)
	c.Dir = s.cmd.Dir
	c.Env = append(os.Environ(), "KEY="+key)
	out, err := c.CombinedOutput()
	if err != nil {
		s.Errorf("%s: %v", command, err)
	}
	return string(out)
}
