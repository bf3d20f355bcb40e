package deploy

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/oasdiff/yaml"

	"github.com/tallystick/tallystick/internal/buildpack"
	"github.com/tallystick/tallystick/internal/gateway"
	"github.com/tallystick/tallystick/internal/partner"
	"github.com/tallystick/tallystick/internal/storage/emulator"
)

const module = "github.com/tallystick/tallystick"

// serveDeployed runs on this machine what was deployed: the archive that was uploaded is
// built as the buildpack does, each function is started with the settings that it was
// given, and the gateway serves the config that it has, at its own name and with the key
// that there is. Its store is the Datastore emulator.
func (w *world) serveDeployed() {
	w.t.Helper()
	host := emulator.Datastore(w.t)
	program := buildpack.Build(w.t, w.unpack("visits"), module)
	backends := make(map[string]http.Handler)
	for name, f := range w.state().Functions {
		env := []string{"DATASTORE_EMULATOR_HOST=" + host, "K_SERVICE=" + name}
		for setting, value := range f.EnvironmentVariables {
			if setting == "PARTNERS" { // where the documents are mounted: here they are not
				value = w.mounted()
			}
			env = append(env, setting+"="+value)
		}
		running := buildpack.Start(w.t, program, f.EntryPoint, env...)
		address, err := url.Parse(running.URL)
		if err != nil {
			w.t.Fatal(err)
		}
		backends[f.URI] = httputil.NewSingleHostReverseProxy(address)
	}
	w.serve(gateway.Options{Backends: backends, Keys: []string{w.key()}})
}

// mounted is a folder of documents that are good for a function.
func (w *world) mounted() string {
	w.t.Helper()
	dir := w.t.TempDir()
	if _, err := partner.Add(dir, partner.Draft{ID: "acme", Types: []string{"stock.adjusted"}}, time.Now()); err != nil {
		w.t.Fatal(err)
	}
	return dir
}

// state is what of the control plane's the tests need.
type state struct {
	Functions map[string]struct {
		EntryPoint           string
		EnvironmentVariables map[string]string
		URI                  string
	}
	Gateways map[string]struct {
		DefaultHostname string
	}
}

func (w *world) state() (s state) {
	w.t.Helper()
	b, err := yaml.YAMLToJSON([]byte(w.plane.State()))
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}

// unpack unpacks what was uploaded for a function, which is the same for all.
func (w *world) unpack(function string) string {
	w.t.Helper()
	dir := w.t.TempDir()
	files := w.files(function)
	for name, content := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			w.t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			w.t.Fatal(err)
		}
	}
	for other := range w.state().Functions {
		if got := w.files(other); fmt.Sprint(got) != fmt.Sprint(files) {
			w.t.Errorf("%d other files were uploaded for %s than for %s (%d)", len(got), other, function, len(files))
		}
	}
	return dir
}

func (w *world) files(function string) map[string]string {
	w.t.Helper()
	archive := w.plane.Archive(function)
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		w.t.Fatalf("what was uploaded for %s: %v", function, err)
	}
	files := make(map[string]string)
	for _, f := range r.File {
		if f.FileInfo().IsDir() {
			continue
		}
		open, err := f.Open()
		if err != nil {
			w.t.Fatal(err)
		}
		b, err := io.ReadAll(open)
		open.Close()
		if err != nil {
			w.t.Fatal(err)
		}
		files[f.Name] = string(b)
	}
	return files
}

// key is the API key's text.
func (w *world) key() string {
	w.t.Helper()
	return strings.TrimSpace(w.gcloud("services", "api-keys", "get-key-string", w.keyID(), "--format=value(keyString)"))
}

// keyID is the name of the one key.
func (w *world) keyID() string {
	w.t.Helper()
	return strings.TrimSpace(w.gcloud("services", "api-keys", "list", "--format=value(name.basename())"))
}

func (w *world) gcloud(arguments ...string) string {
	w.t.Helper()
	like, _ := w.command()
	c := exec.CommandContext(w.t.Context(), "gcloud", append(arguments, "--project="+project)...)
	c.Env = like.Env
	out, err := c.Output()
	if err != nil {
		w.t.Fatalf("gcloud %v: %v", arguments, err)
	}
	return string(out)
}

// serve serves the gateway's config, so that curl finds it at the gateway's own name.
func (w *world) serve(options gateway.Options) {
	w.t.Helper()
	gate, err := gateway.New(w.config(), options)
	if err != nil {
		w.t.Fatal(err)
	}
	front := httptest.NewTLSServer(gate)
	w.t.Cleanup(front.Close)
	home := w.t.TempDir()
	curl := fmt.Sprintf("connect-to = \"%s:443:%s\"\ninsecure\n", w.state().Gateways["tallystick"].DefaultHostname, front.Listener.Addr())
	if err := os.WriteFile(filepath.Join(home, ".curlrc"), []byte(curl), 0o666); err != nil {
		w.t.Fatal(err)
	}
	w.env = append(w.env, "HOME="+home)
}
