package transform

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestText(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return v.UTC()
	}
	for in, want := range map[string]any{
		"":    "",
		" a ": "a",
		"-":   "-",
		"0":   json.Number("0"), "-1": json.Number("-1"), "0.5": json.Number("0.5"), "-0.5": json.Number("-0.5"), "9.90": json.Number("9.90"),
		"00": "00", "007": "007", "-0": "-0", "-0.0": "-0.0", "+1": "+1", "1.": "1.", ".5": ".5", "1e5": "1e5", "1 2": "1 2", "0x1": "0x1", "1_000": "1_000", "١": "١",
		"9007199254740991": json.Number("9007199254740991"), "-9007199254740991": json.Number("-9007199254740991"), "9007199254740992": "9007199254740992", "10000000000000000": "10000000000000000",
		"0.123456789012345": json.Number("0.123456789012345"), "1.123456789012345": "1.123456789012345", "123456789012345.6": "123456789012345.6",
		"0.000":                           json.Number("0.000"),
		"0." + strings.Repeat("0", 100):   json.Number("0." + strings.Repeat("0", 100)),
		"0." + strings.Repeat("0", 101):   "0." + strings.Repeat("0", 101),
		"2026-11-22":                      at("2026-11-22T00:00:00Z"),
		"2024-02-29":                      at("2024-02-29T00:00:00Z"),
		"2026-02-29":                      "2026-02-29",
		"2026-02-30":                      "2026-02-30",
		"2026-13-01":                      "2026-13-01",
		"2026-00-01":                      "2026-00-01",
		"2026-1-1":                        "2026-1-1",
		"2026-11-22T10:00:00Z":            at("2026-11-22T10:00:00Z"),
		"2026-11-22t10:00:00z":            at("2026-11-22T10:00:00Z"),
		"2026-11-22T10:00:00.000000001Z":  at("2026-11-22T10:00:00.000000001Z"),
		"2026-11-22T00:30:00+01:00":       at("2026-11-21T23:30:00Z"),
		"2026-11-22T10:00:00-00:00":       at("2026-11-22T10:00:00Z"),
		"9999-12-31T23:59:59-00:01":       "9999-12-31T23:59:59-00:01",
		"0000-01-01T00:00:00+00:01":       "0000-01-01T00:00:00+00:01",
		"2026-11-22 10:00:00Z":            "2026-11-22 10:00:00Z",
		"2026-11-22T10:00Z":               "2026-11-22T10:00Z",
		"2026-11-22T10:00:00":             "2026-11-22T10:00:00",
		"2026-11-22T10:00:00.Z":           "2026-11-22T10:00:00.Z",
		"2026-11-22T10:00:00,5Z":          "2026-11-22T10:00:00,5Z",
		"2026-11-22T10:00:00.5":           "2026-11-22T10:00:00.5",
		"2026-11-22T10:00:00.0000000001Z": "2026-11-22T10:00:00.0000000001Z",
		"2026-11-22T24:00:00Z":            "2026-11-22T24:00:00Z",
		"2026-11-22T23:59:60Z":            "2026-11-22T23:59:60Z",
		"2026-11-22T10:00:00+0100":        "2026-11-22T10:00:00+0100",
		"2026-11-22T10:00:00+24:00":       "2026-11-22T10:00:00+24:00",
		"2026-11-22T10:00:00+01:60":       "2026-11-22T10:00:00+01:60",
		"2026-11-22T10:00:00*01:00":       "2026-11-22T10:00:00*01:00",
		"2026-11-22T10:00:00ZZ":           "2026-11-22T10:00:00ZZ",
		"e\u0301":                         "é",
	} {
		if diff := cmp.Diff(want, Text(in)); diff != "" {
			t.Errorf("Text(%q) (-want +got):\n%s", in, diff)
		}
	}
}

func TestTextReadsAsTheStandardLibraryDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := texts().Draw(t, "text")
		want := naiveText(s)
		if diff := cmp.Diff(want, dateAsText(Text(s), s)); diff != "" {
			t.Fatalf("Text(%q) (-want +got):\n%s", s, diff)
		}
	})
}

// dateAsText is what a document keeps of a date.
func dateAsText(v any, s string) any {
	s = strings.TrimSpace(s)
	at, ok := v.(time.Time)
	switch {
	case ok && len(s) == len("2026-11-22"):
		return s
	case ok:
		return at.Format(dateTimeLayout)
	}
	return v
}

var numberPattern = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?$`)

// naiveNumber says whether what matches numberPattern is exact enough.
func naiveNumber(s string) bool {
	whole, places, decimal := strings.Cut(strings.TrimPrefix(s, "-"), ".")
	if n := strings.TrimLeft(whole+places, "0"); n == "" {
		return s[0] != '-' && len(places) <= maxPlaces
	} else if decimal {
		return len(n) <= 15 && len(places) <= maxPlaces
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return err == nil && -1<<53 < n && n < 1<<53
}

var timePattern = regexp.MustCompile(`^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$`)

// naiveTime reads a date-time as a document keeps it.
func naiveTime(s string) (string, bool) {
	if !timePattern.MatchString(s) {
		return "", false
	}
	at, err := time.Parse(time.RFC3339Nano, strings.ToUpper(s))
	if err != nil || at.UTC().Year() < 0 || at.UTC().Year() > 9999 {
		return "", false
	}
	return at.UTC().Format(time.RFC3339Nano), true
}
