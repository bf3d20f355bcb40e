package partner

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tallystick/tallystick/internal/strictjson"
)

func TestPythonsText(t *testing.T) {
	for _, tt := range []struct{ json, want string }{
		{` null `, `null`}, {`true`, `true`}, {`false`, `false`},
		{`{}`, `{}`}, {` { } `, `{}`}, {`[]`, `[]`}, {`[ [ ] , { } ]`, `[[], {}]`},
		{`{"b":1,"a":[1,2],"c":{"x":null,"y":"z"}}`, `{"b": 1, "a": [1, 2], "c": {"x": null, "y": "z"}}`},
		{`["a",["b"],{"c":["d"]},"e"]`, `["a", ["b"], {"c": ["d"]}, "e"]`},
		{`{"":""}`, `{"": ""}`},

		{`"\"\\\/\b\f\n\r\t"`, `"\"\\/\b\f\n\r\t"`},
		{`"\u0022\u005c\u002f\u0008\u000c\u000A\u000d\u0009"`, `"\"\\/\b\f\n\r\t"`},
		{`"\u0000\u001f\u007e\u007F"`, `"\u0000\u001f~\u007f"`},
		{"\"~\x7f\"", `"~\u007f"`},
		{`"é\u00E9€"`, `"\u00e9\u00e9\u20ac"`},
		{`"😀\uD83D\uDE00"`, `"\ud83d\ude00\ud83d\ude00"`},
		{"\"\u2028\ufeff\uffff\U0010ffff\"", `"\u2028\ufeff\uffff\udbff\udfff"`},
		{`"<a href='x'>&</a>"`, `"<a href='x'>&</a>"`},
		{`{"é":1}`, `{"\u00e9": 1}`},

		{`0`, `0`}, {`-0`, `0`}, {`-1`, `-1`}, {`9007199254740993`, `9007199254740993`},
		{`123456789012345678901234567890`, `123456789012345678901234567890`}, {`-18446744073709551616`, `-18446744073709551616`},
		{`0.0`, `0.0`}, {`-0.0`, `-0.0`}, {`0e5`, `0.0`}, {`-0E-5`, `-0.0`}, {`1.0`, `1.0`}, {`1e0`, `1.0`}, {`1E+2`, `100.0`}, {`1.50`, `1.5`}, {`0.1`, `0.1`},
		{`0.30000000000000004`, `0.30000000000000004`}, {`0.1000000000000000055511151231257827`, `0.1`},
		{`0.0001`, `0.0001`}, {`0.00001`, `1e-05`}, {`0.000123`, `0.000123`}, {`0.0000123`, `1.23e-05`}, {`1e-7`, `1e-07`}, {`1.5e-10`, `1.5e-10`}, {`1e-100`, `1e-100`},
		{`1e15`, `1000000000000000.0`}, {`1e16`, `1e+16`}, {`9999999999999998.0`, `9999999999999998.0`}, {`9999999999999999.0`, `1e+16`}, {`123456789012345678.0`, `1.2345678901234568e+17`},
		{`1e22`, `1e+22`}, {`1e100`, `1e+100`}, {`-1.5e300`, `-1.5e+300`},
		{`1.7976931348623157e308`, `1.7976931348623157e+308`}, {`1.7976931348623159e308`, `Infinity`}, {`1e400`, `Infinity`}, {`-1e400`, `-Infinity`},
		{`5e-324`, `5e-324`}, {`2e-324`, `0.0`}, {`-1e-400`, `-0.0`}, {`2.2250738585072014e-308`, `2.2250738585072014e-308`},
	} {
		if got, err := pythonText([]byte(tt.json)); err != nil || string(got) != tt.want {
			t.Errorf("%s: got %s, %v, want %s", tt.json, got, err, tt.want)
		}
	}
}

func TestWhatIsNoJSONHasNoPythonText(t *testing.T) {
	for _, text := range []string{``, ` `, `{`, `[1`, `[1,`, `{"a"`, `{"a":`, `{"a":1,`, `]`, `[}`, `{]`, `nul`, `"a`, `{"a" 1}`, `[1 2]`, "\"\xff\"", `"\ud800"`} {
		if got, err := pythonText([]byte(text)); err == nil {
			t.Errorf("%q has the text %s, want an error", text, got)
		}
		if p, err := setOf(t, documentOfOld("old", allTexts...)).VerifyLegacy([]byte(text), legacyKeyOf(text, tokenOf("old"))); err != ErrSignature {
			t.Errorf("%q: %v, %v, want ErrSignature", text, p, err)
		}
	}
}

