package transform

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/itchyny/gojq"
	"pgregory.net/rapid"
)

const order = `{"id":7,"price":1.50,"big":9007199254740993,"name":" Zoë ","tags":["b","a","b"],"at":"2015-03-05T23:51:47Z",
	"lines":[{"sku":"x","qty":2,"opt":{"c":1}},{"sku":"y","qty":1}],"deep":{"a":{"b":[1,[2,[3]]]}},"none":null,"yes":true,"no":false}`

// likeGojq are programs, of which each yields what gojq itself makes of them, for as many values as they yield.
var likeGojq = []string{
	// paths and literals
	`.`, `.id`, `.none`, `.missing`, `.deep.a.b[1][0]`, `.["id"]`, `."id"`, `."\("i")d"`, `.lines[0]`, `.lines[-1].sku`, `.lines[5]`, `.tags[1:]`, `.tags[:-1]`,
	`.tags[("1"|tonumber):]`, `.lines[].sku`, `.lines[]?.sku`, `.id[]?`, `[.lines[].opt?.c?]`, `..`, `[..|numbers]`, `.name[1:3]`, `.name[2]`, `.tags[1.7]`,
	`1`, `"x"`, `null`, `[]`, `{}`, `[1,"a",null,true]`, `{"a":1}`, `{a:1,"b":2,("c"):3,"d\(1)":4}`, `{id,name}`, `{"id"}`, `. as $x | {$x}`, `{a:(1,2)}`, `{(("a","b")):(1,2)}`,
	`-1`, `-(.id)`, `+1`, `-.price`, `[-1,-2]`, `1e3`, `.5`, `1.50`,
	// operators
	`.id+1`, `.price+0`, `.big+1`, `.big*.big`, `.big-1`, `.big/3`, `.big%10`, `.id/2`, `.id%3`, `-5%3`, `5%-3`, `5.9%2.1`, `1/3`, `6/3`, `1-2`, `null+1`, `1+null`, `"a"+"b"`, `"a"+null`,
	`[1]+[2]`, `{a:1}+{b:2}`, `{a:1}+{a:2}`, `[1,2,1]-[1]`, `"ab"*3`, `"ab"*0`, `"ab"*0.5`, `3*"ab"`, `"a,b"/","`, `""/","`, `"abc"/""`, `{a:{b:1}}*{a:{c:2}}`, `{a:1}*{a:{c:2}}`,
	`9223372036854775807+1`, `-9223372036854775808-1`, `9223372036854775807*2`, `-9223372036854775808/-1`, `4611686018427387904*2`,
	`1==1.0`, `.big==9007199254740992`, `"a"<"b"`, `[1]<[2]`, `{a:1}=={a:1.0}`, `null<false`, `[]<{}`, `1!=2`, `1<=1`, `2>=3`, `nan<nan`, `nan==nan`, `[nan]==[nan]`,
	`true and false`, `true or error`, `null and 1`, `.none//1`, `.no//.id`, `(false,null,3)//4`, `empty//1`, `.id//empty`, `[.[]?]|length`, `.missing//"d"`, `(1,2)+(10,20)`, `(1,2)*(3,4)`,
	// control
	`if .yes then 1 else 2 end`, `if .no then 1 end`, `if .no then 1 elif .yes then 2 else 3 end`, `if (true,false) then 1 else 2 end`, `try error("x") catch .`, `try error catch .id`, `[.tags[]|try tonumber catch "no"]`,
	`try error({a:1}) catch .a`, `error(null)?`, `.a.b.c?`, `reduce .lines[] as $l (0; .+$l.qty)`, `foreach .lines[] as $l (0; .+$l.qty)`, `foreach .lines[] as $l (0; .+$l.qty; [$l.sku,.])`,
	`label $out | .tags[] | ., break $out`, `[label $f | range(10) | ., (select(. == 3) | break $f)]`, `def f: .+1; 1|f|f`, `def f(g): g|g; 3|f(.*2)`, `def f($a; $b): $a+$b; f(1;2)`, `def f(g; $x): [g,$x]; f(1,2;3,4)`,
	`def fac: if . <= 1 then 1 else . * (. - 1 | fac) end; 20|fac`, `def f: def g: 3; g; f`, `def map(f): "mine"; [1]|map(.)`, `def f: reduce .[] as [$i,$j] (0; . + $i * $j); [[1,2],[3,4]]|f`, `. as {id:$x} | $x`, `. as {id:$x,lines:[{sku:$s}]} | [$x,$s]`, `.lines[] as {$sku} | $sku`,
	`. as {"id":$x} | $x`, `. as {("i"+"d"):$x} | $x`, `. as {"i\("d")":$x} | $x`, `. as $d | .tags | map($d.id)`, `[[1,2],3] | .[] as [$a] ?// $a | [$a]`, `.lines as [$a,$b] | $b.sku`, `. as {$id: $y} | [$id,$y]`,
	// assignment
	`.id=1`, `.id=(1,2)`, `.deep.a.x=1`, `.lines[0].qty=9`, `.lines[].qty=0`, `.lines[3].qty=0`, `.new.path[2].x=1`, `.tags[-1]="z"`, `.tags[1:]=["q"]`, `.tags[:1]=[]`, `.id|=.+1`, `.lines[].qty|=.*2`, `.lines|=map(.sku)`, `.tags|=sort`,
	`.tags[]|=ascii_upcase`, `.id|=empty`, `.tags[0]|=empty`, `.tags[]|=empty`, `.id+=1`, `.id-=1`, `.id*=2`, `.id/=2`, `.id%=2`, `.none//=5`, `.id//=5`, `.lines[].qty+=(1,2)`, `.lines[].qty+=.id?`, `(.id,.name)|=tostring`, `(.id,.name)=.yes`, `(.lines[]|select(.sku=="x").qty)=5`,
	`.. |= .`, `(..|numbers)|=.+1`, `(..|strings)|=ascii_downcase`, `(.deep,.deep.a)|=.`, `.deep|=(.a.b[0]=5)`, `.a=.b`, `.id|=(1,2,3)`, `.tags|=(.[0]="c"|.[1]="d")`, `getpath(["deep","a"])=1`, `paths(numbers) as $p|$p`, `first(.tags[])|="q"`, `(if .yes then .id else .name end)=0`,
	`.deep as $d | .deep.a.b[0] = 9 | [.deep, $d]`, `[.tags,.tags] | .[0][0]="q"`, `.lines as $l | .copy=$l | .copy[0].qty=0 | .lines[0].qty`, `(.a,.a)=1`, `null|.[1]=1`, `null|.a.b=1`, `.[]?|=.`, `{} | .["a","b"]=1`, `{"a":[1,2,3]}|.a[1:]|=map(.*2)`, `{"a":[1,2,3,4]}|.a[1:3]|=empty`, `. |= 1`, `.[("a","b")]=1`, `{a:null} | (.a.x, .a, .a[0].x) |= (if type == "object" then [.,.] elif . == null then 1 else 2 end)`,
	`del(.id)`, `del(.id,.name)`, `del(.lines[0])`, `del(.tags[0,2])`, `del(.tags[])`, `del(.tags[1:])`, `del(.missing)`, `del(.missing.x)`, `del(..|nulls)`, `del(.tags[-1])`, `del(.[])`, `del(.deep.a.b[1][0])`, `del(.)`, `delpaths([["id"],["tags",0]])`, `delpaths([])`, `del(.tags[9])`, `del(.lines[].sku)`, `to_entries|map(.key)`,
	`setpath(["a",1];2)`, `setpath([];1)`, `getpath(["deep","a","b",0])`, `getpath(["x","y"])`, `[paths]`, `[paths(type=="number")]`, `path(.deep.a)`, `[path(..)]`, `pick(.id)`, `pick(.lines[1].sku)`, `pick(.deep.a, .id)`, `path(first(.tags[]))`, `path(getpath(["a","b"]))`, `path(.tags|last)`, `path(if .yes then .a else .b end)`, `path(.tags|select(length>1)|.[1:])`, `path(recurse)|select(length>3)`,
	// functions
	`.tags|length`, `.name|length`, `.none|length`, `.price|length`, `.name|utf8bytelength`, `keys`, `.tags|keys`, `has("id")`, `.tags|has(7)`, `"id"|in({"id":1})`, `.tags|contains(["a"])`, `"foobar"|contains("bar")`, `["a"]|inside(["a","b"])`, `.lines|map(.qty)|add`, `add(.lines[].qty)`, `.tags|add`, `[[1],[2]]|add`, `[{a:1},{b:2}]|add`, `[]|add`,
	`any`, `.tags|any(.=="a")`, `[true,false]|all`, `all(.lines[];.qty>0)`, `any(.lines[].qty;.>1)`, `.deep|flatten?`, `.deep.a.b|flatten`, `.deep.a.b|flatten(1)`, `[range(3)]`, `[range(1;4)]`, `[range(0;10;3)]`, `[range(5;0;-2)]`, `[range(0,1;3)]`, `.price|floor,ceil,round,sqrt`, `pow(2;10)`, `[1,2]|tostring`, `.name|tostring`, `.price|tostring`, `"12"|tonumber`, `"1.50"|tonumber`, `"x"|tonumber?`, `type`, `.[]|type`,
	`[.[]|numbers]`, `[.[]|strings]`, `[.[]|arrays]`, `[.[]|objects]`, `[.[]|nulls]`, `[.[]|booleans]`, `[.[]|scalars]`, `[.[]|iterables]`, `[.[]|values]|length`, `empty`, `.tags|sort`, `.lines|sort_by(.qty)`, `.lines|sort_by(.qty,.sku)`, `.lines|group_by(.qty>1)`, `.tags|unique`, `.lines|unique_by(.qty)`, `.tags|min,max`, `.lines|min_by(.qty).sku,max_by(.qty).sku`, `.tags|reverse`, `"abc"|explode|implode`,
	`"a,b"|split(",")`, `"a1b2"|split("[0-9]";null)`, `.tags|join("-")`, `[1,null,"a",true]|join(",")`, `"aB"|ascii_downcase,ascii_upcase`, `recurse|numbers`, `[2|recurse(if .<20 then .*. else empty end)]`, `[2|recurse(.*.; .<100)]`, `.name|ltrimstr(" "),rtrimstr(" "),trim,ltrim,rtrim`, `"foo"|startswith("f"),endswith("o")`, `[1,[2]]|tojson,(tojson|fromjson)`, `"[1,2"|fromjson?`, `"1.50"|fromjson`,
	`"a\tb"|@json`, `[1,"a"]|@csv,@tsv,@sh`, `"<&>"|@html`, `"a b&é"|@uri`, `"a%20b"|@urid`, `"é"|@base64`, `"w6k="|@base64d`, `@text "a\(1)"`, `@json "x\([1,"a"])"`, `@html "<\("<")>"`, `"\(1)\(2)"`, `"a\("b\("c")")"`, `"x" as $x|"\($x)y"`, `"\(1,2)-\(3,4)"`, `[.tags[]|@base64]`,
	`to_entries[0]`, `{a:1}|with_entries(.value+=1)`, `[{name:"a",value:1},{key:"b",Value:2}]|from_entries?`, `[{key:"a",value:false}]|from_entries`, `map_values(1)`, `.tags|map_values(ascii_upcase)`, `{a:1,b:2}|map_values(empty)`, `[1,2,3]|map_values(select(.!=2))`, `.tags|map(.+"x")`, `map(type)`, `walk(if type=="number" then .+1 else . end)`, `walk(if type=="object" then del(.sku) else . end)`, `.deep|walk(if type=="array" then sort else . end)`, `[1,[2,null]]|walk(values)`,
	`[limit(3;range(10))]`, `[limit(0;1,2)]`, `[first(range(10))]`, `[first(empty)]`, `.tags|first,last`, `last(range(5))`, `[skip(2;range(5))]`, `nth(1;range(5))`, `.tags|nth(1)`, `isempty(empty)`, `isempty(1,error)`, `[.[]|select(type=="string")]|length`, `[while(.!=0;0)]?|length`, `[1|while(.<100;.*2)]`, `1|until(.>100;.*2)`, `[splits("a")]?|length`,
	`"test"|test("T";"i")`, `"test"|test("^t")`, `"foo bar"|match("(?<x>o+)")`, `[("aXbX"|match("X";"g"))|.offset]`, `"é1"|match("1").offset`, `"foo bar"|capture("(?<a>[a-z]+) (?<b>[a-z]+)")`, `[("a1b22"|scan("[0-9]+"))]`, `[("a1b22"|scan("([a-z])([0-9]+)"))]`, `["a1b2"|splits("[0-9]")]`, `"abc"|sub("b";"X")`, `"abab"|gsub("b";"X")`, `"abab"|gsub("(?<l>b)";"<\(.l)>")`, `"aBc"|gsub("b";"x";"i")`, `"abc"|gsub("z";"x")`, `"abc"|sub("(?<x>z)?b";"[\(.x)]")`, `"x"|match("(a)?x").captures`, `"ab"|[match("";"g").offset]`, `"test"|test(["T","i"])`,
	`[1,2,3]|index(2)`, `"a,b,c"|index(","),rindex(","),indices(",")`, `[1,2,1,2]|indices([1,2])`, `[1,2]|indices(1)`, `[1,3,5]|bsearch(3),bsearch(4)`, `[[1,2],[3]]|transpose`, `[[1,2],[3,4]]|[combinations]`, `[0,1]|[combinations(2)]`, `[tostream]|length`, `fromstream(tostream)`, `[1|truncate_stream([[0],1],[[1,0],2],[[1,0]],[[1]])]`, `[.lines[]|INDEX(.;.sku)?]|length`, `INDEX(.lines[];.sku)`, `.lines|INDEX(.sku)`, `2|IN(1,2,3)`, `IN(.tags[];"a")`,
	`.at|fromdate`, `.at|fromdate|todate`, `1425599507|todate`, `.at|strptime("%Y-%m-%dT%H:%M:%SZ")|mktime`, `1425599507|gmtime|mktime`, `1425599507|strftime("%A, %B %d, %Y")`, `[1,2]|toboolean?`, `"true"|toboolean`, `-1|abs`, `[.[]?|abs?]|length`, `infinite`, `-infinite`, `nan|isnan`, `1|isinfinite,isnormal`, `[1,2]|ltrimstr("a")`, `"1 2"|[splits(" ")]`, `{}|.a+=1`, `10|[log10,exp10]|map(floor)`, `8|significand`, `.tags|to_entries|from_entries?`, `[.lines[]|.qty]|@csv`, `getpath(["lines",0,"sku"])`, `splits("x")?`, `error?`, `@base64d?`, `limit(-1;1)?`, `.lines|map(select(.qty>1))`, `.lines|map(has("opt"))`, `[.tags[]|{(.):1}]|add`,
}

