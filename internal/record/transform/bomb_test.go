package transform

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// bombs are programs that would take all memory or hours. Each must end with one of our
// errors, or with a result, within the bounds.
var bombs = []string{
	// strings
	`{a: ("x" * 1e9)}`,
	`{a: (1e9 * "x")}`,
	`{a: ("" * 1e18)}`,
	`{a: (reduce range(60) as $i ("x"; . + .) | length)}`,
	`{a: (reduce range(60) as $i ("x"; "\(.)\(.)") | length)}`,
	`{a: (reduce range(60) as $i ("x"; [., .] | add) | length)}`,
	`{a: (reduce range(60) as $i ("x"; [., .] | join("")) | length)}`,
	`{a: ([range(1e6)] | join("x" * 1e5) | length)}`,
	`{a: (reduce range(40) as $i ("\""; tojson) | length)}`,
	`{a: (reduce range(100) as $i ("x"; @base64) | length)}`,
	`{a: (reduce range(100) as $i ("&"; @html) | length)}`,
	`{a: (reduce range(100) as $i ("'"; @sh) | length)}`,
	`{a: (reduce range(100) as $i ("%"; @uri) | length)}`,
	`{a: (reduce range(100) as $i ("x"; @base64 "\(.)\(.)") | length)}`,
	`("x" * 4e6) as $s | {a: [range(1e9) | $s | ascii_upcase] | length}`,
	`("x" * 4e6) as $s | {a: [range(1e9) | $s | explode] | length}`,
	`("x" * 4e6) as $s | {a: [range(1e9) | $s / ""] | length}`,
	`("x" * 4e6) as $s | {a: [range(1e9) | $s | split("")] | length}`,
	`("x" * 1e6) as $s | {a: [range(1e9) | $s | explode | implode] | length}`,
	`("x" * 1e6) as $s | {a: [range(1e9) | "\($s)\(.)"] | length}`,
	`("x" * 1e6) as $s | {a: [range(1e9) | try error("\($s)\(.)") catch .] | length}`,
	`("x" * 1e6) as $s | {a: $s | [range(1e9) as $i | .[$i]] | length}`,
	`{a: ([range(1e7)] | implode | length)}`,
	`{a: (0 | strftime("%1024Y" * 1e5) | length)}`,

	// arrays and objects
	`{a: [range(1e9)] | length}`,
	`{a: [limit(1e9; repeat(1))] | length}`,
	`{a: [repeat({})] | length}`,
	`{a: [repeat([])] | length}`,
	`{a: [repeat([1])] | length}`,
	`{a: [range(1e9) | {a: .}] | length}`,
	`{a: [range(1e9) | try error catch .] | length}`,
	`{a: [range(1e9) | try ([] | .a) catch .] | length}`,
	`{a: (reduce range(60) as $i ([1]; . + .) | length)}`,
	`{a: (reduce range(60) as $i ([1]; [.[], .[]]) | length)}`,
	`{a: (reduce range(1e9) as $i ([]; . + [$i]) | length)}`,
	`{a: (reduce range(1e9) as $i ({}; . + {"\($i)": 1}) | length)}`,
	`{a: (reduce range(1e9) as $i ({}; .["\($i)"] = 1) | length)}`,
	`{a: (reduce range(1e9) as $i ([]; .[$i] = 1) | length)}`,
	`{a: (null | setpath([1e8]; 1) | length)}`,
	`{a: (null | setpath([1000000, 1000000, 1000000]; 1) | length)}`,
	`{a: (null | .[500000000] = 1 | length)}`,
	`{a: (null | .[500000000] |= 1 | length)}`,
	`{a: (null | .[500000000] += 1 | length)}`,
	`{a: [range(1e9) as $i | null | .[1000000] = $i] | length}`,
	`{a: (null | def f: .[500000000]; f = 1 | length)}`,
	`{a: (null | getpath([500000000]) = 1 | length)}`,
	`{a: (null | pick(.[500000000]) | length)}`,
	`{a: ([[range(1e5)], range(1e5) | [.]] | transpose | length)}`,
	`[range(20000)] as $a | {a: [[$a[] | $a] | transpose] | length}`,
	`[range(1e6)] as $a | {a: [$a[] as $x | $a[] as $y | $a[] as $z | 1] | length}`,
	`[range(1e5)] as $a | def f: $a[] | f; {a: f}`,
	`[range(1e5)] as $a | {a: [limit(1e9; repeat($a | to_entries))] | length}`,
	`{a: [combinations] | length}`,
	`[range(100)] as $a | {a: [[range(50) | $a] | combinations] | length}`,
	`{a: ([range(10)] | [combinations(50)] | length)}`,
	`{a: [paths] | length} | [range(1e6)] | [paths] | {a: length}`,
	`[range(1e6)] | with_entries(.) | {a: length}`,
	`[range(1e6)] | map(map_values(.)) | {a: length}`,
	`[range(1e6)] | [tostream] | {a: length}`,
	`{a: [range(1e9) | tostring] | unique | length}`,
	`{a: INDEX(range(1e9); .) | length}`,
	`{a: ([range(1e6)] | map(del(.[0])) | length)}`,
	`{a: ([range(1e5)] | del(.[range(1e5)]) | length)}`,
	`{a: ([range(1e4)] | delpaths([range(1e4) as $i | [{start: 0, end: $i}, 0]]) | length)}`,

	// shared values: small here, huge to whoever walks them
	`{a: (reduce range(100) as $i ("x"; [., .]) | tojson | length)}`,
	`{a: (reduce range(100) as $i ("x"; [., .]) | tostring | length)}`,
	`{a: (reduce range(100) as $i ("x"; [., .]) | "\(.)" | length)}`,
	`{a: (reduce range(100) as $i ("x"; [., .]) | flatten | length)}`,
	`{a: (reduce range(100) as $i ("x"; [., .]) | . == (reduce range(100) as $i ("x"; [., .])))}`,
	`{a: (reduce range(100) as $i ("x"; [., .]) | [., .] | sort | length)}`,
	`{a: (reduce range(100) as $i ("x"; [., .]) | [., .] | unique | length)}`,
	`{a: (reduce range(100) as $i ("x"; [., .]) | [., .] | group_by(.) | length)}`,
	`{a: (reduce range(100) as $i ("x"; [., .]) | [., .] | min_by(.) | length)}`,
	`{a: (reduce range(100) as $i ("x"; [., .]) | contains([["y"]]))}`,
	`{a: (reduce range(100) as $i ("x"; [., .]) | inside([["y"]]))}`,
	`{a: (reduce range(100) as $i ("x"; [., .]) | index([["y"]]))}`,
	`{a: (reduce range(100) as $i ("x"; [., .]) | . - .)}`,
	`{a: (reduce range(100) as $i ("x"; [., .]) | del(.[0][0]) | length)}`,
	`{a: (reduce range(100) as $i ("x"; [., .]) | [paths] | length)}`,
	`{a: (reduce range(100) as $i ("x"; [., .]) | [..] | length)}`,
	`{a: (reduce range(100) as $i ("x"; [., .]) | walk(.) | length)}`,
	`{a: (reduce range(100) as $i ("x"; [., .]) | @sh)}`,
	`{a: (reduce range(100) as $i ("x"; [., .]) | try error catch 1)}`,
	`reduce range(100) as $i ("x"; [., .]) | error`,
	`{a: (reduce range(100) as $i ("x"; [., .]))}`,
	`{a: (reduce range(20) as $i ("x"; [., .]))}`,
	`{a: (reduce range(100) as $i ({}; {a: ., b: .}) | . * .)}`,
	`{a: (reduce range(100) as $i ({}; {a: ., b: .}) | tojson)}`,
	`{a: (reduce range(100) as $i ({}; {a: ., b: .}) | tostream)}`,
	`reduce range(100) as $i ({}; {a: ., b: .})`,
	`{a: (reduce range(100) as $i ({}; {a: ., b: .}) | .. |= .)}`,
	`("x" * 1e6) as $s | {a: [range(1000) | $s]}`,
	`("\u0000" * 1e6) as $s | {a: $s}`,

	// depth: a Go stack that overflows ends the process
	`reduce range(1e7) as $i (null; [.])`,
	`{a: (reduce range(3e5) as $i (null; [.]) | tojson | length)}`,
	`{a: (reduce range(3e5) as $i (null; [.]) | flatten | length)}`,
	`{a: (reduce range(3e5) as $i (null; {a: .}) | . == .)}`,
	`{a: (reduce range(3e5) as $i (null; {a: .}) | . * .)}`,
	`{a: (reduce range(3e5) as $i (null; {a: .}) | .. |= .)}`,
	`{a: (reduce range(3e5) as $i (null; {a: .}) | [..] | length)}`,
	`{a: (reduce range(3e5) as $i (null; {a: .}) | try (. + 1) catch .)}`,
	`{a: ([range(1e6) | 0] as $p | null | setpath($p; 1) | tojson | length)}`,
	`{a: ([range(1e6) | "a"] as $p | reduce range(100) as $i (null; setpath($p; .)) | tojson | length)}`,
	`{a: ("[" * 1e6 | fromjson)}`,
	`{a: (("[" * 1e6) + ("]" * 1e6) | fromjson | tojson)}`,
	`{a: ("{\"a\":" * 1e6 | fromjson)}`,

	// recursion
	`def f: f; f`,
	`def f: 1 + f; f`,
	`def f: [f]; f`,
	`def f: {a: f}; f`,
	`def f: f | f; f`,
	`def f: (f, f); f`,
	`def f(g): f(g | g); f(.)`,
	`def f($x): f($x + 1) + 1; {a: f(0)}`,
	`def f: path(f); f`,
	`def f: try f catch f; f`,
	`def f: try (f | error) catch f; f`,
	`def f: . as $x | f as $y | $x; f`,
	`[recurse(.)] | {a: length}`,
	`{a: last(repeat(1))}`,
	`{a: [while(true; .)] | length}`,
	`until(false; .)`,
	`last(range(1e18)) as $x | {a: $x}`,
	`{a: isempty(range(1e18) | select(. < 0))}`,
	`label $out | foreach range(1e18) as $i (0; . + $i; empty)`,
	`{a: [limit(1e12; range(1e18) | empty)]}`,

	// big integers
	`{a: (reduce range(100) as $i (10; . * .))}`,
	`{a: (reduce range(1e5) as $i (1; . * 10))}`,
	`{a: (reduce range(1e9) as $i (9223372036854775807; . + .))}`,
	`{a: ("9" * 1e6 | tonumber)}`,
	`{a: ("9" * 1e6 | fromjson | . * .)}`,
	`{a: ("1e1000000000" | fromjson)}`,
	`{a: ("0." + "1" * 1e6 | fromjson | [range(1e6) as $i | . + $i] | length)}`,
	`{a: 1e1000}`,
	`{a: [range(1e300; 1e301)] | length}`,

	// regular expressions
	`("a" * 1e6) as $s | {a: [$s | match("a"; "g")] | length}`,
	`("a" * 1e6) as $s | {a: [$s | match(""; "g")] | length}`,
	`("a" * 1e6) as $s | {a: [$s | match("(a)(a)(a)(a)(a)"; "g")] | length}`,
	`("a" * 1e6) as $s | {a: $s | gsub("a"; "b" * 1000) | length}`,
	`("a" * 1e6) as $s | {a: $s | [splits("a")] | length}`,
	`("a" * 1e6) as $s | {a: [range(1000) | $s | test("(a|b)*c")] | length}`,
	`{a: ("(" + "a" * 10000 + "){1000}") as $re | "a" | test($re)}`,
	`{a: [range(1e9) as $i | "a" | test("a{\($i % 1000)}b\($i)")] | length}`,
	`{a: [range(1e9) as $i | "a" | test("(abcdefghijk){900}b\($i)")] | length}`,
	`{a: ("a" * 1e5) | test("((a?){30}){30}b")}`,
	`{a: ("a" * 1e5 | [match("a*b|a"; "g")] | length)}`,
	`{a: ("a" * 1e6 | [match("a*b|a"; "g")] | length)}`,
	`{a: ("a" * 3e5 | gsub("a*b|a"; "") | length)}`,
	`{a: ("a" * 3e5 | [splits("(a?){50}b|a")] | length)}`,
	`("a" * 1e6) as $s | {a: [$s | indices("a")] | length}`,
	`("a" * 1e6) as $s | {a: [$s | indices("a" * 5e5)] | length}`,
	`[range(1e6) | 0] as $s | {a: [$s | indices([range(1e5) | 0])] | length}`,
	`[range(1e5)] as $s | {a: ($s - [range(1e5; 2e5)]) | length}`,
	`[range(3e5)] as $s | {a: [limit(100; repeat($s | sort))] | length}`,
	`[range(3e5) | tostring] as $s | {a: [limit(100; repeat($s | sort_by(.)))] | length}`,
	`[range(1e6)] | .[[1]] | {a: length}`,
	`reduce range(60) as $i ([0]; [., .]) | .[[[0]]] | {a: length}`,
	`{a: ([[0], 0] | . as {([0]): $x} | $x)}`,
}