// TestPythonWritesWhatWeThink asks Python itself, about thousands of random values.
func TestPythonWritesWhatWeThink(t *testing.T) {
	wantPython(t)
	seed := uint64(time.Now().UnixNano())
	r := rand.New(rand.NewPCG(seed, 0))
	var questions bytes.Buffer
	var values [][]byte
	for range pick(5_000, 200_000) {
		value := randomJSON(r, 4)
		if err := strictjson.Check(value); err != nil {
			t.Fatalf("seed %d: %s: %v", seed, value, err)
		}
		values = append(values, value)
		fmt.Fprintln(&questions, hex.EncodeToString(value))
	}
	c := exec.Command("python3", "-c", `
import json, sys
for line in sys.stdin:
    print(json.dumps(json.loads(bytes.fromhex(line))))
`)
	c.Stdin, c.Stderr = &questions, os.Stderr
	out, err := c.Output()
	if err != nil {
		t.Fatal(err)
	}
	answers := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(answers) != len(values) {
		t.Fatalf("%d answers to %d questions", len(answers), len(values))
	}
	for i, value := range values {
		if got, err := pythonText(value); err != nil || string(got) != answers[i] {
			t.Fatalf("seed %d: %s\ngot  %s, %v\nwant %s", seed, value, got, err, answers[i])
		}
	}
}

// wantPython skips a test that needs it, except where CI=true promises that it is there.
func wantPython(t *testing.T) {
	t.Helper()
	_, err := exec.LookPath("python3")
	switch {
	case err == nil:
	case os.Getenv("CI") == "true":
		t.Fatal("no python3 on the PATH, and CI=true promises one")
	default:
		t.Skip("needs python3 on the PATH: our text is compared with a table alone")
	}
}

// randomJSON is a value in any of the ways to write it.
func randomJSON(r *rand.Rand, depth int) []byte {
	space := func() string { return []string{"", "", " ", "\n", "\t ", "\r\n"}[r.IntN(6)] }
	var parts []string
	switch n := r.IntN(8); {
	case depth > 0 && n < 2:
		for range r.IntN(5) {
			parts = append(parts, space()+string(randomJSON(r, depth-1))+space())
		}
		return []byte("[" + space() + strings.Join(parts, ",") + "]")
	case depth > 0 && n < 5:
		for i := range r.IntN(5) {
			name := randomString(r)
			name = name[:len(name)-1] + strconv.Itoa(i) + `"` // no name twice
			parts = append(parts, space()+name+space()+":"+space()+string(randomJSON(r, depth-1))+space())
		}
		return []byte("{" + space() + strings.Join(parts, ",") + "}")
	case n < 6:
		return []byte(randomString(r))
	case n == 6:
		return []byte([]string{"null", "true", "false"}[r.IntN(3)])
	}
	return []byte(randomNumber(r))
}

func randomString(r *rand.Rand) string {
	var b strings.Builder
	b.WriteByte('"')
	for range r.IntN(12) {
		var c rune
		switch r.IntN(5) {
		case 0:
			c = rune(r.IntN(0x20))
		case 1:
			c = rune(0x20 + r.IntN(0x60))
		case 2:
			c = rune(0x80 + r.IntN(0x780))
		case 3:
			c = rune(0x800 + r.IntN(0xd000)) // to before the surrogates
		case 4:
			c = rune(0xe000 + r.IntN(0x110000-0xe000))
		}
		format := []string{`\u%04x`, `\u%04X`}[r.IntN(2)]
		switch short := strings.IndexRune("\"\\/\b\f\n\r\t", c); {
		case short >= 0 && r.IntN(2) == 0:
			b.WriteString(`\` + `"\/bfnrt`[short:short+1])
		case c < ' ' || c == '"' || c == '\\' || c <= 0xffff && r.IntN(2) == 0:
			fmt.Fprintf(&b, format, c)
		case c > 0xffff && r.IntN(2) == 0:
			fmt.Fprintf(&b, format+format, 0xd800+(c-0x10000)>>10, 0xdc00+(c-0x10000)&0x3ff)
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func randomNumber(r *rand.Rand) string {
	digits := func(n int) string {
		var b strings.Builder
		for range n {
			b.WriteByte(byte('0' + r.IntN(10)))
		}
		return b.String()
	}
	whole := strconv.Itoa(r.IntN(10))
	if whole != "0" {
		whole += digits(r.IntN(25))
	}
	sign := []string{"", "-"}[r.IntN(2)]
	exponent := []string{"e", "E", "e+", "E+", "e-", "E-"}[r.IntN(6)] + strconv.Itoa(r.IntN([]int{30, 400}[r.IntN(2)]))
	switch r.IntN(6) {
	case 0:
		return sign + whole
	case 1:
		return sign + whole + "." + digits(1+r.IntN(25))
	case 2:
		return sign + whole + exponent
	case 3:
		return sign + whole + "." + digits(1+r.IntN(25)) + exponent
	case 4: // near where a float is written in another way
		return sign + strconv.FormatFloat(math.Pow10(r.IntN(24)-7)*(1+r.Float64()*1e-15), 'e', -1, 64)
	}
	f := math.Float64frombits(r.Uint64())
	if math.IsNaN(f) || math.IsInf(f, 0) {
		f = r.NormFloat64()
	}
	return strconv.FormatFloat(f, 'e', -1, 64)
}
