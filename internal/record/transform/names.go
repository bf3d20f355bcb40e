package transform

// A native is a function of gojq's that a program may call, and the function of ours that
// is called before it, on the same input and arguments, to charge for it.
type native struct {
	guard string // empty if it takes no more than an instruction does
	late  bool   // the guard follows, for what the arguments are is known only then
}

// natives are gojq's functions by name and number of arguments. What is here without a
// guard makes nothing larger than a number, does not recurse, and calls only such
// functions; or it is defined in jq of such, and takes closures.
var natives = func() map[string]native {
	all := map[string]native{}
	for guard, names := range map[string][]string{
		"": {
			"empty/0", "not/0", "select/1", "recurse/1", "recurse/2", "while/2", "until/2", "repeat/1",
			"range/1", "range/2", "range/3", "first/0", "first/1", "last/0", "last/1", "limit/2", "skip/2",
			"isempty/1", "all/2", "any/2", "in/1", "has/1", "length/0", "utf8bytelength/0", "type/0", "abs/0",
			"arrays/0", "objects/0", "iterables/0", "booleans/0", "numbers/0", "strings/0", "nulls/0",
			"values/0", "scalars/0", "finites/0", "normals/0", "toboolean/0",
			"startswith/1", "endswith/1", "ltrimstr/1", "rtrimstr/1", "trimstr/1", "ltrim/0", "rtrim/0", "trim/0",
			"infinite/0", "nan/0", "isinfinite/0", "isnan/0", "isfinite/0", "isnormal/0",
			"floor/0", "ceil/0", "round/0", "trunc/0", "rint/0", "nearbyint/0", "fabs/0", "sqrt/0", "cbrt/0",
			"exp/0", "exp2/0", "exp10/0", "expm1/0", "log/0", "log2/0", "log10/0", "log1p/0", "logb/0",
			"sin/0", "cos/0", "tan/0", "asin/0", "acos/0", "atan/0", "sinh/0", "cosh/0", "tanh/0", "asinh/0", "acosh/0", "atanh/0",
			"gamma/0", "lgamma/0", "tgamma/0", "erf/0", "erfc/0", "significand/0",
			"pow/2", "atan2/2", "fmod/2", "fmax/2", "fmin/2", "fdim/2", "hypot/2", "copysign/2", "drem/2", "remainder/2",
			"ldexp/2", "scalb/2", "scalbln/2", "nextafter/2", "nexttoward/2", "fma/3",
			"mktime/0",
		},
		"__several": {"gmtime/0", "frexp/0", "modf/0"},
		"__shallow": {"ascii_downcase/0", "ascii_upcase/0", "implode/0", "reverse/0", "keys/0", "_captures/0"},
		"__split":   {"explode/0", "split/1"},
		"__tree":    {"min/0", "max/0", "flatten/0", "flatten/1", "add/0", "error/0", "error/1", "_min_by/1", "_max_by/1"},
		"__sort":    {"sort/0", "unique/0", "_sort_by/1", "_unique_by/1", "_group_by/1"},
		"__encode": {"tojson/0", "tostring/0", "format/1", "_tohtml/0", "_touri/0", "_tourid/0", "_tocsv/0", "_totsv/0",
			"_tosh/0", "_tobase64/0", "_tobase64d/0"},
		"__contains":  {"contains/1", "inside/1"},
		"__search":    {"indices/1", "index/1", "rindex/1", "bsearch/1"},
		"__join":      {"join/1"},
		"__transpose": {"transpose/0"},
		"__digits":    {"tonumber/0"},
		"__place":     {"getpath/1"},
		"__timetext":  {"strftime/1", "strptime/1"},
	} {
		for _, name := range names {
			all[name] = native{guard: guard}
		}
	}
	all["path/1"] = native{guard: "__shallow", late: true}
	return all
}()

// refused are the functions that programs know from jq and a transform may not have.
var refused = map[string]string{
	"now":               "it depends on the clock",
	"localtime":         "it depends on the time zone of the machine; gmtime does not",
	"strflocaltime":     "it depends on the time zone of the machine; strftime does not",
	"env":               "there is no environment",
	"$ENV":              "there is no environment",
	"input":             "a transform has one input, .",
	"inputs":            "a transform has one input, .",
	"input_filename":    "a transform has one input, .",
	"input_line_number": "a transform has one input, .",
	"debug":             "there is nowhere to write to",
	"stderr":            "there is nowhere to write to",
	"halt":              "use empty or error",
	"halt_error":        "use error",
	"builtins":          "what it says changes from version to version",
	"modulemeta":        "there are no modules",
	"get_search_list":   "there are no modules",
	"jn":                "its time is not bounded",
	"yn":                "its time is not bounded",
	"j0":                "the Bessel functions are left out",
	"j1":                "the Bessel functions are left out",
	"y0":                "the Bessel functions are left out",
	"y1":                "the Bessel functions are left out",
}
