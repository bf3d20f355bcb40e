package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"
)

// doubling is a schema of levels that each apply the next one twice, by the keyword's
// pattern with %[1]s for the next one.
func doubling(levels int, pattern, last string) string {
	var b strings.Builder
	for i := range levels {
		next := fmt.Sprintf(`{"$ref":"#/$defs/l%d"}`, i+1)
		fmt.Fprintf(&b, `"l%d":%s,`, i, fmt.Sprintf(pattern, next))
	}
	return fmt.Sprintf(`{"$ref":"#/$defs/l0","$defs":{%s"l%d":%s}}`, b.String(), levels, last)
}

func nested(depth int) string {
	return strings.Repeat(`{"a":`, depth) + `[1]` + strings.Repeat(`}`, depth)
}

func TestBombsEndWithinTheirBounds(t *testing.T) {
	info, _ := debug.ReadBuildInfo()
	if info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("the race detector makes everything ten times as slow")
	}
	numbers := "[" + strings.Repeat("1,", 500_000) + "1]"
	var distinct strings.Builder
	for i := range 120_000 {
		fmt.Fprintf(&distinct, "%d,", i)
	}
	different := "[" + distinct.String() + "-1]"
	names := strings.ReplaceAll(strings.ReplaceAll(different[:len(different)-1], "[", `{"`), ",", `":0,"`) + `":0}`
	text := `"` + strings.Repeat("a", 1<<20-2) + `"`
	many := func(part string, n int) string { return strings.TrimSuffix(strings.Repeat(part+",", n), ",") }
	for _, tt := range []struct {
		name, schema, document string
		want                   error // nil if faults or none are fine
	}{
		{"allOf twice, 30 levels", doubling(30, `{"allOf":[%[1]s,%[1]s]}`, `true`), `1`, ErrTooComplex},
		{"allOf twice, of failures", doubling(30, `{"allOf":[%[1]s,%[1]s]}`, `{"type":"string"}`), `1`, ErrTooComplex},
		{"anyOf twice, of failures", doubling(30, `{"anyOf":[%[1]s,%[1]s]}`, `false`), `1`, ErrTooComplex},
		{"oneOf twice", doubling(30, `{"oneOf":[%[1]s,{"not":%[1]s}]}`, `true`), `1`, ErrTooComplex},
		{"not twice", doubling(30, `{"not":{"allOf":[%[1]s,%[1]s]}}`, `true`), `1`, nil},
		{"if twice", doubling(30, `{"if":%[1]s,"then":%[1]s,"else":%[1]s}`, `true`), `1`, ErrTooComplex},
		{"properties twice", `{"properties":{"a":{"allOf":[{"$ref":"#"},{"$ref":"#"}]}}}`, nested(32), ErrTooComplex},
		{"properties twice, of failures", `{"type":"object","properties":{"a":{"allOf":[{"$ref":"#"},{"$ref":"#"}]}}}`, nested(32), ErrTooComplex},
		{"unevaluated through doubling", doubling(30, `{"allOf":[%[1]s,%[1]s],"unevaluatedProperties":true}`, `true`), names, ErrTooComplex},
		{"many schemas on many items", `{"allOf":[` + many(`{"items":{"type":"string"}}`, 1500) + `]}`, numbers, nil},
		{"many schemas under not on many items", `{"allOf":[` + many(`{"not":{"items":{"minimum":0}}}`, 1000) + `]}`, numbers, nil},
		{"many unions on many items", `{"items":{"anyOf":[` + many(`{"type":"string"}`, 1500) + `,true]}}`, numbers, ErrTooComplex},
		{"many dependents on many names", `{"unevaluatedProperties":false,"allOf":[` + many(`{"additionalProperties":true}`, 1500) + `]}`, names, ErrTooComplex},
		{"equal items", `{"uniqueItems":true}`, numbers, nil},
		{"different items", `{"uniqueItems":true}`, different, nil},
		{"different items, often", `{"allOf":[` + many(`{"uniqueItems":true}`, 1500) + `]}`, different, ErrTooComplex},
		{"a large constant, often", `{"items":{"const":[` + many(`1`, 20_000) + `]}}`, different, nil},
		{"a large enum, often", `{"items":{"enum":[` + many(`1`, 20_000) + `]}}`, different, nil},
		{"a slow pattern on a long text", `{"pattern":"(a?){900}b"}`, text, ErrTooComplex},
		{"a pattern on a long text", `{"pattern":"^a*$"}`, text, nil},
		{"patterns on many names", `{"patternProperties":{` + many(`"(a|b)*c%d":false`, 1) + `,"(1?){900}x":false}}`, names, ErrTooComplex},
		{"expressions as values", `{"items":{"format":"regex"}}`, "[" + many(`"((abcdefghij){30}){30}"`, 20_000) + "]", nil},
		{"a number with a million digits", `{"items":{"multipleOf":0.001}}`, `[0.` + strings.Repeat("1", 1_000_000) + `]`, nil},
		{"a small divisor", `{"items":{"multipleOf":1e-300}}`, numbers, nil},
		{"many items that fail", `{"items":false}`, numbers, nil},
		{"contains that fails", `{"contains":false}`, numbers, nil},
		{"many names that fail", `{"propertyNames":{"maxLength":0}}`, names, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if !json.Valid([]byte(tt.document)) {
				t.Fatalf("the document is no JSON: %.60s", tt.document)
			}
			start := time.Now()
			s, err := Compile([]byte(tt.schema))
			if err != nil {
				if !errors.Is(err, ErrTooComplex) && !errors.Is(err, ErrSchema) {
					t.Errorf("Compile: %v", err)
				}
				t.Fatalf("Compile: %v", err)
			}
			compiledIn := time.Since(start)
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start = time.Now()
			faults, err := s.Check([]byte(tt.document))
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
			if tt.want != nil && !errors.Is(err, tt.want) || tt.want == nil && err != nil && !errors.Is(err, ErrTooComplex) {
				t.Errorf("got %v, want %v", err, tt.want)
			}
			if took > time.Minute || compiledIn > time.Minute || allocated > 1<<10 || len(faults) > MaxFaults {
				t.Errorf("Compile took %v, Check %v, allocated %d MiB, %d faults", compiledIn, took, allocated, len(faults))
			}
			t.Logf("Compile %v, Check %v, %d MiB allocated in all, %d faults, %v", compiledIn, took, allocated, len(faults), err)
		})
	}
}

