package gateway

import (
	"strings"
	"testing"
)

func TestRender(t *testing.T) {
	rows := []struct {
		name      string
		config    string
		addresses map[string]string
		want      string
		err       string
	}{
		{"every place is filled", "a: ${A}\nb: ${B}/x\nc: ${A}\nd: $A $ref {A}\n", map[string]string{"A": "http://a", "B": "http://$1"},
			"a: http://a\nb: http://$1/x\nc: http://a\nd: $A $ref {A}\n", ""},
		{"nothing to fill", "a: b\n", nil, "a: b\n", ""},
		{"missing", "a: ${A} ${C} ${B} ${C}", map[string]string{"A": "x"}, "", "no address for B, C"},
		{"empty name", "a: ${}", nil, "", "no address for "},
		{"unused", "a: ${A}", map[string]string{"A": "x", "D": "y", "C": "y"}, "", "no place for the address of C, D"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			got, err := Render([]byte(row.config), row.addresses)
			if string(got) != row.want {
				t.Errorf("got  %q\nwant %q", got, row.want)
			}
			if (err == nil) != (row.err == "") || err != nil && !strings.Contains(err.Error(), row.err) {
				t.Errorf("error %v, want %q", err, row.err)
			}
		})
	}
}
