//go:build unix

package main

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

const greetingWithKey = `demo site   URL/
dashboard   URL/dashboard/
API         URL/docs
API key     kept in tallystick.db.key
paste this  <script src="URL/visits/count.js" defer data-allow-local></script>
listening on URL
`

const greeting = `demo site   URL/
dashboard   URL/dashboard/
API         URL/docs
paste this  <script src="URL/visits/count.js" defer data-allow-local></script>
listening on URL
`

// TestATerminalShowsTheKey, and a log does not, as the test of serve itself shows.
func TestATerminalShowsTheKey(t *testing.T) {
	for _, tt := range []struct{ url, key, want string }{
		{"http://127.0.0.1:8080", "", "API key     kept in FILE\npaste this  <script src=\"http://127.0.0.1:8080/visits/count.js\" defer data-allow-local>"},
		{"http://127.0.0.1:8080", "KEY", "API key     KEY  (kept in FILE)\n"},
		{"http://192.0.2.1:8080", "KEY", "paste this  <script src=\"http://192.0.2.1:8080/visits/count.js\" defer>"},
	} {
		var out strings.Builder
		if greet(&out, tt.url, tt.key, "FILE"); !strings.Contains(out.String(), tt.want) {
			t.Errorf("at %s, key %q, it prints:\n%s\nwant:\n%s", tt.url, tt.key, out.String(), tt.want)
		}
	}
}

// TestStartPrintsWhatANewcomerNeeds and nothing else; what it prints is true.
func TestStartPrintsWhatANewcomerNeeds(t *testing.T) {
	for _, mode := range modes {
		t.Run(mode.name, func(t *testing.T) {
			folder := t.TempDir()
			s := startServer(t, folder, mode.args...)
			key := s.keptKey()
			if got := strings.NewReplacer(s.url, "URL", key, "KEY").Replace(s.greeting); got != greetingWithKey {
				t.Errorf("it prints:\n%s\nwant:\n%s", got, greetingWithKey)
			}
			for _, path := range []string{"/", "/docs", "/visits/count.js"} {
				s.want(http.StatusOK, http.MethodGet, path, "")
			}
			s.want(http.StatusOK, http.MethodGet, "/visits/top", "", "X-Api-Key", key)
			s.want(http.StatusBadRequest, http.MethodGet, "/visits/top", "", "X-Api-Key", key+"x")
			s.want(http.StatusUnauthorized, http.MethodGet, "/visits/top", "")
			s.stop()
			for line := range strings.Lines(s.said()) {
				if !strings.Contains(line, " INF GET /") {
					t.Errorf("it says on stderr: %s", line)
				}
			}
			wantPrivate(t, folder, "tallystick.db", "tallystick.db.key")

			s = startServer(t, folder, mode.args...)
			if got := s.keptKey(); got != key {
				t.Errorf("the second start has the key %q, want that of the first, %q", got, key)
			}
			s.want(http.StatusOK, http.MethodGet, "/visits/top", "", "X-Api-Key", key)
			s.stop()
		})
	}
}

func TestKeysThatAreGivenAreTheKeys(t *testing.T) {
	for _, tt := range []struct {
		name    string
		args    []string
		valid   []string
		invalid []string
	}{
		{"API_KEYS", []string{"API_KEYS=one, two,"}, []string{"one", "two"}, []string{"three", ","}},
		{"--api-key before API_KEYS", []string{"API_KEYS=one", "--api-key", "two", "--api-key", "three"}, []string{"two", "three"}, []string{"one"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			folder := t.TempDir()
			s := startServer(t, folder, tt.args...)
			if got := strings.ReplaceAll(s.greeting, s.url, "URL"); got != greeting {
				t.Errorf("it prints:\n%s\nwant:\n%s", got, greeting)
			}
			for _, key := range tt.valid {
				s.want(http.StatusOK, http.MethodGet, "/visits/top", "", "X-Api-Key", key)
			}
			for _, key := range tt.invalid {
				s.want(http.StatusBadRequest, http.MethodGet, "/visits/top", "", "X-Api-Key", key)
			}
			s.stop()
			wantFiles(t, folder, "tallystick.db")
		})
	}
}