func TestProgramsMeanWhatTheyMeanInGojq(t *testing.T) {
	for _, text := range likeGojq {
		query, err := gojq.Parse(`{all: [` + text + `]}`)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var want string
		v, _ := query.Run(decoded(t, order)).Next()
		if err, failed := v.(error); failed {
			want = "error: " + err.Error()
		} else {
			b, _ := gojq.Marshal(v)
			want = string(b)
		}
		got := run(t, `{all: [`+text+`]}`, order)
		if strings.HasPrefix(want, "error") && strings.HasPrefix(got, "error: "+ErrRun.Error()) {
			continue // the words differ
		}
		if got != want {
			t.Errorf("%s\ngot  %s\nwant %s", text, got, want)
		}
	}
}

func decoded(t testing.TB, text string) any {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func run(t testing.TB, program, original string) string {
	t.Helper()
	p, err := Compile(program)
	if err != nil {
		return "error: " + err.Error()
	}
	out, err := p.Run(t.Context(), []byte(original))
	if err != nil {
		return "error: " + err.Error()
	}
	return string(out)
}

func TestArithmeticIsThatOfGojq(t *testing.T) {
	numbers := rapid.OneOf(
		rapid.Int().AsAny(), rapid.IntRange(-5, 5).AsAny(), rapid.Float64Range(-1e6, 1e6).AsAny(),
		rapid.SampledFrom([]any{json.Number("9007199254740993"), json.Number("-123456789012345678901234567890"), json.Number("1.50"), json.Number("1e300"), json.Number("9223372036854775807"), json.Number("-9223372036854775808")}),
	)
	rapid.Check(t, func(t *rapid.T) {
		a, b := numbers.Draw(t, "a"), numbers.Draw(t, "b")
		op := rapid.SampledFrom([]string{"+", "-", "*", "/", "%", "==", "<", ">=", "!="}).Draw(t, "operator")
		original, err := json.Marshal(map[string]any{"a": a, "b": b})
		if err != nil {
			t.Fatal(err)
		}
		text := `{v: (try (.a ` + op + ` .b) catch "error")}`
		query, _ := gojq.Parse(text)
		d := json.NewDecoder(strings.NewReader(string(original)))
		d.UseNumber()
		var in any
		if err := d.Decode(&in); err != nil {
			t.Fatal(err)
		}
		v, _ := query.Run(in).Next()
		want, _ := gojq.Marshal(v)
		p, err := Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := p.Run(context.Background(), original); string(got) != string(want) || err != nil {
			t.Fatalf("%s %s %s: got %s, %v, want %s", original, text, op, got, err, want)
		}
	})
}

func TestRunKeepsNumbersThatItMoves(t *testing.T) {
	for program, want := range map[string]string{
		`{a: .big, b: .price, c: .lines[0].qty}`: `{"a":9007199254740993,"b":1.50,"c":2}`,
		`{a: (.big + 1), b: (.price + 0)}`:       `{"a":9007199254740994,"b":1.5}`,
		`{a: (.big * .big)}`:                     `{"a":81129638414606699710187514626049}`,
		`{a: nan, b: infinite}`:                  `{"a":null,"b":1.7976931348623157e+308}`,
		`{b: "<&>\u2028", a: "é"}`:               `{"a":"é","b":"<&>` + "\u2028" + `"}`,
	} {
		if got := run(t, program, order); got != want {
			t.Errorf("%s: got %s, want %s", program, got, want)
		}
	}
}

func TestCompileRefuses(t *testing.T) {
	for program, says := range map[string]string{
		``:                                    "nothing to do",
		`# only a comment`:                    "nothing to do",
		`.a |`:                                "line 1, column 5: unexpected EOF",
		"{a: 1,\n é: }":                       "line 2, column 2",
		"{a: 1,\n  b: ]}":                     "line 2, column 6: unexpected token \"]\"",
		`"a`:                                  "unterminated string",
		`foo`:                                 "foo/0 is not defined",
		`map(.;.)`:                            "map/2 is not defined",
		`$x`:                                  "$x",
		`now`:                                 "clock",
		`{a: (1|localtime)}`:                  "time zone",
		`1|strflocaltime("%H")`:               "time zone",
		`env.HOME`:                            "environment",
		`$ENV`:                                "environment",
		`{$ENV}`:                              "environment",
		`. as {a: $x} | $ENV.HOME`:            "environment",
		`input`:                               "one input",
		`[inputs]`:                            "one input",
		`input_filename`:                      "one input",
		`input_line_number`:                   "one input",
		`debug`:                               "nowhere",
		`debug("x")`:                          "nowhere",
		`stderr`:                              "nowhere",
		`halt`:                                "error",
		`halt_error`:                          "error",
		`builtins`:                            "version",
		`modulemeta`:                          "modules",
		`import "a" as a; .`:                  "import",
		`include "a"; .`:                      "import",
		`jn(1; 2)`:                            "not bounded",
		`$__loc__`:                            "reserved",
		`def __f: 1; __f`:                     "reserved",
		`def f($__x): 1; f(1)`:                "reserved",
		`. as $__m | .`:                       "reserved",
		`. as [$__m] | .`:                     "reserved",
		`label $__x | 1`:                      "reserved",
		`__edit`:                              "not defined",
		`__fromjson`:                          "not defined",
		`_sort_by(1)`:                         "not defined",
		`_plus`:                               "not defined",
		`getpath`:                             "getpath/0 is not defined",
		`@base32`:                             "no such format",
		`@nope "x"`:                           "no such format",
		`{"a\(1)"}`:                           "needs a value",
		`break $x`:                            "$x",
		strings.Repeat(" ", MaxProgram) + `.`: "16385 bytes",
		strings.Repeat("9", maxDigits+1):      "digits",
		`def f: g; def g: 1; f`:               "g/0 is not defined",
		`path(now)`:                           "clock",
		`try now catch .`:                     "clock",
		`reduce .[] as $x (0; now)`:           "clock",
		`{a: {(now|tostring): 1}}`:            "clock",
		`"\(now)"`:                            "clock",
		`.[now]`:                              "clock",
		`.a |= now`:                           "clock",
		`if now then 1 end`:                   "clock",
		`-now`:                                "clock",
	} {
		_, err := Compile(program)
		if !errors.Is(err, ErrProgram) || !strings.Contains(err.Error(), says) {
			t.Errorf("Compile(%.60q): got %v, want %v that says %q", program, err, ErrProgram, says)
		}
	}
}

func TestRunSaysWhatIsWrong(t *testing.T) {
	for _, tt := range []struct {
		program string
		want    error
		says    string
	}{
		{`empty`, ErrResult, "yields nothing"},
		{`., .`, ErrResult, "several"},
		{`., error("second")`, ErrRun, "second"},
		{`[.]`, ErrResult, "an array"},
		{`"x"`, ErrResult, `a string, "x"`},
		{`null`, ErrResult, "null"},
		{`.id | keys`, ErrRun, "number"},
		{`error("no price")`, ErrRun, "no price"},
		{`error({a: 1})`, ErrRun, `{"a":1}`},
		{`error(null)`, ErrRun, "null"},
		{`error("x" * 10000)`, ErrRun, "…"},
		{`{a: ("x" * 3000000)}`, ErrTooLarge, ""},
		{`{a: (reduce range(40) as $i (1; [.]))}`, ErrResult, "deeper"},
		{`.tags[["a"]]`, ErrRun, "indices"},
		{`{a: ("a" | test("(?=x)"))}`, ErrRun, "regular expression"},
		{`{a: ("a" | test("a"; "q"))}`, ErrRun, "flags"},
		{`{a: 1} | .a.b = 1`, ErrRun, "number"},
		{`.at | strptime("%Z")`, ErrRun, "%z"},
	} {
		p, err := Compile(tt.program)
		if err != nil {
			t.Errorf("%s: %v", tt.program, err)
			continue
		}
		_, err = p.Run(t.Context(), []byte(order))
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.says) || len(err.Error()) > 500 {
			t.Errorf("%s: got %v, want %v that says %q", tt.program, err, tt.want, tt.says)
		}
	}
}

