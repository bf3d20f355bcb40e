package deploy

import (
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tallystick/tallystick/internal/controlplane"
)

// TestTheLifeOfADeployment: into nothing, again, with changes, and its end.
func TestTheLifeOfADeployment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.partner("acme", "whsec_first")
	w.partner("north-wind", "whsec_other")

	out := w.deploy("--allowed-origins", "https://shop.example", "--partners", w.partners, "--monitoring")
	w.wantState("deployed.yaml")
	for _, want := range []string{"https://tallystick-", "/visits/count.js\" defer></script>", "get-key-string key-"} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}

	w.serveDeployed()
	out = w.deploy("--monitoring", "--smoke")
	w.wantChanges("the same again, without what is kept")
	if !strings.Contains(out, "POST visits?page=/tallystick-smoke-test 200") || !strings.Contains(out, "every function answers") {
		t.Errorf("the smoke test does not say that all is well:\n%s", out)
	}

	w.edit("functions/visits/set.go", "package visits", "package visits\n\n// Changed.")
	w.deploy("--functions", "docs,visits")
	w.wantChanges("one function's code changed", "PATCH functions/visits", withheld+"visits:setIamPolicy")

	// The key has leaked and is deleted, a kind that has an index needs another, and there
	// is a new route.
	leaked := w.keyID()
	w.gcloud("services", "api-keys", "delete", leaked)
	w.edit("deploy/index.yaml", "- kind: StockAlert\n", "- kind: Page\n  properties:\n  - name: first\n  - name: rank\n- kind: StockAlert\n")
	w.edit("gateway-config.yaml", "  /collections:\n", "  /more:\n    get: {operationId: more, x-google-backend: {address: \"${DOCS_URL}\"}, responses: {default: {description: Reply}}}\n  /collections:\n")
	out = w.deploy("--functions", "docs")
	w.wantChanges("a key, an index and a route missing", "POST keys", "POST /v1/projects/"+project+"/databases/(default)/collectionGroups/Page/indexes",
		"POST configs", "PATCH gateways/tallystick")
	if id := w.keyID(); id == leaked || !strings.Contains(out, "get-key-string "+id) {
		t.Errorf("instead of key %s it made %s, and says\n%s", leaked, id, out)
	}

	// A key is rotated, which the function reads by itself; a partner goes; a setting, a
	// metric and an alert are changed, and the alerts go somewhere.
	w.partner("acme", "whsec_second")
	if err := os.Remove(filepath.Join(w.partners, "north-wind.json")); err != nil {
		t.Fatal(err)
	}
	w.edit("deploy/monitoring/metrics/tallystick-errors.yaml", ">=500", ">=501")
	w.edit("deploy/monitoring/alerts/low-stock.yaml", "thresholdValue: 0", "thresholdValue: 1")
	w.deploy("--functions", "update", "--partners", w.partners, "--set", "SHARDS=4", "--set", "BASIC_AUTH=ann:"+someHash, "--max-instances", "3",
		"--monitoring", "--notify", channel)
	w.wantState("changed.yaml")
	w.deploy("--functions", "update", "--monitoring")
	w.wantChanges("the same without what is kept")

	w.deploy("--functions", "update", "--partners", "none")
	w.wantChanges("the last partner goes", "PATCH /v1/projects/"+project+"/secrets/tallystick-partner-acme", "PATCH functions/update", withheld+"update:setIamPolicy")
	if value, there := w.state().Functions["update"].EnvironmentVariables["PARTNERS"]; there {
		t.Errorf("without a partner PARTNERS is still %q", value)
	}

	for _, tt := range []struct {
		want      string
		arguments []string
	}{
		{"datastore:" + project + "; --store firestore would not find it", []string{"--store", "firestore"}},
		{"runs in us-central1 already", []string{"--region", "us-east1"}},
	} {
		if out := w.fail(1, tt.arguments...); !strings.Contains(out, tt.want) {
			t.Errorf("%v does not say %q:\n%s", tt.arguments, tt.want, out)
		}
		w.wantChanges("what would seem to lose all")
	}

	for _, email := range strangers {
		if name, ours := strings.CutSuffix(email, "@"+project+".iam.gserviceaccount.com"); ours {
			w.gcloud("iam", "service-accounts", "create", name)
		}
		w.gcloud("projects", "add-iam-policy-binding", project, "--member=serviceAccount:"+email, "--role=roles/viewer", "--condition=None")
	}
	w.answer = "another-project\n"
	out = w.fail(1, "--destroy", "--with-data")
	if !strings.Contains(out, "Nothing was removed") {
		t.Errorf("the wrong answer removes something:\n%s", out)
	}
	w.wantChanges("the wrong answer")
	w.wantAgain(out,
		"--region=us-central1 --store=datastore '--database=(default)' --location=us-central1 --monitoring --notify="+channel+" --allowed-origins=https://shop.example",
		"--functions=docs,fetch,remove,stock,store,visits --max-instances=5",
		"--functions=update --max-instances=3 '--set=BASIC_AUTH=ann:"+someHash+"' --set=SHARDS=4")
	w.answer = project + "\n"
	if out := w.deploy("--destroy"); !strings.Contains(out, "Data and secrets stay") {
		t.Errorf("it does not say what stays:\n%s", out)
	}
	w.wantState("destroyed.yaml")
	if out := w.fail(1, "--destroy", "--with-data"); !strings.Contains(out, "Give --database NAME") {
		t.Errorf("it does not ask which database to remove:\n%s", out)
	}
	if out := w.deploy("--destroy", "--with-data", "--database=(default)"); !strings.Contains(out, "THE DATABASE (default) WITH ALL") {
		t.Errorf("it does not say which database it removes:\n%s", out)
	}
	if got := w.plane.State(); strings.Contains(got, "partner-") || strings.Contains(got, "DATASTORE_MODE") {
		t.Errorf("data or secrets are left:\n%s", got)
	}

	w.gcloud("firestore", "databases", "create", "--database=native", "--location=us-central1", "--type=firestore-native")
	if out := w.fail(1, "--database=native"); !strings.Contains(out, "The database native is of type FIRESTORE_NATIVE") {
		t.Errorf("it does not say that a database is of the other kind:\n%s", out)
	}
	w.wantChanges("a database of the other kind")
}

