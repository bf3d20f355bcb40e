# The functions of jq's manual that collect, compare or update, as the manual defines
# them. They are rewritten as programs are, which gojq's own definitions are not.
# A function is defined before those that use it.

def recurse: recurse(.[]?);
def map(f): [.[] | f];
def add(f): [f] | add;
def map_values(f): .[] |= f;
def all(f): all(.[]; f);
def all: all(.[]; .);
def any(f): any(.[]; f);
def any: any(.[]; .);
def nth($n): .[$n];
def nth($n; g): if $n < 0 then error("nth doesn't support negative index") else first(skip($n; g)) end;

def to_entries: [keys[] as $k | {key: $k, value: .[$k]}];
def from_entries: map({(.key // .Key // .name // .Name): (if has("value") then .value else .Value end)}) | add // {};
def with_entries(f): to_entries | map(f) | from_entries;

def sort_by(f): _sort_by(map([f]));
def group_by(f): _group_by(map([f]));
def unique_by(f): _unique_by(map([f]));
def min_by(f): _min_by(map([f]));
def max_by(f): _max_by(map([f]));

def setpath($p; $v): __edit | __set($p; $v) | __edited;
def delpaths($ps): reduce ($ps | if type == "array" then .[] else error("delpaths: the paths must be an array") end) as $p (__edit; __unset($p)) | __edited;
def del(f): delpaths([path(f)]);
def paths: path(..) | select(length > 0);
def paths(f): path(.. | select(f)) | select(length > 0);
def pick(f): . as $v | reduce path(f) as $p (null; setpath($p; $v | getpath($p)));
def walk(f): def w: if type == "array" then map(w) elif type == "object" then map_values(w) else . end | f; w;

def combinations: if length == 0 then [] else .[0][] as $x | [$x] + (.[1:] | combinations) end;
def combinations(n): [limit(n; repeat(.))] | combinations;

def tostream: path(def r: (.[]? | r), .; r) as $p | getpath($p) | reduce path(.[]?) as $q ([$p, .]; [$p + $q]);
def fromstream(f): foreach f as $pv (null;
    if .e then null end
    | $pv as [$p, $v]
    | if $pv | length == 2 then setpath(["v"] + $p; $v) | setpath(["e"]; $p | length == 0)
      else setpath(["e"]; $p | length == 1) end;
    if .e then .v else empty end);
def truncate_stream(f): . as $n | null | f | if .[0] | length > $n then .[0] |= .[$n:] else empty end;

def INDEX(stream; f): reduce stream as $row ({}; .[$row | f | tostring] = $row);
def INDEX(f): INDEX(.[]; f);
def JOIN($index; f): [.[] | [., $index[f]]];
def JOIN($index; stream; f): stream | [., $index[f]];
def JOIN($index; stream; f; g): stream | [., $index[f]] | g;
def IN(s): any(s == .; .);
def IN(source; s): any(source == s; .);

def fromjson: __fromjson;
def todateiso8601: strftime("%Y-%m-%dT%H:%M:%SZ");
def fromdateiso8601: strptime("%Y-%m-%dT%H:%M:%S%z") | mktime;
def todate: todateiso8601;
def fromdate: fromdateiso8601;

# A regular expression is a text, or an array of it and its flags.
def match($re; $flags): __match($re; $flags)[];
def match($re): if $re | type == "array" then match($re[0]; $re[1]) else match($re; null) end;
def test($re; $flags): __test($re; $flags);
def test($re): if $re | type == "array" then test($re[0]; $re[1]) else test($re; null) end;
def capture($re; $flags): match($re; $flags) | .captures | _captures;
def capture($re): if $re | type == "array" then capture($re[0]; $re[1]) else capture($re; null) end;
def scan($re; $flags): match($re; $flags + "g") | if .captures == [] then .string else [.captures[].string] end;
def scan($re): scan($re; null);
def splits($re; $flags): __pieces($re; $flags + "g") as [$pieces, $rest] | $pieces[][0], $rest;
def splits($re): splits($re; null);
def split($re; $flags): [splits($re; $flags)];
def sub($re; f; $flags): __pieces($re; $flags) as [$pieces, $rest] | [($pieces[] | .[0], first(.[1] | f)), $rest] | add;
def sub($re; f): sub($re; f; null);
def gsub($re; f; $flags): sub($re; f; $flags + "g");
def gsub($re; f): gsub($re; f; "");