func TestRunRefusesAnOriginalThatIsNone(t *testing.T) {
	p, err := Compile(`.`)
	if err != nil {
		t.Fatal(err)
	}
	for _, original := range []string{``, `{`, `{} {}`, `{"a":1,"a":2}`, "{\"a\":\"\xff\"}", `{"a":[1e400]}`} {
		if _, err := p.Run(t.Context(), []byte(original)); err == nil {
			t.Errorf("%s: no error", original)
		}
	}
	if _, err := p.Run(t.Context(), []byte(`{"a":[1e400]}`)); !errors.Is(err, ErrNumber) || !strings.Contains(err.Error(), "/a/0") {
		t.Errorf("got %v, want %v at /a/0", err, ErrNumber)
	}
}

func TestRunEndsWithItsContext(t *testing.T) {
	p, err := Compile(`{a: last(repeat(1))}`)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err = p.Run(ctx, []byte(`{}`)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
}

func TestAHeavyRunWaitsForItsContextOnly(t *testing.T) {
	heavy <- struct{}{}
	defer func() { <-heavy }()
	p, err := Compile(`{a: [range(1e6)] | length}`)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err = p.Run(ctx, []byte(`{}`)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want %v", err, context.DeadlineExceeded)
	}
}

func TestAProgramCannotCatchItsEnd(t *testing.T) {
	skipUnderRace(t)
	p, err := Compile(`def f: try ([range(1e9)] | {a: length}) catch {a: "caught"}; f`)
	if err != nil {
		t.Fatal(err)
	}
	m := patient(t, p)
	defer m.close()
	if v, err := m.one(map[string]any{}); !errors.Is(err, ErrWork) {
		t.Errorf("got %v, %v, want %v", v, err, ErrWork)
	}
}

func TestAValueIsWalkedToItsDepthOnly(t *testing.T) {
	for depth, want := range map[string]error{"900": nil, "1100": ErrWork} {
		for _, walk := range []string{`tojson | length`, `flatten | length`, `. == [.]`, `[., .] | sort | length`, `[., 1] | del(.[1]) | tojson | length`} {
			p, err := Compile(`{a: (reduce range(` + depth + `) as $i ([]; [.]) | ` + walk + `)}`)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := p.Run(t.Context(), []byte(`{}`)); !errors.Is(err, want) {
				t.Errorf("%s levels, %s: got %v, want %v", depth, walk, err, want)
			}
		}
	}
}

// TestRunsShareNothing has programs change what could be shared: constants, and one
// another's input.
func TestRunsShareNothing(t *testing.T) {
	for _, text := range []string{
		`{c: {"x":[1,{"y":2}]}} | del(.c.x[1].y) | .c.x[0] += 1 | .c.z = .c.x`,
		`.lines[0].qty += 1 | del(.deep.a) | .tags |= map(.+"x")`,
		`. as $d | .deep.a.b[0] = 5 | {a: ., b: $d} | delpaths([["a","id"]])`,
	} {
		p, err := Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		want := run(t, text, order)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				for range 50 {
					if got, err := p.Run(context.Background(), []byte(order)); string(got) != want || err != nil {
						t.Errorf("%s: got %s, %v, want %s", text, got, err, want)
						return
					}
				}
			})
		}
		all.Wait()
	}
}

