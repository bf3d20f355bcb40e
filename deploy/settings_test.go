package deploy

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tallystick/tallystick/internal/edge"
)

const (
	someHash  = "$2y$10$abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ."
	otherHash = "$2b$10$zyxwvutsrqponmlkjihgfedcbaZYXWVUTSRQPONMLKJIHGFEDCBA."
	cheapHash = "$2y$04$abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ."
)

// examples are values that a function takes, and that it refuses.
var examples = map[string]struct{ good, bad []string }{
	"ALLOWED_ORIGINS": {
		[]string{"*", "https://shop.example", "http://localhost:8080", "https://a.example,https://b.example:8443", "https://a.example,*", "http://127.0.0.1:1"},
		[]string{"https://shop.example/", "shop.example", "https://shop.example,", ",https://shop.example", "https://a.example, https://b.example", "https://Shop.example",
			"https://*.example", "ftp://shop.example", "https://", "https://shop.example/shop", "https://shop.example?a", "https://shop.example#a", "https://u@shop.example", "https://shop.example:x", "**", "null"},
	},
	"RATE_LIMIT": {
		[]string{"0", "20", "0.02", "0.029", ".02", "0.5", ".5", "1", "1.5", "1.0", "999999", "999999.9", "1000000"},
		[]string{"abc", "-1", "0.01", "0.019", ".01", "0.002", "1000001", "10000000", "20 ", " 20", "20/s", "1,5", "5.5.5"},
	},
	"MERGE_QUEUE": {
		[]string{"1", "10000", "999999999"},
		[]string{"0", "-1", "many", "1.5", "99999999999999999999", "1 "},
	},
	"BASIC_AUTH": {
		[]string{"ann:" + someHash, "ann:" + someHash + ",bob:" + otherHash, "ann:" + someHash + "  bob:" + otherHash + " ", " ann:" + cheapHash, "o'neill:" + someHash, "jürgen:" + someHash},
		[]string{"ann", "ann:", ":" + someHash, "ann:secret", "ann:" + someHash + "x", "ann:" + someHash[:59], "ann:$apr1$abc", "ann:$2x" + someHash[3:], "ann:$2y$03$" + someHash[7:], "ann:$2y$15$" + someHash[7:],
			"ann:" + someHash + ";bob:" + otherHash, "ann:" + someHash + ",ann:" + otherHash, "ann:" + someHash + ",bob:" + cheapHash, ",", " "},
	},
	"LEGACY_UPDATES": {
		[]string{"true", "false", "2027-06-30", "2026-01-31", "2028-02-29", "2099-12-31"},
		[]string{"yes", "TRUE", "1", "2027-6-30", "2027-02-29", "2027-02-30", "2027-04-31", "2027-13-01", "2027-00-10", "2027-01-00", "2027-01-32", "30.06.2027", "2027-06-30 "},
	},
	"LOG_LEVEL": {
		[]string{"debug", "info", "warn", "error"},
		[]string{"INFO", "warning", "none", "info,warn"},
	},
	"OTEL_EXPORTER_OTLP_ENDPOINT": {
		[]string{"https://telemetry.googleapis.com", "http://localhost:4318", "https://otel.example/some/path/"},
		[]string{"localhost:4318", "telemetry.googleapis.com", "grpc://localhost:4317", "https://", "https:///v1", "https://otel.example:port", "true"},
	},
	"TRUSTED_HOPS": {upTo(0, 10), []string{"-1", "11", "100", "two", "1.0"}},
	"SHARDS":       {upTo(1, 100), []string{"0", "101", "1000", "-1", "four", "4.5", " 4"}},
}

func upTo(first, last int) (all []string) {
	for n := first; n <= last; n++ {
		all = append(all, strconv.Itoa(n))
	}
	return all
}

// TestASettingIsRefusedThatAFunctionRefuses: deploy.sh's expressions and the functions' own
// parser are of one opinion.
func TestASettingIsRefusedThatAFunctionRefuses(t *testing.T) {
	for name, tt := range examples {
		t.Run(name, func(t *testing.T) {
			taken := taken(t, name, append(tt.good, tt.bad...))
			for i, value := range append(tt.good, tt.bad...) {
				want := i < len(tt.good)
				t.Setenv(name, value)
				if _, err := edge.LoadConfig(); (err == nil) != want {
					t.Errorf("%q: the example is wrong: LoadConfig says %v", value, err)
				}
				if taken[i] != want {
					t.Errorf("%q: deploy.sh takes it: %v, want %v", value, taken[i], want)
				}
			}
		})
	}
}

