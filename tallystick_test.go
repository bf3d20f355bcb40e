package tallystick

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/tallystick/tallystick/internal/gateway"
)

// TestOneNameForAFunction: folder, name, entry point and backend are one word.
func TestOneNameForAFunction(t *testing.T) {
	folders, err := os.ReadDir("functions")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, f := range folders {
		want = append(want, f.Name())
	}
	var got []string
	addresses := make(map[string]string)
	for _, f := range Functions {
		got = append(got, f.Name)
		if entry := strings.ToUpper(f.Name[:1]) + f.Name[1:]; f.EntryPoint != entry {
			t.Errorf("function %s has the entry point %s, want %s", f.Name, f.EntryPoint, entry)
		}
		addresses[strings.ToUpper(f.Name)+"_URL"] = "https://" + f.Name + ".test"
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the table has the functions %q, functions/ has the folders %q", got, want)
	}
	if _, err := gateway.Render(GatewayConfig, addresses); err != nil {
		t.Errorf("the functions and the backends of gateway-config.yaml are not the same: %v", err)
	}
}