func TestWhatARunIsChargedDoesNotDependOnOthers(t *testing.T) {
	p, err := Compile(`.tags |= map(gsub("[ab]"; "\(.)x")) | {a: tojson, b: [paths]}`)
	if err != nil {
		t.Fatal(err)
	}
	m := p.machines.Get().(*machine)
	var charged []int
	for range 3 {
		m.meter = newMeter(t.Context())
		in, err := m.decode([]byte(order))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.one(in); err != nil {
			t.Fatal(err)
		}
		charged = append(charged, m.work)
	}
	if diff := cmp.Diff([]int{charged[0], charged[0], charged[0]}, charged); diff != "" || charged[0] == 0 {
		t.Errorf("charged %v, want the same for each", charged)
	}
}

// TestOrdinaryProgramsFitTheirLimits runs what people write on the largest original.
func TestOrdinaryProgramsFitTheirLimits(t *testing.T) {
	skipUnderRace(t)
	var b strings.Builder
	b.WriteString(`{"orders":[`)
	for b.Len() < 1<<20-len(order)-10 {
		b.WriteString(order + ",")
	}
	b.WriteString(order + `]}`)
	for _, text := range []string{
		`.`, `{orders: [.orders[] | {id, name: (.name | trim), total: ([.lines[].qty] | add)}]}`, `.orders |= map(del(.deep))`, `.orders |= sort_by(.id)`,
		`.orders |= group_by(.id)`, `walk(if type == "string" then ascii_downcase else . end)`, `.orders[].price |= tostring`, `.orders[].at |= (fromdate | todate)`,
		`{n: [.. | numbers] | length}`, `{all: (tojson | length)}`, `.orders |= map(with_entries(select(.value != null)))`, `.orders |= map(.name |= gsub("[^a-z]"; ""))`, `{same: (.orders == .orders)}`,
	} {
		p, err := Compile(text)
		if err != nil {
			t.Fatal(err)
		}
		m := patient(t, p)
		in, err := m.decode([]byte(b.String()))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.one(in); err != nil {
			t.Errorf("%s: %v", text, err)
		}
		t.Logf("%s: %d MiB of %d", text, m.work>>20, MaxWork>>20)
		m.close()
	}
}

func FuzzProgram(f *testing.F) {
	for i, text := range likeGojq {
		if i%5 == 0 {
			f.Add(text, order)
		}
	}
	f.Fuzz(func(t *testing.T, text, original string) {
		p, err := Compile(text)
		if err != nil {
			if !errors.Is(err, ErrProgram) {
				t.Fatalf("Compile(%q): %v", text, err)
			}
			return
		}
		out, err := p.Run(t.Context(), []byte(original))
		if err == nil && (len(out) > MaxBytes || !json.Valid(out) || out[0] != '{') {
			t.Errorf("%q on %q: %.100s", text, original, out)
		}
		if err != nil && strings.Contains(err.Error(), "interpreter") {
			t.Errorf("%q on %q: %v", text, original, err)
		}
	})
}

func BenchmarkRun(b *testing.B) {
	for _, text := range []string{`.`, `.lines |= map(.qty += 1) | .total = ([.lines[].qty] | add)`, `walk(if type == "string" then ascii_downcase else . end)`} {
		p, err := Compile(text)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(text, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Run(b.Context(), []byte(order)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