// heapBound is what the whole process may grow by while one bomb runs. Above MaxWork and
// MaxStack it leaves room for what the collector, in a hurry, has not yet collected.
const heapBound = 2 * (MaxWork + MaxStack)

// hurry has little garbage counted with what is in use.
func hurry(t *testing.T) {
	old := debug.SetGCPercent(20)
	t.Cleanup(func() { debug.SetGCPercent(old) })
}

func TestBombsEndWithinTheirBounds(t *testing.T) {
	skipUnderRace(t)
	hurry(t)
	for i, text := range bombs {
		if testing.Short() && i%8 != 0 {
			continue // those that take their second add up
		}
		p, err := Compile(text)
		if err != nil {
			if !errors.Is(err, ErrProgram) {
				t.Errorf("%s: Compile: %v", text, err)
			}
			continue
		}
		runtime.GC()
		var out []byte
		start := time.Now()
		peak := peakHeap(func() { out, err = p.Run(t.Context(), []byte(`{"a":[1,2,3]}`)) })
		took := time.Since(start)
		if took > 10*TimeLimit || peak > heapBound {
			t.Errorf("%s: took %v, want at most %v; %d MiB, want at most %d", text, took, 10*TimeLimit, peak>>20, heapBound>>20)
		}
		if err == nil && len(out) > MaxBytes {
			t.Errorf("%s: %d bytes, want at most %d", text, len(out), MaxBytes)
		}
		if err != nil && !isOurs(err) {
			t.Errorf("%s: got error %v, want one of the package's", text, err)
		}
		if testing.Verbose() {
			t.Logf("%4d ms %4d MiB %s: %.80v %s", took.Milliseconds(), peak>>20, text, err, clip(string(out)))
		}
	}
}