// TestServersThatStartTogetherShareTheirKey, and the database that the first of them
// makes.
func TestServersThatStartTogetherShareTheirKey(t *testing.T) {
	folder := t.TempDir()
	var all sync.WaitGroup
	servers := make([]*server, 4)
	for i := range servers {
		all.Go(func() { servers[i] = launch(t, folder, "--addr", "127.0.0.1:0") })
	}
	all.Wait()
	for _, s := range servers {
		if s.url == "" {
			<-s.ended
			t.Fatalf("serve did not start: %s", s.said())
		}
		if got, want := s.keptKey(), servers[0].keptKey(); got != want {
			t.Errorf("one server has the key %q, another one %q", got, want)
		}
	}
	for _, s := range servers {
		s.stop()
	}
	wantPrivate(t, folder, "tallystick.db", "tallystick.db.key")
}

// TestWhatCannotBeIsSaidInOneLine, and leaves nothing behind.
func TestWhatCannotBeIsSaidInOneLine(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, tt := range []struct {
		name  string
		files func(folder string) error
		args  []string
		want  string // a regular expression
	}{
		{"an origin that is none", nil, []string{"ALLOWED_ORIGINS=foo"},
			`settings: ALLOWED_ORIGINS: "foo" is neither \* nor an origin such as https://example\.com`},
		{"a rate below zero", nil, []string{"RATE_LIMIT=-1"}, `settings: RATE_LIMIT: -1 is .*`},
		{"a number that is none", nil, []string{"SHARDS=many"}, `settings: SHARDS: "many" is .*`},
		{"a setting that a function refuses", nil, []string{"PARTNERS=missing"}, `settings: PARTNERS: missing: there is no such folder; .*`},
		{"a store of no backend", nil, []string{"STORE=nonsense:"}, `settings: STORE: "nonsense:" .*sqlite.*`},
		{"a store without a name", nil, []string{"--store", "sqlite:"}, `settings: STORE: "sqlite:" .*`},
		{"a port in use", nil, []string{"--addr", taken.Addr().String()},
			`cannot listen: .*: address already in use; another address is given with --addr`},
		{"an address that is none", nil, []string{"--addr", "nowhere"}, `cannot listen: .*; another address is given with --addr`},
		{"a folder that is missing", nil, []string{"--store", "sqlite:missing/tallystick.db"}, `open sqlite:missing/tallystick\.db: .*there is no folder missing: make it first`},
		{"a database of a newer schema", newerDatabase, nil, `open sqlite:tallystick\.db: .*it has schema 99, of a newer Tallystick; this one knows up to 1`},
		{"a database of another program", foreignDatabase, nil, `open sqlite:tallystick\.db: .*it is a database of another program`},
		{"a file that is no database", noDatabase, nil, `open sqlite:tallystick\.db: .*it is not a SQLite database.*`},
		{"a flag that is none", nil, []string{"--colour"}, `unknown flag: --colour`},
		{"an argument too many", nil, []string{"please"}, `unknown command "please" for "tallystick serve"`},
	} {
		for _, mode := range modes {
			t.Run(tt.name+", "+mode.name, func(t *testing.T) {
				folder := t.TempDir()
				if tt.files != nil {
					if err := tt.files(folder); err != nil {
						t.Fatal(err)
					}
				}
				before := contents(t, folder)
				s := launch(t, folder, append([]string{"--addr", "127.0.0.1:0"}, append(mode.args, tt.args...)...)...)
				s.wantExit(1)
				if s.greeting != "" {
					t.Errorf("it prints %q, want nothing", s.greeting)
				}
				if got := s.said(); !regexp.MustCompile(`\Atallystick: ` + tt.want + `\n\z`).MatchString(got) {
					t.Errorf("it says %q, want one line like %q", got, tt.want)
				}
				for name, content := range contents(t, folder) {
					if old, ok := before[name]; !ok {
						t.Errorf("it made %s", name)
					} else if old != content {
						t.Errorf("it changed %s", name)
					}
				}
			})
		}
	}
}

