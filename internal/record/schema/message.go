package schema

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
)

func typeMessage(want []string, v any) string {
	for i, t := range want {
		switch t {
		case "null":
		case "integer":
			want = replaced(want, i, "a whole number")
		case "array", "object":
			want = replaced(want, i, "an "+t)
		default:
			want = replaced(want, i, "a "+t)
		}
	}
	got, article := typeOf(v)
	return fmt.Sprintf("must be %s, not %s%s", strings.Join(want, " or "), article, got)
}

func replaced(all []string, i int, s string) []string {
	all = append([]string(nil), all...)
	all[i] = s
	return all
}

const maxShown = 10 // values of an enum

func enumMessage(all []constant) string {
	var shown []string
	for _, c := range all[:min(len(all), maxShown)] {
		shown = append(shown, show(c.value))
	}
	if more := len(all) - maxShown; more > 0 {
		shown = append(shown, fmt.Sprintf("or one of %d more", more))
	}
	if len(all) == 0 {
		return "is not allowed: the schema's enum has no values"
	}
	return clip("must be one of " + strings.Join(shown, ", "))
}

// show writes a value of the schema's as JSON, shortened.
func show(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return clip(string(b))
}

// showRational writes a limit as a decimal if it has one of few digits.
func showRational(r *big.Rat) string {
	if places, exact := r.FloatPrec(); exact && places < 20 {
		return clip(r.FloatString(places))
	}
	f, _ := r.Float64()
	return fmt.Sprint(f)
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