func isOurs(err error) bool {
	for _, e := range []error{ErrRun, ErrResult, ErrTooLarge, ErrTime, ErrWork} {
		if errors.Is(err, e) {
			return !strings.Contains(err.Error(), "interpreter")
		}
	}
	return false
}

// peakHeap runs f and returns the most that the heap grew by, as looked at each
// millisecond.
func peakHeap(f func()) (peak int64) {
	before := heapBytes()
	done := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			peak = max(peak, heapBytes()-before)
			select {
			case <-done:
				return
			case <-time.After(time.Millisecond):
			}
		}
	})
	f()
	after := heapBytes() - before
	close(done)
	watch.Wait()
	return max(peak, after)
}

func heapBytes() int64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/memory/classes/heap/stacks:bytes"}}
	metrics.Read(sample)
	return int64(sample[0].Value.Uint64() + sample[1].Value.Uint64())
}

// TestWhatIsHeldWasChargedFor makes many of each thing that a program can make, and holds
// what they take against what was charged for them.
func TestWhatIsHeldWasChargedFor(t *testing.T) {
	skipUnderRace(t)
	const many = 1000
	for _, text := range []string{
		`.`, `. + 0.5`, `9223372036854775807 + .`, `-(9223372036854775807 + .)`, `. / 3`, `[]`, `{}`, `[.]`, `[[[.]]]`, `[.,.]`, `[.,.,.,.,.]`, `{a: .}`, `{a: {b: .}}`, `{a: ., b: 1, c: 1, d: 1, e: 1, f: 1, g: 1, h: 1, i: 1}`,
		`[range(100)]`, `[range(1000)] | .[:10]`, `{} | .a = 1`, `{} | .a |= 1`, `{a: 1} | .b.c = 1`, `[1,2] | .[0] = 2`, `null | .[9] = 1`, `null | setpath(["a", 3]; 1)`, `{a: 1, b: 2} | del(.a)`, `{a: [1,2,3]} | .a[1:] = [3]`, `reduce range(20) as $i ({}; .["\($i)"] = $i)`, `reduce range(20) as $i ([]; .[$i] = $i)`,
		`{a: 1} * {a: 2}`, `{a: {b: 1}} * {a: {c: 2}}`, `{a: 1} + {b: 2}`, `[1] + [2]`, `[1,2] - [1]`, `"a" + "b"`, `"a" * 10`, `"abcdefgh" * 1000`, `"a,b" / ","`, `tostring`, `"\(.)x"`, `[.] | tojson`, `@base64 "\(.)"`, `[., "a"] | @csv`, `"<" | @html`, `"é" | @uri`,
		`"{\"a\":1}" | fromjson`, `"[[1],2.5,\"x\"]" | fromjson`, `"[1,2,3,4,5,6,7,8,9]" | fromjson`, `"12" | tonumber`, `"ab" | explode`, `"ab" | split("")`, `[97, 98] | implode`, `"ab" | ascii_upcase`, `[1,2] | keys`, `{a: 1, b: 2} | keys`, `{a: 1} | to_entries`, `[{key: "a", value: 1}] | from_entries`, `{a: 1} | with_entries(.)`, `{a: 1} | map_values(.)`, `{a: [1]} | walk(.)`,
		`"a" | capture("(?<x>a)")`, `"a" | match("(a)")`, `[("ab" | match("."; "g"))]`, `"ab" | [scan(".")]`, `"a b" | [splits(" ")]`, `"ab" | gsub("a"; "cc")`, `[{a: 1}, {b: 2}] | add`, `[[1], [2]] | add`, `["a", "b"] | add`, `["a", "b"] | join("-")`, `[1, 2] | group_by(.)`, `[2, 1] | sort`, `[2, 1] | sort_by(-.)`, `[2, 1, 2] | unique`, `[3, [4]] | flatten`, `[[1, 2]] | transpose`, `[1, 2] | reverse`, `[1, 2, 1] | indices(1)`, `{a: 1} | [paths]`, `path(.)`, `[1] | [tostream]`, `[1] | fromstream(tostream)`, `INDEX(1, 2; .)`, `[[1, 2]] | [combinations]`,
		`0 | gmtime`, `1.5 | frexp`, `1.5 | modf`, `. | todate`, `"2015-03-05T23:51:47Z" | strptime("%Y-%m-%dT%H:%M:%SZ")`, `strftime("%1024Y")`, `try error("x\(.)") catch .`, `try error catch .`, `try ([] | .a) catch .`, `try ({a: 1} + 1) catch .`, `try ("x" * 100 | tonumber) catch .`, `{a: 1} as {a: $x} | [$x]`, `pick(.)?`, `[limit(3; repeat(1))]`, `[., 1] | min_by(.)`, `..`,
	} {
		p, err := Compile(fmt.Sprintf(`[range(%d) | %s]`, many, text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		m := patient(t, p)
		before := inUse()
		v, err := m.one(map[string]any{})
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		held := inUse() - before
		if charged := int64(m.work); held > charged {
			t.Errorf("%s: holds %d bytes, charged for %d", text, held/many, charged/many)
		} else if testing.Verbose() {
			t.Logf("%s: holds %d bytes, charged for %d", text, held/many, charged/many)
		}
		m.close()
		runtime.KeepAlive(v)
	}
}

// patient is a machine of a program's with time enough, however slow the computer is.
func patient(t testing.TB, p *Program) *machine {
	m := p.machines.Get().(*machine)
	m.meter = newMeter(t.Context())
	m.deadline = time.Now().Add(time.Minute)
	return m
}

func inUse() int64 {
	var s runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&s)
	return int64(s.HeapAlloc)
}

func TestBombsTogetherDoNotAddUp(t *testing.T) {
	skipUnderRace(t)
	hurry(t)
	p, err := Compile(`{a: [range(1e9) | {a: .}] | length}`)
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	peak := peakHeap(func() {
		var all sync.WaitGroup
		for range 16 {
			all.Go(func() {
				if _, err := p.Run(t.Context(), []byte(`{}`)); !errors.Is(err, ErrWork) && !errors.Is(err, ErrTime) {
					t.Errorf("got %v, want %v", err, ErrWork)
				}
			})
		}
		all.Wait()
	})
	if bound := int64(heapBound + 2*16*(lightWork+lightStack)); peak > bound {
		t.Errorf("16 bombs took %d MiB, want at most %d", peak>>20, bound>>20)
	}
}

func TestASmallRunIsNotBlamedForABombBesideIt(t *testing.T) {
	bomb, err := Compile(`{a: [range(1e9) | {a: .}] | length}`)
	if err != nil {
		t.Fatal(err)
	}
	small, err := Compile(`.a |= map(. + 1)`)
	if err != nil {
		t.Fatal(err)
	}
	var stop atomic.Bool
	var bombing sync.WaitGroup
	for range 4 {
		bombing.Go(func() {
			for !stop.Load() {
				bomb.Run(context.Background(), []byte(`{}`))
			}
		})
	}
	for range 1000 {
		if out, err := small.Run(t.Context(), []byte(`{"a":[1,2,3]}`)); string(out) != `{"a":[2,3,4]}` || err != nil {
			t.Errorf("got %s, %v", out, err)
		}
	}
	stop.Store(true)
	bombing.Wait()
}

func TestTheMeterSeesTheInterpretersStacks(t *testing.T) {
	skipUnderRace(t)
	p, err := Compile(`def f: 1 + f; {a: f}`)
	if err != nil {
		t.Fatal(err)
	}
	m := patient(t, p)
	defer m.close()
	_, err = m.one(map[string]any{})
	if want := fmt.Sprint(ErrWork, ": it calls itself too deep"); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// skipUnderRace leaves out what the race detector makes ten times as slow: there the
// clock ends what is to end by its charges.
func skipUnderRace(t *testing.T) {
	t.Helper()
	info, _ := debug.ReadBuildInfo()
	if info != nil && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Skip("the race detector is too slow for bombs")
	}
}