func TestCompilingIsBounded(t *testing.T) {
	many := func(part string, n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, part+",", i)
		}
		return strings.TrimSuffix(b.String(), ",")
	}
	for name, schema := range map[string]string{
		"properties":       `{"properties":{` + many(`"%d":{}`, 3900) + `}}`,
		"failing parts":    `{"properties":{` + many(`"%d":{"type":0}`, 3500) + `}}`,
		"references":       `{"x":{` + many(`"%d":{}`, 1800) + `},"properties":{` + many(`"%[1]d":{"$ref":"#/x/%[1]d"}`, 1000) + `}}`,
		"resources":        `{"allOf":[` + many(`{"$id":"a%d"}`, 2500) + `]}`,
		"anchors":          `{"allOf":[` + many(`{"$anchor":"a%d"}`, 2500) + `]}`,
		"deep":             strings.Repeat(`{"properties":{"a":{"allOf":[`, 24) + `{}` + strings.Repeat(`]}}}`, 24),
		"a list of texts":  `{"required":[` + many(`"%d"`, 8000) + `]}`,
		"a list of wrongs": `{"required":[` + many(`%d`, 10000) + `]}`,
		"an enum":          `{"enum":[` + many(`%d`, 10000) + `]}`,
		"exponents":        `{"allOf":[` + many(`{"minimum":1e-999999,"maximum":%d}`, 1500) + `]}`,
	} {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			_, err := Compile([]byte(schema))
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			allocated := (after.TotalAlloc - before.TotalAlloc) >> 20
			if took > time.Minute || allocated > 2<<10 {
				t.Errorf("took %v, allocated %d MiB", took, allocated)
			}
			if err != nil && (!errors.Is(err, ErrSchema) && !errors.Is(err, ErrTooComplex) || len(err.Error()) > 3000) {
				t.Errorf("got %v", err)
			}
			t.Logf("%d bytes: %v, %d MiB allocated in all, %.120v", len(schema), took, allocated, err)
		})
	}
}
