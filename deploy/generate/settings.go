package main

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/tallystick/tallystick/internal/edge"
)

// setting is what deploy.sh knows of one: the option that sets it, an extended regular
// expression of its values, and that in words. What another option makes has no expression.
type setting struct {
	name, option, pattern, words string
}

// settings are those of edge.Config, and what of OpenTelemetry's own docs/watching.md names.
// An expression takes nothing that a function refuses; a test of deploy.sh compares the two.
var settings = []setting{
	{"STORE", "--store and --database", "", ""},
	{"ALLOWED_ORIGINS", "--allowed-origins", list("[*]|https?://" + host), "origins such as https://example.com, without a path or a slash at the end, and commas between; or *"},
	{"RATE_LIMIT", "--set", `0|0?[.]0[2-9][0-9]*|0?[.][1-9][0-9]*|[1-9][0-9]{0,5}([.][0-9]+)?|1000000`, "0, or a number from 0.02 to 1000000"},
	{"TRUSTED_HOPS", "--set", `[0-9]|10`, "0 to 10"},
	{"MERGE_QUEUE", "--set", `[1-9][0-9]{0,8}`, "a number from 1"},
	{"SHARDS", "--set", `[1-9][0-9]?|100`, "1 to 100"},
	{"BASIC_AUTH", "--set", `[, ]*` + user + `([, ]+` + user + `)*[, ]*`, "lines of htpasswd -nB -C 10 USER, with a cost from 4 to 14"},
	{"PARTNERS", "--partners", "", ""},
	{"LEGACY_UPDATES", "--set", `true|false|` + day, "true, false, or a day such as 2027-06-30"},
	{"LOG_LEVEL", "--set", `debug|info|warn|error`, "debug, info, warn or error"},
	{"GOOGLE_CLOUD_PROJECT", "--project", "", ""},
	{"OTEL_EXPORTER_OTLP_ENDPOINT", "--set", `https?://` + host + `(/[A-Za-z0-9._~/-]*)?`, "the address of a collector, such as https://telemetry.googleapis.com"},
	{"OTEL_TRACES_SAMPLER", "--set", `(parentbased_)?(always_on|always_off|traceidratio)`, "always_on, always_off or traceidratio, also with parentbased_ before it"},
	{"OTEL_TRACES_SAMPLER_ARG", "--set", `0|1|0?[.][0-9]+|[01][.]0+`, "a number from 0 to 1"},
	{"OTEL_SERVICE_NAME", "--set", `.+`, "a name"},
	{"OTEL_RESOURCE_ATTRIBUTES", "--set", list(pair), "NAME=VALUE, with commas between"},
	{"OTEL_EXPORTER_OTLP_HEADERS", "--set", list(pair), "NAME=VALUE, with commas between"},
}

// Parts of the expressions. A user who is there twice, and costs that differ, are beyond
// them: deploy.sh looks at those itself.
const (
	host = `[a-z0-9._-]+(:[0-9]{1,5})?`
	user = `[^:,|[:space:]]+:[$]2[aby][$](0[4-9]|1[0-4])[$][./A-Za-z0-9]{53}`
	pair = `[^=,[:space:]]+=[^,]*`
	day  = `20[0-9]{2}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))|20([02468][048]|[13579][26])-02-29`
)

func list(item string) string { return "(" + item + ")(,(" + item + "))*" }

// settingsTable fails where edge.Config has a setting, or has none, that settings have.
func settingsTable() (string, error) {
	known := make(map[string]bool)
	for _, f := range reflect.VisibleFields(reflect.TypeFor[edge.Config]()) {
		known[f.Tag.Get("env")] = true
	}
	var b strings.Builder
	b.WriteString(generatedBy + `# The settings of the functions: name, the option of deploy.sh that sets it, what --set
# takes for it as an extended regular expression, and the same in words.
`)
	for _, s := range settings {
		if !known[s.name] && !strings.HasPrefix(s.name, "OTEL_") {
			return "", fmt.Errorf("settings: edge.Config has no %s", s.name)
		}
		delete(known, s.name)
		pattern := orNone("")
		if s.pattern != "" {
			pattern = "^(" + s.pattern + ")$"
		}
		fmt.Fprintf(&b, "%s\t%s\t%s\t%s\n", s.name, s.option, pattern, orNone(s.words))
	}
	for name := range known {
		return "", fmt.Errorf("settings: say what %s of edge.Config may be", name)
	}
	return b.String(), nil
}