// strangers are accounts that are called as ours are, and have a role in the project. The
// recorder knows those of other projects by this one's number.
var strangers = []string{"tallystick-reports@" + project + ".iam.gserviceaccount.com", "tallystick-visits@of-123456789012.iam.gserviceaccount.com"}

// wantAgain wants the commands that would deploy all again to have these options, and to be
// such as deploy.sh takes.
func (w *world) wantAgain(out string, want ...string) {
	w.t.Helper()
	if strings.Contains(out, someHash) {
		w.t.Errorf("a password's hash is told:\n%s", out)
	}
	show := regexp.MustCompile(`(?m)^  gcloud (functions describe .*) --project=.* '(--format=.*)'$`).FindStringSubmatch(out)
	if show == nil {
		w.t.Fatalf("it does not tell how to see the hidden setting:\n%s", out)
	}
	hidden := strings.TrimSpace(w.gcloud(append(strings.Fields(show[1]), show[2])...))
	out = strings.ReplaceAll(out, "BASIC_AUTH=…", "BASIC_AUTH="+hidden)
	var got []string
	for line := range strings.Lines(out) {
		options, ok := strings.CutPrefix(strings.TrimSpace(line), "deploy.sh --project="+project+" ")
		if !ok {
			continue
		}
		got = append(got, options)
		c := exec.CommandContext(w.t.Context(), w.shell, "-c", w.shell+" "+strings.TrimSpace(line)+" -n")
		c.Dir = w.dir
		if dry, err := c.CombinedOutput(); err != nil {
			w.t.Errorf("%s: %v\n%s", options, err, dry)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("the commands to deploy it again are not those (-want +got)\n%s", diff)
	}
}

// TestWhatStandsAgainstItIsSaidFirst: before anything is made.
func TestWhatStandsAgainstItIsSaidFirst(t *testing.T) {
	w := newWorld(t)
	w.plane = controlplane.New(t, controlplane.Project{ID: project, Number: "1"})
	if out := w.fail(1); !strings.Contains(out, "Billing is off for "+project) {
		t.Errorf("it does not say that billing is off:\n%s", out)
	}
	w.wantChanges("without billing")
	if out := w.fail(1, "--project", "of-somebody-else"); !strings.Contains(out, "Your account may not do this") {
		t.Errorf("it does not say that the project is not mine:\n%s", out)
	}
	w.wantChanges("for a project of somebody else")
}

const channel = "projects/" + project + "/notificationChannels/7"

// withheld is gcloud's own part of a deployment with --no-allow-unauthenticated.
const withheld = "POST services/"

// wantChanges wants what the last deploy.sh changed to be this, whatever the order.
func (w *world) wantChanges(when string, want ...string) {
	w.t.Helper()
	var got []string
	for _, r := range w.plane.Changes() {
		path, _, _ := strings.Cut(r.Path, "?")
		switch _, below, _ := strings.Cut(path, "/locations/"); {
		case strings.HasSuffix(path, ":generateUploadUrl"), r.API == "upload":
			continue // where to put it, and putting it there: the deployment tells
		case below != "":
			got = append(got, r.Method+" "+strings.Join(strings.Split(below, "/")[1:], "/"))
		default:
			got = append(got, r.Method+" "+path)
		}
	}
	for i := range got {
		got[i] = strings.Replace(got[i], "apis/tallystick/", "", 1)
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("%s: the changes are not those (-want +got)\n%s", when, diff)
	}
}

// volatile is what differs when the code does, or the number of attempts.
var volatile = regexp.MustCompile(`\b[0-9a-f]{40}\b|(tallystick-)[0-9a-f]{12}\b|(key-)[0-9a-f]{8}\b`)

// wantState compares what there is with a golden file. With UPDATE=1 it writes the file.
func (w *world) wantState(name string) {
	w.t.Helper()
	golden := filepath.Join("testdata", name)
	got := volatile.ReplaceAllString(w.plane.State(), "${1}${2}HASH")
	if os.Getenv("UPDATE") == "1" {
		if err := os.WriteFile(golden, []byte(got), 0o666); err != nil {
			w.t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		w.t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		w.t.Errorf("what there is is not as in %s; if it is to be so, UPDATE=1 (-want +got)\n%s", golden, diff)
	}
}

// some are the arguments of a small deployment.
var some = []string{
	"--functions", "store,docs", "--store", "firestore", "--database=shop", "--location=eur3", "--region", "europe-west1",
	"--collections", "orders",
}

// TestOnlySomeFunctions: the others are not there, and neither are their routes; of a
// path that is left, one of its own functions answers the preflight. It is interrupted
// again and again, as by a power cut, and comes to the same end.
func TestOnlySomeFunctions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := w.deployInterrupted(some...)
	w.wantState("some.yaml")
	if want := "Tallystick is at       https://" + w.state().Gateways["tallystick"].DefaultHostname + "\n"; !strings.Contains(out, want) {
		t.Errorf("at the end it does not say %q:\n%s", want, out)
	}
	paths := w.rendered()
	for path, want := range map[string]string{
		"/records/{collection}":      "options store, post store",
		"/records/{collection}/{id}": "options store, patch store, put store",
		"/openapi.json":              "get docs, options docs",
		"/visits":                    "",
		"/collections":               "",
	} {
		if got := paths[path]; got != want {
			t.Errorf("%s is %q in the gateway's config, want %q", path, got, want)
		}
	}
	w.failAndGoOn()

	w.gcloud("functions", "deploy", "visits", "--gen2", "--runtime=go126", "--region=europe-west1", "--source="+w.dir, "--entry-point=Visits", "--trigger-http",
		"--service-account=tallystick-docs@"+project+".iam.gserviceaccount.com",
		"--build-service-account=projects/"+project+"/serviceAccounts/tallystick-build@"+project+".iam.gserviceaccount.com")
	if out := w.fail(1, "--functions", "visits"); !strings.Contains(out, "a function visits in "+project+" that this script did not make") {
		t.Errorf("it does not say that there is another function of the name:\n%s", out)
	}
}

// deployInterrupted deploys, and kills deploy.sh and gcloud with it where a change was
// made and is not yet answered, until one run comes to its end. With SOAK=1 that is
// after each single change.
func (w *world) deployInterrupted(arguments ...string) string {
	w.t.Helper()
	killed := 0
	for n := range 200 {
		w.plane.Forget()
		c, out := w.command(arguments...)
		if err := c.Start(); err != nil {
			w.t.Fatal(err)
		}
		kill := w.killAfter(n)
		w.plane.OnChange(func(_ int, r controlplane.Request) { // the first comes seconds later
			if kill(r) {
				syscall.Kill(-c.Process.Pid, syscall.SIGKILL)
			}
		})
		if c.Wait() == nil {
			w.plane.OnChange(nil)
			if killed < len(killedAfter) {
				w.t.Errorf("it was killed %d times, want more", killed)
			}
			return out.String()
		}
		if c.ProcessState.ExitCode() >= 0 {
			w.t.Fatalf("it failed after %d interruptions:\n%s", killed, out)
		}
		killed++
	}
	w.t.Fatal("it comes to no end")
	return ""
}

// killAfter says after which change the n-th run is killed: of the first runs after one
// of another kind each.
func (w *world) killAfter(n int) func(controlplane.Request) bool {
	if os.Getenv("SOAK") == "1" {
		return func(controlplane.Request) bool { return true }
	}
	if n >= len(killedAfter) {
		return func(controlplane.Request) bool { return false }
	}
	return func(r controlplane.Request) bool { return strings.Contains(r.Path, killedAfter[n]) }
}

// killedAfter are changes for which Google takes its time: what they make is under way when
// the next run looks at it.
var killedAfter = []string{"/roles?", "/functions?", "/apis?", "/configs?", "/gateways?"}

// failAndGoOn lets the control plane fail in the middle: deploy.sh tells what that means,
// and the same command goes on afterwards.
func (w *world) failAndGoOn() {
	w.t.Helper()
	w.edit("functions/docs/docs.go", "package docs", "package docs\n\n// Changed.")
	w.edit("gateway-config.yaml", "  /docs:\n", "  /more:\n    get: {operationId: more, x-google-backend: {address: \"${DOCS_URL}\"}, responses: {default: {description: Reply}}}\n  /docs:\n")
	for _, tt := range []struct {
		status int
		path   string
		want   []string
	}{
		{403, "/functions/docs", []string{"Your account may not do this", "stopped at: Functions"}},
		{429, "/configs?", []string{"takes no more of these just now", "stopped at: Gateway", "gcloud api-gateway api-configs create"}},
		{503, "/gateways/tallystick?", []string{"Google had a fault of its own", "stopped at: Gateway"}},
	} {
		w.plane.Fail(func(r controlplane.Request) bool {
			return r.Method != http.MethodGet && strings.Contains(r.Path, tt.path)
		}, 20, tt.status, "")
		out := w.fail(1, "--functions", "docs")
		for _, want := range append(tt.want, "Go on with:", "deploy.sh --project "+project+" --functions docs") {
			if !strings.Contains(out, want) {
				w.t.Errorf("at a %d it does not say %q:\n%s", tt.status, want, out)
			}
		}
		w.plane.Heal()
	}
	w.deploy("--functions", "docs")
	w.wantChanges("after the failures", "PATCH gateways/tallystick")
}

// rendered is the operations of each path in the newest config, with their functions.
func (w *world) rendered() map[string]string {
	w.t.Helper()
	var config struct {
		Paths map[string]map[string]struct {
			Backend struct{ Address string } `json:"x-google-backend"`
		}
	}
	if err := json.Unmarshal(w.config(), &config); err != nil {
		w.t.Fatal(err)
	}
	all := make(map[string]string)
	for path, operations := range config.Paths {
		var list []string
		for method, o := range operations {
			function, _, _ := strings.Cut(strings.TrimPrefix(o.Backend.Address, "https://"), "-")
			list = append(list, method+" "+function)
		}
		slices.Sort(list)
		all[path] = strings.Join(list, ", ")
	}
	return all
}