func TestAKeyFileWithoutAKeySaysSo(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "tallystick.db.key"), []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := launch(t, folder, "--addr", "127.0.0.1:0")
	s.wantExit(1)
	const want = "tallystick: API key: tallystick.db.key is empty; give one with --api-key\n"
	if got := s.said(); got != want {
		t.Errorf("it says %q, want %q", got, want)
	}
}

func TestHelpIsReadable(t *testing.T) {
	for _, tt := range []struct {
		args []string
		want []string
	}{
		{[]string{"--help"}, []string{"serve       Run the whole product on this machine"}},
		{[]string{"serve", "--help"}, []string{"--addr", "127.0.0.1:8080", "--store", "sqlite:PATH", "--api-key", "--processes", "docs/settings.md"}},
		{[]string{"import", "visits", "--help"}, []string{"visits [FILE]", "GoatCounter", "--url", "--key", "--user", "--max-errors"}},
		{[]string{"import", "records", "--help"}, []string{"records COLLECTION [FILE]", "--repeat-as", "--mode", "--atomic"}},
		{[]string{"export", "visits", "--help"}, []string{"--output", "--format"}},
		{[]string{"export", "records", "--help"}, []string{"records COLLECTION", "--fields", "--filter", "--order-by"}},
		{[]string{"retransform", "--help"}, []string{"retransform COLLECTION", "--quiet"}},
	} {
		out, err := command(t, t.TempDir(), tt.args...).CombinedOutput()
		if err != nil {
			t.Errorf("%q: %v", tt.args, err)
		}
		for _, want := range tt.want {
			if !strings.Contains(string(out), want) {
				t.Errorf("%q does not say %q:\n%s", tt.args, want, out)
			}
		}
		for line := range strings.Lines(string(out)) {
			if len(line) > 121 {
				t.Errorf("%q: a line is longer than 120 characters: %s", tt.args, line)
			}
		}
		if strings.Contains(string(out), "\n  function ") {
			t.Errorf("%q shows the command that serve alone uses:\n%s", tt.args, out)
		}
	}
}

// keptKey is the key that the server keeps, and has not printed into what may be a log.
func (s *server) keptKey() string {
	s.Helper()
	b, err := os.ReadFile(filepath.Join(s.cmd.Dir, "tallystick.db.key"))
	if err != nil {
		s.Fatal(err)
	}
	key := strings.TrimSpace(string(b))
	if len(key) < 20 || strings.Contains(s.greeting, key) {
		s.Fatalf("it keeps the key %q and prints:\n%s", key, s.greeting)
	}
	return key
}

// wantPrivate wants these files, which their owner alone can read.
func wantPrivate(t *testing.T, folder string, names ...string) {
	t.Helper()
	wantFiles(t, folder, names...)
	for _, name := range names {
		info, err := os.Stat(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode(); got != 0o600 {
			t.Errorf("%s has mode %v, want -rw-------", name, got)
		}
	}
}

// wantFiles wants these files and no other.
func wantFiles(t *testing.T, folder string, names ...string) {
	t.Helper()
	got := contents(t, folder)
	for _, name := range names {
		if _, ok := got[name]; !ok {
			t.Errorf("there is no file %s", name)
		}
		delete(got, name)
	}
	for name := range got {
		t.Errorf("there is a file %s", name)
	}
}

// contents are the files in a folder.
func contents(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := make(map[string]string)
	err := fs.WalkDir(os.DirFS(folder), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		b, err := os.ReadFile(filepath.Join(folder, name))
		found[name] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// newerDatabase is one of ours with another version in its header.
func newerDatabase(folder string) error {
	return script(folder, "CREATE TABLE entity (id INTEGER); PRAGMA application_id = 0x54616c79; PRAGMA user_version = 99")
}

func foreignDatabase(folder string) error { return script(folder, "CREATE TABLE other (id INTEGER)") }

func noDatabase(folder string) error {
	return os.WriteFile(filepath.Join(folder, "tallystick.db"), []byte(strings.Repeat("Dear diary, ", 1000)), 0o600)
}

func script(folder, text string) error {
	db, err := sql.Open("sqlite", filepath.Join(folder, "tallystick.db"))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(context.Background(), text)
	return errors.Join(err, db.Close())
}