// TestEverySettingHasExamples that --set or --allowed-origins sets, and that the functions
// read themselves.
func TestEverySettingHasExamples(t *testing.T) {
	for _, row := range settingsRows(t) {
		name, pattern := row[0], row[2]
		if _, ok := examples[name]; !ok && pattern != "-" && (!strings.HasPrefix(name, "OTEL_") || name == "OTEL_EXPORTER_OTLP_ENDPOINT") {
			t.Errorf("%s has no examples", name)
		}
	}
}

// TestOpenTelemetrysSettingsAreThoseOfTheDocs, and no others.
func TestOpenTelemetrysSettingsAreThoseOfTheDocs(t *testing.T) {
	page, err := os.ReadFile("../docs/watching.md")
	if err != nil {
		t.Fatal(err)
	}
	want := regexp.MustCompile(`\bOTEL_[A-Z_]+`).FindAllString(string(page), -1)
	slices.Sort(want)
	var got []string
	for _, row := range settingsRows(t) {
		if strings.HasPrefix(row[0], "OTEL_") {
			got = append(got, row[0])
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(slices.Compact(want), got); diff != "" {
		t.Errorf("the settings of OpenTelemetry's that docs/watching.md names are not those of deploy/settings.tsv (-page +table)\n%s", diff)
	}
}

func TestWhatOpenTelemetryTakes(t *testing.T) {
	for name, tt := range map[string]struct{ good, bad []string }{
		"OTEL_TRACES_SAMPLER":        {[]string{"always_off", "parentbased_traceidratio"}, []string{"off", "parentbased_"}},
		"OTEL_TRACES_SAMPLER_ARG":    {[]string{"0", "0.01", ".5", "1", "1.0"}, []string{"1%", "2", "1.5", "-0.1"}},
		"OTEL_SERVICE_NAME":          {[]string{"our shop"}, nil},
		"OTEL_RESOURCE_ATTRIBUTES":   {[]string{"a=b", "a.b=c d,e=f"}, []string{"a", "a=b,", "=b"}},
		"OTEL_EXPORTER_OTLP_HEADERS": {[]string{"authorization=Basic%20YTpi", "a=b,c=d=="}, []string{"authorization: Basic"}},
	} {
		taken := taken(t, name, append(tt.good, tt.bad...))
		for i, value := range append(tt.good, tt.bad...) {
			if want := i < len(tt.good); taken[i] != want {
				t.Errorf("%s=%s: deploy.sh takes it: %v, want %v", name, value, taken[i], want)
			}
		}
	}
}

// taken says which values deploy.sh takes for a setting.
func taken(t *testing.T, name string, values []string) []bool {
	t.Helper()
	c := steps(t, `
		wrong() { exit 2; }
		option=$(table settings | awk -F '\t' -v name="$NAME" '$1 == name { print $2 }')
		while IFS= read -r value; do
			if (check_setting "$option" "$NAME" "$NAME=$value"); then echo taken; else echo refused; fi
		done`)
	c.Env = append(c.Env, "NAME="+name)
	c.Stdin = strings.NewReader(strings.Join(values, "\n") + "\n")
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []bool
	for _, line := range strings.Fields(string(out)) {
		all = append(all, line == "taken")
	}
	if len(all) != len(values) {
		t.Fatalf("%d verdicts of %d values:\n%s", len(all), len(values), out)
	}
	return all
}

// settingsRows are those of deploy/settings.tsv.
func settingsRows(t *testing.T) (rows [][]string) {
	t.Helper()
	b, err := os.ReadFile("settings.tsv")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if !strings.HasPrefix(line, "#") {
			rows = append(rows, strings.Split(strings.TrimSpace(line), "\t"))
		}
	}
	return rows
}

// steps is a shell with deploy.sh's functions, but for its main, that runs a script.
func steps(t *testing.T, script string) *exec.Cmd {
	t.Helper()
	text, err := os.ReadFile("../deploy.sh")
	if err != nil {
		t.Fatal(err)
	}
	functions, ok := strings.CutSuffix(string(text), "\nmain \"$@\"\n")
	if !ok {
		t.Fatal("deploy.sh does not end with main")
	}
	c := exec.CommandContext(t.Context(), shell(), "-c", functions+script, "./deploy.sh")
	c.Dir = ".."
	c.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "LC_ALL=C"}
	return c
}
