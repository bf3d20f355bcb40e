package archive_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tallystick/tallystick/internal/archive"
	"github.com/tallystick/tallystick/internal/partner"
)

// TestTheFormatStays: people have such archives, and other programs read them. It has an
// entity of each kind, in the order of version 1.
func TestTheFormatStays(t *testing.T) {
	first := []string{
		`{"format":"tallystick-archive","version":1,"time":"2126-11-21T12:00:00Z","program":"test","without":["Salt","Restore"]}` + "\n",
		`{"partner":{"id":"acme","types":["stock.*"],"skus":["ACME-*"],"texts":["raw"]}}` + "\n",
	}
	entities := []string{
		`{"kind":"Page","name":"/","index":{"rank":{"integer":9007199254740993}},"data":"AAH/","expire":"2126-11-21T12:00:00.123456Z"}`,
		`{"kind":"Collection","name":"c"}`,
		`{"kind":"Settings","name":"c@1"}`,
		`{"kind":"Item","name":"A"}`,
		`{"kind":"Movements","name":"A"}`,
		`{"kind":"Reservations","name":"A"}`,
		`{"kind":"StockAlert","name":"A"}`,
		`{"kind":"PartnerUpdate","name":"A"}`,
		`{"kind":"Delivery","name":"A"}`,
		`{"kind":"Idempotency","name":"A"}`,
		`{"kind":"Record.c","name":"Grüße \"<&>","index":{"b_x":{"boolean":false},"n_x":{"number":"-Infinity"},"n_y":{"number":0.1},"s_x":{"string":""},"t_x":{"time":"0001-01-01T00:00:00Z"}}}`,
		`{"kind":"Revision.c","name":"A"}`,
		`{"kind":"Part.c","name":"A"}`,
	}
	text := slices.Clone(first)
	var counts []string
	for _, e := range entities {
		text = append(text, e+"\n")
		kind := strings.Split(e, `"`)[3]
		counts = append(counts, fmt.Sprintf("%q:1", kind))
	}
	slices.Sort(counts)
	want := sealed(text, len(entities), strings.Join(counts, ","))
	store := openSQLite(t)
	if err := read(t, packed(t, want), store); err != nil {
		t.Fatal(err)
	}
	acme := &partner.Partner{ID: "acme", Types: []string{"stock.*"}, SKUs: []string{"ACME-*"}, Texts: []partner.Text{"raw"}}
	file, _ := write(t, store, []*partner.Partner{acme})
	got := lines(t, file)
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Fatalf("line %d of what is written again is\n%swant\n%s", i+1, strings.Join(got[min(i, len(got)):min(i+1, len(got))], ""), want[i])
		}
	}
	for _, k := range archive.Kinds("c") {
		if !k.Private && !strings.Contains(strings.Join(entities, ""), fmt.Sprintf("{%q:%q,", "kind", k.Name)) {
			t.Errorf("there is no %s in this test: add it where it stands in Kinds", k.Name)
		}
	}
}
