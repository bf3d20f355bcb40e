package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oasdiff/yaml"
)

// script runs deploy.sh itself, where no gcloud is.
func script(t *testing.T, arguments ...string) (out string, status int) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "bash", append([]string{filepath.Join("..", "deploy.sh")}, arguments...)...)
	c.Env = []string{"PATH=" + withoutGcloud(t), "HOME=" + t.TempDir()}
	b, err := c.CombinedOutput()
	if c.ProcessState == nil {
		t.Fatal(err)
	}
	return string(b), c.ProcessState.ExitCode()
}

// withoutGcloud is a folder of the commands that deploy.sh needs, but for gcloud.
func withoutGcloud(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"awk", "basename", "cat", "cp", "cut", "dirname", "grep", "head", "mktemp", "rm", "sed", "sha256sum", "shasum", "sleep", "sort", "tail", "tr", "xargs"} {
		if path, err := exec.LookPath(name); err == nil {
			if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

// TestADryRunNeedsNoGcloud: it prints what a shell can run.
func TestADryRunNeedsNoGcloud(t *testing.T) {
	out, status := script(t, "-n", "--project", "my-project", "--set", "BASIC_AUTH=o'neill:"+someHash, "--monitoring", "--traces", "--smoke", "--collections=a,b")
	if status != 0 {
		t.Fatalf("it ended with %d:\n%s", status, out)
	}
	for _, want := range []string{
		"gcloud firestore databases create '--database=(default)' --location=us-central1 --type=datastore-mode --delete-protection",
		"gcloud iam roles create tallystick_fetch '--title=Tallystick: fetch' --permissions=datastore.entities.get,datastore.entities.list ",
		"gcloud functions deploy visits --region=us-central1 --source=. --gen2 --runtime=go126 ",
		`|BASIC_AUTH=o'\''neill:` + someHash + `|`,
		"--collection-group=Record.b --enable-ttl",
		"gcloud alpha monitoring policies create",
		"--role=roles/telemetry.tracesWriter",
		"gcloud services api-keys create --display-name=Tallystick --api-target=service=",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("it does not print %q", want)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
	out, status = script(t, "--dry-run", "--destroy", "--with-data", "--project=my-project")
	if status != 0 || !strings.Contains(out, "gcloud firestore databases delete") || !strings.Contains(out, "gcloud functions delete update") {
		t.Errorf("to destroy, it ended with %d:\n%s", status, out)
	}
}

func TestBadOptionsChangeNothing(t *testing.T) {
	for _, tt := range []struct {
		arguments string
		want      string
	}{
		{"", "--project is missing"},
		{"--project", "--project needs a value"},
		{"--project=My_Project", `"My_Project" is no project's id`},
		{"--project my-project --region mars", `API Gateway is not in "mars", only in`},
		{"--project my-project --store sqlite", `"sqlite" is neither datastore nor firestore`},
		{"--project my-project --functions visit", "there is no function visit, only visits store"},
		{"--project my-project --partners nowhere", "there is no folder"},
		{"--project my-project --partners .", "If nobody is to be a partner any more, give --partners none"},
		{"--project my-project --functions docs --partners none", "--partners goes with the function update"},
		{"--project my-project --set shards=4", `"shards" is not NAME=VALUE`},
		{"--project my-project --set STORE=sqlite:x", "give --store and --database for STORE instead"},
		{"--project my-project --set ALLOWED_ORIGINS=*", "give --allowed-origins for ALLOWED_ORIGINS instead"},
		{"--project my-project --set LOG_LEVEL=info|SHARDS=2", "LOG_LEVEL has a |"},
		{"--project my-project --set SHARDS=0", `SHARDS is to be 1 to 100, and not "0"`},
		{"--project my-project --set RATE_LIMIT=abc -n", `RATE_LIMIT is to be 0, or a number from 0.02 to 1000000, and not "abc"`},
		{"--project my-project --set RATELIMIT=5", "there is no setting RATELIMIT, only RATE_LIMIT "},
		{"--project my-project --set API_KEYS=", "there is no setting API_KEYS, only"},
		{"--project my-project --set LOG_LEVEL=info --set SHARDS=0", "SHARDS is to be"},
		{"--project my-project --set BASIC_AUTH=ann:" + someHash + ",ann:" + otherHash, "BASIC_AUTH has a user twice"},
		{"--project my-project --allowed-origins https://shop.example/", `without a path or a slash at the end, and commas between; or *, and not "https://shop.example/"`},
		{"--project my-project --allowed-origins=shop.example -n", `and not "shop.example"`},
		{"--project my-project --max-instances 0", `"0" is not a number from 1`},
		{"--project my-project --collections a/b", `"a/b" is no collection's name`},
		{"--project my-project --with-data", "--with-data goes with --destroy"},
		{"--project my-project --notify x", "--notify goes with --monitoring"},
		{"--project my-project --monitoring --notify x", "\"x\" is not projects/PROJECT/notificationChannels/NUMBER"},
		{"--project my-project --allowed-origins a|STORE=x", "ALLOWED_ORIGINS has a |"},
		{"--project my-project --force", "there is no option --force"},
		{"my-project", "there is no option my-project"},
	} {
		out, status := script(t, strings.Fields(tt.arguments)...)
		if status != 2 || !strings.Contains(out, tt.want) || !strings.Contains(out, "--help") || strings.Contains(out, "==") {
			t.Errorf("%s: it ended with %d, want 2 and %q before anything is done:\n%s", tt.arguments, status, tt.want, out)
		}
	}
}

// TestASecretIsNotRepeated: neither when it is refused nor in the command that goes on.
func TestASecretIsNotRepeated(t *testing.T) {
	for _, setting := range []string{
		"BASIC_AUTH=ann:hunter 2", "BASIC_AUTH=ann:" + someHash + "\nbob:hunter", "BASIC_AUTH=o'neill:" + someHash, "OTEL_EXPORTER_OTLP_HEADERS=authorization=hunter", "ann:" + someHash,
	} {
		out, status := script(t, "--project", "my-project", "--set", setting)
		if status == 0 || strings.Contains(out, "hunter") || strings.Contains(out, someHash) {
			t.Errorf("with %q it ended with %d, and says\n%s", setting, status, out)
		}
	}
}

// TestUsersMayStandOnLinesOfTheirOwn: as htpasswd writes them.
func TestUsersMayStandOnLinesOfTheirOwn(t *testing.T) {
	out, status := script(t, "-n", "--project", "my-project", "--functions", "docs", "--set", "BASIC_AUTH=ann:"+someHash+"\nbob:"+otherHash+"\n")
	if want := "BASIC_AUTH=ann:" + someHash + " bob:" + otherHash; status != 0 || !strings.Contains(out, want) {
		t.Errorf("it ended with %d, want %q in\n%s", status, want, out)
	}
}

func TestWithoutGcloudItSaysSo(t *testing.T) {
	if out, status := script(t, "--project", "my-project"); status != 1 || !strings.Contains(out, "gcloud is missing") {
		t.Errorf("it ended with %d:\n%s", status, out)
	}
}

// TestTheHelpNamesEveryOption that the script takes.
func TestTheHelpNamesEveryOption(t *testing.T) {
	help, status := script(t, "--help")
	text, err := os.ReadFile(filepath.Join("..", "deploy.sh"))
	if err != nil || status != 0 {
		t.Fatal(status, err)
	}
	_, parse, _ := strings.Cut(string(text), "\nparse() {")
	parse, _, _ = strings.Cut(parse, "\n}\n")
	n := 0
	for _, word := range strings.FieldsFunc(parse, func(r rune) bool { return strings.ContainsRune(" \t\n|)\"", r) }) {
		if strings.HasPrefix(word, "--") && !strings.Contains(word, "*") && word != "--" {
			n++
			if !strings.Contains(help, word) {
				t.Errorf("--help does not name %s", word)
			}
		}
	}
	if n < 15 {
		t.Errorf("found %d options in the script, want all", n)
	}
}

// TestTheBuildDeploysByOptionsThatThereAre: what cloudbuild.yaml runs is a command.
func TestTheBuildDeploysByOptionsThatThereAre(t *testing.T) {
	b, err := os.ReadFile(filepath.Join("..", "cloudbuild.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var build struct {
		Steps []struct {
			ID   string   `json:"id"`
			Args []string `json:"args"`
		} `json:"steps"`
		Substitutions map[string]string `json:"substitutions"`
	}
	if _, err := yaml.Unmarshal(b, &build, yaml.DecodeOpts{}); err != nil {
		t.Fatal(err)
	}
	if len(build.Steps) != 2 || build.Steps[0].ID != "test" || build.Steps[1].ID != "deploy" {
		t.Fatalf("the steps are %+v, want test and deploy", build.Steps)
	}
	if options, ok := build.Substitutions["_OPTIONS"]; !ok || options != "" {
		t.Errorf("_OPTIONS is %q, want it to be there and empty", options)
	}
	command := strings.NewReplacer("$PROJECT_ID", "my-project", "$_OPTIONS", "--allowed-origins https://shop.example").Replace(build.Steps[1].Args[1])
	arguments, ok := strings.CutPrefix(command, "./deploy.sh ")
	if !ok {
		t.Fatalf("it runs %q, want deploy.sh", command)
	}
	if out, status := script(t, append(strings.Fields(arguments), "-n")...); status != 0 || !strings.Contains(out, "ALLOWED_ORIGINS=https://shop.example") {
		t.Errorf("%s -n ended with %d:\n%s", command, status, out)
	}
}

// TestTheScriptIsClean: of what shellcheck knows to go wrong.
func TestTheScriptIsClean(t *testing.T) {
	shellcheck, err := exec.LookPath("shellcheck")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("no shellcheck on the PATH, and CI=true promises one")
		}
		t.Skip("needs shellcheck on the PATH: deploy.sh is not checked")
	}
	c := exec.CommandContext(t.Context(), shellcheck, "-x", "deploy.sh")
	c.Dir = ".."
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
